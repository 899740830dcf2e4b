import type { Config } from '../config/config.ts'
import { utc } from '../domain/duration.ts'
import type { Instant } from '../domain/probe.ts'
import { type ClockChanges, clockChangesOf, gapInWords, type Outlook, outlookOf } from '../schedule/outlook.ts'

/** A schedule of the configuration: that of a monitor, or of the digest. */
export type Scheduled = Readonly<{
  what: string
  schedule: string
  timezone: string
  outlook: Outlook
  changes: ClockChanges
}>

export function schedulesOf({ monitors, digest }: Config, now: Instant): readonly Scheduled[] {
  const all = [
    ...monitors.map(({ name, schedule, timezone }) => ({ what: `monitor ${name}`, schedule, timezone })),
    ...(digest === null ? [] : [{ what: 'digest', schedule: digest.schedule, timezone: digest.timezone }]),
  ]
  return all.map((one) => ({
    ...one,
    outlook: outlookOf(one.schedule, one.timezone, now),
    changes: clockChangesOf(one.schedule, one.timezone, now),
  }))
}

/** What may surprise about a schedule, as advice. */
export function scheduleWarnings(all: readonly Scheduled[]): readonly string[] {
  return all.flatMap(({ what, schedule, outlook: { warning, next } }) =>
    warning === null ? [] : [`${what} ("${schedule}"): ${warning}, next at ${next === null ? 'no time in sight' : utc(next)}`],
  )
}

export function scheduleNotes(all: readonly Scheduled[]): readonly string[] {
  return all.flatMap(({ what, schedule, timezone, outlook, changes }) =>
    [...outlook.meaning, ...changesText(changes, timezone)].map((words) => `${what} ("${schedule}"): ${words}`),
  )
}

function changesText({ skipped, repeated }: ClockChanges, timezone: string): readonly string[] {
  return [
    ...(skipped === null
      ? []
      : [`clocks in ${timezone} skip a time that it names; it runs when they are set ahead, at ${utc(skipped)}`]),
    ...(repeated === null
      ? []
      : [
          `clocks in ${timezone} are set back at ${utc(repeated)}, so that a time it names comes twice; it runs the first time only`,
        ]),
  ]
}

export function nextText({ outlook: { next } }: Pick<Scheduled, 'outlook'>): string {
  return next === null ? 'never' : utc(next)
}

export function gapText({ outlook: { longestGapMs } }: Pick<Scheduled, 'outlook'>): string {
  return gapInWords(longestGapMs)
}

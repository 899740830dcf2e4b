import type { Facts, ProbeFacts } from '../domain/notification.ts'
import { type Family, HOUR_MS, type Instant } from '../domain/probe.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { capital, stop } from './sentence.ts'
import { hhmmss } from './times.ts'

/** Who gets an email that concerns no monitor, and how to change that. */
export const CONCERNS_NO_MONITOR =
  'This belongs to no monitor, so it goes to every recipient without `after`. Set `selfAlerts: false` for a recipient to opt out.'

const ORIGINAL_ALERT: Readonly<Record<Family, string>> = {
  outage: 'You received the original alert.',
  misconfigured: 'You received the original alert.',
  offline: 'You received the alert that this host was offline.',
  blind: 'You received the alert that there were no results.',
}

const WHAT_IT_WAS: Readonly<Record<Family, string>> = {
  outage: 'an outage',
  misconfigured: 'a problem in our own setup',
  offline: 'a network failure',
  blind: 'missing results',
}

/** Why this recipient gets this email. */
export function whySent(facts: Facts, isMerged: boolean, limits: Limits): string {
  const { kind, incident } = facts
  if (kind === 'recovered' || kind === 'now-explained' || kind === 'dropped') {
    if (isMerged) return 'The original alert did not reach you, so this email covers both.'
    return ORIGINAL_ALERT[incident?.family ?? 'outage']
  }
  const continues = incident?.continues ?? null
  return [
    ...decision(facts, limits),
    ...failedRuns(facts, limits),
    ...(incident?.family === 'offline' ? [CONCERNS_NO_MONITOR] : []),
    ...(continues === null
      ? []
      : [`It continues incident ${foreign(continues.id, limits.word)}, which was ${WHAT_IT_WAS[continues.family]}.`]),
  ].join(' ')
}

/** The decision's own reason, unless the first sentence or the one on AWS Health gives it. Why Alibi is blind is given nowhere else. */
function decision({ kind, reason, probes }: Facts, limits: Limits): readonly string[] {
  const isGiven = kind !== 'blind' && probes.some(({ verdict, lapsed }) => reason === verdict.why || reason === lapsed)
  return isGiven ? [] : [stop(capital(foreign(reason, limits.sentence)))]
}

/** "7 of 7 runs failed since 11:58:02Z (threshold: 3 of 5 runs fail)." */
function failedRuns({ probes: [first], at, monitors }: Facts, limits: Limits): readonly string[] {
  const counted = first === undefined ? null : countOf(first, at)
  const threshold = monitors[0] === undefined ? null : `threshold: ${foreign(monitors[0].threshold, limits.sentence)}`
  if (counted === null) return threshold === null ? [] : [stop(capital(threshold))]
  return [`${counted}${threshold === null ? '' : ` (${threshold})`}.`]
}

/** "7 of 7 runs failed since 11:58:02Z", or of the last hour where it began before. */
function countOf({ onset, strip }: ProbeFacts, at: Instant): string | null {
  const since = Math.max(onset, at - HOUR_MS)
  const runs = strip.filter((run) => run.at >= since && run.mark !== 'inconclusive')
  const failed = runs.filter(({ mark }) => mark === 'failed').length
  if (failed === 0) return null
  const when = since === onset ? `since ${hhmmss(onset, at)}` : 'in the last hour'
  return `${failed} of ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} failed ${when}`
}

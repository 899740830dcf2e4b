import type { AccountNames } from '../domain/account-names.ts'
import { counted } from '../domain/counted.ts'
import type { Instant, Monitor } from '../domain/probe.ts'
import { operationShown } from '../domain/setup.ts'
import type { ProbeState } from '../domain/state.ts'
import { foreign } from '../email/foreign.ts'
import type { Tone } from '../email/opening.ts'
import { gapInWords, type Outlook, outlookOf } from '../schedule/outlook.ts'
import { type Cells, cellsOf, moreOf } from './cells.ts'
import { type Hour, hourOf } from './hour.ts'
import { accountShown, ago, clockTime, SENTENCE, WORD } from './phrase.ts'
import { countOf, type ProbeStatus, TONE, WORDS, type Word } from './probe-status.ts'
import type { Strips } from './record.ts'

/** Probes of one monitor that are listed because they are not ok, worst first; the others are counted. */
const MAX_PROBES = 12

export type ProbeRow = Readonly<{ account: string; operation: string; status: string; tone: Tone; note: string }>

export type MonitorRow = Readonly<{
  name: string
  tone: Tone
  counts: string
  /** Its schedule, and whom it notifies. */
  about: string
  /** When it runs next, and what may surprise about its schedule. */
  next: string
  lastRun: string
  /** `null` where no run of the last hour is known. */
  hour: Hour | null
  /** Those that are not ok. */
  probes: readonly ProbeRow[]
  /** Those of them that are not listed. */
  more: string | null
  /** All of its probes. */
  cells: Cells
}>

/** @param room how many cells its probes may have */
export function monitorRow(
  monitor: Monitor,
  statuses: readonly ProbeStatus[],
  { strips, room, names }: Readonly<{ strips: Strips; room: number; names: AccountNames | null }>,
  now: Instant,
): MonitorRow {
  const worstFirst = statuses.toSorted((a, b) => WORDS.indexOf(a.word) - WORDS.indexOf(b.word))
  const listed = worstFirst.filter(({ word }) => word !== 'ok')
  const marks = statuses.flatMap(({ probe }) => strips.get(probe.id) ?? [])
  const last = Math.max(0, ...statuses.map(({ state }) => state?.lastRunAt ?? 0))
  return {
    name: foreign(monitor.name, WORD),
    tone: toneOf(statuses),
    counts: countsOf(statuses),
    about: aboutOf(monitor),
    next: nextRun(monitor, now),
    hour: marks.length === 0 ? null : hourOf(marks, now),
    lastRun: last === 0 ? 'never' : ago(last, now),
    probes: listed.slice(0, MAX_PROBES).map((status) => probeRow(status, names, now)),
    more: moreOf(listed.slice(MAX_PROBES)),
    cells: cellsOf(statuses, { strips, room, names }, now),
  }
}

/** That of the worst. */
export function toneOf(statuses: readonly ProbeStatus[]): Tone {
  const worst = Math.min(...statuses.map(({ word }) => WORDS.indexOf(word)))
  const word = WORDS[worst]
  return word === undefined ? 'plain' : TONE[word]
}

function countsOf(statuses: readonly ProbeStatus[]): string {
  const counts = WORDS.flatMap((word) => {
    const n = countOf(statuses, word)
    return n === 0 ? [] : [`${n} ${word}`]
  })
  return counts.join(', ') || 'no probes'
}

function aboutOf({ schedule, timezone, notify }: Monitor): string {
  const recipients = notify.map((name) => foreign(name, WORD)).join(', ') || 'nobody'
  return `${foreign(schedule, WORD)} (${foreign(timezone, WORD)}), notifies ${recipients}`
}

/** `null` for what the configuration would have refused: the page shows what it can. */
function readable(schedule: string, timezone: string, now: Instant): Outlook | null {
  try {
    return outlookOf(schedule, timezone, now)
  } catch {
    return null
  }
}

/** Also of the digest. */
export function nextRun({ schedule, timezone }: Pick<Monitor, 'schedule' | 'timezone'>, now: Instant): string {
  const outlook = readable(schedule, timezone, now)
  if (outlook === null) return 'next run unknown'
  const { next, longestGapMs, warning, meaning } = outlook
  const when = next === null ? 'next run: none in sight' : `next run ${clockTime(next, now)}`
  const gap = warning ?? `at most ${gapInWords(longestGapMs)} between two runs`
  return [when, gap, ...meaning.map((words) => foreign(words, SENTENCE))].join('; ')
}

function probeRow({ probe, state, word }: ProbeStatus, names: AccountNames | null, now: Instant): ProbeRow {
  return {
    account: accountShown(probe, names),
    operation: foreign(operationShown(probe), WORD),
    status: word,
    tone: TONE[word],
    note: noteOn(state, word, now),
  }
}

function noteOn(state: ProbeState | null, word: Word, now: Instant): string {
  if (state === null) return 'waiting for its first run'
  const inconclusive = state.inconclusive === null ? '' : `, last run was ${state.inconclusive}`
  const lastOk = state.lastOkAt === null ? 'never ok' : `last ok ${ago(state.lastOkAt, now)}`
  switch (word) {
    case 'failing': {
      const since = state.onset === null ? 'failing' : `since ${clockTime(state.onset, now)}`
      return `${since}, ${lastOk}${inconclusive}`
    }
    case 'recovering':
      return `${counted(state.okRuns, 'ok run')} in a row${inconclusive}`
    case 'checking': {
      const failed = state.recent.filter((mark) => mark.family !== null).length
      return `${failed} of the last ${counted(state.recent.length, 'run')} failed${inconclusive}`
    }
    case 'blind':
      return `no result since ${clockTime(state.lastConclusiveAt ?? state.knownSince, now)}${inconclusive}`
    case 'not run yet':
      if (state.inconclusive !== null) return `runs so far were ${state.inconclusive}`
      return state.lastRunAt === null
        ? 'waiting for its first run'
        : `waiting for its next run, last run ${ago(state.lastRunAt, now)}`
    case 'not judged':
    case 'ok':
      return `${lastOk}${inconclusive}`
  }
}

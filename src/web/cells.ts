import type { AccountNames } from '../domain/account-names.ts'
import type { Instant } from '../domain/probe.ts'
import { HOUR_MS } from '../domain/probe.ts'
import { operationShown } from '../domain/setup.ts'
import { foreign } from '../email/foreign.ts'
import { type Hour, hourOf, type Minute, worstOf } from './hour.ts'
import { accountShown, clockTime, WORD } from './phrase.ts'
import { type ProbeStatus, WORDS, type Word } from './probe-status.ts'
import type { Strips } from './record.ts'

/** Five minutes each. */
const SLOTS = 12
const MAX_NOTES = 6

/** A probe as one cell of the grid. */
export type Cell = Readonly<{
  /** The last four digits of its account. */
  label: string
  word: Word
  /** All of it in words: its account, its status, and what was wrong in the last hour. */
  said: string
  /** The last hour in slots of five minutes, oldest first; empty where all of it was well. */
  slots: readonly Minute[]
}>

/** The cells of one operation. */
export type CellLine = Readonly<{ operation: string; cells: readonly Cell[] }>

export type Cells = Readonly<{
  lines: readonly CellLine[]
  /** How many cells that is. */
  count: number
  /** What has no cell. */
  more: string | null
  /** Probes that are ok now but failed in the last hour: in words, for those who have no mouse to point with. */
  notes: readonly string[]
  moreNotes: number
}>

type Shown = Readonly<{ status: ProbeStatus; account: string; trouble: string | null; cell: Cell }>

/**
 * The probes of a monitor, by operation, in the order of the configuration.
 * @param room how many cells there may be: those that are not ok are among them first
 */
export function cellsOf(
  statuses: readonly ProbeStatus[],
  { strips, room, names }: Readonly<{ strips: Strips; room: number; names: AccountNames | null }>,
  now: Instant,
): Cells {
  const worstFirst = statuses.toSorted((a, b) => WORDS.indexOf(a.word) - WORDS.indexOf(b.word))
  const chosen = new Set(worstFirst.slice(0, room))
  const shown = statuses.filter((status) => chosen.has(status)).map((status) => shownOf(status, { strips, names }, now))
  const byOperation = Map.groupBy(shown, ({ status }) => operationShown(status.probe))
  const notes = shown.flatMap((one) => (one.status.word === 'ok' && hasFailed(one) ? [noteOn(one)] : []))
  return {
    lines: [...byOperation].map(([operation, some]) => ({
      operation: foreign(operation, WORD),
      cells: some.map(({ cell }) => cell),
    })),
    count: shown.length,
    more: moreOf(worstFirst.slice(room)),
    notes: notes.slice(0, MAX_NOTES),
    moreNotes: Math.max(0, notes.length - MAX_NOTES),
  }
}

function noteOn({ status, account, trouble }: Shown): string {
  return `${foreign(operationShown(status.probe), WORD)} for ${account}: ${trouble}`
}

/** Or may have: its runs were not read. */
function hasFailed({ cell, trouble }: Shown): boolean {
  return cell.slots.includes('failed') || (trouble !== null && cell.slots.length === 0)
}

/** What is not shown of a list that has the worst first. */
export function moreOf(left: readonly ProbeStatus[]): string | null {
  const [first] = left
  if (first === undefined) return null
  const areAlike = left.every(({ word }) => word === first.word)
  return `and ${left.length} more${areAlike ? `, all ${first.word}` : ''}`
}

function shownOf(
  status: ProbeStatus,
  { strips, names }: Readonly<{ strips: Strips; names: AccountNames | null }>,
  now: Instant,
): Shown {
  const { probe, state, word } = status
  const marks = strips.get(probe.id)
  const hour = marks === undefined ? null : hourOf(marks, now)
  const account = accountShown(probe, names)
  const trouble = hour === null ? unread(status, now) : hour.trouble
  const inconclusive = state?.inconclusive == null ? '' : `, last run was ${state.inconclusive}`
  const behind = trouble === null ? '' : `; last hour: ${trouble}`
  const cell: Cell = {
    label: foreign(probe.account, WORD).slice(-4),
    word,
    said: `${account}: ${word}${inconclusive}${behind}`,
    slots: hour === null || hour.trouble === null ? [] : slotsOf(hour),
  }
  return { status, account, trouble, cell }
}

/** What is known of the last hour of a probe whose runs were not read. */
function unread({ state }: ProbeStatus, now: Instant): string | null {
  const at = state?.lastUncleanAt ?? null
  return at === null || at <= now - HOUR_MS ? null : `a run that was not ok at its first try, at ${clockTime(at, now)}`
}

function slotsOf({ minutes }: Hour): readonly Minute[] {
  const width = minutes.length / SLOTS
  return Array.from({ length: SLOTS }, (_, n) => worstOf(minutes.slice(n * width, (n + 1) * width)))
}

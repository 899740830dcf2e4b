import { counted } from '../domain/counted.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Instant } from '../domain/probe.ts'
import { withoutAddresses } from '../domain/shown.ts'
import { foreign } from '../email/foreign.ts'
import { capital, stop } from '../email/sentence.ts'
import { clockTime, DATABASE_UNREADABLE, SENTENCE, WORD } from './phrase.ts'
import type { Withheld } from './record.ts'
import type { View } from './view.ts'

const MAX_ROWS = 15

/** An alert that was withheld, and why. */
export type WithheldRow = Readonly<{ at: string; incident: string | null; monitors: string; reason: string; rule: string }>

/** Newest first; `within` is how far back they go. */
export type WithheldList = Readonly<{ rows: readonly WithheldRow[]; more: number; within: string }>

export function withheldList({ rows, within }: Withheld, view: View, now: Instant): WithheldList {
  return {
    rows: rows.slice(0, MAX_ROWS).map((row) => withheldRow(row, view, now)),
    more: Math.max(0, rows.length - MAX_ROWS),
    within,
  }
}

function withheldRow(row: LedgerRow, { world }: View, now: Instant): WithheldRow {
  const incident = row.incident === null ? undefined : world.incidents.get(row.incident)
  const monitors = [...new Set(incident?.members.map(({ monitor }) => monitor))]
  return {
    at: clockTime(row.at, now),
    incident: row.incident,
    monitors: foreign(monitors.join(', '), WORD),
    reason: reasonOf(row),
    rule: row.rule === null ? '' : foreign(row.rule, WORD),
  }
}

/** @param worst why no email is due for the worst open incident; `null` if one is */
export function whatWasWithheld(withheld: Withheld | null, worst: string | null, now: Instant): string {
  if (withheld === null) return DATABASE_UNREADABLE
  if (worst !== null) return capital(worst)
  const { rows, within } = withheld
  const [latest] = rows
  if (latest === undefined) return `Nothing in ${within}.`
  return stop(
    `${counted(rows.length, 'decision')} to withhold in ${within}, the latest at ${clockTime(latest.at, now)}: ${reasonOf(latest)}`,
  )
}

function reasonOf({ reason }: LedgerRow): string {
  return foreign(withoutAddresses(reason), SENTENCE)
}

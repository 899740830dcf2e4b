import type { Incident } from '../domain/incident.ts'
import { type LedgerRow, withheldLongest } from '../domain/ledger.ts'

/**
 * The answer to the question that brings somebody here, in one sentence: why there was no email, or when there was one and what has
 * become of it since.
 *
 * @param ledger the rows of the incident, oldest first; the oldest may be missing
 */
export function answer(incident: Incident, ledger: readonly LedgerRow[], time: (at: number) => string): string {
  const mailed = ledger.filter(({ decision }) => decision === 'mailed')
  const [first, last] = [mailed[0], mailed.at(-1)]
  const withheld = ledger.findLast(({ decision }) => decision === 'withheld')
  if (first === undefined || last === undefined) {
    if (incident.announcedAt !== null) return `The first email was queued ${time(incident.announcedAt)}.`
    const why = incident.closedAt === null ? withheld : withheldLongest(ledger, incident.closedAt)
    if (why !== undefined) return `No email, because ${because(why)}.`
    return incident.state === 'closed' ? 'No email: it was over before one was due.' : 'No email so far: nothing is due yet.'
  }
  const sent = `Emailed first ${time(first.at)}, because ${because(first)}`
  if (incident.state === 'closed')
    return `${sent}; ${mailed.length > 1 ? `last ${time(last.at)}: ${because(last)}` : 'it is over'}.`
  const quiet = withheld !== undefined && withheld.at > last.at ? `; nothing since, because ${because(withheld)}` : ''
  return `${sent}${quiet}.`
}

function because({ reason, rule }: LedgerRow): string {
  // Such as `silent:` and the kind of an email: the sentence says that itself.
  const sentence = reason
    .trim()
    .replace(/^[a-z-]+: /, '')
    .replace(/\.$/, '')
  return `${sentence}${rule === null ? '' : ` (${rule})`}`
}

/** Rows that say the same of several probes or several times in a row, as one. */
export type RowGroup = Readonly<{ row: LedgerRow; times: number; last: number; probes: readonly string[] }>

export function grouped(ledger: readonly LedgerRow[]): readonly RowGroup[] {
  const groups: { row: LedgerRow; times: number; last: number; probes: string[] }[] = []
  for (const row of ledger) {
    const open = groups.at(-1)
    const isSame =
      open !== undefined && open.row.decision === row.decision && open.row.rule === row.rule && open.row.reason === row.reason
    const group = isSame ? open : { row, times: 0, last: row.at, probes: [] }
    if (!isSame) groups.push(group)
    group.times++
    group.last = row.at
    if (row.probe !== null && !group.probes.includes(row.probe)) group.probes.push(row.probe)
  }
  return groups
}

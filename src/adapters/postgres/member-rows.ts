import type { Member } from '../../domain/incident.ts'
import type { RejectedEvent } from '../../domain/verdict.ts'
import type { Placed } from '../stored/placed-members.ts'
import { memberDocument, RejectedLists, withRejected } from '../stored/rejected-lists.ts'
import { document, MEMBER, type Row, shaped } from '../stored/rows.ts'
import type { Transaction } from './database.ts'
import { READ, WRITE } from './statements.ts'

/** Puts the rejected events, which are rows of their own, back into the members of these incidents. Members share their lists. */
export async function membersOf(tx: Transaction, incidents: readonly string[]): Promise<ReadonlyMap<string, Member[]>> {
  const lists = new Map<string, readonly RejectedEvent[]>()
  for (const row of await tx.query(READ.rejected, [incidents])) lists.set(listKey(row, 'list'), document(row))
  const members = new Map<string, Member[]>(incidents.map((id) => [id, []]))
  for (const row of await tx.query(READ.members, [incidents])) {
    const member = shaped<Member>(row, MEMBER)
    const rejected = lists.get(listKey(row, 'rejected'))
    members.get(String(row['incident']))?.push(rejected === undefined ? member : withRejected(member, rejected))
  }
  return members
}

function listKey(row: Row, column: 'list' | 'rejected'): string {
  return `${row['incident']} ${row[column]}`
}

/** Writes these members of an incident, and the lists of theirs that are not stored yet. */
export async function putMembers(
  tx: Transaction,
  incident: string,
  placed: readonly Placed[],
  lists: RejectedLists,
): Promise<void> {
  if (placed.length === 0) return
  const rows = placed.map(({ place, member }) => ({ place, member, ...lists.put(place, member.judgement.verdict.rejected) }))
  const added = rows.filter((row) => row.added !== null)
  if (added.length > 0)
    await tx.change(WRITE.putRejected, [incident, added.map(({ list }) => list), added.map((row) => row.added)])
  const places = rows.map(({ place }) => place)
  const numbers = rows.map(({ list }) => list)
  await tx.change(WRITE.putMembers, [incident, places, numbers, rows.map(({ member, list }) => memberDocument(member, list))])
}

/** Takes the rejected events out of the documents of members, where an older Alibi has kept them. */
export async function moveRejected(tx: Transaction): Promise<void> {
  for (const incident of await tx.query(READ.incidentIds)) {
    const id = String(incident['id'])
    const rows = await tx.query(READ.members, [[id]])
    const placed = rows.map((row) => ({ place: Number(row['place']), member: shaped<Member>(row, MEMBER) }))
    await putMembers(tx, id, placed, new RejectedLists())
  }
}

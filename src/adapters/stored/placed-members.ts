import type { Member } from '../../domain/incident.ts'

/** A member of an incident and the place under which it is stored: of a thousand a run changes one, and writes one row. */
export type Placed = Readonly<{ place: number; member: Member }>

/** Each member in the place that it had, where that leaves them in their order; else behind all others. */
export function placesOf(members: readonly Member[], known: readonly Placed[]): readonly Placed[] {
  const before = new Map(known.map(({ place, member }) => [member.probe, place]))
  let next = (known.at(-1)?.place ?? -1) + 1
  let last = -1
  return members.map((member) => {
    const had = before.get(member.probe)
    last = had !== undefined && had > last ? had : next++
    return { place: last, member }
  })
}

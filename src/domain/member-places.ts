import type { Member } from './incident.ts'

/**
 * Where each probe is in a list of members: at least those of that list. Lists with the same probes at the same places share it, from
 * one decision to the next, so that ten thousand members are gone through once in an outage and not with every run.
 */
type Places = Map<string, number>

const known = new WeakMap<readonly Member[], Places>()

/** The place of a probe among these members; `null` if it is none of them. */
export function placeOf(members: readonly Member[], probe: string): number | null {
  const places = known.get(members) ?? made(members)
  const place = places.get(probe)
  if (place === undefined) return null
  if (members[place]?.probe === probe) return place
  // Shared with a list that has it elsewhere, or alone has it.
  return made(members).get(probe) ?? null
}

/** The second list has the members of the first at the same places, some of them changed, and perhaps one more at its end. */
export function carryPlaces(from: readonly Member[], to: readonly Member[]): void {
  const places = known.get(from)
  if (places === undefined || to.length > from.length + 1) return
  known.set(to, places)
  const last = to.at(-1)
  if (last !== undefined) places.set(last.probe, to.length - 1)
}

function made(members: readonly Member[]): Places {
  const places: Places = new Map()
  for (const [i, { probe }] of members.entries()) places.set(probe, i)
  known.set(members, places)
  return places
}

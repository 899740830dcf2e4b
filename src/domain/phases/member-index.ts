import type { Incident, Member } from '../incident.ts'
import { carryPlaces, placeOf } from '../member-places.ts'
import type { Instant } from '../probe.ts'

/**
 * Finds members of incidents by their probe, and changes them. A list is copied when it is changed for the first time in a decision:
 * what comes after that changes the copy, for a decision may be about a thousand runs of ten thousand members.
 */
export class MemberIndex {
  /** The latest onset among these members. */
  private readonly newest = new Map<readonly Member[], Instant>()
  /** Lists that were made here and that nobody else has seen. */
  private own = new WeakSet<readonly Member[]>()

  find({ members }: Incident, probe: string): Member | undefined {
    const place = placeOf(members, probe)
    return place === null ? undefined : members[place]
  }

  /** The members with this one; it replaces an earlier one of its probe. */
  joined({ members }: Incident, member: Member): readonly Member[] {
    const place = placeOf(members, member.probe)
    if (place !== null) return [...members.toSpliced(place, 1), member]
    const newest = Math.max(this.newestOnset(members), member.onset)
    const copy = this.ownCopy(members)
    copy.push(member)
    carryPlaces(members, copy)
    this.newest.set(copy, newest)
    return copy
  }

  /** The members with one changed, which keeps its onset; `null` if the probe is no member. */
  changed({ members }: Incident, probe: string, change: (member: Member) => Member): readonly Member[] | null {
    const place = placeOf(members, probe)
    const member = place === null ? undefined : members[place]
    if (place === null || member === undefined) return null
    const newest = this.newest.get(members)
    const copy = this.ownCopy(members)
    copy[place] = change(member)
    carryPlaces(members, copy)
    if (newest !== undefined) this.newest.set(copy, newest)
    return copy
  }

  /** All runs were taken: from now on nothing is changed in place. */
  seal(): void {
    this.own = new WeakSet()
  }

  /** `-Infinity` where there are none. */
  newestOnset(members: readonly Member[]): Instant {
    const known = this.newest.get(members)
    if (known !== undefined) return known
    const newest = members.reduce((latest, member) => Math.max(latest, member.onset), Number.NEGATIVE_INFINITY)
    this.newest.set(members, newest)
    return newest
  }

  private ownCopy(members: readonly Member[]): Member[] {
    if (this.own.has(members)) return members as Member[]
    const copy = [...members]
    this.own.add(copy)
    return copy
  }
}

import type { Incident, Member } from '../incident.ts'
import type { Instant } from '../probe.ts'

/** Finds members of incidents by their probe. Each incident is gone through once a decision, for it may have thousands. */
export class MemberIndex {
  /** By incident: where each probe is among its members. */
  private readonly places = new Map<string, Map<string, number>>()
  /** The latest onset among these members. */
  private readonly newest = new Map<readonly Member[], Instant>()

  find(incident: Incident, probe: string): Member | undefined {
    const place = this.placeOf(incident, probe)
    return place === null ? undefined : incident.members[place]
  }

  /** The members with this one; it replaces an earlier one of its probe. */
  joined(incident: Incident, member: Member): readonly Member[] {
    const place = this.placeOf(incident, member.probe)
    if (place !== null) {
      this.places.delete(incident.id)
      return [...incident.members.toSpliced(place, 1), member]
    }
    const members = [...incident.members, member]
    this.newest.set(members, Math.max(this.newestOnset(incident.members), member.onset))
    this.places.get(incident.id)?.set(member.probe, incident.members.length)
    return members
  }

  /** The members with one changed, which keeps its onset; `null` if the probe is no member. */
  changed(incident: Incident, probe: string, change: (member: Member) => Member): readonly Member[] | null {
    const place = this.placeOf(incident, probe)
    const member = place === null ? undefined : incident.members[place]
    if (place === null || member === undefined) return null
    const members = incident.members.with(place, change(member))
    const newest = this.newest.get(incident.members)
    if (newest !== undefined) this.newest.set(members, newest)
    return members
  }

  /** `-Infinity` where there are none. */
  newestOnset(members: readonly Member[]): Instant {
    const known = this.newest.get(members)
    if (known !== undefined) return known
    const newest = members.reduce((latest, member) => Math.max(latest, member.onset), Number.NEGATIVE_INFINITY)
    this.newest.set(members, newest)
    return newest
  }

  private placeOf({ id, members }: Incident, probe: string): number | null {
    const known = this.places.get(id)
    const place = known?.get(probe)
    if (known?.size === members.length && (place === undefined || members[place]?.probe === probe)) return place ?? null
    const places = new Map(members.map((member, i) => [member.probe, i]))
    this.places.set(id, places)
    return places.get(probe) ?? null
  }
}

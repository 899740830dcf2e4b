import type { Incident, Member } from '../domain/incident.ts'
import type { Tone } from '../email/opening.ts'

/** An incident in one word. */
export type Status = Readonly<{
  state: string
  tone: Tone
  /** Lower is worse: the worst open incident makes the headline. */
  rank: number
}>

/** The probes that an incident is about: all of a closed one, and those of an open one that have not recovered. */
export function affectedOf({ state, members }: Incident): readonly Member[] {
  return members.filter((member) => state === 'closed' || member.state !== 'recovered')
}

export function statusOf(incident: Incident): Status {
  if (incident.state === 'closed') {
    const as = incident.closedAs ?? 'recovered'
    return { state: `CLOSED: ${as.toUpperCase()}`, tone: as === 'recovered' ? 'good' : 'plain', rank: 9 }
  }
  if (failingIn(incident) === 0 && incident.family !== 'offline') return { state: 'RECOVERING', tone: 'plain', rank: 5 }
  switch (incident.family) {
    case 'offline':
      return { state: 'OFFLINE', tone: 'warn', rank: 1 }
    case 'misconfigured':
      return { state: 'MISCONFIGURED', tone: 'warn', rank: 2 }
    case 'blind':
      return { state: 'BLIND', tone: 'warn', rank: 3 }
    case 'outage':
      if (incident.verdict === 'explained') return { state: 'EXPLAINED BY AWS', tone: 'warn', rank: 4 }
      return { state: incident.flapping ? 'FLAPPING' : 'FAILING', tone: 'bad', rank: 0 }
  }
}

/** Sorts unexplained incidents first, then those with the most failing probes, then the newest. */
export function worstFirst(a: Incident, b: Incident): number {
  return (
    statusOf(a).rank - statusOf(b).rank ||
    failingIn(b) - failingIn(a) ||
    b.openedAt - a.openedAt ||
    (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
  )
}

function failingIn({ members }: Incident): number {
  return members.filter(({ state }) => state === 'failing').length
}

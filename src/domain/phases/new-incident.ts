import type { Incident } from '../incident.ts'
import type { Family, Instant, Partition } from '../probe.ts'
import type { Draft } from './draft.ts'

type Kind = Readonly<{ partition: Partition; region: string | null; family: Family }>

/** An incident that opens now. @param openedAt when what it is about began, if that was earlier */
export function newIncident(draft: Draft, { partition, region, family }: Kind, openedAt: Instant = draft.input.now): Incident {
  return {
    id: draft.input.newId(),
    partition,
    ...(region === null ? {} : { region }),
    family,
    state: 'waiting',
    continues: null,
    into: [],
    openedAt,
    episodeAt: draft.input.now,
    announcedAt: null,
    closedAt: null,
    closedAs: null,
    members: [],
    audience: [],
    seq: 0,
    lastMailAt: null,
    verdict: 'undetermined',
    withheld: null,
    namedEvents: [],
    notified: null,
    added: [],
    alibis: [],
    explainedBy: null,
    leadMinutes: null,
    hindsight: [],
    reopenedAt: [],
    flapping: false,
  }
}

/** A closed incident that opens again now: a new episode in the same thread. */
export function reopened(closed: Incident, now: Instant, reopenedAt: readonly Instant[], flapping: boolean): Incident {
  const { heldUntil: _, ...before } = closed
  return {
    ...before,
    state: 'waiting',
    episodeAt: now,
    announcedAt: null,
    closedAt: null,
    closedAs: null,
    lastMailAt: null,
    verdict: 'undetermined',
    withheld: null,
    reopenedAt,
    flapping,
  }
}

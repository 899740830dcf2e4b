import type { Step } from '../announcement.ts'
import type { Incident, Member } from '../incident.ts'
import type { Instant } from '../probe.ts'
import { withoutUnwanted } from '../rules/choice.ts'
import type { ProbeState } from '../state.ts'
import { step } from '../step.ts'
import { probesArriving } from './arriving.ts'
import type { Draft } from './draft.ts'

/** One step for every open incident: the email that is due, or why none is. At most one email an incident and moment. */
export function stepIncidents(draft: Draft): void {
  const { world, setup, input, freshSince } = draft
  for (const incident of draft.openIncidents()) {
    if (draft.settled.has(incident.id)) continue
    const next = step(incident, {
      setup,
      now: input.now,
      gathered: (members) => haveAllRun(draft, incident, members),
      arriving: (recipient, by) => probesArriving(draft, incident, recipient, by),
      freshSince,
      offline: draft.connectivity.offlineSince !== null,
      silences: world.silences,
      ack: world.acks.get(incident.id) ?? null,
    })
    conclude(draft, next)
  }
}

/** Takes over a step. @param members those that the incident goes on with, where its email is about others */
export function conclude(draft: Draft, step: Step, members: readonly Member[] = step.incident.members): void {
  const done = withoutUnwanted(step, draft.incident(step.incident.id), draft.setup, draft.input.now)
  const after: Incident = { ...done.incident, members }
  const hasChanged = !equalShallow(draft.incident(after.id), after)
  if (done.announcement !== null || done.ledger.length > 0 || hasChanged) draft.putIncident(after)
  draft.ledger.push(...done.ledger)
  if (done.announcement === null || done.announcement.to.length === 0) return
  draft.announced.push({ incident: done.incident, announcement: done.announcement, selfAlert: null })
}

function equalShallow(a: Incident | undefined, b: Incident): boolean {
  if (a === undefined) return false
  return (Object.keys(b) as (keyof Incident)[]).every((key) => a[key] === b[key])
}

/**
 * `first-email`: has every probe of the monitors concerned run once since the onset? Those that are undecided run again at the
 * same time (`threshold`), and those that fail in another way may be about to move here (`family-change`): each of them has to
 * have finished a run that began no sooner than the deciding one. Otherwise forty accounts that fail at once would lead to an
 * email about the two that answered first.
 */
function haveAllRun(draft: Draft, incident: Incident, failing: readonly Member[]): boolean {
  const onset = failing.reduce((first, member) => Math.min(first, member.onset), Number.POSITIVE_INFINITY)
  const decidedAt = failing.reduce((first, member) => Math.min(first, decidingRunAt(member)), Number.POSITIVE_INFINITY)
  const names = new Set(failing.map((member) => member.monitor))
  const monitors = [...names].flatMap((name) => draft.setup.monitors.get(name) ?? [])
  return monitors.every((monitor) =>
    monitor.probes.every((probe) => {
      const state = draft.probeState(probe.id)
      const from = mayJoin(draft, state, incident) ? Math.max(onset, decidedAt) : onset
      return (state.lastRunAt ?? 0) >= from
    }),
  )
}

/** Undecided, or failing in an incident of another family while its last run was of this one. */
function mayJoin(draft: Draft, { status, incident, recent }: ProbeState, into: Incident): boolean {
  if (status === 'undecided') return true
  if (status !== 'failing' || incident === null || incident === into.id) return false
  return draft.openIncident(incident)?.family !== into.family && recent.at(-1)?.family === into.family
}

/** The start of the run with which the threshold was reached. */
function decidingRunAt(member: Member): Instant {
  return member.evidence.findLast((run) => run.endedAt <= member.failedAt)?.startedAt ?? member.failedAt
}

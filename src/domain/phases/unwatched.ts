import { notifiedMembers } from '../audience.ts'
import { failingMembers, type Incident } from '../incident.ts'
import { leave } from '../rules/config-change.ts'
import { close } from '../rules/recovery.ts'
import type { Draft } from './draft.ts'
import { conclude } from './stepping.ts'

/** `config-change`: a probe that left the configuration leaves its incident. Those for whom it was the last are notified. */
export function dropUnwatched(draft: Draft): void {
  for (const incident of draft.openIncidents()) {
    if (incident.family !== 'offline') dropFrom(draft, incident)
  }
}

function dropFrom(draft: Draft, incident: Incident): void {
  const { now } = draft.input
  const gone = failingMembers(incident).filter((member) => !draft.setup.probes.has(member.probe))
  if (gone.length === 0) return
  // Those that have recovered stay on its record: whoever was notified of them is notified of its end.
  const rest = { ...incident, members: incident.members.filter((member) => !gone.includes(member)) }
  const left = failingMembers(rest)
  const over = incident.audience.filter(
    (a) => a.open && notifiedMembers(a, gone, draft.setup).length > 0 && notifiedMembers(a, left, draft.setup).length === 0,
  )
  // Somebody was notified of probes that have recovered by now: the incident closes with the next step, which notifies them.
  const isAwaited = incident.audience.some((a) => a.open && !over.includes(a))
  if (left.length === 0 && !isAwaited) {
    conclude(draft, close(incident, now, 'dropped', 'no failing probe of it is watched any longer'))
  } else if (over.length > 0) {
    draft.settled.add(incident.id)
    const step = leave(incident, over, now)
    // The email is about the probes that are gone, but the incident goes on without them.
    conclude(draft, step, rest.members)
  } else draft.putIncident(rest)
}

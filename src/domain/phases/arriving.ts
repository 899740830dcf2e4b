import { rerunsOf } from '../cadence.ts'
import type { Incident } from '../incident.ts'
import type { Instant, Monitor, Probe } from '../probe.ts'
import { coveredBy } from '../scope.ts'
import { regionOfOutage } from '../setup.ts'
import { silenceOver } from '../silence.ts'
import type { ProbeState } from '../state.ts'
import { untilThreshold } from '../streak.ts'
import type { Draft } from './draft.ts'
import { openToJoin } from './membership.ts'

/**
 * `joining`: the probes of a recipient that are about to join an incident: their last runs failed as its probes do, and they
 * would reach their threshold with a run that begins before `by`, or that is under way. Probes that only the schedule runs again
 * (`threshold`) are not among them.
 */
export function probesArriving(draft: Draft, incident: Incident, recipient: string, by: Instant): readonly Probe[] {
  const states = { get: (probe: string) => draft.probeState(probe) }
  return [...draft.setup.monitors.values()]
    .filter(({ notify }) => notify.includes(recipient))
    .flatMap((monitor) =>
      rerunsOf(monitor, states).flatMap(({ probe, state }) =>
        arrives(draft, incident, { probe, state, monitor, by }) ? [probe] : [],
      ),
    )
}

type Candidate = Readonly<{ probe: Probe; state: ProbeState; monitor: Monitor; by: Instant }>

function arrives(draft: Draft, incident: Incident, { probe, state, monitor, by }: Candidate): boolean {
  const { partition } = monitor
  const { family } = incident
  if (!mayFail(draft, state, incident)) return false
  const near = untilThreshold(state, family, monitor.fail)
  if (near === null) return false
  const everyMs = Math.min(state.status === 'undecided' ? monitor.retryIntervalMs : monitor.recheckEveryMs, monitor.periodMs)
  // One that is overdue is under way.
  const next = Math.max(draft.input.now, (state.lastRunAt ?? 0) + everyMs)
  if (next + (near.runs - 1) * everyMs >= by) return false
  const place = { partition, region: regionOfOutage(probe, partition, family), family, probe: probe.id, onset: near.onset }
  if (openToJoin(draft, place)?.id !== incident.id) return false
  return silenceOver(coveredBy(probe), draft.world.silences, draft.input.now) === null
}

/** Undecided, or failing in another way (`family-change`). */
function mayFail(draft: Draft, { status, incident: id }: ProbeState, { family }: Incident): boolean {
  if (status === 'undecided') return true
  return status === 'failing' && id !== null && (draft.openIncident(id)?.family ?? family) !== family
}

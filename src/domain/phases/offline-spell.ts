import { advanceConnectivity, FAILURES_THAT_CUT_OFF } from '../connectivity.ts'
import type { Draft } from './draft.ts'
import { newIncident } from './new-incident.ts'

/**
 * `offline`: if we are offline from now on, an incident opens that says so. When that is over, every failing probe has to
 * run before a timer fires.
 */
export function followConnectivity(draft: Draft): void {
  const { now, controls, outcomes, readings } = draft.input
  const { offlineSince: before } = draft.world.connectivity
  const connectivity = advanceConnectivity(draft.world.connectivity, { controls, outcomes, readings: readings.values() })
  draft.connectivity = connectivity
  const since = connectivity.offlineSince
  if (before === null && since !== null) {
    const incident = newIncident(draft, { partition: 'aws', region: null, family: 'offline' }, since)
    draft.putIncident(incident)
    draft.connectivity = { ...connectivity, incident: incident.id }
    const reason = `${FAILURES_THAT_CUT_OFF} control calls in a row failed: the problem is on our side`
    draft.note({ decision: 'opened', incident: incident.id, probe: null, rule: 'offline', reason, evidence: { since } })
  }
  if (before !== null && since === null) {
    draft.connectivity = { ...connectivity, incident: null }
    draft.freshSince = now
  }
}

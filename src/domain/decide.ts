import { blame } from './connectivity.ts'
import type { Decision, Input } from './decision.ts'
import { findBlindProbes } from './phases/blind-probes.ts'
import { Draft } from './phases/draft.ts'
import { explainInHindsight } from './phases/hindsight.ts'
import { judgeMembers } from './phases/judging.ts'
import { followConnectivity } from './phases/offline-spell.ts'
import { takeRun } from './phases/runs.ts'
import { raiseSelfAlerts } from './phases/self-alerts.ts'
import { stepIncidents } from './phases/stepping.ts'
import { dropUnwatched } from './phases/unwatched.ts'
import type { Setup } from './setup.ts'
import type { World } from './state.ts'

/**
 * The core of Alibi: runs and readings in, decisions with their reasons out. The same arguments always give the same decision.
 * Nothing is sent, stored or waited for here.
 */
export function decide(world: World, input: Input, setup: Setup): Decision {
  const draft = new Draft(world, input, setup)
  followConnectivity(draft)
  for (const outcome of input.outcomes) takeRun(draft, blame(outcome, draft.connectivity))
  draft.members.seal()
  if (input.timers) findBlindProbes(draft)
  dropUnwatched(draft)
  judgeMembers(draft)
  explainInHindsight(draft)
  stepIncidents(draft)
  raiseSelfAlerts(draft)
  return draft.decision()
}

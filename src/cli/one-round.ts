import { AWS_PACE, ProbeScheduler } from '../daemon/probe-scheduler.ts'
import { advanceConnectivity, blame } from '../domain/connectivity.ts'
import { UNSTATED_QUOTA } from '../domain/pace.ts'
import type { Monitor, Outcome } from '../domain/probe.ts'
import { quotaOf, quotaRows, SCHEDULED_SHARE } from '../domain/quota.ts'
import { INITIAL_CONNECTIVITY } from '../domain/state.ts'
import type { Prober } from '../ports/prober.ts'
import type { Clock } from '../ports/time.ts'
import { settled } from './settled.ts'

/**
 * Every probe of the monitors once, as fast as AWS's quotas allow and no faster: a daemon with the same credentials draws on
 * them as well. They are not spread over a period as the daemon's rounds are, for somebody waits.
 */
export async function oneRound(
  monitors: readonly Monitor[],
  prober: Prober,
  clock: Clock,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const faults: unknown[] = []
  const rounds = new ProbeScheduler({
    prober: { run: (probe, signal) => settled(prober, probe, signal), control: (signal) => prober.control(signal) },
    clock,
    pace: { ...AWS_PACE, stepOfRound: () => 0 },
    submit: async (outcome) => void outcomes.set(outcome.probe, outcome),
    failed: (_, cause) => faults.push(cause),
    began: () => {},
    kill: new AbortController().signal,
  })
  await Promise.all(monitors.map((monitor) => rounds.fire(monitor)))
  await rounds.idle()
  if (faults.length > 0) throw faults[0]
  return outcomes
}

/** Of runs that nothing went before: what has not worked among them, and fails by name, certificate or proxy, never has. */
export function withSetup(outcomes: readonly Outcome[]): readonly Outcome[] {
  const connectivity = advanceConnectivity(INITIAL_CONNECTIVITY, { controls: [], outcomes, readings: [] })
  return outcomes.map((outcome) => {
    const blamed = blame(outcome, connectivity)
    return blamed.kind === 'setup' ? blamed : outcome
  })
}

/** How long such a round takes at least, in milliseconds: that of the operation which AWS lets us ask slowest. */
export function shortestRoundMs(monitors: readonly Monitor[]): number {
  const rows = quotaRows(monitors.map((monitor) => ({ monitor, shortestGapMs: monitor.periodMs })))
  const each = rows.map(({ operation, partition, probes }) => {
    const { perSecond, burst } = quotaOf(operation, partition) ?? UNSTATED_QUOTA
    return (Math.max(0, probes - burst) * 1000) / (perSecond * SCHEDULED_SHARE)
  })
  return Math.max(0, ...each)
}

import { AWS_PACE, ProbeScheduler } from '../daemon/probe-scheduler.ts'
import { advanceConnectivity, blame } from '../domain/connectivity.ts'
import { UNSTATED_QUOTA } from '../domain/pace.ts'
import type { Monitor, Outcome } from '../domain/probe.ts'
import { quotaRows, SCHEDULED_SHARE } from '../domain/quota.ts'
import { INITIAL_CONNECTIVITY } from '../domain/state.ts'
import type { Prober } from '../ports/prober.ts'
import type { Clock } from '../ports/time.ts'

/**
 * Runs every probe of the monitors once, by probe id. It keeps to AWS's quotas, which a daemon with the same credentials draws
 * on too, but unlike the daemon it does not spread the runs over a period: somebody is waiting.
 */
export async function probeOnce(
  monitors: readonly Monitor[],
  prober: Prober,
  clock: Clock,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const errors: unknown[] = []
  const scheduler = new ProbeScheduler({
    prober,
    clock,
    pace: { ...AWS_PACE, stepOfRound: () => 0 },
    submit: async (outcome) => void outcomes.set(outcome.probe, outcome),
    failed: (_, cause) => errors.push(cause),
    began: () => {},
    kill: new AbortController().signal,
  })
  await Promise.all(monitors.map((monitor) => scheduler.fire(monitor)))
  await scheduler.idle()
  if (errors.length > 0) throw errors[0]
  return outcomes
}

/**
 * Nothing is known from before these runs. So a host that answered in none of them, and fails by name, certificate or proxy,
 * has never worked: such a failure is of kind `setup`.
 */
export function withSetup(outcomes: readonly Outcome[]): readonly Outcome[] {
  const connectivity = advanceConnectivity(INITIAL_CONNECTIVITY, { controls: [], outcomes, readings: [] })
  return outcomes.map((outcome) => {
    const blamed = blame(outcome, connectivity)
    return blamed.kind === 'setup' ? blamed : outcome
  })
}

/** The least time that one round of these monitors takes, in milliseconds. The operation with the tightest quota decides. */
export function shortestRoundMs(monitors: readonly Monitor[]): number {
  const rows = quotaRows(monitors.map((monitor) => ({ monitor, shortestGapMs: monitor.periodMs })))
  const durations = rows.map(({ quota, probes }) => {
    const { perSecond, burst } = quota ?? UNSTATED_QUOTA
    return (Math.max(0, probes - burst) * 1000) / (perSecond * SCHEDULED_SHARE)
  })
  return Math.max(0, ...durations)
}

import type { Config } from '../config/config.ts'
import { inWords } from '../domain/duration.ts'
import { decisiveTry, isServiceCall, type Monitor, type Outcome, type Probe, type Try } from '../domain/probe.ts'
import type { Prober } from '../ports/prober.ts'
import type { Wired } from '../wire.ts'
import { outcomeAdvice } from './failure-advice.ts'
import { type Finding, failed, passed } from './finding.ts'
import { withSetup } from './probe-once.ts'

/** AWS rejects signatures if the clock is five minutes off. */
const MAX_SKEW_MS = 60_000
const MAX_REPEATS = 4

/**
 * Calls every operation of Account of every monitor once for `self` and once for a member account, and those of other services
 * with each of their parameters in each region: these calls count against AWS's quotas.
 */
export async function operationChecks(config: Config, { prober }: Wired, signal: AbortSignal): Promise<readonly Finding[]> {
  const probes = config.monitors.flatMap(sampleOf)
  const outcomes: Outcome[] = []
  // One at a time, as AWS's quotas demand.
  for (const probe of probes) outcomes.push(await conclusiveRun(prober, probe, signal))
  return withSetup(outcomes).flatMap((outcome) => {
    const last = decisiveTry(outcome)
    return [operationFinding(outcome, last), ...clockFindings(last)]
  })
}

function sampleOf({ probes }: Monitor): readonly Probe[] {
  const byKind = Map.groupBy(probes, ({ id, call, account }) =>
    isServiceCall(call) ? id : `${call.operation} ${account === 'self' ? 'self' : 'member'}`,
  )
  return [...byKind.values()].flatMap((some) => some.slice(0, 1))
}

/** The process stands still while the SDK is loaded; a run that was stalled by that is repeated. */
async function conclusiveRun(prober: Prober, probe: Probe, signal: AbortSignal): Promise<Outcome> {
  let outcome = await prober.run(probe, signal)
  for (let i = 0; i < MAX_REPEATS && outcome.kind === 'stalled'; i++) outcome = await prober.run(probe, signal)
  return outcome
}

function operationFinding(outcome: Outcome, last: Try | null): Finding {
  const { probe, result, kind, startedAt, endedAt } = outcome
  const asked = last?.host === undefined ? '' : ` (${last.host})`
  if (result === 'ok') return passed(probe, `ok in ${Math.round(endedAt - startedAt)} ms${asked}`)
  return failed(probe, `${kind}: ${last?.error ?? ''} ${last?.message ?? ''}${asked}`, outcomeAdvice(outcome, last))
}

function clockFindings(last: Try | null): readonly Finding[] {
  const skewMs = last?.skewMs ?? null
  if (skewMs === null || Math.abs(skewMs) <= MAX_SKEW_MS) return []
  return [failed('clock', `it differs from AWS's by ${inWords(Math.abs(skewMs))}`, 'synchronize the clock of this host with NTP')]
}

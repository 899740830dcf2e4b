import type { Decision } from '../domain/decision.ts'
import { decisiveTry } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { Log } from '../ports/log.ts'
import type { Meter } from '../ports/meter.ts'

/** Logs one line a run and one a decision. */
export function logDecision(log: Log, { transitions, ledger }: Decision): void {
  for (const { outcome, transition } of transitions) {
    const last = decisiveTry(outcome)
    log.info('run', {
      probe: outcome.probe,
      outcome: outcome.result,
      ...(outcome.kind === null ? {} : { kind: outcome.kind, error: last?.error ?? null, status: last?.status ?? null }),
      ms: Math.round(outcome.endedAt - outcome.startedAt),
      tries: outcome.tries.length,
      requestId: last?.requestId ?? null,
      ...(outcome.machine === undefined ? {} : { machine: outcome.machine }),
      transition: transition.kind,
    })
  }
  for (const { decision, incident, probe, rule, reason } of ledger)
    log.info('decision', { decision, incident, probe, rule, reason })
}

export function countDecision(meter: Meter, { transitions, ledger }: Decision, setup: Setup): void {
  for (const { outcome } of transitions) {
    const probe = setup.probes.get(outcome.probe)
    if (probe !== undefined) meter.run(probe, outcome)
  }
  for (const { decision } of ledger) meter.decided(decision)
}

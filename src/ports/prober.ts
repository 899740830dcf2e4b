import type { ControlAnswer, Outcome, Probe } from '../domain/probe.ts'

/** Runs probes. A failed operation is an outcome, not an exception. */
export type Prober = {
  /** Resolves within `attempts × (timeout + backoff)` whatever the server does, and never rejects. Aborting ends the run early as inconclusive. */
  run(probe: Probe, signal: AbortSignal): Promise<Outcome>
  /** One control call, bounded in time; never rejects. */
  control(signal: AbortSignal): Promise<ControlAnswer>
}

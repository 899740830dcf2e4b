import type { ControlAnswer, Outcome, Probe } from '../domain/probe.ts'

/** Runs probes. A failed operation is an outcome, not an exception. */
export type Prober = {
  /**
   * Resolves within `attempts × (timeout + backoff)` whatever the server does. Aborting ends the run early as inconclusive.
   * @throws {RunLostError} and nothing else, and only where another machine makes the run
   */
  run(probe: Probe, signal: AbortSignal): Promise<Outcome>
  /** One control call, bounded in time; never rejects. */
  control(signal: AbortSignal): Promise<ControlAnswer>
}

/** A run was asked for, and nobody will ever say what came of it: it has to be made again. */
export class RunLostError extends Error {
  override readonly name = 'RunLostError'
}

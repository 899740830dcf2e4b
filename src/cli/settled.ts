import type { Outcome, Probe } from '../domain/probe.ts'
import type { Prober } from '../ports/prober.ts'

/** A run that says nothing because our process stood still is made again at once, so often. */
const MAX_REPEATS = 4

/** One run that says something. A verb's first runs fall into the loading of the SDK, during which the process does stand still. */
export async function settled(prober: Prober, probe: Probe, signal: AbortSignal): Promise<Outcome> {
  let outcome = await prober.run(probe, signal)
  for (let i = 0; i < MAX_REPEATS && outcome.kind === 'stalled'; i++) outcome = await prober.run(probe, signal)
  return outcome
}

import type { Config } from '../config/config.ts'
import { HealthReader } from '../daemon/health-reader.ts'
import type { Log } from '../ports/log.ts'
import type { Wired } from '../wire.ts'

/** Commands print what they find; they do not log it as well. */
const noLog: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** Reads AWS Health for a command. */
export function unloggedHealthReader(
  { sources, clock }: Pick<Wired, 'sources' | 'clock'>,
  { policy, health }: Config,
): HealthReader {
  return new HealthReader({ sources, lookbackMs: policy.lookbackMs, cacheForMs: health.cacheForMs, clock, log: noLog })
}

import type { Config } from '../config/config.ts'
import { HealthReader } from '../daemon/health-reader.ts'
import type { Log } from '../ports/log.ts'
import type { Wired } from '../wire.ts'

/** Verbs that ask once say what they found themselves. */
export const quiet: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** Where such a verb asks AWS Health. */
export function quietDesk({ sources, clock }: Pick<Wired, 'sources' | 'clock'>, { policy, health }: Config): HealthReader {
  return new HealthReader({ sources, lookbackMs: policy.lookbackMs, cacheForMs: health.cacheForMs, clock, log: quiet })
}

import type { Config } from '../config/config.ts'
import { HealthReader } from '../daemon/health-reader.ts'
import type { Log } from '../ports/log.ts'
import type { Wired } from '../wire.ts'
import { keptQueue } from './kept-queue.ts'

/** Commands print what they find; they do not log it as well. */
const noLog: Log = { error() {}, warn() {}, info() {}, debug() {} }

/** Reads AWS Health for a command. */
export function unloggedHealthReader(
  { sources: asked, queue, clock }: Pick<Wired, 'sources' | 'queue' | 'clock'>,
  config: Config,
): HealthReader {
  const { policy, health } = config
  const beside = queue === null ? undefined : asked.get(queue.partition)
  const sources =
    queue === null || beside === undefined
      ? asked
      : new Map([...asked, [queue.partition, { ...beside, queue: keptQueue(config, { queue, clock }) }]])
  return new HealthReader({ sources, lookbackMs: policy.lookbackMs, cacheForMs: health.cacheForMs, clock, log: noLog })
}

import { createHash } from 'node:crypto'
import type { Config } from '../config/config.ts'

/**
 * Names what a configuration says about monitors, policy and recipients: machines that share a database should agree on it. What
 * belongs to one machine (its paths, its page, its log, which hosts its network lets it ask) and what is secret is left out.
 */
export function sharedConfigName(config: Config): string {
  const name = names.get(config) ?? nameOf(config)
  names.set(config, name)
  return name
}

/** Asked for with each sign of life and each look at the others: of thousands of accounts it takes milliseconds to work out. */
const names = new WeakMap<Config, string>()

function nameOf(config: Config): string {
  const { monitors, discoveries, policy, health, recipients, mail, digest, storage } = config
  const { from, subject, maxPerHour } = mail
  const shared = {
    monitors,
    discoveries,
    policy,
    health: { ...health, dashboard: health.dashboard !== false },
    recipients,
    mail: { from, subject, maxPerHour },
    digest,
    keep: storage.keep,
  }
  return createHash('sha256').update(JSON.stringify(shared)).digest('hex').slice(0, 12)
}

import { createHash } from 'node:crypto'
import type { Config } from '../config/config.ts'

/**
 * Names what a configuration says about monitors, policy and recipients: machines that share a database should agree on it. What
 * belongs to one machine (its paths, its page, its log) and what is secret is left out.
 */
export function sharedConfigName(config: Config): string {
  const { monitors, discoveries, policy, health, control, recipients, mail, digest, storage } = config
  const { from, subject, maxPerHour } = mail
  const shared = {
    monitors,
    discoveries,
    policy,
    health,
    control,
    recipients,
    mail: { from, subject, maxPerHour },
    digest,
    keep: storage.keep,
  }
  return createHash('sha256').update(JSON.stringify(shared)).digest('hex').slice(0, 12)
}

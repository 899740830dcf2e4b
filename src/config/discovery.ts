import type { Monitor } from '../domain/probe.ts'
import type { Config, Discovery } from './config.ts'
import { probesOf } from './monitors.ts'
import { quotas, quotaWarnings } from './quotas.ts'

/** Accounts by the monitor that found them: `self` or twelve digits. */
export type Found = ReadonlyMap<string, readonly string[]>

/**
 * The configuration with the accounts that were found in the organization, beside those that stand in the file. What is
 * excluded is left out; an account in both is there once. Calling it again with another list starts from the file's own.
 */
export function withAccounts(config: Config, found: Found): Config {
  if (config.discoveries.length === 0) return config
  const monitors = config.monitors.map((monitor) => {
    const discovery = config.discoveries.find((one) => one.monitor === monitor.name)
    return discovery === undefined ? monitor : expanded(monitor, discovery, found.get(monitor.name) ?? [])
  })
  const without = new Set(quotaWarnings(quotas(config)))
  const warnings = [...config.warnings.filter((one) => !without.has(one)), ...quotaWarnings(quotas({ monitors }))]
  return { ...config, monitors, warnings }
}

function expanded(monitor: Monitor, { exclude, calls }: Discovery, found: readonly string[]): Monitor {
  const known = new Set(monitor.probes.map(({ account }) => account))
  const more = [...new Set(found)].filter((account) => !known.has(account) && !exclude.includes(account))
  // AWS refuses GetPrimaryEmail without a member account's id.
  const probes = probesOf(monitor.name, more, calls).filter(
    ({ account, call }) => account !== 'self' || call.operation !== 'GetPrimaryEmail',
  )
  return { ...monitor, probes: [...monitor.probes, ...probes] }
}

import { type AccountNames, mergedNames } from '../domain/account-names.ts'
import type { Monitor } from '../domain/probe.ts'
import type { Config, Discovery } from './config.ts'
import { probesOf } from './monitors.ts'
import { quotas, quotaWarnings } from './quotas.ts'

/** Discovered accounts by monitor: `self` or twelve digits. */
export type Found = ReadonlyMap<string, readonly string[]>

/**
 * Adds the accounts that were discovered in the organization to those of the file, without those that are excluded. An account
 * in both is there once. `config` has to be the one from the file: later lists replace earlier ones.
 *
 * @param names what the organizations call them; `null`: nothing is known of that
 */
export function withAccounts(config: Config, found: Found, names: AccountNames | null = null): Config {
  if (config.discoveries.length === 0) return config
  const monitors = config.monitors.map((monitor) => {
    const discovery = config.discoveries.find((one) => one.monitor === monitor.name)
    return discovery === undefined ? monitor : expanded(monitor, discovery, found.get(monitor.name) ?? [])
  })
  const without = new Set(quotaWarnings(quotas(config)))
  const warnings = [...config.warnings.filter((one) => !without.has(one)), ...quotaWarnings(quotas({ monitors }))]
  const isNamed = config.accountNames !== undefined && names !== null
  return { ...config, monitors, warnings, ...(isNamed ? { accountNames: mergedNames(names, config.accountNames) } : {}) }
}

function expanded(monitor: Monitor, { exclude, calls }: Discovery, found: readonly string[]): Monitor {
  const known = new Set(monitor.probes.map(({ account }) => account))
  const more = [...new Set(found)].filter((account) => !known.has(account) && !exclude.includes(account))
  // AWS rejects GetPrimaryEmail without the id of a member account.
  const probes = probesOf(monitor.name, more, calls).filter(
    ({ account, call }) => account !== 'self' || call.operation !== 'GetPrimaryEmail',
  )
  return { ...monitor, probes: [...monitor.probes, ...probes] }
}

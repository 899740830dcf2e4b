import type { Config, Discovery } from '../config/config.ts'
import { withAccounts } from '../config/discovery.ts'
import { accountNamesIn, accountsOf, fitting, recalled, scopeOf } from '../daemon/account-discovery.ts'
import { type AccountNames, mergedNames } from '../domain/account-names.ts'
import { organizationOf } from '../wire.ts'
import { asExit, readerIfExists } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import type { Io } from './io.ts'

/** The accounts of a monitor's organization, or why they are not known. */
export type Discovered = Readonly<{
  monitor: string
  accounts: readonly string[]
  listedAt: number | null
  /** How many accounts were left out because they are not active. */
  left: number
  why: string | null
  /** What they are called; left out where that is not wanted. */
  names?: AccountNames
}>

/** What the daemon listed last. Asks nobody. @throws {Exit} 69 */
export async function lastListed(config: Config): Promise<readonly Discovered[]> {
  const { discoveries } = config
  const none = (discovery: Discovery): Discovered => ({
    ...{ monitor: discovery.monitor, accounts: [], listedAt: null, left: 0 },
    why: 'not listed yet: `alibi check --live` lists it',
  })
  const store = discoveries.length === 0 ? null : await readerIfExists(config)
  if (store === null) return discoveries.map(none)
  try {
    return await Promise.all(
      discoveries.map(async (discovery) => {
        const place = config.monitors.find(({ name }) => name === discovery.monitor)
        const known = await recalled(store, discovery, scopeOf(discovery, place))
        if (known.listedAt === null) return none(discovery)
        return {
          ...none(discovery),
          accounts: accountsOf(known, discovery),
          listedAt: known.listedAt,
          why: null,
          names: accountNamesIn(discovery.monitor, known),
        }
      }),
    )
  } catch (cause) {
    return asExit(cause)
  } finally {
    await store.close()
  }
}

/** Lists every organization now. */
export async function listNow(config: Config, io: Io): Promise<readonly Discovered[]> {
  using organization = organizationOf(config, io.env)
  const { signal } = new AbortController()
  return await Promise.all(
    config.discoveries.map(async (discovery): Promise<Discovered> => {
      const { monitor } = discovery
      const listing = fitting(await organization.list(monitor, signal), discovery)
      if (!listing.ok) return { monitor, accounts: [], listedAt: null, left: 0, why: listing.why }
      const accounts = accountsOf(listing, discovery)
      return { monitor, accounts, listedAt: Date.now(), left: listing.left, why: null, names: accountNamesIn(monitor, listing) }
    }),
  )
}

export function withDiscovered(config: Config, discovered: readonly Discovered[]): Config {
  const names = discovered.flatMap((one) => one.names ?? [])
  const found = new Map(discovered.map(({ monitor, accounts }) => [monitor, accounts]))
  return withAccounts(config, found, names.length === 0 ? null : names.reduce(mergedNames))
}

/** The configuration with the accounts, and their names, as the daemon listed them last. Asks nobody. @throws {Exit} 69 */
export async function asLastListed(config: Config): Promise<Config> {
  return config.discoveries.length === 0 ? config : withDiscovered(config, await lastListed(config))
}

/** The configuration with the accounts that the daemon listed last; those that it never listed are listed now. @throws {Exit} 69 */
export async function populated(config: Config, io: Io): Promise<Config> {
  const last = await lastListed(config)
  const unknown = new Set(last.flatMap(({ monitor, listedAt }) => (listedAt === null ? [monitor] : [])))
  const discoveries = config.discoveries.filter(({ monitor }) => unknown.has(monitor))
  const now = await listNow({ ...config, discoveries }, io)
  const failed = now.find(({ why }) => why !== null)
  if (failed !== undefined)
    throw new Exit(EXIT.unavailable, `the accounts of monitor ${failed.monitor} are not known: ${failed.why}`)
  return withDiscovered(config, [...last.filter(({ monitor }) => !unknown.has(monitor)), ...now])
}

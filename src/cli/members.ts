import type { Config, Discovery } from '../config/config.ts'
import { withAccounts } from '../config/discovery.ts'
import { accountsOf, fitting, recalled, scopeOf } from '../daemon/account-discovery.ts'
import { organizationOf } from '../wire.ts'
import { asExit, readerIfBegun } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import type { Io } from './io.ts'

/** The accounts that a monitor found: at some moment, or why not. */
export type Found = Readonly<{
  monitor: string
  accounts: readonly string[]
  listedAt: number | null
  left: number
  why: string | null
}>

/** What the daemon listed last, without asking anybody. @throws {Exit} 69 */
export async function remembered(config: Config): Promise<readonly Found[]> {
  const { discoveries } = config
  const none = (discovery: Discovery): Found => ({
    ...{ monitor: discovery.monitor, accounts: [], listedAt: null, left: 0 },
    why: 'not listed yet: `alibi check --live` lists it',
  })
  const store = discoveries.length === 0 ? null : await readerIfBegun(config)
  if (store === null) return discoveries.map(none)
  try {
    return await Promise.all(
      discoveries.map(async (discovery) => {
        const place = config.monitors.find(({ name }) => name === discovery.monitor)
        const known = await recalled(store, discovery, scopeOf(discovery, place))
        if (known.listedAt === null) return none(discovery)
        return { ...none(discovery), accounts: accountsOf(known, discovery), listedAt: known.listedAt, why: null }
      }),
    )
  } catch (cause) {
    return asExit(cause)
  } finally {
    await store.close()
  }
}

/** Lists every organization now. */
export async function listed(config: Config, io: Io): Promise<readonly Found[]> {
  using organization = organizationOf(config, io.env)
  const { signal } = new AbortController()
  return await Promise.all(
    config.discoveries.map(async (discovery): Promise<Found> => {
      const { monitor } = discovery
      const listing = fitting(await organization.list(monitor, signal), discovery)
      if (!listing.ok) return { monitor, accounts: [], listedAt: null, left: 0, why: listing.why }
      return { monitor, accounts: accountsOf(listing, discovery), listedAt: Date.now(), left: listing.left, why: null }
    }),
  )
}

/** With the accounts that were found. */
export function withFound(config: Config, found: readonly Found[]): Config {
  return withAccounts(config, new Map(found.map(({ monitor, accounts }) => [monitor, accounts])))
}

/** With the accounts that the daemon listed last; where it never did, they are listed now. @throws {Exit} 69 */
export async function populated(config: Config, io: Io): Promise<Config> {
  const found = await remembered(config)
  const unknown = new Set(found.flatMap(({ monitor, listedAt }) => (listedAt === null ? [monitor] : [])))
  const discoveries = config.discoveries.filter(({ monitor }) => unknown.has(monitor))
  const now = await listed({ ...config, discoveries }, io)
  const failed = now.find(({ why }) => why !== null)
  if (failed !== undefined)
    throw new Exit(EXIT.unreachable, `the accounts of monitor ${failed.monitor} are not known: ${failed.why}`)
  return withFound(config, [...found.filter(({ monitor }) => !unknown.has(monitor)), ...now])
}

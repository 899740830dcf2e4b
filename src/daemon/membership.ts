import type { Config } from '../config/config.ts'
import { withAccounts } from '../config/discovery.ts'
import type { Log } from '../ports/log.ts'
import type { Organization } from '../ports/organization.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { AccountDiscovery } from './account-discovery.ts'

export type MembershipDeps = Readonly<{
  /** As it is on disk, without discovered accounts. */
  config: Config
  store: Store
  /** `null`: there is nobody to ask. */
  organization: (Organization & Disposable) | null
  clock: Clock
  log: Log
  random01: () => number
  selfAlert: (key: string, text: string | null) => Promise<void>
  /** The discovered accounts are different from before. */
  changed: () => void
}>

/** The accounts that one configuration discovers in its organizations. It outlives the sessions that its lists begin. */
export class Membership {
  private readonly deps: MembershipDeps
  private readonly discovery: AccountDiscovery | null
  private readonly ending = new AbortController()
  private watching: Promise<void> | null = null

  constructor(deps: MembershipDeps) {
    this.deps = deps
    this.discovery = deps.organization === null ? null : this.discoveryIn(deps.organization)
  }

  /** Reads what was listed before. Nothing is asked of AWS. @throws {StoreError} */
  async open(): Promise<void> {
    await this.discovery?.open()
  }

  /** The configuration with the accounts that are known now. */
  config(): Config {
    const { config } = this.deps
    return this.discovery === null ? config : withAccounts(config, this.discovery.found(), this.discovery.names())
  }

  /** Begins to list, once. */
  watch(): void {
    this.watching ??= this.discovery?.watch(this.ending.signal) ?? null
  }

  async end(): Promise<void> {
    this.ending.abort('another configuration')
    await this.watching
    this.deps.organization?.[Symbol.dispose]()
  }

  private discoveryIn(organization: Organization): AccountDiscovery {
    const { config, store, clock, log, random01, selfAlert, changed } = this.deps
    const { discoveries, monitors } = config
    return new AccountDiscovery({
      ...{ discoveries, monitors, store, organization, clock, log, random01, selfAlert },
      changed: () => {
        if (!this.ending.signal.aborted) changed()
      },
    })
  }
}

import type { Discovery } from '../config/config.ts'
import { type AccountNames, mergedNames, readName } from '../domain/account-names.ts'
import { inWords, iso } from '../domain/duration.ts'
import { credentialsKey, HOUR_MS, type Instant, MINUTE_MS, type Monitor } from '../domain/probe.ts'
import type { Log } from '../ports/log.ts'
import type { Listing, Organization } from '../ports/organization.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { guardedOrganization } from './guarded.ts'

/** A failed listing is retried after this, then after twice as long, and at last every `every`. */
const FIRST_RETRY_MS = MINUTE_MS
/** Listings that have failed for this many times `every`, and for at least this long, are reported. */
const REPORTED_AFTER_TIMES = 3
const REPORTED_AFTER_AT_LEAST_MS = HOUR_MS
/** The key under which the store remembers which monitors discover their accounts. */
const NAMES = 'organization'

/** What is known about a monitor's organization: ids, and names only where they are wanted; addresses never. */
export type Known = Readonly<{
  /** Whose organization, and which of its units. About any other one nothing is known. */
  scope: string
  caller: string
  /** Twelve digits each. */
  accounts: readonly string[]
  /** `null` if it was never listed. */
  listedAt: Instant | null
  /** Since when every listing has failed; `null` if the last one was good. */
  failingSince: Instant | null
  /** What the accounts are called, by id; left out unless that is wanted. */
  names?: Readonly<Record<string, string>>
}>

type Place = Pick<Monitor, 'name' | 'partition' | 'credentials'>

export type AccountDiscoveryDeps = Readonly<{
  discoveries: readonly Discovery[]
  monitors: readonly Place[]
  store: Pick<Store, 'recall' | 'remember'>
  organization: Organization
  clock: Pick<Clock, 'now' | 'sleep'>
  random01: () => number
  log: Log
  /** The accounts of a monitor are different from before. */
  changed: () => void
  /** Reports once that something is wrong; `null`: it is over. */
  selfAlert: (key: string, text: string | null) => Promise<void>
}>

/** Keeps the lists of accounts that monitors discover in their organization: from the store at the start, then listed regularly. */
export class AccountDiscovery {
  private readonly known = new Map<string, Known>()
  /** Monitors that used to discover their accounts and do not any more. */
  private gone: readonly string[] = []
  private readonly deps: AccountDiscoveryDeps

  constructor(deps: AccountDiscoveryDeps) {
    this.deps = deps
  }

  /** Reads what was listed before. Nothing is asked of AWS. @throws {StoreError} */
  async open(): Promise<void> {
    const { discoveries, store } = this.deps
    for (const discovery of discoveries) {
      if (discovery.named !== true) await this.forgetNames(discovery.monitor)
      this.known.set(discovery.monitor, await recalled(store, discovery, this.scopeOf(discovery)))
    }
    const names = discoveries.map(({ monitor }) => monitor)
    const before = namesIn(await store.recall(NAMES))
    this.gone = before.filter((name) => !names.includes(name))
    for (const monitor of this.gone) await this.forgetNames(monitor)
    if (JSON.stringify(before) !== JSON.stringify(names)) await store.remember(NAMES, JSON.stringify(names))
  }

  /** What is no longer asked for is not kept either. @throws {StoreError} */
  private async forgetNames(monitor: string): Promise<void> {
    const { store } = this.deps
    const doc = parsed((await store.recall(keyOf(monitor))) ?? 'null')
    if (typeof doc !== 'object' || doc === null || !('names' in doc)) return
    const { names: _, ...rest } = doc
    await store.remember(keyOf(monitor), JSON.stringify(rest))
  }

  /** The accounts that are probed, by monitor. */
  found(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      this.deps.discoveries.map((discovery) => {
        const known = this.known.get(discovery.monitor)
        return [discovery.monitor, known === undefined ? [] : accountsOf(known, discovery)]
      }),
    )
  }

  /** What the accounts are called that are probed. */
  names(): AccountNames {
    const all = this.deps.discoveries.flatMap(({ monitor }) => {
      const known = this.known.get(monitor)
      return known === undefined ? [] : [accountNamesIn(monitor, known)]
    })
    return all.reduce(mergedNames, { ofAccounts: new Map(), ofOwn: new Map() })
  }

  /** Lists the accounts of each monitor at its own pace, until the signal aborts. Never rejects. */
  async watch(signal: AbortSignal): Promise<void> {
    for (const name of this.gone) await this.report(name, null)
    await Promise.all(this.deps.discoveries.map((discovery) => this.follow(discovery, signal)))
  }

  private async follow(discovery: Discovery, signal: AbortSignal): Promise<void> {
    const { clock, random01 } = this.deps
    const known = this.knownOf(discovery)
    const lacksNames = discovery.named === true && known.names === undefined
    let waitMs = lacksNames ? 0 : firstWaitMs(known, discovery.everyMs, clock.now())
    let failures = 0
    while (!signal.aborted) {
      await clock.sleep(waitMs, signal)
      if (signal.aborted) return
      const isGood = await this.list(discovery, signal)
      failures = isGood ? 0 : failures + 1
      waitMs = nextWaitMs(discovery.everyMs, failures, random01())
    }
  }

  /** Lists once. @returns whether that was good */
  private async list(discovery: Discovery, signal: AbortSignal): Promise<boolean> {
    const { organization, clock, log, changed } = this.deps
    const { monitor } = discovery
    const was = this.knownOf(discovery)
    const listing = fitting(await guardedOrganization(organization).list(monitor, signal), discovery)
    if (signal.aborted) return false
    const now = clock.now()
    const known = learn(was, listing, now)
    this.known.set(monitor, known)
    await this.keep(monitor, known)
    const accounts = accountsOf(known, discovery)
    if (!listing.ok) {
      log.warn('organization could not be listed', {
        monitor,
        why: listing.why,
        accounts: accounts.length,
        next: 'the last list stays in force',
      })
      const report = reportOf(known, discovery, now)
      if (report !== null) await this.report(monitor, `${report} ${listing.why}`)
      return false
    }
    await this.report(monitor, null)
    const isSame = accounts.join() === accountsOf(was, discovery).join() && sameNames(was, known)
    log.info('organization listed', { monitor, accounts: accounts.length, left: listing.left, changed: !isSame })
    if (!isSame) changed()
    return true
  }

  private async keep(monitor: string, known: Known): Promise<void> {
    try {
      await this.deps.store.remember(keyOf(monitor), JSON.stringify(known))
    } catch (cause) {
      this.deps.log.warn('failed to save the list of accounts', { monitor, cause, next: 'the next listing tries again' })
    }
  }

  private async report(monitor: string, text: string | null): Promise<void> {
    try {
      await this.deps.selfAlert(keyOf(monitor), text)
    } catch (cause) {
      this.deps.log.warn('failed to report a listing', { monitor, cause, next: 'the next listing tries again' })
    }
  }

  private knownOf(discovery: Discovery): Known {
    return this.known.get(discovery.monitor) ?? nothing(this.scopeOf(discovery))
  }

  private scopeOf(discovery: Discovery): string {
    return scopeOf(
      discovery,
      this.deps.monitors.find(({ name }) => name === discovery.monitor),
    )
  }
}

export function keyOf(monitor: string): string {
  return `organization:${monitor}`
}

/** Whose organization, and which of its units. Not what is excluded: that can change without a new listing. */
export function scopeOf({ ous }: Discovery, place: Place | undefined): string {
  const whose = place === undefined ? null : [place.partition, credentialsKey(place.credentials)]
  return JSON.stringify([whose, ous])
}

/** What the store remembers about a monitor's organization. Anything of another scope, or unreadable, does not count. @throws {StoreError} */
export async function recalled(store: Pick<Store, 'recall'>, { monitor, named }: Discovery, scope: string): Promise<Known> {
  const text = await store.recall(keyOf(monitor))
  return (text === null ? null : knownIn(text, scope, named === true)) ?? nothing(scope)
}

function knownIn(text: string, scope: string, named: boolean): Known | null {
  const doc = parsed(text) as Partial<Known> | null
  if (typeof doc !== 'object' || doc === null || doc.scope !== scope || typeof doc.caller !== 'string') return null
  const { caller, accounts, listedAt, failingSince } = doc
  if (!Array.isArray(accounts) || !accounts.every((one) => typeof one === 'string' && /^\d{12}$/.test(one))) return null
  const known = { scope, caller, accounts, listedAt: instantOf(listedAt), failingSince: instantOf(failingSince) }
  const names = named ? accountNames(doc.names) : null
  return names === null ? known : { ...known, names }
}

/** `null` if there are none, or what is there cannot be read. */
function accountNames(given: unknown): Readonly<Record<string, string>> | null {
  if (typeof given !== 'object' || given === null) return null
  return Object.fromEntries(
    Object.entries(given).flatMap(([id, text]) => {
      const name = /^\d{12}$/.test(id) ? readName(text) : null
      return name === null ? [] : [[id, name]]
    }),
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function namesIn(text: string | null): readonly string[] {
  const names = text === null ? [] : parsed(text)
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

function instantOf(value: unknown): Instant | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function nothing(scope: string): Known {
  return { scope, caller: '', accounts: [], listedAt: null, failingSince: null }
}

/** The accounts as they are probed, without those that are excluded. The caller's own is `self`: AWS rejects calls that pass their own id. */
export function accountsOf({ caller, accounts }: Pick<Known, 'caller' | 'accounts'>, { exclude }: Discovery): readonly string[] {
  return accounts
    .filter((account) => !exclude.includes(account) && !(account === caller && exclude.includes('self')))
    .map((account) => (account === caller ? 'self' : account))
}

/** What a monitor's accounts are called. The caller's own is that of the monitor. */
export function accountNamesIn(monitor: string, { caller, names = {} }: Pick<Known, 'caller' | 'names'>): AccountNames {
  const own = Object.hasOwn(names, caller) ? names[caller] : undefined
  return { ofAccounts: new Map(Object.entries(names)), ofOwn: new Map(own === undefined ? [] : [[monitor, own]]) }
}

function sameNames(was: Known, is: Known): boolean {
  const inOrder = ({ names = {} }: Known) => JSON.stringify(Object.entries(names).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return inOrder(was) === inOrder(is)
}

/** A list of more accounts than may be probed counts as none: nobody would know which part of it is monitored. */
export function fitting(listing: Listing, discovery: Discovery): Listing {
  if (!listing.ok) return listing
  const { length } = accountsOf(listing, discovery)
  if (length <= discovery.atMost) return listing
  return {
    ok: false,
    why: `${length} accounts of ${discovery.calls.length} operations each are too many probes: at most ${discovery.atMost} accounts fit`,
  }
}

export function learn(was: Known, listing: Listing, now: Instant): Known {
  if (listing.ok) {
    const { caller, accounts, names } = listing
    const { names: _, ...rest } = was
    return { ...rest, caller, accounts, listedAt: now, failingSince: null, ...(names === undefined ? {} : { names }) }
  }
  // After the clock was set back, the failure must not begin in the future.
  return { ...was, failingSince: Math.min(was.failingSince ?? now, now) }
}

/** The beginning of the report, once listings have failed for long; `null` before. */
export function reportOf(
  { failingSince, listedAt, accounts }: Known,
  { monitor, everyMs }: Discovery,
  now: Instant,
): string | null {
  if (failingSince === null || now - failingSince <= Math.max(REPORTED_AFTER_TIMES * everyMs, REPORTED_AFTER_AT_LEAST_MS))
    return null
  const rest =
    listedAt === null
      ? 'none of its accounts are monitored'
      : `the list of ${accounts.length} accounts from ${iso(listedAt)} stays in force`
  return `Monitor ${monitor} discovers its accounts in the organization, which could not be listed for ${inWords(now - failingSince)}; ${rest}:`
}

/** At the start nobody asks for a list that is fresh enough. */
export function firstWaitMs({ listedAt, failingSince }: Known, everyMs: number, now: Instant): number {
  if (listedAt === null || failingSince !== null || listedAt > now) return 0
  return Math.max(0, listedAt + everyMs - now)
}

/** Up to a tenth longer, so that many daemons do not list at the same time. */
export function nextWaitMs(everyMs: number, failures: number, random01: number): number {
  const plain = failures === 0 ? everyMs : Math.min(everyMs, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20))
  return plain * (1 + random01 / 10)
}

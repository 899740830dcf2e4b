import {
  ListAccountsCommand,
  ListAccountsForParentCommand,
  ListOrganizationalUnitsForParentCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations'
import type { Env } from '../../config/endpoints.ts'
import { readName } from '../../domain/account-names.ts'
import { ACCOUNT_REGION } from '../../domain/policy.ts'
import type { Credentials, Partition } from '../../domain/probe.ts'
import { readThrown } from '../../domain/thrown.ts'
import type { Listing } from '../../ports/organization.ts'
import type { Clock } from '../../ports/time.ts'
import { DeadlineError, within } from '../stall.ts'
import { callerIdentity } from './caller.ts'
import { type Keyring, KeyringError } from './credentials.ts'
import { placeOf, stsRegionOf } from './endpoint.ts'

/** The most that AWS puts on a page of accounts or units (botocore organizations/2016-11-28, MaxResults). */
const PAGE_SIZE = 20
/** What an organization may grow to by AWS's own account quota, and what one listing takes in. */
const MAX_LISTED = 10_000
/** Pages of one listing, all lists together: 10,000 accounts in as many units as an organization may have (2,000), and some air. */
const MAX_PAGES = 5_000
const MAX_UNITS = 2_000
/** A page, its retries included. */
const PAGE_TIMEOUT_MS = 30_000
const LISTING_TIMEOUT_MS = 10 * 60_000
const IDENTITY_TIMEOUT_MS = 10_000
/** Throttled pages are asked again by the SDK, later each time. */
const MAX_ATTEMPTS = 6

export type OrganizationOptions = Readonly<{
  partition: Partition
  region: string
  credentials: Credentials
  /** Ids of units or of the root; `null`: the whole organization. */
  ous: readonly string[] | null
  /** Whether the names of the accounts are wanted; if not, they are never looked at. */
  named?: boolean
  keyring: Keyring
  clock: Clock
  env: Env
  timeoutMs?: number
  maxPages?: number
}>

/** An account as AWS lists it, without its email address, which is never read. */
type Told = Readonly<{ id: string; management: string | null; active: boolean; name: string | null }>

/**
 * Lists the active accounts of an organization, or of some of its units at any depth, with three operations that only read.
 * A listing is whole or it is none: what cannot be read in it fails it. Never rejects.
 */
export async function listOrganization(options: OrganizationOptions, signal: AbortSignal): Promise<Listing> {
  const { keyring, clock, env, partition, credentials, timeoutMs = LISTING_TIMEOUT_MS } = options
  const holder = { credentials, stsRegion: stsRegionOf(options) }
  try {
    return await within(timeoutMs, signal, async (bound) => {
      const who = await callerIdentity(holder, { keyring, clock, env, timeoutMs: IDENTITY_TIMEOUT_MS, signal: bound })
      if ('why' in who) return { ok: false, why: `whose credentials these are is not known: ${who.why}` }
      // Its only region in every partition is the one in which Account stands too (client-organizations, endpoint rules).
      const region = ACCOUNT_REGION[partition]
      const credentials = () => keyring.get(holder, PAGE_TIMEOUT_MS, bound)
      const client = new OrganizationsClient({
        ...placeOf(env, 'ORGANIZATIONS', region),
        ...keyring.handler.clockOffset.signing({ credentials, region, service: 'organizations' }),
        maxAttempts: MAX_ATTEMPTS,
        retryMode: 'standard',
        ...keyring.handler.client,
      })
      const told = await new Listed(client, options, bound).all(options.ous)
      const active = told.filter((one) => one.active && (one.id === who.account || one.id !== one.management))
      const accounts = active.map(({ id }) => id).toSorted()
      const names = Object.fromEntries(active.flatMap(({ id, name }) => (name === null ? [] : [[id, name]])))
      const listing = { ok: true, caller: who.account, accounts, left: told.length - accounts.length } as const
      return options.named === true ? { ...listing, names } : listing
    })
  } catch (error) {
    return { ok: false, why: reasonOf(error) }
  }
}

/** An error whose message is our own: it may be shown as it is. */
class ListingError extends Error {
  override readonly name = 'ListingError'
}

type Page = Readonly<{ NextToken?: unknown }>

/** One listing under way. */
class Listed {
  private readonly found = new Map<string, Told>()
  private pages = 0
  private readonly client: OrganizationsClient
  private readonly maxPages: number
  private readonly signal: AbortSignal
  private readonly take: (element: Readonly<Record<string, unknown>>) => void

  constructor(
    client: OrganizationsClient,
    { maxPages = MAX_PAGES, named = false }: Pick<OrganizationOptions, 'maxPages' | 'named'>,
    signal: AbortSignal,
  ) {
    this.client = client
    this.maxPages = maxPages
    this.signal = signal
    this.take = take(this.found, named)
  }

  async all(ous: readonly string[] | null): Promise<readonly Told[]> {
    if (ous === null) {
      await this.each('Accounts', (input, at) => this.client.send(new ListAccountsCommand(input), at), this.take)
      if (this.found.size === 0) throw new ListingError('AWS listed no account at all')
    } else await this.beneath(ous)
    return [...this.found.values()]
  }

  private async beneath(ous: readonly string[]): Promise<void> {
    // A set is walked through with what is added to it meanwhile.
    const units = new Set(ous)
    for (const ParentId of units) {
      const ask = (input: object, at: object) => this.client.send(new ListAccountsForParentCommand({ ParentId, ...input }), at)
      await this.each('Accounts', ask, this.take)
      await this.each(
        'OrganizationalUnits',
        (input, at) => this.client.send(new ListOrganizationalUnitsForParentCommand({ ParentId, ...input }), at),
        (unit) => {
          const { Id: id } = unit
          if (typeof id !== 'string' || !/^ou-[0-9a-z-]{8,65}$/.test(id))
            throw new ListingError('a unit in the list cannot be read')
          units.add(id)
          if (units.size > MAX_UNITS) throw new ListingError(`there are more than ${MAX_UNITS} organizational units`)
        },
      )
    }
  }

  private async each(
    key: 'Accounts' | 'OrganizationalUnits',
    ask: (input: object, options: { abortSignal: AbortSignal }) => Promise<Page>,
    take: (element: Readonly<Record<string, unknown>>) => void,
  ): Promise<void> {
    let NextToken: string | undefined
    do {
      if (this.pages++ >= this.maxPages) throw new ListingError(`the list has more than ${this.maxPages} pages`)
      const input = { MaxResults: PAGE_SIZE, ...(NextToken === undefined ? {} : { NextToken }) }
      const page = await within(PAGE_TIMEOUT_MS, this.signal, (abortSignal) => ask(input, { abortSignal }))
      const elements = (page as Record<string, unknown>)[key]
      if (!Array.isArray(elements)) throw new ListingError('an answer holds no list')
      for (const element of elements) {
        if (typeof element !== 'object' || element === null) throw new ListingError('an answer cannot be read')
        take(element as Record<string, unknown>)
      }
      const next: unknown = page.NextToken
      // A page may be empty and still not be the last (API reference, ListAccounts).
      NextToken = typeof next === 'string' && next !== '' ? next : undefined
    } while (NextToken !== undefined)
  }
}

const take = (found: Map<string, Told>, named: boolean) => (element: Readonly<Record<string, unknown>>) => {
  const told = toldOf(element, named)
  if (told === null) throw new ListingError('an account in the list cannot be read')
  found.set(told.id, told)
  if (found.size > MAX_LISTED) throw new ListingError(`there are more than ${MAX_LISTED} accounts`)
}

/** The id of the management account stands in each account's ARN (arn:aws:organizations::MANAGEMENT:account/o-…/ID). */
const ARN = /^arn:aws[a-z-]*:organizations::(\d{12}):account\/o-[0-9a-z]+\/\d{12}$/

/** `State` took the place of `Status`, which AWS retired on 9 September 2026 (API reference, Account). */
function toldOf(element: Readonly<Record<string, unknown>>, named: boolean): Told | null {
  const { Id: id, Arn: arn, State: state, Status: status } = element
  const management = typeof arn === 'string' ? (ARN.exec(arn)?.[1] ?? null) : null
  const says = state ?? status
  if (typeof id !== 'string' || !/^\d{12}$/.test(id) || management === null || typeof says !== 'string') return null
  return { id, management, active: says === 'ACTIVE', name: named ? readName(element['Name']) : null }
}

/** What an error's name means. Messages of AWS are not shown: they name people. */
const MEANING: Readonly<Record<string, string>> = {
  AccessDeniedException:
    'the credentials may not list the organization: allow organizations:ListAccounts, and for `ous` organizations:ListAccountsForParent and organizations:ListOrganizationalUnitsForParent, in the management account or a delegated administrator',
  AWSOrganizationsNotInUseException: 'the account of these credentials is in no organization',
  ParentNotFoundException: 'one of `ous` is not in this organization',
  TooManyRequestsException: 'AWS throttled the listing',
}

function reasonOf(error: unknown): string {
  if (error instanceof ListingError || error instanceof KeyringError || error instanceof DeadlineError) return error.message
  const { isError, name: ownName, code } = readThrown(error)
  if (!isError) return 'it could not be asked'
  if (error instanceof SyntaxError) return 'its answer cannot be read'
  const given = code || ownName
  const name = /^[A-Za-z_][\w.]{0,99}$/.test(given) ? given : 'an error without a name'
  const meaning = Object.hasOwn(MEANING, name) ? MEANING[name] : undefined
  return meaning === undefined ? name : `${meaning} (${name})`
}

import {
  AssumeRoleCommand,
  type AssumeRoleCommandOutput,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import { fromIni, fromNodeProviderChain } from '@aws-sdk/credential-providers'
import type { Credentials } from '../../domain/probe.ts'
import type { Clock } from '../../ports/time.ts'
import { AbandonedError, within } from '../stall.ts'
import { type Answer, BoundedHandler, carry, overheard } from './answer.ts'
import { type Env, endpointOverride, NO_OTHER_ENDPOINT } from './endpoint.ts'
import { classify } from './failure.ts'

/** Temporary credentials are renewed this long before they end; until then a renewal that fails harms nobody. */
const RENEW_BEFORE_MS = 5 * 60_000
/** And are not used any more this long before their end. */
const UNUSABLE_BEFORE_MS = 10_000
/** Between two attempts at renewing credentials that still hold. */
const RENEW_EVERY_MS = 20_000
/** A renewal in the background, which nobody waits for, ends after this long. */
const RENEW_TIMEOUT_MS = 30_000
/** Credentials that were refused are looked for anew, but not those which were only just found. */
const DROP_AFTER_MS = 10_000
/** Providers that were given up on and still hang (a `credential_process` cannot be ended): beyond this many none is started. */
const MAX_HANGING = 3
const ROLE_SECONDS = 3_600

/** A key and its secret, for a while or for ever: the SDK's own shape. */
export type Identity = Awaited<ReturnType<ReturnType<typeof fromNodeProviderChain>>>

/** Whose credentials, and the region in which STS is asked for them. */
export type Holder = Readonly<{ credentials: Credentials; stsRegion: string }>

/** Credentials could not be had. `asked` says who did not give them: the reason why Account is never blamed for STS. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError'
  readonly asked: 'STS' | 'provider'
  readonly answer: Answer | null
  readonly heardAt: number | null
  /** The message is one line that may be shown: who did not give them, and why. */
  constructor(cause: unknown, { who: asked, answer, heardAt }: Asking, { stsRegion }: Holder) {
    const about = { operation: 'GetAccountInformation', account: '', region: '' } as const
    const { error, message } = classify(cause, { ...about, stsRegion, asked, answer, heardAt })
    // A name of the SDK's own says nothing that the message does not.
    const named = error === null || /ProviderError$/.test(error) ? message : `${error}: ${message}`
    super(`${asked === 'STS' ? `STS in ${stsRegion}` : 'credentials'}: ${named}`, { cause })
    this.asked = asked
    this.answer = answer
    this.heardAt = heardAt
  }

  /** Whether something is to be changed on our side: STS may be in trouble itself. */
  get isOurs(): boolean {
    return this.asked === 'provider' || (this.answer !== null && this.answer.status < 500 && this.answer.status !== 429)
  }
}

/** Whom a search for credentials is asking at the moment. */
type Asking = { who: 'STS' | 'provider'; answer: Answer | null; heardAt: number | null }

type Flight = {
  holder: Holder
  found: Promise<Identity>
  begun: number
  asking: Asking
  abort: AbortController
  waiting: number
  settled: boolean
}
type Held = { identity: Identity; since: number }
type Slot = { held: Held | null; flight: Flight | null; hanging: number; lastRenewal: number }

export type Keyring = Readonly<{
  /**
   * Credentials for `holder`: those held, while they last; else looked for, once for all who wait.
   * @throws {KeyringError} after `timeoutMs` at the latest @throws {AbandonedError} when `signal` aborts
   */
  get(holder: Holder, timeoutMs: number, signal: AbortSignal): Promise<Identity>
  /** These were refused: they are looked for anew, also in files that have changed since. */
  drop(holder: Holder, identity: Identity): void
  /** For further clients of the same process. */
  handler: BoundedHandler
  close(): void
}>

/** Finds, holds and renews credentials, each once per holder. Secrets stay in here and in the SDK's clients. */
export function keyring({ clock, env }: Readonly<{ clock: Clock; env: Env }>): Keyring {
  const slots = new Map<string, Slot>()
  const handler = new BoundedHandler()

  function search(slot: Slot, holder: Holder): Flight {
    const asking: Asking = { who: 'provider', answer: null, heardAt: null }
    const abort = new AbortController()
    const found = find(holder, { clock, env, handler, asking, signal: abort.signal })
    const flight: Flight = { holder, found, begun: clock.monotonic(), asking, abort, waiting: 0, settled: false }
    const land = () => {
      flight.settled = true
      if (slot.flight === flight) slot.flight = null
      else slot.hanging--
    }
    found.then(
      (identity) => {
        if (slot.flight === flight) slot.held = { identity, since: clock.now() }
        land()
      },
      () => land(),
    )
    slot.flight = flight
    slot.lastRenewal = clock.monotonic()
    return flight
  }

  async function wait(slot: Slot, flight: Flight, timeoutMs: number, signal: AbortSignal): Promise<Identity> {
    flight.waiting++
    try {
      return await within(timeoutMs, signal, () => flight.found)
    } catch (error) {
      throw error instanceof AbandonedError ? error : new KeyringError(error, flight.asking, flight.holder)
    } finally {
      flight.waiting--
      if (flight.waiting === 0 && !flight.settled) giveUp(slot, flight)
    }
  }

  /** A provider that hangs is not waited for by those who come later. */
  function giveUp(slot: Slot, flight: Flight) {
    flight.abort.abort()
    if (slot.flight !== flight) return
    slot.flight = null
    slot.hanging++
  }

  return {
    handler,
    async get(holder, timeoutMs, signal) {
      const key = slotKey(holder)
      const slot = slots.get(key) ?? { held: null, flight: null, hanging: 0, lastRenewal: Number.NEGATIVE_INFINITY }
      slots.set(key, slot)
      const leftMs = slot.held === null ? 0 : (slot.held.identity.expiration?.getTime() ?? Infinity) - clock.now()
      if (slot.held !== null && leftMs > UNUSABLE_BEFORE_MS) {
        const renew = leftMs < RENEW_BEFORE_MS && slot.flight === null && clock.monotonic() - slot.lastRenewal >= RENEW_EVERY_MS
        if (renew && slot.hanging < MAX_HANGING) {
          const flight = search(slot, holder)
          wait(slot, flight, RENEW_TIMEOUT_MS, new AbortController().signal).catch(() => undefined)
        }
        return slot.held.identity
      }
      if (slot.flight !== null && clock.monotonic() - slot.flight.begun >= timeoutMs) giveUp(slot, slot.flight)
      if (slot.flight === null && slot.hanging >= MAX_HANGING) {
        const hangs = new Error(`${slot.hanging} earlier calls of the credentials provider have not ended yet`)
        throw new KeyringError(hangs, { who: 'provider', answer: null, heardAt: null }, holder)
      }
      return wait(slot, slot.flight ?? search(slot, holder), timeoutMs, signal)
    },
    drop(holder, identity) {
      const slot = slots.get(slotKey(holder))
      if (slot?.held?.identity === identity && clock.now() - slot.held.since >= DROP_AFTER_MS) slot.held = null
    },
    close() {
      for (const slot of slots.values()) slot.flight?.abort.abort()
      handler.close()
    },
  }
}

/** In memory only. Unlike `credentialsKey` it tells external ids apart. */
function slotKey({ credentials, stsRegion }: Holder): string {
  const { profile, roleArn, externalId, sessionName } = credentials
  return JSON.stringify([profile, roleArn, externalId, sessionName, stsRegion])
}

type Search = Readonly<{ clock: Clock; env: Env; handler: BoundedHandler; asking: Asking; signal: AbortSignal }>

/**
 * The SDK's own providers find the credentials; but STS is asked by us, in the region we choose (a profile's `region`
 * is mostly us-east-1, where Account stands, too) and so that it is known when it is STS that does not answer.
 */
async function find({ credentials, stsRegion }: Holder, search: Search): Promise<Identity> {
  const assume = assumer(stsRegion, search)
  const init = {
    ignoreCache: true,
    logger: search.handler.client.logger,
    clientConfig: { maxAttempts: 1, ...search.handler.client },
    roleAssumer: assume.role,
    roleAssumerWithWebIdentity: assume.withWebIdentity,
  }
  const { profile, roleArn, externalId, sessionName } = credentials
  // A named profile is only ever that profile: the chain would go on to the instance's role when it is missing.
  const provide = profile === null ? fromNodeProviderChain(init) : fromIni({ ...init, profile })
  const base = await provide({ callerClientConfig: { region: async () => stsRegion } })
  if (roleArn === null) return base
  const role = { RoleArn: roleArn, RoleSessionName: sessionName ?? 'alibi', DurationSeconds: ROLE_SECONDS }
  return assume.role(base, externalId === null ? role : { ...role, ExternalId: externalId })
}

type Roled = Pick<AssumeRoleCommandOutput, 'Credentials'>
type RoleParams = ConstructorParameters<typeof AssumeRoleCommand>[0]
type WebIdentityParams = ConstructorParameters<typeof AssumeRoleWithWebIdentityCommand>[0]

function assumer(stsRegion: string, { clock, env, handler, asking, signal }: Search) {
  const heard = (answer: Answer) => Object.assign(asking, { answer, heardAt: clock.now() })

  async function ask(send: () => Promise<Roled>): Promise<Identity> {
    Object.assign(asking, { who: 'STS', answer: null, heardAt: null })
    const identity = identityIn((await send()).Credentials)
    if (identity === null) throw new Error('STS answered without credentials')
    Object.assign(asking, { who: 'provider', answer: null, heardAt: null })
    return identity
  }

  return {
    role: (source: Identity, params: RoleParams) => {
      const client = overheard(new STSClient({ ...stsConfig(stsRegion, env, handler), credentials: source }))
      return ask(() => client.send(carry(new AssumeRoleCommand(params), { heard, abortSignal: signal })))
    },
    withWebIdentity: (params: WebIdentityParams) => {
      const client = overheard(new STSClient(stsConfig(stsRegion, env, handler)))
      return ask(() => client.send(carry(new AssumeRoleWithWebIdentityCommand(params), { heard, abortSignal: signal })))
    },
  }
}

/** What STS gave; `null` where it is no key with its secret. An end that is no time would never come. */
function identityIn(given: Roled['Credentials']): Identity | null {
  const { AccessKeyId: key, SecretAccessKey: secret, SessionToken: token, Expiration: end } = given ?? {}
  const isText = (value: unknown) => typeof value === 'string' && value !== ''
  if (!isText(key) || !isText(secret) || (token !== undefined && typeof token !== 'string')) return null
  if (end !== undefined && (!(end instanceof Date) || Number.isNaN(end.getTime()))) return null
  return {
    accessKeyId: key as string,
    secretAccessKey: secret as string,
    ...(token === undefined ? {} : { sessionToken: token }),
    ...(end === undefined ? {} : { expiration: end }),
  }
}

function stsConfig(region: string, env: Env, handler: BoundedHandler) {
  const endpoint = endpointOverride(env, 'STS')
  return { region, ...handler.client, ...NO_OTHER_ENDPOINT, maxAttempts: 1, ...(endpoint === null ? {} : { endpoint }) }
}

/** Who these credentials are, or in one line why that could not be learnt. */
export type CallerIdentity = Readonly<{ account: string; arn: string }> | Readonly<{ why: string }>

/** Asks STS who we are. Bounded in time; never rejects. */
export async function callerIdentity(
  holder: Holder,
  options: Readonly<{ keyring: Keyring; clock: Clock; env: Env; timeoutMs: number; signal: AbortSignal }>,
): Promise<CallerIdentity> {
  const { keyring: ring, clock, env, timeoutMs, signal } = options
  const asking: Asking = { who: 'STS', answer: null, heardAt: null }
  const heard = (answer: Answer) => Object.assign(asking, { answer, heardAt: clock.now() })
  try {
    const credentials = await ring.get(holder, timeoutMs, signal)
    const client = overheard(new STSClient({ ...stsConfig(holder.stsRegion, env, ring.handler), credentials }))
    const { Account: account, Arn: arn } = await within(timeoutMs, signal, (abortSignal) =>
      client.send(carry(new GetCallerIdentityCommand({}), { heard, abortSignal })),
    )
    if (typeof account !== 'string' || typeof arn !== 'string') return { why: 'STS answered without an identity' }
    if (!/^\d{12}$/.test(account) || !/^arn:[\w+=,.@:/-]{1,600}$/.test(arn)) return { why: 'STS answered without an identity' }
    return { account, arn }
  } catch (error) {
    return { why: (error instanceof KeyringError ? error : new KeyringError(error, asking, holder)).message }
  }
}

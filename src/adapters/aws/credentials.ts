import type { Env } from '../../config/endpoints.ts'
import type { OwnFault } from '../../domain/own-fault.ts'
import type { Clock } from '../../ports/time.ts'
import type { Outlet } from '../outlet.ts'
import { AbandonedError, DeadlineError, within } from '../stall.ts'
import type { Answer } from './answer.ts'
import { classify } from './failure.ts'
import { BoundedHandler } from './handler.ts'
import { type Asking, type Holder, type Identity, provide } from './provider.ts'

/** Temporary credentials are renewed this long before they end; until then a renewal that fails harms nobody. */
const RENEW_BEFORE_MS = 5 * 60_000
/** And are not used any more this long before their end. */
const UNUSABLE_BEFORE_MS = 10_000
/** Between two attempts at renewing credentials that still hold. */
const RENEW_EVERY_MS = 20_000
/** Credentials that were rejected are looked for again, but not if they have only just been found. */
const DROP_AFTER_MS = 10_000
/** Whoever comes later joins a search that is under way: a provider may be slower than one try. After this long another is begun. */
const JOINED_FOR_MS = 60_000
/** Searches that nobody joins any more and still hang (a `credential_process` cannot be ended): beyond this many none is begun. */
const MAX_HANGING = 3
/** The error of a search for which nobody waited is given to the next caller who asks within this time. */
const TOLD_WITHIN_MS = 60_000

type Blamed = Readonly<Pick<Asking, 'who' | 'answer' | 'heardAt'> & Partial<Pick<Asking, 'origin'>>>

/** Credentials could not be had. `asked` says who did not give them: the reason why Account is never blamed for STS. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError'
  readonly asked: 'STS' | 'provider'
  readonly origin: string | null
  readonly answer: Answer | null
  readonly heardAt: number | null
  /** The message is one line that may be shown: who did not give them, and why. */
  constructor(cause: unknown, { who: asked, answer, heardAt, origin = null }: Blamed, { stsRegion }: Holder) {
    const about = { operation: 'GetAccountInformation', account: '', region: '' } as const
    const { error, message } = classify(cause, { ...about, stsRegion, asked, answer, heardAt, origin })
    // A name of the SDK's own says nothing that the message does not, and ours for a deadline neither.
    const named = error === null || asked === 'provider' || /ProviderError$/.test(error) ? message : `${error}: ${message}`
    const who = asked === 'STS' ? `STS in ${stsRegion}: ` : cause instanceof DeadlineError ? '' : 'credentials: '
    super(`${who}${named}`, { cause })
    this.asked = asked
    this.origin = origin
    this.answer = answer
    this.heardAt = heardAt
  }

  /** What has to be fixed on our side; `null`: STS itself may have a problem, or cannot be reached. */
  get fault(): OwnFault | null {
    if (this.asked === 'provider') return this.cause instanceof DeadlineError ? 'late credentials' : 'no credentials'
    const status = this.answer?.status ?? 0
    return status >= 400 && status < 500 && status !== 429 ? 'refused credentials' : null
  }
}

type Flight = Readonly<{ holder: Holder; found: Promise<Identity>; asking: Asking; abort: AbortController }> & {
  /** Somebody has waited for STS all of his time, in vain. */
  isOverdue: boolean
}
type Held = { identity: Identity; since: number; origin: string | null }
type Slot = {
  held: Held | null
  /** The search that is joined. */
  flight: Flight | null
  /** Those that were, and have not ended; what they find counts all the same. */
  hanging: Set<Flight>
  /** How many wait. */
  waiting: number
  lastRenewal: number
  untold: Readonly<{ error: KeyringError; at: number }> | null
}

export type Keyring = Readonly<{
  /**
   * Credentials for `holder`: those held, while they last; else looked for, once for all who wait. A search goes on when
   * those who wait for it are gone, and what it finds is held for the next.
   * @throws {KeyringError} after `timeoutMs` at the latest @throws {AbandonedError} when `signal` aborts
   */
  get(holder: Holder, timeoutMs: number, signal: AbortSignal): Promise<Identity>
  /** Where those that are held came from: `profile prod (credential_process)`; `null` while there are none. */
  originOf(holder: Holder): string | null
  /** These were rejected: they are looked for again, also in files that have changed since. */
  drop(holder: Holder, identity: Identity): void
  /** For further clients of the same process. */
  handler: BoundedHandler
  close(): void
}>

/** Finds, holds and renews credentials, each once per holder. Secrets stay in here and in the SDK's clients. */
export function keyring({ clock, env, outlet }: Readonly<{ clock: Clock; env: Env; outlet?: Outlet }>): Keyring {
  const slots = new Map<string, Slot>()
  const handler = new BoundedHandler(outlet)

  function slotOf(holder: Holder): Slot {
    const key = slotKey(holder)
    const known = slots.get(key)
    if (known !== undefined) return known
    const none = { held: null, flight: null, untold: null }
    const slot: Slot = { ...none, hanging: new Set(), waiting: 0, lastRenewal: Number.NEGATIVE_INFINITY }
    slots.set(key, slot)
    return slot
  }

  function search(slot: Slot, holder: Holder, isRenewal: boolean): Flight {
    const begun = clock.monotonic()
    const asking: Asking = { who: 'provider', since: begun, answer: null, heardAt: null, origin: null }
    const abort = new AbortController()
    const found = provide(holder, { clock, env, handler, asking, signal: abort.signal })
    const flight: Flight = { holder, found, asking, abort, isOverdue: false }
    const land = () => {
      slot.hanging.delete(flight)
      if (slot.flight === flight) slot.flight = null
    }
    found.then(
      (identity) => {
        // One that hung for long may come after a later one: the newer credentials stay.
        if (slot.held === null || slot.held.since <= begun)
          slot.held = { identity, since: clock.monotonic(), origin: asking.origin }
        slot.untold = null
        land()
      },
      (error: unknown) => {
        if (slot.waiting === 0 && !isRenewal && slot.flight === flight)
          slot.untold = { error: new KeyringError(error, asking, holder), at: clock.monotonic() }
        land()
      },
    )
    slot.flight = flight
    slot.lastRenewal = begun
    return flight
  }

  async function wait(slot: Slot, flight: Flight, timeoutMs: number, signal: AbortSignal): Promise<Identity> {
    slot.waiting++
    try {
      return await within(timeoutMs, signal, () => flight.found)
    } catch (error) {
      if (error instanceof AbandonedError) throw error
      const by = blamed(error, flight.asking, clock.monotonic(), timeoutMs)
      if (error instanceof DeadlineError && by.who === 'STS') flight.isOverdue = true
      throw new KeyringError(error, by, flight.holder)
    } finally {
      slot.waiting--
    }
  }

  /** The search to wait for: the one under way, or, if that seems to lead nowhere, a second one. Neither is ended. */
  function joined(slot: Slot, holder: Holder, timeoutMs: number): Flight {
    const { flight, hanging } = slot
    if (flight !== null) {
      const { who, since } = flight.asking
      // STS is one request, and a lost packet can leave it without an answer forever.
      if (!flight.isOverdue && clock.monotonic() - since < (who === 'STS' ? timeoutMs : JOINED_FOR_MS)) return flight
      slot.flight = null
      hanging.add(flight)
    }
    if (hanging.size < MAX_HANGING || endOldest(hanging)) return search(slot, holder, false)
    const hangs = new Error(`${hanging.size} earlier calls of the credentials provider have not ended yet`)
    throw new KeyringError(hangs, { who: 'provider', answer: null, heardAt: null, origin: flight?.asking.origin ?? null }, holder)
  }

  function leftMs({ identity }: Held): number {
    // By AWS's clock, as far as it is known: it is AWS that sees them end.
    return (identity.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - (clock.now() + handler.clockOffset.ms)
  }

  return {
    handler,
    async get(holder, timeoutMs, signal) {
      const slot = slotOf(holder)
      const { held, untold } = slot
      if (held !== null && leftMs(held) > UNUSABLE_BEFORE_MS) {
        const isDue = leftMs(held) < RENEW_BEFORE_MS && clock.monotonic() - slot.lastRenewal >= RENEW_EVERY_MS
        if (isDue && slot.flight === null && slot.hanging.size < MAX_HANGING) search(slot, holder, true)
        return held.identity
      }
      slot.untold = null
      if (untold !== null && clock.monotonic() - untold.at < TOLD_WITHIN_MS) throw untold.error
      return wait(slot, joined(slot, holder, timeoutMs), timeoutMs, signal)
    },
    originOf: (holder) => slots.get(slotKey(holder))?.held?.origin ?? null,
    drop(holder, identity) {
      const slot = slots.get(slotKey(holder))
      if (slot?.held?.identity === identity && clock.monotonic() - slot.held.since >= DROP_AFTER_MS) slot.held = null
    },
    close() {
      for (const { flight, hanging } of slots.values()) for (const one of [flight, ...hanging]) one?.abort.abort()
      handler.close()
    },
  }
}

/** A request to STS can be given up, a process cannot. @returns whether there was one */
function endOldest(hanging: Set<Flight>): boolean {
  const oldest = [...hanging].find(({ asking }) => asking.who === 'STS')
  if (oldest === undefined) return false
  hanging.delete(oldest)
  oldest.abort.abort()
  return true
}

/**
 * Whom a caller blames who could not wait any longer: STS only if it has had half of his time. Where a slow provider has left
 * it a moment, nothing is known of STS.
 */
function blamed(error: unknown, asking: Asking, now: number, timeoutMs: number): Asking {
  const isEarly = error instanceof DeadlineError && asking.who === 'STS' && now - asking.since < timeoutMs / 2
  return isEarly ? { ...asking, who: 'provider', answer: null, heardAt: null } : asking
}

/** In memory only. Unlike `credentialsKey`, it distinguishes external ids. */
function slotKey({ credentials, stsRegion }: Holder): string {
  const { profile, roleArn, externalId, sessionName } = credentials
  return JSON.stringify([profile, roleArn, externalId, sessionName, stsRegion])
}

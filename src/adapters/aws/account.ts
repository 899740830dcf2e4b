import type { AccountClient } from '@aws-sdk/client-account'
import type { Env } from '../../config/endpoints.ts'
import { backoffMs } from '../../domain/backoff.ts'
import {
  type ControlAnswer,
  type Instant,
  isServiceCall,
  type Monitor,
  type Outcome,
  type Partition,
  type Probe,
  type Try,
} from '../../domain/probe.ts'
import { serviceCode } from '../../domain/service-facts.ts'
import { regionOf } from '../../domain/setup.ts'
import type { Prober } from '../../ports/prober.ts'
import type { Clock } from '../../ports/time.ts'
import { Outlet } from '../outlet.ts'
import { AbandonedError, type StallMeter, stallMeter, type Watch, within } from '../stall.ts'
import { accountClient } from './account-client.ts'
import type { Answer } from './answer.ts'
import { MAX_SERVICE_ANSWER_BYTES } from './body.ts'
import type { Sent } from './call.ts'
import { type Keyring, KeyringError, keyring } from './credentials.ts'
import { endpointOverride, placeOfRequest, stsRegionOf } from './endpoint.ts'
import { type Classified, type Context, classify, headOf } from './failure.ts'
import { ASK } from './operations.ts'
import type { Holder, Identity } from './provider.ts'
import { type LoadPackage, ServiceClients } from './service-client.ts'
import { MIN_STALL_MS, SharedControlCall } from './shared-control-call.ts'

export type ProberOptions = Readonly<{
  monitors: readonly Monitor[]
  control: Readonly<{ url: string; timeoutMs: number }>
  /** The way out; left out: directly. */
  outlet?: Outlet
  clock: Clock
  /** A random number in 0…1 for each backoff. */
  random01: () => number
  env: Env
  /** Alibi's version, for the user agent. */
  version: string
  /** Shared with others that need the same credentials; closed by its owner. Left out: one of its own. */
  keyring?: Keyring
  /** Looked at right before each call: whether this machine may still make it; left out: always. */
  mayCall?: () => boolean
  /** Finds the SDK's clients of other services; left out: those that are installed. */
  load?: LoadPackage
}>

/** A body of a 200 that is no JSON object. Its content stays unknown: it may hold personal data. */
class UnreadableError extends Error {
  override readonly name = 'UnreadableAnswer'
}

/** A probe of a monitor that is not there: a fault of ours. */
class NoMonitorError extends Error {
  override readonly name = 'NoMonitor'
}

/** Asks the Account API, and other services by their own clients, within bounds, and says in an outcome what came of it. */
export function accountProber(options: ProberOptions): Prober & { loadClients(): Promise<void>; close(): void } {
  const prober = new AccountProber(options)
  return {
    run: (probe, signal) => prober.run(probe, signal),
    control: (signal) => prober.control(signal),
    loadClients: () => prober.loadClients(),
    close: () => prober.close(),
  }
}

type Heard = { answer: Answer | null; heardAt: number | null }
/** Where a call goes: the region by which it is judged, and the host once that is known. */
type Place = { region: string; host: string | null }
type Asking = Readonly<{ probe: Probe; monitor: Monitor; holder: Holder; identity: Identity }>
type Noted = Readonly<{ heard: Heard; place: Place }>

class AccountProber implements Prober {
  readonly #options: ProberOptions
  readonly #monitors: ReadonlyMap<string, Monitor>
  readonly #ring: Keyring
  readonly #clients = new Map<string, { identity: Identity; client: AccountClient }>()
  readonly #services: ServiceClients
  readonly #meter: StallMeter
  readonly #controlCall: SharedControlCall

  constructor(options: ProberOptions) {
    const { clock, control, env, version, load, outlet = new Outlet() } = options
    this.#options = options
    this.#monitors = new Map(options.monitors.map((monitor) => [monitor.name, monitor]))
    this.#ring = options.keyring ?? keyring({ clock, env, outlet })
    this.#services = new ServiceClients({ env, handler: this.#ring.handler, version, ...(load === undefined ? {} : { load }) })
    this.#meter = stallMeter(clock)
    this.#controlCall = new SharedControlCall({ control, outlet, clock, meter: this.#meter })
  }

  async run(probe: Probe, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#options
    const startedAt = clock.now()
    using watch = this.#meter.watch()
    const monitor = this.#monitors.get(probe.monitor)
    const tries = monitor === undefined ? [withoutMonitor(probe, startedAt)] : await this.#tries(probe, monitor, signal)
    const verdict = verdictOf(tries, signal.aborted || stoodStill(watch, monitor))
    const ran = { probe: probe.id, startedAt, tries }
    if (verdict.kind !== 'unreachable') return { ...ran, endedAt: clock.now(), control: null, ...verdict }
    const answer = await this.#controlCall.ask(signal)
    // Without the control call it is not known whose problem it is.
    if (signal.aborted) return { ...ran, endedAt: clock.now(), control: null, ...verdictOf(tries, true) }
    return { ...ran, endedAt: clock.now(), control: answer, ...verdict }
  }

  control(signal: AbortSignal): Promise<ControlAnswer> {
    return this.#controlCall.ask(signal, 0)
  }

  /** Loads the clients of other services beforehand; a run that needs one that is not there yet loads it itself. */
  loadClients(): Promise<void> {
    const { monitors } = this.#options
    return this.#services.prepare(monitors.flatMap(({ probes }) => probes.map(({ call }) => call).filter(isServiceCall)))
  }

  close(): void {
    this.#controlCall.close()
    this.#meter.close()
    if (this.#options.keyring === undefined) this.#ring.close()
  }

  async #tries(probe: Probe, monitor: Monitor, signal: AbortSignal): Promise<readonly Try[]> {
    const { clock, random01, mayCall = () => true } = this.#options
    const tries: Try[] = []
    for (let i = 0; i < Math.max(1, monitor.attempts); i++) {
      if (i > 0) await clock.sleep(backoffMs(i - 1, monitor.backoffMs, random01()), signal)
      const made = signal.aborted || !mayCall() ? null : await this.#attempt(probe, monitor, signal)
      if (made === null) break
      tries.push(made)
      if (made.kind === null) break
    }
    return tries
  }

  /** @returns `null` when the signal ended it, or the call may not be made any more. */
  async #attempt(probe: Probe, monitor: Monitor, signal: AbortSignal): Promise<Try | null> {
    const { clock, mayCall = () => true } = this.#options
    const at = clock.now()
    const begun = clock.monotonic()
    const spent = () => clock.monotonic() - begun
    const holder: Holder = { credentials: monitor.credentials, stsRegion: stsRegionOf(monitor) }
    const { call } = probe
    const place: Place = { region: regionOf(probe, monitor.partition), host: null }
    const heard: Heard = { answer: null, heardAt: null }
    const service = serviceCode(call.operation)
    const asked = isServiceCall(call) ? 'SERVICE' : 'ACCOUNT'
    const about = { operation: call.operation, account: probe.account, service, stsRegion: holder.stsRegion } as const
    const said = (classified: Classified): Try => {
      const host = classified.service === service ? place.host : null
      return { at, ms: Math.round(spent()), ...classified, ...(host === null ? {} : { host }) }
    }
    const failed = (error: unknown, context: Pick<Context, 'asked' | 'answer' | 'heardAt' | 'origin'>) =>
      error instanceof AbandonedError ? null : said(classify(error, { ...about, region: place.region, ...context }))

    let identity: Identity
    try {
      identity = await this.#ring.get(holder, monitor.timeoutMs, signal)
    } catch (error) {
      if (!(error instanceof KeyringError)) return failed(error, { asked, ...heard })
      return failed(error.cause, error)
    }
    if (signal.aborted || !mayCall()) return null
    try {
      // The time that the credentials took is part of the try's; a little is left for the call in any case.
      const leftMs = Math.max(monitor.timeoutMs - spent(), monitor.timeoutMs / 10)
      await within(leftMs, signal, (ended) => this.#ask({ probe, monitor, holder, identity }, { heard, place }, ended))
      if (asked === 'ACCOUNT' && heard.answer?.body?.isObject === false) throw new UnreadableError('no JSON object')
      return said({ kind: null, error: null, message: null, ...headOf(heard), service, region: place.region })
    } catch (error) {
      const result = failed(error, { asked, ...heard })
      if (result?.kind === 'credentials') this.#ring.drop(holder, identity)
      return result
    }
  }

  /** Notes in `noted` what was answered, and where it was asked. */
  #ask({ probe, monitor, holder, identity }: Asking, { heard, place }: Noted, abortSignal: AbortSignal): Promise<unknown> {
    const { clock } = this.#options
    const { call } = probe
    const sent = { heard: (answer: Answer) => void Object.assign(heard, { answer, heardAt: clock.now() }), abortSignal }
    if (!isServiceCall(call)) return ASK[call.operation](this.#clientOf(monitor.partition, holder, identity), probe, sent)
    const asked = (request: Sent) => void Object.assign(place, placeOfRequest(request, place.region))
    const maxBytes = MAX_SERVICE_ANSWER_BYTES
    return this.#services.ask(call, { ...sent, asked, identity, maxBytes, answer: () => heard.answer })
  }

  /** One client for each holder and partition, for as long as its credentials last. */
  #clientOf(partition: Partition, holder: Holder, identity: Identity): AccountClient {
    const { env, version } = this.#options
    const key = JSON.stringify([partition, holder.stsRegion, holder.credentials])
    const held = this.#clients.get(key)
    if (held?.identity === identity) return held.client
    const { handler } = this.#ring
    const client = accountClient({ partition, identity, endpoint: endpointOverride(env, 'ACCOUNT'), handler, version })
    this.#clients.set(key, { identity, client })
    return client
  }
}

/** What a run of a probe comes to whose monitor is not there. */
function withoutMonitor({ monitor, account, call }: Probe, at: Instant): Try {
  const context = { operation: call.operation, account, asked: 'ACCOUNT', answer: null, heardAt: null } as const
  return { at, ms: 0, ...classify(new NoMonitorError(`no monitor ${monitor}`), { ...context, region: '', stsRegion: '' }) }
}

/** Longer than a tenth of the time that a try has, and at least 200 ms (docs/rules.md, Failure kinds). */
function stoodStill(watch: Watch, monitor: Monitor | undefined): boolean {
  const longest = watch.longestMs()
  return longest >= MIN_STALL_MS && longest > (monitor?.timeoutMs ?? 0) / 10
}

/** What a run came to: ok if any try was; else the kind of the last try that was not throttled. */
function verdictOf(tries: readonly Try[], stalled: boolean): VerdictOf {
  if (tries.some((made) => made.kind === null)) return { result: 'ok', kind: null }
  if (stalled || tries.length === 0) return { result: 'inconclusive', kind: 'stalled' }
  const kind = tries.findLast((made) => made.kind !== 'throttled')?.kind ?? 'throttled'
  return kind === 'throttled' ? { result: 'inconclusive', kind } : { result: 'failed', kind }
}

type VerdictOf =
  | Readonly<{ result: 'ok'; kind: null }>
  | Readonly<{ result: 'failed'; kind: Exclude<Try['kind'], 'throttled' | null> }>
  | Readonly<{ result: 'inconclusive'; kind: 'throttled' | 'stalled' }>

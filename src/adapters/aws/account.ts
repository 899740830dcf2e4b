import type { AccountClient } from '@aws-sdk/client-account'
import type { Env } from '../../config/endpoints.ts'
import { backoffMs } from '../../domain/backoff.ts'
import {
  type ControlAnswer,
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
import { AbandonedError, stallMeter, type Watch, within } from '../stall.ts'
import { accountClient } from './account-client.ts'
import type { Answer } from './answer.ts'
import { MAX_SERVICE_ANSWER_BYTES } from './body.ts'
import type { Sent } from './call.ts'
import { controlCall } from './control.ts'
import { type Keyring, KeyringError, keyring } from './credentials.ts'
import { endpointOverride, stsRegionOf } from './endpoint.ts'
import { type Classified, type Context, classify, headOf } from './failure.ts'
import { ASK } from './operations.ts'
import type { Holder, Identity } from './provider.ts'
import { type LoadPackage, ServiceClients } from './service-client.ts'

/** Runs of one moment share a control call: an answer this old still speaks of now. */
const CONTROL_SHARED_MS = 5_000
/** A process that stood still for less than this did not stand still. */
const MIN_STALL_MS = 200

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
  /** Shared with whoever else needs the same credentials; closed by its owner. Left out: one of its own. */
  keyring?: Keyring
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
export function accountProber(options: ProberOptions): Prober & { close(): void } {
  const { clock, control, env, random01, version } = options
  const monitors = new Map(options.monitors.map((monitor) => [monitor.name, monitor]))
  const { outlet = new Outlet() } = options
  const ring = options.keyring ?? keyring({ clock, env, outlet })
  const clients = new Map<string, { identity: Identity; client: AccountClient }>()
  const services = new ServiceClients({
    env,
    handler: ring.handler,
    version,
    ...(options.load === undefined ? {} : { load: options.load }),
  })
  services.prepare(options.monitors.flatMap(({ probes }) => probes.map(({ call }) => call).filter(isServiceCall)))
  const meter = stallMeter(clock)
  const closed = new AbortController()
  let shared: { answer: Promise<ControlAnswer>; doneAt: number | null } | null = null

  /** One client for each holder and partition, for as long as its credentials last. */
  function clientOf(partition: Partition, holder: Holder, identity: Identity): AccountClient {
    const key = JSON.stringify([partition, holder.stsRegion, holder.credentials])
    const held = clients.get(key)
    if (held?.identity === identity) return held.client
    const client = accountClient({
      partition,
      identity,
      endpoint: endpointOverride(env, 'ACCOUNT'),
      handler: ring.handler,
      version,
    })
    clients.set(key, { identity, client })
    return client
  }

  /** @returns `null` when the signal ended it. */
  async function attempt(probe: Probe, monitor: Monitor, signal: AbortSignal): Promise<Try | null> {
    const at = clock.now()
    const begun = clock.monotonic()
    const spent = () => clock.monotonic() - begun
    const holder: Holder = { credentials: monitor.credentials, stsRegion: stsRegionOf(monitor) }
    const { call } = probe
    const place = { region: regionOf(probe, monitor.partition), host: null as string | null }
    const heard: { answer: Answer | null; heardAt: number | null } = { answer: null, heardAt: null }
    const hear = (answer: Answer) => Object.assign(heard, { answer, heardAt: clock.now() })
    const service = serviceCode(call.operation)
    const asked = isServiceCall(call) ? 'SERVICE' : 'ACCOUNT'
    const about = { operation: call.operation, account: probe.account, service, stsRegion: holder.stsRegion } as const
    const said = (classified: Classified): Try => {
      const isAsked = place.host !== null && classified.service === service
      return { at, ms: Math.round(spent()), ...classified, ...(isAsked ? { host: place.host as string } : {}) }
    }
    const failed = (error: unknown, context: Pick<Context, 'asked' | 'answer' | 'heardAt' | 'origin'>) =>
      error instanceof AbandonedError ? null : said(classify(error, { ...about, region: place.region, ...context }))

    let identity: Identity
    try {
      identity = await ring.get(holder, monitor.timeoutMs, signal)
    } catch (error) {
      if (!(error instanceof KeyringError)) return failed(error, { asked, ...heard })
      return failed(error.cause, error)
    }
    try {
      // The time that the credentials took is part of the try's; a little is left for the call in any case.
      const leftMs = Math.max(monitor.timeoutMs - spent(), monitor.timeoutMs / 10)
      await within(leftMs, signal, (abortSignal) => {
        const sent = { heard: hear, abortSignal }
        if (!isServiceCall(call)) return ASK[call.operation](clientOf(monitor.partition, holder, identity), probe, sent)
        const found = (request: Sent) => Object.assign(place, placeOfRequest(request, place.region))
        const maxBytes = MAX_SERVICE_ANSWER_BYTES
        return services.ask(call, { ...sent, asked: found, identity, maxBytes, answer: () => heard.answer })
      })
      if (asked === 'ACCOUNT' && heard.answer?.body?.isObject === false) throw new UnreadableError('no JSON object')
      return said({ kind: null, error: null, message: null, ...headOf(heard), service, region: place.region })
    } catch (error) {
      const result = failed(error, { asked, ...heard })
      if (result?.kind === 'credentials') ring.drop(holder, identity)
      return result
    }
  }

  async function run(probe: Probe, signal: AbortSignal): Promise<Outcome> {
    const startedAt = clock.now()
    using watch = meter.watch()
    const tries: Try[] = []
    const monitor = monitors.get(probe.monitor)
    if (monitor === undefined) {
      const context = {
        operation: probe.call.operation,
        account: probe.account,
        asked: 'ACCOUNT',
        answer: null,
        heardAt: null,
      } as const
      const fault = classify(new NoMonitorError(`no monitor ${probe.monitor}`), { ...context, region: '', stsRegion: '' })
      tries.push({ at: startedAt, ms: 0, ...fault })
    }
    for (let i = 0; monitor !== undefined && i < Math.max(1, monitor.attempts); i++) {
      if (i > 0) await clock.sleep(backoffMs(i - 1, monitor.backoffMs, random01()), signal)
      const made = signal.aborted ? null : await attempt(probe, monitor, signal)
      if (made === null) break
      tries.push(made)
      if (made.kind === null) break
    }
    const verdict = verdictOf(tries, signal.aborted || stoodStill(watch, monitor))
    const ran = { probe: probe.id, startedAt, tries }
    if (verdict.kind !== 'unreachable') return { ...ran, endedAt: clock.now(), control: null, ...verdict }
    const answer = await controlShared(signal)
    // Without the control call nothing can be said about whose trouble it is.
    if (signal.aborted) return { ...ran, endedAt: clock.now(), control: null, ...verdictOf(tries, true) }
    return { ...ran, endedAt: clock.now(), control: answer, ...verdict }
  }

  /** One call for all who ask within a few seconds; whoever stops waiting leaves it to the others. */
  function controlShared(signal: AbortSignal, maxAgeMs = CONTROL_SHARED_MS): Promise<ControlAnswer> {
    const fresh = shared !== null && (shared.doneAt === null || clock.monotonic() - shared.doneAt < maxAgeMs)
    if (shared === null || !fresh) {
      const asked = { answer: controlSteady(), doneAt: null as number | null }
      asked.answer.then(
        () => {
          asked.doneAt = clock.monotonic()
        },
        () => undefined,
      )
      shared = asked
    }
    const at = clock.now()
    const { answer } = shared
    // Its own deadline ends the call; this one only lets a caller go who is aborted.
    return within(4 * control.timeoutMs, signal, () => answer).catch((error: Error) => ({
      at,
      ms: 0,
      reached: false,
      detail: error.message,
    }))
  }

  /** A call that failed while we stood still ourselves is made once more. */
  async function controlSteady(): Promise<ControlAnswer> {
    using watch = meter.watch()
    const first = await controlCall({ ...control, outlet }, clock, closed.signal)
    if (first.reached || watch.longestMs() < MIN_STALL_MS) return first
    return controlCall({ ...control, outlet }, clock, closed.signal)
  }

  return {
    run,
    control: (signal) => controlShared(signal, 0),
    close() {
      closed.abort()
      meter.close()
      if (options.keyring === undefined) ring.close()
    },
  }
}

const AWS_HOST = /\.(?:amazonaws\.com(?:\.cn)?|api\.aws|amazonaws\.eu|on\.aws)$/
const SIGNED_FOR = /Credential=[^/]+\/\d{8}\/([a-z0-9-]{3,32})\//

/** Where a request goes, as the SDK has resolved it. One that goes to AWS is signed for the region in which its endpoint is. */
function placeOfRequest({ hostname, headers }: Sent, region: string): Readonly<{ host: string; region: string }> {
  const [, signedFor = region] = SIGNED_FOR.exec(headers['authorization'] ?? '') ?? []
  return { host: hostname, region: AWS_HOST.test(hostname) ? signedFor : region }
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

import type { Config } from '../config/config.ts'
import { backoffMs, throttlePauseMs } from '../domain/backoff.ts'
import { codesToAsk } from '../domain/judge.ts'
import type { SourceAnswer } from '../domain/outage.ts'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import {
  type ControlAnswer,
  credentialsKey,
  DAY_MS,
  type Monitor,
  type Outcome,
  type Partition,
  type Probe,
  type Try,
} from '../domain/probe.ts'
import type { Interest } from '../domain/queue-record.ts'
import { serviceCode } from '../domain/service-facts.ts'
import { regionOf } from '../domain/setup.ts'
import type { HealthSource } from '../ports/health.ts'
import type { Prober } from '../ports/prober.ts'
import { NO_NETWORK, type Reply, replyOf } from './answers.ts'
import type { Life } from './life.ts'
import type { World } from './world.ts'

/** Runs share a control call for this long, as those of the real prober do. */
const CONTROL_SHARED_MS = 5_000
const CONTROL_MS = 90
/** A reading of the Health API is this many calls, and each takes this long. */
const API_CALLS = 4
const API_CALL_MS = 45
const DASHBOARD_MS = 250
/** A source that refuses is asked again once a day (`consult`). */
const REFUSED_FOR_MS = DAY_MS
/** STS is not asked in Account's own region, if the partition has another one. */
const OTHER_REGION: Readonly<Record<Partition, string>> = {
  aws: 'us-west-2',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-east-1',
  'aws-eusc': 'eusc-de-east-1',
}
/** Partitions whose public dashboard is known. */
const WITH_DASHBOARD: readonly Partition[] = ['aws', 'aws-cn']

export type AwsOptions = Readonly<{
  config: Config
  life: Life
  random01: () => number
  /** Called for every finished run. */
  ran: (outcome: Outcome) => void
  /** Where the calls are counted. */
  calls: Calls
  /** Looked at before each try: whether this process may still call. */
  mayCall?: () => boolean
}>

/** The calls of a session. */
export type Calls = {
  /** How many calls of probes there were. */
  count: number
  /** The last control call that has ended; `null` if there was none. */
  control: ControlAnswer | null
}

/** Asks the virtual AWS as the real prober asks the real one: the same tries, the same backoff, the same texts. */
export function virtualProber(world: World, { config, life, random01, ran, calls, mayCall = () => true }: AwsOptions): Prober {
  const monitors = new Map(config.monitors.map((monitor) => [monitor.name, monitor]))
  let shared: { answer: Promise<ControlAnswer>; doneAt: number | null } | null = null

  async function attempt(probe: Probe, monitor: Monitor, signal: AbortSignal): Promise<Try | null> {
    const at = life.now()
    const reply: Reply = world.networkUp ? replyOf(world.answerTo(probe), probe.call, monitor.timeoutMs) : NO_NETWORK
    await life.sleep(Math.min(reply.ms, monitor.timeoutMs), signal)
    if (signal.aborted) return null
    calls.count += 1
    const heard = reply.status !== null
    const home = ACCOUNT_REGION[monitor.partition]
    const stsRegion = monitor.region === home ? OTHER_REGION[monitor.partition] : monitor.region
    return {
      ...reply,
      at,
      region: reply.service !== serviceCode(probe.call.operation) ? stsRegion : regionOf(probe, monitor.partition),
      requestId: heard ? `51a1a7ed-0000-4000-8000-${String(calls.count).padStart(12, '0')}` : null,
      apigwId: null,
      traceId: null,
      // This AWS goes by the daemon's clock: a story with a clock change is about timers, not about a clock that stays wrong.
      skewMs: heard ? 0 : null,
    }
  }

  async function run(probe: Probe, signal: AbortSignal): Promise<Outcome> {
    const startedAt = life.now()
    const monitor = monitors.get(probe.monitor)
    const tries: Try[] = []
    for (let i = 0; monitor !== undefined && i < monitor.attempts; i++) {
      if (i > 0) await life.sleep(backoffMs(i - 1, monitor.backoffMs, random01()), signal)
      const made = signal.aborted || !mayCall() ? null : await attempt(probe, monitor, signal)
      if (made === null) break
      tries.push(made)
      if (made.kind === null) break
    }
    const base = { probe: probe.id, startedAt, tries }
    const stalled: Outcome = { ...base, endedAt: life.now(), control: null, result: 'inconclusive', kind: 'stalled' }
    if (signal.aborted || tries.length === 0) return stalled
    if (tries.some((made) => made.kind === null)) return { ...base, endedAt: life.now(), control: null, result: 'ok', kind: null }
    const kind = tries.findLast((made) => made.kind !== 'throttled')?.kind ?? 'throttled'
    if (kind === 'throttled') return { ...base, endedAt: life.now(), control: null, result: 'inconclusive', kind }
    if (kind !== 'unreachable') return { ...base, endedAt: life.now(), control: null, result: 'failed', kind }
    const control = await controlShared(signal, CONTROL_SHARED_MS)
    return signal.aborted ? stalled : { ...base, endedAt: life.now(), control, result: 'failed', kind }
  }

  function controlShared(signal: AbortSignal, maxAgeMs: number): Promise<ControlAnswer> {
    const fresh = shared !== null && (shared.doneAt === null || life.monotonic() - shared.doneAt < maxAgeMs)
    if (shared !== null && fresh) return shared.answer
    const asked: typeof shared = { answer: controlCall(signal), doneAt: null }
    shared = asked
    return asked.answer.then((answer) => {
      asked.doneAt = life.monotonic()
      return answer
    })
  }

  async function controlCall(signal: AbortSignal): Promise<ControlAnswer> {
    const at = life.now()
    const { networkUp } = world
    const ms = networkUp ? CONTROL_MS : NO_NETWORK.ms
    await life.sleep(ms, signal)
    calls.control = { at, ms, reached: networkUp, detail: networkUp ? 'HTTP 302' : `EAI_AGAIN: ${NO_NETWORK.message}` }
    return calls.control
  }

  return {
    async run(probe, signal) {
      const outcome = await run(probe, signal)
      ran(outcome)
      return outcome
    },
    control: (signal) => controlShared(signal, 0),
  }
}

/** Services and regions whose events can explain anything in this partition. */
export function interestIn({ monitors, health }: Config, partition: Partition): Interest {
  const own = monitors.filter((monitor) => monitor.partition === partition)
  const regions = own.flatMap(({ region, probes }) => [region, ...probes.map((probe) => regionOf(probe, partition))])
  return {
    services: codesToAsk(own, health.relevance),
    regions: [...new Set([ACCOUNT_REGION[partition], OTHER_REGION[partition], ...regions, 'global'])],
  }
}

/** The virtual Health API of a partition; `null` if the configuration has none. */
export function virtualHealthApi(world: World, config: Config, partition: Partition, life: Life): HealthSource | null {
  if (!config.health.api) return null
  const monitors = config.monitors.filter((monitor) => monitor.partition === partition)
  const credentials = config.health.credentials ?? monitors[0]?.credentials
  const owners = credentials === undefined ? [] : [`self@${credentialsKey(credentials)}`]
  // The real one asks only for what can explain something, and where it can.
  const { services, regions } = interestIn(config, partition)
  let refused: Extract<SourceAnswer, { state: 'refused' }> | null = null

  /** Like the real one: a throttled call is retried for as long as the reading may take. */
  async function callsPass(signal: AbortSignal): Promise<boolean> {
    const until = life.monotonic() + config.health.timeoutMs
    for (let call = 0; call < API_CALLS; call++) {
      await life.sleep(API_CALL_MS, signal)
      for (let tries = 1; world.networkUp && !world.letsThrough(); tries++) {
        const pauseMs = Math.min(throttlePauseMs(tries), until - life.monotonic())
        if (pauseMs <= 0 || signal.aborted) return false
        await life.sleep(pauseMs, signal)
      }
    }
    return true
  }

  return {
    async ask(now, since, signal): Promise<SourceAnswer> {
      if (refused !== null && now >= refused.at && now - refused.at < REFUSED_FOR_MS) return refused
      refused = null
      const passed = await callsPass(signal)
      if (!world.networkUp) return { state: 'unavailable', at: now, why: `EAI_AGAIN: ${NO_NETWORK.message}` }
      switch (world.api) {
        case 'unavailable':
          return { state: 'unavailable', at: now, why: 'it answered 503', heard: true }
        case 'subscription-required':
          refused = {
            state: 'refused',
            at: now,
            why: 'SubscriptionRequiredException: the support plan does not include the Health API',
          }
          return refused
        case 'throttled':
        case 'limited':
        case 'ok': {
          if (!passed)
            return { state: 'unavailable', at: now, why: 'ThrottlingException: Rate exceeded', heard: true, throttled: true }
          const all = world.board.inApi(now, since, owners)
          const events = all.filter(
            ({ service, region }) => services.includes(service) && (region === null || regions.includes(region)),
          )
          return { state: 'answered', at: now, events, skipped: 0, detail: 'simulated' }
        }
      }
    },
  }
}

/** The virtual public dashboard; `null` if the configuration or the partition has none. */
export function virtualDashboard(world: World, config: Config, partition: Partition, life: Life): HealthSource | null {
  const { dashboard } = config.health
  if (dashboard === false || (dashboard === true && !WITH_DASHBOARD.includes(partition))) return null
  return {
    async ask(now, _since, signal): Promise<SourceAnswer> {
      await life.sleep(DASHBOARD_MS, signal)
      if (!world.networkUp) return { state: 'unavailable', at: now, why: `EAI_AGAIN: ${NO_NETWORK.message}` }
      switch (world.dashboard) {
        case 'unavailable':
          return { state: 'unavailable', at: now, why: 'it answered 503', heard: true }
        case 'empty-body':
          return { state: 'unavailable', at: now, why: 'the body of its answer is empty', heard: true }
        case 'ok':
          return { state: 'answered', at: now, events: world.board.inDashboard(now), skipped: 0, detail: 'simulated' }
      }
    },
  }
}

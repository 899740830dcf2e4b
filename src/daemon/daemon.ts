import type { Config } from '../config/config.ts'
import type { Answer, AnswerResult } from '../domain/answer.ts'
import { gapRow } from '../domain/digest.ts'
import type { Facts, Notification } from '../domain/notification.ts'
import { plainFacts } from '../domain/notify.ts'
import type { HealthReading } from '../domain/outage.ts'
import type { Instant, Monitor, Partition, Probe } from '../domain/probe.ts'
import { type Setup, setupOf } from '../domain/setup.ts'
import type { Connectivity, Gap, World } from '../domain/state.ts'
import type { Delivery } from '../email/delivery.ts'
import type { Heartbeat } from '../ports/heartbeat.ts'
import type { Log } from '../ports/log.ts'
import type { Mail, Mailer } from '../ports/mailer.ts'
import { type Meter, SILENT_METER } from '../ports/meter.ts'
import type { Prober } from '../ports/prober.ts'
import { type Store, StoreError } from '../ports/store.ts'
import type { Clock, Ticker } from '../ports/time.ts'
import { takeAnswer } from './answers.ts'
import { Background } from './background.ts'
import { ControlCalls } from './control-calls.ts'
import { Courier } from './courier.ts'
import { Digests } from './digest.ts'
import { DiskAlarm } from './disk-alarm.ts'
import { Engine } from './engine.ts'
import { FailureLog } from './failure-log.ts'
import type { FinishedRun } from './finished-run.ts'
import { guardedHeartbeat, guardedMailer, guardedStore } from './guarded.ts'
import { HealthPolling } from './health-polling.ts'
import { HealthReader, type Sources } from './health-reader.ts'
import { HeartbeatLoop } from './heartbeat.ts'
import { Herald } from './herald.ts'
import { MainLoop } from './main-loop.ts'
import type { Pace } from './probe-scheduler.ts'
import { QueueReader, type QueueSetting } from './queue-reader.ts'
import { Schedules } from './schedules.ts'
import { selfCheck } from './self-check.ts'
import { Wakeup } from './wakeup.ts'

export type DaemonDeps = Readonly<{
  clock: Clock
  ticker: Ticker
  prober: Prober
  store: Store
  mailer: Mailer
  /** Sends what no database can hold, when that is what is wrong; `mailer`, if left out. */
  alarmMailer?: Mailer
  /** The second mail server; `null` if there is none. */
  fallback: Readonly<{ mailer: Mailer; afterMs: number }> | null
  log: Log
  /** Counts what happens; nobody does, if left out. */
  meter?: Meter
  /** Without the health queue, which is read all the time. */
  sources: ReadonlyMap<Partition, Sources>
  /** The health queue; left out, or `null`, where there is none. */
  queue?: QueueSetting | null
  /** How fast runs follow each other; what AWS allows, if left out. */
  pace?: Pace
  random01: () => number
  /** 64 random bits as 16 hexadecimal digits. */
  newId: () => string
  owners: (probe: Probe, monitor: Monitor) => readonly string[]
  sender: (monitor: Monitor | null) => Facts['sentBy']
  overrides: readonly string[]
  letter: (notification: Notification, delivery: Delivery) => Mail
  /** What the session before this one, in the same process, knew of our own network; left out, or `null`, if there was none. */
  connectivity?: Connectivity | null
  /** Where it is reported that Alibi itself works; `null` if nowhere. */
  heartbeat?: Heartbeat | null
}>

/** `stop`: begin nothing new. `kill`: abandon what is in flight. */
export type Signals = Readonly<{ stop: AbortSignal; kill: AbortSignal }>

export type Daemon = Readonly<{
  /** Resolves when everything is on disk after `stop`. @throws {StoreError} when the store cannot be trusted any more */
  done: Promise<void>
  world: () => World
  /** The newest reading of each partition that was asked. */
  readings: () => ReadonlyMap<Partition, HealthReading>
  /** Why Alibi does not do its work; empty while it does. */
  selfCheck: () => Promise<readonly string[]>
  /** Reports something once, such as a faulty configuration on disk; `null`: it is over. */
  selfAlert: (key: string, text: string | null) => Promise<void>
  /** Takes what somebody answers to an email. */
  answer: (answer: Answer) => Promise<AnswerResult>
}>

/** Starts to monitor. Resolves when the first schedule runs. @throws {StoreError} when the store cannot be read */
export async function startDaemon(given: DaemonDeps, config: Config, signals: Signals): Promise<Daemon> {
  const deps = guarded(given)
  const { clock, log, store, overrides } = deps
  const setup = setupOf(config)
  // By hand rather than by AbortSignal.any: Node keeps such a signal, and everyone who listens to it, until it aborts, and the
  // daemon of a simulation that is killed never does.
  const ending = new AbortController()
  const failures = new FailureLog({ clock, log, fatal: (cause) => ending.abort(cause) })
  const parts = assemble(deps, config, { setup, failures, kill: signals.kill })
  const { engine, schedules, digests, courier, reader, background } = parts
  if (signals.stop.aborted) ending.abort()
  else signals.stop.addEventListener('abort', () => ending.abort(), { once: true })

  const startedAt = clock.now()
  const lastAlive = await engine.start(startedAt)
  digests?.resume(lastAlive ?? startedAt)
  schedules.start()
  store.watch(
    () => background.startOnce('orders', () => readOrders(parts), 'failed to read silences and acknowledgements'),
    signals.stop,
  )
  const { monitors, probes, recipients } = setup
  log.info('watching', { monitors: monitors.size, probes: probes.size, recipients: recipients.size, overrides })
  const { absence, incidents } = engine.world()
  if (absence !== null) recordGap(absence, deps, background)
  // What the mail server refused may have been fixed while Alibi was not running: one attempt, before anything else is sent.
  await courier.retryRefused([...incidents.values()]).catch((cause) => failures.report('failed to retry refused emails', cause))
  return {
    done: run(parts, { log, failures, ended: ending.signal, kill: signals.kill }),
    world: () => engine.world(),
    readings: () => reader.readings(),
    selfCheck: parts.check,
    selfAlert: (key, text) => engine.look({ selfAlerts: [{ key, text }] }),
    answer: (answer) => takeAnswer(answer, { store, clock, reread: () => readOrders(parts) }),
  }
}

type Parts = ReturnType<typeof assemble>
type Surroundings = Readonly<{ setup: Setup; failures: FailureLog; kill: AbortSignal }>

/** Makes all parts of the daemon and connects them. None of them does anything yet. */
function assemble(deps: Guarded, config: Config, { setup, failures, kill }: Surroundings) {
  const { clock, log, meter, store, letter, overrides, sender, prober, ticker, pace } = deps
  const failed = (message: string, cause: unknown) => failures.report(message, cause)
  const background = new Background(failed)
  const wakeup = new Wakeup()
  const { cacheForMs } = config.health
  const queue = queueOf(deps, config, (sentAt) => polling.heard(deps.queue?.partition ?? 'aws', sentAt))
  const sources = withQueue(deps, queue)
  const reader = new HealthReader({
    ...{ clock, log, meter, cacheForMs, sources },
    lookbackMs: config.policy.lookbackMs,
  })
  const courier = courierOf(deps, config, setup)
  const engine: Engine = new Engine({
    ...{ ...deps, reader, setup, cacheForMs },
    owes: () => courier.nudge(),
    askAgain: (partition) => polling.read(partition, 0),
    decided: () => wakeup.nudge(),
    over: (selfAlerts) => background.start(courier.withdraw(selfAlerts), 'failed to withdraw emails about what is over'),
    clockSet: (by) => {
      loop.forget()
      background.start(courier.rebase(by), 'failed to adjust retry times after a clock change')
    },
    slept: (forMs) => recordGap({ from: clock.now() - forMs, to: clock.now(), why: 'this machine slept' }, deps, background),
  })
  const polling: HealthPolling = new HealthPolling({ config, reader, engine, background, clock, meter, kill })
  const controlCalls = new ControlCalls({ config, prober, engine, background, clock, log, kill })
  const submit = (run: FinishedRun) => engine.submit(run, kill)
  const schedules = new Schedules({
    ...{ setup, prober, clock, ticker, log, meter, submit, failed, kill },
    ...(pace && { pace }),
  })
  const check = () => selfCheck({ schedules, engine, courier, store })
  const heartbeat = heartbeatOf({ ...deps, sources }, config, { polling, reader, check })
  const herald = new Herald({ mailer: deps.alarmMailer, clock, log, letter })
  const diskAlarm = new DiskAlarm({ clock, setup, engine, herald, overrides, sender })
  const digests =
    config.digest === null
      ? null
      : new Digests({ digest: config.digest, store, log, setup, overrides, sender, owes: () => courier.nudge() })
  const loop: MainLoop = new MainLoop({
    ...{ config, clock, store, engine, schedules, polling, controlCalls, diskAlarm, digests, heartbeat, wakeup, failed, kill },
  })
  return { reader, courier, engine, schedules, digests, heartbeat, queue, loop, background, check }
}

/** Who reads the health queue; `null` where there is none. */
function queueOf(
  { queue, store, clock, log }: Guarded,
  { policy }: Config,
  arrived: (sentAt: readonly Instant[]) => void,
): QueueReader | null {
  if (queue == null) return null
  return new QueueReader({ setting: queue, law: { retentionMs: queue.retentionMs, policy }, store, clock, log, arrived })
}

function withQueue({ sources, queue }: Guarded, reader: QueueReader | null): ReadonlyMap<Partition, Sources> {
  const beside = queue == null ? undefined : sources.get(queue.partition)
  if (queue == null || beside === undefined) return sources
  return new Map([...sources, [queue.partition, { ...beside, queue: reader }]])
}

function courierOf(deps: Guarded, config: Config, { mailDomain }: Setup): Courier {
  const { clock, overrides, sender } = deps
  return new Courier({
    ...deps,
    maxPerHour: config.mail.maxPerHour,
    mailDomain,
    plainFacts: (kind, reason, subject, lines) =>
      plainFacts({ kind, reason, subject, lines }, { now: clock.now(), overrides, sender }),
  })
}

type Watched = Readonly<{ polling: HealthPolling; reader: HealthReader; check: () => Promise<readonly string[]> }>

function heartbeatOf(deps: Guarded, config: Config, { polling, reader, check }: Watched): HeartbeatLoop | null {
  const { clock, log, mailer, fallback, sources, heartbeat } = deps
  if (heartbeat === null || config.heartbeat === null) return null
  const hasSource = (partition: Partition) => Object.values(sources.get(partition) ?? {}).some((source) => source !== null)
  return new HeartbeatLoop({
    heartbeat,
    everyMs: config.heartbeat.everyMs,
    clock,
    log,
    mailers: [mailer, ...(fallback === null ? [] : [fallback.mailer])],
    partitions: polling.partitions.filter(hasSource),
    idleEveryMs: config.health.idleEveryMs,
    askingMs: config.health.timeoutMs,
    readings: () => reader.readings(),
    reasons: check,
  })
}

type Running = Readonly<{ log: Log; failures: FailureLog; ended: AbortSignal; kill: AbortSignal }>

/** Until `ended`, then until everything is on disk. */
async function run(parts: Parts, { log, failures, ended, kill }: Running): Promise<void> {
  const { loop, courier, heartbeat, queue, schedules, background, engine } = parts
  const reading = queue?.run(ended, kill).catch((cause) => failures.report('failed to read the health queue', cause))
  const others = Promise.all([courier.run(ended, kill), heartbeat?.run(ended), reading])
  await loop.run(ended)
  const fatal: unknown = ended.reason
  const isFatal = fatal instanceof StoreError
  log.info('stopping', { why: isFatal ? 'the store cannot be trusted' : 'asked to' })
  await schedules.stop()
  await background.idle()
  await engine.drain().catch((cause) => failures.report('failed to save the last outcomes', cause))
  await others
  await engine.alive().catch((cause) => failures.report('failed to save the time of the stop', cause))
  if (isFatal) throw fatal
  log.info('stopped', {})
}

/** Commands have written into the database. */
async function readOrders({ engine, courier }: Parts): Promise<void> {
  // First, or what is read would be taken for something that was there before the clock was set.
  await engine.checkClocks()
  await engine.readOrders()
  await engine.look({ timers: true })
  courier.nudge()
}

/** Puts a gap in our own watch into the ledger. */
function recordGap(gap: Gap, { store }: Guarded, background: Background): void {
  background.start(store.settle([], [gapRow(gap)]), 'failed to record a gap in monitoring')
}

type Guarded = DaemonDeps & Readonly<{ meter: Meter; heartbeat: Heartbeat | null; alarmMailer: Mailer }>

/** Ports that keep their promises, whatever an adapter throws. (ProbeScheduler guards the prober, HealthReader the sources.) */
function guarded(deps: DaemonDeps): Guarded {
  const { store, mailer, alarmMailer = mailer, fallback, heartbeat = null, meter = SILENT_METER } = deps
  return {
    ...deps,
    meter,
    store: guardedStore(store),
    mailer: guardedMailer(mailer),
    alarmMailer: guardedMailer(alarmMailer),
    fallback: fallback === null ? null : { ...fallback, mailer: guardedMailer(fallback.mailer) },
    heartbeat: heartbeat === null ? null : guardedHeartbeat(heartbeat),
  }
}

import type { Config } from '../config/config.ts'
import { shownUrl } from '../config/endpoints.ts'
import { messageIdOf, notificationId, toldOfUs } from '../domain/audience.ts'
import { controlEveryMs, FLUSH_AFTER_MS, nextBeatAt, readingEveryMs } from '../domain/cadence.ts'
import { gapRow } from '../domain/digest.ts'
import { inWords } from '../domain/duration.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { addressee, isOpen } from '../domain/mailing.ts'
import type { Facts, Notification } from '../domain/notification.ts'
import { plainFacts } from '../domain/notify.ts'
import type { HealthReading } from '../domain/outage.ts'
import { overtakenBy } from '../domain/outbox.ts'
import { type Instant, MINUTE_MS, type Monitor, type Partition, type Probe } from '../domain/probe.ts'
import { type Setup, setupOf } from '../domain/setup.ts'
import type { Connectivity, Gap, World } from '../domain/state.ts'
import { GATHER_AT_MOST_MS } from '../domain/step.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { Delivery } from '../email/delivery.ts'
import type { Heartbeat } from '../ports/heartbeat.ts'
import type { Log } from '../ports/log.ts'
import type { Mail, Mailer } from '../ports/mailer.ts'
import { type Meter, SILENT_METER } from '../ports/meter.ts'
import type { Prober } from '../ports/prober.ts'
import { type OwedChange, type Store, StoreError } from '../ports/store.ts'
import type { Clock, Ticker } from '../ports/time.ts'
import { Courier } from './courier.ts'
import { Summary } from './digest.ts'
import { Engine } from './engine.ts'
import { mailRow } from './fates.ts'
import { Faults } from './faults.ts'
import { guardedHeartbeat, guardedMailer, guardedStore } from './guarded.ts'
import { HealthReader, type Sources } from './health-reader.ts'
import { HeartbeatLoop } from './heartbeat.ts'
import { Herald } from './herald.ts'
import { AWS_PACE, type Pace, ProbeScheduler } from './probe-scheduler.ts'
import { Wakeup } from './wakeup.ts'

/** What falls due by the clock alone, such as a blind probe. */
const TIMERS_EVERY_MS = 10_000
const ALIVE_EVERY_MS = 30_000
/** While we are cut off runs do not count; they are still made now and then, for an answer ends the spell. */
const OFFLINE_RERUN_EVERY_MS = MINUTE_MS
const SWEEP_EVERY_MS = MINUTE_MS
/** How late a digest may be owed. */
const DIGEST_EVERY_MS = 10_000
const CHECKPOINT_EVERY_MS = 5 * MINUTE_MS
const SWEEP_ROWS = 500
const SWEEP_BATCHES = 20
/** A disk that cannot be written for this long is told by a mail that it does not hold. */
const DISK_PATIENCE_MS = 30_000
/** The same fault, again and again, is logged this often. */
const SAME_FAULT_EVERY_MS = 5 * MINUTE_MS
/** Owed for longer than this, mail counts as stuck. */
const STUCK_AFTER_MS = 10 * MINUTE_MS

export type DaemonDeps = Readonly<{
  clock: Clock
  ticker: Ticker
  prober: Prober
  store: Store
  mailer: Mailer
  /** The second way that mails can go; `null` where there is none. */
  fallback: Readonly<{ mailer: Mailer; afterMs: number }> | null
  log: Log
  /** Who counts what happens; nobody, if left out. */
  meter?: Meter
  sources: ReadonlyMap<Partition, Sources>
  /** How fast runs follow each other; what AWS allows, if left out. */
  pace?: Pace
  random01: () => number
  /** 64 random bits as 16 hexadecimal digits. */
  newId: () => string
  owners: (probe: Probe, monitor: Monitor) => readonly string[]
  sender: (monitor: Monitor | null) => Facts['sentBy']
  overrides: readonly string[]
  letter: (notification: Notification, delivery: Delivery) => Mail
  /** What the session before this one, in the same process, knew of our own network; left out, or `null`, where there was none. */
  connectivity?: Connectivity | null
  /** Who is told that Alibi itself is well; `null` where nobody is. */
  heartbeat?: Heartbeat | null
}>

/** `stop`: begin nothing new. `kill`: abandon what is in flight. */
export type Signals = Readonly<{ stop: AbortSignal; kill: AbortSignal }>

/** What `/healthz` says. */
type Health = Readonly<{ ok: boolean; reasons: readonly string[] }>

export type Daemon = Readonly<{
  /** Resolves when the last thing is on disk; rejects with a StoreError when the store cannot be trusted any more. */
  done: Promise<void>
  world: () => World
  /** The newest reading of each partition that was asked. */
  readings: () => ReadonlyMap<Partition, HealthReading>
  health: () => Promise<Health>
  /** Tells something once, in a `misconfigured` mail, such as a faulty configuration on disk; `null`: it is over. */
  selfAlert: (key: string, text: string | null) => Promise<void>
  /** Refused mails are tried again: the way they go has changed (docs/rules.md, Delivery). */
  retryRefused: () => Promise<void>
}>

/** Starts watching. Resolves when the first schedule runs; `done` resolves after `stop`, when everything is on disk. */
export async function startDaemon(given: DaemonDeps, config: Config, signals: Signals): Promise<Daemon> {
  const deps = guarded(given)
  const { clock, ticker, prober, store, mailer, log, random01, letter, overrides, sender } = deps
  const { meter = SILENT_METER } = deps
  const { stop, kill } = signals
  const setup = setupOf(config)
  const desk = new HealthReader({
    sources: deps.sources,
    lookbackMs: config.policy.lookbackMs,
    cacheForMs: config.health.cacheForMs,
    clock,
    log,
    meter,
  })
  const courier = new Courier({
    store,
    mailer,
    fallback: deps.fallback,
    clock,
    log,
    meter,
    random01,
    letter,
    maxPerHour: config.mail.maxPerHour,
    mailDomain: setup.mailDomain,
    plainFacts: (kind, reason, subject, lines) =>
      plainFacts(kind, reason, subject, lines, { now: clock.now(), overrides, sender }),
  })
  const herald = new Herald({ mailer, clock, log, letter })
  const beatNudge = new Wakeup()
  const engine = new Engine(
    {
      ...deps,
      meter,
      desk,
      cacheForMs: config.health.cacheForMs,
      owes: () => courier.nudge(),
      askAnew: (partition) => consult(partition, 0),
      over: (selfAlerts) => behind(courier.withdraw(selfAlerts), 'mails of what is over could not be withdrawn'),
      clockSet: (by) => clockSet(by),
      slept: (forMs) => unwatched({ from: clock.now() - forMs, to: clock.now(), why: 'this machine slept' }),
      decided: () => beatNudge.nudge(),
    },
    setup,
  )
  // By hand rather than by AbortSignal.any: Node keeps such a signal, and all who listen to it, until it aborts, and the daemon
  // of a simulation that is killed never does.
  const ending = new AbortController()
  const ended = ending.signal
  if (stop.aborted) ending.abort()
  else stop.addEventListener('abort', () => ending.abort(), { once: true })
  let fatal: unknown = null
  /** The one place where what nobody expected ends up: logged, and fatal only where the store cannot be trusted. */
  const saidAt = new Map<string, Instant>()
  const mishap = (message: string) => (cause: unknown) => {
    const key = `${message} ${messageOfThrown(cause)}`
    const now = clock.now()
    if (Math.abs(now - (saidAt.get(key) ?? 0)) < SAME_FAULT_EVERY_MS) return
    if (saidAt.size > 100) saidAt.clear()
    saidAt.set(key, now)
    log.error(message, { cause, next: cause instanceof StoreError && cause.fatal ? 'Alibi ends' : 'the next run tries again' })
    if (cause instanceof StoreError && cause.fatal) {
      fatal = cause
      ending.abort()
    }
  }
  /**
   * When a scheduled run of each monitor last began, on the monotonic clock (one that is set makes nobody late): a round that is
   * late is not one that stands still.
   */
  const begunAt = new Map<string, number>()
  const faults = new Faults()
  const rounds = new ProbeScheduler({
    prober,
    clock,
    pace: deps.pace ?? AWS_PACE,
    began: (monitor, lateMs) => {
      begunAt.set(monitor, clock.monotonic())
      meter.began(monitor, lateMs)
    },
    submit: async (outcome, begun) => {
      await engine.submit(outcome, begun, kill)
      const probe = setup.probes.get(outcome.probe)
      if (outcome.kind !== 'fault' && probe !== undefined) faults.clear(probe.monitor, probe.id)
    },
    failed: (probe, cause) => {
      // A store that could not be written is no fault of this run's.
      const isNews = cause instanceof StoreError || faults.add(probe.monitor, probe.id, cause)
      if (isNews) mishap('run failed')(withProbe(probe.id, cause))
    },
    kill,
  })

  const startedAt = clock.now()
  const upSince = clock.monotonic()
  const summary =
    config.digest === null
      ? null
      : new Summary(
          { digest: config.digest, store, log, setup, overrides, sender, owes: () => courier.nudge() },
          (await store.load(startedAt)).lastAlive?.at ?? startedAt,
        )
  await engine.start(startedAt)
  const monitors = [...setup.monitors.values()]
  /** When the schedule of each monitor last fired, on the monotonic clock. */
  const firedAt = new Map<string, number>()
  /** Monitors whose rounds last longer than their schedule's gap, and those whose present round a fire found running. */
  const late = new Set<string>()
  const found = new Set<string>()
  const tasks = monitors.map((monitor) =>
    ticker.schedule({
      name: monitor.name,
      cron: monitor.schedule,
      timezone: monitor.timezone,
      spreadMs: monitor.spreadMs,
      fire: async (due) => {
        const at = clock.now()
        if (due !== undefined) meter.fired(monitor.name, Math.max(0, at - due - monitor.spreadMs))
        firedAt.set(monitor.name, clock.monotonic())
        found.delete(monitor.name)
        await rounds.fire(monitor)
        if (!found.has(monitor.name) && late.delete(monitor.name))
          log.info('schedule is on time again', { monitor: monitor.name, round: inWords(clock.now() - at) })
      },
      missed: (at) =>
        log.warn('schedule missed a fire', {
          monitor: monitor.name,
          at: new Date(at).toISOString(),
          next: 'it runs at the next one',
        }),
      overlapped: (at) => {
        meter.skipped(monitor.name)
        found.add(monitor.name)
        if (late.has(monitor.name)) return
        late.add(monitor.name)
        log.warn('schedule is late', {
          monitor: monitor.name,
          at: new Date(at).toISOString(),
          why: 'the round before it is still running',
          next: 'each round begins when the one before it has ended; `alibi check` says how often AWS lets it',
        })
      },
    }),
  )
  store.watch(() => {
    once(
      'orders',
      async () => {
        // First, or what is read would be taken for something that was there before the clock was set.
        await engine.attend()
        await engine.readOrders()
        await engine.look([], true)
        courier.nudge()
      },
      'what a verb wrote could not be read',
    )
  }, stop)
  log.info('watching', { monitors: monitors.length, probes: setup.probes.size, recipients: setup.recipients.size, overrides })

  const pulse = new Pulse()
  const clockSet = (by: number) => {
    pulse.forget()
    behind(courier.rebase(by), 'waiting mails could not be dated anew')
  }
  /** One ticker of ours for re-runs, timers, readings, control calls and retention. */
  const beat = async (): Promise<void> => {
    await engine.attend()
    const now = clock.now()
    const world = engine.world()
    if (world.connectivity.offlineSince === null || pulse.every('offline-rerun', OFFLINE_RERUN_EVERY_MS, now)) {
      rounds.rerun(monitors, world.probes, world.freshSince, now)
    }
    for (const partition of partitions) if (now >= readingDue(partition, now)) consult(partition)
    if (now >= controlDue()) control(now)
    const timers = pulse.every('timers', TIMERS_EVERY_MS, now)
    const open = [...world.incidents.values()].some((incident) => incident.state !== 'closed')
    if (open || timers) await engine.look([], timers)
    await engine.flush()
    faultSince = null
    herald.fallSilent()
    if (pulse.every('alive', ALIVE_EVERY_MS, now)) {
      await engine.alive()
      heart?.wrote()
    }
    if (pulse.every('sweep', SWEEP_EVERY_MS, now)) await sweep(now)
    if (pulse.every('digest', DIGEST_EVERY_MS, now)) await summary?.look(now)
    if (pulse.every('checkpoint', CHECKPOINT_EVERY_MS, now)) await store.checkpoint()
    heart?.cycled()
  }
  const background = new Set<Promise<unknown>>()
  const behind = (work: Promise<unknown>, message: string) => {
    const kept: Promise<unknown> = work.catch(mishap(message)).finally(() => background.delete(kept))
    background.add(kept)
  }
  const flying = new Set<string>()
  const once = (key: string, work: () => Promise<void>, message: string) => {
    if (flying.has(key)) return
    flying.add(key)
    behind(
      work().finally(() => flying.delete(key)),
      message,
    )
  }
  const unwatched = (gap: Gap) => behind(store.settle([], [gapRow(gap)]), 'a gap in our own watch could not be written')
  const { absence } = engine.world()
  if (absence !== null) unwatched(absence)
  const partitions = [...new Set(monitors.map((monitor) => monitor.partition))]
  /** `consult`: when the newest reading is too old for what is going on. */
  const readingEvery = (partition: Partition, now: Instant) => {
    const world = engine.world()
    return readingEveryMs(
      partition,
      world.incidents.values(),
      undecidedIn(partition, monitors, world),
      config.policy,
      config.health,
      now,
    )
  }
  const readingDue = (partition: Partition, now: Instant) => desk.lastAt(partition) + readingEvery(partition, now)
  const consult = (partition: Partition, maxAgeMs = readingEvery(partition, clock.now())) =>
    once(
      `read ${partition}`,
      async () => {
        await desk.read(partition, maxAgeMs, kill)
        await engine.look([], false)
      },
      'a reading could not be judged',
    )
  const controlDue = () => {
    const { connectivity } = engine.world()
    return (
      Math.max(connectivity.lastAt ?? 0, pulse.last('control') ?? 0) + controlEveryMs(connectivity, config.health.idleEveryMs)
    )
  }
  const control = (now: Instant) => {
    pulse.mark('control', now)
    once(
      'control',
      async () => {
        const begun = clock.monotonic()
        const answer = await prober.control(kill)
        if (kill.aborted) return
        if (!answer.reached) log.warn('control call failed', { url: shownUrl(config.control.url), why: answer.detail })
        await engine.look([{ answer, begun }], false)
      },
      'the control call could not be judged',
    )
  }
  const nextBeat = (now: Instant) => {
    const world = engine.world()
    return nextBeatAt(
      {
        unwritten: engine.unwrittenCount() > 0,
        reruns: rounds.rerunsDue(monitors, world.probes, world.freshSince),
        readings: partitions.map((partition) => readingDue(partition, now)),
        control: controlDue(),
        incidents: world.incidents.values(),
        waitMs: config.policy.waitMs,
        gatherMs: GATHER_AT_MOST_MS,
      },
      now,
    )
  }
  /** Since when the database cannot be written, and that moment on the monotonic clock. */
  let faultSince: Readonly<{ at: Instant; monotonic: number }> | null = null
  /** The database cannot be written: nothing new can be owed, so those who are told at once hear of just that. */
  const withoutDisk = async () => {
    const fault = engine.fault()
    const now = clock.now()
    if (fault === null) return
    faultSince ??= { at: now, monotonic: clock.monotonic() }
    if (clock.monotonic() - faultSince.monotonic < DISK_PATIENCE_MS) return
    const failing = [...engine.world().probes.values()].filter((state) => state.status !== 'ok').length
    const lines = [
      `Alibi cannot write its database, and what it cannot remember it does not announce: ${fault}`,
      `${failing} of ${setup.probes.size} probes did not answer as they should when last looked at. Mails that were owed before still leave.`,
    ]
    const facts = plainFacts('misconfigured', 'the database cannot be written', '[alibi] the database cannot be written', lines, {
      now,
      overrides,
      sender,
    })
    await herald.speak('disk', outsideTheStore({ ...facts, rule: 'self-alert' }, faultSince.at, setup), kill)
  }
  const sweep = async (now: Instant) => {
    engine.forget(now)
    const { runsMs, hoursMs } = config.storage.keep
    for (let i = 0; i < SWEEP_BATCHES; i++) {
      const left = await store.sweep({ runs: now - runsMs, hours: now - hoursMs }, SWEEP_ROWS)
      if (left === 0) return
    }
  }

  const heart =
    deps.heartbeat == null || config.heartbeat === null
      ? null
      : new HeartbeatLoop({
          heartbeat: deps.heartbeat,
          everyMs: config.heartbeat.everyMs,
          clock,
          log,
          mailers: [mailer, ...(deps.fallback === null ? [] : [deps.fallback.mailer])],
          partitions: partitions.filter((partition) =>
            Object.values(deps.sources.get(partition) ?? {}).some((one) => one !== null),
          ),
          idleEveryMs: config.health.idleEveryMs,
          askingMs: config.health.timeoutMs,
          readings: () => desk.readings(),
          reasons: async () => (await health()).reasons,
        })

  const retryRefused = async () => {
    const refused = (await store.outbox()).filter((owed) => owed.state === 'refused')
    if (refused.length === 0) return
    const now = clock.now()
    const changes: OwedChange[] = []
    const rows: LedgerRow[] = []
    for (const owed of refused) {
      const {
        address,
        notification: { id, incident, thread },
      } = owed
      // A thread goes on, or ends, in that of an incident of another family (`family-change`).
      const inThread = [...engine.world().incidents.values()].filter((is) => is.audience.some(({ root }) => root === thread))
      const ids = new Set([...(incident === null ? [] : [incident]), ...inThread.map((is) => is.id)])
      // A set that grows while it is walked: each incident names those in which it goes on.
      for (const one of ids) for (const next of (await store.incident(one))?.into ?? []) ids.add(next)
      const mails = (await Promise.all([...ids].map((one) => store.mails(one)))).flat()
      const later = overtakenBy(owed, mails)
      if (later === null) changes.push({ id, address, state: 'retrying', nextAt: now })
      else {
        const why = `a later mail of its thread has arrived (${later.notification.kind} ${later.notification.id})`
        changes.push({ id, address, state: 'merged', error: why })
        rows.push(mailRow(now, owed, [address], { decision: 'merged', rule: 'recovery', reason: why }))
      }
    }
    log.info('refused mails are tried again', {
      mails: refused.length - rows.length,
      overtaken: rows.length,
      why: 'Alibi was started, or the mail configuration has changed',
    })
    await store.settle(changes, rows)
    courier.nudge()
  }
  // The way the mails go may have been mended while nobody ran: a start tries them once, before anything else leaves.
  await retryRefused().catch(mishap('refused mails could not be tried again'))

  const running = (async () => {
    const courierDone = courier.run(ended, kill)
    const heartDone = heart?.run(ended)
    while (!ended.aborted) {
      await beat().catch(async (cause: unknown) => {
        mishap('a pulse failed')(cause)
        await withoutDisk()
      })
      const now = clock.now()
      await beatNudge.wait(clock, nextBeat(now) - now, ended)
      // Woken by the first outcome: its like follow within the second, and one sync serves them all.
      if (!ended.aborted && engine.unwrittenCount() > 0 && clock.now() - now < FLUSH_AFTER_MS)
        await beatNudge.rest(clock, FLUSH_AFTER_MS, ended)
    }
    log.info('stopping', { why: fatal === null ? 'asked to' : 'the store cannot be trusted' })
    rounds.stop()
    await Promise.all(tasks.map((task) => task.stop()))
    await rounds.idle()
    await Promise.all(background)
    await engine.drain().catch(mishap('the last outcomes could not be written'))
    await courierDone
    await heartDone
    await engine.alive().catch(mishap('the end could not be written'))
    if (fatal !== null) throw fatal
    log.info('stopped', {})
  })()

  const health = async (): Promise<Health> => {
    const reasons: string[] = []
    for (const monitor of monitors) {
      const idleMs = clock.monotonic() - Math.max(firedAt.get(monitor.name) ?? upSince, begunAt.get(monitor.name) ?? upSince)
      const limit = monitor.periodMs * 1.5 + monitor.spreadMs + MINUTE_MS
      if (idleMs > limit) reasons.push(`monitor ${monitor.name} has not run for ${inWords(idleMs)}`)
    }
    reasons.push(...faults.reasons())
    const fault = engine.fault()
    if (fault !== null) reasons.push(`the database cannot be written: ${fault}`)
    try {
      for (const owed of (await store.outbox()).filter(isOpen)) {
        const email = `email ${owed.notification.id} (${owed.notification.kind} to ${addressee(owed)})`
        const owedMs = courier.owedMs(owed)
        const error = owed.error ?? 'no reason given'
        if (owed.state === 'refused') reasons.push(`${email} was refused: ${error}`)
        // No email gets through, whichever it is: there is no need to wait before saying so.
        else if (owed.noSession) reasons.push(`${email} is waiting: the mail server takes nothing from this host: ${error}`)
        else if (owedMs > STUCK_AFTER_MS)
          reasons.push(`${email} has been undelivered for ${inWords(owedMs)}: ${owed.error ?? 'not tried yet'}`)
      }
    } catch (cause) {
      reasons.push(`the outbox cannot be read: ${messageOfThrown(cause)}`)
    }
    return { ok: reasons.length === 0, reasons }
  }
  return {
    done: running,
    world: () => engine.world(),
    readings: () => desk.readings(),
    health,
    selfAlert: (key, text) => engine.selfAlert(key, text),
    retryRefused,
  }
}

/** Ports that keep their promises, whatever an adapter throws. (A prober's are kept by ProbeScheduler, a source's by HealthReader.) */
function guarded(deps: DaemonDeps): DaemonDeps {
  const { store, mailer, fallback, heartbeat = null } = deps
  return {
    ...deps,
    store: guardedStore(store),
    mailer: guardedMailer(mailer),
    fallback: fallback === null ? null : { ...fallback, mailer: guardedMailer(fallback.mailer) },
    heartbeat: heartbeat === null ? null : guardedHeartbeat(heartbeat),
  }
}

/** What a pulse remembers: when each kind of work was last done. */
class Pulse {
  private readonly done = new Map<string, Instant>()

  every(what: string, ms: number, now: Instant): boolean {
    const last = this.done.get(what)
    // A clock that was set back must not make us wait for the time to come round again.
    if (last !== undefined && now >= last && now - last < ms) return false
    this.done.set(what, now)
    return true
  }

  mark(what: string, now: Instant): void {
    this.done.set(what, now)
  }

  last(what: string): Instant | null {
    return this.done.get(what) ?? null
  }

  /** The clock was set: everything is due. */
  forget(): void {
    this.done.clear()
  }
}

function undecidedIn(partition: Partition, monitors: readonly Monitor[], world: World): boolean {
  return monitors.some(
    (monitor) =>
      monitor.partition === partition && monitor.probes.some((probe) => world.probes.get(probe.id)?.status === 'undecided'),
  )
}

function withProbe(probe: string, cause: unknown): unknown {
  return cause instanceof StoreError ? cause : new Error(`probe ${probe}`, { cause })
}

/** Notifications that are on no disk: for the one thing that cannot be put there. */
function outsideTheStore(facts: Facts, since: Instant, setup: Setup): readonly Notification[] {
  return toldOfUs(setup.recipients.values()).map(({ name: recipient, to }) => {
    const id = notificationId(`disk.${since}`, 1, recipient)
    const messageId = messageIdOf(id, setup.mailDomain)
    return {
      id,
      messageId,
      kind: facts.kind,
      incident: null,
      thread: messageId,
      seq: 1,
      recipient,
      to,
      inReplyTo: null,
      createdAt: facts.at,
      facts,
    }
  })
}

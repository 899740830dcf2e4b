import { systemClock } from '../adapters/clock.ts'
import { createLog } from '../adapters/log.ts'
import { tighten } from '../adapters/modes.ts'
import { openSentRecord, recordedMailer, type SentRecord, sentRecordPath } from '../adapters/sent-record.ts'
import { HeldError, lock as takeLock } from '../adapters/sqlite/lock.ts'
import { filesOf } from '../adapters/sqlite/place.ts'
import { openStore } from '../adapters/sqlite/store.ts'
import { type PrintedAs, printAs } from '../adapters/standard-streams.ts'
import { createTicker } from '../adapters/ticker.ts'
import type { Config } from '../config/config.ts'
import { withAccounts } from '../config/discovery.ts'
import { withEndpoints } from '../config/endpoints.ts'
import { formatFaults } from '../config/fault.ts'
import { loadConfig } from '../config/file.ts'
import { AccountDiscovery } from '../daemon/account-discovery.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { CONFIG_ALERT } from '../domain/self-alert.ts'
import { setupOf } from '../domain/setup.ts'
import type { Connectivity } from '../domain/state.ts'
import { type Store, StoreError } from '../ports/store.ts'
import { createMetrics, type Metrics } from '../web/metrics.ts'
import { startWeb, type Web } from '../web/server.ts'
import { organizationOf, outletOf, type Wired, wire } from '../wire.ts'
import { EXIT, Exit } from './exit.ts'
import { openDirectories } from './exposure.ts'
import { type ConfigOptions, configOf, type Io } from './io.ts'
import { savedSecrets } from './pm2.ts'
import { VERSION } from './version.ts'

/** What is in flight may take so long to end; ecosystem.config.js gives pm2's kill_timeout more than this. */
export const GRACE_MS = 10_000
const IDENTITIES_EVERY_MS = 60_000

type RunLog = ReturnType<typeof createLog>

/** One daemon under one configuration; a changed configuration is another session on the same database. */
type Session = Readonly<{ config: Config; wired: Wired; daemon: Daemon; end: () => Promise<void> }>

/**
 * The daemon, in the foreground: until SIGINT or SIGTERM, then everything that was decided is on disk. SIGHUP reads the
 * configuration again (`config-change`): a good one takes over, a faulty one leaves the old in force and is told. SIGUSR1 and
 * SIGUSR2 reopen the log files, as recipes for logrotate expect.
 */
export async function run(options: ConfigOptions, io: Io): Promise<number> {
  process.umask(0o077)
  await using held = new AsyncDisposableStack()
  let wake = Promise.withResolvers<'reload' | 'accounts' | 'stop'>()
  // Before the file is read: a change that is told from here on is read once more.
  on(held, ['SIGHUP'], () => wake.resolve('reload'))
  const loaded = await loadConfig(options.config, io.env)
  printAs(loaded.ok ? printing(loaded.config) : { json: loaded.logsJson === true, secrets: [] })
  const first = configOf(loaded, options.config)
  const log = createLog(first.log, {
    secrets: first.secrets,
    outlet: outletOf(first),
    env: withEndpoints(io.env, first.endpoints, first.network.variants),
  })
  held.defer(() => log.close())
  endOnFault(held, log)
  on(held, ['SIGUSR1', 'SIGUSR2'], (signal) => {
    log.reopen()
    log.info('log files reopened', { signal, path: first.log.file?.path ?? null })
  })

  const stop = new AbortController()
  const kill = new AbortController()
  on(held, ['SIGINT', 'SIGTERM'], (name) => {
    if (stop.signal.aborted) kill.abort()
    stop.abort(name)
    wake.resolve('stop')
    setTimeout(() => kill.abort(), GRACE_MS).unref()
  })

  const lock = guard(() => takeLock(first.storage.path))
  held.defer(() => lock.release())
  const exposed = tighten(filesOf(first.storage.path))
  if (exposed.length > 0) log.warn('other users could read or write the database', { files: exposed })
  for (const warning of [...openDirectories(first), ...savedSecrets(io.env, first.secrets)])
    log.warn('configuration', { warning })
  const metrics = createMetrics()
  held.defer(() => metrics.close())
  const store = await openStore({ path: first.storage.path, observe: metrics.observeStore }).catch(asExit)
  held.defer(() => store.close())

  const sent = await openSentRecord(sentRecordPath(first.storage.path), (why) => {
    log.warn('what is delivered cannot be recorded beside the database', {
      why,
      next: 'after a restore from a backup, emails delivered since it was made may be sent again',
    })
  })
  const around = { io, log, store, metrics, sent, stop: stop.signal, kill: kill.signal }
  const selfAlert: TellSelfAlert = (key, text) => session.daemon.selfAlert(key, text)
  let isStale = false
  const changed = () => {
    isStale = true
    wake.resolve('accounts')
  }
  let members = await membersOf(first, around, selfAlert, changed).catch(asExit)
  let session = await begin(members.config(), around, null).catch(asExit)
  members.watch()
  // Read just now, and good: what a daemon before us was told of a faulty one is over, and the next fault is told anew.
  await session.daemon.selfAlert(CONFIG_ALERT, null).catch((cause: unknown) => {
    log.warn('that the configuration is good again could not be kept', { cause, next: 'the next reload tries again' })
  })
  let web = await serve(session, log, store, metrics, () => session)
  log.info('ready', { version: VERSION, pid: process.pid, config: first.file, database: first.storage.path })
  process.send?.('ready')
  try {
    for (;;) {
      const why = await Promise.race([wake.promise, session.daemon.done.then(() => 'stop' as const)])
      if (why === 'stop') break
      wake = Promise.withResolvers()
      if (stop.signal.aborted) break
      const given = why === 'reload' ? await reread(options, io, session, log) : null
      // Both may have come at once, and a faulty file is no reason to forget the accounts.
      if (given === null && !isStale) continue
      const was = session
      if (given !== null) {
        await members.end()
        members = await membersOf(given, around, selfAlert, changed)
      }
      isStale = false
      const config = members.config()
      await was.end()
      session = await begin(config, around, was.daemon.world().connectivity)
      members.watch()
      if (JSON.stringify(config.web) !== JSON.stringify(was.config.web)) {
        await web?.close()
        web = await serve(session, log, store, metrics, () => session)
      }
      if (given === null)
        log.info('accounts changed', { probes: config.monitors.reduce((sum, { probes }) => sum + probes.length, 0) })
      else log.info('configuration reloaded', { config: config.file, monitors: config.monitors.length })
    }
    await session.daemon.done
    return EXIT.ok
  } catch (cause) {
    return asExit(cause)
  } finally {
    kill.abort()
    await members.end()
    await session.end().catch(() => {}) // Said already: by the log, and by what ended the loop.
    await web?.close()
  }
}

type Around = Readonly<{
  io: Io
  log: RunLog
  store: Store
  metrics: Metrics
  /** What was delivered: it outlives the database. */
  sent: SentRecord
  stop: AbortSignal
  kill: AbortSignal
}>

type TellSelfAlert = (key: string, text: string | null) => Promise<void>

/** The accounts that one configuration finds in its organizations, over as many sessions as their lists begin. */
type Members = Readonly<{
  /** With the accounts that are known now. */
  config: () => Config
  /** Begins to list, once; what comes of it is told by `changed`. */
  watch: () => void
  end: () => Promise<void>
}>

async function membersOf(
  config: Config,
  { io, log, store }: Around,
  selfAlert: TellSelfAlert,
  changed: () => void,
): Promise<Members> {
  const ending = new AbortController()
  const organization = organizationOf(config, io.env)
  const { discoveries, monitors } = config
  const roster = new AccountDiscovery({
    ...{ discoveries, monitors, store, organization, clock: systemClock, random01: Math.random, log, selfAlert },
    changed: () => {
      if (!ending.signal.aborted) changed()
    },
  })
  await roster.open()
  let watching: Promise<void> | null = null
  return {
    config: () => withAccounts(config, roster.found()),
    watch: () => {
      watching ??= roster.watch(ending.signal)
    },
    async end() {
      ending.abort('another configuration')
      await watching
      organization[Symbol.dispose]()
    },
  }
}

/** @param reach what the session before knew of our own network: a reload is no start */
function withRecord(wired: Wired, sent: SentRecord): Wired {
  const { mailer, fallback } = wired
  return {
    ...wired,
    mailer: recordedMailer(mailer, sent),
    fallback: fallback === null ? null : { ...fallback, mailer: recordedMailer(fallback.mailer, sent) },
  }
}

async function begin(config: Config, around: Around, connectivity: Connectivity | null): Promise<Session> {
  const { io, log, store, metrics, stop, kill } = around
  const wired = withRecord(wire(config, io.env, VERSION), around.sent)
  for (const warning of config.warnings) log.warn('configuration', { warning })
  if (wired.network.length > 0) log.info('the way out', { network: wired.network })
  if (wired.overrides.length > 0) log.warn('endpoints that are not AWS’s own', { overrides: wired.overrides })
  const ending = new AbortController()
  const killing = new AbortController()
  const relay = (from: AbortSignal, to: AbortController) => {
    if (from.aborted) to.abort(from.reason)
    else from.addEventListener('abort', () => to.abort(from.reason), { once: true })
  }
  relay(stop, ending)
  relay(kill, killing)
  // Who we are is only told, never waited for.
  const identify = async () => {
    for (const { users, ...who } of await wired.identities.refresh(killing.signal)) {
      if ('why' in who) log.warn('whose credentials these are is not known', { monitors: users, why: who.why })
      else log.info('credentials', { monitors: users, account: who.account, arn: who.arn, from: who.origin })
    }
  }
  void identify()
  const identifying = setInterval(() => void identify(), IDENTITIES_EVERY_MS)
  const release = async () => {
    clearInterval(identifying)
    await wired[Symbol.asyncDispose]()
  }
  try {
    const daemon = await startDaemon(
      { ...wired, ticker: createTicker(log), store, log, meter: metrics.meter, connectivity },
      config,
      {
        stop: ending.signal,
        kill: killing.signal,
      },
    )
    daemon.done.catch(() => {}) // Whoever waits for it hears of it.
    return {
      config,
      wired,
      daemon,
      async end() {
        ending.abort('another configuration')
        const patience = setTimeout(() => killing.abort(), GRACE_MS)
        try {
          await daemon.done
        } finally {
          clearTimeout(patience)
          await release()
        }
      },
    }
  } catch (cause) {
    await release()
    throw cause
  }
}

/** The configuration as it is on disk now; `null` when it is faulty, which is told once. */
async function reread(options: ConfigOptions, io: Io, session: Session, log: RunLog): Promise<Config | null> {
  const loaded = await loadConfig(options.config, io.env)
  const fault = loaded.ok ? unchangeable(loaded.config, session.config) : formatFaults(loaded.faults, options.config)
  if (!loaded.ok || fault !== null) {
    log.error('the configuration on disk is faulty', { faults: fault, next: 'the old one stays in force' })
    await session.daemon.selfAlert(CONFIG_ALERT, `The configuration on disk is faulty, and the old one stays in force: ${fault}`)
    return null
  }
  log.change(loaded.config.log, loaded.config.secrets)
  printAs(printing(loaded.config))
  await session.daemon.selfAlert(CONFIG_ALERT, null)
  return loaded.config
}

/** What a running daemon cannot take over. */
function unchangeable(config: Config, was: Config): string | null {
  if (config.storage.path !== was.storage.path) return 'storage.path cannot change while Alibi runs: restart it'
  if (config.log.format !== was.log.format) return 'log.format cannot change while Alibi runs: restart it'
  if (JSON.stringify(config.log.file) !== JSON.stringify(was.log.file))
    return 'log.file cannot change while Alibi runs: restart it'
  if (JSON.stringify(config.log.cloudwatch) !== JSON.stringify(was.log.cloudwatch))
    return 'log.cloudwatch cannot change while Alibi runs: restart it'
  return null
}

async function serve(session: Session, log: RunLog, store: Store, metrics: Metrics, now: () => Session): Promise<Web | null> {
  const { config, wired } = session
  if (config.web === null) return null
  return startWeb({
    listen: config.web,
    log,
    reader: store,
    clock: wired.clock,
    metrics,
    health: async () => {
      const reasons = await now().daemon.selfCheck()
      return { ok: reasons.length === 0, reasons }
    },
    view: () => {
      const { daemon, config: present, wired: parts } = now()
      return {
        world: daemon.world(),
        setup: setupOf(present),
        readings: daemon.readings(),
        overrides: parts.overrides,
        digest: present.digest,
        version: VERSION,
      }
    },
  })
}

function printing({ log, secrets }: Config): PrintedAs {
  return { json: log.format === 'json', secrets }
}

/** An error that nobody caught, or a promise that nobody waited for: a line of the log, and the end. Nothing is lost by a crash. */
function endOnFault(held: AsyncDisposableStack, log: RunLog): void {
  let isEnding = false
  const fault = (error: unknown, origin: string) => {
    log.error('internal error: Alibi ends', { error, origin })
    if (isEnding) return
    isEnding = true
    void log.close().finally(() => process.exit(EXIT.internal))
  }
  process.on('uncaughtException', fault)
  held.defer(() => void process.off('uncaughtException', fault))
}

function on(held: AsyncDisposableStack, names: readonly NodeJS.Signals[], heard: (name: NodeJS.Signals) => void): void {
  for (const name of names) {
    process.on(name, heard)
    held.defer(() => void process.off(name, heard))
  }
}

function guard<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    return asExit(cause)
  }
}

/** What people are told when the database cannot be had. @throws {Exit} */
function asExit(cause: unknown): never {
  if (cause instanceof HeldError || cause instanceof StoreError) throw new Exit(EXIT.unavailable, cause.message)
  throw cause
}

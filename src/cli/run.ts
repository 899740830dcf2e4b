import { createLog } from '../adapters/log.ts'
import { withSourceStack } from '../adapters/source-stack.ts'
import { HeldError } from '../adapters/sqlite/lock.ts'
import { printAs } from '../adapters/standard-streams.ts'
import type { Config } from '../config/config.ts'
import { withEndpoints } from '../config/endpoints.ts'
import { loadConfig } from '../config/file.ts'
import type { Signals } from '../daemon/daemon.ts'
import { StoreError } from '../ports/store.ts'
import { createMetrics } from '../web/metrics.ts'
import { outletOf } from '../wire.ts'
import { DaemonHost, type RunLog } from './daemon-host.ts'
import type { DaemonStorage } from './daemon-storage.ts'
import { EXIT, Exit } from './exit.ts'
import { fleetStorage } from './fleet-storage.ts'
import { type ConfigOptions, configOf, type Io } from './io.ts'
import { sqliteStorage } from './sqlite-storage.ts'
import { HeldBack, terms } from './terms.ts'

/**
 * The daemon, in the foreground: until SIGINT or SIGTERM, then everything that was decided is on disk. SIGHUP reads the
 * configuration again (`config-change`): a good one takes over, a faulty one leaves the old one in force and is reported. SIGUSR1
 * and SIGUSR2 reopen the log files, as recipes for logrotate expect.
 */
export async function run(options: ConfigOptions, io: Io): Promise<number> {
  process.umask(0o077)
  await using held = new AsyncDisposableStack()
  // Before the file is read: a change that is announced from here on is read once more.
  const hangups = new HeldBack()
  on(held, ['SIGHUP'], () => hangups.happen())
  const first = await firstConfig(options, io)
  const log = openLog(held, first, io)
  const signals = stopSignals(held)
  const metrics = createMetrics()
  held.defer(() => metrics.close())
  let host: DaemonHost | null = null
  const config = () => host?.configAfter(first) ?? first
  const storage = held.use(await storageOf(first, { log, observe: metrics.observeStore, config }).catch(asExit))
  host = new DaemonHost({ options, io, log, metrics, storage })
  await terms({ host, storage, log, signals, hangups, config }).catch(asExit)
  return EXIT.ok
}

type Storing = Readonly<{ log: RunLog; observe: (method: string, ms: number) => void; config: () => Config }>

async function storageOf({ storage: { path, postgres } }: Config, around: Storing): Promise<DaemonStorage> {
  return postgres === null ? sqliteStorage(path, around.log, around.observe) : fleetStorage(postgres, around)
}

/** @throws {Exit} */
async function firstConfig(options: ConfigOptions, io: Io): Promise<Config> {
  const loaded = await loadConfig(options.config, io.env)
  const json = loaded.ok ? loaded.config.log.format === 'json' : loaded.logsJson === true
  printAs({ json, secrets: loaded.ok ? loaded.config.secrets : [] })
  return configOf(loaded, options.config)
}

function openLog(held: AsyncDisposableStack, config: Config, io: Io): RunLog {
  const log = createLog(config.log, {
    secrets: config.secrets,
    outlet: outletOf(config),
    env: withEndpoints(io.env, config.endpoints, config.network.variants),
  })
  held.defer(() => log.close())
  exitOnFault(held, log)
  on(held, ['SIGUSR1', 'SIGUSR2'], (signal) => {
    log.reopen()
    log.info('log files reopened', { signal, path: config.log.file?.path ?? null })
  })
  return log
}

/** The first SIGINT or SIGTERM asks to stop, the second one does not wait for what is in flight. */
function stopSignals(held: AsyncDisposableStack): Signals {
  const stop = new AbortController()
  const kill = new AbortController()
  on(held, ['SIGINT', 'SIGTERM'], (name) => {
    if (stop.signal.aborted) kill.abort()
    stop.abort(name)
  })
  return { stop: stop.signal, kill: kill.signal }
}

/** An error that nobody caught, or a promise that nobody waited for: one line in the log, and the exit. A crash loses nothing. */
function exitOnFault(held: AsyncDisposableStack, log: RunLog): void {
  const ending = new AbortController()
  const fault = (error: unknown, origin: string) => {
    log.error('internal error: Alibi exits', { error: withSourceStack(error), origin })
    if (ending.signal.aborted) return
    ending.abort()
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

/** What users see when the database cannot be opened. @throws {Exit} */
function asExit(cause: unknown): never {
  if (cause instanceof HeldError || cause instanceof StoreError) throw new Exit(EXIT.unavailable, cause.message)
  throw cause
}

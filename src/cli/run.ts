import { createLog } from '../adapters/log.ts'
import { HeldError, lock as takeLock } from '../adapters/sqlite/lock.ts'
import { openStore } from '../adapters/sqlite/store.ts'
import { createTicker } from '../adapters/ticker.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { setupOf } from '../domain/setup.ts'
import { StoreError } from '../ports/store.ts'
import { startWeb, type Web } from '../web/server.ts'
import { wire } from '../wire.ts'
import { EXIT, Exit } from './exit.ts'
import { type Common, configured, type Io } from './io.ts'
import { VERSION } from './version.ts'

/** What is in flight may take so long to end; ecosystem.config.js gives pm2's kill_timeout more than this. */
export const GRACE_MS = 10_000
const IDENTITIES_EVERY_MS = 60_000

/** The daemon, in the foreground: until SIGINT or SIGTERM, then everything that was decided is on disk. */
export async function run(options: Common, io: Io): Promise<number> {
  process.umask(0o077)
  const config = await configured(options, io)
  await using held = new AsyncDisposableStack()
  const log = createLog(config.log, { secrets: config.secrets })
  held.defer(() => log.close())

  const stop = new AbortController()
  const kill = new AbortController()
  const onSignal = (name: NodeJS.Signals) => {
    if (stop.signal.aborted) kill.abort()
    stop.abort(name)
    setTimeout(() => kill.abort(), GRACE_MS).unref()
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, onSignal)
    held.defer(() => void process.off(name, onSignal))
  }

  const lock = guard(() => takeLock(config.storage.path))
  held.defer(() => lock.release())
  const store = await openStore({ path: config.storage.path }).catch(asExit)
  held.defer(() => store.close())
  const wired = held.use(wire(config, io.env, VERSION))
  for (const warning of config.warnings) log.warn('configuration', { warning })
  if (wired.overrides.length > 0) log.warn('endpoints that are not AWS’s own', { overrides: wired.overrides })

  // Who we are is only told, never waited for.
  const identify = () => void wired.identities.refresh(kill.signal)
  identify()
  const identifying = setInterval(identify, IDENTITIES_EVERY_MS)
  held.defer(() => clearInterval(identifying))

  let web: Web | null = null
  try {
    const daemon = await startDaemon({ ...wired, ticker: createTicker(log), store, log }, config, {
      stop: stop.signal,
      kill: kill.signal,
    })
    if (config.web !== null) {
      web = await startWeb({
        listen: config.web,
        log,
        reader: store,
        clock: wired.clock,
        health: daemon.health,
        view: () => ({
          world: daemon.world(),
          setup: setupOf(config),
          readings: daemon.readings(),
          overrides: wired.overrides,
          version: VERSION,
        }),
      })
    }
    log.info('ready', { version: VERSION, pid: process.pid, config: config.file, database: config.storage.path })
    process.send?.('ready')
    await daemon.done
    return EXIT.well
  } catch (cause) {
    return asExit(cause)
  } finally {
    kill.abort()
    await web?.close()
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
  if (cause instanceof HeldError || cause instanceof StoreError) throw new Exit(EXIT.unreachable, cause.message)
  throw cause
}

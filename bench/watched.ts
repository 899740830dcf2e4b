// Alibi as `alibi run` puts it together, in every part but one: instead of node-cron, the parent says when to fire.
import { createLog } from '../src/adapters/log.ts'
import { lock as takeLock } from '../src/adapters/sqlite/lock.ts'
import { openStore } from '../src/adapters/sqlite/store.ts'
import { loadConfig } from '../src/config/file.ts'
import { startDaemon } from '../src/daemon/daemon.ts'
import { setupOf } from '../src/domain/setup.ts'
import type { Store } from '../src/ports/store.ts'
import type { ScheduledTask, Ticker } from '../src/ports/time.ts'
import { startWeb } from '../src/web/server.ts'
import { wire } from '../src/wire.ts'
import { answering } from './child.ts'
import { type Course, measured } from './lap.ts'

const loaded = await loadConfig(process.argv[2] ?? '', process.env)
if (!loaded.ok) throw new Error(loaded.faults.map((fault) => `${fault.line}: ${fault.message}`).join('\n'))
const { config } = loaded
const log = createLog(config.log, { secrets: config.secrets })
const lock = takeLock(config.storage.path)

let onDisk = 0
let tell = () => {}
const store = counting(await openStore({ path: config.storage.path }), (outcomes) => {
  onDisk += outcomes
  tell()
})

const tasks: ScheduledTask[] = []
const ticker: Ticker = {
  schedule(task) {
    tasks.push(task)
    return { stop: async () => {}, next: () => null }
  },
}

const stop = new AbortController()
const kill = new AbortController()
const wired = wire(config, process.env, 'bench')
void wired.identities.refresh(kill.signal)
const daemon = await startDaemon({ ...wired, ticker, store, log }, config, { stop: stop.signal, kill: kill.signal })
const web =
  config.web === null
    ? null
    : await startWeb({
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
          version: 'bench',
        }),
      })

async function lap({ rounds }: Course) {
  const probes = rounds * config.monitors.reduce((sum, monitor) => sum + monitor.probes.length, 0)
  const goal = onDisk + probes
  const work = async () => {
    for (let i = 0; i < rounds; i++) await Promise.all(tasks.map((task) => task.fire()))
  }
  const written = () =>
    new Promise<void>((resolve) => {
      tell = () => {
        if (onDisk >= goal) resolve()
      }
      tell()
    })
  return await measured(probes, work, written)
}

/** The same store, with each outcome counted once its commit has returned. */
function counting(real: Store, wrote: (outcomes: number) => void): Store {
  return new Proxy(real, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'commit') return value.bind(target)
      return async (change: Parameters<Store['commit']>[0]) => {
        await target.commit(change)
        wrote(change.outcomes.length)
      }
    },
  })
}

answering({ lap }, async () => {
  stop.abort()
  await daemon.done
  kill.abort()
  await web?.close()
  await wired[Symbol.asyncDispose]()
  await store.close()
  lock.release()
  await log.close()
})

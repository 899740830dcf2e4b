// Alibi as `alibi run` puts it together, in every part but one: instead of node-cron, the parent says when to fire.
import { createLog } from '../src/adapters/log.ts'
import { lock as takeLock } from '../src/adapters/sqlite/lock.ts'
import { openStore } from '../src/adapters/sqlite/store.ts'
import { createTicker } from '../src/adapters/ticker.ts'
import { loadConfig } from '../src/config/file.ts'
import { startDaemon } from '../src/daemon/daemon.ts'
import { AWS_PACE } from '../src/daemon/probe-scheduler.ts'
import { setupOf } from '../src/domain/setup.ts'
import { SILENT_METER } from '../src/ports/meter.ts'
import type { Store } from '../src/ports/store.ts'
import type { ScheduledTask, Ticker } from '../src/ports/time.ts'
import { createMetrics } from '../src/web/metrics.ts'
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

/** `scheduled`: node-cron says when to fire, and runs are spread over their round as in production. */
const scheduled = process.argv[3] === 'scheduled'
/** No machine that stands in for AWS has its quotas, and what is measured here is what Alibi costs. */
const UNBOUNDED = { perSecond: 1e9, burst: 1e9 }
const tasks: ScheduledTask[] = []
const byHand: Ticker = {
  schedule(task) {
    tasks.push(task)
    return { stop: async () => {}, next: () => null }
  },
}

const stop = new AbortController()
const kill = new AbortController()
const wired = wire(config, process.env, 'bench')
void wired.identities.refresh(kill.signal)
let lates: number[] = []
const metrics = createMetrics()
const meter = scheduled
  ? {
      ...metrics.meter,
      began(monitor: string, lateMs: number) {
        lates.push(lateMs)
        metrics.meter.began(monitor, lateMs)
      },
    }
  : SILENT_METER
let stepMs = 0
const pace = { quotaOf: () => UNBOUNDED, stepOfRound: scheduled ? AWS_PACE.stepOfRound : () => stepMs }
const ticker = scheduled ? createTicker(log) : byHand
const daemon = await startDaemon({ ...wired, ticker, store, log, meter, pace }, config, { stop: stop.signal, kill: kill.signal })
const web =
  config.web === null
    ? null
    : await startWeb({
        listen: config.web,
        log,
        reader: store,
        ...(scheduled ? { metrics } : {}),
        clock: wired.clock,
        health: async () => {
          const reasons = await daemon.selfCheck()
          return { ok: reasons.length === 0, reasons }
        },
        view: () => ({
          world: daemon.world(),
          setup: setupOf(config),
          readings: daemon.readings(),
          overrides: wired.overrides,
          digest: config.digest,
          version: 'bench',
        }),
      })

async function lap({ rounds, roundMs = 0 }: Course) {
  const probes = rounds * config.monitors.reduce((sum, monitor) => sum + monitor.probes.length, 0)
  const goal = onDisk + probes
  stepMs = (roundMs * rounds) / probes
  const work = async () => {
    for (let i = 0; i < rounds; i++) for (const task of tasks) await task.fire()
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

/** What has happened since this was last asked. */
function since() {
  const { user, system } = process.cpuUsage()
  const answer = { lates, cpuMs: (user + system) / 1_000, onDisk, rssMb: process.memoryUsage.rss() / 1e6 }
  lates = []
  return answer
}

/** Garbage is V8's business; what is left is ours. Twice: the first may leave what has finalizers. */
async function collect() {
  await globalThis.gc?.({ type: 'major', execution: 'async' })
  await globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' })
}

answering({ lap, since, collect }, async () => {
  stop.abort()
  await daemon.done
  kill.abort()
  await web?.close()
  metrics.close()
  await wired[Symbol.asyncDispose]()
  await store.close()
  lock.release()
  await log.close()
})

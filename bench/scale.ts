import { setTimeout as sleep } from 'node:timers/promises'
import { accountsOf, type Bench, configuration, pageOf } from './bench.ts'
import { startChild } from './child.ts'
import { startDaemonProcess } from './daemon.ts'
import { exponentOf, type Figure, median, quantile, rounded } from './figure.ts'

/** From the start of the process to its first round: time to load, and to read AWS Health for the first time. */
const FIRST_ROUND_S = 8
const PAGES = 5
/** The first calls of a process load the SDK and compile it: what they delay is told by no round after the first. */
const COLD_MS = 3_000
/** A round begins within half a minute; on a machine that is too small it does not. */
const ROUND_AT_MOST_MS = 55_000
/** Probes a minute for which the aims are stated. */
const AIMED = 1_000
const MAX_RSS_MB = 130
const MAX_LAG_MS = 100

type Since = Readonly<{ lates: readonly number[]; cpuMs: number; onDisk: number; rssMb: number }>
type Load = Readonly<{
  probes: number
  rssMb: number
  cpuMsPerMinute: number
  idleCpuMsPerMinute: number
  lagP50: number
  lagP99: number
  pageMs: number
  metricsMs: number
  startMs: number
}>

/** The whole of Alibi on node-cron's schedule, each load for a round: what grows with the number of probes, and what does not. */
export const scale: Bench = async (ground) => {
  const { size, doors, say } = ground
  const loads: Load[] = []
  for (const probes of size.loads) {
    const second = (new Date().getSeconds() + FIRST_ROUND_S) % 60
    const accounts = accountsOf(probes).map((id) => `"${id}"`)
    const monitor = [`schedule: "${second} * * * * *"`, 'spread: 0s', `accounts: [${accounts.join(', ')}]`]
    const file = await configuration(ground, `scale-${probes}`, [monitor])
    await using alibi = startChild('watched', { args: [file, 'scheduled'], env: doors.endpoints })
    const since = () => alibi.ask<Since>('since')
    await since()
    // Until a second before the round; where starting took longer than was thought, before the next one.
    const left = (second - new Date().getSeconds() + 60) % 60
    await sleep((left > 1 ? left - 1 : left + 59) * 1_000)
    const before = await since()
    const began = performance.now()
    const cold: number[] = []
    const warm: number[] = []
    let coldUntil = Number.POSITIVE_INFINITY
    while (cold.length + warm.length < probes) {
      await sleep(1_000)
      const { lates } = await since()
      if (lates.length > 0) coldUntil = Math.min(coldUntil, performance.now() + COLD_MS)
      ;(performance.now() < coldUntil ? cold : warm).push(...lates)
      if (performance.now() - began > ROUND_AT_MOST_MS)
        throw new Error(`of ${probes} runs ${cold.length + warm.length} began in a round`)
    }
    const lates = warm.length > 0 ? warm : cold
    const roundMs = performance.now() - began
    // The last second's runs end, and are written.
    await sleep(2_000)
    const rest = await since()
    await sleep(size.idleMs)
    const after = await since()
    const idleCpu = (after.cpuMs - rest.cpuMs) / size.idleMs
    const took = async (path: string) => {
      const all: number[] = []
      for (let i = 0; i < PAGES; i++) {
        const began = performance.now()
        const response = await fetch(`${pageOf(file)}${path}`)
        await response.text()
        if (!response.ok) throw new Error(`${path} answers ${response.status}`)
        all.push(performance.now() - began)
      }
      return median(all)
    }
    const [pageMs, metricsMs] = [await took('/'), await took('/metrics')]
    await alibi.stop()
    const daemon = await startDaemonProcess(file, doors.endpoints)
    const startMs = daemon.readyMs
    await daemon.stop()
    loads.push({
      probes,
      rssMb: after.rssMb,
      cpuMsPerMinute: rest.cpuMs - before.cpuMs + idleCpu * Math.max(0, 58_000 - roundMs),
      idleCpuMsPerMinute: idleCpu * 60_000,
      lagP50: quantile(lates, 0.5),
      lagP99: quantile(lates, 0.99),
      pageMs,
      metricsMs,
      startMs,
    })
    say(
      `${probes} probes a minute: ${JSON.stringify(loads.at(-1), (_, value) => (typeof value === 'number' ? rounded(value, 1) : value))}`,
    )
  }
  const aimed = loads.find(({ probes }) => probes === AIMED) ?? loads.at(-1)
  if (aimed === undefined) return []
  const row = (name: string, what: string, unit: string, value: number, more: Partial<Figure> = {}): Figure => ({
    name,
    what,
    unit,
    value: rounded(value, 1),
    ...more,
  })
  return [
    ...loads.map(({ probes, rssMb }) =>
      row('rssMb', `resident memory at ${probes} probes a minute`, 'MB', rssMb, {
        of: String(probes),
        ...(probes === AIMED ? { atMost: MAX_RSS_MB } : {}),
      }),
    ),
    row('lagMs', `a run begins later than planned, median, at ${aimed.probes} a minute`, 'ms', aimed.lagP50, { of: 'p50' }),
    row('lagMs', `a run begins later than planned, 99 of 100, at ${aimed.probes} a minute`, 'ms', aimed.lagP99, {
      of: 'p99',
      note: `without the first ${COLD_MS / 1_000} s of the process`,
      atMost: MAX_LAG_MS,
    }),
    row('tickMs', 'CPU a minute while nothing happens', 'ms', aimed.idleCpuMsPerMinute, {
      note: `${aimed.probes} probes that are all well`,
    }),
    row('pageMs', 'page, rendered and fetched', 'ms', aimed.pageMs, { note: `${aimed.probes} accounts` }),
    row('metricsMs', '/metrics, rendered and fetched', 'ms', aimed.metricsMs, { note: `${aimed.probes} accounts` }),
    ...grows(loads, 'cpuMsPerMinute', 'CPU a minute', 'ms'),
    ...grows(loads, 'rssMb', 'resident memory', 'MB'),
    ...grows(loads, 'lagP99', 'lag, 99 of 100', 'ms'),
    ...grows(loads, 'idleCpuMsPerMinute', 'CPU a minute while nothing happens', 'ms'),
    ...grows(loads, 'pageMs', 'page', 'ms'),
    ...grows(loads, 'metricsMs', '/metrics', 'ms'),
    ...grows(loads, 'startMs', 'start until ready', 'ms'),
  ]
}

/** Each load's figure, and how it grows with the probes. */
function grows(loads: readonly Load[], key: Exclude<keyof Load, 'probes'>, what: string, unit: string): readonly Figure[] {
  const exponent = exponentOf(loads.map((load) => [load.probes, Math.max(load[key], 0.1)]))
  return [
    ...loads.map((load) => ({
      name: 'growth',
      of: `${key}.${load.probes}`,
      what: `${what}, ${load.probes} probes`,
      value: rounded(load[key], 1),
      unit,
    })),
    {
      name: 'growth',
      of: `${key}.exponent`,
      what: `${what}: how it grows`,
      value: rounded(exponent, 2),
      unit: '',
      note: '0 is flat, 1 grows as the probes do',
    },
  ]
}

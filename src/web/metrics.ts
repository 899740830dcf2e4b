import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Registry } from 'prom-client'
import { callerOf } from '../domain/dealing.ts'
import type { Incident } from '../domain/incident.ts'
import { DECISIONS } from '../domain/ledger.ts'
import { isOpen } from '../domain/mailing.ts'
import { MAIL_KINDS, type Owed } from '../domain/notification.ts'
import { SOURCES } from '../domain/outage.ts'
import { FAILURE_KINDS, type Instant, type Partition, type Probe } from '../domain/probe.ts'
import { CONFIG_ALERT } from '../domain/self-alert.ts'
import { servicesOf } from '../domain/service-facts.ts'
import { regionOf, type Setup } from '../domain/setup.ts'
import { isInForce } from '../domain/silence.ts'
import { MAIL_RESULTS, type Meter } from '../ports/meter.ts'
import { type Counters, createCounters, createGauges, type Gauges } from './instruments.ts'
import type { Health, View } from './view.ts'

/** What is known when the metrics are asked for; `outbox` is `null` where it could not be read. */
type Moment = Readonly<{ view: View; outbox: readonly Owed[] | null; health: Health; now: Instant }>

export type Metrics = Readonly<{
  /** What the daemon reports while it works. */
  meter: Meter
  /** What the store reports of each call: how long it blocked the process. */
  observeStore: (method: string, ms: number) => void
  /** All of it in Prometheus's text format. */
  text: (moment: Moment) => Promise<string>
  contentType: string
  close: () => void
}>

/** Each look wakes the process: four a second say what the metric is read for, which is seconds (config/prometheus/alibi.rules.yml). */
const EVENT_LOOP_RESOLUTION_MS = 250
const NO_SOURCE = { state: 'off', at: null } as const
const OPEN_STATES: readonly Incident['state'][] = ['waiting', 'suppressed', 'announced']
/** The value of the label `standing` for each status: dashboards rely on it. */
const STANDINGS = { ok: 'well', undecided: 'undecided', failing: 'failing', recovering: 'recovering' } as const
const VERDICTS = ['explained', 'unexplained', 'undetermined'] as const
const RUN_OUTCOMES = ['ok', ...FAILURE_KINDS, 'throttled', 'stalled'] as const
const OWED_STATES = ['due', 'sending', 'retrying', 'refused'] as const

/**
 * Counts what the daemon reports and shows what it knows, in a registry of its own. Labels are monitors, services, regions, operations, recipients
 * that were not reached, and closed lists of words; accounts are not among them, since there may be thousands.
 *
 * It outlives a reload of the configuration, as counters should: what is no longer configured keeps its last count.
 */
export function createMetrics(): Metrics {
  const register = new Registry()
  const counters = createCounters(register)
  const gauges = createGauges(register)
  const series = new FirstSeries(counters)
  const loop = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS })
  loop.enable()
  gauges.started.set(Math.floor(Date.now() / 1000 - process.uptime()))
  return {
    meter: meterOf(counters, gauges, series),
    observeStore: (_, ms) => counters.storeSeconds.observe(ms / 1000),
    async text(moment) {
      series.begin(moment.view.setup)
      setWorld(gauges, moment)
      setOutbox(gauges, moment)
      setMachines(gauges, counters, moment.health, moment.view.setup)
      gauges.healthy.set(moment.health.ok ? 1 : 0)
      gauges.loopDelay.set(Math.max(0, loop.max - EVENT_LOOP_RESOLUTION_MS * 1e6) / 1e9)
      loop.reset()
      gauges.memory.set(process.memoryUsage.rss())
      gauges.build.reset()
      gauges.build.set({ version: moment.view.version, node: process.version }, 1)
      return register.metrics()
    },
    contentType: register.contentType,
    close() {
      loop.disable()
      register.clear()
    },
  }
}

/** Has each series begin with 0: `increase()` does not see the increment with which a series begins. */
class FirstSeries {
  readonly #counters: Counters
  readonly #begun = new Set<string>()
  /** Service and region of each probe. */
  readonly #places = new Map<string, Place>()
  readonly #timed = new Set<string>()

  constructor(counters: Counters) {
    this.#counters = counters
    for (const verdict of VERDICTS) counters.verdicts.inc({ verdict }, 0)
    for (const decision of DECISIONS) counters.decisions.inc({ decision }, 0)
    for (const kind of MAIL_KINDS) for (const result of MAIL_RESULTS) counters.mails.inc({ kind, result }, 0)
  }

  /** The series of the monitors that are configured. */
  begin({ monitors }: Setup): void {
    const { runs, runSeconds, skipped } = this.#counters
    for (const { name: monitor, probes, partition } of monitors.values()) {
      skipped.inc({ monitor }, 0)
      for (const probe of probes) {
        const { operation } = probe.call
        const place = placeOf(probe, partition)
        this.#places.set(probe.id, place)
        const series = `${monitor} ${operation} ${place.region}`
        if (this.#begun.has(series)) continue
        this.#begun.add(series)
        for (const outcome of RUN_OUTCOMES) runs.inc({ monitor, ...place, operation, outcome }, 0)
        // `zero` forgets what was observed before.
        if (!this.#timed.has(operation)) runSeconds.zero({ operation })
        this.#timed.add(operation)
      }
    }
  }

  /** Service and region that a probe asks. */
  placeOf(probe: Probe): Place {
    return this.#places.get(probe.id) ?? placeOf(probe, 'aws')
  }

  /** The durations of this operation have been observed. */
  timed(operation: string): void {
    this.#timed.add(operation)
  }
}

type Place = Readonly<{ service: string; region: string }>

/** Bounded by the configuration: `account` or the service that is named, and the region that is asked. */
function placeOf(probe: Probe, partition: Partition): Place {
  const [service = 'account'] = servicesOf([probe.call])
  return { service, region: regionOf(probe, partition) }
}

function meterOf(counters: Counters, gauges: Gauges, series: FirstSeries): Meter {
  return {
    run(probe, outcome) {
      const { operation } = probe.call
      counters.runs.inc({ monitor: probe.monitor, ...series.placeOf(probe), operation, outcome: outcome.kind ?? outcome.result })
      series.timed(operation)
      counters.runSeconds.observe({ operation }, Math.max(0, outcome.endedAt - outcome.startedAt) / 1000)
    },
    decided: (decision) => counters.decisions.inc({ decision }),
    judged: (verdict) => counters.verdicts.inc({ verdict }),
    mail: (kind, result) => counters.mails.inc({ kind, result }),
    fired: (monitor, lateMs) => gauges.scheduleLag.set({ monitor }, lateMs / 1000),
    began: (_, lateMs) => counters.beginLag.observe(lateMs / 1000),
    skipped: (monitor) => counters.skipped.inc({ monitor }),
    read({ partition, sources }) {
      for (const source of SOURCES) {
        const { state, at } = sources[source] ?? NO_SOURCE
        if (state === 'off') {
          gauges.sourceUp.remove({ partition, source })
          continue
        }
        gauges.sourceUp.set({ partition, source }, state === 'answered' ? 1 : 0)
        if (state === 'answered' && at !== null) gauges.lastSuccess.set({ partition, source }, at / 1000)
      }
    },
    told: (agoMs) => counters.toldSeconds.observe(agoMs / 1000),
  }
}

function setWorld(gauges: Gauges, { view: { world, setup }, now }: Moment): void {
  const incidents = [...world.incidents.values()]
  for (const state of OPEN_STATES)
    gauges.incidents.set({ state }, incidents.filter((incident) => incident.state === state).length)
  // What is no longer configured must not be shown as if it were.
  gauges.probes.reset()
  gauges.lastRun.reset()
  for (const monitor of setup.monitors.values()) {
    const states = monitor.probes.flatMap(({ id }) => world.probes.get(id) ?? [])
    for (const [status, standing] of Object.entries(STANDINGS)) {
      const count = states.filter((state) => state.status === status).length
      gauges.probes.set({ monitor: monitor.name, standing }, count)
    }
    const last = states.reduce((latest, state) => Math.max(latest, state.lastConclusiveAt ?? 0), 0)
    if (last > 0) gauges.lastRun.set({ monitor: monitor.name }, last / 1000)
  }
  gauges.offline.set(world.connectivity.offlineSince === null ? 0 : 1)
  gauges.silences.set(world.silences.filter((silence) => isInForce(silence, now)).length)
  gauges.selfAlerts.set(world.selfAlerts.size)
  gauges.faulty.set(world.selfAlerts.has(CONFIG_ALERT) ? 1 : 0)
}

function setMachines(gauges: Gauges, { takeovers, fenced }: Counters, { members }: Health, { monitors }: Setup): void {
  gauges.leader.set(members === undefined || members.leader?.name === members.me ? 1 : 0)
  gauges.machines.set(members?.machines.length ?? 1)
  takeovers.reset()
  takeovers.inc(members?.leader?.takeovers ?? 0)
  const held = members?.machines.find(({ name }) => name === members.me)?.callers ?? 0
  gauges.callers.set(members === undefined ? new Set([...monitors.values()].map(callerOf)).size : held)
  fenced.reset()
  fenced.inc(members?.refused ?? 0)
}

function setOutbox(gauges: Gauges, { outbox, now }: Moment): void {
  gauges.owed.reset()
  gauges.undelivered.reset()
  // Unknown is not the same as none.
  gauges.oldest.set(Number.NaN)
  if (outbox === null) return
  const open = outbox.filter(isOpen)
  for (const state of OWED_STATES) gauges.owed.set({ state }, open.filter((owed) => owed.state === state).length)
  for (const { notification, address, state } of open) {
    gauges.undelivered.inc({
      recipient: notification.recipient,
      // A recipient with a single address is named well enough by its name.
      address: notification.to.length > 1 ? address : '',
      state: state === 'refused' ? state : 'owed',
    })
  }
  const waiting = open.filter(({ state }) => state !== 'refused').map(({ notification }) => notification.createdAt)
  gauges.oldest.set(waiting.length === 0 ? 0 : Math.max(0, now - waiting.reduce((a, b) => Math.min(a, b))) / 1000)
}

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { DECISIONS } from '../domain/ledger.ts'
import { isOpen } from '../domain/mailing.ts'
import { MAIL_KINDS, type Owed } from '../domain/notification.ts'
import { FAILURE_KINDS, type Instant } from '../domain/probe.ts'
import { CONFIG_NOTICE } from '../domain/self-alert.ts'
import type { Setup } from '../domain/setup.ts'
import { endOfSilence } from '../domain/silence.ts'
import { MAIL_RESULTS, type Meter } from '../ports/meter.ts'
import type { Health, View } from './view.ts'

/** What is known at the moment of the asking; `null` where it could not be read. */
export type Moment = Readonly<{ view: View; outbox: readonly Owed[] | null; health: Health; now: Instant }>

export type Metrics = Readonly<{
  /** What the daemon tells while it works. */
  meter: Meter
  /** The store's own report of a call: how long it kept the whole process waiting. */
  observeStore: (method: string, ms: number) => void
  /** All of it in Prometheus's text format. */
  text: (moment: Moment) => Promise<string>
  contentType: string
  close: () => void
}>

/** A run is bounded by attempts and timeouts: seconds, rarely a minute. */
const RUN_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** A transaction takes a third of a millisecond; a bad disk takes what it likes. */
const STORE_BUCKETS_S = [0.001, 0.005, 0.025, 0.1, 0.5, 2]
/** A busy event loop delays a run by milliseconds; more is a machine that is too small. */
const BEGIN_BUCKETS_S = [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10]
const EVENT_LOOP_RESOLUTION_MS = 20
const OPEN_STATES = ['waiting', 'suppressed', 'announced'] as const
const STANDINGS = ['well', 'undecided', 'failing', 'recovering'] as const
const VERDICTS = ['explained', 'unexplained', 'undetermined'] as const
const RUN_OUTCOMES = ['ok', ...FAILURE_KINDS, 'throttled', 'stalled'] as const
const OWED_STATES = ['due', 'sending', 'retrying', 'refused'] as const

/**
 * Counts what the daemon tells and shows what it knows, by prom-client, in a registry of its own. Labels are monitors,
 * operations, recipients that are not reached, and closed lists of words; accounts are not among them, for there may be thousands.
 *
 * It outlives a reload of the configuration, as counters should: what is no longer configured keeps its last count.
 */
export function createMetrics(): Metrics {
  const register = new Registry()
  const registers = [register]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers })
  const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers })

  const runs = counter('alibi_runs_total', 'Probe runs by outcome: ok, a failure kind, or why it said nothing.', [
    'monitor',
    'operation',
    'outcome',
  ])
  const runSeconds = new Histogram({
    name: 'alibi_run_duration_seconds',
    help: 'How long a probe run took, all its tries and pauses together.',
    labelNames: ['operation'],
    buckets: RUN_BUCKETS_S,
    registers,
  })
  const decisions = counter(
    'alibi_decisions_total',
    'Rows of the ledger by decision; withheld ones are mails that were not sent.',
    ['decision'],
  )
  const verdicts = counter('alibi_verdicts_total', 'Verdicts that incidents of family outage came to, each time one changed.', [
    'verdict',
  ])
  const mails = counter(
    'alibi_mails_total',
    'Attempts to send a mail, and mails that left no more, by kind and result; each address counts.',
    ['kind', 'result'],
  )
  const lag = gauge(
    'alibi_schedule_lag_seconds',
    'How much later than due, beyond its spread, the last fire of a schedule came.',
    ['monitor'],
  )
  const beginLag = new Histogram({
    name: 'alibi_run_begin_lag_seconds',
    help: "How much later than planned the scheduled runs began, beyond what AWS's quotas make them wait.",
    buckets: BEGIN_BUCKETS_S,
    registers,
  })
  const skipped = counter('alibi_rounds_skipped_total', 'Fires of a schedule that found the round before them still running.', [
    'monitor',
  ])
  const lastSuccess = gauge('alibi_health_source_last_success_timestamp_seconds', 'When a source of AWS Health last answered.', [
    'partition',
    'source',
  ])
  const sourceUp = gauge('alibi_health_source_up', '1 if the source answered when last asked; a source that is off has none.', [
    'partition',
    'source',
  ])
  const storeSeconds = new Histogram({
    name: 'alibi_store_blocking_seconds',
    help: 'How long a call of the database kept the whole process waiting.',
    buckets: STORE_BUCKETS_S,
    registers,
  })

  const incidents = gauge('alibi_incidents_open', 'Open incidents by state.', ['state'])
  const probes = gauge('alibi_probes', 'Probes by standing.', ['monitor', 'standing'])
  const lastRun = gauge('alibi_monitor_last_run_timestamp_seconds', 'When a run of the monitor last came to a result.', [
    'monitor',
  ])
  const owed = gauge('alibi_mails_owed', 'Mails that have not left, by state; each address counts.', ['state'])
  const undelivered = gauge('alibi_mails_undelivered', 'Mails that have not reached an address: still owed, or refused.', [
    'recipient',
    'address',
    'state',
  ])
  const oldest = gauge('alibi_mail_oldest_owed_seconds', 'Age of the oldest mail that is still to be sent; 0 if there is none.')
  const offline = gauge('alibi_offline', '1 while neither AWS nor the control host can be reached.')
  const silences = gauge('alibi_silences_active', 'Silences that last now.')
  const notices = gauge('alibi_notices', 'Things to be minded that are no incident, such as a source that refuses to answer.')
  const faulty = gauge('alibi_config_faulty', '1 while the configuration on disk is faulty and an older one is in force.')
  const healthy = gauge('alibi_healthy', '1 while /healthz says 200.')
  const loopDelay = gauge('alibi_event_loop_delay_seconds', 'Longest that the process stood still since this was last asked.')
  const memory = gauge('alibi_resident_memory_bytes', 'Memory of the process.')
  const started = gauge('alibi_start_time_seconds', 'When the process began.')
  const build = gauge('alibi_build_info', 'Always 1; which Alibi, on which Node.', ['version', 'node'])

  // `increase()` does not see the first increment of a series that begins with it: each series begins with 0.
  for (const verdict of VERDICTS) verdicts.inc({ verdict }, 0)
  for (const decision of DECISIONS) decisions.inc({ decision }, 0)
  for (const kind of MAIL_KINDS) for (const result of MAIL_RESULTS) mails.inc({ kind, result }, 0)
  const begun = new Set<string>()
  const timed = new Set<string>()
  /** The same for the series of monitors, as soon as they are configured. */
  function beginAtZero(setup: Setup): void {
    for (const { name: monitor, probes } of setup.monitors.values()) {
      skipped.inc({ monitor }, 0)
      for (const operation of new Set(probes.map((probe) => probe.call.operation))) {
        if (begun.has(`${monitor} ${operation}`)) continue
        begun.add(`${monitor} ${operation}`)
        for (const outcome of RUN_OUTCOMES) runs.inc({ monitor, operation, outcome }, 0)
        // Not twice, nor after an observation: that would be forgotten.
        if (!timed.has(operation)) runSeconds.zero({ operation })
        timed.add(operation)
      }
    }
  }

  const loop = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS })
  loop.enable()
  started.set(Math.floor(Date.now() / 1000 - process.uptime()))

  return {
    meter: {
      run(probe, outcome) {
        const { operation } = probe.call
        runs.inc({ monitor: probe.monitor, operation, outcome: outcome.kind ?? outcome.result })
        timed.add(operation)
        runSeconds.observe({ operation }, Math.max(0, outcome.endedAt - outcome.startedAt) / 1000)
      },
      decided: (decision) => decisions.inc({ decision }),
      judged: (verdict) => verdicts.inc({ verdict }),
      mail: (kind, result) => mails.inc({ kind, result }),
      fired: (monitor, lateMs) => lag.set({ monitor }, lateMs / 1000),
      began: (_, lateMs) => beginLag.observe(lateMs / 1000),
      skipped: (monitor) => skipped.inc({ monitor }),
      read({ partition, sources }) {
        for (const source of ['api', 'dashboard'] as const) {
          const { state, at } = sources[source]
          if (state === 'off') {
            sourceUp.remove({ partition, source })
            continue
          }
          sourceUp.set({ partition, source }, state === 'answered' ? 1 : 0)
          if (state === 'answered' && at !== null) lastSuccess.set({ partition, source }, at / 1000)
        }
      },
    },
    observeStore: (_, ms) => storeSeconds.observe(ms / 1000),
    async text({ view, outbox, health, now }) {
      const { world, setup } = view
      beginAtZero(setup)
      const open = [...world.incidents.values()]
      for (const state of OPEN_STATES) incidents.set({ state }, open.filter((incident) => incident.state === state).length)
      // What is no longer configured is not shown as if it were.
      probes.reset()
      lastRun.reset()
      for (const monitor of setup.monitors.values()) {
        const states = monitor.probes.flatMap((probe) => world.probes.get(probe.id) ?? [])
        for (const standing of STANDINGS) {
          probes.set({ monitor: monitor.name, standing }, states.filter((state) => state.standing === standing).length)
        }
        const last = states.reduce((latest, state) => Math.max(latest, state.lastConclusiveAt ?? 0), 0)
        if (last > 0) lastRun.set({ monitor: monitor.name }, last / 1000)
      }
      owed.reset()
      // Not known is not none.
      oldest.set(Number.NaN)
      undelivered.reset()
      if (outbox !== null) {
        const open = outbox.filter(isOpen)
        for (const state of OWED_STATES) owed.set({ state }, open.filter((one) => one.state === state).length)
        for (const { notification, address, state } of open)
          undelivered.inc({
            recipient: notification.recipient,
            // Their name says as much where they have but one.
            address: notification.to.length > 1 ? address : '',
            state: state === 'refused' ? state : 'owed',
          })
        const waiting = open.filter((one) => one.state !== 'refused').map((one) => one.notification.createdAt)
        oldest.set(waiting.length === 0 ? 0 : Math.max(0, now - waiting.reduce((a, b) => Math.min(a, b))) / 1000)
      }
      offline.set(world.reach.offlineSince === null ? 0 : 1)
      silences.set(world.silences.filter((silence) => silence.at <= now && now < endOfSilence(silence)).length)
      notices.set(world.notices.size)
      faulty.set(world.notices.has(CONFIG_NOTICE) ? 1 : 0)
      healthy.set(health.ok ? 1 : 0)
      loopDelay.set(Math.max(0, loop.max - EVENT_LOOP_RESOLUTION_MS * 1e6) / 1e9)
      loop.reset()
      memory.set(process.memoryUsage.rss())
      build.reset()
      build.set({ version: view.version, node: process.version }, 1)
      return register.metrics()
    },
    contentType: register.contentType,
    close() {
      loop.disable()
      register.clear()
    },
  }
}

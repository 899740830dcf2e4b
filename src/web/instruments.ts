import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** A run is bounded by its attempts and timeouts: seconds, rarely a minute. */
const RUN_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** A transaction takes a third of a millisecond; on a bad disk it takes any time. */
const STORE_BUCKETS_S = [0.001, 0.005, 0.025, 0.1, 0.5, 2]
/** A busy event loop delays a run by milliseconds; more than that is a machine that is too small. */
const BEGIN_BUCKETS_S = [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10]

/** An event is judged within a second; while Alibi was stopped, hours later. */
const TOLD_BUCKETS_S = [0.1, 0.5, 1, 2, 5, 15, 60, 600, 3600]

export type Counters = ReturnType<typeof createCounters>

/** What is counted when it happens. */
export function createCounters(register: Registry) {
  const registers = [register]
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers })
  return {
    runs: counter('alibi_runs_total', 'Probe runs by outcome: ok, a failure kind, or why the run was inconclusive.', [
      'monitor',
      'service',
      'region',
      'operation',
      'outcome',
    ]),
    runSeconds: new Histogram({
      name: 'alibi_run_duration_seconds',
      help: 'Duration of a probe run, including all its tries and the pauses between them.',
      labelNames: ['operation'] as const,
      buckets: RUN_BUCKETS_S,
      registers,
    }),
    decisions: counter('alibi_decisions_total', 'Ledger rows by decision; withheld is an alert that was not sent.', ['decision']),
    verdicts: counter('alibi_verdicts_total', 'Verdicts on outage incidents, counted whenever the verdict changes.', ['verdict']),
    mails: counter(
      'alibi_mails_total',
      'Attempts to send an email, and emails merged or dropped, by kind and result, counted per address.',
      ['kind', 'result'],
    ),
    beginLag: new Histogram({
      name: 'alibi_run_begin_lag_seconds',
      help: "How late scheduled runs began, not counting the wait for AWS's quotas.",
      buckets: BEGIN_BUCKETS_S,
      registers,
    }),
    skipped: counter(
      'alibi_rounds_skipped_total',
      'Rounds skipped because the previous round of the monitor was still running.',
      ['monitor'],
    ),
    toldSeconds: new Histogram({
      name: 'alibi_health_queue_delay_seconds',
      help: 'From the moment EventBridge put an event into the health queue until it was judged.',
      buckets: TOLD_BUCKETS_S,
      registers,
    }),
    takeovers: new Counter({
      name: 'alibi_takeovers_total',
      help: 'How often another process took over the lead, since the database began.',
      registers,
    }),
    fenced: new Counter({
      name: 'alibi_fenced_total',
      help: 'Decisions and runs of this machine that were refused because another machine had taken its place by then.',
      registers,
    }),
    storeSeconds: new Histogram({
      name: 'alibi_store_blocking_seconds',
      help: 'How long a database call blocked the process.',
      buckets: STORE_BUCKETS_S,
      registers,
    }),
  }
}

export type Gauges = ReturnType<typeof createGauges>

/** What is the case: most of it is set when it is asked for. */
export function createGauges(register: Registry) {
  const registers = [register]
  const gauge = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name, help, labelNames, registers })
  return {
    scheduleLag: gauge('alibi_schedule_lag_seconds', 'How late the latest scheduled round started, not counting its spread.', [
      'monitor',
    ]),
    lastSuccess: gauge('alibi_health_source_last_success_timestamp_seconds', 'When this source of AWS Health last answered.', [
      'partition',
      'source',
    ]),
    sourceUp: gauge('alibi_health_source_up', '1 if this source of AWS Health answered when last asked; absent if it is off.', [
      'partition',
      'source',
    ]),
    incidents: gauge('alibi_incidents_open', 'Open incidents by state.', ['state']),
    probes: gauge('alibi_probes', 'Probes by status.', ['monitor', 'standing']),
    lastRun: gauge('alibi_monitor_last_run_timestamp_seconds', 'When a run of this monitor last gave a result.', ['monitor']),
    owed: gauge('alibi_mails_owed', 'Undelivered emails by state, counted per address.', ['state']),
    undelivered: gauge('alibi_mails_undelivered', 'Undelivered emails by address: still to be sent (owed), or refused.', [
      'recipient',
      'address',
      'state',
    ]),
    oldest: gauge('alibi_mail_oldest_owed_seconds', 'Age of the oldest email that is still to be sent; 0 if there is none.'),
    offline: gauge('alibi_offline', '1 while this host can reach neither AWS nor the control host.'),
    silences: gauge('alibi_silences_active', 'Silences in force.'),
    selfAlerts: gauge(
      'alibi_notices',
      'Problems of Alibi itself that were reported and persist, such as a source that refuses to answer.',
    ),
    faulty: gauge('alibi_config_faulty', '1 while the configuration on disk is faulty and an older one is in force.'),
    healthy: gauge('alibi_healthy', '1 while /healthz answers 200.'),
    loopDelay: gauge('alibi_event_loop_delay_seconds', 'Longest time that the process was blocked since the previous scrape.'),
    leader: gauge('alibi_leader', '1 if this machine decides and sends; also where it is the only one.'),
    machines: gauge('alibi_machines', 'Machines that share the database and were heard of within 10 seconds.'),
    callers: gauge('alibi_callers_held', 'Callers (credentials in a partition) whose calls this machine makes.'),
    memory: gauge('alibi_resident_memory_bytes', 'Resident memory of the process.'),
    started: gauge('alibi_start_time_seconds', 'When the process started.'),
    build: gauge('alibi_build_info', 'Always 1; labelled with the versions of Alibi and Node.', ['version', 'node']),
  }
}

import type { Announcement } from './announcement.ts'
import type { Incident } from './incident.ts'
import type { LedgerRow } from './ledger.ts'
import type { HealthReading } from './outage.ts'
import type { ControlAnswer, Instant, Monitor, Outcome, Partition, Probe } from './probe.ts'
import type { Connectivity, ProbeState, SelfAlert } from './state.ts'
import type { Transition } from './streak.ts'

/** What happened since the last decision. */
export type Input = Readonly<{
  now: Instant
  /** Finished runs, in the order in which they ended. */
  outcomes: readonly Outcome[]
  /** Control calls that were not made for a run. */
  controls: readonly ControlAnswer[]
  /** The newest reading of each partition that was read. */
  readings: ReadonlyMap<Partition, HealthReading>
  /** Partitions that were read since the last decision. */
  newlyRead: ReadonlySet<Partition>
  /** Whether to look also for what falls due by the clock alone: blind probes. */
  timers: boolean
  /** What else is reported once, such as a faulty configuration on disk; `null`: it is over. */
  selfAlerts: readonly Readonly<{ key: string; text: string | null }>[]
  /** The names by which AWS Health may know the failing account. */
  owners: (probe: Probe, monitor: Monitor) => readonly string[]
  /** 64 random bits as 16 hexadecimal digits. */
  newId: () => string
}>

export type Announced = Readonly<
  | { incident: Incident; announcement: Announcement; selfAlert: null }
  | { incident: null; announcement: Announcement; selfAlert: SelfAlert }
>

/** Everything that a decision changes. The caller commits all of it in one transaction, and only then acts on it. */
export type Decision = Readonly<{
  incidents: readonly Incident[]
  probes: readonly ProbeState[]
  selfAlerts: Readonly<{ set: readonly SelfAlert[]; cleared: readonly string[] }>
  connectivity: Connectivity | null
  freshSince: Instant
  ledger: readonly LedgerRow[]
  announced: readonly Announced[]
  /** What each run meant, for the log. */
  transitions: readonly Readonly<{ outcome: Outcome; transition: Transition }>[]
}>

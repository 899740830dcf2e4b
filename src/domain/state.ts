import type { Incident } from './incident.ts'
import type { Family, Instant, Outcome } from './probe.ts'
import type { Ack, Silence } from './silence.ts'

/** A conclusive run in a probe's window. */
export type Mark = Readonly<{ at: Instant; family: Family | null }>

/** What is known of every probe, failing or not. */
export type ProbeState = Readonly<{
  probe: string
  /** The last conclusive runs, oldest first, at most `fail.of`. */
  recent: readonly Mark[]
  status: 'ok' | 'undecided' | 'failing' | 'recovering'
  /** Start of the first failed run of the present streak; `null` while it is ok. */
  onset: Instant | null
  /** The incident it is in while failing or recovering; afterwards the last one it was in. */
  incident: string | null
  /** Ok runs in a row since it was failing, and the start of the first of them. */
  okRuns: number
  okSince: Instant | null
  lastOkAt: Instant | null
  /** The last ok run before the onset: with three of five, ok runs may lie within a streak. */
  okBefore: Instant | null
  /** Start of the last run of any outcome, and of the last conclusive one. */
  lastRunAt: Instant | null
  lastConclusiveAt: Instant | null
  /** Start of the last run that was not ok at its first try (the test of width). */
  lastUncleanAt: Instant | null
  /** Why the last run was inconclusive; `null` if it was not. */
  inconclusive: 'throttled' | 'stalled' | 'fault' | 'offline' | null
  /** First time this probe was known: `blind` counts from here when nothing ever ran. */
  knownSince: Instant
  /** A gap in our own watch between `okBefore` and the onset; `null` if there is none. */
  gap: Gap | null
  /** The failed runs of a streak that is not decided yet: evidence, should it cross the threshold. */
  trail: readonly Outcome[]
}>

/** A period in which we did not watch. */
export type Gap = Readonly<{ from: Instant; to: Instant; why: string }>

/** Something reported once that is no incident, such as a source that refuses to answer (`self-alert`). */
export type SelfAlert = Readonly<{ key: string; since: Instant; text: string }>

/** Whether the problem is on our side: the control calls (`offline`). */
export type Connectivity = Readonly<{
  /** Whether the control host was ever reached since start. */
  everReached: boolean
  /** Failed control calls in a row, and the start of the first of them. */
  failures: number
  failingSince: Instant | null
  /** Start of the first control call since which none got through, whatever else answered; `null` if the last one did. */
  controlFailedAt: Instant | null
  /** The last control call. */
  lastAt: Instant | null
  /** The last time that anything outside answered: the control host, AWS itself or, as the first of all, AWS Health; `null`: nobody since the start. */
  lastAnswerAt: Instant | null
  /** The hosts that have answered since the start, each as service and region. */
  answeredBy: readonly string[]
  /** Since when we are offline; `null` when we are online. */
  offlineSince: Instant | null
  /** The incident that reports it. */
  incident: string | null
}>

/** All that the engine knows between two decisions. Loaded from disk at start. */
export type World = Readonly<{
  probes: ReadonlyMap<string, ProbeState>
  /** Open ones, and those that closed so recently that they can be reopened or explained in hindsight. */
  incidents: ReadonlyMap<string, Incident>
  selfAlerts: ReadonlyMap<string, SelfAlert>
  connectivity: Connectivity
  /** No timer of an incident fires before each of its failing probes has run since then: the last start, wake-up or clock change. */
  freshSince: Instant
  /** The last time we were not running, so that a gap can be named. */
  absence: Gap | null
  /** Until when, for longer than a moment, nothing could be written down; `null`: never. What ran before is lost. */
  lostUntil: Instant | null
  /** Those that last or ended lately. */
  silences: readonly Silence[]
  /** By incident. */
  acks: ReadonlyMap<string, Ack>
}>

export const INITIAL_CONNECTIVITY: Connectivity = {
  everReached: false,
  failures: 0,
  failingSince: null,
  controlFailedAt: null,
  lastAt: null,
  lastAnswerAt: null,
  answeredBy: [],
  offlineSince: null,
  incident: null,
}

export function newProbeState(probe: string, now: Instant): ProbeState {
  return {
    probe,
    recent: [],
    status: 'ok',
    onset: null,
    incident: null,
    okRuns: 0,
    okSince: null,
    lastOkAt: null,
    okBefore: null,
    lastRunAt: null,
    lastConclusiveAt: null,
    lastUncleanAt: null,
    inconclusive: null,
    knownSince: now,
    gap: null,
    trail: [],
  }
}

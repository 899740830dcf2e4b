import type { Incident } from '../domain/incident.ts'
import type { IncidentSummary } from '../domain/incident-summary.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Stamp } from '../domain/moment.ts'
import type { Notification, Owed, StripMark } from '../domain/notification.ts'
import type { HealthEvent, HealthReading } from '../domain/outage.ts'
import type { IncidentPatterns } from '../domain/patterns.ts'
import type { Instant, Outcome, Partition } from '../domain/probe.ts'
import type { KeptEvent } from '../domain/queue-message.ts'
import type { KeptQueue, QueueRecord } from '../domain/queue-record.ts'
import type { Ack, Silence } from '../domain/silence.ts'
import type { Connectivity, ProbeState, SelfAlert } from '../domain/state.ts'

/** What one decision changes: all of it is on disk, or none. */
export type Change = Readonly<{
  /** Replaced whole, by id. */
  incidents: readonly Incident[]
  /** Replaced whole, by probe. */
  probes: readonly ProbeState[]
  /** Set, or taken away. */
  selfAlerts: Readonly<{ set: readonly SelfAlert[]; cleared: readonly string[] }>
  connectivity: Connectivity | null
  ledger: readonly LedgerRow[]
  /** Owed from now on, to each of their addresses, in state `due`. An id that is already there is left as it is. */
  notifications: readonly Notification[]
  outcomes: readonly StoredOutcome[]
  /** What AWS Health said, kept so that a verdict can be checked a year later: one that says the same as the last prolongs it. */
  readings: readonly HealthReading[]
  /** Left out where the clock was not set. */
  redate?: Redate
}>

/**
 * The clock was set: what commands ordered is shifted, each order by so many milliseconds (one that is gone is left
 * out), and the daemon is alive at this moment of the new clock.
 */
export type Redate = Readonly<{
  /** By id. */
  silences: ReadonlyMap<string, number>
  /** By incident. */
  acks: ReadonlyMap<string, number>
  alive: Stamp
}>

/** A stretch of time in which AWS Health said the same. */
export type KeptReading = Readonly<{ since: Instant; until: Instant; reading: HealthReading }>

/** A run to be kept: those of an incident forever, the others for `keep.runs`, then as hourly sums. */
export type StoredOutcome = Readonly<{ outcome: Outcome; incident: string | null }>

export type Loaded = Readonly<{
  probes: readonly ProbeState[]
  /** Those not closed, and those that closed at or after `closedSince`. */
  incidents: readonly Incident[]
  selfAlerts: readonly SelfAlert[]
  connectivity: Connectivity | null
  /** Last moment at which the daemon was known to be alive; `null` on a new database. */
  lastAlive: Stamp | null
}>

/** A change of what became of a notification at one of its addresses; the wording is that of the whole notification. */
export type OwedChange = Readonly<{ id: string; address: string } & Partial<Omit<Owed, 'notification' | 'address'>>>

/** The hourly sums of a probe that remain when its runs are gone. */
export type HourSum = Readonly<{
  probe: string
  hour: Instant
  ok: number
  failed: number
  inconclusive: number
  sumMs: number
  maxMs: number
}>

/**
 * What is durable. Every method resolves when it is: synced to disk, whole or not at all.
 * @throws {StoreError} and nothing else.
 */
export type Store = Reader & {
  commit(change: Change): Promise<void>
  /** What is `due`, `retrying` or `sending`: of what an address is owed in a thread the oldest first; at most `limit`. */
  owed(limit: number): Promise<readonly Owed[]>
  /** Adds the notifications, applies the changes and adds the rows, in one transaction. */
  settle(changes: readonly OwedChange[], ledger: readonly LedgerRow[], added?: readonly Notification[]): Promise<void>
  /** Keeps a silence. An id that is already there is left as it is. */
  addSilence(silence: Silence): Promise<void>
  /** Takes a silence back; `false` if there is none of that id that still lasts. */
  endSilence(id: string, at: Instant): Promise<boolean>
  /** Keeps somebody's word about an incident; a later one replaces an earlier one. */
  addAck(ack: Ack): Promise<void>
  /** Calls back, within three seconds, after another process wrote to the database; until the signal aborts. */
  watch(changed: () => void, signal: AbortSignal): void
  /** Keeps a text under a key in the place of the one before. Keys of its own: it shares none with the rest of the store. */
  remember(key: string, value: string): Promise<void>
  /** Keeps what is known of the health queue: the record, these events by ARN, and no more of those. Another address replaces all. */
  keepQueue(record: QueueRecord, events: readonly KeptEvent[], forgotten: readonly string[]): Promise<void>
  /** Remembers that the daemon was alive then: for the gap in our watch, and for a clock that is set while nobody runs. */
  alive(stamp: Stamp): Promise<void>
  /**
   * One step of retention, of at most `limit` rows: old runs are summed up and deleted, old hours and readings are deleted. Says how
   * many rows are left to do, as far as is known: 0 when everything has been looked at.
   */
  sweep(before: Readonly<{ runs: Instant; hours: Instant }>, limit: number): Promise<number>
  /** Moves the write-ahead log into the database when it has grown. */
  checkpoint(): Promise<void>
  close(): Promise<void>
}

/** The part of the store that commands and pages use beside the daemon. */
export type Reader = {
  load(closedSince: Instant): Promise<Loaded>
  /** What was last remembered under this key; `null` if nothing was. */
  recall(key: string): Promise<string | null>
  /** The latest opened, newest first, without their members. */
  incidents(limit: number, only?: 'closed'): Promise<readonly IncidentSummary[]>
  /** Of the same incidents, in the same order: what their failures have in common. */
  patterns(limit: number): Promise<readonly IncidentPatterns[]>
  incident(id: string): Promise<Incident | null>
  /** Oldest first: of everything the first `limit`, of an incident the newest. */
  ledger(filter: Readonly<{ incident?: string; since?: Instant }>, limit: number): Promise<readonly LedgerRow[]>
  /** Runs of a probe, oldest first. */
  strip(probe: string, since: Instant): Promise<readonly StripMark[]>
  /** The newest kept outcomes of an incident, oldest first. */
  runs(incident: string, limit: number): Promise<readonly Outcome[]>
  /** How many of both are kept of an incident: what was asked for may be less. */
  counts(incident: string): Promise<Readonly<{ ledger: number; runs: number }>>
  hours(probe: string, since: Instant): Promise<readonly HourSum[]>
  /** Everything not delivered, merged or dropped, with what became of those notifications at their other addresses. */
  outbox(): Promise<readonly Owed[]>
  /** Emails of an incident, oldest first, in the order of their addresses. */
  mails(incident: string): Promise<readonly Owed[]>
  /** What was last read of a partition at or before that moment, as it was then; `null` if nothing was. */
  readingAt(partition: Partition, at: Instant): Promise<KeptReading | null>
  /** Stretches that overlap with this time, oldest first. */
  readings(partition: Partition, from: Instant, to: Instant, limit: number): Promise<readonly KeptReading[]>
  /** Every form in which an event was seen, oldest first: edits, new dates, ends, returns. */
  eventHistory(arn: string, limit: number): Promise<readonly Readonly<{ seenAt: Instant; event: HealthEvent }>[]>
  /** What is kept of the health queue of this address; `null` if nothing is. */
  queue(url: string): Promise<KeptQueue | null>
  /** Silences that last, or ended at or after `endedSince`; oldest first. */
  silences(endedSince: Instant): Promise<readonly Silence[]>
  /** Of incidents that are not closed. */
  acks(): Promise<readonly Ack[]>
  /** What was delivered since then, and to which address (`rate-limit`). */
  deliveredSince(since: Instant): Promise<readonly Readonly<{ address: string; at: Instant }>[]>
}

/**
 * The store cannot be trusted or reached. `fatal` ends the process, and pm2 starts it again. `uncertain`: what is stored may
 * differ from what the caller holds to be so, for the answer to a commit was lost, or somebody else may write now. Nothing is
 * written until the state has been loaded again.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly fatal: boolean
  readonly uncertain: boolean
  constructor(message: string, options: { fatal: boolean; uncertain?: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.fatal = options.fatal
    this.uncertain = options.uncertain ?? false
  }
}

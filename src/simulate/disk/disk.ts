import type { Incident } from '../../domain/incident.ts'
import type { LedgerRow } from '../../domain/ledger.ts'
import type { Stamp } from '../../domain/moment.ts'
import type { Owed } from '../../domain/notification.ts'
import type { KeptEvent } from '../../domain/queue-message.ts'
import type { QueueRecord } from '../../domain/queue-record.ts'
import type { Ack, Silence } from '../../domain/silence.ts'
import type { Connectivity, ProbeState, SelfAlert } from '../../domain/state.ts'
import type { HourSum, KeptReading, StoredOutcome } from '../../ports/store.ts'

/** What outlives a process. Hand the same one to a second store, and it is the daemon started again. */
export type Disk = {
  incidents: Map<string, Incident>
  probes: Map<string, ProbeState>
  selfAlerts: Map<string, SelfAlert>
  connectivity: Connectivity | null
  lastAlive: Stamp | null
  ledger: LedgerRow[]
  /** By id and address. */
  mails: Map<string, Owed>
  /** By the hour of their begin, then by probe and begin: a week of minutes is swept and shown without a look at each. */
  runs: Map<number, Map<string, StoredOutcome>>
  /** By probe and hour. */
  hours: Map<string, HourSum>
  /** By id. */
  silences: Map<string, Silence>
  /** By incident. */
  acks: Map<string, Ack>
  /** Oldest first. */
  readings: KeptReading[]
  memos: Map<string, string>
  /** What is kept of the health queue, its events by ARN. */
  queue: { record: QueueRecord; events: Map<string, KeptEvent> } | null
}

export function newDisk(): Disk {
  return {
    incidents: new Map(),
    probes: new Map(),
    selfAlerts: new Map(),
    connectivity: null,
    lastAlive: null,
    ledger: [],
    mails: new Map(),
    runs: new Map(),
    hours: new Map(),
    silences: new Map(),
    acks: new Map(),
    readings: [],
    memos: new Map(),
    queue: null,
  }
}

/** Makes a call out of work on the disk: async like the calls of a real store, and failing like them. */
export type Call = <A extends readonly unknown[], R>(work: (...given: A) => R) => (...given: A) => Promise<R>

/** Through JSON, as on disk: what does not survive that must not be relied on. */
export function copy<T>(value: T): T {
  return typeof value !== 'object' || value === null ? value : (JSON.parse(JSON.stringify(value)) as T)
}

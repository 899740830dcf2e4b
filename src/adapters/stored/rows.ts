import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { Incident } from '../../domain/incident.ts'
import { sumsOf } from '../../domain/incident-summary.ts'
import type { Notification, NotificationState, Owed, StripMark, Wording } from '../../domain/notification.ts'
import { incidentPatterns } from '../../domain/patterns.ts'
import type { Outcome } from '../../domain/probe.ts'
import { HOUR_MS } from '../../domain/probe.ts'
import type { Silence } from '../../domain/silence.ts'
import type { HourSum, StoredOutcome } from '../../ports/store.ts'
import { StoreError } from '../../ports/store.ts'

export type Row = Record<string, SQLOutputValue>
export type Values = Record<string, SQLInputValue>

/** Longer ones we never write: a thousand probes in one email come to a tenth of it. */
const MAX_DOCUMENT = 32 * 1024 * 1024

/** The document of a row. What does not parse was not written by us: nothing of the file can be believed then. */
export function document<T>(row: Row, column = 'doc'): T {
  const text = row[column]
  try {
    if (typeof text !== 'string' || text.length > MAX_DOCUMENT) throw new TypeError('no text of ours')
    return JSON.parse(text) as T
  } catch (cause) {
    throw new StoreError('the database holds a document that cannot be read: restore a backup', { fatal: true, cause })
  }
}

/** What a field has to be; with `?` it may be missing or null. */
type Kind = 'text' | 'instant' | 'instant?' | 'list' | 'list?' | 'flag?' | 'object'

/** The latest instant that a Date can hold: what lies beyond it cannot be shown, and was not written by us. */
const LAST_INSTANT = 8_640_000_000_000_000

const IS: Readonly<Record<'text' | 'instant' | 'list' | 'flag' | 'object', (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string' && value.length <= 1_000_000,
  instant: (value) => typeof value === 'number' && Math.abs(value) <= LAST_INSTANT,
  list: (value) => Array.isArray(value),
  flag: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && value !== null,
}

/** The same as `document`, of which these fields are known to be what they should. @throws {StoreError} fatal */
export function shaped<T>(row: Row, shape: Shape, column = 'doc'): T {
  const doc = document<Readonly<Record<string, unknown>> | null>(row, column)
  if (!isShaped(doc, shape)) throw unsound()
  return doc as T
}

function isShaped(doc: Readonly<Record<string, unknown>> | null, shape: Shape): boolean {
  return (
    typeof doc === 'object' &&
    doc !== null &&
    Object.entries(shape).every(([field, kind]) => {
      const value = doc[field]
      const may = kind.endsWith('?') && (value === undefined || value === null)
      return may || IS[kind.replace('?', '') as keyof typeof IS](value)
    })
  )
}

function unsound(): StoreError {
  return new StoreError('the database holds a document that is not as Alibi writes it: restore a backup', { fatal: true })
}

type Shape = Readonly<Record<string, Kind>>

export const QUEUE_RECORD: Shape = { url: 'text', polledAt: 'instant?', since: 'instant?', heardAt: 'instant?' }
export const KEPT_EVENT: Shape = { event: 'object', toldAt: 'instant', seenAt: 'instant' }

export const INCIDENT: Shape = {
  id: 'text',
  partition: 'text',
  family: 'text',
  state: 'text',
  openedAt: 'instant',
  closedAt: 'instant?',
  episodeAt: 'instant?',
  heldUntil: 'instant?',
  announcedAt: 'instant?',
  lastMailAt: 'instant?',
  audience: 'list',
  namedEvents: 'list?',
  hindsight: 'list?',
  reopenedAt: 'list?',
  alibis: 'list?',
  flapping: 'flag?',
}
export const MEMBER: Shape = {
  probe: 'text',
  monitor: 'text',
  state: 'text',
  onset: 'instant',
  evidence: 'list',
  lastOkAt: 'instant?',
  failedAt: 'instant?',
  recoveredAt: 'instant?',
  lastRunAt: 'instant?',
  lastFailedAt: 'instant?',
}
export const SUMS: Shape = { probes: 'list', monitors: 'list', span: 'object', machines: 'list?' }
export const PATTERNS: Shape = {
  id: 'text',
  family: 'text',
  openedAt: 'instant',
  onsets: 'list',
  endpoints: 'list',
  operations: 'list',
  accounts: 'list',
  errors: 'list',
  monitors: 'list',
  explanations: 'list',
  rejected: 'list',
}
export const LEDGER_ROW: Shape = { at: 'instant', decision: 'text', reason: 'text' }
const NOTIFICATION: Shape = { id: 'text', kind: 'text', recipient: 'text', to: 'list', createdAt: 'instant' }
const SILENCE: Shape = {
  id: 'text',
  at: 'instant',
  from: 'instant',
  until: 'instant',
  scope: 'object',
  reason: 'text',
  by: 'text',
}
const SCOPE: Shape = { monitors: 'list', accounts: 'list', operations: 'list', regions: 'list' }

const nullable = (value: SQLOutputValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value)
const instantOrNull = (value: SQLOutputValue | undefined): number | null =>
  value === null || value === undefined ? null : Number(value)

export function owedOf(row: Row): Owed {
  return {
    notification: shaped<Notification>(row, NOTIFICATION),
    address: String(row['address']),
    state: String(row['state']) as NotificationState,
    attempts: Number(row['attempts']),
    nextAt: Number(row['next_at']),
    error: nullable(row['error']),
    uncertain: row['uncertain'] === 1,
    noSession: row['no_session'] === 1,
    deliveredAt: instantOrNull(row['delivered_at']),
    reply: nullable(row['reply']),
    wording: nullable(row['wording']) === null ? null : document<Wording>(row, 'wording'),
  }
}

/** When it was taken back is in a column of its own, which a command can change alone. */
export function silenceOf(row: Row): Silence {
  const silence = shaped<Silence>(row, SILENCE)
  if (!isShaped(silence.scope, SCOPE)) throw unsound()
  return { ...silence, endedAt: instantOrNull(row['ended_at']) }
}

/** The columns of an address that `settle` may change. */
export function copyValues(owed: Owed): Values {
  return {
    id: owed.notification.id,
    address: owed.address,
    state: owed.state,
    attempts: owed.attempts,
    nextAt: owed.nextAt,
    error: owed.error,
    uncertain: owed.uncertain ? 1 : 0,
    noSession: owed.noSession ? 1 : 0,
    deliveredAt: owed.deliveredAt,
    reply: owed.reply,
  }
}

/** What lists need of the members is written when an incident closes: until then it would have to be written with each run. */
export function incidentValues(incident: Incident): Values {
  const { members: _, ...header } = incident
  const { id, state, family, partition, openedAt, closedAt } = header
  const sums = state === 'closed' ? JSON.stringify(sumsOf(incident)) : null
  const patterns = state === 'closed' ? JSON.stringify(incidentPatterns(incident)) : null
  return { id, state, family, partition, openedAt, closedAt, doc: JSON.stringify(header), sums, patterns }
}

export function notificationValues(notification: Notification): Values {
  return {
    id: notification.id,
    thread: notification.thread,
    seq: notification.seq,
    incident: notification.incident,
    createdAt: notification.createdAt,
    doc: JSON.stringify(notification),
  }
}

/**
 * A run in columns, in the order of `putRun`; its document only where it says more than "ok" or is evidence of an incident.
 */
export function runValues({ outcome, incident }: StoredOutcome, probe: number): readonly SQLInputValue[] {
  return [
    probe,
    outcome.startedAt,
    Math.max(0, Math.round(outcome.endedAt - outcome.startedAt)),
    outcome.result,
    outcome.kind,
    outcome.tries.length,
    outcome.tries.at(-1)?.requestId ?? null,
    incident,
    outcome.result === 'ok' && incident === null ? null : JSON.stringify(outcome),
  ]
}

export function markOf(row: Row): StripMark {
  return { at: Number(row['at']), ms: Number(row['ms']), mark: String(row['result']) as Outcome['result'] }
}

export function hourOf(probe: string, row: Row): HourSum {
  return {
    probe,
    hour: Number(row['hour']),
    ok: Number(row['ok']),
    failed: Number(row['failed']),
    inconclusive: Number(row['inconclusive']),
    sumMs: Number(row['sum_ms']),
    maxMs: Number(row['max_ms']),
  }
}

/** The first hour that a question "since then" is about: the one that holds the moment. */
export function hourHolding(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS
}

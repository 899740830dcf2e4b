import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { Notification, NotificationState, Owed, StripMark, Wording } from '../../domain/notification.ts'
import type { Outcome } from '../../domain/probe.ts'
import { HOUR_MS } from '../../domain/probe.ts'
import type { HourSum, StoredOutcome } from '../../ports/store.ts'
import { StoreError } from '../../ports/store.ts'

export type Row = Record<string, SQLOutputValue>
export type Values = Record<string, SQLInputValue>

/** The document of a row. What does not parse was not written by us: nothing of the file can be believed then. */
export function document<T>(row: Row, column = 'doc'): T {
  try {
    return JSON.parse(String(row[column])) as T
  } catch (cause) {
    throw new StoreError('the database holds a document that cannot be read: restore a backup', { fatal: true, cause })
  }
}

const nullable = (value: SQLOutputValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value)
const instantOrNull = (value: SQLOutputValue | undefined): number | null =>
  value === null || value === undefined ? null : Number(value)

export function owedOf(row: Row): Owed {
  return {
    notification: document<Notification>(row),
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

import type { SQLInputValue } from 'node:sqlite'
import type { StripMark } from '../../domain/notification.ts'
import type { Instant, Outcome } from '../../domain/probe.ts'
import type { HourSum, StoredOutcome } from '../../ports/store.ts'
import { document, hourHolding, hourOf, type Row } from '../stored/rows.ts'
import type { Database } from './database.ts'

/** Marks of a strip; the newest are kept. Three hours of a probe that runs every second. */
const MAX_STRIP = 10_800
const MAX_HOURS = 20_000

/** In the order of the numbers by which results are stored. */
export const RESULTS = ['ok', 'failed', 'inconclusive'] as const satisfies readonly Outcome['result'][]
/** A request id as AWS makes them: stored as its sixteen bytes. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const PROBE_ID = 'SELECT id FROM probe_names WHERE name = ?'
const ADD_PROBE_NAME = 'INSERT INTO probe_names (name) VALUES (?) RETURNING id'
// This is written for each run, with parameters by position: that takes two thirds of the time that names take.
const PUT_PLAIN = `INSERT INTO runs (probe, at, ms, result, tries, request_id, doc)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM incident_runs WHERE probe = ?1 AND at = ?2)
  ON CONFLICT (probe, at) DO UPDATE SET ms = excluded.ms, result = excluded.result, tries = excluded.tries,
    request_id = excluded.request_id, doc = coalesce(excluded.doc, doc)`
const PUT_OF_INCIDENT = `INSERT INTO incident_runs (probe, at, ms, result, incident, doc) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (probe, at) DO UPDATE SET ms = excluded.ms, result = excluded.result, incident = excluded.incident, doc = excluded.doc`
const DROP_PLAIN = 'DELETE FROM runs WHERE probe = ? AND at = ?'
const STRIP = `SELECT at, ms, result FROM runs WHERE probe = ?1 AND at >= ?2
  UNION ALL SELECT at, ms, result FROM incident_runs WHERE probe = ?1 AND at >= ?2 ORDER BY at DESC LIMIT ${MAX_STRIP}`
const OF_INCIDENT = 'SELECT doc FROM incident_runs WHERE incident = ? ORDER BY at DESC, probe DESC LIMIT ?'
const COUNT_OF_INCIDENT = 'SELECT count(*) AS n FROM incident_runs WHERE incident = ?'
const HOURS = `SELECT hour, ok, failed, inconclusive, sum_ms, max_ms FROM hours
  WHERE probe = ? AND hour >= ? ORDER BY hour LIMIT ${MAX_HOURS}`

/** Runs: those of an incident with their documents, the others in a few bytes each, and the hourly sums that remain of them. */
export class Runs {
  readonly #db: Database
  readonly #probeIds = new Map<string, number>()

  constructor(db: Database) {
    this.#db = db
    db.onRollback(() => this.#probeIds.clear())
  }

  put({ outcome, incident }: StoredOutcome): void {
    const probe = this.#idOf(outcome.probe) ?? this.#addName(outcome.probe)
    const { startedAt, endedAt, result, tries } = outcome
    const ms = Math.max(0, Math.round(endedAt - startedAt))
    const mark = RESULTS.indexOf(result)
    if (incident !== null) {
      this.#db.run(DROP_PLAIN, probe, startedAt)
      this.#db.run(PUT_OF_INCIDENT, probe, startedAt, ms, mark, incident, JSON.stringify(outcome))
      return
    }
    // The document only where it says more than "ok".
    const doc = result === 'ok' ? null : JSON.stringify(outcome)
    this.#db.run(PUT_PLAIN, probe, startedAt, ms, mark, tries.length, requestIdStored(tries.at(-1)?.requestId ?? null), doc)
  }

  strip(probe: string, since: Instant): readonly StripMark[] {
    const id = this.#idOf(probe)
    return id === null ? [] : this.#db.all(STRIP, id, since).map(markOf).reverse()
  }

  /** The newest of an incident, oldest first. */
  ofIncident(incident: string, limit: number): readonly Outcome[] {
    return this.#db
      .all(OF_INCIDENT, incident, limit)
      .reverse()
      .map((row) => document<Outcome>(row))
  }

  count(incident: string): number {
    return this.#db.count(COUNT_OF_INCIDENT, incident)
  }

  hours(probe: string, since: Instant): readonly HourSum[] {
    const id = this.#idOf(probe)
    return id === null ? [] : this.#db.all(HOURS, id, hourHolding(since)).map((row) => hourOf(probe, row))
  }

  #addName(name: string): number {
    const id = Number(this.#db.one(ADD_PROBE_NAME, name)?.['id'])
    this.#probeIds.set(name, id)
    return id
  }

  #idOf(name: string): number | null {
    const known = this.#probeIds.get(name)
    if (known !== undefined) return known
    const row = this.#db.one(PROBE_ID, name)
    if (row === undefined) return null
    this.#probeIds.set(name, Number(row['id']))
    return Number(row['id'])
  }
}

function requestIdStored(id: string | null): SQLInputValue {
  return id !== null && UUID.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : id
}

function markOf(row: Row): StripMark {
  return { at: Number(row['at']), ms: Number(row['ms']), mark: RESULTS[Number(row['result'])] ?? 'inconclusive' }
}

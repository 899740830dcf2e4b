import { HOUR_MS, type Instant } from '../../domain/probe.ts'
import type { Database } from './database.ts'

/** Probes that one step looks through: a few milliseconds, in a few statements, however many probes there are. */
const PROBES_A_STEP = 500
/** What is left is counted up to here. */
const MAX_COUNTED = 5_000

/** Old rows of the probes of one step, in the same order in each statement of a transaction. */
const OLD_RUNS = `FROM probe_names p CROSS JOIN runs r ON r.probe = p.id AND r.at < $before
  WHERE p.id > $after AND p.id <= $last ORDER BY p.id, r.at LIMIT $limit`
const OLD_HOURS = `FROM probe_names p CROSS JOIN hours h ON h.probe = p.id AND h.hour < $before
  WHERE p.id > $after AND p.id <= $last ORDER BY p.id, h.hour LIMIT $limit`

const STEP = `SELECT max(id) AS last, count(*) AS n FROM (SELECT id FROM probe_names WHERE id > ? ORDER BY id LIMIT ${PROBES_A_STEP})`
const COUNT_RUNS = `SELECT count(*) AS n FROM (SELECT 1 ${OLD_RUNS})`
const SUM_RUNS = `INSERT INTO hours (probe, hour, ok, failed, inconclusive, sum_ms, max_ms)
  SELECT probe, at - at % ${HOUR_MS}, sum(result = 0), sum(result = 1), sum(result = 2), sum(ms), max(ms)
  FROM (SELECT r.probe, r.at, r.result, r.ms ${OLD_RUNS}) WHERE true GROUP BY probe, at - at % ${HOUR_MS}
  ON CONFLICT (probe, hour) DO UPDATE SET ok = ok + excluded.ok, failed = failed + excluded.failed,
    inconclusive = inconclusive + excluded.inconclusive, sum_ms = sum_ms + excluded.sum_ms, max_ms = max(max_ms, excluded.max_ms)`
const DROP_RUNS = `DELETE FROM runs WHERE (probe, at) IN (SELECT r.probe, r.at ${OLD_RUNS})`
const COUNT_HOURS = `SELECT count(*) AS n FROM (SELECT 1 ${OLD_HOURS})`
const DROP_HOURS = `DELETE FROM hours WHERE (probe, hour) IN (SELECT h.probe, h.hour ${OLD_HOURS})`
const DROP_READINGS = 'DELETE FROM readings WHERE id IN (SELECT id FROM readings WHERE until < ? ORDER BY id LIMIT ?)'

type Old = Readonly<{ before: Instant; after: number; last: number }>

/** Retention: old runs become hourly sums, old sums and readings go. Step by step, so that the event loop is never blocked for long. */
export class Sweep {
  readonly #db: Database
  /** The probe behind which the next step begins. */
  #after = 0

  constructor(db: Database) {
    this.#db = db
  }

  /** @returns how many rows are left to do, as far as is known: 0 when every probe has been looked at */
  step(before: Readonly<{ runs: Instant; hours: Instant }>, limit: number): number {
    const after = this.#after
    const row = this.#db.one(STEP, after)
    const last = Number(row?.['last'] ?? 0)
    const most = Math.max(1, Math.floor(limit))
    const runs = this.#sumUp({ before: before.runs, after, last }, most)
    const hours = this.#forget({ before: before.hours, after, last }, most - runs.done)
    const done = runs.done + hours.done
    if (done < most) this.#db.run(DROP_READINGS, before.hours, most - done)
    const left = runs.left + hours.left
    if (left > 0) return left
    const isLast = Number(row?.['n'] ?? 0) < PROBES_A_STEP
    this.#after = isLast ? 0 : last
    return isLast ? 0 : 1
  }

  /** Sums and deletes in the same transaction: a run is in the one place or in the other, whenever we die. */
  #sumUp(old: Old, limit: number) {
    const found = this.#db.count(COUNT_RUNS, { ...old, limit: limit + MAX_COUNTED })
    const done = Math.min(found, limit)
    if (done > 0) {
      this.#db.run(SUM_RUNS, { ...old, limit })
      this.#db.run(DROP_RUNS, { ...old, limit })
    }
    return { done, left: found - done }
  }

  #forget(old: Old, limit: number) {
    const found = this.#db.count(COUNT_HOURS, { ...old, limit: limit + MAX_COUNTED })
    const done = Math.min(found, limit)
    if (done > 0) this.#db.run(DROP_HOURS, { ...old, limit })
    return { done, left: found - done }
  }
}

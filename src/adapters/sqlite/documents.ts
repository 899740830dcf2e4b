import type { ProbeState, SelfAlert } from '../../domain/state.ts'
import { document } from '../stored/rows.ts'
import type { Database } from './database.ts'

// Written for each run, with parameters by position: that takes two thirds of the time that names take.
const PUT_PROBE = 'INSERT INTO probes (probe, doc) VALUES (?, ?) ON CONFLICT (probe) DO UPDATE SET doc = excluded.doc'
const PROBES = 'SELECT doc FROM probes ORDER BY probe'
const PUT_SELF_ALERT = 'INSERT INTO self_alerts (key, doc) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc'
const CLEAR_SELF_ALERT = 'DELETE FROM self_alerts WHERE key = ?'
const SELF_ALERTS = 'SELECT doc FROM self_alerts ORDER BY key'
const PUT = 'INSERT INTO meta (key, doc) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc'
const GET = 'SELECT doc FROM meta WHERE key = ?'

/** What is kept as one JSON document under a key: the state of each probe, self-alerts, and single values. */
export class Documents {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  putProbe(state: ProbeState): void {
    this.#db.run(PUT_PROBE, state.probe, JSON.stringify(state))
  }

  probes(): readonly ProbeState[] {
    return this.#db.all(PROBES).map((row) => document<ProbeState>(row))
  }

  changeSelfAlerts({ set, cleared }: Readonly<{ set: readonly SelfAlert[]; cleared: readonly string[] }>): void {
    for (const key of cleared) this.#db.run(CLEAR_SELF_ALERT, key)
    for (const alert of set) this.#db.run(PUT_SELF_ALERT, alert.key, JSON.stringify(alert))
  }

  selfAlerts(): readonly SelfAlert[] {
    return this.#db.all(SELF_ALERTS).map((row) => document<SelfAlert>(row))
  }

  put(key: string, value: unknown): void {
    this.#db.run(PUT, key, JSON.stringify(value))
  }

  get<T>(key: string): T | null {
    const row = this.#db.one(GET, key)
    return row === undefined ? null : document<T>(row)
  }
}

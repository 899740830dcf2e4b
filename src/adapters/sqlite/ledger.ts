import type { LedgerRow } from '../../domain/ledger.ts'
import type { Instant } from '../../domain/probe.ts'
import { LEDGER_ROW, shaped } from '../stored/rows.ts'
import type { Database } from './database.ts'

const ADD = 'INSERT INTO ledger (at, incident, probe, decision, doc) VALUES ($at, $incident, $probe, $decision, $doc)'
const ALL = 'SELECT doc FROM ledger WHERE at >= ? ORDER BY at, id LIMIT ?'
const OF_INCIDENT = 'SELECT doc FROM ledger WHERE incident = ? AND at >= ? ORDER BY at DESC, id DESC LIMIT ?'
const COUNT_OF_INCIDENT = 'SELECT count(*) AS n FROM ledger WHERE incident = ?'

/** Every decision with its reason. Rows are never changed nor deleted. */
export class Ledger {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add(rows: readonly LedgerRow[]): void {
    for (const row of rows) {
      const { at, incident, probe, decision } = row
      this.#db.run(ADD, { at, incident, probe, decision, doc: JSON.stringify(row) })
    }
  }

  /** Oldest first: of everything the first `limit`, of an incident the newest. */
  rows({ incident, since = Number.MIN_SAFE_INTEGER }: Readonly<{ incident?: string; since?: Instant }>, limit: number) {
    const found =
      incident === undefined ? this.#db.all(ALL, since, limit) : this.#db.all(OF_INCIDENT, incident, since, limit).reverse()
    return found.map((row) => shaped<LedgerRow>(row, LEDGER_ROW))
  }

  count(incident: string): number {
    return this.#db.count(COUNT_OF_INCIDENT, incident)
  }
}

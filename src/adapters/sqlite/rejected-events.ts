import type { RejectedEvent } from '../../domain/verdict.ts'
import { RejectedLists } from '../stored/rejected-lists.ts'
import { document } from '../stored/rows.ts'
import type { Database } from './database.ts'

const PUT = 'INSERT INTO rejected_events (incident, list, doc) VALUES (?, ?, ?)'
const DROP = 'DELETE FROM rejected_events WHERE incident = ? AND list = ?'
const DROP_ALL = 'DELETE FROM rejected_events WHERE incident = ?'
const ALL = 'SELECT list, doc FROM rejected_events WHERE incident = ?'

/** The lists of rejected events of all incidents, each once. */
export class RejectedEvents {
  readonly #db: Database
  /** Of each open incident, as it was last written. */
  readonly #lists = new Map<string, RejectedLists>()

  constructor(db: Database) {
    this.#db = db
    db.onRollback(() => this.#lists.clear())
  }

  /** Before the members of an incident are written from scratch. */
  dropAll(incident: string): void {
    this.#db.run(DROP_ALL, incident)
    this.#lists.delete(incident)
  }

  /** @returns the number of the list that this member has from now on; `null` for none */
  put(incident: string, place: number, rejected: readonly RejectedEvent[]): number | null {
    const { list, added } = this.#listsOf(incident).put(place, rejected)
    if (added !== null) this.#db.run(PUT, incident, list, added)
    return list
  }

  /** This member is gone. */
  drop(incident: string, place: number): void {
    this.#listsOf(incident).drop(place)
  }

  /** Deletes the lists that no member has. */
  tidy(incident: string): void {
    for (const list of this.#listsOf(incident).tidy()) this.#db.run(DROP, incident, list)
  }

  /** The incident is closed: what is remembered of it is of no further use. */
  forget(incident: string): void {
    this.#lists.delete(incident)
  }

  /** By number. Members that have the same list share it in memory, too. */
  of(incident: string): ReadonlyMap<number, readonly RejectedEvent[]> {
    return new Map(this.#db.all(ALL, incident).map((row) => [Number(row['list']), document<readonly RejectedEvent[]>(row)]))
  }

  #listsOf(incident: string): RejectedLists {
    const known = this.#lists.get(incident) ?? new RejectedLists()
    this.#lists.set(incident, known)
    return known
  }
}

import type { Member } from '../../domain/incident.ts'
import type { RejectedEvent } from '../../domain/verdict.ts'
import { document } from '../stored/rows.ts'
import type { Database } from './database.ts'

const PUT = 'INSERT INTO rejected_events (incident, list, doc) VALUES (?, ?, ?)'
const DROP = 'DELETE FROM rejected_events WHERE incident = ? AND list = ?'
const DROP_ALL = 'DELETE FROM rejected_events WHERE incident = ?'
const ALL = 'SELECT list, doc FROM rejected_events WHERE incident = ?'

type Lists = {
  /** By what they say. */
  readonly numbers: Map<string, number>
  /** How many members have each of them. */
  readonly uses: Map<number, number>
  /** The list of each member, by its place. */
  readonly ofPlace: Map<number, number>
  next: number
}

/**
 * The events that were considered for the members of an incident and rejected. Members that were judged by the same reading have
 * mostly the same ones, and they are three quarters of what a member says: each list is kept once for an incident.
 */
export class RejectedEvents {
  readonly #db: Database
  /** Of each open incident, as it was last written. */
  readonly #lists = new Map<string, Lists>()

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
    const lists = this.#listsOf(incident)
    this.drop(incident, place)
    if (rejected.length === 0) return null
    const doc = JSON.stringify(rejected)
    const number = lists.numbers.get(doc) ?? lists.next++
    if (!lists.numbers.has(doc)) this.#db.run(PUT, incident, number, doc)
    lists.numbers.set(doc, number)
    lists.uses.set(number, (lists.uses.get(number) ?? 0) + 1)
    lists.ofPlace.set(place, number)
    return number
  }

  /** This member is gone. A list that nobody has stays until `tidy`: the next member may have it again. */
  drop(incident: string, place: number): void {
    const lists = this.#listsOf(incident)
    const number = lists.ofPlace.get(place)
    if (number === undefined) return
    lists.ofPlace.delete(place)
    lists.uses.set(number, (lists.uses.get(number) ?? 0) - 1)
  }

  /** Deletes the lists that no member has. */
  tidy(incident: string): void {
    const lists = this.#listsOf(incident)
    for (const [doc, number] of lists.numbers) {
      if ((lists.uses.get(number) ?? 0) > 0) continue
      lists.numbers.delete(doc)
      lists.uses.delete(number)
      this.#db.run(DROP, incident, number)
    }
  }

  /** The incident is closed: what is remembered of it is of no further use. */
  forget(incident: string): void {
    this.#lists.delete(incident)
  }

  /** By number. Members that have the same list share it in memory, too. */
  of(incident: string): ReadonlyMap<number, readonly RejectedEvent[]> {
    return new Map(this.#db.all(ALL, incident).map((row) => [Number(row['list']), document<readonly RejectedEvent[]>(row)]))
  }

  #listsOf(incident: string): Lists {
    const known = this.#lists.get(incident) ?? { numbers: new Map(), uses: new Map(), ofPlace: new Map(), next: 0 }
    this.#lists.set(incident, known)
    return known
  }
}

export function withRejected(member: Member, rejected: readonly RejectedEvent[]): Member {
  const { judgement } = member
  return { ...member, judgement: { ...judgement, verdict: { ...judgement.verdict, rejected } } }
}

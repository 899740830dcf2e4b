import type { Incident, Member } from '../../domain/incident.ts'
import { type IncidentSummary, type MemberSums, summaryOf } from '../../domain/incident-summary.ts'
import { type IncidentPatterns, incidentPatterns } from '../../domain/patterns.ts'
import type { Instant } from '../../domain/probe.ts'
import { type Placed, placesOf } from '../stored/placed-members.ts'
import { memberDocument, withRejected } from '../stored/rejected-lists.ts'
import { INCIDENT, incidentValues, MEMBER, PATTERNS, type Row, SUMS, shaped } from '../stored/rows.ts'
import type { Database } from './database.ts'
import { RejectedEvents } from './rejected-events.ts'

/** Members of one incident: as many as there may be probes. */
const MAX_MEMBERS = 20_000
/** Members that are read for one list, which blocks the event loop meanwhile. */
const MAX_LISTED_MEMBERS = 50_000
/** Incidents that are loaded at start: the open ones and those that closed lately. */
const MAX_LOADED = 10_000

const PUT = `INSERT INTO incidents (id, state, family, partition, opened_at, closed_at, doc, sums, patterns)
  VALUES ($id, $state, $family, $partition, $openedAt, $closedAt, $doc, $sums, $patterns)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, family = excluded.family, partition = excluded.partition,
    opened_at = excluded.opened_at, closed_at = excluded.closed_at, doc = excluded.doc, sums = excluded.sums,
    patterns = excluded.patterns`
const PUT_MEMBER = `INSERT INTO members (incident, place, rejected, doc) VALUES (?, ?, ?, ?)
  ON CONFLICT (incident, place) DO UPDATE SET rejected = excluded.rejected, doc = excluded.doc`
const DROP_MEMBER = 'DELETE FROM members WHERE incident = ? AND place = ?'
const DROP_MEMBERS = 'DELETE FROM members WHERE incident = ?'
const MEMBERS = `SELECT rejected, doc FROM members WHERE incident = ? ORDER BY place LIMIT ${MAX_MEMBERS}`
const LIVE = `SELECT doc FROM incidents WHERE state <> 'closed'
  UNION ALL SELECT doc FROM incidents WHERE state = 'closed' AND closed_at >= ? LIMIT ${MAX_LOADED}`
const NEWEST = 'SELECT doc, sums FROM incidents ORDER BY opened_at DESC, id DESC LIMIT ?'
const NEWEST_CLOSED = "SELECT doc, sums FROM incidents WHERE state = 'closed' ORDER BY opened_at DESC, id DESC LIMIT ?"
const NEWEST_PATTERNS = 'SELECT doc, patterns FROM incidents ORDER BY opened_at DESC, id DESC LIMIT ?'
const ONE = 'SELECT doc FROM incidents WHERE id = ?'

/** Incidents, with each of their members in a row of its own. */
export class Incidents {
  readonly #db: Database
  readonly #rejected: RejectedEvents
  /** Of each open incident: its members as they were last written, in their order, each with its place. */
  readonly #written = new Map<string, readonly Placed[]>()

  constructor(db: Database) {
    this.#db = db
    this.#rejected = new RejectedEvents(db)
    db.onRollback(() => this.#written.clear())
  }

  /** Writes only those members that are not the very objects that were written last: a change makes a new object. */
  put(incident: Incident): void {
    const { id, members } = incident
    this.#db.run(PUT, incidentValues(incident))
    const known = this.#written.get(id)
    if (known === undefined) this.#dropMembers(id)
    const placed = placesOf(members, known ?? [])
    const kept = new Set(placed.map(({ place }) => place))
    for (const { place } of known ?? []) if (!kept.has(place)) this.#dropMember(id, place)
    const before = new Map((known ?? []).map(({ place, member }) => [place, member]))
    for (const { place, member } of placed) {
      if (before.get(place) !== member) this.#putMember(id, place, member)
    }
    this.#rejected.tidy(id)
    if (incident.state !== 'closed') this.#written.set(id, placed)
    else {
      this.#written.delete(id)
      this.#rejected.forget(id)
    }
  }

  #putMember(id: string, place: number, member: Member): void {
    const list = this.#rejected.put(id, place, member.judgement.verdict.rejected)
    this.#db.run(PUT_MEMBER, id, place, list, memberDocument(member, list))
  }

  #dropMember(id: string, place: number): void {
    this.#rejected.drop(id, place)
    this.#db.run(DROP_MEMBER, id, place)
  }

  #dropMembers(id: string): void {
    this.#rejected.dropAll(id)
    this.#db.run(DROP_MEMBERS, id)
  }

  /** Those that are not closed, and those that closed at or after `closedSince`. */
  live(closedSince: Instant): readonly Incident[] {
    return this.#db.all(LIVE, closedSince).map((row) => this.#whole(row))
  }

  one(id: string): Incident | null {
    const row = this.#db.one(ONE, id)
    return row === undefined ? null : this.#whole(row)
  }

  summaries(limit: number, only?: 'closed'): readonly IncidentSummary[] {
    return this.#list(this.#db.each(only === 'closed' ? NEWEST_CLOSED : NEWEST, limit), (row, whole) =>
      row['sums'] === null
        ? summaryOf(whole())
        : { ...shaped<Omit<Incident, 'members'>>(row, INCIDENT), ...shaped<MemberSums>(row, SUMS, 'sums') },
    )
  }

  patterns(limit: number): readonly IncidentPatterns[] {
    return this.#list(this.#db.each(NEWEST_PATTERNS, limit), (row, whole) =>
      row['patterns'] === null ? incidentPatterns(whole()) : shaped<IncidentPatterns>(row, PATTERNS, 'patterns'),
    )
  }

  /** One value a row. The list ends early if too many members had to be read: those of incidents that are open. */
  #list<T>(rows: Iterable<Row>, rowValue: (row: Row, whole: () => Incident) => T): readonly T[] {
    const found: T[] = []
    let members = 0
    const whole = (row: Row) => {
      const incident = this.#whole(row)
      members += incident.members.length
      return incident
    }
    for (const row of rows) {
      if (members > MAX_LISTED_MEMBERS) break
      found.push(rowValue(row, () => whole(row)))
    }
    return found
  }

  #whole(row: Row): Incident {
    const header = shaped<Omit<Incident, 'members'>>(row, INCIDENT)
    const lists = this.#rejected.of(header.id)
    const members = this.#db.all(MEMBERS, header.id).map((member) => {
      const known = shaped<Member>(member, MEMBER)
      const rejected = lists.get(Number(member['rejected'] ?? -1))
      return rejected === undefined ? known : withRejected(known, rejected)
    })
    return { ...header, members }
  }
}

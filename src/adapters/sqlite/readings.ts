import type { HealthEvent, HealthReading } from '../../domain/outage.ts'
import type { Instant, Partition } from '../../domain/probe.ts'
import type { KeptReading } from '../../ports/store.ts'
import { type Base, decode, encode, type StoredForm } from '../stored/event-form.ts'
import { DailyRoom, hashOf, readingDocument, saidBy } from '../stored/kept-reading.ts'
import { document, type Row } from '../stored/rows.ts'
import type { Database } from './database.ts'

/** Bases of bases that are followed: more than any form has. */
const MAX_BASES = 100

const ADD_FORM =
  'INSERT INTO event_forms (arn, hash, seen_at, doc) VALUES ($arn, $hash, $seenAt, $doc) ON CONFLICT (arn, hash) DO NOTHING'
const FORM_ID = 'SELECT id FROM event_forms WHERE arn = ? AND hash = ?'
const FORM = 'SELECT doc FROM event_forms WHERE id = ?'
const HISTORY = 'SELECT seen_at, doc FROM event_forms WHERE arn = ? ORDER BY seen_at, id LIMIT ?'
const LAST = 'SELECT id, said FROM readings WHERE partition = ? ORDER BY since DESC, id DESC LIMIT 1'
const PROLONG = 'UPDATE readings SET until = max(until, ?) WHERE id = ?'
const ADD = 'INSERT INTO readings (partition, since, until, said, doc) VALUES ($partition, $since, $since, $said, $doc)'
const AT = 'SELECT since, until, doc FROM readings WHERE partition = ? AND since <= ? ORDER BY since DESC, id DESC LIMIT 1'
const BETWEEN =
  'SELECT since, until, doc FROM readings WHERE partition = ? AND until >= ? AND since <= ? ORDER BY since, id LIMIT ?'

type Known = Map<number, HealthEvent | null>

/** What AWS Health said: each event once in each of its forms, and readings as lists of forms. */
export class Readings {
  readonly #db: Database
  /** Of each event of a partition's last reading: its form as it was written. */
  readonly #lastForms = new Map<Partition, ReadonlyMap<string, Base>>()
  readonly #room = new DailyRoom()

  constructor(db: Database) {
    this.#db = db
    db.onRollback(() => this.#lastForms.clear())
  }

  /**
   * A reading that says what the last one said prolongs it. What a day has no room for is left out, and the reading says so: the
   * event that explains an incident is kept with it in any case.
   */
  put(reading: HealthReading): void {
    const before = this.#lastForms.get(reading.partition)
    const written = new Map<string, Base>()
    let left = 0
    for (const event of reading.events) {
      const form = this.#putForm(event, before?.get(event.arn) ?? null, reading.at)
      if (form === null) left += 1
      else written.set(event.arn, form)
    }
    this.#lastForms.set(reading.partition, written)
    const forms = [...written.values()].map(({ id }) => id)
    const said = saidBy(reading, forms, left)
    const last = this.#db.one(LAST, reading.partition)
    if (last !== undefined && last['said'] === said) {
      this.#db.run(PROLONG, reading.at, Number(last['id']))
      return
    }
    const doc = readingDocument(reading, forms, left)
    this.#db.run(ADD, { partition: reading.partition, since: reading.at, said, doc })
  }

  at(partition: Partition, at: Instant): KeptReading | null {
    const row = this.#db.one(AT, partition, at)
    return row === undefined ? null : this.#readingOf(row, new Map())
  }

  between(partition: Partition, from: Instant, to: Instant, limit: number): readonly KeptReading[] {
    const known: Known = new Map()
    return this.#db.all(BETWEEN, partition, from, to, limit).map((row) => this.#readingOf(row, known))
  }

  history(arn: string, limit: number): readonly Readonly<{ seenAt: Instant; event: HealthEvent }>[] {
    const known: Known = new Map()
    return this.#db.all(HISTORY, arn, limit).map((row) => ({
      seenAt: Number(row['seen_at']),
      event: decode(document<StoredForm>(row), (base) => this.#form(base, known)),
    }))
  }

  /** The form of an event as it is on disk from now on; `null` if it is new and there is no room for it. */
  #putForm(event: HealthEvent, base: Base | null, seenAt: Instant): Base | null {
    const { arn } = event
    const whole = JSON.stringify(event)
    const hash = hashOf(whole)
    const id = this.#db.one(FORM_ID, arn, hash)?.['id']
    // How long its chain is nobody remembers: it counts as one that has to be written whole.
    if (id !== undefined) return base?.id === id ? base : { id: Number(id), event, chain: Number.POSITIVE_INFINITY }
    const { stored, chain } = encode(event, base)
    const doc = JSON.stringify(stored)
    if (!this.#room.take(doc.length, seenAt)) return null
    this.#db.run(ADD_FORM, { arn, hash, seenAt, doc })
    return { id: Number(this.#db.one(FORM_ID, arn, hash)?.['id']), event, chain }
  }

  #form(id: number, known: Known, bases = 0): HealthEvent | null {
    const before = known.get(id)
    if (before !== undefined) return before
    const row = bases > MAX_BASES ? undefined : this.#db.one(FORM, id)
    const event = row === undefined ? null : decode(document<StoredForm>(row), (base) => this.#form(base, known, bases + 1))
    known.set(id, event)
    return event
  }

  #readingOf(row: Row, known: Known): KeptReading {
    const { forms, ...rest } = document<Omit<HealthReading, 'events'> & { forms: readonly number[] }>(row)
    const events = forms.flatMap((id) => this.#form(id, known) ?? [])
    return { since: Number(row['since']), until: Number(row['until']), reading: { ...rest, events } }
  }
}

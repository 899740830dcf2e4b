import type { HealthEvent, HealthReading } from '../../domain/outage.ts'
import type { Instant, Partition } from '../../domain/probe.ts'
import type { KeptReading } from '../../ports/store.ts'
import { type Base, decode, encode, type StoredForm } from '../stored/event-form.ts'
import { DailyRoom, hashOf, readingDocument, saidBy } from '../stored/kept-reading.ts'
import { document, type Row } from '../stored/rows.ts'
import type { Transaction } from './database.ts'
import { READ, WRITE } from './statements.ts'

/** Bases of bases that are followed: more than any form has. */
const MAX_BASES = 100

/**
 * Writes what AWS Health said. Events are kept once in each of their forms; a reading that says what the last one said prolongs
 * it. What a day has no room for is left out, and the reading says so: what explains is kept with its incident in any case.
 */
export class ReadingWriter {
  /** Of each event of a partition's last reading: its form as it was written. */
  private readonly lastForms = new Map<Partition, ReadonlyMap<string, Base>>()
  private readonly room = new DailyRoom()

  /** A transaction was rolled back: what it wrote is not there. */
  forget(): void {
    this.lastForms.clear()
  }

  async add(tx: Transaction, reading: HealthReading): Promise<void> {
    const events = reading.events.map((event) => ({ event, hash: hashOf(JSON.stringify(event)) }))
    const before = this.lastForms.get(reading.partition)
    const known = await knownForms(tx, events)
    const written = new Map<string, Base>()
    let left = 0
    for (const { event, hash } of events) {
      const base = before?.get(event.arn) ?? null
      const form =
        formAs(event, base, known.get(`${event.arn} ${hash}`)) ?? (await this.put(tx, { event, hash, seenAt: reading.at }, base))
      if (form === null) left += 1
      else written.set(event.arn, form)
    }
    this.lastForms.set(reading.partition, written)
    const forms = [...written.values()].map(({ id }) => id)
    const said = saidBy(reading, forms, left)
    const [last] = await tx.query(READ.lastReading, [reading.partition])
    if (last !== undefined && last['said'] === said) await tx.change(WRITE.prolongReading, [reading.at, last['id']])
    else await tx.change(WRITE.addReading, [reading.partition, reading.at, said, readingDocument(reading, forms, left)])
  }

  private async put(
    tx: Transaction,
    { event, hash, seenAt }: Readonly<{ event: HealthEvent; hash: string; seenAt: Instant }>,
    base: Base | null,
  ): Promise<Base | null> {
    const { stored, chain } = encode(event, base)
    const doc = JSON.stringify(stored)
    if (!this.room.take(doc.length, seenAt)) return null
    const [row] = await tx.query(WRITE.addEventForm, [event.arn, hash, seenAt, doc])
    return { id: Number(row?.['id']), event, chain }
  }
}

async function knownForms(tx: Transaction, events: readonly Readonly<{ event: HealthEvent; hash: string }>[]) {
  if (events.length === 0) return new Map<string, number>()
  const rows = await tx.query(READ.eventFormIds, [events.map(({ event }) => event.arn), events.map(({ hash }) => hash)])
  return new Map(rows.map((row) => [`${row['arn']} ${row['hash']}`, Number(row['id'])]))
}

/** How long the chain of a form is that an earlier process wrote nobody remembers: it counts as one that has to be written whole. */
function formAs(event: HealthEvent, base: Base | null, id: number | undefined): Base | null {
  if (id === undefined) return null
  return base?.id === id ? base : { id, event, chain: Number.POSITIVE_INFINITY }
}

/** The readings of these rows, with their events. */
export async function readingsOf(tx: Transaction, rows: readonly Row[]): Promise<readonly KeptReading[]> {
  const found = rows.map((row) => ({
    row,
    kept: document<Omit<HealthReading, 'events'> & { forms: readonly number[] }>(row),
  }))
  const events = await eventsOf(
    tx,
    found.flatMap(({ kept }) => kept.forms),
  )
  return found.map(({ row, kept: { forms, ...rest } }) => ({
    since: Number(row['since']),
    until: Number(row['until']),
    reading: { ...rest, events: forms.flatMap((id) => events(id) ?? []) },
  }))
}

/** Every form in which an event was seen. */
export async function historyOf(tx: Transaction, rows: readonly Row[]) {
  const forms = rows.map((row) => ({ seenAt: Number(row['seen_at']), stored: document<StoredForm>(row) }))
  const bases = await eventsOf(
    tx,
    forms.flatMap(({ stored }) => stored.delta?.base ?? []),
  )
  return forms.map(({ seenAt, stored }) => ({ seenAt, event: decode(stored, bases) }))
}

/** Reads these forms and the bases that they are written upon. */
async function eventsOf(tx: Transaction, ids: readonly number[]): Promise<(id: number) => HealthEvent | null> {
  const stored = new Map<number, StoredForm>()
  let asked = [...new Set(ids)]
  for (let round = 0; asked.length > 0 && round <= MAX_BASES; round++) {
    for (const row of await tx.query(READ.eventForms, [asked])) stored.set(Number(row['id']), document<StoredForm>(row))
    const bases = asked.flatMap((id) => stored.get(id)?.delta?.base ?? [])
    asked = [...new Set(bases.filter((id) => !stored.has(id)))]
  }
  const known = new Map<number, HealthEvent | null>()
  const eventOf = (id: number, bases = 0): HealthEvent | null => {
    const before = known.get(id)
    if (before !== undefined) return before
    const form = bases > MAX_BASES ? undefined : stored.get(id)
    const event = form === undefined ? null : decode(form, (base) => eventOf(base, bases + 1))
    known.set(id, event)
    return event
  }
  return eventOf
}

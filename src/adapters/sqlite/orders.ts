import type { Moment } from '../../domain/moment.ts'
import type { Instant } from '../../domain/probe.ts'
import type { Ack, Silence } from '../../domain/silence.ts'
import type { Redate } from '../../ports/store.ts'
import { silenceOf } from '../stored/rows.ts'
import type { Database } from './database.ts'

const ADD_SILENCE = `INSERT INTO silences (id, until, ended_at, at, doc) VALUES ($id, $until, $endedAt, $at, $doc)
  ON CONFLICT (id) DO NOTHING`
const END_SILENCE = 'UPDATE silences SET ended_at = $at WHERE id = $id AND ended_at IS NULL AND until > $at'
const SILENCES = 'SELECT ended_at, doc FROM silences WHERE min(until, coalesce(ended_at, until)) >= ? ORDER BY at, id'
const REDATE_SILENCE = `UPDATE silences SET at = at + $by, until = until + $by, ended_at = ended_at + $by,
  doc = json_set(doc, '$.at', at + $by, '$.from', doc ->> '$.from' + $by, '$.until', until + $by) WHERE id = $id`
const REDATE_ACK = 'UPDATE acks SET at = at + $by WHERE incident = $incident'
const ADD_ACK = `INSERT INTO acks (incident, at, moment, reason) VALUES ($incident, $at, $moment, $reason)
  ON CONFLICT (incident) DO UPDATE SET at = excluded.at, moment = excluded.moment, reason = excluded.reason`
const ACKS = `SELECT a.incident, a.at, a.moment, a.reason FROM acks a JOIN incidents i ON i.id = a.incident
  WHERE i.state <> 'closed' ORDER BY a.at`

/** What people have ordered: silences and acknowledgements. */
export class Orders {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  addSilence(silence: Silence): void {
    const { id, until, endedAt, at } = silence
    this.#db.run(ADD_SILENCE, { id, until, endedAt, at, doc: JSON.stringify(silence) })
  }

  endSilence(id: string, at: Instant): boolean {
    return this.#db.run(END_SILENCE, { id, at }) > 0
  }

  silences(endedSince: Instant): readonly Silence[] {
    return this.#db.all(SILENCES, endedSince).map(silenceOf)
  }

  addAck({ incident, at, moment = null, reason }: Ack): void {
    this.#db.run(ADD_ACK, { incident, at, moment: moment === null ? null : JSON.stringify(moment), reason })
  }

  acks(): readonly Ack[] {
    return this.#db.all(ACKS).map((row) => ({
      incident: String(row['incident']),
      at: Number(row['at']),
      ...(row['moment'] === null ? {} : { moment: JSON.parse(String(row['moment'])) as Moment }),
      reason: row['reason'] === null ? null : String(row['reason']),
    }))
  }

  /** Shifts instead of sets: a command may have taken a silence back since it was read. */
  redate({ silences, acks }: Pick<Redate, 'silences' | 'acks'>): void {
    for (const [id, by] of silences) this.#db.run(REDATE_SILENCE, { id, by })
    for (const [incident, by] of acks) this.#db.run(REDATE_ACK, { incident, by })
  }
}

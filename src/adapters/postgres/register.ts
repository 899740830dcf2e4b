import { randomUUID } from 'node:crypto'
import { type Candidate, type Rival, rivalOf } from '../../domain/dealing.ts'
import type { Leader, Machine, Members } from '../../ports/fleet.ts'
import type { Log } from '../../ports/log.ts'
import { document, type Row } from '../stored/rows.ts'
import { proofOf } from './bell-wire.ts'
import type { Database, Transaction } from './database.ts'
import type { DatabaseClock } from './database-clock.ts'
import { LEASE_MS, Lease } from './lease.ts'
import { READ } from './statements.ts'

/** A machine that was not heard of for this long is forgotten. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000
/** Key of `meta`: who leads. */
export const LEADER = 'leader'
/** Rung when a machine comes, goes, or can do more or less than before. */
export const MACHINES = 'machines'

export type Self = Pick<Machine, 'name' | 'host' | 'version'> & Readonly<{ config: () => string }>

/** What a process says of itself. */
type Said = Pick<Machine, 'host' | 'version' | 'config' | 'startedAt' | 'skewMs'> &
  Readonly<{ instance: string; serves?: boolean; reaches?: boolean | null }>

/** A process that was heard of, this long ago. */
export type Presence = Candidate & Readonly<{ instance: string; ageMs: number; serves: boolean }>
export type Presences = ReadonlyMap<string, Presence>

/** Who leads, in which term. */
type StoredLeader = Leader & Readonly<{ instance: string; term: string }>

type Deps = Readonly<{ database: Database; clock: DatabaseClock; log: Log; self: Self }>

/** The machines that share the database, as each last said of itself; and this one among them. */
export class Register {
  /** One process, and no other of the same name. */
  readonly instance: string = randomUUID()
  /** What this machine holds, it holds for as long as the others hear of it. */
  readonly lease: Lease
  /** Whether this process makes runs that the leader asks for. */
  serves = false
  /** Whether this machine reaches AWS; `null`: nobody knows yet. */
  reaches: boolean | null = null
  /** Gives up everything that was under way. */
  lapsed: () => void = () => {}
  /** How many callers this process holds. */
  held = 0
  /** What was refused because it came too late. */
  refused = 0
  readonly self: Self
  private readonly deps: Deps
  private startedAt: number | null = null
  /** What the others were last told of what this machine can do. */
  private told = ''

  constructor(deps: Deps) {
    this.deps = deps
    this.self = deps.self
    this.lease = new Lease(deps.clock)
  }

  /** Says that this machine is there, and looks at the database's clock. @throws {StoreError} */
  async beat(): Promise<void> {
    const { database, clock, log, self } = this.deps
    this.startedAt ??= await database.read((tx) => clock.look(tx))
    const told = this.lease.reading()
    const row = await this.register(this.startedAt)
    // What was held before may be another machine's by now, also if this one is heard of again.
    if (!this.lease.isLive()) this.lapsed()
    this.lease.renew(told)
    clock.set(Number(row?.['now']), told.monotonic, clock.monotonic())
    const held = Number(row?.['held'])
    if (this.held !== held) log.info('this machine makes the calls of callers', { machine: self.name, callers: held })
    this.held = held
    const other = row === undefined ? null : this.impostorIn(row)
    if (other !== null)
      log.warn('another process says that it is this machine', {
        machine: self.name,
        host: other,
        next: 'give each machine a machine.name of its own',
      })
  }

  /** In one statement: with each beat of each machine there is a way to the database and back. */
  private async register(startedAt: number): Promise<Row | undefined> {
    const { database, clock, self } = this.deps
    const { name, host, version, config } = self
    const { instance, serves, reaches } = this
    const can = { version, config: config(), serves, reaches }
    const said: Said = { host, startedAt, skewMs: clock.skewMs, instance, ...can }
    const isNews = JSON.stringify(can) !== this.told
    const { schema } = database
    const { rows } = await database.execute(
      `WITH clock AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now),
        was AS (SELECT seen_at, doc FROM "${schema}".machines WHERE name = $1),
        said AS (INSERT INTO "${schema}".machines (name, seen_at, doc) SELECT $1, now, $2 FROM clock
          ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, doc = excluded.doc),
        forgotten AS (DELETE FROM "${schema}".machines m USING clock WHERE m.seen_at < clock.now - $3::bigint AND m.name <> $1)
      SELECT now, seen_at, doc, (SELECT count(*) FROM "${schema}".callers WHERE instance = $4) AS held,
        pg_notify($5, $6), CASE WHEN $7 THEN pg_notify($5, $8) END
      FROM clock LEFT JOIN was ON true`,
      [name, JSON.stringify(said), FORGOTTEN_AFTER_MS, instance, schema, proofOf(instance), isNews, MACHINES],
    )
    this.told = JSON.stringify(can)
    return rows[0]
  }

  /** @returns the host of another process that goes by the name of this machine */
  private impostorIn(row: Row): string | null {
    if (row['seen_at'] === null || Number(row['now']) - Number(row['seen_at']) > LEASE_MS) return null
    const before = document<Said>(row)
    return before.instance === this.instance ? null : before.host
  }

  /** Everybody who was heard of lately. @throws {StoreError} */
  async members(): Promise<Members> {
    const { database, clock, self } = this.deps
    return database.read(async (tx) => {
      const rows = await tx.query(
        `SELECT name, seen_at, doc, (SELECT count(*) FROM callers c WHERE c.instance = m.doc::json ->> 'instance') AS callers
         FROM machines m WHERE seen_at > $1 ORDER BY name`,
        [clock.now() - LEASE_MS],
      )
      const machines = rows.map((row): Machine => {
        const { host, version, config, startedAt, skewMs, reaches = null } = document<Said>(row)
        const [name, seenAt, callers] = [String(row['name']), Number(row['seen_at']), Number(row['callers'])]
        return { name, host, version, config, startedAt, skewMs, seenAt, callers, reaches }
      })
      const leader = await leaderIn(tx)
      const isThere = machines.some(({ name }) => name === leader?.name)
      return {
        me: self.name,
        refused: this.refused,
        machines,
        leader: leader === null || !isThere ? null : { name: leader.name, since: leader.since, takeovers: leader.takeovers },
      }
    })
  }

  /** Who of those that are there should rather lead than this machine. */
  rivalIn(presences: Presences): Rival | null {
    const { name, version, config } = this.self
    const others = [...presences.values()].filter(
      ({ instance, ageMs, serves }) => instance !== this.instance && ageMs <= LEASE_MS && serves,
    )
    return rivalOf({ name, version, config: config(), reaches: this.reaches }, others)
  }

  /** Says that this machine is not there any more: what it held is free. @throws {StoreError} */
  async leave(): Promise<void> {
    const { database, clock, self } = this.deps
    await database.write(async (tx) => {
      await tx.change("UPDATE machines SET seen_at = $1 WHERE name = $2 AND doc::json ->> 'instance' = $3", [
        ...[clock.now() - LEASE_MS - 1, self.name, this.instance],
      ])
      await tx.query('SELECT pg_notify($1, $2)', [database.schema, MACHINES])
    })
  }
}

/** Every process that was heard of in the last day, by its instance. @throws {StoreError} */
export async function presencesOf(database: Database): Promise<Presences> {
  const { rows } = await database.execute(
    `SELECT name, (extract(epoch FROM clock_timestamp()) * 1000)::bigint - seen_at AS age, doc
     FROM "${database.schema}".machines ORDER BY name`,
  )
  return new Map(
    rows.map((row) => {
      const { instance, version, config, serves = false, reaches = null } = document<Said>(row)
      return [instance, { name: String(row['name']), ageMs: Number(row['age']), instance, version, config, serves, reaches }]
    }),
  )
}

/** Who led last. */
export async function leaderIn(tx: Transaction): Promise<StoredLeader | null> {
  const [row] = await tx.query(READ.meta, [LEADER])
  return row === undefined ? null : document(row)
}

import { randomUUID } from 'node:crypto'
import { type Candidate, type Rival, rivalOf } from '../../domain/dealing.ts'
import type { Leader, Machine, Members } from '../../ports/fleet.ts'
import type { Log } from '../../ports/log.ts'
import { document } from '../stored/rows.ts'
import type { Database, Transaction } from './database.ts'
import type { DatabaseClock } from './database-clock.ts'
import { LEASE_MS, Lease } from './lease.ts'
import { READ } from './statements.ts'

/** A machine that was not heard of for this long is forgotten. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000
/** Key of `meta`: who leads. */
export const LEADER = 'leader'

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
  readonly instance = randomUUID()
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

  constructor(deps: Deps) {
    this.deps = deps
    this.self = deps.self
    this.lease = new Lease(deps.clock)
  }

  /** Says that this machine is there, and looks at the database's clock. @throws {StoreError} */
  async beat(): Promise<void> {
    const { database, log, self } = this.deps
    const told = this.lease.reading()
    const [other, held] = await database.write(async (tx) => [await this.register(tx), await this.heldIn(tx)] as const)
    // What was held before may be another machine's by now, also if this one is heard of again.
    if (!this.lease.isLive()) this.lapsed()
    this.lease.renew(told)
    if (this.held !== held) log.info('this machine makes the calls of callers', { machine: self.name, callers: held })
    this.held = held
    if (other !== null)
      log.warn('another process says that it is this machine', {
        machine: self.name,
        host: other,
        next: 'give each machine a machine.name of its own',
      })
  }

  /** @returns the host of another process that goes by the name of this machine */
  private async register(tx: Transaction): Promise<string | null> {
    const { clock, self } = this.deps
    const { name, host, version, config } = self
    const now = await clock.look(tx)
    this.startedAt ??= now
    const [was] = await tx.query('SELECT seen_at, doc FROM machines WHERE name = $1', [name])
    const { startedAt, instance, serves, reaches } = this
    const said: Said = { host, version, config: config(), startedAt, skewMs: clock.skewMs, instance, serves, reaches }
    await tx.change(
      'INSERT INTO machines (name, seen_at, doc) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, doc = excluded.doc',
      [name, now, JSON.stringify(said)],
    )
    await tx.change('DELETE FROM machines WHERE seen_at < $1', [now - FORGOTTEN_AFTER_MS])
    if (was === undefined || now - Number(was['seen_at']) > LEASE_MS) return null
    const before = document<Said>(was)
    return before.instance === instance ? null : before.host
  }

  private async heldIn(tx: Transaction): Promise<number> {
    const [row] = await tx.query('SELECT count(*) AS held FROM callers WHERE instance = $1', [this.instance])
    return Number(row?.['held'])
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
    await database.write((tx) =>
      tx.change("UPDATE machines SET seen_at = $1 WHERE name = $2 AND doc::json ->> 'instance' = $3", [
        ...[clock.now() - LEASE_MS - 1, self.name, this.instance],
      ]),
    )
  }
}

/** Every process that was heard of in the last day, by its instance. */
export async function presencesIn(tx: Transaction): Promise<Presences> {
  const rows = await tx.query(
    'SELECT name, (extract(epoch FROM clock_timestamp()) * 1000)::bigint - seen_at AS age, doc FROM machines ORDER BY name',
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

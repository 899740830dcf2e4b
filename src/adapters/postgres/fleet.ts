import { randomUUID } from 'node:crypto'
import { inWords } from '../../domain/duration.ts'
import { messageOfThrown } from '../../domain/thrown.ts'
import type { Claim, Fleet, Leader, Machine, Members } from '../../ports/fleet.ts'
import type { Log } from '../../ports/log.ts'
import { type Reader, type Store, StoreError } from '../../ports/store.ts'
import type { Clock } from '../../ports/time.ts'
import { document } from '../stored/rows.ts'
import { type Database, type DatabaseOptions, openDatabase, type Transaction } from './database.ts'
import { DatabaseClock } from './database-clock.ts'
import { type Attempt, HEARTBEAT_SECONDS, Jobs } from './jobs.ts'
import { migrate } from './migrations.ts'
import { READ, WRITE } from './statements.ts'
import { type Observe, storeOn } from './store.ts'

export type FleetOptions = DatabaseOptions &
  Readonly<{
    machine: Pick<Machine, 'name' | 'host' | 'version'> & Readonly<{ config: () => string }>
    /** The machine's own clock. */
    clock: Clock
    log: Log
    observe?: Observe
  }>

/** How often a machine says that it is there, and looks at the database's clock. */
const BEAT_MS = 5_000
/** A machine that was not heard of for this long is not there. */
const SEEN_WITHIN_MS = 15_000
/** A machine that was not heard of for this long is forgotten. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000
/** How often one that does not lead looks whether it could. */
const LOOK_MS = 1_000
/** How often the leader says that it lives. */
const TOUCH_MS = 3_000
/** The leader stops to send so long before somebody else could have taken the lead. */
const MARGIN_MS = 500
/** A claim is given up and taken anew before pg-boss takes it away, which is after a day. */
const RENEW_AFTER_MS = 12 * 3_600_000
const SWEEP_MS = 60_000
/** The same trouble is logged this often. */
const REPEAT_MS = 5 * 60_000
/** Key of `meta`: who leads. */
const LEADER = 'leader'

/** The machines that share a schema of PostgreSQL. Reading needs no claim. */
export type PostgresFleet = Fleet & Readonly<{ reader: Reader }>

/** Connects, brings the schema up to date and joins those who are there. @throws {StoreError} */
export async function openFleet(options: FleetOptions): Promise<PostgresFleet> {
  const database = await openDatabase(options)
  try {
    await database.write((tx) => migrate(tx, database.place, database.schema))
    const trouble = new Trouble(options)
    const jobs = await Jobs.open(database, (cause) => trouble.say('the job queue has a problem', cause))
    const fleet = new Membership(database, jobs, trouble, options)
    await fleet.beat()
    return fleet
  } catch (cause) {
    await database.close()
    throw cause
  }
}

/** Logs what passes by itself, now and then. */
class Trouble {
  private readonly options: Pick<FleetOptions, 'clock' | 'log'>
  private readonly saidAt = new Map<string, number>()

  constructor(options: Pick<FleetOptions, 'clock' | 'log'>) {
    this.options = options
  }

  say(what: string, cause: unknown): void {
    const now = this.options.clock.monotonic()
    if (now - (this.saidAt.get(what) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
    this.saidAt.set(what, now)
    this.options.log.warn(what, { why: messageOfThrown(cause), next: 'tried again within seconds' })
  }
}

class Membership implements PostgresFleet {
  readonly clock: DatabaseClock
  readonly reader: Store
  private readonly database: Database
  private readonly jobs: Jobs
  private readonly trouble: Trouble
  private readonly options: FleetOptions
  /** One process, and no other of the same name. */
  private readonly instance = randomUUID()
  private readonly timer: ReturnType<typeof setInterval>
  private startedAt: number | null = null

  constructor(database: Database, jobs: Jobs, trouble: Trouble, options: FleetOptions) {
    this.database = database
    this.jobs = jobs
    this.trouble = trouble
    this.options = options
    this.clock = new DatabaseClock(options.clock)
    this.reader = storeOn(database, { keepOpen: true, ...(options.observe && { observe: options.observe }) })
    this.timer = setInterval(
      () => void this.beat().catch((cause) => trouble.say('the database could not be told that this machine is there', cause)),
      BEAT_MS,
    )
  }

  /** Says that this machine is there, and looks at the database's clock. */
  async beat(): Promise<void> {
    const { machine, log } = this.options
    const other = await this.database.write(async (tx) => {
      const now = await this.clock.look(tx)
      this.startedAt ??= now
      const [was] = await tx.query('SELECT seen_at, doc FROM machines WHERE name = $1', [machine.name])
      const { host, version, config } = machine
      const doc = {
        host,
        version,
        config: config(),
        startedAt: this.startedAt,
        skewMs: this.clock.skewMs,
        instance: this.instance,
      }
      await tx.change(
        'INSERT INTO machines (name, seen_at, doc) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, doc = excluded.doc',
        [machine.name, now, JSON.stringify(doc)],
      )
      await tx.change('DELETE FROM machines WHERE seen_at < $1', [now - FORGOTTEN_AFTER_MS])
      if (was === undefined || now - Number(was['seen_at']) > SEEN_WITHIN_MS) return null
      const { instance, host: at } = document<{ instance: string; host: string }>(was)
      return instance === this.instance ? null : at
    })
    if (other !== null)
      log.warn('another process says that it is this machine', {
        machine: machine.name,
        host: other,
        next: 'give each machine a machine.name of its own',
      })
  }

  async members(): Promise<Members> {
    return this.database.read(async (tx) => {
      const rows = await tx.query('SELECT name, seen_at, doc FROM machines WHERE seen_at > $1 ORDER BY name', [
        this.clock.now() - SEEN_WITHIN_MS,
      ])
      const machines = rows.map((row): Machine => {
        const { host, version, config, startedAt, skewMs } = document<Omit<Machine, 'name' | 'seenAt'>>(row)
        return { name: String(row['name']), host, version, config, startedAt, skewMs, seenAt: Number(row['seen_at']) }
      })
      const leader = await leaderIn(tx)
      const isThere = machines.some(({ name }) => name === leader?.name)
      return {
        me: this.options.machine.name,
        machines,
        leader: leader === null || !isThere ? null : { name: leader.name, since: leader.since, takeovers: leader.takeovers },
      }
    })
  }

  async lead(signal: AbortSignal): Promise<Claim | null> {
    const { clock } = this.options
    while (!signal.aborted) {
      try {
        const before = clock.monotonic()
        const attempt = await this.jobs.take('lead')
        if (attempt !== null) return await this.claim(attempt, before)
        await this.jobs.releaseDead('lead')
      } catch (cause) {
        if (cause instanceof StoreError && cause.fatal) throw cause
        this.trouble.say('who leads cannot be told', cause)
      }
      await clock.sleep(LOOK_MS, signal)
    }
    return null
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    const { name } = this.options.machine
    await this.database.write((tx) => tx.change('DELETE FROM machines WHERE name = $1', [name])).catch(() => {}) // It is forgotten soon.
    await this.jobs.close().catch(() => {})
    await this.database.close()
  }

  private async claim(attempt: Attempt, before: number): Promise<Claim> {
    const { clock, log, machine, observe } = this.options
    const { jobs, trouble } = this
    const lost = new AbortController()
    let liveUntil = before + HEARTBEAT_SECONDS * 1000 - MARGIN_MS
    const give = (why: string) => {
      if (lost.signal.aborted) return
      log.warn('the lead is given up', { why, next: 'whoever leads next loads the state before it decides' })
      lost.abort(why)
    }
    const fence = async (tx: Transaction) => {
      if (await jobs.touch('lead', attempt, tx)) return
      throw new StoreError(`another machine leads by now: what ${machine.name} decides is not stored`, {
        fatal: false,
        uncertain: true,
      })
    }
    const store = storeOn(this.database, {
      fence,
      keepOpen: true,
      stale: ({ message }) => give(message),
      ...(observe && { observe }),
    })
    const since = this.clock.now()
    await this.database.write(async (tx) => {
      await fence(tx)
      const before = await leaderIn(tx)
      const isSame = before === null || before.instance === this.instance
      const takeovers = (before?.takeovers ?? 0) + (isSame ? 0 : 1)
      await tx.change(WRITE.putMeta, [LEADER, JSON.stringify({ name: machine.name, since, takeovers, instance: this.instance })])
    })
    const touch = async () => {
      const began = clock.monotonic()
      if (began - before > RENEW_AFTER_MS) return give('it has been held for long enough: it is taken anew')
      if (await jobs.touch('lead', attempt)) liveUntil = began + HEARTBEAT_SECONDS * 1000 - MARGIN_MS
      else give('another machine has taken it')
    }
    const every = (ms: number, work: () => Promise<void>, failed: string) =>
      setInterval(() => void work().catch((cause) => trouble.say(failed, cause)), ms)
    const timers = [
      every(TOUCH_MS, touch, 'the database could not be told that the leader lives'),
      every(SWEEP_MS, () => jobs.sweep(), 'jobs that are done could not be removed'),
    ]
    lost.signal.addEventListener('abort', () => timers.forEach(clearInterval), { once: true })
    log.info('this machine leads', { machine: machine.name, after: inWords(clock.monotonic() - before) })
    return {
      store,
      lost: lost.signal,
      isLive: () => !lost.signal.aborted && clock.monotonic() < liveUntil,
      async release() {
        timers.forEach(clearInterval)
        await jobs.handOn('lead', attempt).catch((cause) => trouble.say('the lead could not be handed on', cause))
      },
    }
  }
}

async function leaderIn(tx: Transaction): Promise<(Leader & Readonly<{ instance: string }>) | null> {
  const [row] = await tx.query(READ.meta, [LEADER])
  return row === undefined ? null : document(row)
}

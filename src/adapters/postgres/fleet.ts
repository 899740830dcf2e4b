import { randomUUID } from 'node:crypto'
import { inWords } from '../../domain/duration.ts'
import type { Claim, Fleet, Make, Members } from '../../ports/fleet.ts'
import type { Log } from '../../ports/log.ts'
import { type Reader, type Store, StoreError } from '../../ports/store.ts'
import type { Clock } from '../../ports/time.ts'
import { type Database, type DatabaseOptions, openDatabase, type Transaction } from './database.ts'
import { DatabaseClock } from './database-clock.ts'
import { CallDealer, type DealerDeps } from './dealer.ts'
import { Hand } from './hand.ts'
import { type Attempt, Jobs } from './jobs.ts'
import { Lease } from './lease.ts'
import { migrate } from './migrations.ts'
import { LEADER, leaderIn, presencesIn, Register, type Self } from './register.ts'
import { WRITE } from './statements.ts'
import { type Observe, storeOn } from './store.ts'
import { Tasks } from './tasks.ts'
import { Trouble } from './trouble.ts'

export type FleetOptions = DatabaseOptions &
  Readonly<{
    machine: Self
    /** The machine's own clock. */
    clock: Clock
    log: Log
    observe?: Observe
  }>

/** How often a machine says that it is there, and looks at the database's clock. */
const BEAT_MS = 3_000
/** How often one that does not lead looks whether it could. */
const LOOK_MS = 1_000
/** It looks again no sooner than this, however soon the lead may be free. */
const BETWEEN_LOOKS_MS = 100
/** How often the leader says that it lives. */
const TOUCH_MS = 3_000
/** A claim is given up and taken again before pg-boss takes it away, which is after a day. */
const RENEW_AFTER_MS = 12 * 3_600_000
const SWEEP_MS = 60_000
/** So long a machine leaves the lead to another one that should rather have it. */
const HOLD_BACK_MS = 5_000

/** Since when nobody has led, on the monotonic clock. */
type Vacancy = { since: number | null }

/** The machines that share a schema of PostgreSQL. Reading needs no claim. */
export type PostgresFleet = Fleet &
  Readonly<{
    reader: Reader
    /** Writes what operators order, for the leader to find. */
    beside: Store
  }>

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

class Membership implements PostgresFleet {
  readonly clock: DatabaseClock
  readonly reader: Store
  readonly beside: Store
  private readonly database: Database
  private readonly jobs: Jobs
  private readonly tasks: Tasks
  private readonly register: Register
  private readonly trouble: Trouble
  private readonly options: FleetOptions
  private readonly timer: ReturnType<typeof setInterval>

  constructor(database: Database, jobs: Jobs, trouble: Trouble, options: FleetOptions) {
    const { clock, log, machine, observe } = options
    this.database = database
    this.jobs = jobs
    this.trouble = trouble
    this.options = options
    this.clock = new DatabaseClock(clock)
    this.tasks = new Tasks(database)
    this.register = new Register({ database, clock: this.clock, log, self: machine })
    this.reader = storeOn(database, { keepOpen: true, ...(observe && { observe }) })
    this.beside = storeOn(database, { keepOpen: true, beside: true, ...(observe && { observe }) })
    this.timer = setInterval(
      () => void this.beat().catch((cause) => trouble.say('the database could not be told that this machine is there', cause)),
      BEAT_MS,
    )
  }

  beat(): Promise<void> {
    return this.register.beat()
  }

  members(): Promise<Members> {
    return this.register.members()
  }

  serve(make: Make): AsyncDisposable {
    const { tasks, register, clock, trouble } = this
    return new Hand({ tasks, register, clock, trouble, make })
  }

  reaches(reaches: boolean): void {
    this.register.reaches = reaches
    void this.beat().catch((cause) => this.trouble.say('the others could not be told whether this machine reaches AWS', cause))
  }

  mayServe(): boolean {
    return this.register.lease.isLive()
  }

  async lead(signal: AbortSignal): Promise<Claim | null> {
    const { clock } = this.options
    const vacancy: Vacancy = { since: null }
    while (!signal.aborted) {
      try {
        if (await this.holdsBack(vacancy)) {
          await clock.sleep(LOOK_MS, signal)
          continue
        }
        const lease = new Lease(clock)
        const before = lease.reading()
        const attempt = await this.jobs.take('lead')
        lease.renew(before)
        if (attempt !== null) return await this.claim(attempt, lease)
        const freeInMs = await this.jobs.releaseDead('lead')
        await clock.sleep(Math.min(LOOK_MS, Math.ceil(freeInMs) + BETWEEN_LOOKS_MS), signal)
        continue
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
    await this.register.leave().catch(() => {}) // It is not heard of any more soon.
    await this.jobs.close().catch(() => {})
    await this.database.close()
  }

  /** Whether another machine should rather lead. A lead that nobody takes is taken by any machine. */
  private async holdsBack(vacancy: Vacancy): Promise<boolean> {
    const { database, register, jobs, clock } = this
    const rival = register.rivalIn(await database.read(presencesIn))
    if (rival === null || (await jobs.isHeld('lead'))) {
      vacancy.since = null
      return false
    }
    vacancy.since ??= clock.monotonic()
    return clock.monotonic() - vacancy.since < HOLD_BACK_MS
  }

  private async claim(attempt: Attempt, lease: Lease): Promise<Claim> {
    const { clock, database, jobs, trouble } = this
    const { log, machine, observe } = this.options
    const since = clock.monotonic()
    const lost = new AbortController()
    const give = (why: string) => {
      if (lost.signal.aborted) return
      log.warn('the lead is given up', { why, next: 'whoever leads next loads the state before it decides' })
      lost.abort(why)
    }
    const fence = async (tx: Transaction) => {
      if (await jobs.touch('lead', attempt, tx)) return
      this.register.refused += 1
      throw new StoreError(`another machine leads by now: what ${machine.name} decides is not stored`, {
        fatal: false,
        uncertain: true,
      })
    }
    const store = storeOn(database, {
      fence,
      keepOpen: true,
      stale: ({ message }) => give(message),
      ...(observe && { observe }),
    })
    const term = randomUUID()
    await this.begin(term, fence)
    const touch = async () => {
      const told = lease.reading()
      if (told.monotonic - since > RENEW_AFTER_MS) return give('it has been held for long enough: it is taken anew')
      if (await jobs.touch('lead', attempt)) lease.renew(told)
      else give('another machine has taken it')
    }
    const every = (ms: number, work: () => Promise<void>, failed: string) =>
      setInterval(() => void work().catch((cause) => trouble.say(failed, cause)), ms)
    const timers = [
      every(TOUCH_MS, touch, 'the database could not be told that the leader lives'),
      every(SWEEP_MS, () => jobs.sweep(), 'jobs that are done could not be removed'),
    ]
    const over = new AbortController()
    const end = () => {
      timers.forEach(clearInterval)
      over.abort('the term is over')
    }
    lost.signal.addEventListener('abort', end, { once: true })
    const isLive = () => !lost.signal.aborted && lease.isLive()
    log.info('this machine leads', { machine: machine.name, after: inWords(clock.monotonic() - since) })
    return {
      store,
      lost: lost.signal,
      isLive,
      dealer: this.dealer({ fence, term, isLive, giveWay: give, over: over.signal }),
      async release() {
        end()
        await jobs.handOn('lead', attempt).catch((cause) => trouble.say('the lead could not be handed on', cause))
      },
    }
  }

  /** Writes down that this machine leads. @throws {StoreError} */
  private async begin(term: string, fence: (tx: Transaction) => Promise<void>): Promise<void> {
    const { instance } = this.register
    const { name } = this.options.machine
    await this.database.write(async (tx) => {
      await fence(tx)
      const before = await leaderIn(tx)
      const isSame = before === null || before.instance === instance
      const takeovers = (before?.takeovers ?? 0) + (isSame ? 0 : 1)
      await tx.change(WRITE.putMeta, [LEADER, JSON.stringify({ name, since: this.clock.now(), takeovers, instance, term })])
    })
  }

  private dealer(term: Pick<DealerDeps, 'fence' | 'term' | 'isLive' | 'giveWay' | 'over'>): CallDealer {
    const { database, tasks, register, clock, trouble } = this
    return new CallDealer({ database, tasks, register, clock, log: this.options.log, trouble, ...term })
  }
}

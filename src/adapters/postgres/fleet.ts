import { randomUUID } from 'node:crypto'
import { inWords } from '../../domain/duration.ts'
import type { Claim, Fleet, Make, Members } from '../../ports/fleet.ts'
import type { Log } from '../../ports/log.ts'
import { type Reader, type Store, StoreError } from '../../ports/store.ts'
import type { Clock } from '../../ports/time.ts'
import { Bell, type Pauses } from './bell.ts'
import { BellWire } from './bell-wire.ts'
import { Callers } from './callers.ts'
import { type Database, type DatabaseOptions, openDatabase, type Transaction } from './database.ts'
import { DatabaseClock } from './database-clock.ts'
import { CallDealer, type DealerDeps } from './dealer.ts'
import { Hand } from './hand.ts'
import { type Attempt, Jobs } from './jobs.ts'
import { Lease } from './lease.ts'
import { migrate } from './migrations.ts'
import { LEADER, leaderIn, presencesOf, Register, type Self } from './register.ts'
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
/** How often one that does not lead looks whether it could; at once where it is told that the lead is free. */
const LOOK: Pauses = { heardMs: 2_000, unheardMs: 1_000 }
/** While nobody leads. */
const LOOK_SOON: Pauses = { heardMs: 1_000, unheardMs: 1_000 }
/** It looks again no sooner than this, however soon the lead may be free. */
const BETWEEN_LOOKS_MS = 100
/** How often the leader says that it lives. */
const TOUCH_MS = 3_000
/** A claim is given up and taken again before pg-boss takes it away, which is after a day. */
const RENEW_AFTER_MS = 12 * 3_600_000
const SWEEP_MS = 60_000
/** So long a machine leaves the lead to another one that should rather have it. */
const HOLD_BACK_MS = 5_000

/** Since when nobody has led, on the monotonic clock; and in how many milliseconds the leader may be taken for dead. */
type Vacancy = { since: number | null; freeInMs: number }

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
  private readonly bell: Bell
  private readonly wire: BellWire
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
    this.bell = new Bell(this.clock)
    const { url, schema } = options
    this.wire = new BellWire({ url, schema, bell: this.bell, clock: this.clock, instance: this.register.instance })
    this.timer = setInterval(
      () => void this.beat().catch((cause) => trouble.say('the database could not be told that this machine is there', cause)),
      BEAT_MS,
    )
  }

  async beat(): Promise<void> {
    const heard = this.wire
      .keep()
      .catch((cause) => this.trouble.say('the other machines cannot wake this one: it looks more often instead', cause))
    await this.register.beat()
    await heard
  }

  members(): Promise<Members> {
    return this.register.members()
  }

  serve(make: Make): AsyncDisposable {
    const { tasks, register, bell, clock, trouble } = this
    return new Hand({ tasks, register, bell, clock, trouble, make })
  }

  reaches(reaches: boolean): void {
    this.register.reaches = reaches
    void this.beat().catch((cause) => this.trouble.say('the others could not be told whether this machine reaches AWS', cause))
  }

  mayServe(): boolean {
    return this.register.lease.isLive()
  }

  async lead(signal: AbortSignal): Promise<Claim | null> {
    const vacancy: Vacancy = { since: null, freeInMs: 0 }
    const waiting = new AbortController()
    const handedOn = this.bell.attend('lead', waiting.signal)
    try {
      while (!signal.aborted) {
        try {
          const claim = await this.claimIfFree(vacancy)
          if (claim !== null) return claim
        } catch (cause) {
          if (cause instanceof StoreError && cause.fatal) throw cause
          this.trouble.say('who leads cannot be told', cause)
        }
        await handedOn.wait(pausesUntil(vacancy), signal)
      }
      return null
    } finally {
      waiting.abort('no longer')
    }
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    this.wire.close()
    await this.register.leave().catch(() => {}) // It is not heard of any more soon.
    await this.jobs.close().catch(() => {})
    await this.database.close()
  }

  /** Takes the lead where nobody has it, unless another machine should rather have it. @throws {StoreError} */
  private async claimIfFree(vacancy: Vacancy): Promise<Claim | null> {
    const { jobs, options } = this
    // Nobody knows, as long as the database does not say.
    vacancy.freeInMs = Number.POSITIVE_INFINITY
    const { standing, freeInMs } = await jobs.standing('lead')
    vacancy.freeInMs = freeInMs
    if (standing === 'held') {
      vacancy.since = null
      return null
    }
    if (standing === 'missing') await jobs.ensure('lead')
    if (standing === 'dead') await jobs.releaseDead('lead')
    if (await this.holdsBack(vacancy)) return null
    const lease = new Lease(options.clock)
    const before = lease.reading()
    const attempt = await jobs.take('lead')
    lease.renew(before)
    return attempt === null ? null : this.claim(attempt, lease)
  }

  /** Whether another machine should rather lead. A lead that nobody takes is taken by any machine. */
  private async holdsBack(vacancy: Vacancy): Promise<boolean> {
    const { database, register, clock } = this
    vacancy.since ??= clock.monotonic()
    return register.rivalIn(await presencesOf(database)) !== null && clock.monotonic() - vacancy.since < HOLD_BACK_MS
  }

  private async claim(attempt: Attempt, lease: Lease): Promise<Claim> {
    const { clock, database, jobs, bell, trouble } = this
    const { log, machine, observe } = this.options
    const since = clock.monotonic()
    const [lost, resigned] = [new AbortController(), new AbortController()]
    const next = 'whoever leads next loads the state before it decides'
    const give = (why: string) => {
      if (lost.signal.aborted) return
      log.warn('the lead is given up', { why, next })
      lost.abort(why)
    }
    const resign = (why: string) => {
      if (lost.signal.aborted || resigned.signal.aborted) return
      log.info('the lead is handed on', { why, next })
      resigned.abort(why)
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
      bell,
      stale: ({ message }) => give(message),
      ...(observe && { observe }),
    })
    const term = randomUUID()
    await this.begin(term, fence)
    const touch = async () => {
      const told = lease.reading()
      if (told.monotonic - since > RENEW_AFTER_MS) return resign('it has been held for long enough: it is taken anew')
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
      resigned: resigned.signal,
      isLive,
      dealer: this.dealer({ fence, term, isLive, giveWay: resign, over: over.signal }),
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

  private dealer({ fence, ...term }: Pick<DealerDeps, 'term' | 'isLive' | 'giveWay' | 'over'> & Fenced): CallDealer {
    const { database, tasks, register, bell, clock, trouble, options } = this
    const callers = new Callers(database, fence)
    return new CallDealer({ callers, tasks, register, bell, clock, log: options.log, trouble, ...term })
  }
}

type Fenced = Readonly<{ fence: (tx: Transaction) => Promise<void> }>

/** A lead that is held is looked at when its holder may be taken for dead, and before that in case it is handed on. */
function pausesUntil({ since, freeInMs }: Vacancy): Pauses {
  if (since !== null) return LOOK_SOON
  const mostMs = Math.ceil(freeInMs) + BETWEEN_LOOKS_MS
  return { heardMs: Math.min(LOOK.heardMs, mostMs), unheardMs: Math.min(LOOK.unheardMs, mostMs) }
}

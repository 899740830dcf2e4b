import { Bell, type Pauses } from '../../../src/adapters/postgres/bell.ts'
import { CallDealer } from '../../../src/adapters/postgres/dealer.ts'
import type { PostgresFleet } from '../../../src/adapters/postgres/fleet.ts'
import { Hand } from '../../../src/adapters/postgres/hand.ts'
import { LEASE_MS, Lease } from '../../../src/adapters/postgres/lease.ts'
import { MACHINES, type Presence, type Presences } from '../../../src/adapters/postgres/register.ts'
import { Trouble } from '../../../src/adapters/postgres/trouble.ts'
import { type Rival, rivalOf } from '../../../src/domain/dealing.ts'
import type { Claim, Make, Members } from '../../../src/ports/fleet.ts'
import type { Log } from '../../../src/ports/log.ts'
import { type Store, StoreError } from '../../../src/ports/store.ts'
import type { Dice } from '../dice.ts'
import type { SharedDatabase } from './database.ts'
import { fencedStore } from './fenced-store.ts'
import type { StoppableLife } from './stoppable.ts'
import { type Ask, sharedTasks } from './tasks.ts'

const BEAT_MS = 3_000
const TOUCH_MS = 3_000
const WAY_MS = 1
const HOLD_BACK_MS = 5_000
const LOOK: Pauses = { heardMs: 2_000, unheardMs: 1_000 }
const LOOK_SOON: Pauses = { heardMs: 1_000, unheardMs: 1_000 }

export type MemberDeps = Readonly<{
  database: SharedDatabase
  life: StoppableLife
  log: Log
  name: string
  /** One process, and no other of the same name. */
  instance: string
  /** Names the configuration that it goes by. */
  config: () => string
  /** What is stored goes into the story. */
  observed: (store: Store, attempt: number) => Store
  dice: Dice
  mayBreak: () => void
  isLost: () => boolean
  /** Whether the database tells machines what others have written: PgBouncer may not. */
  isHeard: boolean
}>

/**
 * A machine of the fleet in memory: it leads, deals and serves as `src/adapters/postgres/fleet.ts` does, with the same dealer, hand and
 * leases, on statements that are calls.
 */
export class Member implements PostgresFleet {
  readonly clock: StoppableLife
  readonly reader: Store
  readonly beside: Store
  private readonly deps: MemberDeps
  private readonly trouble: Trouble
  private readonly bell: Bell
  private readonly register: SharedRegister
  private readonly tasks: ReturnType<typeof sharedTasks>
  private readonly ask: Ask
  private readonly closing = new AbortController()

  constructor(deps: MemberDeps) {
    const { database, life, log, instance, isHeard } = deps
    this.deps = deps
    this.clock = life
    this.reader = database.store
    this.beside = database.store
    this.trouble = new Trouble({ clock: life, log })
    this.bell = new Bell(life)
    this.ask = async (work) => {
      await this.way()
      const value = work()
      await this.back()
      return value
    }
    this.tasks = sharedTasks(database, this.ask)
    this.register = new SharedRegister(deps, this.ask, () => isHeard && this.bell.prove())
    if (isHeard) database.listen({ instance, bell: this.bell, life })
    this.every(BEAT_MS, () => this.register.beat(), this.closing.signal)
  }

  async open(): Promise<void> {
    await this.register.beat()
  }

  async lead(signal: AbortSignal): Promise<Claim | null> {
    const waiting = new AbortController()
    const handedOn = this.bell.attend('lead', waiting.signal)
    let vacantSince: number | null = null
    while (!signal.aborted) {
      if (await this.ask(() => this.deps.database.isLed())) vacantSince = null
      else {
        vacantSince ??= this.clock.monotonic()
        const rival = this.register.rivalIn(await this.ask(() => this.register.presences()))
        if (rival === null || this.clock.monotonic() - vacantSince >= HOLD_BACK_MS) {
          const lease = new Lease(this.clock)
          const before = lease.reading()
          const attempt = await this.ask(() => this.deps.database.take())
          lease.renew(before)
          if (attempt !== null) {
            waiting.abort('it leads')
            return this.claim(attempt, lease)
          }
        }
      }
      await handedOn.wait(vacantSince === null ? LOOK : LOOK_SOON, signal)
    }
    waiting.abort('no longer')
    return null
  }

  serve(make: Make): AsyncDisposable {
    const { tasks, register, bell, clock, trouble } = this
    return new Hand({ tasks, register, bell, clock, trouble, make })
  }

  mayServe(): boolean {
    return this.register.lease.isLive()
  }

  reaches(reaches: boolean): void {
    this.register.reaches = reaches
    void this.register.beat()
  }

  async members(): Promise<Members> {
    const { name, database } = this.deps
    return { me: name, machines: [], leader: database.leader, refused: this.register.refused }
  }

  async close(): Promise<void> {
    const { database, name, instance } = this.deps
    this.closing.abort('closed')
    await this.ask(() => {
      const said = database.said.get(name)
      if (said?.instance === instance) database.said.set(name, { ...said, seenAt: database.now() - LEASE_MS - 1 })
      database.leave({ instance })
      database.ring(MACHINES)
    })
  }

  private async way(): Promise<void> {
    this.deps.mayBreak()
    await new Promise<void>((resolve) => void this.clock.after(WAY_MS, resolve))
  }

  private async back(): Promise<void> {
    this.deps.mayBreak()
    await this.clock.awake()
  }

  private every(ms: number, work: () => Promise<void>, over: AbortSignal): void {
    const again = () =>
      this.clock.after(ms, () => {
        if (over.aborted) return
        void work()
        again()
      })
    again()
  }

  private async claim(attempt: number, lease: Lease): Promise<Claim> {
    const { clock, bell, trouble, register, tasks } = this
    const { database, life, log, instance, name, observed, dice, isLost } = this.deps
    const [ending, resigned] = [new AbortController(), new AbortController()]
    const over = new AbortController()
    ending.signal.addEventListener('abort', () => over.abort('the term is over'), { once: true })
    const give = (why: string) => {
      if (ending.signal.aborted) return
      log.warn('the lead is given up', { why })
      ending.abort(why)
    }
    const resign = (why: string) => {
      if (ending.signal.aborted || resigned.signal.aborted) return
      log.warn('the lead is handed on', { why })
      resigned.abort(why)
    }
    const fence = () => {
      if (database.touch(attempt)) return
      register.refused += 1
      throw new StoreError('another machine leads by now', { fatal: false, uncertain: true })
    }
    const term = `${instance} ${attempt}`
    await this.ask(() => {
      fence()
      const before = database.leader
      const takeovers = (before?.takeovers ?? 0) + (before === null || before.instance === instance ? 0 : 1)
      database.leader = { name, since: database.now(), takeovers, instance, term }
    })
    const touch = async () => {
      const told = lease.reading()
      if (await this.ask(() => database.touch(attempt))) lease.renew(told)
      else give('another machine has taken it')
    }
    this.every(TOUCH_MS, touch, over.signal)
    const isLive = () => !ending.signal.aborted && lease.isLive()
    const callers = {
      presences: () => this.ask(() => register.presences()),
      holders: () => this.ask(() => new Map(database.callers)),
      move: (moves: readonly Readonly<{ caller: string; instance: string }>[], gone: readonly string[]) =>
        this.ask(() => {
          fence()
          for (const caller of gone) database.callers.delete(caller)
          for (const { caller, instance: to } of moves) database.callers.set(caller, to)
        }),
    }
    return {
      store: fencedStore({
        store: observed(database.store, attempt),
        ...{ life, fence, dice, isLost, way: () => this.way(), stale: ({ message }) => give(message) },
      }),
      lost: ending.signal,
      resigned: resigned.signal,
      isLive,
      dealer: new CallDealer({
        ...{ callers, tasks, bell, clock, log, trouble, register, term, isLive },
        giveWay: resign,
        over: over.signal,
      }),
      release: async () => {
        over.abort('the term is over')
        await this.ask(() => database.handOn(attempt))
      },
    }
  }
}

/** What a machine says of itself, and hears of the others. */
class SharedRegister {
  readonly instance: string
  readonly lease: Lease
  readonly self: Readonly<{ name: string; host: string; version: string; config: () => string }>
  serves = false
  reaches: boolean | null = null
  lapsed: () => void = () => {}
  held = 0
  refused = 0
  private readonly deps: MemberDeps
  private readonly ask: Ask
  private readonly heard: () => void
  private told = ''

  constructor(deps: MemberDeps, ask: Ask, heard: () => void) {
    const { name, instance, life } = deps
    this.deps = deps
    this.ask = ask
    this.heard = heard
    this.instance = instance
    this.lease = new Lease(life)
    this.self = { name, host: name, version: '1', config: deps.config }
  }

  async beat(): Promise<void> {
    const { database, name, instance, life } = this.deps
    const told = this.lease.reading()
    const held = await this.ask(() => {
      const { serves, reaches } = this
      const config = this.self.config()
      database.said.set(name, { name, instance, config, serves, reaches, startedAt: life.now(), seenAt: database.now() })
      const can = JSON.stringify([config, serves, reaches])
      if (can !== this.told) database.ring(MACHINES)
      this.told = can
      return [...database.callers.values()].filter((holder) => holder === instance).length
    })
    if (!this.lease.isLive()) this.lapsed()
    this.lease.renew(told)
    this.held = held
    this.heard()
  }

  presences(): Presences {
    const { database } = this.deps
    return new Map(
      [...database.said.values()].map(({ name, instance, config, serves, reaches, seenAt }): [string, Presence] => [
        instance,
        { name, instance, config, serves, reaches, ageMs: database.now() - seenAt, version: '1' },
      ]),
    )
  }

  rivalIn(presences: Presences): Rival | null {
    const others = [...presences.values()].filter(
      ({ instance, ageMs, serves }) => instance !== this.instance && ageMs <= LEASE_MS && serves,
    )
    return rivalOf({ name: this.self.name, version: '1', config: this.self.config(), reaches: this.reaches }, others)
  }
}

import { deal, type Rival } from '../../domain/dealing.ts'
import type { Outcome } from '../../domain/probe.ts'
import type { Dealer, Task } from '../../ports/fleet.ts'
import type { Log } from '../../ports/log.ts'
import { RunLostError } from '../../ports/prober.ts'
import type { Clock } from '../../ports/time.ts'
import type { Bell, Pauses } from './bell.ts'
import type { Callers } from './callers.ts'
import { Errands, type ErrandTasks } from './errands.ts'
import { LEASE_MS } from './lease.ts'
import { MACHINES, type Presence, type Presences, type Register } from './register.ts'
import type { Tasks } from './tasks.ts'
import type { Trouble } from './trouble.ts'

/** How often a look is taken who is there; at once where a machine says that something about it has changed. */
const LOOK: Pauses = { heardMs: 2_000, unheardMs: 1_000 }
/** How often a run that waits for its caller looks whether it may begin. */
const AGAIN_MS = 1_000
/** The database's clock and ours are never quite the same. */
const BEYOND_MS = 20
/** The runs of a caller that moves are waited for so long. */
const DRAIN_MS = 60_000
/** A machine that did not say what came of a run gets no callers for so long. */
const SHUNNED_MS = 10 * 60_000
/** A newer version or another configuration has to be there for so long before it gets the lead: it may come and go. */
const GIVE_WAY_AFTER_MS = 10_000
const WHY: Readonly<Record<Rival['by'], string>> = {
  reach: 'reaches AWS, and this machine does not',
  version: 'has a newer version',
  config: 'has the configuration of most machines',
}

export type DealerDeps = Readonly<{
  callers: Pick<Callers, keyof Callers>
  tasks: ErrandTasks & Pick<Tasks, 'forgetOthers'>
  bell: Bell
  clock: Clock
  log: Log
  trouble: Pick<Trouble, 'say'>
  register: Pick<Register, 'instance' | 'self' | 'reaches' | 'rivalIn'>
  /** Names this term of this leader. */
  term: string
  isLive: () => boolean
  /** Gives the lead up: another machine should have it. */
  giveWay: (why: string) => void
  over: AbortSignal
}>

/** Deals the callers to the machines that are there, and makes each run where its caller is held. */
export class CallDealer implements Dealer {
  private readonly deps: DealerDeps
  private readonly errands: Errands
  private readonly startedAt: number
  private callers: readonly string[] = []
  /** Which process holds which caller, as the database has it; `null` before that was read. */
  private holders: Map<string, string> | null = null
  /** Callers whose runs have to end before they can move, and since when they have had to. */
  private readonly moving = new Map<string, number>()
  private readonly underWay = new Map<string, number>()
  /** When a process was last known to be there, on the monotonic clock. */
  private readonly heardAt = new Map<string, number>()
  private readonly shunnedUntil = new Map<string, number>()
  private rivalSince: number | null = null
  private presences: Presences = new Map()
  private changed = Promise.withResolvers<void>()
  private looking: Promise<void> | null = null

  constructor(deps: DealerDeps) {
    const { tasks, term, bell, clock, trouble, over } = deps
    this.deps = deps
    this.startedAt = clock.monotonic()
    const silent = (instance: string) => void this.shunnedUntil.set(instance, clock.monotonic() + SHUNNED_MS)
    this.errands = new Errands({ tasks, term, bell, clock, trouble, over, silent })
    void this.keepLooking()
  }

  deal(callers: readonly string[]): void {
    this.callers = [...new Set(callers)].toSorted()
    this.lookSoon()
  }

  async run(task: Task, own: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
    const { caller } = task
    const holder = await this.holderOf(caller, signal)
    this.underWay.set(caller, this.runsOf(caller) + 1)
    try {
      return holder === this.deps.register.instance ? await own() : await this.errands.run(holder, task, signal)
    } finally {
      this.underWay.set(caller, this.runsOf(caller) - 1)
      if (this.moving.has(caller) && this.runsOf(caller) === 0) this.lookSoon()
    }
  }

  machines(): readonly string[] {
    const { name } = this.deps.register.self
    const there = [...this.presences.values()].filter(({ ageMs }) => ageMs <= LEASE_MS)
    return [...new Set([name, ...there.map((one) => one.name)])].toSorted()
  }

  othersReach(): boolean {
    return this.others().some(({ reaches }) => reaches === true)
  }

  /** Waits until somebody holds the caller, and it stays there. @throws {RunLostError} */
  private async holderOf(caller: string, signal: AbortSignal): Promise<string> {
    const { clock, over, register, isLive } = this.deps
    const { instance } = register
    while (!signal.aborted && !over.aborted) {
      const holder = this.moving.has(caller) ? undefined : this.holders?.get(caller)
      if (holder !== undefined && (holder !== instance || isLive())) return holder
      await Promise.race([this.changed.promise, clock.sleep(AGAIN_MS, signal)])
    }
    throw new RunLostError('asked to stop')
  }

  private runsOf(caller: string): number {
    return this.underWay.get(caller) ?? 0
  }

  private async keepLooking(): Promise<void> {
    const { bell, over } = this.deps
    const changes = bell.attend(MACHINES, over)
    while (!over.aborted) {
      await changes.wait(LOOK, over)
      this.lookSoon()
    }
  }

  private lookSoon(): void {
    if (this.deps.over.aborted || this.looking !== null) return
    this.looking = this.look()
      .catch((cause) => this.deps.trouble.say('callers could not be dealt to the machines', cause))
      .finally(() => {
        this.looking = null
        this.changed.resolve()
        this.changed = Promise.withResolvers()
      })
  }

  /** Looks again as soon as a machine that holds callers will not have been heard of for too long. */
  private lookWhenOneIsGone(): void {
    const { clock, over } = this.deps
    const holders = new Set(this.holders?.values())
    const left = [...this.presences].flatMap(([instance, { ageMs }]) => (holders.has(instance) ? [LEASE_MS - ageMs] : []))
    const soonest = Math.min(...left.filter((ms) => ms >= 0))
    if (soonest < LOOK.heardMs) void clock.sleep(soonest + BEYOND_MS, over).then(() => this.lookSoon())
  }

  private async look(): Promise<void> {
    this.presences = await this.deps.callers.presences()
    this.holders ??= await this.firstHolders()
    this.hear()
    this.lookWhenOneIsGone()
    this.giveWay()
    const { callers, holders } = this
    const machines = this.takers()
    const moves = [...deal(callers, machines, holders)].filter(([caller, to]) => this.mayMove(caller, to, machines))
    const gone = [...holders.keys()].filter((caller) => !callers.includes(caller))
    if (moves.length + gone.length > 0) {
      await this.errands.withdraw()
      await this.store(moves, gone)
    }
    for (const caller of gone) holders.delete(caller)
    for (const [caller, to] of moves) {
      holders.set(caller, to)
      this.moving.delete(caller)
    }
  }

  private async firstHolders(): Promise<Map<string, string>> {
    const { callers, tasks, term } = this.deps
    const holders = await callers.holders()
    await tasks.forgetOthers(term)
    return holders
  }

  private hear(): void {
    const now = this.deps.clock.monotonic()
    for (const [instance, { ageMs }] of this.presences) if (ageMs <= LEASE_MS) this.heardAt.set(instance, now)
  }

  private giveWay(): void {
    const { register, clock, giveWay } = this.deps
    const rival = register.rivalIn(this.presences)
    const now = clock.monotonic()
    if (rival === null) this.rivalSince = null
    else this.rivalSince ??= now
    if (rival === null || this.rivalSince === null) return
    if (rival.by === 'reach' || now - this.rivalSince > GIVE_WAY_AFTER_MS) giveWay(`${rival.name} ${WHY[rival.by]}`)
  }

  /** Who can take callers: this machine and the others, without those that are cut off from AWS while another one reaches it. */
  private takers(): readonly string[] {
    const { register } = this.deps
    const others = this.others().filter(({ reaches }) => reaches !== false)
    const isCutOff = register.reaches === false && others.some(({ reaches }) => reaches === true)
    return [...(isCutOff ? [] : [register.instance]), ...others.map(({ instance }) => instance)]
  }

  /** The other machines that serve and go by the same configuration and version. */
  private others(): readonly Presence[] {
    const { register, clock } = this.deps
    const now = clock.monotonic()
    const config = register.self.config()
    return [...this.presences.values()].filter(
      (one) =>
        one.instance !== register.instance &&
        one.serves &&
        one.ageMs <= LEASE_MS &&
        one.config === config &&
        one.version === register.self.version &&
        now >= (this.shunnedUntil.get(one.instance) ?? 0),
    )
  }

  /** Whether the caller can move there now. Where it has to wait for its runs, no further ones begin. */
  private mayMove(caller: string, to: string, machines: readonly string[]): boolean {
    const from = this.holders?.get(caller)
    if (from === to) {
      this.moving.delete(caller)
      return false
    }
    if (from === undefined) return true
    const { clock, register } = this.deps
    const { instance } = register
    const now = clock.monotonic()
    if (from !== instance && this.isGone(from)) {
      // First, or what is lost would be asked of it again.
      this.moving.set(caller, now)
      this.errands.loseAll((one) => one === caller)
      return true
    }
    // What an earlier leader has asked of it may still be under way there.
    const isSettled = from === instance || now - this.startedAt > LEASE_MS
    if (!isSettled && machines.includes(from)) return false
    if (isSettled && this.runsOf(caller) === 0) return true
    const since = this.moving.get(caller) ?? now
    this.moving.set(caller, since)
    if (now - since > DRAIN_MS) this.errands.loseAll((one) => one === caller)
    return false
  }

  /** Whether a process makes no calls any more: it said so, or was not heard of for so long that it knows itself. */
  private isGone(instance: string): boolean {
    const presence = this.presences.get(instance)
    if (presence !== undefined) return presence.ageMs > LEASE_MS || !presence.serves
    // It has left, or another process goes by its name: then nobody knows.
    const heardAt = this.heardAt.get(instance)
    return heardAt === undefined || this.deps.clock.monotonic() - heardAt > LEASE_MS
  }

  private async store(dealt: readonly (readonly [string, string])[], gone: readonly string[]): Promise<void> {
    const { callers, log, register } = this.deps
    const { name } = register.self
    const nameOf = (instance: string) => (instance === register.instance ? name : (this.presences.get(instance)?.name ?? ''))
    const moves = dealt.map(([caller, instance]) => ({ caller, instance, machine: nameOf(instance) }))
    await callers.move(moves, gone)
    for (const { caller, machine } of moves) log.info('the calls of a caller move', { caller, to: machine })
  }
}

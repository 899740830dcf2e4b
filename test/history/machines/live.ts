import { callerOf } from '../../../src/domain/dealing.ts'
import type { LedgerRow } from '../../../src/domain/ledger.ts'
import type { Probe } from '../../../src/domain/probe.ts'
import type { Store } from '../../../src/ports/store.ts'
import type { Disk } from '../../../src/simulate/disk/disk.ts'
import { observed } from '../../../src/simulate/equipment.ts'
import { type Played, play, type Subject } from '../../../src/simulate/play.ts'
import type { Surroundings } from '../../../src/simulate/process.ts'
import { memoryStore } from '../../../src/simulate/store.ts'
import type { World } from '../../../src/simulate/world.ts'
import { Dice } from '../dice.ts'
import type { Lived } from '../live.ts'
import { SharedDatabase } from './database.ts'
import type { DrawnPair } from './draw.ts'
import { SimulatedMachine } from './machine.ts'
import { type StoppableLife, stoppableLife } from './stoppable.ts'

const NAMES = ['north', 'south'] as const
/** By then another machine leads, and makes the calls of the one that is gone. */
const TAKEN_OVER_WITHIN = 25_000
const HUNG_UP_WITHIN = 12_000
const NOTICED_WITHIN = 40_000
/** How often a machine fails when it has just committed that somebody is to be notified, where machines fail at all. */
const AFTER_A_NOTIFICATION = 0.2

/** What a machine did, and whether it was still its to do, as the database has it at that moment. */
type Act = Readonly<{
  at: number
  what: 'commit' | 'email' | 'call'
  instance: string
  /** Of a call: for which caller. */
  caller?: string
  isIts: boolean
}>

export type LivedPair = Lived & Readonly<{ acts: readonly Act[]; takeovers: number }>

/** Plays what was drawn: two machines on one database, each killed, stopped or cut off wherever the dice say. */
export async function liveInPair(pair: DrawnPair): Promise<LivedPair> {
  const { drawn } = pair
  let machines: Machines | null = null
  const played: Played = await play(drawn.scenario, {
    subject: (around) => {
      machines = new Machines(pair, around)
      return machines
    },
  })
  const told = machines as Machines | null
  if (told === null) throw new Error('nothing was played')
  const { committed, downs, starts, acts, disk, database } = told
  return { drawn, played, disk, committed, downs, starts, acts, takeovers: database.leader?.takeovers ?? 0 }
}

/** Both machines, in the eyes of a story one daemon that never ends. */
class Machines implements Subject {
  readonly life: StoppableLife
  readonly store
  readonly calls: Subject['calls'] = { count: 0, control: null }
  readonly unlocked = Promise.resolve()
  readonly committed: (Lived['committed'][number] & Readonly<{ ledger: readonly LedgerRow[] }>)[] = []
  readonly downs: Readonly<{ from: number; to: number }>[] = []
  readonly starts: number[] = []
  readonly acts: Act[] = []
  readonly disk: Disk
  readonly database: SharedDatabase
  private readonly pair: DrawnPair
  private readonly around: Surroundings
  private readonly dice: Dice
  private readonly running = new Map<string, SimulatedMachine>()
  private instances = 0

  constructor(pair: DrawnPair, around: Surroundings) {
    const { clock, disk } = around
    this.pair = pair
    this.around = around
    this.dice = new Dice(pair.drawn.seed ^ 0x2b0b)
    this.disk = disk
    this.store = memoryStore(disk)
    this.life = stoppableLife(clock)
    this.database = new SharedDatabase(clock, this.store)
    for (const spans of pair.cutOff) for (const { from } of spans) this.downs.push({ from, to: from + NOTICED_WITHIN })
    for (const name of NAMES) this.start(name)
  }

  kill(): void {
    for (const { clock } of this.running.values()) clock.end()
  }

  stop(): void {
    for (const machine of this.running.values()) machine.stop()
  }

  /** Whoever changes the file does so on one machine after the other. */
  reload(): void {
    for (const machine of this.running.values())
      this.around.clock.after(this.dice.between(0, HUNG_UP_WITHIN), () => machine.hangUp())
  }

  private start(name: (typeof NAMES)[number]): void {
    const { around, dice, pair, database } = this
    const { faults } = pair
    this.instances += 1
    const instance = `${name}${this.instances}`
    const life = stoppableLife(around.clock)
    let attempt = 0
    const fail = () => this.fail(name, life)
    const note = (what: 'commit' | 'email') =>
      void this.acts.push({ at: this.now(), what, instance, isIts: database.isLedBy(attempt) })
    const machine = new SimulatedMachine({
      ...{ around, database, name, instance, life, dice },
      aws: this.awsOf(name, instance),
      observed: (store, of) => {
        attempt = of
        return this.recorded(observed(store, around), () => note('commit'), fail)
      },
      mayBreak: () => {
        if (faults.atEffect > 0 && !life.over && !life.isStopped && dice.chance(faults.atEffect)) fail()
      },
      isLost: () => this.isLost(),
      isHeard: pair.isHeard,
      sends: () => note('email'),
      leads: () => void this.starts.push(this.now()),
    })
    this.running.set(name, machine)
    if (faults.everyMs > 0) life.after(dice.wait(faults.everyMs), fail)
  }

  /** Kills a machine, or stops it for a while. */
  private fail(name: (typeof NAMES)[number], life: StoppableLife): void {
    const { dice, pair, around } = this
    const { stopped, downMs, everyMs } = pair.faults
    if (life.over || life.isStopped || this.now() >= pair.drawn.calmFrom || downMs === 0) return
    const forMs = 500 + dice.wait(downMs)
    const isStopped = dice.chance(stopped)
    this.downs.push({ from: this.now(), to: this.now() + forMs + TAKEN_OVER_WITHIN })
    around.timeline.daemon(`${name} is ${isStopped ? 'stopped' : 'killed'} for ${Math.round(forMs / 1_000)} s`)
    if (isStopped) {
      life.stop()
      around.clock.after(forMs, () => {
        life.wake()
        around.timeline.daemon(`${name} is woken`)
        if (everyMs > 0) life.after(dice.wait(everyMs), () => this.fail(name, life))
      })
    } else {
      life.end()
      around.clock.after(forMs, () => this.start(name))
    }
  }

  /** Then the lead is taken anew, and what was being sent is sent again. */
  private isLost(): boolean {
    const now = this.now()
    if (now >= this.pair.drawn.calmFrom || !this.dice.chance(this.pair.lost)) return false
    this.downs.push({ from: now, to: now + TAKEN_OVER_WITHIN })
    return true
  }

  private now(): number {
    return this.around.clock.elapsed()
  }

  private recorded(store: Store, noted: () => void, fail: () => void): Store {
    const note = (kept: Omit<Lived['committed'][number], 'at'>) => {
      this.committed.push({ at: this.now(), ...kept })
      noted()
      // The moment that matters most: an email is owed, and has not left.
      if (kept.notifications.length > 0 && this.dice.chance(AFTER_A_NOTIFICATION)) fail()
    }
    return {
      ...store,
      commit: async (change) => {
        await store.commit(change)
        const { incidents, notifications, ledger } = change
        note({ incidents, notifications, ledger })
      },
      settle: async (changes, ledger, added) => {
        await store.settle(changes, ledger, added)
        note({ incidents: [], notifications: added ?? [], ledger })
      },
    }
  }

  /** AWS as this machine sees it: not at all, while it is cut off. */
  private awsOf(name: (typeof NAMES)[number], instance: string): World {
    const { world } = this.around
    const spans = this.pair.cutOff[NAMES.indexOf(name)] ?? []
    const isCutOff = () => spans.some(({ from, to }) => this.now() >= from && this.now() < to)
    const answerTo = (probe: Probe) => {
      this.call(instance, probe)
      return world.answerTo(probe)
    }
    return new Proxy(world, {
      get(target, key) {
        if (key === 'networkUp') return target.networkUp && !isCutOff()
        return key === 'answerTo' ? answerTo : Reflect.get(target, key)
      },
    })
  }

  private call(instance: string, probe: Probe): void {
    const monitor = this.around.config().monitors.find((one) => one.name === probe.monitor)
    if (monitor === undefined) return
    const caller = callerOf(monitor)
    const isIts = this.database.callers.get(caller) === instance
    this.acts.push({ at: this.now(), what: 'call', instance, caller, isIts })
  }
}

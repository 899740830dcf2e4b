import type { Outcome, Probe } from '../../domain/probe.ts'
import type { Make } from '../../ports/fleet.ts'
import type { Clock } from '../../ports/time.ts'
import type { Bell, Ear, Pauses } from './bell.ts'
import { LEADER, type Register } from './register.ts'
import type { Done, Tasks } from './tasks.ts'
import type { Trouble } from './trouble.ts'

/** How often a look is taken what the leader asks for, unless one is told: while this machine holds callers, and while it holds none. */
const LOOK: Pauses = { heardMs: 1_000, unheardMs: 80 }
const LOOK_IDLE: Pauses = { heardMs: 5_000, unheardMs: 1_000 }
/** What cannot be handed over is tried again. */
const AGAIN_MS = 300

type Mutable<T, K extends keyof T> = { -readonly [key in K]: T[key] }

export type HandDeps = Readonly<{
  tasks: Pick<Tasks, 'askedOf' | 'handOver'>
  register: Pick<Register, 'instance' | 'lease' | 'held' | 'beat'> & Mutable<Register, 'serves' | 'lapsed' | 'refused'>
  bell: Bell
  clock: Clock
  trouble: Pick<Trouble, 'say'>
  make: Make
}>

/** Makes the runs that the leader asks of this machine, and hands over what came of them. */
export class Hand implements AsyncDisposable {
  private readonly deps: HandDeps
  private readonly underWay = new Map<string, AbortController>()
  private readonly done: Done[] = []
  /** Handed over; a look that began before may still show them as asked for. */
  private readonly handed = new Set<string>()
  private handing: Promise<void> | null = null
  private readonly ending = new AbortController()
  private readonly ended: Promise<void>
  private readonly asked: Ear

  constructor(deps: HandDeps) {
    this.deps = deps
    this.asked = deps.bell.attend(deps.register.instance, this.ending.signal)
    deps.register.serves = true
    deps.register.lapsed = () => this.giveBack()
    this.ended = this.run()
  }

  /** Gives back what is under way, and says that nothing more is made here. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { register, trouble } = this.deps
    this.ending.abort('asked to stop')
    await this.ended
    this.giveBack()
    await this.handing
    register.serves = false
    register.lapsed = () => {}
    await register.beat().catch((cause) => trouble.say('the leader could not be told that this machine makes no calls', cause))
  }

  private async run(): Promise<void> {
    const { register, trouble } = this.deps
    await register.beat().catch((cause) => trouble.say('the leader could not be told that this machine makes calls', cause))
    while (!this.ending.signal.aborted) {
      await this.look().catch((cause) => trouble.say('what the leader asks for cannot be read', cause))
      // By now another machine may make the calls of these callers.
      if (!register.lease.isLive()) this.giveBack()
      await this.asked.wait(this.pauses(), this.ending.signal)
    }
  }

  /** Runs that are under way end with the lease, also where nobody is heard. */
  private pauses(): Pauses {
    const { register } = this.deps
    if (this.underWay.size === 0) return register.held > 0 ? LOOK : LOOK_IDLE
    const leftMs = register.lease.leftMs()
    return { heardMs: Math.min(LOOK.heardMs, leftMs), unheardMs: Math.min(LOOK.unheardMs, leftMs) }
  }

  private async look(): Promise<void> {
    const { tasks, register } = this.deps
    const handedBefore = [...this.handed]
    const asked = await tasks.askedOf(register.instance, LEADER)
    for (const id of handedBefore) if (!asked.has(id)) this.handed.delete(id)
    for (const id of [...this.underWay.keys()]) if (!asked.has(id)) this.abandon(id)
    if (this.ending.signal.aborted || !register.lease.isLive()) return
    for (const [id, probe] of asked) if (!this.underWay.has(id) && !this.handed.has(id)) void this.make(id, probe)
  }

  private async make(id: string, probe: Probe): Promise<void> {
    const { make, trouble } = this.deps
    const abandoned = new AbortController()
    this.underWay.set(id, abandoned)
    const outcome = await make(probe, abandoned.signal).catch((cause: unknown) => {
      trouble.say('a run that the leader asked for ended in an internal error', cause)
      return null
    })
    if (!abandoned.signal.aborted) this.end(id, outcome)
  }

  private giveBack(): void {
    for (const id of [...this.underWay.keys()]) this.end(id, null)
  }

  /** Nobody wants to know any more what comes of it. */
  private abandon(id: string): void {
    this.underWay.get(id)?.abort(WITHDRAWN)
    this.underWay.delete(id)
  }

  private end(id: string, outcome: Outcome | null): void {
    this.abandon(id)
    this.handed.add(id)
    this.done.push({ id, outcome })
    this.handing ??= this.handOver().finally(() => {
      this.handing = null
    })
  }

  /** What comes up while a batch is on its way goes with the next one. */
  private async handOver(): Promise<void> {
    const { tasks, register, clock, trouble } = this.deps
    while (this.done.length > 0) {
      const batch = this.done.splice(0).map((one) => this.stillOurs(one))
      try {
        const wanted = await tasks.handOver(register.instance, batch)
        register.refused += batch.filter(({ id, outcome }) => outcome !== null && !wanted.has(id)).length
      } catch (cause) {
        trouble.say('the outcomes of runs could not be handed over', cause)
        if (this.ending.signal.aborted) return
        this.done.push(...batch)
        await clock.sleep(AGAIN_MS, this.ending.signal)
      }
    }
  }

  /** An outcome that comes after another machine may have got the caller says nothing: it is only given back. */
  private stillOurs({ id, outcome }: Done): Done {
    const { register } = this.deps
    if (outcome === null || register.lease.isLive()) return { id, outcome }
    register.refused += 1
    return { id, outcome: null }
  }
}

const WITHDRAWN = 'withdrawn'

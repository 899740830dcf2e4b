import { randomUUID } from 'node:crypto'
import type { Outcome } from '../../domain/probe.ts'
import type { Task } from '../../ports/fleet.ts'
import { RunLostError } from '../../ports/prober.ts'
import type { Clock } from '../../ports/time.ts'
import type { Bell, Ear, Pauses } from './bell.ts'
import type { Tasks } from './tasks.ts'
import type { Trouble } from './trouble.ts'

/** While runs are asked for, a look is taken so often whether they were made, unless one is told; and at most so often. */
const LOOK: Pauses = { heardMs: 1_000, unheardMs: 60 }
const PAUSE_MS = 20
/** A task that was written and is not there was lost with the database's last crash. */
const MISSING_AFTER_MS = 2_000

type Errand = Readonly<{
  task: Task
  instance: string
  limitAt: number
  told: (outcome: Outcome | RunLostError) => void
}> & {
  /** When it was written, on the monotonic clock; `null` before. */
  writtenAt: number | null
}

export type ErrandTasks = Pick<Tasks, 'ask' | 'collect'>

export type ErrandsDeps = Readonly<{
  tasks: ErrandTasks
  term: string
  bell: Bell
  clock: Clock
  trouble: Pick<Trouble, 'say'>
  /** The term is over. */
  over: AbortSignal
  /** A machine that is there did not say in time what came of a run. */
  silent: (instance: string) => void
}>

/** The runs that other machines were asked for and have not told of yet. */
export class Errands {
  private readonly deps: ErrandsDeps
  private readonly open = new Map<string, Errand>()
  /** Settled ones whose rows have to go. */
  private readonly settled = new Set<string>()
  private isExchanging = false
  /** One exchange at a time: what is being asked for cannot be taken back at the same moment. */
  private turn: Promise<unknown> = Promise.resolve()
  private readonly news: Ear

  constructor(deps: ErrandsDeps) {
    this.deps = deps
    this.news = deps.bell.attend(deps.term, deps.over)
    deps.over.addEventListener('abort', () => this.loseAll(() => true), { once: true })
  }

  /** Asks a machine for a run. @throws {RunLostError} */
  async run(instance: string, task: Task, signal: AbortSignal): Promise<Outcome> {
    const { clock, over } = this.deps
    if (over.aborted || signal.aborted) throw new RunLostError('asked to stop')
    const id = randomUUID()
    const { promise, resolve } = Promise.withResolvers<Outcome | RunLostError>()
    this.open.set(id, { task, instance, limitAt: clock.monotonic() + task.limitMs, told: resolve, writtenAt: null })
    const abandon = () => this.lose(id, 'asked to stop')
    signal.addEventListener('abort', abandon, { once: true })
    this.news.hear()
    if (!this.isExchanging) void this.exchange()
    const came = await promise
    signal.removeEventListener('abort', abandon)
    if (came instanceof RunLostError) throw came
    return came
  }

  /**
   * Takes back what was asked for and is not waited for any more. A machine that wakes up late must not find it: by then another one
   * may make the calls of the same caller. @throws {StoreError}
   */
  withdraw(): Promise<void> {
    return this.inTurn(() => this.collect())
  }

  /** Gives up waiting for the runs of a caller. */
  loseAll(of: (caller: string) => boolean): void {
    for (const [id, { task }] of this.open) if (of(task.caller)) this.lose(id, 'the machine that was asked for it is gone')
  }

  private lose(id: string, why: string): void {
    this.settle(id, new RunLostError(why))
    // Whoever was asked for it may still begin it.
    this.news.hear()
  }

  private settle(id: string, came: Outcome | RunLostError): void {
    this.open.get(id)?.told(came)
    this.open.delete(id)
    this.settled.add(id)
  }

  private async exchange(): Promise<void> {
    const { clock, over, trouble } = this.deps
    this.isExchanging = true
    while (this.open.size + this.settled.size > 0 && !over.aborted) {
      try {
        await this.inTurn(async () => {
          await this.write()
          await this.collect()
        })
      } catch (cause) {
        trouble.say('runs could not be exchanged with the other machines', cause)
      }
      this.loseLate()
      await clock.sleep(PAUSE_MS, over)
      await this.news.wait(LOOK, over)
    }
    this.isExchanging = false
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.turn.then(work)
    this.turn = turn.catch(() => {})
    return turn
  }

  private async write(): Promise<void> {
    const { tasks, term, clock } = this.deps
    const unwritten = [...this.open].filter(([, { writtenAt }]) => writtenAt === null)
    if (unwritten.length === 0) return
    await tasks.ask(
      term,
      unwritten.map(([id, { instance, task }]) => ({ id, instance, probe: task.probe })),
    )
    const now = clock.monotonic()
    for (const [, errand] of unwritten) errand.writtenAt = now
  }

  private async collect(): Promise<void> {
    const { tasks, term, clock } = this.deps
    const before = clock.monotonic()
    const withdrawn = [...this.settled]
    const rows = await tasks.collect(term, withdrawn)
    for (const id of withdrawn) this.settled.delete(id)
    for (const [id, { task, writtenAt }] of this.open) {
      if (writtenAt === null) continue
      const outcome = rows.get(id)
      if (typeof outcome === 'string') this.settle(id, outcomeOf(outcome, task))
      else if (outcome === undefined && before - writtenAt > MISSING_AFTER_MS) this.lose(id, 'it is not in the database any more')
    }
  }

  private loseLate(): void {
    const { clock, silent } = this.deps
    const now = clock.monotonic()
    for (const [id, { instance, limitAt }] of this.open) {
      if (now < limitAt) continue
      this.lose(id, 'the machine that was asked for it says nothing')
      silent(instance)
    }
  }
}

/** What another machine has written, if it is an outcome of that probe. */
function outcomeOf(text: string, { probe }: Task): Outcome | RunLostError {
  const outcome = JSON.parse(text) as Outcome | null
  if (outcome === null) return new RunLostError('the machine that was asked for it gave it back')
  const isSound = outcome.probe === probe.id && Array.isArray(outcome.tries) && typeof outcome.result === 'string'
  return isSound ? outcome : new RunLostError('the machine that was asked for it gave no outcome')
}

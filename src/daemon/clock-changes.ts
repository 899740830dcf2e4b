import { inWords } from '../domain/duration.ts'
import { JUMP_MS, type Stamp, setBetween } from '../domain/moment.ts'
import type { Log } from '../ports/log.ts'
import type { Clock } from '../ports/time.ts'
import type { Clocks } from './clock-watch.ts'
import type { LiveWorld } from './live-world.ts'
import type { OperatorOrders } from './operator-orders.ts'
import { unlessFatal } from './store-trouble.ts'
import type { WriteBehind } from './write-behind.ts'

/** An absence shorter than this is not worth mentioning. */
const SHORTEST_ABSENCE_MS = 60_000

export type ClockChangesDeps = Readonly<{
  clock: Clock
  clocks: Clocks
  log: Log
  world: LiveWorld
  orders: OperatorOrders
  writes: WriteBehind
  /** The wall clock was set by this many milliseconds. */
  clockSet: (by: number) => void
  /** This machine slept for this many milliseconds: nothing was watched. */
  slept: (forMs: number) => void
}>

/** Notices that the wall clock was set or that the machine slept, and keeps every interval what it was (`restart`). */
export class ClockChanges {
  private readonly deps: ClockChangesDeps

  constructor(deps: ClockChangesDeps) {
    this.deps = deps
  }

  /** Compares the clocks with what they said at the last call. */
  async check(): Promise<void> {
    const { log, clock, clocks, world, clockSet, slept } = this.deps
    const { setBy, sleptMs } = clocks.compare()
    if (setBy !== 0) {
      const by = `${setBy < 0 ? '-' : '+'}${inWords(Math.abs(setBy))}`
      log.warn('clock was set', { by, next: 'everything that is open keeps its intervals' })
      clockSet(setBy)
      await this.rebase(setBy)
    }
    if (sleptMs > 0) log.warn('machine was asleep', { for: inWords(sleptMs) })
    if (sleptMs > SHORTEST_ABSENCE_MS) slept(sleptMs)
    if (setBy !== 0 || sleptMs > 0) world.freshSince = Math.max(world.freshSince, clock.now())
  }

  /** After a start: takes into account that the clock was set while Alibi was not running, and names the gap in our watch. */
  async resume(last: Stamp | null, started: Stamp): Promise<void> {
    const { log, world } = this.deps
    const now = started.at
    const by = last === null ? 0 : this.setWhileAway(last, started)
    if (by !== 0) {
      log.warn('clock was set while Alibi was not running', {
        by: `${by < 0 ? '-' : '+'}${inWords(Math.abs(by))}`,
        next: 'everything that is open keeps its intervals',
      })
      await this.rebase(by)
      world.freshSince = now
    }
    const from = last === null ? now : last.at + by
    if (now - from > SHORTEST_ABSENCE_MS) world.absence = { from, to: now, why: 'Alibi was not running' }
    world.rebaseRunsAhead(now)
  }

  /**
   * How far the clock was set while nobody ran. If the machine was booted meanwhile, nobody knows how long that took, only that
   * the clock had passed every time that was written down: what is open is taken for no older than it surely is.
   */
  private setWhileAway(last: Stamp, now: Stamp): number {
    const by = setBetween(last, now)
    if (by !== null) return by
    const passed = Math.max(last.at, ...this.deps.orders.beforeBoot(now))
    return passed - now.at > JUMP_MS ? now.at - passed : 0
  }

  private async rebase(by: number): Promise<void> {
    const { world, orders, writes } = this.deps
    world.rebase(by)
    await orders.rebase(by)
    const moved = { probes: [...world.probes.values()], incidents: [...world.incidents.values()] }
    // The clock has been set whether the disk is full or not: the new dates follow with the next write.
    await writes.rebase(by, moved).catch(unlessFatal)
  }
}

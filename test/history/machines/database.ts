import type { Bell } from '../../../src/adapters/postgres/bell.ts'
import { LEASE_MS } from '../../../src/adapters/postgres/lease.ts'
import type { Machine } from '../../../src/ports/fleet.ts'
import type { VirtualClock } from '../../../src/simulate/clock.ts'
import type { MemoryStore } from '../../../src/simulate/store.ts'
import type { StoppableLife } from './stoppable.ts'

/** What a process says of itself. */
export type Said = Pick<Machine, 'name' | 'config' | 'startedAt'> &
  Readonly<{ instance: string; serves: boolean; reaches: boolean | null }>

type Lead = { readonly attempt: number; heardAt: number; isHeld: boolean }
type StoredTask = { readonly term: string; readonly instance: string; readonly probe: string; outcome: string | null }
type Listener = Readonly<{ instance: string; bell: Bell; life: StoppableLife }>

/** A notification is on its way for so long. */
const RING_MS = 1

/** What the machines share, as PostgreSQL and pg-boss keep it: the store, who leads, who is there, and who is asked for which run. */
export class SharedDatabase {
  readonly store: MemoryStore
  readonly said = new Map<string, Said & Readonly<{ seenAt: number }>>()
  /** The process that holds each caller. */
  readonly callers = new Map<string, string>()
  readonly tasks = new Map<string, StoredTask>()
  leader: Readonly<{ name: string; since: number; takeovers: number; instance: string; term: string }> | null = null
  private lead: Lead = { attempt: 0, heardAt: 0, isHeld: false }
  private readonly clock: VirtualClock
  private readonly listeners = new Set<Listener>()

  constructor(clock: VirtualClock, store: MemoryStore) {
    this.clock = clock
    this.store = store
  }

  now(): number {
    return this.clock.elapsed()
  }

  /** Whether somebody has the lead and was heard of. */
  isLed(): boolean {
    return this.lead.isHeld && this.now() - this.lead.heardAt <= LEASE_MS
  }

  /** @returns the attempt by which the lead is held from now on; `null` if somebody else has it */
  take(): number | null {
    if (this.isLed()) return null
    this.lead = { attempt: this.lead.attempt + 1, heardAt: this.now(), isHeld: true }
    return this.lead.attempt
  }

  /** Proves that nobody else leads, and says that the leader lives. */
  touch(attempt: number): boolean {
    if (!this.isLedBy(attempt)) return false
    this.lead.heardAt = this.now()
    return true
  }

  isLedBy(attempt: number): boolean {
    return this.lead.isHeld && this.lead.attempt === attempt
  }

  handOn(attempt: number): void {
    if (!this.touch(attempt)) return
    this.lead.isHeld = false
    this.ring('lead')
  }

  listen(listener: Listener): void {
    this.listeners.add(listener)
  }

  leave({ instance }: Pick<Listener, 'instance'>): void {
    for (const one of this.listeners) if (one.instance === instance) this.listeners.delete(one)
  }

  ring(topic: string): void {
    for (const { bell, life } of this.listeners) life.after(RING_MS, () => bell.ring(topic))
  }
}

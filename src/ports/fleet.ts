import type { Instant } from '../domain/probe.ts'
import type { Store } from './store.ts'
import type { Clock } from './time.ts'

/** A machine that shares the store, as it was last heard of. */
export type Machine = Readonly<{
  name: string
  host: string
  version: string
  /** Names the configuration that it goes by: two machines with the same one do the same. */
  config: string
  startedAt: Instant
  seenAt: Instant
  /** How far its clock is from the store's. */
  skewMs: number
}>

/** Who leads: the one machine that decides and sends. */
export type Leader = Readonly<{
  name: string
  since: Instant
  /** How often the lead went from one process to another, since the store began. */
  takeovers: number
}>

/** The right to decide and to send, as long as nobody else has it. */
export type Claim = Readonly<{
  /** The store as the leader has it: it takes no write when the claim is gone. */
  store: Store
  /** Aborts when the claim is gone, or may be: whatever was decided under it has to be loaded again under the next one. */
  lost: AbortSignal
  /**
   * Whether nobody else can have taken the claim yet: looked at before an email leaves. It goes by a clock that runs on while the
   * process is stopped.
   */
  isLive(): boolean
  /** Gives the lead to whoever is there to take it. */
  release(): Promise<void>
}>

/** Everybody who was heard of lately, as one of them knows it; `leader` is `null` while nobody leads. */
export type Members = Readonly<{ me: string; machines: readonly Machine[]; leader: Leader | null }>

/** The machines that share a store, seen from one of them. */
export type Fleet = Readonly<{
  /** Machines date what they store by this clock. */
  clock: Clock
  /** Waits for the lead; `null` when the signal aborts. @throws {StoreError} fatal only */
  lead(signal: AbortSignal): Promise<Claim | null>
  /** @throws {StoreError} */
  members(): Promise<Members>
  close(): Promise<void>
}>

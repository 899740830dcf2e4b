import type { Instant, Outcome, Probe } from '../domain/probe.ts'
import type { Store } from './store.ts'
import type { Clock } from './time.ts'

/** A machine that shares the store, as last reported. */
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
  /** Whose calls it makes: so many callers. */
  callers: number
  /** Whether it reaches AWS; `null`: nobody knows yet. */
  reaches: boolean | null
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
  /** Aborts when another machine should rather lead, or the claim has to be taken anew: what is under way may end, then it is released. */
  resigned: AbortSignal
  /**
   * Whether nobody else can have taken the claim yet: looked at before an email leaves. It goes by a clock that runs on while the
   * process is stopped.
   */
  isLive(): boolean
  dealer: Dealer
  /** Gives up the lead, for another machine to take. */
  release(): Promise<void>
}>

/** A run that is to be made on the machine that holds its caller. */
export type Task = Readonly<{
  /** Whose calls these are: credentials in a partition. AWS counts them together. */
  caller: string
  probe: Probe
  /** No machine takes longer. */
  limitMs: number
}>

/** What the leader asks of the other machines: each holds some of the callers, and makes their calls. */
export type Dealer = Readonly<{
  /** From now on these are the callers, and they are dealt evenly to the machines that are there. */
  deal(callers: readonly string[]): void
  /**
   * Makes a run on the machine that holds its caller, `own` if that is this one. Waits while the caller moves: no caller is called
   * by two machines at once.
   * @throws {RunLostError}
   */
  run(task: Task, own: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome>
  /** The machines that are there, as at the last look. */
  machines(): readonly string[]
  /** Whether another machine reaches AWS that could lead in the place of this one. */
  othersReach(): boolean
}>

/** Makes a run that the leader has asked for; `null` gives it back. */
export type Make = (probe: Probe, signal: AbortSignal) => Promise<Outcome | null>

/** Everybody who was heard of lately, as one of them knows it. */
export type Members = Readonly<{
  me: string
  machines: readonly Machine[]
  /** `null` while nobody leads. */
  leader: Leader | null
  /** What this process decided or saw and was refused, because another machine had taken its place by then. */
  refused: number
}>

/** The machines that share a store, seen from one of them. */
export type Fleet = Readonly<{
  /** Machines date what they store by this clock. */
  clock: Clock
  /** Waits for the lead; `null` when the signal aborts. @throws {StoreError} fatal only */
  lead(signal: AbortSignal): Promise<Claim | null>
  /** Makes the runs that the leader asks of this machine, until it is disposed of. */
  serve(make: Make): AsyncDisposable
  /**
   * Whether this machine may make the calls that it serves for: nobody else can have got its callers yet. Looked at before each
   * call, by a clock that runs on while the process is stopped and one that runs on while the machine sleeps.
   */
  mayServe(): boolean
  /** Says whether this machine reaches AWS: one that does not gets no callers and does not lead, as long as another one does. */
  reaches(reaches: boolean): void
  /** @throws {StoreError} */
  members(): Promise<Members>
  close(): Promise<void>
}>

import type { HealthEvent } from './outage.ts'
import type { FailureKind, Instant, Service } from './probe.ts'

/** A failed run as the judge sees it. */
export type Failure = Readonly<{
  kind: FailureKind
  service: Service
  /** Region of the failing endpoint. */
  region: string
  /** Start of the first failed run of the streak. */
  onset: Instant
  /** Start of the run that is judged. */
  at: Instant
  /** The names under which AWS may know the failing account: twelve digits, `self@` and a credentials key. */
  owners: readonly string[]
}>

/** How the other accounts fare with the same operation since this probe's onset (the test of width). */
export type Peers = Readonly<{ others: number; ok: number }>

/**
 * How an explaining event's service matched: it is the failing one, it lists the failing one as impacted, or the failing one
 * depends on it.
 */
export type Match = 'direct' | 'impacted' | 'related'

/** The tests that an event can fail, in the order in which they are made. */
export type Test = 'kind' | 'place' | 'service' | 'time' | 'width'

/** An event that was considered and rejected. */
export type RejectedEvent = Readonly<{
  arn: string
  code: string
  region: string | null
  status: HealthEvent['status']
  test: Test
  why: string
}>

/** The event that explains, as it was when it did. */
export type Alibi = Readonly<{
  arn: string
  code: string
  service: string
  region: string | null
  status: HealthEvent['status']
  startedAt: Instant
  endedAt: Instant | null
  updatedAt: Instant
  sources: HealthEvent['sources']
  /** The newest update, bounded. Foreign: escape where shown. */
  text: string
  match: Match
}>

/** May this failure stay silent? `undetermined` never mutes. */
export type Verdict =
  | Readonly<{ kind: 'explained'; by: Alibi; why: string; rejected: readonly RejectedEvent[] }>
  | Readonly<{ kind: 'unexplained'; why: string; rejected: readonly RejectedEvent[] }>
  | Readonly<{ kind: 'undetermined'; why: string; rejected: readonly RejectedEvent[] }>

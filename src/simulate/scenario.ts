import type { Config } from '../config/config.ts'
import type { MailKind } from '../domain/notification.ts'
import type { HealthEvent, Source } from '../domain/outage.ts'
import type { Instant } from '../domain/probe.ts'
import type { Scope } from '../domain/scope.ts'
import type { Answer } from './answers.ts'

/** The fields of an event of AWS Health; in an `update` only what changes. Times are epoch milliseconds. */
export type EventFields = Readonly<{
  service?: string
  /** `null`: AWS names none. */
  region?: string | null
  category?: HealthEvent['category']
  code?: string
  scope?: HealthEvent['scope']
  text?: string
  impacted?: readonly string[]
  start?: Instant
  updated?: Instant
  in?: readonly Source[]
}>

export const API_STATES = ['ok', 'unavailable', 'subscription-required', 'throttled', 'limited'] as const
export type ApiState = (typeof API_STATES)[number]
export const DASHBOARD_STATES = ['ok', 'unavailable', 'empty-body'] as const
export type DashboardState = (typeof DASHBOARD_STATES)[number]
/** `unfed`: it can be read, and no rule puts anything into it. */
export const QUEUE_STATES = ['ok', 'unavailable', 'denied', 'unfed'] as const
export type QueueState = (typeof QUEUE_STATES)[number]
/** `no-login`: nobody may log in, so that nothing is said about any email. */
export const SMTP_STATES = ['up', 'down', 'deferring', 'rejecting', 'hanging', 'no-login'] as const
/** What the mail server says to everybody, or to single addresses while it accepts the emails of the others. */
export type SmtpState = (typeof SMTP_STATES)[number] | Readonly<{ refuse: readonly string[]; defer: readonly string[] }>

export function isWhole(state: SmtpState): state is (typeof SMTP_STATES)[number] {
  return typeof state === 'string'
}

/** How what AWS says arrives by the queue: this much later, and this many times. */
export type Delivery = Readonly<{ delayMs: number; copies: number }>

/** What changes the world around Alibi. */
export type WorldDeed =
  | Readonly<{ verb: 'account'; answer: Answer; operation: string | null; account: string | null }>
  | Readonly<{ verb: 'service'; answer: Answer; service: string | null; operation: string | null; region: string | null }>
  | Readonly<{ verb: 'publish'; id: string; event: EventFields & Readonly<{ service: string }>; delivery?: Delivery }>
  | Readonly<{ verb: 'update' | 'close'; id: string; event: EventFields; delivery?: Delivery }>
  | Readonly<{ verb: 'withdraw'; id: string }>
  | Readonly<{ verb: 'api'; state: ApiState }>
  | Readonly<{ verb: 'dashboard'; state: DashboardState }>
  | Readonly<{ verb: 'queue'; state: QueueState }>
  | Readonly<{ verb: 'network'; up: boolean }>
  | Readonly<{ verb: 'smtp'; state: SmtpState }>
  | Readonly<{ verb: 'disk'; full: boolean }>

/** `since` is in milliseconds of true time after the start, `instant` an absolute time. */
export type Moment = Readonly<{ since: number } | { instant: Instant }>

/** What is done to Alibi itself. */
export type Order =
  | Readonly<{ verb: 'daemon'; order: 'kill' | 'stop' | 'start' }>
  | Readonly<{ verb: 'clock'; byMs: number }>
  /** `null`: played with the user's own configuration, which a scenario does not change. */
  | Readonly<{ verb: 'reload'; config: Config | null }>
  /** `from` is a moment of true time, or a time that our wall clock is to show; `null`: at once. */
  | Readonly<{ verb: 'silence'; scope: Scope; from: Moment | null; forMs: number; reason: string; by: string }>
  | Readonly<{ verb: 'ack' }>

export type Deed = WorldDeed | Order

/** Something that happens; `at` is in milliseconds of true time since the start. */
export type Happening = Readonly<{ at: number; deed: Deed }>

/** From and to, both included, in milliseconds of true time since the start. */
export type Span = Readonly<{ from: number; to: number }>

export type Expectation = Readonly<{
  /** Line in the file. */
  line: number
}> &
  (
    | Readonly<{ what: 'mail'; kind: MailKind; between: Span; to: string | null; contains: string | null }>
    | Readonly<{ what: 'mails'; count: number }>
    | Readonly<{ what: 'no-mail'; between: Span }>
    | Readonly<{ what: 'suppressed'; by: string; between: Span }>
    | Readonly<{ what: 'verdict'; verdict: 'explained' | 'unexplained' | 'undetermined'; at: number }>
    | Readonly<{ what: 'incident'; state: 'open' | 'closed'; at: number }>
  )

/** A story to be played: what happens to AWS, to the network and to Alibi, and what Alibi is expected to do. */
export type Scenario = Readonly<{
  file: string
  title: string
  start: Instant
  lengthMs: number
  config: Config
  /** In the order of time. */
  happenings: readonly Happening[]
  expectations: readonly Expectation[]
  /** What a reader should know, such as that the scenario's own configuration is ignored. */
  notes: readonly string[]
}>

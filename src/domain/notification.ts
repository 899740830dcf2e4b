import type { FirstHand } from './first-hand.ts'
import type { LapseCause, PastThread } from './incident.ts'
import type { BySource, SourceState } from './outage.ts'
import type { Family, Instant, Outcome, Partition, Try } from './probe.ts'
import type { RuleName } from './rule.ts'
import type { PastSilence } from './silence.ts'
import type { Vantage } from './vantage.ts'
import type { Verdict } from './verdict.ts'
import type { Width } from './width.ts'

export const MAIL_KINDS = [
  'failing',
  'wider',
  'escalated',
  'reminder',
  'now-explained',
  'still-failing',
  'recovered',
  'flapping',
  'dropped',
  'blind',
  'misconfigured',
  'offline',
  'digest',
  'test',
] as const
export type MailKind = (typeof MAIL_KINDS)[number]

/** A run in the strip of the last hour. */
export type StripMark = Readonly<{ at: Instant; ms: number; mark: 'ok' | 'failed' | 'inconclusive' }>

export type ProbeFacts = Readonly<{
  probe: string
  monitor: string
  /** As configured: `self` or twelve digits. */
  account: string
  /** What it is called; left out where that is not known or not to be shown. */
  accountName?: string
  operation: string
  state: 'failing' | 'recovering' | 'recovered'
  onset: Instant
  lastOkAt: Instant | null
  gap: Readonly<{ from: Instant; to: Instant; why: string }> | null
  failedAt: Instant
  recoveredAt: Instant | null
  verdict: Verdict
  carried: string | null
  lapsed: string | null
  /** How that explanation ended; `null` while one stands or if there was none. */
  lapsedBy: LapseCause | null
  /** Until when AWS's event explains it, or explained it, if that end is known. */
  explainedUntil: Instant | null
  /** Oldest first. */
  evidence: readonly Outcome[]
  /** Oldest first; empty for the probes that are only listed. */
  strip: readonly StripMark[]
}>

/** A number of probes of one operation whose last run ended alike; without a `kind` they have recovered. */
export type Cause = Readonly<{
  operation: string
  kind: Try['kind']
  error: string | null
  status: number | null
  count: number
}>

/**
 * Everything an email says, fixed when it is committed: one that is sent late, or twice, says the same.
 * Plain JSON. Holds no secret and nothing of an Account answer's body.
 */
export type Facts = Readonly<{
  kind: MailKind
  /** When it was committed. */
  at: Instant
  /** Why this email is owed, in one sentence. */
  reason: string
  /** The rule that owes it; `null` where none does (a digest, a test). */
  rule: RuleName | null
  subject: string
  /** `null` for an email that belongs to no incident (`test`, self-alerts, summaries). */
  incident: Readonly<{
    id: string
    partition: Partition
    family: Family
    continues: Readonly<{ id: string; family: Family }> | null
    openedAt: Instant
    /** The earliest onset of this recipient's probes, and when the last of them recovered; `null` while any fails. */
    onset: Instant
    endedAt: Instant | null
    lastOkAt: Instant | null
    announcedAt: Instant | null
    closedAt: Instant | null
    reopened: number
    flapping: boolean
    explainedBy: string | null
    leadMinutes: number | null
    hindsight: readonly Readonly<{ arn: string; code: string; at: Instant; why: string }>[]
  }> | null
  monitors: readonly Readonly<{ name: string; impact: string | null; runbook: string | null; threshold: string }>[]
  /** Those shown in full, the most important first; at most `MAX_PROBES_IN_FULL`. */
  probes: readonly ProbeFacts[]
  /** Names of further probes, at most `MAX_PROBES_LISTED`; `total` counts all. */
  others: Readonly<{ names: readonly string[]; total: number }>
  /** What the accounts of further probes are called, by probe: of the first `MAX_PROBES_NAMED`, as far as they are known. */
  accountNames?: Readonly<Record<string, string>>
  /** How all of them fail, where there are more than are shown in full: most first, at most `MAX_CAUSES`. */
  breadth?: Readonly<{
    causes: readonly Cause[]
    first: Readonly<{ probe: string; at: Instant }>
    last: Readonly<{ probe: string; at: Instant }>
  }>
  /** How many accounts it concerns, and how the others fare; left out where there is only one. */
  width?: Width
  /** The silence over them that ended since the last email to this recipient; left out where there was none. */
  silence?: PastSilence
  /** Which machines saw the failure; left out where it was one. */
  vantage?: Vantage
  /** Probes of what the failing services rest on, or of the same ones elsewhere; left out where there are none. */
  firstHand?: readonly FirstHand[]
  verdict: Verdict['kind'] | null
  sources: Readonly<BySource<SourceState> & { at: Instant }> | null
  /** When the next email comes, in words with times in UTC: "a reminder at 14:04Z if it lasts …". */
  next: string | null
  /** The text of an email that is not about probes: a refused source, what a test is for, what a summary sums up. */
  lines: readonly string[]
  /** What to do first, where the kind of email does not say it. */
  advice?: string
  /** What a digest is divided into; only digests have it. */
  chapters?: readonly Readonly<{ title: string; lines: readonly string[] }>[]
  /** Endpoints that are not AWS's own, each `NAME=address`. */
  overrides: readonly string[]
  /** The first monitor's time zone, shown beside UTC. */
  timezone: string
  sentBy: SentBy
}>

/** Which Alibi sent it, which endpoint it probes, and as whom. */
export type SentBy = Readonly<{
  version: string
  host: string
  sdk: string
  endpoint: string
  signingRegion: string
  /** ARN of the first monitor's caller; `null` while it is not known. */
  caller: string | null
  /** Whose credentials are used by the monitors that an email is about. */
  callers: readonly Caller[]
  /** The machines that share the database; left out where there is only one. */
  machines?: readonly string[]
}>

/** Whose credentials some monitors use, and where they come from; or why that is not known. */
export type Caller = Readonly<{ monitors: readonly string[] }> &
  (Readonly<{ account: string; arn: string; origin: string }> | Readonly<{ why: string }>)

export const MAX_PROBES_IN_FULL = 10
/** The list is complete for an organization of ten thousand accounts; an email shows some of it and attaches the rest. */
export const MAX_PROBES_LISTED = 10_000
/** More than an email lists. */
export const MAX_PROBES_NAMED = 100
export const MAX_CAUSES = 50

export type NotificationState = 'due' | 'retrying' | 'sending' | 'refused' | 'delivered' | 'merged' | 'dropped'

/** One email that is owed to one recipient. It is on disk before it is sent; its id and Message-ID never change. */
export type Notification = Readonly<{
  /** `incident.seq.recipient`, or `self-alert.…`: stable across crashes. */
  id: string
  messageId: string
  kind: MailKind
  incident: string | null
  /** Emails of one thread are sent in the order of their sequence: a later one never overtakes an earlier one. */
  thread: string
  /** Threads that ended in this one (`family-change`): it reports what could not be sent there, and is sent after their emails. */
  past?: readonly PastThread[]
  seq: number
  recipient: string
  /** It is owed to each of them. */
  to: readonly string[]
  /** Message-ID of the thread's first email, for In-Reply-To and References; `null` if this is the first. */
  inReplyTo: string | null
  createdAt: Instant
  facts: Facts
}>

/** What an email says besides its facts, and whom it names: known only when it is sent. */
export type Wording = Readonly<{
  /** When it was first sent. */
  at: Instant
  /** Attempts that had failed by then. */
  attempts: number
  lateBecause: string | null
  /** An email that never arrived and that this one makes up for, by its id, and why it did not. */
  unsaid: Readonly<{ id: string; why: string }> | null
  inReplyTo: string | null
  to: readonly string[]
  /** Addresses that the mail server refuses, so that those who get this email know. */
  refused: readonly Readonly<{ recipient: string; address: string; error: string }>[]
}>

/** A notification as it is owed to one address, and what has become of it there so far. */
export type Owed = Readonly<{
  notification: Notification
  /** One of `notification.to`. */
  address: string
  state: NotificationState
  attempts: number
  nextAt: Instant
  /** Last error in one line; `null` if none. */
  error: string | null
  /** An attempt may have been accepted without our having seen the 250, so it may only be sent again unchanged. */
  uncertain: boolean
  /** The last attempt failed because the server accepts nothing from us, which says nothing about this email. */
  noSession: boolean
  deliveredAt: Instant | null
  /** The server's reply to the accepted message, bounded. */
  reply: string | null
  /**
   * The content with which some of its addresses have the email, or may have it: whoever gets it later gets the same content.
   * `null` while nobody has it. The same for all addresses of a notification.
   */
  wording: Wording | null
}>

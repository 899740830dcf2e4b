import type { Family, Instant, Outcome, Partition } from './probe.ts'
import type { Verdict } from './verdict.ts'

export type IncidentState = 'waiting' | 'suppressed' | 'announced' | 'closed'

/**
 * An explanation that was given, and how long it stands when it can no longer be confirmed (`suppression` and
 * `lapsed-explanation`).
 */
type GivenAlibi = Readonly<{
  arn: string
  /** The last reading that held it. */
  confirmedAt: Instant
  /** A run begun later than this is no longer covered by it. */
  until: Instant
  /** Open when last seen. */
  open: boolean
}>

/**
 * How an explanation ended: AWS said that it is `over`; the source that held the event could not be asked (`unasked`); the
 * event `vanished`, or still stands but no longer fits (`unfit`); or the others are ok, so that it is not that (`alone`).
 */
export type LapseCause = 'over' | 'unasked' | 'vanished' | 'unfit' | 'alone'

/** What is known of a failing probe: the last judgement, and the explanation that stands or has lapsed. */
export type Judgement = Readonly<{
  /** The verdict that counts: the judge's own, or an earlier explanation that still stands. */
  verdict: Verdict
  /** Says in words when the verdict is not the judge's own, such as "the dashboard could not be asked"; else `null`. */
  carried: string | null
  alibi: GivenAlibi | null
  /** How the last explanation ended without being replaced; `null` while one stands or if there was none. */
  lapsed: Readonly<{ arn: string; at: Instant; cause: LapseCause; why: string }> | null
  /** When AWS Health was read for this judgement; `null` if it was never asked (not an outage). */
  readAt: Instant | null
  /** Ends of events that explained this probe, as they were first seen. */
  ends: readonly EventEnd[]
}>

/** An event that is over, and since when. */
export type EventEnd = Readonly<{ arn: string; at: Instant }>

/** A probe in an incident. */
export type Member = Readonly<{
  probe: string
  monitor: string
  account: string
  /** Operation and parameter as shown: `GetAlternateContact SECURITY`. */
  operation: string
  state: 'failing' | 'recovering' | 'recovered'
  onset: Instant
  /** The last ok run before the onset: the failure began between the two. */
  lastOkAt: Instant | null
  /** A gap in our own watch that lies between those two. */
  gap: Readonly<{ from: Instant; to: Instant; why: string }> | null
  /** When the threshold was reached. */
  failedAt: Instant
  recoveredAt: Instant | null
  /** Start of the last conclusive run, and of the last failed one. */
  lastRunAt: Instant
  lastFailedAt: Instant
  /** The runs that are shown as evidence: the onset, the one that reached the threshold, the latest (without repeats). */
  evidence: readonly Outcome[]
  judgement: Judgement
}>

/** What a recipient was notified of in the current episode of an incident, as of the last step. */
export type Heard = Readonly<{
  /** The last email that the next reminder and the hold count from. */
  at: Instant
  /** Services that an email has named to them (`dynamodb`): `wider` is due when another one fails. Left out: only Account. */
  services?: readonly string[]
  /** How many of their probes were failing at the last email: `wider` is due at twice as many. */
  failing: number
  widerAt: Instant | null
  /** The verdict over their failing probes at the last step. */
  verdict: Verdict['kind']
  /** How their explanation ended, if they have not been notified of that yet: owes a `still-failing` (`lapsed-explanation`). */
  lapse: string | null
  /** They were notified of the present explanation. */
  explained: boolean
  /** Events that an email named to them as an explanation: once is enough (`late-explanation`). */
  events: readonly string[]
}>

/** One recipient's side of an incident: what was owed to them, and its thread. */
export type Audience = Readonly<{
  recipient: string
  /** The addresses that the last email went to. */
  to: readonly string[]
  /** Every address notified since the failure, if those are not the same: `recovered` goes to them all (`config-change`). */
  notified?: readonly string[]
  /** It never changes, or mail programs would split the thread. */
  subject: string
  /** Message-ID of the first email of the thread. */
  root: string
  /** Notified of the failure, and not yet of the recovery. */
  open: boolean
  /**
   * They got no email so far because of the kinds that they chose (`choice`): either never about this incident, so that no
   * email has the Message-ID `root`, or not in this episode.
   */
  unsent?: 'never' | 'in this episode'
  /** `null`: they were not notified of this incident itself, but of one that continues in it, or it is about no probes. */
  heard: Heard | null
  /** The monitors of the probes that they were notified of: their end is about these, even if they notify them no longer. */
  monitors: readonly string[]
  /** How often the incident had reopened when they were first notified of it: they know nothing of earlier episodes. */
  reopened: number | null
  /** Notified only of another incident, whose probes have moved here (`family-change`). */
  heir?: true
  /** The newest incident of another family that they were notified of, and that continues here (`family-change`). */
  from?: Readonly<{ id: string; family: Family }>
  /** What has ended in their thread here: other threads, and other incidents' emails in this one. */
  past?: readonly PastThread[]
}>

/** An earlier thread, and the incident whose emails it has. */
export type PastThread = Readonly<{ thread: string; incident: string }>

export type Incident = Readonly<{
  /** 64 random bits, as 16 hexadecimal digits. */
  id: string
  partition: Partition
  /** Of an outage: the region of the endpoints that its probes ask; left out where that is Account's (`grouping`). */
  region?: string
  family: Family
  state: IncidentState
  /** The newest incident of another family that this one continues (`family-change`). */
  continues: Readonly<{ id: string; family: Family }> | null
  /** The incidents of other families that continue this one for those who were notified of it. */
  into: readonly string[]
  openedAt: Instant
  /** When the threshold was reached in the current episode: `openedAt`, or the last reopening. */
  episodeAt: Instant
  /**
   * Until when first emails of the current episode may be held for probes that are about to join (`joining`); left out: none was
   * held.
   */
  heldUntil?: Instant
  /** When the first email of the current episode fell due; `null` before that. */
  announcedAt: Instant | null
  closedAt: Instant | null
  closedAs: 'recovered' | 'changed' | 'dropped' | null
  members: readonly Member[]
  audience: readonly Audience[]
  /** Sequence of the last email that was owed. */
  seq: number
  lastMailAt: Instant | null
  /** The verdict over all failing members at the last step. */
  verdict: Verdict['kind']
  /** The key of why no email is due, as last written to the ledger. */
  withheld: string | null
  /** Events that an email has named to anybody as an explanation of this incident. */
  namedEvents: readonly string[]
  /** Whom the monitors of its failing probes notified at the last step; `null` before the first one. */
  notified: readonly string[] | null
  /** Those of them who were added while it was announced, and were not notified since (`config-change`). */
  added: readonly string[]
  /** The event that explains, or in the end explained, this incident. */
  explainedBy: string | null
  /** Every event that ever explained one of its probes, the newest last. */
  alibis: readonly string[]
  /** Minutes by which our first failed run preceded AWS's first post; negative when AWS was first. */
  leadMinutes: number | null
  /** Events first seen when they no longer explained a present run: the next email mentions them (`late-explanation`). */
  hindsight: readonly Readonly<{ arn: string; code: string; at: Instant; why: string }>[]
  /** When it has reopened after it had closed (`recovery`). */
  reopenedAt: readonly Instant[]
  /** Since the second reopening within six hours: its probes recover only after half an hour without a failure. */
  flapping: boolean
}>

/** The probes of an incident that have not recovered. */
export function failingMembers(incident: Incident): readonly Member[] {
  return incident.members.filter((member) => member.state !== 'recovered')
}

/** The earliest onset. */
export function onsetOf(members: readonly Member[]): Instant {
  return Math.min(...members.map((member) => member.onset))
}

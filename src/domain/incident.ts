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
 * event `vanished`, or still stands but no longer fits (`unfit`); or the others are well, so that it is not that (`alone`).
 */
export type LapseCause = 'over' | 'unasked' | 'vanished' | 'unfit' | 'alone'

/** What is held of a failing probe: the last judgement, and the explanation that stands or has lapsed. */
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
  /** The last ok run before the onset: the trouble began between the two. */
  lastOkAt: Instant | null
  /** A gap in our own watch that lies between those two. */
  gap: Readonly<{ from: Instant; to: Instant; why: string }> | null
  /** When the threshold was reached. */
  failedAt: Instant
  recoveredAt: Instant | null
  /** Begin of the last conclusive run and of the last failed one. */
  lastRunAt: Instant
  lastFailedAt: Instant
  /** The runs that are shown as evidence: the onset, the one that reached the threshold, the latest (without repeats). */
  evidence: readonly Outcome[]
  judgement: Judgement
}>

/** What a recipient has heard of an incident in its current episode, as of the last step. */
export type Heard = Readonly<{
  /** The last mail of those that set the pace: the next reminder, and the hold, count from it. */
  at: Instant
  /** Their failing probes when the last mail was owed: `wider` is due at twice as many. */
  failing: number
  widerAt: Instant | null
  /** The verdict over their failing probes at the last step. */
  verdict: Verdict['kind']
  /** How an explanation of theirs ended of which they do not know that: owes a `still-failing` (`lapsed-explanation`). */
  lapse: string | null
  /** They were told that the present explanation stands. */
  explained: boolean
  /** Events that were named to them as an explanation (`late-explanation`: once per incident and event). */
  events: readonly string[]
}>

/** One recipient's side of an incident: what was owed to them and the thread it stands in. */
export type Audience = Readonly<{
  recipient: string
  /** The addresses that the last mail went to. */
  to: readonly string[]
  /** Every address that was told since the fall, where those are others: the rise goes to them all (`config-change`). */
  told?: readonly string[]
  /** Constant for the incident's life, or mail programs split the thread. */
  subject: string
  /** Message-ID of the first mail of the thread. */
  root: string
  /** Told of the fall and not yet of the rise. */
  open: boolean
  /**
   * They got no email so far, in their choice of kinds (`choice`): never about this incident, so that `root` is of none that was
   * sent; or not in this episode.
   */
  unsent?: 'never' | 'in this episode'
  /** `null`: they were not notified of this incident itself, but of one that goes on in it, or it is about no probes. */
  heard: Heard | null
  /** The monitors of the probes that they were notified of: their end is about these, even if they notify them no longer. */
  monitors: readonly string[]
  /** How often the incident had reopened when they were first notified of it: earlier episodes did not happen to them. */
  reopened: number | null
  /** Told of the fall of another incident whose probes have moved here, and of this one nothing so far (`family-change`). */
  heir?: true
  /** The incident of another family of which they were told, and which for them goes on here: the newest (`family-change`). */
  from?: Readonly<{ id: string; family: Family }>
  /** All that went into their thread here: other threads, and mails of other incidents in this one. */
  past?: readonly PastThread[]
}>

/** A thread in which somebody was told before, and the incident that mailed into it. */
export type PastThread = Readonly<{ thread: string; incident: string }>

export type Incident = Readonly<{
  /** 64 random bits, as 16 hexadecimal digits. */
  id: string
  partition: Partition
  family: Family
  state: IncidentState
  /**
   * The newest of the threads that this one goes on in: an incident of another family that closed as `changed` (`family-change`).
   */
  continues: Readonly<{ id: string; family: Family }> | null
  /** The incidents of another family in which it goes on for those who were told of it: where its threads are continued. */
  into: readonly string[]
  openedAt: Instant
  /** When the threshold was reached in the current episode: `openedAt`, or the last reopening. */
  episodeAt: Instant
  /** When the first mail of the current episode fell due; `null` while nobody had to be told. */
  announcedAt: Instant | null
  closedAt: Instant | null
  closedAs: 'recovered' | 'changed' | 'dropped' | null
  members: readonly Member[]
  audience: readonly Audience[]
  /** Sequence of the last mail owed. */
  seq: number
  lastMailAt: Instant | null
  /** The verdict over all failing members at the last step. */
  verdict: Verdict['kind']
  /** Why no mail is due now, as last written to the ledger. */
  withheld: string | null
  /** Events of which it was already said to somebody that they explain this incident. */
  toldEvents: readonly string[]
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
  /** Events that were first seen when they no longer explained a present run: told in the next mail (`late-explanation`). */
  hindsight: readonly Readonly<{ arn: string; code: string; at: Instant; why: string }>[]
  /** When it was opened again after it had closed (`recovery`). */
  reopenedAt: readonly Instant[]
  /** Since the second reopening within six hours: it closes only after half an hour of being well. */
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

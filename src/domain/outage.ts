import type { Instant, Partition } from './probe.ts'

/** Where AWS publishes its health: the Health API, the public dashboard, and a queue that EventBridge fills. */
export type Source = 'api' | 'dashboard' | 'queue'

export const SOURCES: readonly Source[] = ['api', 'dashboard', 'queue']
export const SOURCE_NAME: Readonly<Record<Source, string>> = {
  api: 'the Health API',
  dashboard: 'the public dashboard',
  queue: 'the health queue',
}

/** What there is of each source; the queue is left out where none is configured. */
export type BySource<T> = Readonly<{ api: T; dashboard: T; queue?: T }>

/** An entry of the dashboard's list of impacted services. */
export type Impact = Readonly<{
  /** The dashboard's key, in lower case, such as `account` or `sts-us-east-1`. */
  key: string
  /** When it was last reported as resolved; `null` while it is not. */
  resolvedAt: Instant | null
}>

/** Something AWS published, from one source or joined from several by ARN. */
export type HealthEvent = Readonly<{
  arn: string
  /** Upper-case service code, such as `IAM` or `MULTIPLE_SERVICES`. */
  service: string
  /** Region code, `global`, or `null` where neither source names one. */
  region: string | null
  /** Event type code, such as `AWS_IAM_OPERATIONAL_ISSUE`. */
  code: string
  category: 'issue' | 'investigation' | 'accountNotification' | 'scheduledChange' | 'unknown'
  scope: 'PUBLIC' | 'ACCOUNT_SPECIFIC' | 'NONE'
  status: 'open' | 'closed' | 'upcoming'
  /** The time of AWS's first post, not of the beginning of the outage (in 46 of 46 recent public events). */
  startedAt: Instant
  endedAt: Instant | null
  updatedAt: Instant
  /** Every update's text that is known, newest last, bounded. Foreign: escape where shown. */
  text: string
  /** The dashboard's list; `null` where it is not known (the API does not have it). */
  impacted: readonly Impact[] | null
  /** Which sources hold it now. */
  sources: readonly Source[]
  /** Accounts that received an ACCOUNT_SPECIFIC event: twelve digits, or `self@` and a credentials key. */
  owners: readonly string[]
  /** Only where one source says that it is over and the other that it is not: what each says. The later update wins. */
  disagreement?: string
}>

/** What one source answered when it was asked, and when that was. */
export type SourceAnswer =
  | Readonly<{
      state: 'answered'
      at: Instant
      events: readonly HealthEvent[]
      skipped: number
      detail: string
      /** The call that AWS denies us, without which the answer says less; left out where there is none. */
      refused?: string
      /** Of a queue: nobody knows whether anything feeds it, so that its silence does not mean that there is nothing. */
      unproven?: true
    }>
  /** It will not answer until something is changed on our side: no support plan, denied. */
  | Readonly<{ state: 'refused'; at: Instant; why: string }>
  /**
   * `ours` where our credentials keep us from asking, not the network; `heard` where it did answer, but not
   * what was asked for, `throttled` where it did so because it was asked too often.
   */
  | Readonly<{ state: 'unavailable'; at: Instant; why: string; ours?: 'credentials'; heard?: true; throttled?: true }>
  /** Not configured, or the partition has none. */
  | Readonly<{ state: 'off'; why: string }>

/** What AWS Health answered at one moment. */
export type HealthReading = Readonly<{
  partition: Partition
  at: Instant
  /** Joined by ARN. */
  events: readonly HealthEvent[]
  sources: BySource<SourceState>
}>

/** A source's answer without its events: what emails, page and ledger show as the basis of a verdict. */
export type SourceState = Readonly<{
  state: SourceAnswer['state']
  at: Instant | null
  /** Of one that is unavailable: it did answer, but not what was asked for. */
  heard?: true
  /** Of a queue that answered: nobody knows whether anything feeds it. */
  unproven?: true
  /** Events that were read. */
  events: number
  /** Elements that could not be read. */
  skipped: number
  /** Why it could not be asked, or which endpoint answered. */
  detail: string
}>

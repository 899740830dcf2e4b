import type { Choice } from './choice.ts'
import type { Partition } from './probe.ts'

/** The timers of an incident's life; every one in milliseconds. docs/rules.md says what each does. */
export type Policy = Readonly<{
  waitMs: number
  extensionMs: number
  /** 0: never. */
  holdAtMostMs: number
  lookbackMs: number
  staleAfterMs: number
  /** 0: never. */
  remindEveryMs: number
  joinWithinMs: number
  reopenWithinMs: number
  blindAfterMs: number
}>

/** How long a closed incident can still be reopened, or explained in hindsight. */
export function rememberMs(policy: Policy): number {
  return Math.max(policy.reopenWithinMs, policy.lookbackMs) + policy.extensionMs
}

/** Which events can be an alibi, apart from time and place. */
export type Relevance = Readonly<{
  /** Service codes beside the failing service itself, where that is Account or STS. */
  related: readonly string[]
  /** The same by service, by its code without signs; for those that are not in it, what is related by default. */
  relatedTo?: Readonly<Record<string, readonly string[]>>
  /** Type codes that never explain. */
  ignore: readonly string[]
  /** Type codes, or endings of type codes, that explain beside the built-in ones. */
  codes: readonly string[]
}>

/** A named group of addresses that gets one message together. */
export type Recipient = Readonly<{
  name: string
  to: readonly string[]
  /** `escalation`: notified only this long after the first email was due; `null`: at once. */
  afterMs: number | null
  /** Whether they get what belongs to no monitor; left out: see `selfAlertRecipients`. */
  selfAlerts?: boolean
  /** The kinds of email about probes that they get; left out: all (`choice`). */
  kinds?: readonly Choice[]
  /** What subjects are like; left out: `mail.subject`. */
  subject?: 'constant' | 'stateful'
}>

/** The region in which a partition's Account endpoint stands and signs (client-account's endpoint rules). */
export const ACCOUNT_REGION: Readonly<Record<Partition, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-northwest-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-eusc': 'eusc-de-east-1',
}

export function partitionOf(region: string): Partition {
  if (region.startsWith('cn-')) return 'aws-cn'
  if (region.startsWith('us-gov-')) return 'aws-us-gov'
  if (region.startsWith('eusc-')) return 'aws-eusc'
  return 'aws'
}

import type { MailKind } from './notification.ts'
import type { Recipient } from './policy.ts'
import type { Family } from './probe.ts'

/** The kinds of email about probes that a recipient can choose from (`recipients.NAME.kinds`). */
export const CHOICES = ['failing', 'misconfigured', 'blind', 'wider', 'reminder', 'now-explained', 'recovered'] as const
export type Choice = (typeof CHOICES)[number]

/** The choice that includes the first email about a failure, by family. Being offline concerns no probe: see `selfAlerts`. */
const FIRST: Readonly<Record<Family, Choice | null>> = {
  outage: 'failing',
  misconfigured: 'misconfigured',
  blind: 'blind',
  offline: null,
}
const FIRSTS: readonly Choice[] = ['failing', 'misconfigured', 'blind']
/** The choices that report a failure. The others make sense only to those who know of one. */
const ALERTS: readonly Choice[] = [...FIRSTS, 'wider', 'reminder']

/** An email that is due, before any recipient's choice is applied. */
export type Proposed = Readonly<{
  kind: MailKind
  family: Family
  /** The recipient got another email about this incident in its current episode. */
  isFollowUp: boolean
}>

/**
 * Whether a recipient gets this email (`choice`). Whatever takes the place of a first email counts as one: `escalated`, `flapping`
 * and `still-failing`. An end, or an explanation, needs an earlier email, unless nothing else was chosen.
 */
export function isChosen({ kinds }: Pick<Recipient, 'kinds'>, { kind, family, isFollowUp }: Proposed): boolean {
  const first = FIRST[family]
  if (kinds === undefined || first === null) return true
  const choice = choiceOf(kind, first)
  if (!kinds.includes(choice)) return false
  if (!ALERTS.includes(choice)) return isFollowUp || !kinds.some((one) => ALERTS.includes(one))
  return choice === first || kinds.includes(first) || !kinds.some((one) => FIRSTS.includes(one))
}

/** Whether a recipient gets the first email about a failure of this family. */
export function choosesFirst({ kinds }: Pick<Recipient, 'kinds'>, family: Family): boolean {
  const first = FIRST[family]
  return kinds === undefined || first === null || kinds.includes(first)
}

function choiceOf(kind: MailKind, first: Choice): Choice {
  if (kind === 'wider' || kind === 'reminder' || kind === 'now-explained' || kind === 'recovered') return kind
  return kind === 'dropped' ? 'recovered' : first
}

import { withName } from '../domain/account-names.ts'
import type { Facts, ProbeFacts } from '../domain/notification.ts'
import { type Family, HOUR_MS } from '../domain/probe.ts'
import { foreignName } from './failure-summary.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { capital, stop } from './sentence.ts'
import { hhmmss } from './times.ts'

/** Who gets an email that concerns no monitor, and how to change that. */
export const CONCERNS_NO_MONITOR =
  'This belongs to no monitor, so it goes to every recipient without `after`. Set `selfAlerts: false` for a recipient to opt out.'

const ORIGINAL_ALERT: Readonly<Record<Family, string>> = {
  outage: 'You received the original alert.',
  misconfigured: 'You received the original alert.',
  offline: 'You received the alert that this host was offline.',
  blind: 'You received the alert that there were no results.',
}

const WHAT_IT_WAS: Readonly<Record<Family, string>> = {
  outage: 'an outage',
  misconfigured: 'a problem in our own setup',
  offline: 'a network failure',
  blind: 'missing results',
}

/** Why this recipient gets this email. */
export function whySent(facts: Facts, isMerged: boolean, limits: Limits): string {
  const { kind, incident } = facts
  if (kind === 'recovered' || kind === 'now-explained' || kind === 'dropped') {
    if (isMerged) return 'The original alert did not reach you, so this email covers both.'
    return ORIGINAL_ALERT[incident?.family ?? 'outage']
  }
  const continues = incident?.continues ?? null
  return [
    ...decision(facts, limits),
    ...failedRuns(facts, limits),
    ...(incident?.family === 'offline' ? [CONCERNS_NO_MONITOR] : []),
    ...(continues === null
      ? []
      : [`It continues incident ${foreign(continues.id, limits.word)}, which was ${WHAT_IT_WAS[continues.family]}.`]),
  ].join(' ')
}

/** The decision's own reason, unless the first sentence or the one on AWS Health gives it. Why Alibi is blind is given nowhere else. */
function decision({ kind, reason, probes }: Facts, limits: Limits): readonly string[] {
  const isGiven = kind !== 'blind' && probes.some(({ verdict, lapsed }) => reason === verdict.why || reason === lapsed)
  return isGiven ? [] : [stop(capital(foreign(reason, limits.sentence)))]
}

/** "7 of 7 runs of 111122223333 failed since 11:58:02Z (threshold: 3 of 5 runs fail)." */
function failedRuns(facts: Facts, limits: Limits): readonly string[] {
  const [monitor] = facts.monitors
  const counted = countOf(facts, limits)
  const threshold = monitor === undefined ? null : `threshold: ${foreign(monitor.threshold, limits.sentence)}`
  if (counted === null) return threshold === null ? [] : [stop(capital(threshold))]
  return [`${counted}${threshold === null ? '' : ` (${threshold})`}.`]
}

/** "7 of 7 runs of 111122223333 failed since 11:58:02Z", or of the last hour where it began before. */
function countOf({ probes, others, at }: Facts, limits: Limits): string | null {
  const failing = probes.filter(({ state }) => state !== 'recovered')
  // Only the runs of the probes in full are known: where there are more, the first one stands for them.
  const counted = others.total === 0 ? failing : failing.slice(0, 1)
  const onset = Math.min(...counted.map((probe) => probe.onset))
  const since = Math.max(onset, at - HOUR_MS)
  const runs = counted.flatMap((probe) =>
    probe.strip.filter((run) => run.at >= Math.max(probe.onset, since) && run.mark !== 'inconclusive'),
  )
  const failed = runs.filter(({ mark }) => mark === 'failed').length
  if (failed === 0) return null
  const whose = whoseRuns(counted, others.total === 0 ? 0 : probes.length + others.total, limits)
  const when = since === onset ? `since ${hhmmss(onset, at)}` : 'in the last hour'
  return `${failed} of ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} ${whose} failed ${when}`
}

/** `of 111122223333`, `in 4 accounts`, `of 111122223333, one of 14 probes,` */
function whoseRuns(counted: readonly ProbeFacts[], total: number, limits: Limits): string {
  const accounts = [...new Set(counted.map(({ account }) => account))]
  if (accounts.length > 1) return `in ${accounts.length} accounts`
  const account = accounts[0] === 'self' ? 'our own account' : foreign(accounts[0] ?? '', limits.word)
  return `of ${withName(account, foreignName(counted[0]?.accountName, limits))}${total === 0 ? '' : `, one of ${total} probes,`}`
}

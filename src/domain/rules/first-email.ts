import { utc } from '../duration.ts'
import type { Member } from '../incident.ts'
import type { MailKind } from '../notification.ts'
import type { Family, Instant } from '../probe.ts'
import type { RuleName } from '../rule.ts'
import { type RecipientView, viewOf } from '../view.ts'
import { isAdded } from './config-change.ts'
import { gathering } from './gathering.ts'
import { joining } from './joining.ts'
import { whyUnexplained } from './reasons.ts'
import { remindEveryOf } from './reminder.ts'
import { type Blocked, blocked, type Due, due, type Rule, sift } from './result.ts'
import { silenced } from './silence.ts'
import type { Situation } from './situation.ts'

export const FIRST_KIND: Readonly<Record<Family, MailKind>> = {
  outage: 'failing',
  misconfigured: 'misconfigured',
  offline: 'offline',
  blind: 'blind',
}

export const RECOVERING = blocked('first-email', 'recovering', 'the last run of every probe was ok: the next one decides')

/** Notifies those who have not been notified yet, whether the incident is new to everybody or only to them. */
export const firstEmail: Rule = (situation) => {
  const { incident, views } = situation
  const untold = views.filter(
    (view) => view.heard === null && view.verdict !== 'explained' && (view.afterMs === null || view.heir),
  )
  const expectsAnother = othersAreNotifiedSoon(situation)
  const first = sift(
    untold.filter((view) => !(expectsAnother && isAdded(view, incident))),
    (view) => notYet(view, situation),
  )
  if (first.ready.length > 0) return notify(first.ready, !expectsAnother, situation)
  return first.blocked ?? startWithoutEmail(untold, situation)
}

/** `config-change`: an added recipient waits for the next email to the others, if there will be one. */
function othersAreNotifiedSoon({ incident, views, ack, context }: Situation): boolean {
  const reminders = remindEveryOf(incident.family, context.setup.policy.remindEveryMs)
  return reminders !== null && ack === null && views.some((view) => view.heard !== null && view.verdict !== 'explained')
}

function notify(ready: readonly RecipientView[], setsPace: boolean, { incident }: Situation): Due {
  const kind = kindOf(incident)
  if (incident.announcedAt !== null) {
    const reason = `the incident now concerns ${ready.map((view) => view.recipient).join(', ')}`
    const to = ready.map((view) => ({ view, reason }))
    return due(kind, 'first-email', to, setsPace)
  }
  const to = ready.map((view) => ({ view, reason: whyUnexplained(incident, view.unexplained, view.verdict) }))
  return due(kind, ruleOf(kind, ready), to, setsPace)
}

/**
 * Where nobody is notified at once the first email falls due all the same, to nobody: `escalation` counts from it. Looks at the
 * probes of those who are to be notified later only.
 */
function startWithoutEmail(untold: readonly RecipientView[], situation: Situation): Due | Blocked | null {
  const { incident, failing, context } = situation
  if (incident.announcedAt !== null) return null
  const prompt = new Set(untold.flatMap(({ own }) => own.map((member) => member.monitor)))
  const rest = viewOf(
    '',
    failing.filter((member) => !prompt.has(member.monitor)),
    context,
  )
  if (rest.unexplained.length === 0) return null
  const kind = kindOf(incident)
  return notYet(rest, situation) ?? due(kind, kind === 'flapping' ? 'recovery' : 'first-email', [])
}

/** `recovery`: an incident that has begun to flap is announced as such. */
function kindOf({ flapping, announcedAt, family }: Situation['incident']): MailKind {
  return flapping && announcedAt === null ? 'flapping' : FIRST_KIND[family]
}

function ruleOf(kind: MailKind, ready: readonly RecipientView[]): RuleName {
  if (kind === 'flapping') return 'recovery'
  const hasLapsed = ready.some(({ own }) => own.some((member) => member.judgement.lapsed !== null))
  return hasLapsed ? 'lapsed-explanation' : 'first-email'
}

function notYet(view: RecipientView, situation: Situation): Blocked | null {
  const { incident, timersMayFire, context } = situation
  const waitUntil = thresholdOf(view, situation) + context.setup.policy.waitMs
  if (context.now < waitUntil)
    return blocked('first-email', 'wait', `policy.wait: AWS may still post an event until ${utc(waitUntil)}`)
  const others = gathering(view, context)
  if (others !== null) return others
  if (!timersMayFire) return blocked('restart', 'fresh', 'every probe of the incident runs once more before anything is sent')
  if (!view.unexplained.some((member) => member.state === 'failing')) return RECOVERING
  return view.loud ? joining(view, situation) : silenced(kindOf(incident), view.unexplained, context)
}

/** When the threshold was reached for the first of the probes that this recipient is notified of, in the current episode. */
export function thresholdOf({ own, recipient }: RecipientView, { incident, context }: Situation): Instant {
  const mine = (m: Member) => context.setup.monitors.get(m.monitor)?.notify.includes(recipient) === true
  const past = incident.members.filter((m) => m.recoveredAt !== null && m.recoveredAt >= incident.episodeAt && mine(m))
  return [...own, ...past].reduce((first, member) => Math.min(first, member.failedAt), Number.POSITIVE_INFINITY)
}

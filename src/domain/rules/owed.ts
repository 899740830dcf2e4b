import type { Step } from '../announcement.ts'
import { opened, union } from '../audience.ts'
import type { Audience, Heard, Incident } from '../incident.ts'
import type { LedgerRow } from '../ledger.ts'
import { servicesOf } from '../service-facts.ts'
import type { PastSilence } from '../silence.ts'
import type { RecipientView } from '../view.ts'
import { eventsOf, evidenceOf } from './reasons.ts'
import type { Addressee, Blocked, Due } from './result.ts'
import { silenceBehind } from './silence.ts'
import type { Situation } from './situation.ts'

/** Reasons of one email that the ledger names, where each recipient has their own. */
const MAX_REASONS = 3

/** The step that owes this email. */
export function owed(due: Due, situation: Situation): Step {
  const { incident, verdict, notes, context } = situation
  const { kind, rule } = due
  const seq = incident.seq + 1
  const to = due.to.map((addressee) => notified(addressee, due, situation))
  const reasons = new Map(due.to.map(({ view, reason }) => [view.recipient, reason]))
  const reason = [...new Set(reasons.values())].slice(0, MAX_REASONS).join('; ')
  const row: LedgerRow = {
    at: context.now,
    incident: incident.id,
    probe: null,
    decision: 'mailed',
    rule,
    reason: `${kind}: ${reason}`,
    evidence: { to: [...reasons.keys()], seq, verdict },
  }
  return {
    incident: announced(to, due, situation),
    announcement: { kind, reason, reasons, silences: silencesBehind(due, context), rule, seq, to, hindsight: incident.hindsight },
    ledger: [...notes, row],
  }
}

/** For each recipient the silence that ended since their last email. What AWS says was never withheld. */
function silencesBehind({ kind, to }: Due, context: Situation['context']): ReadonlyMap<string, PastSilence> {
  if (kind === 'now-explained') return new Map()
  return new Map(
    to.flatMap(({ view: { recipient, own, heard } }) => {
      const silence = silenceBehind(own, heard?.at ?? Number.NEGATIVE_INFINITY, context)
      return silence === null ? [] : [[recipient, silence] as const]
    }),
  )
}

/** The step that owes nothing, and records why. */
export function withheld({ rule, key, reason }: Blocked, { incident, failing, verdict, notes, context }: Situation): Step {
  const silent = verdict === 'explained' ? 'suppressed' : 'waiting'
  const state = incident.announcedAt === null ? silent : 'announced'
  if (incident.withheld === key) return { incident: { ...incident, state }, announcement: null, ledger: notes }
  const row: LedgerRow = {
    at: context.now,
    incident: incident.id,
    probe: null,
    decision: 'withheld',
    rule,
    reason,
    evidence: evidenceOf(failing),
  }
  return { incident: { ...incident, state, withheld: key }, announcement: null, ledger: [...notes, row] }
}

/** A recipient's side of the incident once the email is owed to them. */
function notified({ view }: Addressee, due: Due, situation: Situation): Audience {
  const { incident, context } = situation
  const entry = opened(incident, view.recipient, incident.seq + 1, context.setup)
  return {
    ...entry,
    monitors: union(entry.monitors, [...new Set(view.own.map((member) => member.monitor))]),
    reopened: entry.reopened ?? incident.reopenedAt.length,
    heard: heardWith(due, view, situation),
  }
}

function heardWith(due: Due, view: RecipientView, { incident, context: { now } }: Situation): Heard {
  const known = incident.audience.find((a) => a.recipient === view.recipient)
  const events = known?.heard?.events ?? (known === undefined ? [] : incident.namedEvents)
  const explained = view.verdict === 'explained'
  return {
    at: due.setsPace ? now : (incident.lastMailAt ?? now),
    ...servicesTold(view, known?.heard),
    failing: view.own.length,
    widerAt: due.kind === 'wider' ? now : (view.heard?.widerAt ?? null),
    verdict: view.verdict,
    lapse: null,
    explained,
    events: explained ? union(events, eventsOf(view.own)) : events,
  }
}

/** Nothing is stored if Account is the only service. */
function servicesTold({ own }: RecipientView, before: Heard | null | undefined): Pick<Heard, 'services'> {
  const services = union(before?.services ?? [], servicesOf(own))
  return services.every((service) => service === 'account') ? {} : { services }
}

/** The incident once the email is owed to these recipients. */
function announced(to: readonly Audience[], due: Due, { incident, views, context: { now } }: Situation): Incident {
  const names = to.map((a) => a.recipient)
  const othersKnow = views.some((view) => view.heard !== null && !names.includes(view.recipient))
  return {
    ...incident,
    audience: [...incident.audience.filter((a) => !names.includes(a.recipient)), ...to],
    seq: incident.seq + 1,
    state: 'announced',
    announcedAt: incident.announcedAt ?? now,
    lastMailAt: due.setsPace ? now : incident.lastMailAt,
    namedEvents: to.reduce((all, { heard }) => union(all, heard?.explained === true ? heard.events : []), incident.namedEvents),
    withheld: null,
    // Everybody who was notified gets what is known in hindsight.
    hindsight: othersKnow ? incident.hindsight : [],
    added: incident.added.filter((name) => !names.includes(name)),
  }
}

import { type Audience, failingMembers, type Incident, type Member } from '../incident.ts'
import type { LedgerRow } from '../ledger.ts'
import type { Ack } from '../silence.ts'
import type { Verdict } from '../verdict.ts'
import { overallVerdict, type RecipientView, renamed, viewsOf } from '../view.ts'
import { newcomers } from './config-change.ts'
import { recordVerdict } from './consult.ts'
import type { Context } from './context.ts'
import { noLongerExplained } from './reasons.ts'
import { timersMayFire } from './timers.ts'

/** An incident at one moment, with all that the rules look at. */
export type Situation = Readonly<{
  /** The incident with its new verdict, and with its audience brought up to date. */
  incident: Incident
  failing: readonly Member[]
  /** The verdict over all failing probes. */
  verdict: Verdict['kind']
  /** What the incident is to each recipient. */
  views: readonly RecipientView[]
  /** The acknowledgement of the current episode. */
  ack: Ack | null
  /** Whether timers may fire at all (`timers`). */
  timersMayFire: boolean
  /** Ledger rows about what has changed so far, whether or not an email is due. */
  notes: readonly LedgerRow[]
  context: Context
}>

export function situationOf(was: Incident, context: Context): Situation {
  const { setup, now } = context
  const failing = failingMembers(was)
  const verdict = overallVerdict(failing)
  const audience = renamed(was, failing, setup)
  const views = viewsOf({ ...was, audience }, failing, context).map(updated)
  const recorded = recordVerdict(was, verdict, now)
  const incident = { ...recorded.incident, audience: keptUnlessChanged(audience, views), ...newcomers(was, views, now) }
  const ack = context.ack !== null && context.ack.at >= incident.episodeAt ? context.ack : null
  return {
    incident,
    failing,
    verdict,
    views,
    ack,
    timersMayFire: timersMayFire(failing, context),
    notes: recorded.notes,
    context,
  }
}

/** The view with what has changed since the last step: an explanation that has ended owes an email, unless it has come back. */
function updated(view: RecipientView): RecipientView {
  const { heard, verdict } = view
  if (heard === null) return view
  const ended = heard.verdict === 'explained' ? noLongerExplained(view.own) : heard.lapse
  const lapse = verdict === 'explained' ? null : ended
  return lapse === heard.lapse && verdict === heard.verdict ? view : { ...view, heard: { ...heard, lapse, verdict } }
}

/** The same object if nothing in it has changed, so that it is not written to disk again. */
function keptUnlessChanged(audience: readonly Audience[], views: readonly RecipientView[]): readonly Audience[] {
  const heard = new Map(views.map((view) => [view.recipient, view.heard]))
  const next = audience.map((a) => {
    const now = heard.get(a.recipient) ?? null
    return !a.open || a.heir === true || now === null || now === a.heard ? a : { ...a, heard: now }
  })
  return next.every((a, i) => a === audience[i]) ? audience : next
}

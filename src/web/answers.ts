import { rerunsOf } from '../domain/cadence.ts'
import { counted } from '../domain/counted.ts'
import { inWordsByClock } from '../domain/duration.ts'
import { mailingsOf } from '../domain/mailing.ts'
import type { Instant } from '../domain/probe.ts'
import { spanOf } from '../domain/span.ts'
import type { Tone } from '../email/opening.ts'
import type { Card } from './card.ts'
import { latestWithheld } from './notified.ts'
import { ago, clockTime, DATABASE_UNREADABLE } from './phrase.ts'
import { countOf, type ProbeStatus } from './probe-status.ts'
import type { OnRecord } from './record.ts'
import type { Health, View } from './view.ts'
import { type NoEmailNow, whatWasWithheld } from './withheld.ts'

export type Answer = Readonly<{ question: string; answer: string }>

/** What the answers are made of. */
export type Situation = Readonly<{
  view: View
  known: OnRecord
  health: Health
  statuses: readonly ProbeStatus[]
  /** The worst open incident. */
  worst: Card | null
}>

/** The state of the whole in a word or two. */
export function headline({ view, health, statuses, worst }: Situation): Readonly<{ state: string; tone: Tone }> {
  if (worst?.tone === 'bad') return worst
  if (!health.ok) return { state: 'ALIBI IS UNHEALTHY', tone: 'bad' }
  if (worst !== null) return worst
  if (view.world.connectivity.offlineSince !== null) return { state: 'OFFLINE', tone: 'warn' }
  if (countOf(statuses, 'checking') > 0) return { state: 'CHECKING', tone: 'plain' }
  // Green only when every probe has a result: the first round takes a while where there are many.
  if (countOf(statuses, 'not run yet') > 0) return { state: 'STARTING', tone: 'plain' }
  return { state: 'OK', tone: 'good' }
}

/** The four questions that somebody who is woken up has. */
export function answersOf(situation: Situation, now: Instant): readonly Answer[] {
  const { known, view, worst } = situation
  return [
    { question: 'Is anything wrong?', answer: whatIsWrong(situation, now) },
    { question: 'Is it AWS?', answer: worst === null ? lastReading(view, now) : andMore(worst.awsInShort, known.openCount) },
    { question: 'Was anyone notified?', answer: worst?.notified ?? nobodyToNotify(known) },
    { question: 'What was withheld, and why?', answer: whatWasWithheld(known.withheld, noEmailNow(situation), now) },
  ]
}

function noEmailNow({ known, worst }: Situation): NoEmailNow | null {
  if (worst === null || worst.withheld === null) return null
  return { text: worst.withheld, rule: latestWithheld(known.rows.get(worst.id) ?? null)?.rule ?? null }
}

function whatIsWrong(situation: Situation, now: Instant): string {
  const { view, statuses, worst } = situation
  const { offlineSince } = view.world.connectivity
  if (offlineSince !== null) {
    return `This host has reached neither AWS nor the control host since ${clockTime(offlineSince, now)} (${inWordsByClock(offlineSince, now)}). No probe is judged until it does.`
  }
  const [first, ...rest] = troubles(statuses, view)
  if (first !== undefined) return `${[`${first}${sinceWhen(view, now)}`, ...rest].join('; ')}.`
  if (worst !== null) return `An incident is open${sinceWhen(view, now)}.`
  return nothingWrong(situation, now)
}

/** What is not as it should be, worst first; empty where nothing is. */
function troubles(statuses: readonly ProbeStatus[], view: View): readonly string[] {
  const all = counted(statuses.length, 'probe')
  const [failing, recovering] = [countOf(statuses, 'failing'), countOf(statuses, 'recovering')]
  const [blind, checking, notRun] = [countOf(statuses, 'blind'), countOf(statuses, 'checking'), countOf(statuses, 'not run yet')]
  const found = [
    ...(failing > 0 ? [`${failing} of ${all} ${isOrAre(failing)} failing`] : []),
    ...(recovering > 0 ? [`${recovering} of ${all} ${isOrAre(recovering)} recovering`] : []),
    ...(blind > 0 ? [`${blind} of ${all} ${blind === 1 ? 'has' : 'have'} no recent result`] : []),
    ...(checking > 0 ? [beingChecked(checking, statuses, view)] : []),
  ]
  return found.length > 0 && notRun > 0 ? [...found, `${notRun} not run yet`] : found
}

/** Since the first onset of all open incidents, not only of those that are shown. */
function sinceWhen({ world }: View, now: Instant): string {
  const open = [...world.incidents.values()].filter(({ state }) => state !== 'closed')
  if (open.length === 0) return ''
  const onset = Math.min(...open.map((incident) => spanOf(incident).from))
  return `, since ${clockTime(onset, now)} (${inWordsByClock(onset, now)})`
}

/** Where many fail, only some are rerun before their schedule says so (`threshold`). */
function beingChecked(checking: number, statuses: readonly ProbeStatus[], { setup, world }: View): string {
  const chosen = new Set(
    [...setup.monitors.values()].flatMap((monitor) => rerunsOf(monitor, world.probes).map(({ state }) => state)),
  )
  const rerun = statuses.filter(({ word, state }) => word === 'checking' && state !== null && chosen.has(state)).length
  if (rerun === checking) return `${checking} failed and ${isOrAre(checking)} being rerun to confirm`
  const how =
    rerun === 0 ? 'they run again on schedule' : `${rerun} of them ${isOrAre(rerun)} being rerun now, the others run on schedule`
  return `${checking} failed but ${isOrAre(checking)} below the threshold: ${how}`
}

function nothingWrong({ statuses, health }: Situation, now: Instant): string {
  const all = statuses.length
  if (all === 0) return 'Nothing is monitored.'
  const last = Math.max(...statuses.map(({ state }) => state?.lastRunAt ?? 0))
  if (last === 0) return `Unknown: none of ${counted(all, 'probe')} has run yet.`
  const began = `The last run began ${ago(last, now)}.`
  const ok = countOf(statuses, 'ok')
  if (ok === 0) return `Unknown: none of ${counted(all, 'probe')} has a result yet. ${began}`
  if (ok < all) return `Not so far: ${ok} of ${counted(all, 'probe')} ${isOrAre(ok)} ok, ${all - ok} not run yet. ${began}`
  const lead = all === 1 ? 'the only probe is ok' : `all ${all} probes are ok`
  return `${health.ok ? 'No' : 'Not with AWS Account'}: ${lead}. ${began}`
}

function andMore(answer: string, open: number): string {
  return open > 1 ? `${answer} (${counted(open - 1, 'more incident')} below.)` : answer
}

function lastReading({ readings }: View, now: Instant): string {
  const times = [...readings.values()].map(({ at }) => at)
  if (times.length === 0) return 'Nothing needs an explanation. AWS Health has not been asked yet.'
  return `Nothing needs an explanation. AWS Health was last asked ${ago(Math.min(...times), now)}.`
}

function nobodyToNotify({ outbox, fault }: OnRecord): string {
  const left = mailingsOf(outbox).length
  if (left > 0)
    return `No incident is open, but ${counted(left, 'email')} about earlier ones ${left === 1 ? 'has' : 'have'} not been delivered (below).`
  return fault === null ? 'Nobody needs to be: no incident is open.' : DATABASE_UNREADABLE
}

function isOrAre(n: number): string {
  return n === 1 ? 'is' : 'are'
}

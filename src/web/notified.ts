import type { Incident } from '../domain/incident.ts'
import { type LedgerRow, withheldLongest } from '../domain/ledger.ts'
import { mailingsOf } from '../domain/mailing.ts'
import type { Owed } from '../domain/notification.ts'
import type { Instant } from '../domain/probe.ts'
import { withoutAddresses } from '../domain/shown.ts'
import { foreign } from '../email/foreign.ts'
import { stop } from '../email/sentence.ts'
import { undelivered } from './mail-row.ts'
import { clockTime, DATABASE_UNREADABLE, MAX_NAMES, SENTENCE, WORD } from './phrase.ts'
import type { View } from './view.ts'

/** What the database holds about an incident; `null` where it could not be read. Both oldest first. */
export type History = Readonly<{ rows: readonly LedgerRow[] | null; mails: readonly Owed[] | null }>

/** Who was notified of an incident, who is still waiting for an email, and why. */
export function wasAnyoneNotified(incident: Pick<Incident, 'state'>, { rows, mails }: History, now: Instant): string {
  if (mails === null) return DATABASE_UNREADABLE
  const delivered = mails.filter(({ state }) => state === 'delivered')
  const waiting = mails.filter(({ state }) => state === 'due' || state === 'retrying' || state === 'sending')
  const refused = mails.filter(({ state }) => state === 'refused')
  if (delivered.length + waiting.length + refused.length === 0) {
    const why = whyWithheld(rows)
    return `Nobody${incident.state === 'closed' ? '' : ' yet'}${why === null ? '.' : `: ${why}`}`
  }
  const label = delivered.length === 0 ? 'Not yet' : 'Not yet delivered'
  return [
    ...(delivered.length === 0 ? [] : [recipientsOf(delivered, mails, now)]),
    ...waiting.slice(0, MAX_NAMES).map((owed) => stop(`${label}: ${undelivered(owed, now)}`)),
    ...refused.slice(0, MAX_NAMES).map((owed) => stop(`Refused by the mail server: ${undelivered(owed, now)}`)),
  ].join(' ')
}

/** `Yes: oncall (failing 11:59 UTC, recovered 12:40 UTC).` */
function recipientsOf(delivered: readonly Owed[], mails: readonly Owed[], now: Instant): string {
  const byRecipient = [...Map.groupBy(delivered, (owed) => owed.notification.recipient)]
  const names = byRecipient.slice(0, MAX_NAMES).map(([name, theirs]) => {
    const latest = mailingsOf(theirs)
      .slice(-2)
      .map(({ notification, deliveredAt }) => `${notification.kind} ${clockTime(deliveredAt ?? notification.createdAt, now)}`)
    return `${foreign(name, WORD)}${someAddresses(theirs, mails)} (${latest.join(', ')})`
  })
  const more = byRecipient.length > MAX_NAMES ? ` and ${byRecipient.length - MAX_NAMES} more` : ''
  return `Yes: ${names.join(', ')}${more}.`
}

/** The addresses of a recipient that were notified, unless all of them were. */
function someAddresses(theirs: readonly Owed[], mails: readonly Owed[]): string {
  const recipient = theirs[0]?.notification.recipient
  const all = new Set(mails.filter((owed) => owed.notification.recipient === recipient).map(({ address }) => address))
  const notified = new Set(theirs.map(({ address }) => address))
  return notified.size === all.size ? '' : ` at ${foreign([...notified].join(', '), WORD)}`
}

/** Why no email is due, in the ledger's own words; `null` if the latest decision was to send one. */
export function whyWithheld(rows: readonly LedgerRow[] | null): string | null {
  const withheld = latestWithheld(rows)
  if (withheld === null) return null
  const rule = withheld.rule === null ? '' : ` (rule: ${foreign(withheld.rule, WORD)})`
  return stop(`${foreign(withoutAddresses(withheld.reason), SENTENCE)}${rule}`)
}

/** The decision by which no email is due; `null` if the latest decision was to send one. */
export function latestWithheld(rows: readonly LedgerRow[] | null): LedgerRow | null {
  const row = rows?.findLast(({ decision }) => decision === 'withheld' || decision === 'mailed' || decision === 'closed')
  const isSilent = rows?.some(({ decision }) => decision === 'mailed') === false
  const inTheEnd = isSilent && row !== undefined ? withheldLongest(rows, row.at) : rows?.findLast(isWithheld)
  const withheld = row?.decision === 'closed' ? inTheEnd : row
  return withheld?.decision === 'withheld' ? withheld : null
}

function isWithheld({ decision }: LedgerRow): boolean {
  return decision === 'withheld'
}

/** What is sent next if nothing changes (`hold`, `escalation`); empty if nothing is. */
export function nextEmail(incident: Incident, view: View, now: Instant): string {
  if (incident.state === 'closed') return ''
  return incident.verdict === 'explained' ? nextByHold(incident, view, now) : nextByEscalation(incident, view, now)
}

function nextByHold(incident: Incident, { setup }: View, now: Instant): string {
  const { holdAtMostMs } = setup.policy
  const due = (incident.lastMailAt ?? incident.episodeAt) + holdAtMostMs
  return holdAtMostMs === 0 || due <= now ? '' : `If it continues, an email goes out at ${clockTime(due, now)} regardless.`
}

function nextByEscalation(incident: Incident, { setup, world }: View, now: Instant): string {
  const { announcedAt, audience } = incident
  if (announcedAt === null || world.acks.has(incident.id)) return ''
  const failing = incident.members.filter((member) => member.state !== 'recovered')
  const concerned = new Set(failing.flatMap((member) => setup.monitors.get(member.monitor)?.notify ?? []))
  const next = [...setup.recipients.values()].flatMap(({ name, afterMs }) => {
    const isDue = afterMs !== null && announcedAt + afterMs > now && concerned.has(name)
    return !isDue || audience.some((one) => one.recipient === name && one.open) ? [] : [{ name, at: announcedAt + afterMs }]
  })
  if (next.length === 0) return ''
  const names = next.slice(0, MAX_NAMES).map(({ name, at }) => `${foreign(name, WORD)} at ${clockTime(at, now)}`)
  return `If it continues: ${names.join(', ')}.`
}

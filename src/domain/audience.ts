import type { Audience, Incident, Member } from './incident.ts'
import type { Recipient } from './policy.ts'
import type { Family } from './probe.ts'
import { servicesOf, titleOfService } from './service-facts.ts'
import type { Setup } from './setup.ts'

/** A name as part of an id: escaped where it could not stand in a Message-ID, and without dots, which separate the parts. */
export function idPart(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll('.', '%2E')
}

/** `incident.seq.recipient`: fixed when the notification is committed. */
export function notificationId(scope: string, seq: number, recipient: string): string {
  return `${scope}.${seq}.${idPart(recipient)}`
}

export function messageIdOf(id: string, domain: string): string {
  return `<${id}@${domain}>`
}

/** Names of the recipients that the monitors of these probes notify, in the order of the configuration. */
export function notifiedBy(members: readonly Member[], setup: Setup): readonly string[] {
  const monitors = new Set(members.map((member) => member.monitor))
  const names = new Set([...monitors].flatMap((name) => setup.monitors.get(name)?.notify ?? []))
  return [...setup.recipients.keys()].filter((name) => names.has(name))
}

/**
 * Who gets the emails that belong to no monitor, self-alerts and `offline`: those with `selfAlerts: true`, and those
 * without `after` that do not set it; if there are none, everybody who has not opted out. Never nobody.
 */
export function selfAlertRecipients(recipients: Iterable<Recipient>): readonly Recipient[] {
  const all = [...recipients]
  const willing = all.filter(({ selfAlerts }) => selfAlerts !== false)
  const asked = willing.filter(({ selfAlerts, afterMs }) => selfAlerts === true || afterMs === null)
  return [asked, willing, all].find((some) => some.length > 0) ?? []
}

/** The members that a recipient is notified of: those of the monitors that notify them. */
export function membersFor(recipient: string, members: readonly Member[], setup: Setup): readonly Member[] {
  return members.filter((member) => setup.monitors.get(member.monitor)?.notify.includes(recipient) === true)
}

/** The members that somebody was notified of: those of the monitors that notify them now, and of those that did. */
export function notifiedMembers(a: Audience, members: readonly Member[], setup: Setup): readonly Member[] {
  const known = new Set(a.monitors)
  return members.filter(({ monitor }) => known.has(monitor) || setup.monitors.get(monitor)?.notify.includes(a.recipient) === true)
}

const TROUBLE: Readonly<Record<Family, string>> = {
  outage: 'AWS Account trouble',
  misconfigured: 'access to AWS Account refused',
  offline: 'this host is cut off',
  blind: 'probes without an answer',
}

/** It never changes, because mail programs split a thread whose subject does: it has no state, no count and no time. */
export function subjectFor(incident: Incident, recipient: string, setup: Setup): string {
  const all = [...new Set(membersFor(recipient, incident.members, setup).map((m) => m.monitor))]
  const monitors =
    all.length === 0 ? [...setup.monitors.values()].filter((m) => m.notify.includes(recipient)).map((m) => m.name) : all
  const first = monitors[0] ?? 'alibi'
  const more = monitors.length > 1 ? ` +${monitors.length - 1}` : ''
  return `[alibi] ${first}${more}: ${troubleOf(incident)} #${incident.id.slice(0, 4)}`
}

/** In words: the failing service, or AWS if there are several; an outage with its region, unless that is Account's. */
function troubleOf({ members, family, region }: Incident): string {
  const services = servicesOf(members)
  if (services.every((service) => service === 'account') || family === 'offline' || family === 'blind') return TROUBLE[family]
  const [only = ''] = services
  const name = services.length === 1 ? titleOfService(only) : 'AWS'
  return family === 'outage' ? `${name} trouble${region === undefined ? '' : ` in ${region}`}` : `calls to ${name} refused`
}

/** Older threads have nothing left to send. */
const MAX_PAST = 20

/**
 * `family-change`: the side of a recipient who was notified of an incident, in the one that continues it. If they have no open
 * thread of that one, the old thread continues: to them it is one story. If both are open, the old thread ends in the other one,
 * whose next email also says what could not be delivered in the old one.
 */
export function inherited(mine: Audience | undefined, old: Audience, from: Incident): Audience {
  const last = { thread: old.root, incident: from.id }
  const all = [...(mine?.past ?? []), ...(old.past ?? []), last]
  const past = all
    .filter((one, i) => all.findIndex((other) => other.thread === one.thread && other.incident === one.incident) === i)
    .slice(-MAX_PAST)
  const goesOn = { from: { id: from.id, family: from.family }, past }
  const { unsent } = old
  if (mine?.open === true) {
    const monitors = union(mine.monitors, old.monitors)
    const { unsent: mineUnsent, ...rest } = mine
    const both = unsent === undefined || mineUnsent === undefined ? {} : { unsent: mineUnsent }
    const thread = mineUnsent === 'never' && unsent === undefined ? { root: old.root, subject: old.subject } : {}
    return { ...rest, ...both, ...thread, notified: union(notifiedAddresses(mine), notifiedAddresses(old)), monitors, ...goesOn }
  }
  const { recipient, to, subject, root } = old
  const monitors = union(mine?.monitors ?? [], old.monitors)
  return {
    recipient,
    to,
    notified: notifiedAddresses(old),
    subject,
    root,
    open: true,
    heir: true,
    ...goesOn,
    ...(unsent === undefined ? {} : { unsent }),
    heard: null,
    monitors,
    reopened: mine?.reopened ?? null,
  }
}

/** Who has to be notified of the recovery: every address that was notified of the failure (`config-change`). */
export function notifiedAddresses({ notified, to }: Audience): readonly string[] {
  return notified ?? to
}

/** Both lists, without repeats. */
export function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])]
}

/** Opens, or reopens, a recipient's side of the incident with the email of this sequence. */
export function opened(incident: Incident, recipient: string, seq: number, setup: Setup): Audience {
  const known = incident.audience.find((a) => a.recipient === recipient)
  const to = setup.recipients.get(recipient)?.to ?? known?.to ?? []
  if (known !== undefined) {
    const { heir: _, notified: __, ...same } = known
    const notified = union(notifiedAddresses(known), to)
    if (known.open) return { ...same, to, ...(notified.length === to.length ? {} : { notified }), open: true }
    // The new episode continues the thread, but has nothing else in common with the one that is over.
    const { from: ___, ...thread } = same
    return { ...thread, to, monitors: [], open: true }
  }
  const root = messageIdOf(notificationId(incident.id, seq, recipient), setup.mailDomain)
  return {
    recipient,
    to,
    subject: subjectFor(incident, recipient, setup),
    root,
    open: true,
    heard: null,
    monitors: [],
    reopened: null,
  }
}

import { membersFor, notifiedAddresses, notifiedBy } from './audience.ts'
import { choosesFirst } from './choice.ts'
import type { Audience, Heard, Incident, Member } from './incident.ts'
import type { Instant } from './probe.ts'
import type { Setup } from './setup.ts'
import { endOfSilence, hasEnded, isInForce, quietUntil, type Silence, silenceOver } from './silence.ts'
import type { Verdict } from './verdict.ts'

/**
 * What an incident is to one recipient: the failing probes of the monitors that notify them, and what they were notified of. The
 * rules decide for each view, because what AWS explains to one recipient may be unexplained to another (`grouping`).
 */
export type RecipientView = Readonly<{
  recipient: string
  /** `escalation`: notified only this long after the first email was due; `null`: at once. */
  afterMs: number | null
  /** What they were notified of in this episode; `null`: nothing so far. */
  heard: Heard | null
  /** Notified of an incident that continues here, but not of this one (`family-change`). */
  heir: boolean
  /** Their failing probes. */
  own: readonly Member[]
  /** Those of them about which no silence keeps anything from being sent. */
  audible: readonly Member[]
  /** Those of them that AWS does not explain. */
  unexplained: readonly Member[]
  /** Over all of their own. */
  verdict: Verdict['kind']
  /** Something audible is unexplained. */
  loud: boolean
}>

/** `grouping`: explained only if every failing probe is, else unexplained if any is, else undetermined. */
export function overallVerdict(members: readonly Member[]): Verdict['kind'] {
  const kinds = members.map((member) => member.judgement.verdict.kind)
  if (kinds.length > 0 && kinds.every((kind) => kind === 'explained')) return 'explained'
  return kinds.includes('unexplained') || kinds.length === 0 ? 'unexplained' : 'undetermined'
}

type Around = Readonly<{ setup: Setup; silences: readonly Silence[]; now: Instant }>

/**
 * The views of everybody whom a monitor of the failing probes notifies. A recipient without a failing probe has none: if they were
 * notified before, they are notified of the end, and of nothing else (`grouping`).
 */
export function viewsOf(incident: Incident, failing: readonly Member[], around: Around): readonly RecipientView[] {
  const { setup } = around
  const monitors = [...new Set(failing.map((member) => member.monitor))]
  /** Recipients of the same monitors have the same view: it is made once, because there may be thousands of probes. */
  const seen = new Map<string, RecipientView>()
  return notifiedBy(failing, setup).map((recipient) => {
    const mine = monitors.filter((name) => setup.monitors.get(name)?.notify.includes(recipient) === true)
    const key = JSON.stringify(mine)
    const known = seen.get(key)
    const own = known?.own ?? (mine.length === monitors.length ? failing : membersFor(recipient, failing, setup))
    const view = known ?? viewOf(recipient, own, around)
    seen.set(key, view)
    const entry = incident.audience.find((a) => a.recipient === recipient && a.open && !isMissed(a, incident, setup))
    const untold = entry?.heir === true || incident.announcedAt === null
    return {
      ...view,
      recipient,
      afterMs: setup.recipients.get(recipient)?.afterMs ?? null,
      heard: entry === undefined || untold ? null : entry.heard,
      heir: entry !== undefined && untold,
    }
  })
}

/** `choice`: they got no email, and have since chosen to get the first one: to them the incident is new. */
function isMissed({ recipient, unsent }: Audience, { family }: Incident, setup: Setup): boolean {
  const chosen = setup.recipients.get(recipient)
  return unsent !== undefined && chosen !== undefined && choosesFirst(chosen, family)
}

/** The view of somebody who was notified of none of these probes. */
export function viewOf(recipient: string, own: readonly Member[], around: Around): RecipientView {
  const audible = audibleOf(own, around)
  const unexplained = own.filter(isUnexplained)
  const loud = audible.some(isUnexplained)
  return { recipient, afterMs: null, heard: null, heir: false, own, audible, unexplained, verdict: overallVerdict(own), loud }
}

function isUnexplained(member: Member): boolean {
  return member.judgement.verdict.kind !== 'explained'
}

/**
 * `silence`: the probes that no silence covers. When one ends, those that it covered run once more before anything is sent about
 * any of them, for which `blindAfter` is enough. What failed after it, or without it, does not wait for them.
 */
function audibleOf(own: readonly Member[], { silences, now, setup }: Around): readonly Member[] {
  const inForce = silences.filter((silence) => isInForce(silence, now))
  const uncovered = inForce.length === 0 ? own : own.filter((member) => silenceOver(member, inForce, now) === null)
  const tooLong = now - setup.policy.blindAfterMs
  const ended = silences.filter((silence) => hasEnded(silence, now) && endOfSilence(silence) > tooLong)
  if (ended.length === 0) return uncovered
  const over = uncovered.map((member) => ({ member, until: quietUntil(member, ended, now) }))
  if (over.every(({ member, until }) => member.lastRunAt >= until)) return uncovered
  return over.filter(({ member, until }) => member.lastRunAt >= until && member.failedAt >= until).map(({ member }) => member)
}

/**
 * `config-change`: an address is not notified of the same thing again under another recipient's name. A recipient takes over the
 * side of another who is no longer notified, if that one was notified of all of it, and if they have an address in common. Returns
 * the same object if nobody was renamed.
 */
export function renamed(incident: Incident, failing: readonly Member[], setup: Setup): readonly Audience[] {
  const names = notifiedBy(failing, setup)
  const strangers = names.filter((name) => !incident.audience.some((a) => a.recipient === name && a.open))
  let { audience } = incident
  for (const name of strangers) {
    const to = setup.recipients.get(name)?.to ?? []
    const monitors = new Set(membersFor(name, failing, setup).map((member) => member.monitor))
    const old = audience.find(
      (a) =>
        a.open &&
        a.unsent === undefined &&
        !names.includes(a.recipient) &&
        [...monitors].every((monitor) => a.monitors.includes(monitor)) &&
        notifiedAddresses(a).some((address) => to.includes(address)),
    )
    if (old !== undefined) audience = [...audience.filter((a) => a !== old && a.recipient !== name), { ...old, recipient: name }]
  }
  return audience
}

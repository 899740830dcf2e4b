import { addressesTold, membersFor, notifiedBy } from './audience.ts'
import { choosesFirst } from './choice.ts'
import type { Audience, Heard, Incident, Member } from './incident.ts'
import type { Instant } from './probe.ts'
import type { Setup } from './setup.ts'
import { type Silence, silenceOver } from './silence.ts'
import type { Verdict } from './verdict.ts'

/**
 * What an incident is to one recipient: the failing probes of the monitors that notify them, and what they have heard of it.
 * `first-email` to `reminder`, `escalation` and `grouping` are decided by view, for what is explained or no wider to one may be
 * neither to another.
 */
export type RecipientView = Readonly<{
  recipient: string
  /** Escalation: told only when the trouble is this old; `null`: told at once. */
  afterMs: number | null
  /** What they heard in this episode; `null`: nothing so far. */
  heard: Heard | null
  /** Told of something that goes on here (`family-change`), if not of this incident. */
  heir: boolean
  /** Their probes that are not well. */
  own: readonly Member[]
  /** Those of them that no silence covers. */
  audible: readonly Member[]
  /** Those of them that AWS does not explain. */
  unexplained: readonly Member[]
  /** Over all of their own. */
  verdict: Verdict['kind']
  /** There is something unexplained that no silence covers. */
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
 * The views of everybody whom a monitor of these probes notifies. Who was told and has no failing probe any more has none: they
 * hear of the end, and of nothing before it (`grouping`).
 */
export function viewsOf(incident: Incident, sick: readonly Member[], around: Around): readonly RecipientView[] {
  const { setup } = around
  const monitors = [...new Set(sick.map((member) => member.monitor))]
  /** Recipients of the same monitors see the same: looked for once, for there may be thousands of probes. */
  const seen = new Map<string, RecipientView>()
  return notifiedBy(sick, setup).map((recipient) => {
    const mine = monitors.filter((name) => setup.monitors.get(name)?.notify.includes(recipient) === true)
    const key = JSON.stringify(mine)
    const known = seen.get(key)
    const own = known?.own ?? (mine.length === monitors.length ? sick : membersFor(recipient, sick, setup))
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

/** `choice`: they got no email, and have chosen the first one since: to them the incident is new. */
function isMissed({ recipient, unsent }: Audience, { family }: Incident, setup: Setup): boolean {
  const chosen = setup.recipients.get(recipient)
  return unsent !== undefined && chosen !== undefined && choosesFirst(chosen, family)
}

/** How these probes look to somebody who has heard of none of them. */
export function viewOf(recipient: string, own: readonly Member[], { silences, now }: Around): RecipientView {
  const monitors = [...new Set(own.map((member) => member.monitor))]
  const silenced = new Set(monitors.filter((name) => silenceOver(name, silences, now) !== null))
  const audible = silenced.size === 0 ? own : own.filter((member) => !silenced.has(member.monitor))
  const unexplained = own.filter((member) => member.judgement.verdict.kind !== 'explained')
  const loud = unexplained.some((member) => !silenced.has(member.monitor))
  return { recipient, afterMs: null, heard: null, heir: false, own, audible, unexplained, verdict: overallVerdict(own), loud }
}

/**
 * `config-change`: an address that was told is not told the same again under another name. A recipient who is notified in the
 * place of one that is not any more, of nothing that that one was not told of, and by an address that was told, takes over what
 * was heard. The same audience if there is none.
 */
export function renamed(incident: Incident, sick: readonly Member[], setup: Setup): readonly Audience[] {
  const names = notifiedBy(sick, setup)
  const strangers = names.filter((name) => !incident.audience.some((a) => a.recipient === name && a.open))
  let { audience } = incident
  for (const name of strangers) {
    const to = setup.recipients.get(name)?.to ?? []
    const monitors = new Set(membersFor(name, sick, setup).map((member) => member.monitor))
    const old = audience.find(
      (a) =>
        a.open &&
        a.unsent === undefined &&
        !names.includes(a.recipient) &&
        [...monitors].every((monitor) => a.monitors.includes(monitor)) &&
        addressesTold(a).some((address) => to.includes(address)),
    )
    if (old !== undefined) audience = [...audience.filter((a) => a !== old && a.recipient !== name), { ...old, recipient: name }]
  }
  return audience
}

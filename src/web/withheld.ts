import { counted } from '../domain/counted.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Instant } from '../domain/probe.ts'
import type { RuleName } from '../domain/rule.ts'
import { withoutAddresses } from '../domain/shown.ts'
import { foreign } from '../email/foreign.ts'
import { capital, stop } from '../email/sentence.ts'
import { clockTime, DATABASE_UNREADABLE, SENTENCE, WORD } from './phrase.ts'
import type { Withheld } from './record.ts'
import type { View } from './view.ts'

const MAX_GROUPS = 15
const MAX_INCIDENTS = 3

/** Rules by which somebody was not notified at all: the silences. They come first. */
const SILENCES: readonly (RuleName | null)[] = ['suppression', 'silence', 'choice']
/** Rules by which nothing was missed: everybody concerned had been notified. They come last. */
const ALREADY_NOTIFIED: readonly (RuleName | null)[] = ['reminder', 'late-explanation']
/** Times differ between decisions that are otherwise alike. */
const TIME = /(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?UTC|Z)?/g

/** Decisions to withhold an alert that are alike: by the same rule and for the same reason, whatever the incident. */
export type WithheldGroup = Readonly<{
  count: number
  /** The latest of them, or the first and the latest. */
  at: string
  /** The latest first. */
  incidents: readonly Readonly<{ id: string; monitors: string }>[]
  moreIncidents: number
  /** In the words of the latest. */
  reason: string
  rule: string
}>

/** Silences first, what everybody had been notified of already last, and the newest first among equals. */
export type WithheldList = Readonly<{
  groups: readonly WithheldGroup[]
  /** Decisions of other groups. */
  more: number
  /** How far back they go. */
  within: string
}>

/** @param withheld newest first */
export function withheldList({ rows, within }: Withheld, view: View, now: Instant): WithheldList {
  const groups = [...Map.groupBy(rows, alike).values()].sort(([a], [b]) => rank(a) - rank(b))
  return {
    groups: groups.slice(0, MAX_GROUPS).flatMap((alike) => withheldGroup(alike, view, now) ?? []),
    more: groups.slice(MAX_GROUPS).reduce((sum, { length }) => sum + length, 0),
    within,
  }
}

function alike({ rule, reason }: LedgerRow): string {
  return `${rule} ${reason.replaceAll(TIME, '')}`
}

function rank(row: LedgerRow | undefined): number {
  const rule = row?.rule ?? null
  if (SILENCES.includes(rule)) return 0
  return ALREADY_NOTIFIED.includes(rule) ? 2 : 1
}

function withheldGroup(rows: readonly LedgerRow[], { world }: View, now: Instant): WithheldGroup | null {
  const [latest] = rows
  const first = rows.at(-1)
  if (latest === undefined || first === undefined) return null
  const incidents = [...new Set(rows.flatMap(({ incident }) => incident ?? []))]
  const [from, to] = [clockTime(first.at, now), clockTime(latest.at, now)]
  return {
    count: rows.length,
    at: from === to ? to : `${from} to ${to}`,
    incidents: incidents.slice(0, MAX_INCIDENTS).map((id) => {
      const members = world.incidents.get(id)?.members ?? []
      return { id, monitors: foreign([...new Set(members.map(({ monitor }) => monitor))].join(', '), WORD) }
    }),
    moreIncidents: Math.max(0, incidents.length - MAX_INCIDENTS),
    reason: reasonOf(latest),
    rule: latest.rule === null ? '' : foreign(latest.rule, WORD),
  }
}

/** Why no email is due for the worst open incident: in words, and by which rule. */
export type NoEmailNow = Readonly<{ text: string; rule: RuleName | null }>

/** @param worst `null` if an email is due for the worst open incident, or if there is none */
export function whatWasWithheld(withheld: Withheld | null, worst: NoEmailNow | null, now: Instant): string {
  if (withheld === null) return DATABASE_UNREADABLE
  const silences = silencesOf(withheld, now)
  if (worst !== null) {
    const wasNotified = ALREADY_NOTIFIED.includes(worst.rule)
    return [...(wasNotified && silences !== null ? [silences] : []), capital(worst.text)].join(' ')
  }
  const { rows, within } = withheld
  const [latest] = rows
  if (silences !== null) return silences
  if (latest === undefined) return `Nothing in ${within}.`
  return stop(
    `No alert was silenced in ${within}. The latest decision to wait, at ${clockTime(latest.at, now)}: ${reasonOf(latest)}`,
  )
}

/** `null` where there are none. */
function silencesOf({ rows, within }: Withheld, now: Instant): string | null {
  const silences = rows.filter((row) => rank(row) === 0)
  const [latest] = silences
  if (latest === undefined) return null
  const silenced = counted(silences.length, 'decision to stay silent', 'decisions to stay silent')
  return stop(`${capital(silenced)} in ${within}, the latest at ${clockTime(latest.at, now)}: ${reasonOf(latest)}`)
}

function reasonOf({ reason }: LedgerRow): string {
  return foreign(withoutAddresses(reason), SENTENCE)
}

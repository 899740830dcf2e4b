import { durationText } from '../config/duration.ts'
import type { HealthBoard } from './board.ts'
import { type Delivered, explainedBy, type History } from './history.ts'
import type { Expectation, Span } from './scenario.ts'

/** How many emails are listed that arrived instead. */
const MAX_SHOWN = 12

export type Failure = Readonly<{
  /** Line of the scenario; `null` if the story itself went wrong. */
  line: number | null
  expected: string
  found: string
}>

/** `+02:44:00`, hours unbounded; milliseconds only where there are any. */
export function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const two = (n: number) => String(n).padStart(2, '0')
  const rest = ms % 1000 === 0 ? '' : `.${String(Math.round(ms % 1000)).padStart(3, '0')}`
  return `+${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${rest}`
}

/** The expectations that did not come true. */
export function failuresOf(expectations: readonly Expectation[], history: History, board: HealthBoard): readonly Failure[] {
  return expectations.flatMap((expectation) => {
    const found = differenceOf(expectation, history, board)
    return found === null ? [] : [{ line: expectation.line, expected: describe(expectation), found }]
  })
}

function differenceOf(expectation: Expectation, history: History, board: HealthBoard): string | null {
  switch (expectation.what) {
    case 'mail':
      return missingMail(expectation, history.arrivals)
    case 'mails':
      return history.mails.length === expectation.count ? null : `${count(history.mails.length)}${list(history.mails)}`
    case 'no-mail': {
      const came = history.arrivals.filter((one) => within(one.at, expectation.between))
      return came.length === 0 ? null : `${count(came.length)}${list(came)}`
    }
    case 'suppressed':
      return notSuppressed(board.arnOf(expectation.by), expectation.between, history, board)
    case 'verdict': {
      // Only outages have a verdict that was judged.
      const open = history.openAt(expectation.at).filter(({ family }) => family === 'outage')
      if (open.length === 0) return 'no incident of an outage is open then'
      const other = open.filter((incident) => incident.verdict !== expectation.verdict)
      return other.length === 0 ? null : other.map((incident) => `#${incident.id.slice(0, 4)} is ${incident.verdict}`).join(', ')
    }
    case 'incident': {
      const open = history.openAt(expectation.at)
      if (expectation.state === 'open') return open.length > 0 ? null : 'no incident is open then'
      return open.length === 0 ? null : open.map((incident) => `#${incident.id.slice(0, 4)} is ${incident.state}`).join(', ')
    }
  }
}

function missingMail(expectation: Extract<Expectation, { what: 'mail' }>, mails: readonly Delivered[]): string | null {
  const ofKind = mails.filter((one) => one.kind === expectation.kind)
  const intime = ofKind.filter((one) => within(one.at, expectation.between))
  const { to, contains } = expectation
  const toThem =
    to === null ? intime : intime.filter((one) => one.to.some((address) => address.toLowerCase() === to.toLowerCase()))
  if (toThem.some((one) => contains === null || textOf(one).includes(folded(contains)))) return null
  if (toThem.length > 0) return `it came, but it does not contain that: ${toThem.map((one) => `"${opening(one)}"`).join(', ')}`
  if (intime.length > 0) return `only to ${intime.map((one) => one.to.join(', ')).join(' and ')}`
  if (ofKind.length > 0) return `${expectation.kind} came at ${ofKind.map((one) => clockText(one.at)).join(', ')}`
  return mails.length === 0 ? 'no mail at all' : `no mail of this kind${list(mails)}`
}

function notSuppressed(arn: string, span: Span, history: History, board: HealthBoard): string | null {
  for (const at of history.momentsIn(span.from, span.to)) {
    const open = history.openAt(at)
    const silent = open.some(
      (incident) => incident.state === 'suppressed' && (incident.explainedBy === arn || explainedBy(incident).includes(arn)),
    )
    if (silent) continue
    if (open.length === 0) return `no incident is open at ${clockText(at)}`
    const how = open.map((incident) => {
      const by =
        incident.state === 'suppressed' && incident.explainedBy !== null
          ? ` by ${board.idOf(incident.explainedBy) ?? incident.explainedBy}`
          : ''
      return `#${incident.id.slice(0, 4)} is ${incident.state}${by} (${incident.verdict})`
    })
    return `at ${clockText(at)} ${how.join(', ')}`
  }
  return null
}

function within(at: number, span: Span): boolean {
  return at >= span.from && at <= span.to
}

/** Lines of an email are broken anywhere, so any white space counts as one space. */
function textOf({ mail }: Delivered): string {
  return folded(`${mail.subject}\n${mail.text}`)
}

function folded(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ').trim()
}

/** The first sentence of an email: the state, and what it is about. */
export function opening({ mail }: Delivered): string {
  return (mail.text.trim().split(/\n\s*\n/, 1)[0] ?? '').replace(/\s+/g, ' ')
}

function count(mails: number): string {
  return mails === 1 ? '1 mail' : `${mails} mails`
}

function list(mails: readonly Delivered[]): string {
  if (mails.length === 0) return ''
  const shown = mails.slice(0, MAX_SHOWN).map((one) => `${one.kind} at ${clockText(one.at)}`)
  const more = mails.length > MAX_SHOWN ? `, and ${mails.length - MAX_SHOWN} more` : ''
  return `: ${shown.join(', ')}${more}`
}

function span({ from, to }: Span): string {
  return `between ${durationText(from)} and ${durationText(to)}`
}

function describe(expectation: Expectation): string {
  switch (expectation.what) {
    case 'mail': {
      const { kind, between, to, contains } = expectation
      return `mail ${kind}${to === null ? '' : ` to ${to}`}${contains === null ? '' : ` containing "${contains}"`} ${span(between)}`
    }
    case 'mails':
      return `${count(expectation.count)} in all`
    case 'no-mail':
      return `no mail ${span(expectation.between)}`
    case 'suppressed':
      return `suppressed by ${expectation.by} ${span(expectation.between)}`
    case 'verdict':
      return `verdict ${expectation.verdict} at ${durationText(expectation.at)}`
    case 'incident':
      return expectation.state === 'open'
        ? `an open incident at ${durationText(expectation.at)}`
        : `no open incident at ${durationText(expectation.at)}`
  }
}

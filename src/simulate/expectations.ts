import type { Path } from '../config/tree.ts'
import type { PublishedEvents } from './published.ts'
import type { Expectation } from './scenario.ts'
import type { ScenarioSource } from './scenario-source.ts'
import type { ExpectationGiven } from './schema.ts'

const VERBS = ['mail', 'mails', 'no-mail', 'suppressed', 'verdict', 'incident'] as const
type Verb = (typeof VERBS)[number]

/** Keys that some expectations have beside their own. */
const BESIDE = ['between', 'to', 'contains', 'at'] as const
const TAKES: Readonly<Partial<Record<Verb, readonly (typeof BESIDE)[number][]>>> = {
  mail: ['between', 'to', 'contains'],
  verdict: ['at'],
  incident: ['at'],
}

/** One expectation of a scenario; `null` if it is faulty. */
export function expectationOf(
  given: ExpectationGiven,
  path: Path,
  source: ScenarioSource,
  events: PublishedEvents,
): Expectation | null {
  const verb = verbOf(given, path, source)
  if (verb === null) return null
  const line = source.tree.fault(path, '').line
  const { mail, mails, 'no-mail': none, suppressed, verdict, incident, at } = given
  if (mail !== undefined) {
    if (given.between === undefined) return source.fault(path, '`mail` needs `between`: when it is delivered')
    const between = source.span(given.between, [...path, 'between'])
    return { line, what: 'mail', kind: mail, between, to: given.to ?? null, contains: given.contains ?? null }
  }
  if (mails !== undefined) return { line, what: 'mails', count: mails }
  if (none !== undefined) return { line, what: 'no-mail', between: source.span(none.between, [...path, 'no-mail', 'between']) }
  if (suppressed !== undefined) {
    const { by, between } = suppressed
    if (!events.isKnown(by, [...path, 'suppressed', 'by'])) return null
    return { line, what: 'suppressed', by, between: source.span(between, [...path, 'suppressed', 'between']) }
  }
  if (at === undefined) return source.fault(path, `\`${verb}\` needs an \`at\``)
  const moment = source.within(at, [...path, 'at'])
  if (verdict !== undefined) return { line, what: 'verdict', verdict, at: moment }
  return incident === undefined ? null : { line, what: 'incident', state: incident, at: moment }
}

function verbOf(given: ExpectationGiven, path: Path, source: ScenarioSource): Verb | null {
  const [verb, second] = VERBS.filter((one) => given[one] !== undefined)
  if (verb === undefined) return source.fault(path, 'expected `mail`, `mails`, `no-mail`, `suppressed`, `verdict` or `incident`')
  if (second !== undefined)
    return source.fault([...path, second], `only one thing is expected at a time, and \`${verb}\` is here already`, 'key')
  const stray = BESIDE.find((key) => given[key] !== undefined && TAKES[verb]?.includes(key) !== true)
  if (stray === undefined) return verb
  const advice = stray === 'between' ? `\`${verb}\` holds it inside: \`${verb}: { between: … }\`` : `\`${verb}\` does not take it`
  return source.fault([...path, stray], advice, 'key')
}

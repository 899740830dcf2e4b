import type { Facts } from '../domain/notification.ts'
import { SOURCES, type SourceState } from '../domain/outage.ts'
import type { Instant } from '../domain/probe.ts'
import { type Block, heading, list, type Row, rows, text } from './block.ts'
import { excerpt } from './excerpt.ts'
import { alibiOf } from './explanation.ts'
import type { FailureSummary } from './failure-summary.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { hhmmss } from './times.ts'

/** "No event for ACCOUNT in us-east-1 explains it (checked at 12:04:31Z, both sources answered)." */
export function awsHealthSentence(facts: Facts, failure: FailureSummary, limits: Limits): string | null {
  const { sources, incident } = facts
  if (sources === null || incident?.family !== 'outage') return null
  const carried = facts.probes.find((probe) => probe.carried !== null)?.carried ?? null
  const unconfirmed = carried === null ? '' : ` The latest check could not confirm it: ${foreign(carried, limits.sentence)}.`
  return `${finding(facts, failure, limits)} (${whoAnswered(sources, facts.at)}).${unconfirmed}`
}

function finding(facts: Facts, { telling }: FailureSummary, limits: Limits): string {
  const by = alibiOf(facts)
  if (facts.verdict === 'explained' && by !== null)
    return `${foreign(by.code, limits.word)} in ${foreign(by.region ?? 'no named region', limits.word)}, ${by.status}`
  const where = telling === null ? '' : ` for ${telling.service} in ${foreign(telling.region, limits.word)}`
  return facts.verdict === 'unexplained' ? `No event${where} explains it` : `Whether an event${where} explains it is not known`
}

function whoAnswered({ api, dashboard, queue, at }: NonNullable<Facts['sources']>, mailedAt: Instant): string {
  const sources = [api, dashboard, ...(queue === undefined ? [] : [queue])]
  const asked = sources.filter(({ state }) => state !== 'off').length
  if (asked === 0) return 'no source is configured'
  const answered = sources.filter(({ state, unproven }) => state === 'answered' && unproven !== true).length
  const when = `checked at ${hhmmss(at, mailedAt)}`
  if (answered === 0) return `${when}, ${NOBODY[asked] ?? NOBODY[3]}`
  if (answered === asked) return `${when}, ${ALL[asked] ?? ALL[3]}`
  return `${when}, ${answered} of ${asked} sources answered`
}

const NOBODY: Readonly<Record<number, string>> = {
  1: 'the only source did not answer',
  2: 'neither source answered',
  3: 'no source answered',
}
const ALL: Readonly<Record<number, string>> = {
  1: 'the only source answered',
  2: 'both sources answered',
  3: 'all three sources answered',
}

/** What each source answered, and which events were rejected or found later. */
export function awsHealthAnswers(facts: Facts, limits: Limits): readonly Block[] {
  return [...sourceRows(facts, limits), ...rejectedEvents(facts, limits), ...hindsight(facts, limits)]
}

function sourceRows({ sources, at }: Facts, limits: Limits): readonly Block[] {
  if (sources === null) return []
  const { api, dashboard, queue } = sources
  const third = queue === undefined ? [] : [sourceRow('Queue', queue, at, limits)]
  return [rows(sourceRow('Health API', api, at, limits), sourceRow('Dashboard', dashboard, at, limits), ...third)]
}

function sourceRow(name: string, source: SourceState, mailedAt: Instant, limits: Limits): Row {
  const detail = source.detail === '' ? '' : ` (${foreign(source.detail, limits.sentence)})`
  const when = source.at === null ? '' : ` at ${hhmmss(source.at, mailedAt)}`
  const skipped = source.skipped > 0 ? `, ${source.skipped} could not be read` : ''
  switch (source.state) {
    case 'answered':
      return [name, `answered${when}: ${source.events} ${source.events === 1 ? 'event' : 'events'}${skipped}${detail}`]
    case 'refused':
      return [name, `rejects our requests until our setup changes${detail}`]
    case 'unavailable':
      return [name, `could not be asked${when}${detail}`]
    case 'off':
      return [name, `not used${detail}`]
  }
}

function rejectedEvents({ incident, sources, probes }: Facts, limits: Limits): readonly Block[] {
  if (incident?.family !== 'outage') return []
  if (sources === null || SOURCES.every((source) => sources[source]?.state !== 'answered')) return []
  const { word, sentence } = limits
  const rejected = new Map(probes.flatMap(({ verdict }) => verdict.rejected).map((event) => [`${event.arn} ${event.why}`, event]))
  if (rejected.size === 0) return [text('No event came close to explaining it.')]
  const lines = [...rejected.values()].map(
    ({ code, region, status, test, why }) =>
      `${foreign(code, word)}, ${foreign(region ?? 'no region', word)}, ${status}: failed the ${test} test: ${foreign(why, sentence)}`,
  )
  return [heading('Events considered and rejected'), list(excerpt(lines, limits.rejected))]
}

function hindsight({ incident, at }: Facts, limits: Limits): readonly Block[] {
  const events = incident?.hindsight ?? []
  if (events.length === 0) return []
  const lines = events
    .slice(0, limits.rejected)
    .map((event) => `${foreign(event.code, limits.word)}, seen ${hhmmss(event.at, at)}: ${foreign(event.why, limits.sentence)}`)
  return [heading('Found later'), list(lines)]
}

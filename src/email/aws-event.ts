import type { Facts, ProbeFacts } from '../domain/notification.ts'
import { SOURCE_NAME } from '../domain/outage.ts'
import type { Alibi, Match, Verdict } from '../domain/verdict.ts'
import { type Block, type Row, rows } from './block.ts'
import { lapsedProbe } from './explanation.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { both } from './times.ts'

type Explained = Extract<Verdict, { kind: 'explained' }>

/** The event that explains the failure, or explained it. */
export function awsEvent(facts: Facts, limits: Limits): readonly Block[] {
  for (const probe of facts.probes) {
    if (probe.verdict.kind !== 'explained') continue
    return [rows(...eventRows(probe.verdict.by, matchRow(probe, probe.verdict, facts, limits), facts, limits))]
  }
  return lapsedEvent(facts, limits)
}

function lapsedEvent(facts: Facts, limits: Limits): readonly Block[] {
  const until = lapsedProbe(facts)?.explainedUntil
  const arn = facts.incident?.explainedBy ?? null
  if (until == null || arn === null) return []
  return [
    rows(
      // The code is part of the ARN: `arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/…`.
      ['Event', foreign(arn.split('/')[2] ?? arn, limits.word)],
      ['Explained it', `until ${both(until, facts.at, facts.timezone)}`],
      ['ARN', foreign(arn, limits.word)],
    ),
  ]
}

function eventRows(by: Alibi, match: Row, { at, timezone }: Facts, limits: Limits): readonly Row[] {
  const { word } = limits
  const sources = by.sources.map((source) => SOURCE_NAME[source])
  return [
    ['Event', `${foreign(by.code, word)}, ${by.status}`],
    ['Service', `${foreign(by.service, word)} in ${foreign(by.region ?? 'no named region', word)}`],
    ['First posted', both(by.startedAt, at, timezone)],
    ...(by.endedAt === null ? [] : [['Ended', both(by.endedAt, at, timezone)] as const]),
    ['Last updated', both(by.updatedAt, at, timezone)],
    ['Seen in', sources.join(' and ') || 'neither source any more'],
    match,
    ['AWS says', foreign(by.text, limits.update) || '(no text)'],
    ['ARN', foreign(by.arn, word)],
  ]
}

/** How the event's service matched (docs/rules.md, Service). */
const MATCH: Readonly<Record<Match, string>> = {
  direct: 'same service',
  impacted: 'listed as impacted',
  related: 'related service',
}

/** In the present tense only while AWS explains everything that fails; otherwise how much of it, and until when. */
function matchRow(probe: ProbeFacts, { by, why }: Explained, facts: Facts, limits: Limits): Row {
  const { verdict, probes, at, timezone, kind } = facts
  const text = foreign(why, limits.sentence)
  if (verdict === 'explained' && kind !== 'recovered' && kind !== 'dropped') return ['Matches', `${MATCH[by.match]}: ${text}`]
  const until = probe.explainedUntil === null ? '' : ` until ${both(probe.explainedUntil, at, timezone)}`
  const explained = probes.filter((other) => other.verdict.kind === 'explained').length
  const share = explained === probes.length ? '' : `, ${explained} of ${probes.length} probes`
  return ['Matched', `${MATCH[by.match]}${until}${share}: ${text}`]
}

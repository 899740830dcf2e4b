import { leadWords } from '../domain/lead.ts'
import type { Facts } from '../domain/notification.ts'
import { SOURCES } from '../domain/outage.ts'
import { advice } from './advice.ts'
import { awsHealthSentence } from './aws-health.ts'
import type { Delivery } from './delivery.ts'
import { summarize } from './failure-summary.ts'
import { foreign, safeLink } from './foreign.ts'
import type { Limits } from './limits.ts'
import { opening } from './opening.ts'
import { capital, stop } from './sentence.ts'
import { silenceSentence } from './silence.ts'
import { endOf, hhmm, hhmmss, spanBetween } from './times.ts'
import { CONCERNS_NO_MONITOR, whySent } from './why-sent.ts'

/** A label and a sentence. `link` is safe to follow. */
export type KeyFact = Readonly<{ label: string; text: string; link: string | null }>

/** AWS’s own page for people, in its first partition; those of the other partitions are not documented. */
const STATUS_PAGE = 'https://health.aws.amazon.com/health/status'

/** Machines that are named. */
const MAX_MACHINES = 10

/** The first screen, below the first sentence: what a person who has just been woken needs. */
export function keyFacts(facts: Facts, delivery: Delivery, limits: Limits): readonly KeyFact[] {
  const { incident, kind } = facts
  const { merged } = delivery
  if (incident === null) return [...selfAlertFacts(facts, limits), ...nextEmail(facts, limits)]
  const failure = summarize(facts, limits)
  const isOver = kind === 'recovered' || kind === 'dropped'
  const page = incidentPage(facts, delivery)
  // Where one click acknowledges it, that comes first.
  const canAnswer = incident.closedAt === null && delivery.page?.hasButtons === true
  return [
    ...fact('After a silence', silenceSentence(facts, limits)),
    ...(isOver ? [] : impacts(facts, limits)),
    ...(canAnswer ? page : []),
    ...undelivered(facts, merged, limits),
    ...fact('Why you got this', whySent(facts, merged !== null, limits)),
    ...fact('AWS Health', isOver ? null : awsHealthSentence(facts, failure, limits)),
    ...(isOver ? [] : fact('Our other probes', othersOf(facts, limits))),
    ...(isOver ? [] : fact('Seen from', seenFrom(facts, limits))),
    ...fact('Began', began(facts)),
    ...(kind === 'recovered' ? howLong(facts) : []),
    ...fact('Do first', advice(facts, failure)),
    ...(isOver ? [] : runbooks(facts, limits)),
    ...(canAnswer ? [] : page),
    ...(isOver ? [] : statusPage(facts)),
    ...nextEmail(facts, limits),
  ]
}

function fact(label: string, text: string | null): readonly KeyFact[] {
  return text === null ? [] : [{ label, text, link: null }]
}

/** An email about Alibi itself says everything in its lines, which are a section of their own. */
function selfAlertFacts({ kind, advice }: Facts, limits: Limits): readonly KeyFact[] {
  if (kind !== 'misconfigured') return []
  const first = advice === undefined ? 'Run `alibi check --live`.' : foreign(advice, limits.sentence)
  return [...fact('Why you got this', CONCERNS_NO_MONITOR), ...fact('Do first', first)]
}

/** `IAM in us-east-1: failing since 11:58 UTC. STS in us-west-2: ok at 12:03 UTC.` */
function othersOf({ firstHand = [], at }: Facts, limits: Limits): string | null {
  const lines = firstHand.map(({ service, region, state, at: when }) => {
    const how = state === 'failing' ? `failing since ${hhmm(when, at)} UTC` : `ok at ${hhmm(when, at)} UTC`
    return `${foreign(service, limits.word)} in ${foreign(region, limits.word)}: ${how}.`
  })
  return lines.length === 0 ? null : lines.join(' ')
}

/** `2 of 3 machines: north, south.` */
function seenFrom({ vantage }: Facts, limits: Limits): string | null {
  if (vantage === undefined) return null
  const { machines, of } = vantage
  const names = machines.slice(0, MAX_MACHINES).map((name) => foreign(name, limits.word))
  return `${machines.length} of ${of} machines: ${names.join(', ')}${machines.length > MAX_MACHINES ? ', …' : ''}.`
}

function impacts({ monitors }: Facts, limits: Limits): readonly KeyFact[] {
  return monitors.slice(0, limits.monitors).flatMap(({ name, impact }) => {
    if (impact === null) return []
    const whose = monitors.length > 1 ? ` (${foreign(name, limits.word)})` : ''
    return fact('Impact', `${foreign(impact, limits.sentence)}${whose}`)
  })
}

function undelivered({ at }: Facts, merged: Delivery['merged'], limits: Limits): readonly KeyFact[] {
  if (merged === null) return []
  const { state, joint, sentence } = opening(merged.facts, null, limits)
  return fact('Not delivered', `${state}${joint}${sentence} That email was due at ${hhmm(merged.facts.at, at)} UTC.`)
}

/** "Between 11:57:02Z (last ok run) and 11:58:02Z (first failed run)", and the gap in monitoring. */
function began(facts: Facts): string | null {
  const { incident, at } = facts
  if (incident === null || incident.family === 'offline') return null
  const missed = gap(facts)
  const { onset, lastOkAt, continues } = incident
  if (incident.family === 'blind') return missed
  const then = missed === null ? '' : ` ${missed}`
  // Before it there were failures of another kind, which were reported as such.
  if (continues !== null) {
    const ok = lastOkAt === null ? '' : `; last ok run at ${hhmmss(lastOkAt, at)}`
    return `At ${hhmmss(onset, at)} (first failure of this kind${ok}).${then}`
  }
  if (lastOkAt === null) return `At ${hhmmss(onset, at)} or earlier: there was no ok run before.${then}`
  return `Between ${hhmmss(lastOkAt, at)} (last ok run) and ${hhmmss(onset, at)} (first failed run).${then}`
}

function gap({ probes, at }: Facts): string | null {
  const found = probes.find((probe) => probe.gap !== null)?.gap ?? null
  if (found === null) return null
  const { from, to, why } = found
  return `Not monitored from ${hhmm(from, at)} to ${hhmm(to, at)} UTC (${spanBetween(from, to)}): ${foreign(why, 200)}.`
}

/** How long it lasted, and whether AWS posted about it. */
function howLong(facts: Facts): readonly KeyFact[] {
  const { incident, at } = facts
  if (incident === null || incident.family === 'offline') return []
  const { onset, family, explainedBy, leadMinutes } = incident
  const end = endOf(facts)
  return [
    ...fact('Lasted', `${spanBetween(onset, end)}, ${hhmm(onset, at)} to ${hhmm(end, at)} UTC.`),
    ...(family === 'outage' ? fact('AWS posted', whenAwsPosted(explainedBy, leadMinutes)) : []),
  ]
}

function whenAwsPosted(explainedBy: string | null, leadMinutes: number | null): string {
  if (explainedBy === null) return 'Nothing so far that explains it.'
  return leadMinutes === null ? 'An event that explains it.' : `${capital(leadWords(leadMinutes))}.`
}

function runbooks({ monitors }: Facts, limits: Limits): readonly KeyFact[] {
  return monitors.slice(0, limits.monitors).flatMap(({ name, runbook }) => {
    if (runbook === null) return []
    const link = safeLink(runbook)
    const label = monitors.length > 1 ? `Runbook ${foreign(name, limits.word)}` : 'Runbook'
    return [{ label, text: link ?? foreign(runbook, limits.sentence), link }]
  })
}

/** The way to the incident; while it lasts, also to the buttons that acknowledge and silence it. */
function incidentPage({ incident }: Facts, { page }: Delivery): readonly KeyFact[] {
  if (incident === null || page === undefined || page === null) return []
  const label = page.hasButtons && incident.closedAt === null ? 'Acknowledge or silence' : 'Incident'
  return [{ label, text: page.url, link: page.url }]
}

/** Where AWS may say what we do not know: what its event says now, or what a source holds that could not be asked. */
function statusPage({ incident, verdict, sources }: Facts): readonly KeyFact[] {
  if (incident?.partition !== 'aws' || incident.family !== 'outage') return []
  const isUnasked = SOURCES.some((source) => sources?.[source]?.state === 'unavailable')
  if (verdict === 'unexplained' && !isUnasked) return []
  return [{ label: 'AWS status page', text: STATUS_PAGE, link: STATUS_PAGE }]
}

function nextEmail({ next }: Facts, limits: Limits): readonly KeyFact[] {
  return fact('Next email', next === null ? null : stop(capital(foreign(next, limits.sentence))))
}

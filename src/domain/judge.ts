import { serviceNamed } from './catalogue.ts'
import { inWords, utc } from './duration.ts'
import { impactsHere, sameService } from './impacted.ts'
import { type HealthEvent, type HealthReading, type Impact, SOURCE_NAME, SOURCES, type SourceState } from './outage.ts'
import type { Policy, Relevance } from './policy.ts'
import { DAY_MS, familyOf, type Instant, isServiceCall, type Monitor } from './probe.ts'
import { regionsNamed } from './region.ts'
import { closestOf, knownRejection, knownRejections, type Miss, rejectionOf } from './rejection.ts'
import { codesOf, plainCode, relatedByDefault } from './service-facts.ts'
import type { Alibi, Failure, Match, Peers, RejectedEvent, Test, Verdict } from './verdict.ts'

/** Rejected events that a verdict carries: those that came closest. */
export const MAX_REJECTED = 20
const MAX_ALIBI_TEXT = 600

const EXPLAINING_CODES = ['_OPERATIONAL_ISSUE', '_API_ISSUE', '_CONNECTIVITY_ISSUE'] as const
const NOTIFICATION = '_OPERATIONAL_NOTIFICATION'
const TESTS: readonly Test[] = ['kind', 'place', 'service', 'time', 'width']
/** Other accounts that must be ok before a public event is doubted, and their share (the test of width). */
const OK_AT_LEAST = 3
const OK_IN_TEN = 9

/** What the judge goes by, apart from the failure and the reading. */
export type Criteria = Readonly<{
  policy: Pick<Policy, 'lookbackMs' | 'extensionMs' | 'staleAfterMs'>
  relevance: Relevance
  /** Asked only for a public event that has passed every other test. */
  peers: () => Peers
  now: Instant
}>

type Passed = Readonly<{ match: Match }>

/**
 * Does an event that AWS published explain this failure? The five tests of docs/rules.md; an event that does not pass
 * all of them is kept as rejected, with the reason.
 *
 * Not knowing is its own answer: nothing found is `unexplained` only if what could be asked is enough to say so (`consult`).
 */
export function judge(failure: Failure, reading: HealthReading, criteria: Criteria): Verdict {
  if (familyOf(failure.kind) !== 'outage') {
    return { kind: 'unexplained', why: `an AWS outage does not explain a failure of kind ${failure.kind}`, rejected: [] }
  }
  const known = knownRejections(reading.events, failure, criteria.relevance)
  if (known !== null) return unexplained(reading, failure, known)
  const isStronger = strongerAt(criteria.now)
  let best: Found | undefined
  const closest: RejectedEvent[] = []
  for (const event of reading.events) {
    const found = consider(event, failure, criteria)
    if ('match' in found) {
      const match = { event, match: found.match }
      if (best === undefined || isStronger(match, best)) best = match
    } else keepClosest(closest, found)
  }
  const rejected = closestOf(reading.events, closest, failure, criteria.relevance)
  if (best === undefined) return unexplained(reading, failure, rejected)
  return {
    kind: 'explained',
    by: alibiOf(best.event, best.match),
    why: whyExplained(best.event, best.match, failure),
    rejected,
  }
}

function unexplained(reading: HealthReading, failure: Failure, rejected: readonly RejectedEvent[]): Verdict {
  const count = reading.events.length
  const considered = count === 1 ? '1 event was considered' : `${count} events were considered`
  return { ...nothingFound(reading, failure, considered), rejected }
}

function consider(event: HealthEvent, failure: Failure, criteria: Criteria): Passed | RejectedEvent {
  const known = knownRejection(event, failure, criteria.relevance)
  if (known !== null) return known
  const found = tested(event, failure, criteria)
  return 'match' in found ? found : rejectionOf(event, disputed(found, event), failure, criteria.relevance)
}

/** One event against all the tests, in order; the first that fails is the reason. */
function tested(event: HealthEvent, failure: Failure, criteria: Criteria): Passed | Miss {
  const kind = testKind(event, failure, criteria.relevance)
  if (kind !== null) return { test: 'kind', why: kind }
  const place = testPlace(event, failure)
  if (place !== null) return { test: 'place', why: place }
  const service = testService(event, failure, criteria)
  if ('why' in service) return { test: 'service', why: service.why }
  const time = testTime(event, failure, criteria)
  if (time !== null) return { test: 'time', why: time }
  if (event.scope === 'PUBLIC') {
    const width = testWidth(criteria.peers())
    if (width !== null) return { test: 'width', why: width }
  }
  return service
}

/** Width: a public outage concerns everybody, but the other accounts are ok. */
export function testWidth({ others, ok }: Peers): string | null {
  if (ok < OK_AT_LEAST || 10 * ok < OK_IN_TEN * others) return null
  return `the others are ok: the same operation is ok for ${ok} of ${others} other accounts`
}

/** Where the sources disagree the reason says so: the other one might have explained. */
function disputed(miss: Miss, { disagreement }: HealthEvent): Miss {
  return disagreement === undefined ? miss : { ...miss, why: `${miss.why} (${disagreement})` }
}

/** Kind: is it an event about an outage, and one that concerns us? */
function testKind(event: HealthEvent, failure: Failure, relevance: Relevance): string | null {
  if (relevance.ignore.includes(event.code)) return `${event.code} is in health.ignore`
  if (event.status === 'upcoming') return 'it is announced for later'
  if (event.scope === 'ACCOUNT_SPECIFIC' && !event.owners.some((o) => failure.owners.includes(o))) {
    return 'it was sent to another account than the failing one'
  }
  if (event.scope === 'NONE') return 'it has no scope'
  if (isNotification(event)) return event.scope === 'PUBLIC' ? null : 'a notification to one account explains nothing'
  // The dashboard states no category. Where the code's ending says nothing either, only `health.codes` makes it count.
  const added = relevance.codes.some((code) => event.code.endsWith(code))
  const stated = event.category === 'issue' || event.category === 'investigation'
  if (!stated && !(event.category === 'unknown' && added)) return `its category is ${event.category}`
  const known = added || EXPLAINING_CODES.some((code) => event.code.endsWith(code))
  return known ? null : `${event.code} is not the code of an operational issue`
}

function isNotification(event: HealthEvent): boolean {
  return event.code.endsWith(NOTIFICATION)
}

/** Place: is it in the region of the failing endpoint? Unknown never matches unknown. */
function testPlace(event: HealthEvent, failure: Failure): string | null {
  if (failure.region === '') return 'the region of the failing endpoint is not known'
  if (event.region === failure.region) return null
  if (event.region !== null && event.region !== 'global') return `its region is ${event.region}, not ${failure.region}`
  const named = placesOf(event)
  if (named.includes(failure.region)) return null
  const label = event.region === null ? 'it names no region' : 'it is labelled global'
  if (named.length > 0) return `${label}, but its text names only ${named.slice(0, 3).join(', ')}`
  return event.region === null ? 'it names no region at all' : null
}

const places = new WeakMap<HealthEvent, readonly string[]>()
/** Regions that an event's prose names; read once for each event object, for texts are long and runs are many. */
function placesOf(event: HealthEvent): readonly string[] {
  const known = places.get(event)
  if (known !== undefined) return known
  const named = regionsNamed(event.text)
  places.set(event, named)
  return named
}

/** Service: is it about the failing service, does it list that as impacted, or is it about a related one? */
function testService(event: HealthEvent, failure: Failure, { policy, relevance }: Criteria): Passed | Readonly<{ why: string }> {
  const related = relatedTo(failure.service, relevance)
  if (sameService(event.service, failure.service)) return { match: 'direct' }
  const direct = impactsHere(event.impacted, [failure.service], failure.region)
  if (direct.some((impact) => lasts(impact, failure.at, policy.extensionMs))) return { match: 'impacted' }
  if (isNotification(event)) return { why: `a notification explains only its own service, and it is about ${event.service}` }
  if (!related.some((code) => sameService(code, event.service))) {
    return { why: `${event.service} is neither ${failure.service} nor related to it` }
  }
  if (sameService(event.service, 'MULTIPLE_SERVICES') && event.impacted !== null && event.impacted.length > 0) {
    const ours = impactsHere(event.impacted, [failure.service, ...related], failure.region)
    if (ours.length === 0) {
      return {
        why: `none of its ${event.impacted.length} impacted services is ${failure.service} or related to it in ${failure.region}`,
      }
    }
    if (!ours.some((impact) => lasts(impact, failure.at, policy.extensionMs))) {
      const keys = ours.map((impact) => impact.key).slice(0, 3)
      return { why: `${keys.join(', ')} among its impacted services ${keys.length === 1 ? 'is' : 'are'} ok again` }
    }
  }
  return { match: 'related' }
}

/** The services whose events explain a failure of this one, beside its own. */
export function relatedTo(service: string, { related, relatedTo: others = {} }: Relevance): readonly string[] {
  const own = others[plainCode(service)]
  if (own !== undefined) return own
  return service === 'ACCOUNT' || service === 'STS' ? related : relatedByDefault(service)
}

/** The service codes of events that may concern these monitors: of the services they probe, of STS, and of those related to them. */
export function codesToAsk(monitors: readonly Monitor[], relevance: Relevance): readonly string[] {
  const operations = new Set(
    monitors.flatMap(({ probes }) => probes.flatMap(({ call }) => (isServiceCall(call) ? [call.operation] : []))),
  )
  const services = [...operations].flatMap((operation) => serviceNamed(operation.split(':')[0] ?? '') ?? [])
  const codes = [
    'ACCOUNT',
    'STS',
    ...relevance.related,
    ...services.flatMap((one) => [...codesOf(one), ...relatedTo(codesOf(one)[0], relevance)]),
  ]
  return [...new Set(codes)]
}

/** Unresolved, or resolved for less than `extension`. */
function lasts(impact: Impact, at: Instant, extensionMs: number): boolean {
  return impact.resolvedAt === null || at < impact.resolvedAt + extensionMs
}

/** Time: AWS posts 40 to 90 minutes late, sometimes after the end, and leaves some events open for months. */
function testTime(event: HealthEvent, failure: Failure, { policy, now }: Criteria): string | null {
  const { lookbackMs, extensionMs, staleAfterMs } = policy
  const start = Math.min(event.startedAt, now)
  if (failure.onset < start - lookbackMs) {
    return `it began ${inWords(start - failure.onset)} after the failure, more than ${inWords(lookbackMs)}`
  }
  if (isNotification(event) && failure.at > start + DAY_MS) return `a notification explains for a day, and it is of ${utc(start)}`
  const end = endOf(event, now)
  if (end === null) {
    const updated = Math.min(event.updatedAt, now)
    if (updated < failure.onset - staleAfterMs) {
      return `it is open, but its last update was ${inWords(failure.onset - updated)} before the failure`
    }
    return null
  }
  if (failure.onset > end + extensionMs) return `it had ended ${inWords(failure.onset - end)} before the failure began`
  if (failure.at > end + extensionMs)
    return `it ended ${inWords(failure.at - end)} before this run, more than ${inWords(extensionMs)}`
  return null
}

/**
 * When the event ended; `null` while it lasts. An end that lies behind us counts, whatever the status says; of a closed event
 * an end ahead of us does not, or it would keep us silent until then.
 */
export function endOf(event: Pick<HealthEvent, 'status' | 'endedAt' | 'updatedAt'>, now: Instant): Instant | null {
  if (event.endedAt !== null && event.endedAt <= now) return event.endedAt
  return event.status === 'closed' ? Math.min(event.updatedAt, now) : null
}

function alibiOf(event: HealthEvent, match: Match): Alibi {
  const { arn, code, service, region, status, startedAt, endedAt, updatedAt, sources } = event
  return {
    arn,
    code,
    service,
    region,
    status,
    startedAt,
    endedAt,
    updatedAt,
    sources,
    match,
    text: event.text.slice(-MAX_ALIBI_TEXT),
  }
}

function whyExplained(event: HealthEvent, match: Match, failure: Failure): string {
  const stands = event.disagreement === undefined ? event.status : `${event.status}, although ${event.disagreement}`
  const which = `${event.code} (${event.region ?? 'no region'}, ${stands}, first posted ${utc(event.startedAt)})`
  switch (match) {
    case 'direct':
      return `${which} is about ${failure.service} itself`
    case 'impacted':
      return `${which} lists ${failure.service} among its impacted services`
    case 'related':
      return `${which} is about ${event.service}, on which ${failure.service} depends`
  }
}

/** `consult`: what may be concluded when no event explains. */
function nothingFound(reading: HealthReading, failure: Failure, considered: string) {
  const { api, dashboard, queue } = reading.sources
  const who = SOURCES.filter((source) => speaks(reading.sources[source])).map((source) => SOURCE_NAME[source])
  if (who.length === 0) {
    const queued = queue === undefined ? '' : `; queue: ${queue.detail}`
    return {
      kind: 'undetermined' as const,
      why: `AWS Health could not be asked (API: ${api.detail}; dashboard: ${dashboard.detail}${queued})`,
    }
  }
  if (api.state === 'unavailable') {
    const others = queue === undefined ? 'the dashboard holds' : 'the other sources hold'
    return {
      kind: 'undetermined' as const,
      why: `the Health API could not be asked (${api.detail}), and ${others} nothing that explains it`,
    }
  }
  // Where the API does not answer, the queue stands in for it: no other source has the events that AWS sends to this account.
  if (api.state !== 'answered' && queue?.state === 'unavailable') {
    return {
      kind: 'undetermined' as const,
      why: `the health queue could not be read (${queue.detail}), and the dashboard holds nothing that explains it`,
    }
  }
  const missing = [
    api.state === 'refused' ? `the Health API refuses (${api.detail})` : null,
    dashboard.state === 'unavailable' ? `the dashboard could not be asked (${dashboard.detail})` : null,
    queue === undefined || speaks(queue) ? null : `the health queue says nothing (${queue.detail})`,
  ].filter((text) => text !== null)
  const rest = missing.length === 0 ? '' : `; ${missing.join('; ')}`
  return {
    kind: 'unexplained' as const,
    why: `no event of AWS Health explains a failure of ${failure.service} in ${failure.region}: ${listed(who)} answered, ${considered}${rest}`,
  }
}

/** It answered, and that it names no event means that there is none. */
function speaks(source: SourceState | undefined): boolean {
  return source?.state === 'answered' && source.unproven !== true
}

/** `a`, `a and b`, `a, b and c`. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** Inserts a rejected event among the closest ones; the list stays as short as a verdict carries. */
function keepClosest(closest: RejectedEvent[], miss: RejectedEvent): void {
  if (closest.length === MAX_REJECTED && !isCloser(miss, closest.at(-1) as RejectedEvent)) return
  const place = closest.findLastIndex((other) => !isCloser(miss, other)) + 1
  closest.splice(place, 0, miss)
  if (closest.length > MAX_REJECTED) closest.pop()
}

function isCloser(a: RejectedEvent, b: RejectedEvent): boolean {
  const tests = TESTS.indexOf(a.test) - TESTS.indexOf(b.test)
  return tests > 0 || (tests === 0 && a.arn < b.arn)
}

type Found = Readonly<{ event: HealthEvent; match: Match }>

/** A direct match before a related one, an open event before a closed one, then the last updated. */
function strongerAt(now: Instant) {
  const rank = ({ event, match }: Found) => (match === 'related' ? 2 : 0) + (endOf(event, now) === null ? 0 : 1)
  return (a: Found, b: Found): boolean => {
    const order = rank(a) - rank(b) || b.event.updatedAt - a.event.updatedAt
    return order < 0 || (order === 0 && a.event.arn < b.event.arn)
  }
}

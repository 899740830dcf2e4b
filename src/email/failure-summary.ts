import { MAX_ACCOUNT_NAME, withName } from '../domain/account-names.ts'
import { type Ended, errorAside, errorName } from '../domain/error-name.ts'
import type { Cause, Facts, ProbeFacts } from '../domain/notification.ts'
import { ownFaultOf } from '../domain/own-fault.ts'
import { decisiveTry, type FailureKind, type Outcome, partsOfId, type Try } from '../domain/probe.ts'
import { askedOf, isOfSts, titleOf } from '../domain/service-facts.ts'
import { excerptPhrase } from './excerpt.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'

/** What the failing probes have in common, counted. */
export type FailureSummary = Readonly<{
  /** `GetContactInformation for account 111122223333 (production)`, `14 probes in 5 accounts (production, staging)` */
  what: string
  /** `fails with InternalServerException (HTTP 500)`; `null` where no run failed (blind, dropped, …). */
  does: string | null
  total: number
  kind: FailureKind | null
  /** The try that shows what went wrong, from a run that failed in the most common way. */
  telling: Try | null
  /** It is STS that fails, asked for credentials. */
  isSts: boolean
  /** The services that were asked, as people call them: `Account`, `DynamoDB and S3`. */
  services: string
  /** Probes by operation, most first, each with the errors that they ended with. */
  groups: readonly string[]
}>

/** Names of monitors in the first sentence. */
const MAX_MONITORS = 3
/** Services and regions there. */
const MAX_PLACES = 3

export function summarize(facts: Facts, limits: Limits): FailureSummary {
  const { probes, others } = facts
  const [first] = probes
  const total = probes.length + Math.max(others.total, others.names.length)
  const { outcome, isMixed } = mostCommon(probes, limits)
  const failing = probes.find(({ probe }) => probe === outcome?.probe) ?? first
  const telling = outcome === null ? null : decisiveTry(outcome)
  const kind = outcome?.result === 'failed' ? outcome.kind : null
  const what = total === 1 && first !== undefined ? callOf(first, limits) : countedCalls(facts, total, limits)
  const ended = telling ?? { kind, error: null, status: null }
  const isSts = telling !== null && failing !== undefined && isOfSts(telling, failing.operation)
  return {
    what: `${what}${monitorsOf(facts, limits)}`,
    does: kind === null ? null : does(kind, ended, { isMixed, isSts, isSeveral: total > 1 }, limits),
    total,
    kind,
    telling,
    isSts,
    services: servicesOf(facts),
    groups: groupsOf(facts, limits),
  }
}

/**
 * `GetContactInformation for account 111122223333`, `… for our own account`, `DynamoDB in eu-west-1 (DescribeTable TableName=orders)`;
 * of another service than Account it is always our own.
 */
export function callOf(probe: ProbeFacts, limits: Limits): string {
  const asked = askedOf(probe.operation)
  if (asked !== null) return foreign(`${asked.service} in ${asked.region} (${asked.call})`, limits.word)
  const account = probe.account === 'self' ? 'our own account' : `account ${foreign(probe.account, limits.word)}`
  return `${foreign(probe.operation, limits.word)} for ${withName(account, foreignName(probe.accountName, limits))}`
}

export function foreignName(name: string | undefined, { word }: Limits): string | null {
  return name === undefined ? null : foreign(name, Math.min(word, MAX_ACCOUNT_NAME)) || null
}

/** A probe that is known by its id alone, and what its account is called. */
export function probeNamed(id: string, { accountNames }: Facts, limits: Limits): string {
  const name = accountNames !== undefined && Object.hasOwn(accountNames, id) ? accountNames[id] : undefined
  return withName(foreign(id, limits.word), foreignName(name, limits))
}

export function lastFailed(probe: ProbeFacts): Outcome | null {
  return probe.evidence.findLast((run) => run.result === 'failed') ?? null
}

/** The latest failed run of the first probe that fails in the most common way, and whether there are other ways. */
function mostCommon(probes: readonly ProbeFacts[], limits: Limits): { outcome: Outcome | null; isMixed: boolean } {
  const ways = Map.groupBy(
    probes.flatMap((probe) => lastFailed(probe) ?? []).filter((outcome) => decisiveTry(outcome) !== null),
    (outcome) => `${outcome.kind} ${errorOf(decisiveTry(outcome), limits)}`,
  )
  const [most] = [...ways.values()].toSorted((a, b) => b.length - a.length)
  return { outcome: most?.[0] ?? null, isMixed: ways.size > 1 }
}

/** `InternalServerException (HTTP 500)`, `ECONNRESET` */
function errorOf(telling: Ended | null, limits: Limits): string {
  return telling === null ? '' : foreign(errorName(telling), limits.word)
}

const NO_CREDENTIALS: Readonly<Record<string, string>> = {
  'no credentials': 'there are no credentials',
  'late credentials': 'our credentials do not arrive in time',
}

function does(
  kind: FailureKind,
  telling: Ended,
  { isMixed, isSts, isSeveral }: Readonly<{ isMixed: boolean; isSts: boolean; isSeveral: boolean }>,
  limits: Limits,
): string {
  const fails = isSeveral ? 'fail' : 'fails'
  const aside = `(${isMixed ? 'mostly ' : ''}${foreign(errorAside(telling), limits.word)})`
  const ownFault = ownFaultOf(kind, telling)
  switch (kind) {
    case 'internal':
      if (isSts) return `${fails} because STS ${isMixed ? 'mostly ' : ''}returns ${errorOf(telling, limits)} for AssumeRole`
      return `${fails}${isMixed ? ', mostly' : ''} with ${errorOf(telling, limits)}`
    case 'unreachable':
      return isSts ? `${fails} because STS cannot be reached ${aside}` : `cannot be reached ${aside}`
    case 'offline':
      return `cannot be reached from this host ${aside}`
    case 'setup':
      return `${isSeveral ? 'have' : 'has'} never been reached since Alibi started ${aside}`
    case 'credentials':
      return `cannot be called because ${NO_CREDENTIALS[ownFault ?? ''] ?? 'our credentials are rejected'} ${aside}`
    case 'denied':
      return `${isSeveral ? 'are' : 'is'} denied ${aside}`
    case 'invalid':
      if (ownFault === 'wrong call') return `cannot be called as configured ${aside}`
      if (ownFault === 'missing client') return `cannot be called because the SDK’s client for it is not installed`
      if (ownFault === 'internal error') return `${fails} because of an internal error in Alibi ${aside}`
      return `${isSeveral ? 'reject' : 'rejects'} our request as invalid ${aside}`
  }
}

function monitorsOf({ monitors }: Facts, limits: Limits): string {
  if (monitors.length === 0) return ''
  const names = monitors.map(({ name }) => foreign(name, limits.word))
  return ` (${excerptPhrase(names, MAX_MONITORS)})`
}

function countedCalls({ probes, others }: Facts, total: number, limits: Limits): string {
  const all = [...probes, ...others.names.map(partsOfId)]
  const accounts = new Set(all.map(({ account }) => account)).size
  const operations = new Set(all.map(({ operation }) => operation))
  // Only so many names of further probes are known: there may be more accounts.
  const least = others.total > others.names.length ? 'at least ' : ''
  const where = `in ${least}${accounts} ${accounts === 1 ? 'account' : 'accounts'}`
  // Of Account alone the service says nothing; of others it says more than their operations.
  const places = placesOf(operations)
  if (places !== null) return `${total} probes of ${foreign(places, limits.word)}${accounts === 1 ? '' : ` ${where}`}`
  const operation = operations.size === 1 ? ` of ${foreign([...operations][0] ?? '', limits.word)}` : ''
  return `${total} probes${operation} ${where}`
}

/** `DynamoDB, S3 in eu-west-1; Account`; `null` for operations of Account only. */
function placesOf(operations: Iterable<string>): string | null {
  const asked = [...operations].map((operation) => askedOf(operation))
  if (asked.every((one) => one === null)) return null
  const byRegion = Map.groupBy(asked, (one) => one?.region ?? '')
  const places = [...byRegion].map(([region, some]) => {
    const services = [...new Set(some.map((one) => one?.service ?? 'Account'))]
    return `${excerptPhrase(services, MAX_PLACES)}${region === '' ? '' : ` in ${region}`}`
  })
  const endsPlace = (word: string) => [...byRegion.keys()].some((region) => region !== '' && word.endsWith(` in ${region}`))
  const words = excerptPhrase(places, MAX_PLACES).split(', ')
  return words.map((word, n) => (n === words.length - 1 ? word : `${word}${endsPlace(word) ? ';' : ','} `)).join('')
}

function servicesOf({ probes, others }: Facts): string {
  const operations = [...probes.map(({ operation }) => operation), ...others.names.map((id) => partsOfId(id).operation)]
  return excerptPhrase([...new Set(operations.map(titleOf))], MAX_PLACES)
}

/** What some probes of one operation ended with. */
type End = Readonly<{ operation: string; error: string; count: number }>

/** `8 × GetContactInformation: 6 InternalServerException (HTTP 500), 2 recovered` */
function groupsOf({ breadth, probes }: Facts, limits: Limits): readonly string[] {
  const ends: readonly End[] =
    breadth?.causes.map((cause) => ({ operation: cause.operation, error: causeOf(cause), count: cause.count })) ??
    probes.map((probe) => ({ operation: probe.operation, error: endOf(probe, limits), count: 1 }))
  return [...Map.groupBy(ends, ({ operation }) => operation)]
    .map(([operation, some]) => ({ operation, errors: countedErrors(some), count: sum(some) }))
    .toSorted((a, b) => b.count - a.count)
    .map(({ operation, errors, count }) => {
      const how = errors.map((end) => (errors.length === 1 ? end.error : `${end.count} ${end.error}`)).join(', ')
      return `${count} × ${foreign(operation, limits.word)}: ${foreign(how, limits.sentence)}`
    })
}

function countedErrors(ends: readonly End[]): readonly Readonly<{ error: string; count: number }>[] {
  return [...Map.groupBy(ends, ({ error }) => error)].map(([error, some]) => ({ error, count: sum(some) }))
}

function sum(ends: readonly End[]): number {
  return ends.reduce((total, { count }) => total + count, 0)
}

function causeOf(cause: Cause): string {
  return cause.kind === null ? 'recovered' : errorName(cause)
}

function endOf(probe: ProbeFacts, limits: Limits): string {
  if (probe.state === 'recovered') return 'recovered'
  const outcome = lastFailed(probe) ?? probe.evidence.at(-1) ?? null
  const telling = outcome === null ? null : decisiveTry(outcome)
  return telling === null || telling.kind === null ? 'no failed run' : errorOf(telling, limits)
}

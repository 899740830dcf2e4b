import { type Ended, errorAside, errorName } from '../domain/error-name.ts'
import type { Cause, Facts, ProbeFacts } from '../domain/notification.ts'
import { ownFaultOf } from '../domain/own-fault.ts'
import { decisiveTry, type FailureKind, type Outcome, type Try } from '../domain/probe.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'

/** What the failing probes have in common, counted. */
export type FailureSummary = Readonly<{
  /** `GetContactInformation of account 111122223333 (production)`, `14 probes in 5 accounts (production, staging)` */
  what: string
  /** `answers InternalServerException (HTTP 500)`; `null` where no run failed (blind, dropped, …). */
  does: string | null
  total: number
  kind: FailureKind | null
  /** The try that tells what went wrong, of a run that failed in the commonest way. */
  telling: Try | null
  /** Probes by operation, most first, with the errors of those that are known in full. */
  groups: readonly string[]
}>

export function summarize(facts: Facts, limits: Limits): FailureSummary {
  const { probes, others } = facts
  const first = probes[0]
  const total = probes.length + Math.max(others.total, others.names.length)
  const { outcome, mixed } = commonest(probes, limits)
  const telling = outcome === null ? null : decisiveTry(outcome)
  const kind = outcome?.result === 'failed' ? outcome.kind : null
  const where = monitors(facts, limits)
  const what = total === 1 && first !== undefined ? `${callOf(first, limits)}${where}` : `${many(facts, total, limits)}${where}`
  const verb =
    kind === null
      ? null
      : does(kind, telling ?? { kind, error: null, status: null }, {
          mostly: mixed ? 'mostly ' : '',
          sts: telling?.service === 'STS',
          several: total > 1,
          limits,
        })
  return { what, does: verb, total, kind, telling, groups: groups(facts, limits) }
}

/** The latest failed run of the first probe that fails in the commonest way, and whether there are other ways. */
function commonest(probes: readonly ProbeFacts[], limits: Limits): { outcome: Outcome | null; mixed: boolean } {
  const ways = new Map<string, Outcome[]>()
  for (const probe of probes) {
    const outcome = lastFailed(probe)
    const telling = outcome === null ? null : decisiveTry(outcome)
    if (outcome === null || telling === null) continue
    const way = `${outcome.kind} ${errorOf(telling, limits)}`
    ways.set(way, [...(ways.get(way) ?? []), outcome])
  }
  const [most] = [...ways.values()].sort((a, b) => b.length - a.length)
  return { outcome: most?.[0] ?? null, mixed: ways.size > 1 }
}

/** `GetContactInformation of account 111122223333`, `… of our own account` */
export function callOf(probe: ProbeFacts, limits: Limits): string {
  const account = probe.account === 'self' ? 'our own account' : `account ${foreign(probe.account, limits.word)}`
  return `${foreign(probe.operation, limits.word)} of ${account}`
}

export function lastFailed(probe: ProbeFacts): Outcome | null {
  return probe.evidence.findLast((run) => run.result === 'failed') ?? null
}

/** `InternalServerException (HTTP 500)`, `ECONNRESET` */
function errorOf(telling: Ended, limits: Limits): string {
  return foreign(errorName(telling), limits.word)
}

const NOT_HAD: Readonly<Record<string, string>> = {
  'no credentials': 'we have no credentials',
  'late credentials': 'our credentials are not there in time',
}

function does(
  kind: FailureKind,
  telling: Ended,
  { mostly, sts, several, limits }: Readonly<{ mostly: string; sts: boolean; several: boolean; limits: Limits }>,
): string {
  const s = several ? '' : 's'
  const error = `${mostly}${errorOf(telling, limits)}`
  const aside = `${mostly}${foreign(errorAside(telling), limits.word)}`
  switch (kind) {
    case 'internal':
      return sts ? `fail${s} because STS answers ${error} when the role is assumed` : `answer${s} ${error}`
    case 'unreachable':
      return sts ? `fail${s} because STS cannot be reached (${aside})` : `cannot be reached (${aside})`
    case 'offline':
      return `cannot be reached from here (${aside})`
    case 'setup':
      return `${several ? 'have' : 'has'} not been reached once since Alibi started (${aside})`
    case 'credentials':
      return `cannot be asked, ${NOT_HAD[ownFaultOf(kind, telling) ?? ''] ?? 'our credentials are refused'} (${aside})`
    case 'denied':
      return `${several ? 'are' : 'is'} denied to us (${aside})`
    case 'invalid':
      if (ownFaultOf(kind, telling) === 'internal error') return `cannot be asked for an internal error of Alibi (${aside})`
      return `refuse${s} our request as wrong (${aside})`
  }
}

function monitors(facts: Facts, limits: Limits): string {
  const names = facts.monitors.slice(0, 3).map(({ name }) => foreign(name, limits.word))
  if (names.length === 0) return ''
  const more = facts.monitors.length - names.length
  return ` (${names.join(', ')}${more > 0 ? ` and ${more} more` : ''})`
}

function many(facts: Facts, total: number, limits: Limits): string {
  const accounts = new Set<string>()
  const operations = new Set<string>()
  for (const probe of facts.probes) {
    accounts.add(probe.account)
    operations.add(probe.operation)
  }
  for (const name of facts.others.names) {
    const { account, operation } = parts(name)
    accounts.add(account)
    operations.add(operation)
  }
  // Names of further probes are bounded: beyond them the number of accounts is not known.
  const least = facts.others.total > facts.others.names.length ? 'at least ' : ''
  const operation = operations.size === 1 ? ` of ${foreign([...operations][0] ?? '', limits.word)}` : ''
  return `${total} probes${operation} in ${least}${accounts.size} ${accounts.size === 1 ? 'account' : 'accounts'}`
}

/** A probe's id is `monitor/account/Operation:parameter`; a monitor's name may hold a slash of its own. */
function parts(name: string): { account: string; operation: string } {
  const cut = name.split('/')
  return { account: cut.at(-2) ?? '', operation: (cut.at(-1) ?? '').replace(':', ' ') }
}

function groups(facts: Facts, limits: Limits): readonly string[] {
  const operations = new Map<string, Map<string, number>>()
  const add = (operation: string, end: string, count = 1) => {
    const ends = operations.get(operation) ?? new Map<string, number>()
    operations.set(operation, ends.set(end, (ends.get(end) ?? 0) + count))
  }
  if (facts.breadth !== undefined) {
    for (const cause of facts.breadth.causes) add(cause.operation, causeOf(cause), cause.count)
  } else {
    for (const probe of facts.probes) add(probe.operation, endOf(probe, limits))
    for (const name of facts.others.names) add(parts(name).operation, 'named only')
  }
  return [...operations]
    .map(([operation, ends]) => ({ operation, ends: [...ends], count: sum(ends.values()) }))
    .sort((a, b) => b.count - a.count)
    .map(({ operation, ends, count }) => {
      const [only] = ends
      const how = ends.length === 1 && only !== undefined ? only[0] : ends.map(([end, times]) => `${times} ${end}`).join(', ')
      return `${count} × ${foreign(operation, limits.word)}: ${foreign(how, limits.sentence)}`
    })
}

function causeOf(cause: Cause): string {
  return cause.kind === null ? 'well again' : errorName(cause)
}

function endOf(probe: ProbeFacts, limits: Limits): string {
  if (probe.state === 'well') return 'well again'
  const outcome = lastFailed(probe) ?? probe.evidence.at(-1) ?? null
  const telling = outcome === null ? null : decisiveTry(outcome)
  return telling === null || telling.kind === null ? 'no failed run' : errorOf(telling, limits)
}

function sum(counts: Iterable<number>): number {
  let total = 0
  for (const count of counts) total += count
  return total
}

import type { Facts, ProbeFacts } from '../domain/notification.ts'
import type { Instant } from '../domain/probe.ts'
import { type Block, heading, list } from './block.ts'
import { callOf, type FailureSummary, probeNamed } from './failure-summary.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { hhmmss } from './times.ts'

/** How several probes fail, counted; with their names, where these are few. */
export function failingProbes(facts: Facts, failure: FailureSummary, limits: Limits): readonly Block[] {
  if (failure.total < 2) return []
  const groups = failure.groups.slice(0, limits.groups)
  const more = failure.groups.length - groups.length
  const rest = more > 0 ? [`and ${more} more ${more === 1 ? 'operation' : 'operations'}`] : []
  if (isLong(facts)) return [list([...groups, ...rest, ...firstAndLast(facts, limits)])]
  return [list([...groups, ...rest]), heading(`${failure.total} probes`), names(facts, failure, limits)]
}

/** A long list comes after the evidence, because all it adds is names. */
export function longProbeList(facts: Facts, failure: FailureSummary, limits: Limits): readonly Block[] {
  return failure.total < 2 || !isLong(facts) ? [] : [names(facts, failure, limits)]
}

/** There are more probes than are shown in full. */
function isLong({ others }: Facts): boolean {
  return others.total > 0 || others.names.length > 0
}

function names(facts: Facts, failure: FailureSummary, limits: Limits): Block {
  const inFull = facts.probes.map((probe) => probeLine(probe, facts, limits))
  const room = Math.max(0, limits.listed - inFull.length)
  const others = facts.others.names.slice(0, room).map((name) => probeNamed(name, facts, limits))
  const left = failure.total - inFull.length - others.length
  const rest = left > 0 ? [`and ${left} more: see the attached list or \`alibi explain\``] : []
  return list([...inFull, ...others, ...rest])
}

function firstAndLast(facts: Facts, limits: Limits): readonly string[] {
  const { breadth, at } = facts
  if (breadth === undefined) return []
  const { first, last } = breadth
  return [
    `first to fail: ${probeNamed(first.probe, facts, limits)} at ${hhmmss(first.at, at)}`,
    `last to fail: ${probeNamed(last.probe, facts, limits)} at ${hhmmss(last.at, at)}`,
  ]
}

function probeLine(probe: ProbeFacts, { at, incident }: Facts, limits: Limits): string {
  const name = `${callOf(probe, limits)} (${foreign(probe.monitor, limits.word)})`
  // Once it has recovered, whether AWS explains it no longer matters.
  if (probe.state === 'recovered') return `${name}: recovered at ${hhmmss(probe.recoveredAt ?? at, at)}`
  const state = probe.state === 'failing' ? 'failing' : 'may be recovering'
  const explained = incident?.family === 'outage' ? `, ${explainedOrNot(probe, at)}` : ''
  return `${name}: ${state} since ${hhmmss(probe.onset, at)}${explained}`
}

/** `unexplained`, `explained until 13:35:00Z` */
function explainedOrNot({ verdict, lapsed, explainedUntil }: ProbeFacts, at: Instant): string {
  if (explainedUntil === null) return verdict.kind
  const until = `explained until ${hhmmss(explainedUntil, at)}`
  return lapsed === null ? until : `${verdict.kind}, ${until}`
}

import type { Monitor, Probe } from '../domain/probe.ts'
import { coveredBy, covers, operationOf, regionIn, type Scope } from '../domain/scope.ts'
import { nearest } from './nearest.ts'

/** What may be named of a silence, by the key or option that names it. */
const SCOPE_KEYS = ['monitor', 'account', 'operation', 'region'] as const
type ScopeKey = (typeof SCOPE_KEYS)[number]
export type NamedScope = Readonly<Partial<Record<ScopeKey, readonly string[] | undefined>>>

/** A name that no probe has: which one, the one that was probably meant, and those that there are. */
export type UnknownName = Readonly<{ key: ScopeKey; index: number; name: string; meant: string | null; known: readonly string[] }>

export type ReadScope =
  | Readonly<{ result: 'covers'; scope: Scope; probes: readonly Probe[] }>
  | Readonly<{ result: 'unknown'; unknown: UnknownName }>
  | Readonly<{ result: 'nothing' }>

/**
 * The scope that these names come to, and the probes that it covers now. A name that no probe has is a mistake, and so are names
 * that no probe has all of.
 * @param isOpen whether there are accounts that are not known here, because they are discovered
 */
export function readScope(named: NamedScope, monitors: readonly Monitor[], isOpen: boolean): ReadScope {
  const probes = monitors.flatMap((monitor) => monitor.probes)
  const known = namesOf(monitors, probes)
  for (const key of SCOPE_KEYS) {
    for (const [index, name] of (named[key] ?? []).entries()) {
      if (known[key].has(name) || (key === 'account' && isOpen && /^\d{12}$/.test(name))) continue
      return { result: 'unknown', unknown: { key, index, name, meant: meantBy(name, known[key]), known: [...known[key]] } }
    }
  }
  const { monitor = [], account = [], operation = [], region = [] } = named
  const scope = { monitors: unique(monitor), accounts: unique(account), operations: unique(operation), regions: unique(region) }
  const covered = probes.filter((probe) => covers(scope, coveredBy(probe)))
  return covered.length === 0 && !isOpen ? { result: 'nothing' } : { result: 'covers', scope, probes: covered }
}

function namesOf(monitors: readonly Monitor[], probes: readonly Probe[]): Readonly<Record<ScopeKey, ReadonlySet<string>>> {
  const calls = [...new Set(probes.map((probe) => coveredBy(probe).operation))]
  return {
    monitor: new Set(monitors.map(({ name }) => name)),
    account: new Set(probes.map(({ account }) => account)),
    operation: new Set([...calls.map((operation) => operationOf({ operation })), ...calls]),
    region: new Set(calls.map(regionIn).filter((region) => region !== '')),
  }
}

/** Also an operation without its service: `DescribeTable`. */
function meantBy(name: string, known: ReadonlySet<string>): string | null {
  const isAction = (one: string) => one.split(':').at(-1)?.toLowerCase() === name.toLowerCase()
  return nearest(name, known) ?? [...known].find(isAction) ?? null
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}

import { callShown, type Probe } from './probe.ts'

/**
 * What a silence covers: the probes whose monitor, account, operation and region are all among those named. An empty list names
 * nothing, so that it leaves nothing out.
 */
export type Scope = Readonly<{
  monitors: readonly string[]
  /** Twelve digits, or `self`. */
  accounts: readonly string[]
  /** `GetAlternateContact`, whatever its parameters, or a call as it is shown: `GetAlternateContact SECURITY`. */
  operations: readonly string[]
  /** Of the endpoints of other services than Account. */
  regions: readonly string[]
}>

/** A probe as an incident knows it: its operation as it is shown. */
export type Covered = Readonly<{ monitor: string; account: string; operation: string }>

export function coveredBy(probe: Probe): Covered {
  return { monitor: probe.monitor, account: probe.account, operation: callShown(probe.call) }
}

type Test = (probe: Covered) => boolean
/** A silence may name thousands of accounts, and is compared with thousands of probes. */
const tests = new WeakMap<Scope, Test>()

/** Whether all that the scope names fits this probe. Names are compared as they are: there are no patterns. */
export function covers(scope: Scope, probe: Covered): boolean {
  const test = tests.get(scope) ?? testOf(scope)
  tests.set(scope, test)
  return test(probe)
}

function testOf({ monitors, accounts, operations, regions }: Scope): Test {
  const one = (names: readonly string[]) => {
    const known = new Set(names)
    return (...given: readonly string[]) => known.size === 0 || given.some((name) => known.has(name))
  }
  const [monitor, account, operation, region] = [one(monitors), one(accounts), one(operations), one(regions)]
  return (probe) =>
    monitor(probe.monitor) &&
    account(probe.account) &&
    operation(probe.operation, operationOf(probe)) &&
    region(regionIn(probe.operation))
}

/** The operation without its parameters and its region. */
export function operationOf({ operation }: Pick<Covered, 'operation'>): string {
  return operation.split(' ', 1)[0] ?? operation
}

/** The region of a call as it is shown; empty for Account, whose calls name none. */
export function regionIn(operation: string): string {
  return / in ([a-z0-9-]+)$/.exec(operation)?.[1] ?? ''
}

/** Names of one kind that are listed; the rest are counted. */
const MAX_NAMED = 3

/** `monitor production, accounts 111122223333 and 444455556666`; `every monitor` where nothing is named. */
export function scopeShown({ monitors, accounts, operations, regions }: Scope): string {
  const parts = [
    named('monitor', monitors),
    named('account', accounts),
    named('operation', operations),
    named('region', regions),
  ].filter((part) => part !== '')
  return parts.length === 0 ? 'every monitor' : parts.join(', ')
}

function named(kind: string, names: readonly string[]): string {
  if (names.length <= 1) return names.length === 0 ? '' : `${kind} ${names[0]}`
  const rest = names.length - MAX_NAMED
  const shown = rest > 1 ? [...names.slice(0, MAX_NAMED), `${rest} more`] : names
  return `${kind}s ${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

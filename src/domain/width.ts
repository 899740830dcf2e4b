import type { Member } from './incident.ts'
import { type Instant, MINUTE_MS, type Monitor, type Probe } from './probe.ts'
import { operationKey, type Setup } from './setup.ts'
import type { ProbeState } from './state.ts'

/** How all accounts fare with the operations that fail, each account counted once. */
export type Width = Readonly<{
  /** Accounts that are probed with any of these operations. */
  accounts: number
  /** Those of the failing probes. */
  failing: number
  /** Of the others: ok in a fresh run; failing as well, which another email reports; not known. */
  ok: number
  alsoFailing: number
  unknown: number
  operations: number
}>

/** A run is fresh for three periods, but at least for this long: less is no gap in our own watch either. */
const FRESH_AT_LEAST_MS = 5 * MINUTE_MS

type Around = Readonly<{
  setup: Setup
  states: ReadonlyMap<string, ProbeState>
  now: Instant
  /** An account as one name, whoever probes it. */
  accountOf: (probe: Probe, monitor: Monitor) => string
}>

type Fate = 'failing' | 'unknown' | 'ok'

/** The width of these failing probes; `null`: there is only one account, so there is nothing to compare. */
export function widthOf(members: readonly Member[], around: Around): Width | null {
  const { setup, accountOf } = around
  const onsets = new Map<string, Instant>()
  const failing = new Set<string>()
  for (const { probe: id, monitor: name, onset } of members) {
    const [probe, monitor] = [setup.probes.get(id), setup.monitors.get(name)]
    if (probe === undefined || monitor === undefined) continue
    const key = operationKey(monitor.partition, probe)
    onsets.set(key, Math.min(onsets.get(key) ?? onset, onset))
    failing.add(accountOf(probe, monitor))
  }
  const fates = new Map<string, Fate>()
  for (const [key, since] of onsets)
    for (const [account, fate] of fatesOf(key, since, around)) fates.set(account, worse(fates.get(account) ?? 'ok', fate))
  if (fates.size < 2) return null
  const others = [...fates].filter(([account]) => !failing.has(account))
  const count = (fate: Fate) => others.filter(([, one]) => one === fate).length
  return {
    accounts: fates.size,
    failing: fates.size - others.length,
    ok: count('ok'),
    alsoFailing: count('failing'),
    unknown: count('unknown'),
    operations: onsets.size,
  }
}

/** The accounts with one operation. Where several monitors probe the same account, one fresh run is enough to know. */
function fatesOf(key: string, since: Instant, { setup, states, now, accountOf }: Around): ReadonlyMap<string, Fate> {
  const found = new Map<string, Fate>()
  for (const probe of setup.sameOperation.get(key) ?? []) {
    const monitor = setup.monitors.get(probe.monitor)
    if (monitor === undefined) continue
    const account = accountOf(probe, monitor)
    const fate = fateOf(states.get(probe.id), monitor, { since, now })
    const known = found.get(account) ?? 'unknown'
    found.set(account, known === 'unknown' || fate === 'failing' ? fate : known)
  }
  return found
}

/** Ok is only who has been since the failure began. Whether an undecided probe fails is not known. */
function fateOf(
  state: ProbeState | undefined,
  { periodMs, spreadMs }: Monitor,
  { since, now }: Readonly<{ since: Instant; now: Instant }>,
): Fate {
  if (state === undefined) return 'unknown'
  const { status, lastRunAt, inconclusive } = state
  if (status === 'failing' || status === 'recovering') return 'failing'
  if (status === 'undecided' || lastRunAt === null || inconclusive !== null) return 'unknown'
  const freshMs = Math.max(FRESH_AT_LEAST_MS, 3 * periodMs + spreadMs)
  return lastRunAt >= since && now - lastRunAt <= freshMs ? 'ok' : 'unknown'
}

function worse(a: Fate, b: Fate): Fate {
  if (a === 'failing' || b === 'failing') return 'failing'
  return a === 'unknown' || b === 'unknown' ? 'unknown' : 'ok'
}

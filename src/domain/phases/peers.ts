import type { Member } from '../incident.ts'
import type { Instant } from '../probe.ts'
import { accountName, operationKey } from '../setup.ts'
import type { Peers } from '../verdict.ts'
import type { Draft } from './draft.ts'

type LastRuns = Readonly<{ run: Instant; unclean: Instant | null }>

/** How the accounts fare with one operation: the last run of each and the last one that was not clean, and both in order. */
export type PeerIndex = Readonly<{
  accounts: ReadonlyMap<string, LastRuns>
  runs: Float64Array
  uncleans: Float64Array
}>

/** How the other accounts fare with this operation since the onset (the test of width). */
export function peersOf(draft: Draft, member: Member): Peers {
  const probe = draft.setup.probes.get(member.probe)
  const monitor = draft.setup.monitors.get(member.monitor)
  if (probe === undefined || monitor === undefined) return { others: 0, ok: 0 }
  const index = peerIndex(draft, operationKey(monitor.partition, probe))
  const mine = index.accounts.get(accountName(probe, monitor))
  const isSince = (at: Instant | null | undefined) => at !== null && at !== undefined && at >= member.onset
  // No account has an unclean run without a run: those with one since the onset are among the others.
  const others = notBefore(index.runs, member.onset) - (isSince(mine?.run) ? 1 : 0)
  const unclean = notBefore(index.uncleans, member.onset) - (isSince(mine?.unclean) ? 1 : 0)
  return { others, ok: others - unclean }
}

/** Made once a decision for each operation, after all runs were taken: every failing account is compared with every other. */
function peerIndex(draft: Draft, operation: string): PeerIndex {
  const known = draft.peers.get(operation)
  if (known !== undefined) return known
  const accounts = new Map<string, LastRuns>()
  for (const other of draft.setup.sameOperation.get(operation) ?? []) {
    const monitor = draft.setup.monitors.get(other.monitor)
    const { lastRunAt, lastUncleanAt } = draft.probeState(other.id)
    if (monitor === undefined || lastRunAt === null) continue
    const account = accountName(other, monitor)
    const was = accounts.get(account)
    const run = Math.max(was?.run ?? lastRunAt, lastRunAt)
    const unclean = lastUncleanAt === null ? (was?.unclean ?? null) : Math.max(was?.unclean ?? lastUncleanAt, lastUncleanAt)
    accounts.set(account, { run, unclean })
  }
  const all = [...accounts.values()]
  const runs = Float64Array.from(all, ({ run }) => run).sort()
  const uncleans = Float64Array.from(all.flatMap(({ unclean }) => (unclean === null ? [] : [unclean]))).sort()
  const index = { accounts, runs, uncleans }
  draft.peers.set(operation, index)
  return index
}

/** How many of these, sorted, are at that moment or later. */
function notBefore(sorted: Float64Array, at: Instant): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < at) low = middle + 1
    else high = middle
  }
  return sorted.length - low
}

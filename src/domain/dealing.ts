import type { Monitor } from './probe.ts'

/** Whose calls a monitor makes, in words: AWS counts those of the same credentials (`credentialsKey`) together, in each partition. */
export function callerOf({ partition, credentials }: Pick<Monitor, 'partition' | 'credentials'>): string {
  const { profile, roleArn, externalId } = credentials
  const parts = [
    partition,
    profile === null ? 'default credentials' : `profile ${profile}`,
    ...(roleArn === null ? [] : [roleArn]),
    ...(externalId === null ? [] : ['with an external id']),
  ]
  return parts.join(', ')
}

/**
 * Deals callers to machines so that each gets as many as any other, or one more. Whoever holds a caller keeps it where that is
 * possible: a caller that moves is not called meanwhile.
 *
 * @param machines who can take callers; where not all can get the same number, those that come first are preferred
 * @param held which machine holds which caller now
 * @returns the machine of each caller; empty where there is no machine
 */
export function deal(
  callers: readonly string[],
  machines: readonly string[],
  held: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const heldBy = (machine: string) => callers.filter((caller) => held.get(caller) === machine)
  const least = Math.floor(callers.length / machines.length)
  // One more for those that hold the most: then the fewest callers move.
  const withOneMore = new Set(
    machines.toSorted((a, b) => heldBy(b).length - heldBy(a).length).slice(0, callers.length % machines.length),
  )
  const dealt = new Map<string, string>()
  const room = new Map<string, number>()
  for (const machine of machines) {
    const share = least + (withOneMore.has(machine) ? 1 : 0)
    const kept = heldBy(machine).slice(0, share)
    for (const caller of kept) dealt.set(caller, machine)
    room.set(machine, share - kept.length)
  }
  const open = machines.flatMap((machine) => Array.from({ length: room.get(machine) ?? 0 }, () => machine))
  for (const caller of callers) {
    if (dealt.has(caller)) continue
    const machine = open.shift()
    if (machine !== undefined) dealt.set(caller, machine)
  }
  return dealt
}

/** What decides which of several machines should lead. */
export type Candidate = Readonly<{
  name: string
  version: string
  config: string
  /** Whether it reaches AWS; `null`: nobody knows. */
  reaches: boolean | null
}>

/**
 * Who should rather lead than this machine, and why: one that reaches AWS before one that does not, then the newest version, then a
 * configuration that more machines have. No two machines give way to each other.
 */
export function rivalOf(me: Candidate, others: readonly Candidate[]): Rival | null {
  const reaching = others.find(({ reaches }) => reaches === true)
  if (me.reaches === false && reaching !== undefined) return { name: reaching.name, by: 'reach' }
  const equals = others.filter(({ reaches }) => reaches !== false || me.reaches === false)
  const newest = equals.toSorted((a, b) => compareVersions(b.version, a.version))[0]
  if (newest !== undefined && compareVersions(newest.version, me.version) > 0) return { name: newest.name, by: 'version' }
  const alike = equals.filter(({ version }) => version === me.version)
  const having = (config: string) => alike.filter((one) => one.config === config)
  const most = alike.toSorted((a, b) => having(b.config).length - having(a.config).length)[0]
  if (most === undefined || having(most.config).length <= having(me.config).length + 1) return null
  return { name: most.name, by: 'config' }
}

export type Rival = Readonly<{ name: string; by: 'reach' | 'version' | 'config' }>

/** Numbers as numbers; of `1.0.0` and `1.0.0-rc.1` the one without a suffix is newer. */
function compareVersions(a: string, b: string): number {
  if (a === b) return 0
  const [[coreA = '', ...suffixA], [coreB = '', ...suffixB]] = [a.split('-'), b.split('-')]
  const byCore = coreA.localeCompare(coreB, 'en', { numeric: true })
  if (byCore !== 0) return byCore
  if (suffixA.length === 0 || suffixB.length === 0) return suffixB.length - suffixA.length
  return suffixA.join('-').localeCompare(suffixB.join('-'), 'en', { numeric: true })
}

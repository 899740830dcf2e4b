import { credentialsKey, type Monitor } from './probe.ts'

/** Whose calls a monitor makes: AWS counts those of the same credentials together, in each partition. */
export function callerOf({ partition, credentials }: Pick<Monitor, 'partition' | 'credentials'>): string {
  return `${partition} ${credentialsKey(credentials)}`
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

import { brokenBy as brokenByOne } from '../invariants.ts'
import type { LivedPair } from './live.ts'

type Broken = ReturnType<typeof brokenByOne>

/** What a history of two machines breaks: the invariants of one daemon, and those of several. */
export function brokenBy(lived: LivedPair): Broken {
  const named = (invariant: string, hows: readonly string[]) => hows.map((how) => ({ invariant, how }))
  return [
    ...brokenByOne(lived),
    ...named('a leader that was deposed writes and sends nothing once its successor has committed', lateActs(lived)),
    ...named('no caller is called by two machines at once', overlaps(lived)),
  ]
}

function lateActs({ acts }: LivedPair): readonly string[] {
  let newest = 0
  return acts.flatMap(({ at, what, attempt, instance }) => {
    if (what === 'commit') newest = Math.max(newest, attempt)
    return attempt < newest
      ? [`${instance}, in term ${attempt}: a ${what} at ${clock(at)}, and by then the leader of term ${newest} had committed`]
      : []
  })
}

function overlaps({ calls }: LivedPair): readonly string[] {
  const last = new Map<string, LivedPair['calls'][number][]>()
  return calls.flatMap((call) => {
    const before = (last.get(call.caller) ?? []).filter(({ to }) => to > call.from)
    last.set(call.caller, [...before, call])
    const other = before.find(({ machine }) => machine !== call.machine)
    return other === undefined
      ? []
      : [`${call.machine} called for ${call.caller} at ${clock(call.from)}, and the call of ${other.machine} lasted`]
  })
}

function clock(ms: number): string {
  return `+${Math.floor(ms / 60_000)}:${((ms % 60_000) / 1_000).toFixed(3).padStart(6, '0')}`
}

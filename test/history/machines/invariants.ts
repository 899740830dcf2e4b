import { brokenBy as brokenByOne } from '../invariants.ts'
import type { LivedPair } from './live.ts'

/** What a history of two machines breaks: the invariants of one daemon, and those of several. */
export function brokenBy(lived: LivedPair): ReturnType<typeof brokenByOne> {
  return [
    ...brokenByOne(lived),
    ...lateActs(lived, 'commit', 'a leader that was deposed writes nothing'),
    ...lateActs(lived, 'email', 'a leader that was deposed sends nothing'),
    ...lateActs(lived, 'call', 'no machine calls for a caller that another one may call for'),
  ]
}

function lateActs({ acts }: LivedPair, kind: LivedPair['acts'][number]['what'], invariant: string) {
  return acts.flatMap(({ at, what, instance, caller, isIts }) =>
    what !== kind || isIts
      ? []
      : [{ invariant, how: `${instance}, ${clock(at)}: ${what}${caller === undefined ? '' : ` for ${caller}`}` }],
  )
}

function clock(ms: number): string {
  return `+${Math.floor(ms / 60_000)}:${((ms % 60_000) / 1_000).toFixed(3).padStart(6, '0')}`
}

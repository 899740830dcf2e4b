import { utc } from '../duration.ts'
import { type Member, onsetOf } from '../incident.ts'
import type { MailKind } from '../notification.ts'
import type { Instant } from '../probe.ts'
import { covers } from '../scope.ts'
import { endOfSilence, hasEnded, type PastSilence, silenceOver } from '../silence.ts'
import type { Context } from './context.ts'
import { type Blocked, blocked } from './result.ts'

const RUNS_ONCE_MORE = blocked('silence', 'fresh', 'a silence has ended: the probes that it covered run once more first')

/**
 * `silence`: why nothing is sent about these probes, none of which is audible. Of the silences over them it names the one that ends
 * first, for then something may be sent. They withhold reports of a failure, never the news, for those who know of it, that it is
 * over or explained.
 */
export function silenced(kind: MailKind, own: readonly Member[], { silences, now }: Context): Blocked {
  const over = own.flatMap((member) => silenceOver(member, silences, now) ?? [])
  const [first] = over.toSorted((a, b) => endOfSilence(a) - endOfSilence(b))
  if (first === undefined) return RUNS_ONCE_MORE
  const reason = `${kind} is silenced until ${utc(endOfSilence(first))} by ${first.by}: ${first.reason}`
  return blocked('silence', `silence ${first.id}`, reason)
}

/** The last silence that ended since then and under which one of these probes was failing; `null` if there was none. */
export function silenceBehind(own: readonly Member[], since: Instant, { silences, now }: Context): PastSilence | null {
  const past = silences.flatMap((silence) => {
    const endedAt = endOfSilence(silence)
    if (!hasEnded(silence, now) || endedAt <= since) return []
    const failed = own.filter((member) => member.onset < endedAt && covers(silence.scope, member))
    if (failed.length === 0) return []
    const { reason, by, from, until } = silence
    return [{ reason, by, from, until, endedAt, began: onsetOf(failed) < from ? ('before' as const) : ('during' as const) }]
  })
  return past.toSorted((a, b) => b.endedAt - a.endedAt)[0] ?? null
}

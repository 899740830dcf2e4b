import { utc } from '../duration.ts'
import type { Member } from '../incident.ts'
import type { MailKind } from '../notification.ts'
import { endOfSilence, silenceOver } from '../silence.ts'
import type { Context } from './context.ts'
import { type Blocked, blocked } from './result.ts'

/**
 * `silence`: of the silences over these probes the one that ends first, for then something may be sent. It blocks what tells of a
 * failure, never what tells those who know of it that it is over or explained.
 */
export function silenced(kind: MailKind, own: readonly Member[], { silences, now }: Context): Blocked | null {
  const over = own.flatMap((member) => silenceOver(member, silences, now) ?? [])
  const [first] = over.toSorted((a, b) => endOfSilence(a) - endOfSilence(b))
  if (first === undefined) return null
  return blocked('silence', `silence ${first.id}`, `${kind} is silenced until ${utc(endOfSilence(first))}: ${first.reason}`)
}

import { inWordsByClock } from '../domain/duration.ts'
import type { Instant } from '../domain/probe.ts'
import { scopeShown } from '../domain/scope.ts'
import { withoutAddresses } from '../domain/shown.ts'
import { endOfSilence } from '../domain/silence.ts'
import { foreign } from '../email/foreign.ts'
import type { Tone } from '../email/opening.ts'
import { clockTime, SENTENCE, WORD } from './phrase.ts'
import type { View } from './view.ts'

const MAX_SILENCES = 20

/** A silence that is in force, or planned. */
export type SilenceRow = Readonly<{
  id: string
  what: string
  isInForce: boolean
  tone: Tone
  from: string
  until: string
  reason: string
  by: string
}>

export type SilenceList = Readonly<{ rows: readonly SilenceRow[]; more: number }>

/** Those in force first, by their end; then those that are planned, by their begin. */
export function silenceList({ world }: View, now: Instant): SilenceList {
  const left = world.silences.filter((silence) => now < endOfSilence(silence))
  const inForce = left.filter(({ from }) => from <= now).sort((a, b) => endOfSilence(a) - endOfSilence(b))
  const planned = left.filter(({ from }) => from > now).sort((a, b) => a.from - b.from)
  const all = [...inForce, ...planned]
  return {
    rows: all.slice(0, MAX_SILENCES).map((silence) => {
      const isInForce = silence.from <= now
      const end = endOfSilence(silence)
      return {
        id: foreign(silence.id, WORD),
        what: foreign(scopeShown(silence.scope), SENTENCE),
        isInForce,
        tone: isInForce ? 'warn' : 'plain',
        from: clockTime(silence.from, now),
        until: `${clockTime(end, now)} (${isInForce ? `${inWordsByClock(now, end)} left` : `for ${inWordsByClock(silence.from, end)}`})`,
        reason: foreign(withoutAddresses(silence.reason), SENTENCE),
        by: foreign(withoutAddresses(silence.by), WORD),
      }
    }),
    more: Math.max(0, all.length - MAX_SILENCES),
  }
}

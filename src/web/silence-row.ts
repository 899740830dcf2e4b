import { inWordsByClock } from '../domain/duration.ts'
import type { Instant } from '../domain/probe.ts'
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
  /** Why, or who asked for it: whatever they gave. */
  reason: string
}>

export type SilenceList = Readonly<{ rows: readonly SilenceRow[]; more: number }>

/** Those in force first, by their end; then those that are planned, by their begin. */
export function silenceList({ world }: View, now: Instant): SilenceList {
  const left = world.silences.filter((silence) => now < endOfSilence(silence))
  const inForce = left.filter(({ at }) => at <= now).sort((a, b) => endOfSilence(a) - endOfSilence(b))
  const planned = left.filter(({ at }) => at > now).sort((a, b) => a.at - b.at)
  const all = [...inForce, ...planned]
  return {
    rows: all.slice(0, MAX_SILENCES).map((silence) => {
      const isInForce = silence.at <= now
      const end = endOfSilence(silence)
      return {
        id: foreign(silence.id, WORD),
        what: silence.monitor === null ? 'every monitor' : `monitor ${foreign(silence.monitor, WORD)}`,
        isInForce,
        tone: isInForce ? 'warn' : 'plain',
        from: clockTime(silence.at, now),
        until: `${clockTime(end, now)} (${isInForce ? `${inWordsByClock(now, end)} left` : `for ${inWordsByClock(silence.at, end)}`})`,
        reason: foreign(withoutAddresses(silence.reason), SENTENCE),
      }
    }),
    more: Math.max(0, all.length - MAX_SILENCES),
  }
}

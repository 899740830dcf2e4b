import type { Facts } from '../domain/notification.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { hhmm } from './times.ts'

/** `Silence "db move" by anna ended at 12:00 UTC; this failure began during it.` */
export function silenceSentence({ silence, at }: Facts, limits: Limits): string | null {
  if (silence === undefined) return null
  const { reason, by, endedAt, until, began } = silence
  const which = `Silence "${foreign(reason, limits.sentence)}" by ${foreign(by, limits.word)}`
  const wasLifted = endedAt < until
  const ended = `${which} ${wasLifted ? 'was lifted' : 'ended'} at ${hhmm(endedAt, at)} UTC`
  const early = wasLifted ? `, before its end at ${hhmm(until, at)} UTC` : ''
  return `${ended}${early}; this failure ${began === 'during' ? 'began during it' : 'had begun before it'}.`
}

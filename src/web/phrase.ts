import { inWords } from '../domain/duration.ts'
import type { Instant } from '../domain/probe.ts'
import { hhmm } from '../email/times.ts'

/** UTF-16 units of one foreign word, and of one foreign sentence. */
export const WORD = 120
export const SENTENCE = 400

export function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

export function ago(at: Instant, now: Instant): string {
  return `${inWords(now - at)} ago`
}

/** `11:58 UTC`, with its date when that is not today's. */
export function clockTime(at: Instant, now: Instant): string {
  return `${hhmm(at, now)} UTC`
}

export function capital(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1)
}

export function stop(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`
}

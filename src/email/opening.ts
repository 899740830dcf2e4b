import type { Facts, MailKind } from '../domain/notification.ts'
import type { Delivery } from './delivery.ts'
import { firstSentence } from './first-sentence.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { widthSentence } from './width.ts'

export type Tone = 'bad' | 'warn' | 'good' | 'plain'

/** What is read first, and often alone. */
export type Opening = Readonly<{
  /** `FAILING`, `RECOVERED`, … */
  state: string
  tone: Tone
  /** Between the state and the sentence: a space where the sentence continues the word, else a colon. */
  joint: ' ' | ': '
  /** Since when, what, how sure. */
  sentence: string
  /** How many accounts it concerns, and how the others fare; `null` where there is nothing to compare. */
  width: string | null
  /** The same in a shorter line that stands alone in a list of emails. */
  preview: string
}>

const STATE: Readonly<Record<MailKind, readonly [string, Tone]>> = {
  failing: ['FAILING', 'bad'],
  wider: ['WIDER', 'bad'],
  escalated: ['ESCALATED', 'bad'],
  reminder: ['REMINDER', 'bad'],
  'now-explained': ['EXPLAINED BY AWS', 'warn'],
  'still-failing': ['STILL FAILING', 'bad'],
  recovered: ['RECOVERED', 'good'],
  flapping: ['FLAPPING', 'warn'],
  dropped: ['NO LONGER WATCHED', 'plain'],
  blind: ['BLIND', 'warn'],
  misconfigured: ['MISCONFIGURED', 'warn'],
  offline: ['OFFLINE', 'warn'],
  digest: ['SUMMARY', 'plain'],
  test: ['TEST', 'plain'],
}

const FAILING: readonly MailKind[] = ['failing', 'wider', 'escalated', 'reminder', 'still-failing', 'flapping']

/** Whether an email of that kind reports a failure that AWS may have caused. */
export function isFailing(kind: MailKind): boolean {
  return FAILING.includes(kind)
}

export function stateWord({ kind, incident }: Facts): string {
  if (kind === 'failing' && (incident?.reopened ?? 0) > 0) return 'FAILING AGAIN'
  return STATE[kind][0]
}

export function opening(facts: Facts, merged: Delivery['merged'], limits: Limits): Opening {
  const state = stateWord(facts)
  const { sentence, short } = firstSentence(facts, merged, limits)
  const joint = /^(since|at|for) /.test(sentence) ? ' ' : ': '
  return {
    state,
    tone: STATE[facts.kind][1],
    joint,
    sentence,
    width: widthSentence(facts),
    preview: foreign(`${state}: ${short}`, 140),
  }
}

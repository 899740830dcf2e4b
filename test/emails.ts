import type { Facts } from '../src/domain/notification.ts'
import type { Delivery } from '../src/email/delivery.ts'
import { renderEmail } from '../src/email/render.ts'
import { CASES, notificationOf, PUNCTUAL, SAMPLES } from '../src/email/samples.ts'

/* The samples as emails, for the tests of what an email says. */

/** Sent a second after it was queued. */
export function punctual(facts: Facts): Delivery {
  return { ...PUNCTUAL, now: facts.at + 1_000 }
}

/** Every sample by its name, with its delivery. */
export const ALL: readonly (readonly [string, Facts, Delivery])[] = [
  ...Object.entries(SAMPLES).map(([name, facts]) => [name, facts, punctual(facts)] as const),
  ...Object.entries(CASES).map(([name, { facts, delivery }]) => [name, facts, { ...punctual(facts), ...delivery }] as const),
]

export function textOf(facts: Facts, delivery: Partial<Delivery> = {}): string {
  return renderEmail(notificationOf(facts), { ...punctual(facts), ...delivery }).text
}

/** Without spaces and line breaks, so that a sentence is found wherever it wraps. */
export function squeezed(text: string): string {
  return text.replace(/[\s=\u00A0]+/g, '')
}

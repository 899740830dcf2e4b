import type { HealthEvent } from '../../domain/outage.ts'

/*
 * An event of AWS Health is kept in each of its forms, and most forms differ from the one before by a time and a sentence. So
 * what is written of a form is what has changed; the rest is read from its base, an earlier form of the same event.
 */

/** Forms that are read to put one together: after so many it is written whole again. */
export const MAX_CHAIN = 20
/** A delta that is not shorter than this share of the text is not worth a base. */
const WORTH_IT = 0.5

/** The text is the beginning of its base's text, then `text`, then the end of its base's text. */
type Delta = Readonly<{ base: number; head: number; tail: number; text: string; sameImpacted: boolean }>
export type StoredForm = Omit<HealthEvent, 'text' | 'impacted'> &
  Readonly<{ text?: string; impacted?: HealthEvent['impacted']; delta?: Delta }>

/** A form that was written, and how many others have to be read for it. */
export type Base = Readonly<{ id: number; event: HealthEvent; chain: number }>

export function encode(event: HealthEvent, base: Base | null): Readonly<{ stored: StoredForm; chain: number }> {
  if (base === null || base.chain >= MAX_CHAIN) return { stored: event, chain: 0 }
  const was = base.event.text
  const { text, impacted, ...rest } = event
  const head = sharedHead(was, text)
  const tail = sharedTail(was, text, Math.min(was.length, text.length) - head)
  const sameImpacted = JSON.stringify(impacted) === JSON.stringify(base.event.impacted)
  const added = text.slice(head, text.length - tail)
  const isWorthIt = added.length < text.length * WORTH_IT || (sameImpacted && (impacted?.length ?? 0) > 0)
  if (!isWorthIt) return { stored: event, chain: 0 }
  const delta = { base: base.id, head, tail, text: added, sameImpacted }
  return { stored: { ...rest, ...(sameImpacted ? {} : { impacted }), delta }, chain: base.chain + 1 }
}

/** @param baseOf the form of an id; `null` where there is none */
export function decode(stored: StoredForm, baseOf: (id: number) => HealthEvent | null): HealthEvent {
  const { delta, ...rest } = stored
  if (delta === undefined) return rest as HealthEvent
  const base = baseOf(delta.base)
  const was = base?.text ?? ''
  const text = `${was.slice(0, delta.head)}${delta.text}${delta.tail === 0 ? '' : was.slice(-delta.tail)}`
  return { ...rest, text, impacted: delta.sameImpacted ? (base?.impacted ?? null) : (rest.impacted ?? null) }
}

function sharedHead(a: string, b: string): number {
  const most = Math.min(a.length, b.length)
  let length = 0
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length += 1
  return length
}

function sharedTail(a: string, b: string, most: number): number {
  let length = 0
  while (length < most && a.charCodeAt(a.length - 1 - length) === b.charCodeAt(b.length - 1 - length)) length += 1
  return length
}

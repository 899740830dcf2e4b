import type { HealthEvent } from '../../domain/outage.ts'
import type { Instant } from '../../domain/probe.ts'
import { MAX_EVENT_TEXT } from '../../domain/reading.ts'
import { plainText, recordOf } from './health-answer.ts'

/** Most texts that are kept between readings; the ones that were not used for longest go first. */
export const MAX_TEXTS_KEPT = 500

type Kept = Readonly<{ updatedAt: Instant; text: string }>

/** Texts that were read before, so that a reading each minute does not ask for them again. */
export type EventTexts = Readonly<{
  /** The text of the event as of its present update; `null` if that was not read yet. */
  current(event: HealthEvent): string | null
  /** The text of any update, or `''`. */
  best(event: HealthEvent): string
  /** Takes in an element of DescribeEventDetails' successful set, if it is about one of `asked`. */
  keep(asked: readonly HealthEvent[], element: unknown): void
}>

export function eventTexts(): EventTexts {
  /** In the order of use, the latest last. */
  const kept = new Map<string, Kept>()

  function use(arn: string): Kept | null {
    const found = kept.get(arn)
    if (found === undefined) return null
    kept.delete(arn)
    kept.set(arn, found)
    return found
  }

  return {
    current(event) {
      const found = use(event.arn)
      return found?.updatedAt === event.updatedAt ? found.text : null
    },
    best(event) {
      return use(event.arn)?.text ?? ''
    },
    keep(asked, element) {
      const raw = recordOf(element)
      const arn = recordOf(raw?.['event'])?.['arn']
      const event = asked.find((one) => one.arn === arn)
      const text = recordOf(raw?.['eventDescription'])?.['latestDescription']
      if (event === undefined || typeof text !== 'string') return
      kept.delete(event.arn)
      kept.set(event.arn, { updatedAt: event.updatedAt, text: plainText(text).slice(-MAX_EVENT_TEXT) })
      const oldest = kept.keys().next().value
      if (kept.size > MAX_TEXTS_KEPT && oldest !== undefined) kept.delete(oldest)
    },
  }
}

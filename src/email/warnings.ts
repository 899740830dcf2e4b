import type { Facts } from '../domain/notification.ts'
import { type Delivery, LATE_MS } from './delivery.ts'
import { excerptPhrase } from './excerpt.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { hhmmss, span } from './times.ts'

/** What must not be overlooked, right below the first sentence. */
export function warnings(facts: Facts, delivery: Delivery, limits: Limits): readonly string[] {
  return [refusedAddresses(delivery, limits), lateness(facts, delivery, limits), overrides(facts, limits)].filter(
    (warning) => warning !== null,
  )
}

function refusedAddresses({ refused }: Delivery, limits: Limits): string | null {
  if (refused.length === 0) return null
  const addresses = refused
    .slice(0, limits.monitors)
    .map(
      ({ recipient, address, error }) =>
        `${foreign(address, limits.word)} of ${foreign(recipient, limits.word)} (${foreign(error, limits.sentence)})`,
    )
  return `The mail server rejects email to ${addresses.join(', ')}. Reach them another way; \`alibi outbox list\` shows what they missed.`
}

function lateness(facts: Facts, { now, attempts, lateBecause }: Delivery, limits: Limits): string | null {
  const late = now - facts.at
  if (late < LATE_MS) return null
  const tried = attempts > 0 ? ` after ${attempts} failed ${attempts === 1 ? 'attempt' : 'attempts'}` : ''
  const why = lateBecause === null ? '' : `: ${foreign(lateBecause, limits.sentence)}`
  return `This email is ${span(late)} late${tried}${why}. It describes the situation at ${hhmmss(facts.at, now)}.`
}

function overrides(facts: Facts, limits: Limits): string | null {
  if (facts.overrides.length === 0) return null
  const endpoints = facts.overrides.map((override) => foreign(override, limits.sentence))
  return `Not AWS’s own endpoints: ${excerptPhrase(endpoints, limits.monitors)}. This email is about those endpoints.`
}

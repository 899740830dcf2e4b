import type { Instant } from '../domain/probe.ts'
import { foreign } from '../email/foreign.ts'
import { stop } from '../email/sentence.ts'
import { differencesOf } from './machines.ts'
import { clockTime, SENTENCE } from './phrase.ts'
import type { Health, View } from './view.ts'

const MAX_WARNINGS = 12
const MAX_ENDPOINTS = 8

/** What limits the trust that one may put in the page. */
export function warningsOf(view: View, fault: string | null, health: Health, now: Instant): readonly string[] {
  const all = [
    ...(health.ok ? [] : health.reasons.map((reason) => `Alibi is unhealthy: ${foreign(reason, SENTENCE)}`)),
    ...(fault === null
      ? []
      : [`The database cannot be read, so emails and decisions are missing here: ${foreign(fault, SENTENCE)}`]),
    ...(health.members === undefined ? [] : differencesOf(health.members).map((text) => foreign(text, SENTENCE))),
    ...endpointsOf(view),
    ...[...view.world.selfAlerts.values()].map(({ text, since }) => `Since ${clockTime(since, now)}: ${foreign(text, SENTENCE)}`),
  ].map(stop)
  return all.length <= MAX_WARNINGS ? all : [...all.slice(0, MAX_WARNINGS), `And ${all.length - MAX_WARNINGS} more.`]
}

function endpointsOf({ overrides }: View): readonly string[] {
  if (overrides.length === 0) return []
  const shown = overrides.slice(0, MAX_ENDPOINTS).map((text) => foreign(text, SENTENCE))
  return [`Custom endpoints are in use: ${shown.join(', ')}. This page reports on those, not on AWS.`]
}

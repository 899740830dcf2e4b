import type { Caller, Facts } from '../domain/notification.ts'
import { excerptPhrase } from './excerpt.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { iso } from './times.ts'

/** By which thresholds, with whose credentials, from which Alibi, by which rule. */
export function footer(facts: Facts, seq: number | null, limits: Limits): readonly string[] {
  const { sentBy } = facts
  return [
    ...thresholds(facts, limits),
    ...sentBy.callers.slice(0, limits.monitors).map((caller) => callerLine(caller, limits)),
    origin(facts, seq, limits),
  ]
}

function thresholds({ monitors }: Facts, limits: Limits): readonly string[] {
  if (monitors.length === 0) return []
  const lines = monitors
    .slice(0, limits.monitors)
    .map(({ name, threshold }) => `${foreign(name, limits.word)}: ${foreign(threshold, limits.sentence)}`)
  return [`Thresholds: ${lines.join('; ')}`]
}

function origin({ incident, sentBy, rule, kind, at }: Facts, seq: number | null, { word }: Limits): string {
  const which = incident === null ? '' : `, incident ${foreign(incident.id, word)}`
  const number = seq === null ? '' : `, email ${seq}`
  const by = rule === null ? '' : `, rule ${foreign(rule, word)}`
  return `Alibi ${foreign(sentBy.version, word)} on ${foreign(sentBy.host, word)}${which}${number} (${kind}${by}), ${iso(at)}`
}

/** `Credentials for production: arn:… (account 111122223333), from profile prod (credential_process)` */
function callerLine(caller: Caller, limits: Limits): string {
  const { word, sentence } = limits
  const monitors = caller.monitors.map((name) => foreign(name, word))
  const label = `Credentials for ${excerptPhrase(monitors, limits.monitors)}`
  if ('why' in caller) return `${label}: identity unknown: ${foreign(caller.why, sentence)}`
  const { arn, account, origin } = caller
  return `${label}: ${foreign(arn, sentence)} (account ${foreign(account, word)}), from ${foreign(origin, sentence)}`
}

import type { Incident } from '../domain/incident.ts'
import type { Instant } from '../domain/probe.ts'
import { lasted, titleOf } from './card.ts'
import { verdictInWords } from './is-it-aws.ts'
import { type History, wasAnyoneNotified } from './notified.ts'

/** A closed incident in one row. */
export type RecentRow = Readonly<{
  id: string
  title: string
  monitors: string
  when: string
  verdict: string
  notified: string
}>

export function recentRow(incident: Incident, history: History, now: Instant): RecentRow {
  const as = incident.closedAs === null || incident.closedAs === 'recovered' ? '' : `, ${incident.closedAs}`
  return {
    id: incident.id,
    ...titleOf(incident),
    when: `${lasted(incident, now)}${as}`,
    verdict: verdictInWords(incident),
    notified: wasAnyoneNotified(incident, history, now),
  }
}

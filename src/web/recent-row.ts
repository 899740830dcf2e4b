import type { IncidentSummary } from '../domain/incident-summary.ts'
import type { Instant } from '../domain/probe.ts'
import { lasted, namesOf, TITLE } from './card.ts'
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

export function recentRow(incident: IncidentSummary, history: History, now: Instant): RecentRow {
  const as = incident.closedAs === null || incident.closedAs === 'recovered' ? '' : `, ${incident.closedAs}`
  return {
    id: incident.id,
    title: TITLE[incident.family],
    monitors: namesOf(incident.monitors),
    when: `${lasted(incident.span, now)}${as}`,
    verdict: verdictInWords(incident),
    notified: wasAnyoneNotified(incident, history, now),
  }
}

import type { Incident } from '../domain/incident.ts'
import type { HealthEvent, HealthReading } from '../domain/outage.ts'
import type { Reader } from '../ports/store.ts'

/** Explaining events of one incident whose latest version is looked up, and how many versions of each are read. */
const MAX_EVENTS = 5
const MAX_VERSIONS = 1_000

/** A closed incident is no longer judged, but AWS goes on editing its events: their latest versions, by ARN. */
export async function latestEvents(
  { state, members, partition }: Incident,
  readings: ReadonlyMap<string, HealthReading>,
  reader: Pick<Reader, 'eventHistory'>,
): Promise<ReadonlyMap<string, HealthEvent>> {
  const latest = new Map<string, HealthEvent>()
  if (state !== 'closed') return latest
  const arns = members.flatMap(({ judgement: { verdict } }) => (verdict.kind === 'explained' ? [verdict.by.arn] : []))
  for (const arn of [...new Set(arns)].slice(0, MAX_EVENTS)) {
    const now = readings.get(partition)?.events.find((event) => event.arn === arn)
    const event = now ?? (await reader.eventHistory(arn, MAX_VERSIONS)).at(-1)?.event
    if (event !== undefined) latest.set(arn, event)
  }
  return latest
}

/** The incident with its explaining events as AWS last described them. */
export function withLatest(incident: Incident, latest: ReadonlyMap<string, HealthEvent>): Incident {
  if (latest.size === 0) return incident
  const members = incident.members.map((member) => {
    const { verdict } = member.judgement
    const event = verdict.kind === 'explained' ? latest.get(verdict.by.arn) : undefined
    if (verdict.kind !== 'explained' || event === undefined) return member
    const { status, endedAt, updatedAt, text } = event
    return {
      ...member,
      judgement: { ...member.judgement, verdict: { ...verdict, by: { ...verdict.by, status, endedAt, updatedAt, text } } },
    }
  })
  return { ...incident, members }
}

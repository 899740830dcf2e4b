import type { Incident } from './incident.ts'
import { type Span, spanOf } from './span.ts'
import { machinesOf } from './vantage.ts'
import type { Alibi } from './verdict.ts'

/** What a list shows of an incident: all of it but its members, of which it holds what they come to. */
export type IncidentSummary = Omit<Incident, 'members'> & MemberSums

/** What the members of an incident come to, in the order in which they joined. */
export type MemberSums = Readonly<{
  /** Their ids. */
  probes: readonly string[]
  monitors: readonly string[]
  span: Span
  /** The event that explains the first member that is explained. */
  alibi: Pick<Alibi, 'code' | 'region'> | null
  /** Where several machines share the database: those on which their failed runs were made. */
  machines?: readonly string[]
}>

export function summaryOf(incident: Incident): IncidentSummary {
  const { members: _, ...header } = incident
  return { ...header, ...sumsOf(incident) }
}

export function sumsOf(incident: Incident): MemberSums {
  const { members } = incident
  const machines = machinesOf(members)
  const [by] = members.flatMap(({ judgement: { verdict } }) => (verdict.kind === 'explained' ? [verdict.by] : []))
  return {
    probes: members.map(({ probe }) => probe),
    monitors: [...new Set(members.map(({ monitor }) => monitor))],
    span: spanOf(incident),
    alibi: by === undefined ? null : { code: by.code, region: by.region },
    ...(machines.length > 0 && { machines }),
  }
}

import type { Incident, Member } from '../../domain/incident.ts'
import { summaryOf } from '../../domain/incident-summary.ts'
import { incidentPatterns } from '../../domain/patterns.ts'
import type { Store } from '../../ports/store.ts'
import { type Call, copy, type Disk } from './disk.ts'

/** The copies of members: a run changes one of a thousand. */
const copies = new WeakMap<Member, Member>()

/** Replaces incidents whole, by id. */
export function keepIncidents(disk: Disk, incidents: readonly Incident[]): void {
  for (const { members, ...header } of incidents)
    disk.incidents.set(header.id, { ...copy(header), members: members.map(copiedMember) })
}

function copiedMember(member: Member): Member {
  const known = copies.get(member) ?? copy(member)
  copies.set(member, known)
  return known
}

export function incidentsOn(disk: Disk, call: Call): Pick<Store, 'load' | 'incidents' | 'incident' | 'patterns' | 'ledger'> {
  return {
    load: call((closedSince) => ({
      probes: [...disk.probes.values()],
      incidents: [...disk.incidents.values()].filter(
        (i) => i.state !== 'closed' || (i.closedAt !== null && i.closedAt >= closedSince),
      ),
      selfAlerts: [...disk.selfAlerts.values()],
      connectivity: disk.connectivity,
      lastAlive: disk.lastAlive,
    })),
    incidents: call((limit, only) =>
      newestFirst(disk)
        .filter(({ state }) => only === undefined || state === only)
        .slice(0, limit)
        .map(summaryOf),
    ),
    patterns: call((limit) => newestFirst(disk).slice(0, limit).map(incidentPatterns)),
    incident: call((id) => disk.incidents.get(id) ?? null),
    ledger: call((filter, limit) =>
      disk.ledger
        .filter(
          (row) => (filter.incident === undefined || row.incident === filter.incident) && row.at >= (filter.since ?? row.at),
        )
        .sort((a, b) => a.at - b.at)
        .slice(...(filter.incident === undefined ? [0, limit] : [-limit])),
    ),
  }
}

function newestFirst(disk: Disk): readonly Incident[] {
  return [...disk.incidents.values()].sort((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? 1 : -1))
}

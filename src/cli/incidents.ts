import { inWordsByClock, utc } from '../domain/duration.ts'
import type { IncidentSummary } from '../domain/incident-summary.ts'
import { leadWords } from '../domain/lead.ts'
import { incidentJson } from '../domain/shown.ts'
import type { Span } from '../domain/span.ts'
import { reader } from './database.ts'
import { EXIT } from './exit.ts'
import { configured, type Io, type ListOptions, list } from './io.ts'
import { showPatterns } from './patterns.ts'
import { table } from './table.ts'

const MAX_LISTED = 1_000

/** Lists the incidents, newest first, or their patterns. */
export async function incidents(options: ListOptions & Readonly<{ patterns?: boolean }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  const store = await reader(config)
  try {
    if (options.patterns === true) {
      showPatterns(await store.patterns(MAX_LISTED), config, options.json === true, io)
      return EXIT.ok
    }
    const all = await store.incidents(MAX_LISTED)
    list(io, options, all.map(incidentJson), { text: () => textOf(all, io.columns), none: 'There are no incidents.' })
  } finally {
    await store.close()
  }
  return EXIT.ok
}

function textOf(all: readonly IncidentSummary[], columns: number | null): string {
  const rows = all.map((incident) => [
    incident.id,
    incident.state,
    incident.family,
    incident.family === 'outage' ? incident.verdict : '-',
    utc(incident.openedAt),
    lastedOf(incident.span),
    incident.monitors.join(', '),
    String(incident.probes.length),
    incident.leadMinutes === null ? '-' : leadWords(incident.leadMinutes),
  ])
  return table(['incident', 'state', 'family', 'verdict', 'opened', 'lasted', 'monitors', 'probes', 'AWS posted'], rows, columns)
}

function lastedOf({ from, to }: Span): string {
  return to === null ? 'open' : inWordsByClock(from, to)
}

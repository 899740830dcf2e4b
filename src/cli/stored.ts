import { inWordsByClock, utc } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import { leadWords } from '../domain/lead.ts'
import { incidentJson } from '../domain/shown.ts'
import { spanOf } from '../domain/span.ts'
import { reader } from './database.ts'
import { EXIT } from './exit.ts'
import { configured, type Io, type Listing, list } from './io.ts'
import { showPatterns } from './patterns.ts'
import { table } from './table.ts'

const MAX_LISTED = 1_000

/** The incidents, newest first. */
export async function incidents(options: Listing & Readonly<{ patterns?: boolean }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  const store = await reader(config)
  try {
    const all = await store.incidents(MAX_LISTED)
    if (options.patterns === true) {
      showPatterns(all, config, options.json === true, io)
      return EXIT.well
    }
    const rows = all.map(incidentJson)
    const shown = () =>
      table(
        ['incident', 'state', 'family', 'verdict', 'opened', 'lasted', 'monitors', 'probes', 'AWS spoke'],
        all.map((is, i) => [
          is.id,
          is.state,
          is.family,
          is.family === 'outage' ? is.verdict : '-',
          utc(is.openedAt),
          lastedOf(is),
          rows[i]?.monitors.join(', ') ?? '',
          String(is.members.length),
          is.leadMinutes === null ? '-' : leadWords(is.leadMinutes),
        ]),
        io.columns,
      )
    list(io, options.json, rows, shown, 'There are no incidents.')
  } finally {
    await store.close()
  }
  return EXIT.well
}

function lastedOf(incident: Incident): string {
  const { from, to } = spanOf(incident)
  return to === null ? 'open' : inWordsByClock(from, to)
}

/** What is owed, stuck or refused. */
export async function outboxList(options: Listing, io: Io): Promise<number> {
  const config = await configured(options, io)
  const store = await reader(config)
  try {
    const owed = await store.outbox()
    const rows = owed.map(({ notification: n, state, attempts, nextAt, error }) => ({
      id: n.id,
      kind: n.kind,
      incident: n.incident,
      to: n.to,
      state: state === 'sending' ? 'retrying' : state,
      attempts,
      nextAt: state === 'refused' ? null : new Date(nextAt).toISOString(),
      error,
    }))
    const shown = () =>
      table(
        ['id', 'kind', 'to', 'state', 'attempts', 'next attempt', 'error'],
        rows.map((r) => [r.id, r.kind, r.to.join(', '), r.state, String(r.attempts), r.nextAt ?? '-', r.error ?? '']),
        io.columns,
      )
    list(io, options.json, rows, shown, 'Nothing is owed.')
  } finally {
    await store.close()
  }
  return EXIT.well
}

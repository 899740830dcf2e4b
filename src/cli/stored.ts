import { inWordsByClock, iso, utc } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import { leadWords } from '../domain/lead.ts'
import { isOpen, mailingsOf } from '../domain/mailing.ts'
import type { NotificationState, Owed } from '../domain/notification.ts'
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
    const rows = mailingsOf(await store.outbox()).map(({ notification: n, state, attempts, nextAt, error, addresses }) => ({
      id: n.id,
      kind: n.kind,
      incident: n.incident,
      to: n.to,
      state: stateShown(state),
      attempts,
      nextAt: isoOrNull(nextAt),
      error,
      addresses: addresses.map(addressRow),
    }))
    // A line for each address: beside one that waits it is of interest that the other has it.
    const shown = () =>
      table(
        ['id', 'kind', 'address', 'state', 'attempts', 'next attempt', 'what the server said'],
        rows.flatMap((r) =>
          r.addresses.map((a) => [
            r.id,
            r.kind,
            a.address,
            a.state,
            String(a.attempts),
            a.nextAt ?? '-',
            a.error ?? a.reply ?? '',
          ]),
        ),
        io.columns,
      )
    list(io, options.json, rows, shown, 'Nothing is owed.')
  } finally {
    await store.close()
  }
  return EXIT.well
}

/** What became of a mail at one address. */
function addressRow(owed: Owed) {
  const { address, state, attempts, nextAt, error, deliveredAt, reply } = owed
  return {
    address,
    state: stateShown(state),
    attempts,
    nextAt: isOpen(owed) && state !== 'refused' ? isoOrNull(nextAt) : null,
    error,
    deliveredAt: isoOrNull(deliveredAt),
    reply,
  }
}

/** To whoever looks, what is on its way at this moment is tried again. */
function stateShown(state: NotificationState): Exclude<NotificationState, 'sending'> {
  return state === 'sending' ? 'retrying' : state
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at)
}

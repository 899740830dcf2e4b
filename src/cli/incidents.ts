import { type AccountNames, accountOfId, nameOfAccount, withName } from '../domain/account-names.ts'
import { inWordsByClock, utc } from '../domain/duration.ts'
import type { IncidentSummary } from '../domain/incident-summary.ts'
import { leadWords } from '../domain/lead.ts'
import { incidentJson } from '../domain/shown.ts'
import type { Span } from '../domain/span.ts'
import { excerptPhrase } from '../email/excerpt.ts'
import { reader } from './database.ts'
import { asLastListed } from './discovered-accounts.ts'
import { EXIT } from './exit.ts'
import { configured, type Io, type ListOptions, list } from './io.ts'
import { showPatterns } from './patterns.ts'
import { table } from './table.ts'

const MAX_LISTED = 1_000
/** Of an incident, in the table. */
const MAX_ACCOUNTS = 3

/** Lists the incidents, newest first, or their patterns. */
export async function incidents(options: ListOptions & Readonly<{ patterns?: boolean }>, io: Io): Promise<number> {
  const config = await asLastListed(await configured(options, io))
  const names = config.accountNames ?? null
  const store = await reader(config)
  try {
    if (options.patterns === true) {
      showPatterns(await store.patterns(MAX_LISTED), config, options.json === true, io)
      return EXIT.ok
    }
    const all = await store.incidents(MAX_LISTED)
    const shown = all.map((one) => incidentJson(one, names))
    list(io, options, shown, { text: () => textOf(all, names, io.columns), none: 'There are no incidents.' })
  } finally {
    await store.close()
  }
  return EXIT.ok
}

function textOf(all: readonly IncidentSummary[], names: AccountNames | null, columns: number | null): string {
  const rows = all.map((incident) => [
    incident.id,
    incident.state,
    incident.family,
    incident.family === 'outage' ? incident.verdict : '-',
    utc(incident.openedAt),
    lastedOf(incident.span),
    incident.monitors.join(', '),
    String(incident.probes.length),
    ...(names === null ? [] : [accountsText(incident.probes, names)]),
    incident.leadMinutes === null ? '-' : leadWords(incident.leadMinutes),
  ])
  const accounts = names === null ? [] : ['accounts']
  const head = ['incident', 'state', 'family', 'verdict', 'opened', 'lasted', 'monitors', 'probes', ...accounts, 'AWS posted']
  return table(head, rows, columns)
}

/** `111122223333 “payments”, 444455556666 and 9 more` */
function accountsText(probes: readonly string[], names: AccountNames): string {
  const all = probes.flatMap((id) => accountOfId(id) ?? [])
  const shown = [...new Set(all.map((one) => withName(one.account, nameOfAccount(one, names))))]
  return excerptPhrase(shown, MAX_ACCOUNTS)
}

function lastedOf({ from, to }: Span): string {
  return to === null ? 'open' : inWordsByClock(from, to)
}

import type { Store } from '../ports/store.ts'
import { EXIT, Exit } from './exit.ts'

/** Emails and pages show four digits of an id; fewer are no abbreviation but a typing error. */
const MIN_PREFIX = 4
const MAX_SEARCHED = 10_000
const MAX_SHOWN = 5

/**
 * The whole id of the incident that somebody means: by its id, or by any beginning of it that no other incident has, as in the subject of its emails.
 *
 * @throws {Exit} usage: no incident, or several
 */
export async function wholeId(given: string, store: Pick<Store, 'incident' | 'incidents'>): Promise<string> {
  const text = given.replace(/^#/, '').toLowerCase()
  const unknown = new Exit(EXIT.usage, unknownIncident(given))
  if ((await store.incident(text)) !== null) return text
  if (!/^[0-9a-f]+$/.test(text) || text.length < MIN_PREFIX) throw unknown
  const found = (await store.incidents(MAX_SEARCHED)).map(({ id }) => id).filter((id) => id.startsWith(text))
  const [id] = found
  if (id === undefined) throw unknown
  if (found.length === 1) return id
  const shown = found.slice(0, MAX_SHOWN).join(', ')
  const more = found.length > MAX_SHOWN ? ` and ${found.length - MAX_SHOWN} more` : ''
  throw new Exit(EXIT.usage, `several incidents begin with ${text}: ${shown}${more}`)
}

export function unknownIncident(given: string): string {
  return `there is no incident ${given}: see \`alibi incidents\``
}

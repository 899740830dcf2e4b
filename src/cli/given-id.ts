import type { Store } from '../ports/store.ts'
import { EXIT, Exit } from './exit.ts'

/** Emails and pages show four digits of an incident's id; fewer are no abbreviation but a typing error. */
const MIN_PREFIX = 4
const MAX_SEARCHED = 10_000
const MAX_SHOWN = 5

/**
 * The whole id of the incident that somebody means: by its id, or by any beginning of it that no other incident has, as in the subject of its emails.
 *
 * @throws {Exit} usage: no incident, or several
 */
export async function incidentMeant(given: string, store: Pick<Store, 'incident' | 'incidents'>): Promise<string> {
  const text = digitsOf(given)
  if ((await store.incident(text)) !== null) return text
  const ids = isPrefix(text) ? (await store.incidents(MAX_SEARCHED)).map(({ id }) => id) : []
  return meant(given, ids, { several: 'incidents', unknown: unknownIncident(given) })
}

/** The same for a silence, of those that are in force or planned. @throws {Exit} usage: none, or several */
export function silenceMeant(given: string, ids: readonly string[]): string {
  return meant(given, ids, { several: 'silences', unknown: unknownSilence(given) })
}

export function unknownIncident(given: string): string {
  return `there is no incident ${given}: see \`alibi incidents\``
}

export function unknownSilence(given: string): string {
  return `there is no silence ${given} in force or planned: see \`alibi silence list\``
}

function meant(given: string, ids: readonly string[], words: Readonly<{ several: string; unknown: string }>): string {
  const text = digitsOf(given)
  if (ids.includes(text)) return text
  if (/^[0-9a-f]{1,3}$/.test(text))
    throw new Exit(
      EXIT.usage,
      `${given} is too short to say which of the ${words.several}: give at least ${MIN_PREFIX} digits of the id`,
    )
  const found = isPrefix(text) ? ids.filter((id) => id.startsWith(text)) : []
  const [id] = found
  if (id === undefined) throw new Exit(EXIT.usage, words.unknown)
  if (found.length === 1) return id
  const shown = found.slice(0, MAX_SHOWN).join(', ')
  const more = found.length > MAX_SHOWN ? ` and ${found.length - MAX_SHOWN} more` : ''
  throw new Exit(EXIT.usage, `several ${words.several} begin with ${text}: ${shown}${more}`)
}

function digitsOf(given: string): string {
  return given.replace(/^#/, '').toLowerCase()
}

function isPrefix(text: string): boolean {
  return text.length >= MIN_PREFIX && /^[0-9a-f]+$/.test(text)
}

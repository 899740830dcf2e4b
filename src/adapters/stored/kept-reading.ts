import { createHash } from 'node:crypto'
import type { HealthReading } from '../../domain/outage.ts'
import { DAY_MS } from '../../domain/probe.ts'

/**
 * Characters of new forms of events that are kept of a day. The longest day of AWS so far fills a part of it; a dashboard
 * that changed wholly with each reading would otherwise fill any disk.
 */
const MAX_FORMS_A_DAY = 4 * 1024 * 1024

/** What a day has room for. */
export class DailyRoom {
  private day = 0
  private characters = 0

  /** Takes the room where there is enough of it. */
  take(characters: number, at: number): boolean {
    const day = Math.floor(at / DAY_MS)
    if (this.day !== day) {
      this.day = day
      this.characters = 0
    }
    if (this.characters + characters > MAX_FORMS_A_DAY) return false
    this.characters += characters
    return true
  }
}

/** Readings that say the same have the same one: the forms of their events by id, and what became of each source. */
export function saidBy(reading: HealthReading, forms: readonly number[], left: number): string {
  const states = Object.entries(reading.sources).map(([source, { state, skipped, detail }]) => [source, state, skipped, detail])
  return hashOf(JSON.stringify([forms.toSorted((a, b) => a - b), states, left > 0]))
}

/** A reading as it is stored: its events by the ids of their forms. */
export function readingDocument(reading: HealthReading, forms: readonly number[], left: number): string {
  const { events: _, sources, ...rest } = reading
  return JSON.stringify({ ...rest, sources: left === 0 ? sources : sourcesLeaving(left, sources), forms })
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** What the sources said, with a word on events that are not kept. */
function sourcesLeaving(left: number, sources: HealthReading['sources']): HealthReading['sources'] {
  const name = sources.dashboard.state === 'answered' ? 'dashboard' : 'api'
  const detail = `${sources[name].detail}, ${left} of the events are not kept: too much has changed within a day`
  return { ...sources, [name]: { ...sources[name], detail } }
}

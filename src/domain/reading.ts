import {
  type BySource,
  type HealthEvent,
  type HealthReading,
  SOURCE_NAME,
  SOURCES,
  type Source,
  type SourceAnswer,
  type SourceState,
} from './outage.ts'
import type { Instant, Partition } from './probe.ts'
import { holds } from './search.ts'

/** Longest text kept of an event; of a longer one the newest part. */
export const MAX_EVENT_TEXT = 20_000
/** Text of all the events of one answer. On 20 October 2025, the longest day so far, AWS wrote less than a tenth of it. */
export const MAX_ANSWER_TEXT = 2_000_000
/** Copies of one event whose texts are joined, the newest: each source should have one. */
const MAX_COPIES = 4

/** Most open events that are remembered of a source. */
const MAX_HELD = 1_000

/**
 * What is remembered of a source between two answers. In memory only: after a restart it may be seeded with the events
 * that explain open incidents (`remembering`).
 */
export type Memory = Readonly<{
  /** ARNs of the open events in the last answer that counted. */
  held: readonly string[]
  /** The answer that was empty against expectation and did not count; `null` if there is none. */
  doubted: Instant | null
}>

export const NOTHING_HELD: Memory = { held: [], doubted: null }

/** The memory of a source that was last known to hold these open events. */
export function remembering(arns: readonly string[]): Memory {
  return { held: [...new Set(arns)].sort().slice(0, MAX_HELD), doubted: null }
}

/**
 * Decides whether an answer counts. An empty answer of a source that held an open event just before is more likely a
 * fault than the end of all events (the dashboard has returned empty bodies in the middle of an outage), so it becomes
 * `unavailable` until a second one says the same. Asking twice about the same answer changes nothing.
 */
export function admit(memory: Memory, answer: SourceAnswer): Readonly<{ answer: SourceAnswer; memory: Memory }> {
  if (answer.state === 'off') return { answer, memory: NOTHING_HELD }
  if (answer.state !== 'answered') return { answer, memory }
  const open = answer.events.filter((event) => event.status === 'open').map((event) => event.arn)
  if (answer.events.length > 0 || memory.held.length === 0) return { answer, memory: remembering(open) }
  if (memory.doubted !== null && answer.at !== memory.doubted) return { answer, memory: NOTHING_HELD }
  const count = memory.held.length === 1 ? 'an open event' : `${memory.held.length} open events`
  const why = `it answered that there is nothing, yet held ${count} just before: not believed until it says so again`
  return { answer: { state: 'unavailable', at: answer.at, why, heard: true }, memory: { ...memory, doubted: answer.at } }
}

/**
 * Joins by ARN what the sources answered. The copy that was updated last determines the event's status; the API knows
 * category, scope and owners better, the dashboard alone lists impacted services. The order of events and repeated
 * events make no difference.
 */
export function join({ api, dashboard, queue }: BySource<SourceAnswer>, partition: Partition, at: Instant): HealthReading {
  const all = [...tagged(api, 'api'), ...tagged(dashboard, 'dashboard'), ...(queue === undefined ? [] : tagged(queue, 'queue'))]
  const copies = Map.groupBy(all, (copy) => copy.event.arn)
  const events = [...copies.values()].map(merge).sort((a, b) => b.updatedAt - a.updatedAt || compare(a.arn, b.arn))
  // A queue that is not configured is not mentioned.
  const third = queue === undefined || queue.state === 'off' ? {} : { queue: stateOf(queue) }
  return { partition, at, events, sources: { api: stateOf(api), dashboard: stateOf(dashboard), ...third } }
}

/** An answer without its events. */
export function stateOf(answer: SourceAnswer): SourceState {
  if (answer.state === 'answered') {
    const { at, events, skipped, detail } = answer
    const unproven = answer.unproven === true ? { unproven: true as const } : {}
    return { state: 'answered', at, ...unproven, events: events.length, skipped, detail }
  }
  const heard = answer.state === 'unavailable' && answer.heard === true ? { heard: true as const } : {}
  return {
    state: answer.state,
    at: answer.state === 'off' ? null : answer.at,
    ...heard,
    events: 0,
    skipped: 0,
    detail: answer.why,
  }
}

const LATER: Readonly<Record<Source, string>> = { api: 'the API', dashboard: 'the dashboard', queue: 'the queue' }

type Copy = Readonly<{ event: HealthEvent; source: Source }>

function tagged(answer: SourceAnswer, source: Source): Copy[] {
  return answer.state === 'answered' ? answer.events.map((event) => ({ event, source })) : []
}

function merge(copies: readonly Copy[]): HealthEvent {
  // Newest first; the order of equals is fixed by what they hold, so that the order of arrival is without effect.
  const keyed = copies.map((copy) => ({ ...copy, key: copies.length === 1 ? '' : JSON.stringify(copy.event) }))
  const once = new Map(keyed.map((copy) => [`${copy.source} ${copy.key}`, copy]))
  const ranked = [...once.values()].sort(
    (a, b) => b.event.updatedAt - a.event.updatedAt || compare(a.source, b.source) || compare(a.key, b.key),
  )
  const all = ranked.map((copy) => copy.event)
  // AWS states what we have to conclude from codes for an event of the dashboard.
  const [fromApi, fromQueue] = (['api', 'queue'] as const).map((source) =>
    ranked.filter((copy) => copy.source === source).map((copy) => copy.event),
  )
  const newest = all[0] as HealthEvent
  const stated = [...(fromApi ?? []), ...(fromQueue ?? [])]
  const informed = [...stated, ...all]
  return {
    ...newest,
    service: informed.find((event) => event.service !== '')?.service ?? newest.service,
    region: informed.find((event) => event.region !== null)?.region ?? null,
    code: stated[0]?.code ?? newest.code,
    category: informed.find((event) => event.category !== 'unknown')?.category ?? 'unknown',
    scope: informed.find((event) => event.scope !== 'NONE')?.scope ?? 'NONE',
    text: all.slice(0, MAX_COPIES).reduceRight((text, event) => joinTexts(text, event.text), ''),
    impacted: all.find((event) => event.impacted !== null)?.impacted ?? null,
    sources: [...new Set(ranked.map((copy) => copy.source))].sort(),
    owners: [...new Set(all.flatMap((event) => event.owners))].sort(),
    ...disagreementOf(ranked),
  }
}

/** What each source says, where they differ: the reader of a verdict should know that there was a choice. */
function disagreementOf(newestFirst: readonly Copy[]): Pick<HealthEvent, 'disagreement'> {
  const said = SOURCES.flatMap((source) => {
    const event = newestFirst.find((copy) => copy.source === source)?.event
    return event === undefined ? [] : [{ source, status: event.status }]
  })
  const [first, ...others] = said
  if (first === undefined || others.every(({ status }) => status === first.status)) return {}
  const words = others.map(({ source, status }) => `${SOURCE_NAME[source]} ${status}`)
  const later = LATER[newestFirst[0]?.source ?? first.source]
  return { disagreement: `${SOURCE_NAME[first.source]} says ${first.status}, ${words.join(', ')}: ${later} is newer` }
}

/** Both texts, the newer one last; a text that holds the other stands for both. */
export function joinTexts(older: string, newer: string): string {
  if (older === '' || older === newer) return newer.slice(-MAX_EVENT_TEXT)
  const [a, b] = [folded(older), folded(newer)]
  if (holds(b, a)) return newer.slice(-MAX_EVENT_TEXT)
  if (holds(a, b)) return older.slice(-MAX_EVENT_TEXT)
  return `${older}\n\n${newer}`.slice(-MAX_EVENT_TEXT)
}

function folded(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

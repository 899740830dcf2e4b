import { DescribeEventsCommand, type EventFilter, type HealthClient } from '@aws-sdk/client-health'
import type { HealthEvent } from '../../domain/outage.ts'
import type { Instant } from '../../domain/probe.ts'
import { apiEvent } from './health-answer.ts'
import { nameOf, type Patience, send } from './health-call.ts'

/** DescribeEvents takes at most ten services and ten regions, DescribeEventDetails at most ten ARNs. */
export const MAX_PER_CALL = 10
const PAGE_SIZE = 100
/** Most pages that are read of one question; the newest changes come first. */
const MAX_PAGES = 20
/** Most events of one answer, over all questions. */
export const MAX_EVENTS = MAX_PAGES * PAGE_SIZE

const CATEGORIES = ['issue', 'investigation', 'accountNotification'] as const

/** What was read so far is of no use: the active region changed, or a page's token did not hold. */
export class BeginAnew extends Error {
  readonly region: string
  constructor(region: string) {
    super('the list kept changing while it was being read')
    this.region = region
  }
}

export type ListingOptions = Readonly<{
  services: readonly string[]
  regions: readonly string[]
  /** The names of the account that asks, for the events that only it received. */
  owners: () => readonly string[]
  /** The region to ask instead, if the active one has changed; `null`: it has not. */
  moved: (region: string, now: Instant, signal: AbortSignal) => Promise<string | null>
}>

type Question = Readonly<{
  now: Instant
  since: Instant
  region: string
  client: HealthClient
  signal: AbortSignal
  patience: Patience
}>
type Listed = { events: Map<string, HealthEvent>; seen: number; skipped: number; cut: boolean }

/** Lists the events of some services and regions: everything that is open, and everything that was updated lately. */
export class EventListing {
  readonly #options: ListingOptions
  /** The filter on services was turned down once: it is left out since. */
  #isUnfiltered = false

  constructor(options: ListingOptions) {
    this.#options = options
  }

  /** @throws {BeginAnew} and what the SDK throws */
  async list(question: Question): Promise<Listed> {
    if (this.#isUnfiltered) return this.#listBy(question, [{}])
    try {
      const batches = inBatches(this.#options.services)
      const what = batches.map((batch) => ({ services: batch, eventTypeCategories: [...CATEGORIES] }))
      return await this.#listBy(question, what)
    } catch (error) {
      // Whether Health ignores a service code that it does not know, or turns it down, is not documented.
      if (nameOf(error) !== 'ValidationException') throw error
      const found = await this.#listBy(question, [{}])
      this.#isUnfiltered = true
      return found
    }
  }

  /** Filters keep answers short; the answer is right without them too. */
  async #listBy(question: Question, what: readonly EventFilter[]): Promise<Listed> {
    const found: Listed = { events: new Map(), seen: 0, skipped: 0, cut: false }
    const when: EventFilter[] = [{ eventStatusCodes: ['open'] }, { lastUpdatedTimes: [{ from: new Date(question.since) }] }]
    const where: EventFilter[] = inBatches(this.#options.regions).map((batch) => ({ regions: batch }))
    const filters = where.flatMap((a) => what.flatMap((b) => when.map((c) => ({ ...a, ...b, ...c }))))
    for (const filter of filters) await this.#listPages(filter, question, found)
    return found
  }

  async #listPages(filter: EventFilter, question: Question, found: Listed): Promise<void> {
    const { client, region, now, signal, patience } = question
    let nextToken: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const elsewhere = page > 0 ? await this.#options.moved(region, now, signal) : null
      if (elsewhere !== null) throw new BeginAnew(elsewhere)
      const input = { filter, maxResults: PAGE_SIZE, ...(nextToken === undefined ? {} : { nextToken }) }
      const answer = await send(client, new DescribeEventsCommand(input), signal, patience).catch((error: unknown) => {
        throw nameOf(error) === 'InvalidPaginationToken' ? new BeginAnew(region) : error
      })
      const { events, nextToken: next } = answer as { events?: unknown; nextToken?: unknown }
      if (!Array.isArray(events)) throw new Error('its answer holds no list of events')
      for (const element of events.slice(0, PAGE_SIZE)) this.#take(element, now, found)
      if (found.events.size >= MAX_EVENTS) break
      if (typeof next !== 'string' || next === '') return
      nextToken = next
    }
    found.cut = true
  }

  #take(element: unknown, now: Instant, found: Listed): void {
    const { services, regions, owners } = this.#options
    const event = apiEvent(element, now, owners())
    found.seen++
    if (event === null) found.skipped++
    if (event === null || !services.includes(event.service)) return
    if (event.region !== null && !regions.includes(event.region)) return
    const known = found.events.get(event.arn)
    if (known === undefined || known.updatedAt < event.updatedAt) found.events.set(event.arn, event)
  }
}

export function inBatches<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / MAX_PER_CALL) }, (_, i) =>
    all.slice(i * MAX_PER_CALL, (i + 1) * MAX_PER_CALL),
  )
}

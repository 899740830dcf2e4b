import { DescribeEventDetailsCommand, DescribeEventsCommand, type EventFilter, HealthClient } from '@aws-sdk/client-health'
import type { Env } from '../../config/endpoints.ts'
import { shownUrl } from '../../config/endpoints.ts'
import { THROTTLE_PAUSE_MS } from '../../domain/backoff.ts'
import type { HealthEvent, SourceAnswer } from '../../domain/outage.ts'
import { DAY_MS, type Instant, type Partition } from '../../domain/probe.ts'
import { MAX_ANSWER_TEXT } from '../../domain/reading.ts'
import type { HealthSource } from '../../ports/health.ts'
import { DeadlineError, within } from '../stall.ts'
import { activeRegion, type Candidates, HEALTH_HOMES, type ResolveCname } from './active-region.ts'
import { endpointOverride, placeOf } from './endpoint.ts'
import { eventTexts } from './event-texts.ts'
import { BoundedHandler } from './handler.ts'
import { apiEvent, mostlyReadable } from './health-answer.ts'
import {
  areBadCredentials,
  heardIn,
  isThrottling,
  nameOf,
  oursIn,
  type Patience,
  reasonOf,
  refusalOf,
  send,
} from './health-call.ts'
import { type OrganizationStatus, OrganizationView, organizationViewStatus } from './organization-view.ts'
import type { Identity } from './provider.ts'

/** DescribeEvents takes at most ten services and ten regions, DescribeEventDetails at most ten ARNs. */
const MAX_PER_CALL = 10
const PAGE_SIZE = 100
/** Most pages that are read of one question; the newest changes come first. */
const MAX_PAGES = 20
/** Most events of one answer, over all questions. */
const MAX_EVENTS = MAX_PAGES * PAGE_SIZE
/** How often a question is begun anew because the active region changed, or a page's token did not hold. */
const MAX_RESTARTS = 2
/** Most texts that are asked for in one go: the others follow with the next reading. */
export const MAX_TEXTS_PER_ASK = 100
/** Of the time that is left for a question, what each call for texts, and what the organization view, may take. */
const TEXTS_SHARE = 0.9
const MEMBERS_SHARE = 0.5
/** A refusal is said once and left alone for this long. */
export const REFUSED_FOR_MS = DAY_MS
/** The SDK's own tries of a call: those that are worth it are ours. In code, so that no environment changes it. */
const MAX_ATTEMPTS = 1

const CATEGORIES = ['issue', 'investigation', 'accountNotification'] as const

export type HealthApiOptions = Readonly<{
  partition: Partition
  /** Asked again after AWS refused what it gave; may hold what it found. */
  credentials: () => Promise<Identity>
  /** Told of credentials that AWS refused, so that they are looked for anew. */
  drop?: (identity: Identity) => void
  env: Env
  /** Bounds one ask, whatever the server does. */
  timeoutMs: number
  /** Service codes: those that can fail, and the related ones. Events of others are left out. */
  services: readonly string[]
  /** Regions of the endpoints that can fail; `global` is always asked for. Events of other regions are left out. */
  regions: readonly string[]
  /** The names of the account that asks, for the events that only it received. */
  owners: () => readonly string[]
  /** Member accounts are probed too: events that were sent to them are looked for in the organization view. */
  members?: boolean
  /** How long what the organization view said stands while it throttles. */
  cacheForMs?: number
  /** The first pause between two tries of a call that AWS throttles; left out: a second. */
  pauseMs?: number
  resolveCname?: ResolveCname
  /** Shared connections; left out: its own. */
  handler?: BoundedHandler
}>

/** What was read so far is of no use: the active region changed, or a page's token did not hold. */
class BeginAnew extends Error {
  readonly region: string
  constructor(region: string) {
    super('the list kept changing while it was being read')
    this.region = region
  }
}

type Ask = Readonly<{ now: Instant; since: Instant; signal: AbortSignal; patience: Patience }>
/** `until`: when it has to be answered, by `performance.now()`. */
type Question = Ask & Readonly<{ region: string; client: HealthClient; until: number }>
type Listed = { events: Map<string, HealthEvent>; seen: number; skipped: number; cut: boolean }

/** The AWS Health API of one partition, asked with one set of credentials. */
export function healthApi(options: HealthApiOptions): HealthSource & {
  /** Whether the organization view is enabled, for `check --live`. Bounded in time; never rejects. */
  organizationStatus(signal: AbortSignal): Promise<OrganizationStatus>
  close(): void
} {
  const { partition, timeoutMs, owners, pauseMs = THROTTLE_PAUSE_MS, cacheForMs = 0 } = options
  const services = [...new Set(options.services.map((service) => service.toUpperCase()))]
  const regions = [...new Set([...options.regions, 'global'])]
  const handler = options.handler ?? new BoundedHandler()
  const endpoint = endpointOverride(options.env, 'HEALTH')
  const active = activeRegion(partition, options.resolveCname)
  const texts = eventTexts()
  const organization = options.members === true ? new OrganizationView(cacheForMs) : null
  /** One for each region that was the active one so far: as many as the partition has. */
  const clients = new Map<string, HealthClient>()
  let identity: Identity | null = null
  let refused: Extract<SourceAnswer, { state: 'refused' }> | null = null
  let textsDeniedAt: Instant | null = null
  /** The filter on services was turned down once: it is left out since. */
  let unfiltered = false

  function clientIn(region: string): HealthClient {
    const known = clients.get(region)
    if (known !== undefined) return known
    const credentials = async () => {
      identity = await options.credentials()
      return identity
    }
    const client = new HealthClient({
      ...placeOf(options.env, 'HEALTH', region),
      ...handler.clockOffset.signing({ credentials, region, service: 'health' }),
      maxAttempts: MAX_ATTEMPTS,
      retryMode: 'standard',
      ...handler.client,
    })
    clients.set(region, client)
    return client
  }

  /** Asks the active region, or in turn those that may be it, sharing the time. */
  async function consult(ask: Ask): Promise<SourceAnswer> {
    const begun = performance.now()
    const { regions: homes, known } = await candidates(ask)
    const note = known ? '' : ' (the active region could not be looked up)'
    for (const [i, home] of homes.entries()) {
      const share = (timeoutMs - (performance.now() - begun)) / (homes.length - i)
      const until = performance.now() + share
      try {
        return await within(share, ask.signal, (signal) => persist(home, { ...ask, signal, until }, note))
      } catch (error) {
        if (i === homes.length - 1 || ask.signal.aborted || refusalOf(error) !== null) throw error
      }
    }
    throw new Error('there is no region to ask')
  }

  /** With an endpoint of one's own no look-up is made; calls are signed for the partition's first region. */
  async function candidates({ now, signal }: Pick<Ask, 'now' | 'signal'>): Promise<Candidates> {
    if (endpoint === null) return active.candidates(now, signal)
    return { regions: [HEALTH_HOMES[partition].regions[0]], known: true }
  }

  async function persist(home: string, ask: Ask & { until: number }, note: string): Promise<SourceAnswer> {
    let region = home
    for (let restarts = 0; ; restarts++) {
      try {
        return await read({ ...ask, region, client: clientIn(region) }, note)
      } catch (error) {
        if (!(error instanceof BeginAnew) || restarts === MAX_RESTARTS) throw error
        region = error.region
      }
    }
  }

  async function read(question: Question, note: string): Promise<SourceAnswer> {
    const { events, seen, skipped, cut } = await list(question)
    if (!mostlyReadable(seen - skipped, skipped)) throw new Error(`${skipped} of ${seen} events cannot be read`)
    const members = await ofMembers(question, events)
    const why = await readTexts([...events.values()], question)
    const told = [...events.values()].map((event) => ({ ...event, text: texts.best(event) }))
    // A text that is left out could be the one that says where an event is: an answer that is too long is none.
    const letters = told.reduce((sum, event) => sum + event.text.length, 0)
    if (letters > MAX_ANSWER_TEXT) throw new Error(`its answer holds more than ${MAX_ANSWER_TEXT} characters of text`)
    const without = told.filter((event) => texts.current(event) === null).length
    const detail = [
      `${endpoint === null ? question.region : shownUrl(endpoint)}${note}`,
      ...(skipped === 0 ? [] : [`${skipped} of ${seen} events could not be read`]),
      ...(without === 0 ? [] : [`without the latest text of ${without} of ${told.length} events${why}`]),
      ...(members === null ? [] : [members]),
      ...(cut ? [`only the newest ${MAX_EVENTS} events were read`] : []),
    ].join(', ')
    const refused = why === DENIED ? { refused: 'health:DescribeEventDetails' } : {}
    return { state: 'answered', at: question.now, events: told, skipped, detail, ...refused }
  }

  /** Adds what was sent to member accounts, or says why that is not known. */
  async function ofMembers(question: Question, events: Map<string, HealthEvent>): Promise<string | null> {
    if (organization === null) return null
    const withinMs = Math.max(1, MEMBERS_SHARE * (question.until - performance.now()))
    const where = { services: inBatches(services), regions: inBatches(regions) }
    const { events: specific, why } = await organization.ask({ ...question, withinMs }, where)
    for (const event of specific) {
      const own = events.get(event.arn)
      const owners = [...new Set([...(own?.owners ?? []), ...event.owners])]
      events.set(event.arn, own === undefined || own.updatedAt < event.updatedAt ? { ...event, owners } : { ...own, owners })
    }
    return why
  }

  async function list(question: Question): Promise<Listed> {
    if (unfiltered) return listBy(question, [{}])
    try {
      const batches = inBatches(services)
      return await listBy(
        question,
        batches.map((batch) => ({ services: batch, eventTypeCategories: [...CATEGORIES] })),
      )
    } catch (error) {
      // Whether Health ignores a service code that it does not know, or turns it down, is not documented.
      if (nameOf(error) !== 'ValidationException') throw error
      const found = await listBy(question, [{}])
      unfiltered = true
      return found
    }
  }

  /** Everything open, and everything updated of late. Filters keep answers short; the answer is right without them too. */
  async function listBy(question: Question, what: readonly EventFilter[]): Promise<Listed> {
    const found: Listed = { events: new Map(), seen: 0, skipped: 0, cut: false }
    const when: EventFilter[] = [{ eventStatusCodes: ['open'] }, { lastUpdatedTimes: [{ from: new Date(question.since) }] }]
    const where: EventFilter[] = inBatches(regions).map((batch) => ({ regions: batch }))
    const filters = where.flatMap((a) => what.flatMap((b) => when.map((c) => ({ ...a, ...b, ...c }))))
    for (const filter of filters) await listPages(filter, question, found)
    return found
  }

  async function listPages(filter: EventFilter, question: Question, found: Listed): Promise<void> {
    const { client, region, now, signal, patience } = question
    let nextToken: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const elsewhere = page > 0 && endpoint === null ? await active.moved(region, now, signal) : null
      if (elsewhere !== null) throw new BeginAnew(elsewhere)
      const input = { filter, maxResults: PAGE_SIZE, ...(nextToken === undefined ? {} : { nextToken }) }
      const answer = await send(client, new DescribeEventsCommand(input), signal, patience).catch((error: unknown) => {
        throw nameOf(error) === 'InvalidPaginationToken' ? new BeginAnew(region) : error
      })
      const { events, nextToken: next } = answer as { events?: unknown; nextToken?: unknown }
      if (!Array.isArray(events)) throw new Error('its answer holds no list of events')
      for (const element of events.slice(0, PAGE_SIZE)) take(element, now, found)
      if (found.events.size >= MAX_EVENTS) break
      if (typeof next !== 'string' || next === '') return
      nextToken = next
    }
    found.cut = true
  }

  function take(element: unknown, now: Instant, found: Listed): void {
    const event = apiEvent(element, now, owners())
    found.seen++
    if (event === null) found.skipped++
    if (event === null || !services.includes(event.service)) return
    if (event.region !== null && !regions.includes(event.region)) return
    const known = found.events.get(event.arn)
    if (known === undefined || known.updatedAt < event.updatedAt) found.events.set(event.arn, event)
  }

  /** Reads the texts that are not known yet. Returns why some are missing, as far as that has a cause of its own. */
  async function readTexts(events: readonly HealthEvent[], question: Question): Promise<string> {
    const { now, client, signal, patience, until } = question
    if (textsDeniedAt !== null && now >= textsDeniedAt && now - textsDeniedAt < REFUSED_FOR_MS) return DENIED
    const wanted = events.filter((event) => texts.current(event) === null).sort(byWeight)
    for (const batch of inBatches(wanted.slice(0, MAX_TEXTS_PER_ASK))) {
      try {
        const command = new DescribeEventDetailsCommand({ eventArns: batch.map((event) => event.arn) })
        // A little before the whole question has to be answered: what is there by then is an answer, and the rest follows.
        const leftMs = Math.max(1, TEXTS_SHARE * (until - performance.now()))
        const answer = await within(leftMs, signal, (bound) => send(client, command, bound, patience))
        const told = answer['successfulSet']
        for (const element of Array.isArray(told) ? told.slice(0, MAX_PER_CALL) : []) texts.keep(batch, element)
      } catch (error) {
        if (signal.aborted) throw error
        if (refusalOf(error) !== null) {
          textsDeniedAt = now
          return DENIED
        }
        // An event labelled `global` is no alibi where its text names other regions only: without the text it may not be one.
        if (batch.some(isWide)) throw error
        return ` (${reasonOf(error)})`
      }
    }
    return ''
  }

  return {
    async ask(now, since, signal): Promise<SourceAnswer> {
      if (refused !== null && now >= refused.at && now - refused.at < REFUSED_FOR_MS) return refused
      refused = null
      const patience: Patience = { pauseMs, clockOffset: handler.clockOffset, throttled: null }
      try {
        return await within(timeoutMs, signal, (bound) => consult({ now, since, signal: bound, patience }))
      } catch (error) {
        const why = refusalOf(error)
        if (why !== null) {
          refused = { state: 'refused', at: now, why }
          return refused
        }
        if (areBadCredentials(error)) {
          // The SDK holds on to credentials that never expire, such as those of a file that has changed since.
          clients.clear()
          if (identity !== null) options.drop?.(identity)
        }
        const throttled = isThrottling(error) ? error : error instanceof DeadlineError ? patience.throttled : null
        if (throttled !== null) return { state: 'unavailable', at: now, why: reasonOf(throttled), heard: true, throttled: true }
        return { state: 'unavailable', at: now, why: reasonOf(error), ...heardIn(error), ...oursIn(error) }
      }
    },
    async organizationStatus(signal) {
      try {
        const { regions: homes } = await candidates({ now: Date.now(), signal })
        const client = clientIn(homes[0] ?? HEALTH_HOMES[partition].regions[0])
        return await within(timeoutMs, signal, (bounded) => organizationViewStatus(client, handler.clockOffset, bounded))
      } catch (error) {
        return { state: 'unavailable', detail: reasonOf(error) }
      }
    },
    close() {
      if (options.handler === undefined) handler.close()
    },
  }
}

const DENIED = ' (health:DescribeEventDetails is denied)'

/** `global`, or no region at all: its text decides where it is. */
function isWide(event: HealthEvent): boolean {
  return event.region === null || event.region === 'global'
}

/** Those whose text decides first, then the newest. */
function byWeight(a: HealthEvent, b: HealthEvent): number {
  return Number(isWide(b)) - Number(isWide(a)) || b.updatedAt - a.updatedAt
}

function inBatches<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / MAX_PER_CALL) }, (_, i) =>
    all.slice(i * MAX_PER_CALL, (i + 1) * MAX_PER_CALL),
  )
}

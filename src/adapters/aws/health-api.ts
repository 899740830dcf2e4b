import { DescribeEventDetailsCommand, HealthClient } from '@aws-sdk/client-health'
import { type Env, shownUrl } from '../../config/endpoints.ts'
import { THROTTLE_PAUSE_MS } from '../../domain/backoff.ts'
import type { HealthEvent, SourceAnswer } from '../../domain/outage.ts'
import { DAY_MS, type Instant, type Partition } from '../../domain/probe.ts'
import { MAX_ANSWER_TEXT } from '../../domain/reading.ts'
import type { HealthSource } from '../../ports/health.ts'
import { DeadlineError, within } from '../stall.ts'
import { activeRegion, type Candidates, HEALTH_HOMES, type ResolveCname } from './active-region.ts'
import { endpointOverride, placeOf } from './endpoint.ts'
import { BeginAnew, EventListing, inBatches, MAX_EVENTS, MAX_PER_CALL } from './event-listing.ts'
import { eventTexts } from './event-texts.ts'
import { BoundedHandler } from './handler.ts'
import { mostlyReadable } from './health-answer.ts'
import { areBadCredentials, heardIn, isThrottling, oursIn, type Patience, reasonOf, refusalOf, send } from './health-call.ts'
import { type OrganizationStatus, OrganizationView, organizationViewStatus } from './organization-view.ts'
import type { Identity } from './provider.ts'

/** Most texts that are asked for in one go: the others follow with the next reading. */
export const MAX_TEXTS_PER_ASK = 100
/** Of the time that is left for a question, what each call for texts, and what the organization view, may take. */
const TEXTS_SHARE = 0.9
const MEMBERS_SHARE = 0.5
/** A refusal is said once and left alone for this long. */
export const REFUSED_FOR_MS = DAY_MS
/** How often a question is begun again because the active region changed, or a page's token did not hold. */
const MAX_RESTARTS = 2
/** The SDK's own tries of a call: those that are worth it are ours. In code, so that no environment changes it. */
const MAX_ATTEMPTS = 1

export type HealthApiOptions = Readonly<{
  partition: Partition
  /** Asked again after AWS refused what it gave; may hold what it found. */
  credentials: () => Promise<Identity>
  /** Called when AWS rejected credentials, so that they are looked for again. */
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

type Ask = Readonly<{ now: Instant; since: Instant; signal: AbortSignal; patience: Patience }>
/** `until`: when it has to be answered, by `performance.now()`. */
type Question = Ask & Readonly<{ region: string; client: HealthClient; until: number }>
type Refused = Extract<SourceAnswer, { state: 'refused' }>

/** The AWS Health API of one partition, asked with one set of credentials. */
export function healthApi(options: HealthApiOptions): HealthSource & {
  /** Whether the organization view is enabled, for `check --live`. Bounded in time; never rejects. */
  organizationStatus(signal: AbortSignal): Promise<OrganizationStatus>
  close(): void
} {
  const api = new HealthApi(options)
  return {
    ask: (now, since, signal) => api.ask(now, since, signal),
    organizationStatus: (signal) => api.organizationStatus(signal),
    close: () => api.close(),
  }
}

class HealthApi {
  readonly #options: HealthApiOptions
  readonly #handler: BoundedHandler
  readonly #endpoint: string | null
  readonly #services: readonly string[]
  readonly #regions: readonly string[]
  readonly #active: ReturnType<typeof activeRegion>
  readonly #listing: EventListing
  readonly #texts = eventTexts()
  readonly #organization: OrganizationView | null
  /** One for each region that was the active one so far: as many as the partition has. */
  readonly #clients = new Map<string, HealthClient>()
  #identity: Identity | null = null
  #refused: Refused | null = null
  #textsDeniedAt: Instant | null = null

  constructor(options: HealthApiOptions) {
    const { partition, env, owners, handler = new BoundedHandler(), members = false, cacheForMs = 0 } = options
    this.#options = options
    this.#handler = handler
    this.#endpoint = endpointOverride(env, 'HEALTH')
    this.#services = [...new Set(options.services.map((service) => service.toUpperCase()))]
    this.#regions = [...new Set([...options.regions, 'global'])]
    this.#active = activeRegion(partition, options.resolveCname)
    this.#listing = new EventListing({
      services: this.#services,
      regions: this.#regions,
      owners,
      moved: async (region, now, signal) => (this.#endpoint === null ? this.#active.moved(region, now, signal) : null),
    })
    this.#organization = members ? new OrganizationView(cacheForMs) : null
  }

  async ask(now: Instant, since: Instant, signal: AbortSignal): Promise<SourceAnswer> {
    const { timeoutMs, pauseMs = THROTTLE_PAUSE_MS } = this.#options
    if (this.#refused !== null && now >= this.#refused.at && now - this.#refused.at < REFUSED_FOR_MS) return this.#refused
    this.#refused = null
    const patience: Patience = { pauseMs, clockOffset: this.#handler.clockOffset, throttled: null }
    try {
      return await within(timeoutMs, signal, (bound) => this.#consult({ now, since, signal: bound, patience }))
    } catch (error) {
      return this.#failed(error, now, patience)
    }
  }

  async organizationStatus(signal: AbortSignal): Promise<OrganizationStatus> {
    const { partition, timeoutMs } = this.#options
    try {
      const { regions: homes } = await this.#candidates({ now: Date.now(), signal })
      const client = this.#clientIn(homes[0] ?? HEALTH_HOMES[partition].regions[0])
      const { clockOffset } = this.#handler
      return await within(timeoutMs, signal, (bounded) => organizationViewStatus(client, clockOffset, bounded))
    } catch (error) {
      return { state: 'unavailable', detail: reasonOf(error) }
    }
  }

  close(): void {
    if (this.#options.handler === undefined) this.#handler.close()
  }

  #failed(error: unknown, now: Instant, patience: Patience): SourceAnswer {
    const why = refusalOf(error)
    if (why !== null) {
      this.#refused = { state: 'refused', at: now, why }
      return this.#refused
    }
    if (areBadCredentials(error)) {
      // The SDK holds on to credentials that never expire, such as those of a file that has changed since.
      this.#clients.clear()
      if (this.#identity !== null) this.#options.drop?.(this.#identity)
    }
    const throttled = isThrottling(error) ? error : error instanceof DeadlineError ? patience.throttled : null
    if (throttled !== null) return { state: 'unavailable', at: now, why: reasonOf(throttled), heard: true, throttled: true }
    return { state: 'unavailable', at: now, why: reasonOf(error), ...heardIn(error), ...oursIn(error) }
  }

  #clientIn(region: string): HealthClient {
    const known = this.#clients.get(region)
    if (known !== undefined) return known
    const credentials = async () => {
      this.#identity = await this.#options.credentials()
      return this.#identity
    }
    const client = new HealthClient({
      ...placeOf(this.#options.env, 'HEALTH', region),
      ...this.#handler.clockOffset.signing({ credentials, region, service: 'health' }),
      maxAttempts: MAX_ATTEMPTS,
      retryMode: 'standard',
      ...this.#handler.client,
    })
    this.#clients.set(region, client)
    return client
  }

  /** Asks the active region, or in turn those that may be it, sharing the time. */
  async #consult(ask: Ask): Promise<SourceAnswer> {
    const begun = performance.now()
    const { regions: homes, known } = await this.#candidates(ask)
    const note = known ? '' : ' (the active region could not be looked up)'
    for (const [i, home] of homes.entries()) {
      const share = (this.#options.timeoutMs - (performance.now() - begun)) / (homes.length - i)
      const until = performance.now() + share
      try {
        return await within(share, ask.signal, (signal) => this.#persist(home, { ...ask, signal, until }, note))
      } catch (error) {
        if (i === homes.length - 1 || ask.signal.aborted || refusalOf(error) !== null) throw error
      }
    }
    throw new Error('there is no region to ask')
  }

  /** With an endpoint of one's own no look-up is made; calls are signed for the partition's first region. */
  async #candidates({ now, signal }: Pick<Ask, 'now' | 'signal'>): Promise<Candidates> {
    if (this.#endpoint === null) return this.#active.candidates(now, signal)
    return { regions: [HEALTH_HOMES[this.#options.partition].regions[0]], known: true }
  }

  async #persist(home: string, ask: Ask & { until: number }, note: string): Promise<SourceAnswer> {
    let region = home
    for (let restarts = 0; ; restarts++) {
      try {
        return await this.#read({ ...ask, region, client: this.#clientIn(region) }, note)
      } catch (error) {
        if (!(error instanceof BeginAnew) || restarts === MAX_RESTARTS) throw error
        region = error.region
      }
    }
  }

  async #read(question: Question, note: string): Promise<SourceAnswer> {
    const { events, seen, skipped, cut } = await this.#listing.list(question)
    if (!mostlyReadable(seen - skipped, skipped)) throw new Error(`${skipped} of ${seen} events cannot be read`)
    const members = await this.#ofMembers(question, events)
    const why = await this.#readTexts([...events.values()], question)
    const told = [...events.values()].map((event) => ({ ...event, text: this.#texts.best(event) }))
    // A text that is left out could be the one that says where an event is: an answer that is too long is none.
    const letters = told.reduce((sum, event) => sum + event.text.length, 0)
    if (letters > MAX_ANSWER_TEXT) throw new Error(`its answer holds more than ${MAX_ANSWER_TEXT} characters of text`)
    const without = told.filter((event) => this.#texts.current(event) === null).length
    const detail = [
      `${this.#endpoint === null ? question.region : shownUrl(this.#endpoint)}${note}`,
      ...(skipped === 0 ? [] : [`${skipped} of ${seen} events could not be read`]),
      ...(without === 0 ? [] : [`without the latest text of ${without} of ${told.length} events${why}`]),
      ...(members === null ? [] : [members]),
      ...(cut ? [`only the newest ${MAX_EVENTS} events were read`] : []),
    ].join(', ')
    const refused = why === DENIED ? { refused: 'health:DescribeEventDetails' } : {}
    return { state: 'answered', at: question.now, events: told, skipped, detail, ...refused }
  }

  /** Adds what was sent to member accounts, or says why that is not known. */
  async #ofMembers(question: Question, events: Map<string, HealthEvent>): Promise<string | null> {
    if (this.#organization === null) return null
    const withinMs = Math.max(1, MEMBERS_SHARE * (question.until - performance.now()))
    const where = { services: inBatches(this.#services), regions: inBatches(this.#regions) }
    const { events: specific, why } = await this.#organization.ask({ ...question, withinMs }, where)
    for (const event of specific) {
      const own = events.get(event.arn)
      const owners = [...new Set([...(own?.owners ?? []), ...event.owners])]
      events.set(event.arn, own === undefined || own.updatedAt < event.updatedAt ? { ...event, owners } : { ...own, owners })
    }
    return why
  }

  /** Reads the texts that are not known yet. Returns why some are missing, as far as that has a cause of its own. */
  async #readTexts(events: readonly HealthEvent[], question: Question): Promise<string> {
    const { now, client, signal, patience, until } = question
    const deniedAt = this.#textsDeniedAt
    if (deniedAt !== null && now >= deniedAt && now - deniedAt < REFUSED_FOR_MS) return DENIED
    const wanted = events.filter((event) => this.#texts.current(event) === null).sort(byWeight)
    for (const batch of inBatches(wanted.slice(0, MAX_TEXTS_PER_ASK))) {
      try {
        const command = new DescribeEventDetailsCommand({ eventArns: batch.map((event) => event.arn) })
        // A little before the whole question has to be answered: what is there by then is an answer, and the rest follows.
        const leftMs = Math.max(1, TEXTS_SHARE * (until - performance.now()))
        const answer = await within(leftMs, signal, (bound) => send(client, command, bound, patience))
        const told = answer['successfulSet']
        for (const element of Array.isArray(told) ? told.slice(0, MAX_PER_CALL) : []) this.#texts.keep(batch, element)
      } catch (error) {
        if (signal.aborted) throw error
        if (refusalOf(error) !== null) {
          this.#textsDeniedAt = now
          return DENIED
        }
        // An event labelled `global` is no alibi where its text names other regions only: without the text it may not be one.
        if (batch.some(isWide)) throw error
        return ` (${reasonOf(error)})`
      }
    }
    return ''
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

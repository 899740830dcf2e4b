import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HealthEvent, Source } from '../domain/outage.ts'
import type { Instant } from '../domain/probe.ts'
import { splitKey } from '../domain/region.ts'
import { CALLER } from './aws.ts'
import { healthMessage } from './eventbridge.ts'

/**
 * An event as a scenario tells it; what is left out has a scenario's defaults (docs/reference.md). Times in epoch milliseconds.
 */
export type ToldEvent = Readonly<{
  id: string
  service?: string
  region?: string
  category?: HealthEvent['category']
  code?: string
  scope?: HealthEvent['scope']
  text?: string
  /** Keys of the dashboard, such as `account` or `sts-us-east-1`. */
  impacted?: readonly string[]
  start?: Instant
  updated?: Instant
  /** Which source holds it; default: every one that there is. */
  in?: readonly Source[]
  /** Member accounts that received it: seen in the organization view only. */
  accounts?: readonly string[]
}>

export type ApiMode = 'ok' | 'unavailable' | 'subscription-required' | 'throttled' | 'denied' | 'details-denied' | 'hang'
export type DashboardMode = 'ok' | 'unavailable' | 'empty-body' | 'html' | 'hang'

/** A request that was answered, for those who watch: what was asked, and the region it was signed for. */
export type Asked = Readonly<{
  what: 'DescribeEvents' | 'DescribeEventDetails' | 'dashboard' | 'other'
  region: string | null
  body: string
}>

/** Most events that are held, and most requests that are remembered. */
const MAX_EVENTS = 1_000
const MAX_ASKED = 1_000
const PAGE = 100
const LIMIT = 10

type Post = Readonly<{ at: Instant; text: string; status: 0 | 1 }>
type Entry = Readonly<{ key: string; well: boolean }>
type Held = {
  told: Required<ToldEvent>
  arn: string
  endedAt: Instant | null
  posts: Post[]
  /** Each impacted service, and each change of one. */
  impacted: Map<string, boolean>
  changes: (Entry & Readonly<{ at: Instant }>)[]
}

/** `null`: the request is left without an answer. */
type Reply = Readonly<{ status: number; type: string; body: Buffer }> | null

const REQUEST_ID = '00000000-0000-4000-8000-000000000000'
const TARGET = 'AWSHealth_20160804.'
const DASHBOARD_PATH = '/public/currentevents'

/**
 * A stand-in for the AWS Health API (JSON 1.1, with the real limits, filters and errors) and for the public dashboard's
 * JSON. Scriptable while it runs; mount it in any HTTP server by `handle`.
 */
export class HealthStandIn {
  api: ApiMode = 'ok'
  /** Whether the organization view is enabled, or the caller may not even ask. */
  organization: boolean | 'denied' = false
  dashboard: DashboardMode = 'ok'
  /** AWS sends UTF-16, big-endian, with a byte order mark. */
  encoding: 'utf-16be' | 'utf-16le' | 'utf-8' = 'utf-16be'
  /** Elements on a page of DescribeEvents, at most what the request allows. */
  pageSize = PAGE
  /** Calls of the API that are let through in a second; `null`: all of them. The others are throttled. */
  callsPerSecond: number | null = null
  /** ARNs for which DescribeEventDetails has nothing to say. */
  readonly unknownDetails = new Set<string>()
  readonly asked: Asked[] = []
  readonly #held = new Map<string, Held>()
  #nextCallAt = 0
  readonly #now: () => Instant
  readonly #partition: string
  readonly #bridge: ((message: string) => void) | null

  /** @param options `bridge`: what EventBridge does with each event that AWS Health hands to it; left out: there is no rule */
  constructor(options: Readonly<{ now: () => Instant; partition?: string; bridge?: (message: string) => void }>) {
    this.#now = options.now
    this.#bridge = options.bridge ?? null
    this.#partition = options.partition ?? 'aws'
  }

  /** Makes an event known, or replaces the one of the same id. @throws {RangeError} beyond `MAX_EVENTS` */
  publish(event: ToldEvent): void {
    if (this.#held.size >= MAX_EVENTS && !this.#held.has(event.id)) throw new RangeError(`more than ${MAX_EVENTS} events`)
    const now = this.#now()
    const service = event.service ?? 'MULTIPLE_SERVICES'
    const told: Required<ToldEvent> = {
      service,
      region: 'us-east-1',
      category: 'issue',
      code: `AWS_${service}_OPERATIONAL_ISSUE`,
      scope: 'PUBLIC',
      text: 'More calls fail than should',
      impacted: [],
      start: now,
      updated: now,
      in: ['api', 'dashboard', 'queue'],
      accounts: [],
      ...event,
    }
    const id = told.id.replace(/[^\w-]/g, '_')
    const arn = `arn:${this.#partition}:health:${told.region}::event/${told.service}/${told.code}/${told.code}_${id}`
    const held: Held = { told, arn, endedAt: null, posts: [], impacted: new Map(), changes: [] }
    held.posts.push({ at: told.start, text: told.text, status: 1 })
    this.#held.set(told.id, held)
    impact(held, told.impacted, told.start)
    this.#tell(held)
  }

  /** Changes what is told of an event; the rest stays. @throws {RangeError} if there is none of that id */
  update(changes: ToldEvent): void {
    const held = this.#find(changes.id)
    const at = changes.updated ?? this.#now()
    held.told = { ...held.told, ...changes, updated: at }
    held.posts.push({ at, text: changes.text ?? 'We are still at it.', status: 1 })
    if (changes.impacted !== undefined) impact(held, changes.impacted, at)
    this.#tell(held)
  }

  /** Ends an event: it stays visible as closed. @throws {RangeError} if there is none of that id */
  close(id: string): void {
    const held = this.#find(id)
    const at = this.#now()
    held.endedAt = at
    held.told = { ...held.told, updated: at }
    held.posts.push({ at, text: 'It is mended.', status: 0 })
    impact(held, [], at)
    this.#tell(held)
  }

  /** Takes an event back as if it had never been. */
  withdraw(id: string): void {
    this.#held.delete(id)
  }

  arnOf(id: string): string {
    return this.#find(id).arn
  }

  /** Answers a request if it is one of Health's; else leaves it alone and returns `false`. */
  handle(request: IncomingMessage, body: string, response: ServerResponse): boolean {
    const target = request.headers['x-amz-target']
    if (request.method === 'POST' && typeof target === 'string' && target.startsWith(TARGET)) {
      reply(response, this.#askApi(target.slice(TARGET.length), body, request))
      return true
    }
    const path = (request.url ?? '').split('?', 1)[0]
    if ((request.method === 'GET' || request.method === 'HEAD') && path === DASHBOARD_PATH) {
      this.#note({ what: 'dashboard', region: null, body: '' })
      reply(response, this.#askDashboard())
      return true
    }
    return false
  }

  /** By EventBridge: each account that an event concerns gets a message of its own. */
  #tell({ told, arn, endedAt, posts }: Held): void {
    if (this.#bridge === null || !told.in.includes('queue')) return
    const { service, code, category, scope, region, start: startedAt, updated: updatedAt } = told
    const text = posts.at(-1)?.text ?? ''
    const event = { arn, service, code, category, scope, region, startedAt, updatedAt, endedAt, text }
    for (const affected of told.accounts.length === 0 ? [CALLER.account] : told.accounts)
      this.#bridge(healthMessage(event, { account: CALLER.account, affected }))
  }

  #find(id: string): Held {
    const held = this.#held.get(id)
    if (held === undefined) throw new RangeError(`no event ${id}`)
    return held
  }

  #note(asked: Asked): void {
    this.asked.push(asked)
    if (this.asked.length > MAX_ASKED) this.asked.shift()
  }

  #in(source: Source): Held[] {
    return [...this.#held.values()].filter((held) => held.told.in.includes(source))
  }

  #askApi(operation: string, body: string, request: IncomingMessage): Reply {
    const [, region = null] = /Credential=[^/]+\/\d{8}\/([a-z0-9-]+)\/health\//.exec(request.headers.authorization ?? '') ?? []
    const what = operation === 'DescribeEvents' || operation === 'DescribeEventDetails' ? operation : 'other'
    this.#note({ what, region, body })
    if (this.callsPerSecond !== null) {
      const now = this.#now()
      if (now < this.#nextCallAt) return fault(400, 'ThrottlingException', 'Rate exceeded')
      this.#nextCallAt = now + 1_000 / this.callsPerSecond
    }
    switch (this.api) {
      case 'hang':
        return null
      case 'unavailable':
        return fault(500, 'InternalFailure', 'an internal failure')
      case 'subscription-required':
        return fault(400, 'SubscriptionRequiredException', '')
      case 'throttled':
        return fault(400, 'ThrottlingException', 'Rate exceeded')
      case 'denied':
        return fault(400, 'AccessDeniedException', `not authorized to perform: health:${operation}`)
      case 'details-denied':
        if (operation !== 'DescribeEventDetails') break
        return fault(400, 'AccessDeniedException', `not authorized to perform: health:${operation}`)
      case 'ok':
    }
    const input = objectOf(body)
    if (input === null) return fault(400, 'SerializationException', 'not a JSON object')
    if (input['locale'] !== undefined && input['locale'] !== 'en') return fault(400, 'UnsupportedLocale', 'only en')
    if (operation === 'DescribeEvents') return this.#describeEvents(input)
    if (operation === 'DescribeEventDetails') return this.#describeEventDetails(input)
    if (operation.endsWith('ForOrganization') && this.organization === 'denied')
      return fault(400, 'AccessDeniedException', `not authorized to perform: health:${operation}`)
    if (operation === 'DescribeHealthServiceStatusForOrganization') {
      return json(200, { healthServiceAccessStatusForOrganization: this.organization ? 'ENABLED' : 'DISABLED' })
    }
    if (operation.endsWith('ForOrganization')) {
      if (!this.organization) return fault(400, 'AccessDeniedException', 'the organization view is not enabled')
      if (operation === 'DescribeEventsForOrganization') return this.#describeEventsForOrganization(input)
      if (operation === 'DescribeAffectedAccountsForOrganization') {
        const held = [...this.#held.values()].find((one) => one.arn === input['eventArn'])
        return json(200, { affectedAccounts: held?.told.accounts ?? [] })
      }
    }
    return fault(400, 'UnknownOperationException', operation)
  }

  #describeEvents(input: Record<string, unknown>): Reply {
    const filter = (input['filter'] ?? {}) as Filter
    const wrong = faultOfFilter(filter) ?? faultOfSize(input['maxResults'])
    if (wrong !== null) return fault(400, 'ValidationException', wrong)
    const events = this.#in('api')
      .filter((held) => held.told.accounts.length === 0 && matches(held, filter))
      .sort((a, b) => b.told.updated - a.told.updated)
    const begin = offsetOf(input['nextToken'], filter)
    if (begin === null) return fault(400, 'InvalidPaginationToken', 'the token does not belong to this filter')
    const end = begin + Math.min(this.pageSize, (input['maxResults'] as number | undefined) ?? PAGE)
    const nextToken = end < events.length ? { nextToken: tokenOf(end, filter) } : {}
    return json(200, { events: events.slice(begin, end).map(apiEvent), ...nextToken })
  }

  /** Its times are single ranges, where DescribeEvents takes lists of them. */
  #describeEventsForOrganization(input: Record<string, unknown>): Reply {
    const { lastUpdatedTime, ...rest } = (input['filter'] ?? {}) as Filter & { lastUpdatedTime?: Range }
    if ('lastUpdatedTimes' in rest || Array.isArray(lastUpdatedTime))
      return fault(400, 'ValidationException', 'lastUpdatedTime is one range')
    const filter: Filter = lastUpdatedTime === undefined ? rest : { ...rest, lastUpdatedTimes: [lastUpdatedTime] }
    const wrong = faultOfFilter(filter) ?? faultOfSize(input['maxResults'])
    if (wrong !== null) return fault(400, 'ValidationException', wrong)
    return json(200, {
      events: this.#in('api')
        .filter((held) => matches(held, filter))
        .map(apiEvent),
    })
  }

  #describeEventDetails(input: Record<string, unknown>): Reply {
    const arns = input['eventArns']
    if (!Array.isArray(arns) || arns.length < 1 || arns.length > LIMIT) {
      return fault(400, 'ValidationException', `eventArns: 1 to ${LIMIT}`)
    }
    const successfulSet: unknown[] = []
    const failedSet: unknown[] = []
    for (const arn of arns) {
      const held = this.#in('api').find((one) => one.arn === arn)
      if (held === undefined || this.unknownDetails.has(held.arn)) {
        failedSet.push({ eventArn: arn, errorName: 'InvalidEventArn', errorMessage: 'no such event' })
      } else {
        const latestDescription = held.posts.map((post) => post.text).join('\n\n')
        successfulSet.push({ event: apiEvent(held), eventDescription: { latestDescription }, eventMetadata: {} })
      }
    }
    return json(200, { successfulSet, failedSet })
  }

  #askDashboard(): Reply {
    const type = 'application/json;charset=utf-16'
    switch (this.dashboard) {
      case 'hang':
        return null
      case 'unavailable':
        return { status: 503, type: 'text/html', body: Buffer.from('<html><body>Service Unavailable</body></html>') }
      case 'empty-body':
        return { status: 200, type, body: Buffer.alloc(0) }
      case 'html':
        return {
          status: 200,
          type: 'text/html',
          body: Buffer.from('<!doctype html><html><body>AWS Health Dashboard</body></html>'),
        }
      case 'ok': {
        const events = this.#in('dashboard').filter((held) => held.told.scope === 'PUBLIC')
        return { status: 200, type, body: encode(JSON.stringify(events.map(dashboardEvent)), this.encoding) }
      }
    }
  }
}

/** The list of impacted services is now this: those that left it are resolved. */
function impact(held: Held, keys: readonly string[], at: Instant): void {
  const now = new Set(keys.map((key) => key.toLowerCase()))
  for (const key of new Set([...held.impacted.keys(), ...now])) {
    const well = !now.has(key)
    if (held.impacted.get(key) !== well) held.changes.push({ key, well, at })
    held.impacted.set(key, well)
  }
}

type Range = Readonly<{ from?: number; to?: number }>
type Filter = Readonly<{
  services?: readonly string[]
  regions?: readonly string[]
  eventTypeCodes?: readonly string[]
  eventArns?: readonly string[]
  eventTypeCategories?: readonly string[]
  eventStatusCodes?: readonly string[]
  startTimes?: readonly Range[]
  endTimes?: readonly Range[]
  lastUpdatedTimes?: readonly Range[]
}>

/** Most values of each part of a filter (botocore health/2016-08-04, EventFilter). */
const LIMITS: Readonly<Record<keyof Filter, number>> = {
  services: LIMIT,
  regions: LIMIT,
  eventTypeCodes: LIMIT,
  eventArns: LIMIT,
  eventTypeCategories: LIMIT,
  eventStatusCodes: 6,
  startTimes: LIMIT,
  endTimes: LIMIT,
  lastUpdatedTimes: LIMIT,
}

function faultOfFilter(filter: Filter): string | null {
  for (const [part, limit] of Object.entries(LIMITS)) {
    const values: unknown = filter[part as keyof Filter]
    if (values === undefined) continue
    if (!Array.isArray(values)) return `${part}: a list is needed`
    if (values.length < 1 || values.length > limit) return `${part}: 1 to ${limit} values`
  }
  return null
}

function faultOfSize(maxResults: unknown): string | null {
  if (maxResults === undefined) return null
  return Number.isInteger(maxResults) && (maxResults as number) >= 1 && (maxResults as number) <= PAGE
    ? null
    : `maxResults: 1 to ${PAGE}`
}

function matches({ told, arn, endedAt }: Held, filter: Filter): boolean {
  const among = (values: readonly string[] | undefined, value: string) => values === undefined || values.includes(value)
  const within = (ranges: readonly Range[] | undefined, at: Instant | null) =>
    ranges === undefined ||
    (at !== null && ranges.some(({ from = -Infinity, to = Infinity }) => at >= from * 1_000 && at <= to * 1_000))
  return (
    among(filter.services, told.service) &&
    among(filter.regions, told.region) &&
    among(filter.eventTypeCodes, told.code) &&
    among(filter.eventArns, arn) &&
    among(filter.eventTypeCategories, told.category) &&
    among(filter.eventStatusCodes, endedAt === null ? 'open' : 'closed') &&
    within(filter.startTimes, told.start) &&
    within(filter.endTimes, endedAt) &&
    within(filter.lastUpdatedTimes, told.updated)
  )
}

/** Times are epoch seconds, with a fraction. */
function apiEvent({ told, arn, endedAt }: Held) {
  return {
    arn,
    service: told.service,
    eventTypeCode: told.code,
    eventTypeCategory: told.category,
    region: told.region,
    startTime: told.start / 1_000,
    ...(endedAt === null ? {} : { endTime: endedAt / 1_000 }),
    lastUpdatedTime: told.updated / 1_000,
    statusCode: endedAt === null ? 'open' : 'closed',
    eventScopeCode: told.scope,
  }
}

/** As the dashboard writes it: seconds as strings, seconds as numbers and milliseconds side by side. */
function dashboardEvent({ told, arn, endedAt, posts, impacted, changes }: Held) {
  const seconds = (at: Instant) => Math.floor(at / 1_000)
  const key = told.service === 'MULTIPLE_SERVICES' ? 'multipleservices' : told.service.toLowerCase()
  const title = (endedAt === null ? '' : '[RESOLVED] ') + told.code.replaceAll('_', ' ')
  return {
    date: String(seconds(told.start)),
    arn,
    region_name: told.region === 'global' ? null : told.region,
    status: endedAt === null ? '3' : '0',
    service: told.region === 'global' ? key : `${key}-${told.region}`,
    service_name: told.service,
    summary: title,
    event_log: posts.map((post) => ({ summary: title, message: post.text, status: post.status, timestamp: seconds(post.at) })),
    impacted_services: Object.fromEntries(
      [...impacted].map(([name, well]) => [name, { service_name: splitKey(name).service, current: well ? '0' : '3', max: '3' }]),
    ),
    impacted_service_status_changes: changes.map((change) => ({
      service: change.key,
      service_name: splitKey(change.key).service,
      previous_status: change.well ? '3' : '0',
      current_status: change.well ? '0' : '3',
      timestamp: change.at,
    })),
    ...(endedAt === null ? {} : { end_time: String(seconds(endedAt)) }),
  }
}

function tokenOf(offset: number, filter: Filter): string {
  return Buffer.from(JSON.stringify({ offset, filter })).toString('base64url')
}

function offsetOf(token: unknown, filter: Filter): number | null {
  if (token === undefined) return 0
  if (typeof token !== 'string') return null
  const held = objectOf(Buffer.from(token, 'base64url').toString())
  return typeof held?.['offset'] === 'number' && JSON.stringify(held['filter']) === JSON.stringify(filter) ? held['offset'] : null
}

function encode(text: string, encoding: HealthStandIn['encoding']): Buffer {
  if (encoding === 'utf-8') return Buffer.from(text)
  const little = Buffer.from(`\ufeff${text}`, 'utf16le')
  return encoding === 'utf-16le' ? little : little.swap16()
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function fault(status: number, type: string, message: string): Reply {
  return json(status, { __type: type, message })
}

function json(status: number, body: unknown): Reply {
  return { status, type: 'application/x-amz-json-1.1', body: Buffer.from(JSON.stringify(body)) }
}

function reply(response: ServerResponse, told: Reply): void {
  if (told === null) return
  const headers = { 'content-type': told.type, 'content-length': told.body.length, 'x-amzn-requestid': REQUEST_ID }
  response.writeHead(told.status, headers).end(told.body)
}

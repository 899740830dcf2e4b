import type { HealthEvent, Impact } from '../../domain/outage.ts'
import { DAY_MS, type Instant } from '../../domain/probe.ts'
import { MAX_EVENT_TEXT } from '../../domain/reading.ts'
import { splitKey } from '../../domain/region.ts'
import { holds } from '../../domain/search.ts'

/*
 * Reading what AWS says of its health, element by element. Everything here is foreign: a field that is missing or odd
 * degrades, and an element is given up (`null`) only when it has no well-formed ARN or no sane times.
 */

/** Most elements of a list that are looked at. */
export const MAX_ELEMENTS = 1_000
/** Most updates of an event's log that are read: the newest. */
const MAX_LOG = 500
/** Most impacted services of an event. */
export const MAX_IMPACTED = 2_000
/** Longest piece of text that is stripped of its HTML. */
const MAX_PIECE = 2 * MAX_EVENT_TEXT
/** What is stripped for one event, from its newest update back: of a text without end or of tags alone the rest is left out. */
const MAX_STRIPPED = 8 * MAX_EVENT_TEXT
const MAX_ARN = 1_600
const MAX_NAME = 100

/** Nothing that AWS published is older (the public history begins in 2012), nor lies further ahead. */
const EARLIEST = Date.UTC(2010, 0, 1)
const MAX_AHEAD_MS = 7 * DAY_MS

export type Arn = Readonly<{ partition: string; region: string | null; service: string | null; code: string | null }>

/**
 * Takes an event's ARN apart: `arn:aws:health:REGION::event/SERVICE/TYPECODE/ID`. Old ones have neither service nor type
 * code (`event/event-1485912991457`), or only a type code with a number behind it.
 */
export function parseArn(value: unknown): Arn | null {
  if (typeof value !== 'string' || value.length > MAX_ARN) return null
  const [, partition, region, rest] = /^arn:(aws[a-z-]{0,20}):health:([a-z0-9-]{0,25})::event\/([\x21-\x7e]+)$/.exec(value) ?? []
  if (partition === undefined || region === undefined || rest === undefined) return null
  const parts = rest.split('/')
  const [service = null, code = null] = parts.length >= 3 ? parts : [null, /^(AWS_[A-Z0-9_]*[A-Z])_\d+$/.exec(rest)?.[1]]
  return { partition, region: region === '' ? null : region, service: nameOf(service), code: nameOf(code) }
}

/** An upper-case name such as a service or a type code; `null` if it is none. */
function nameOf(value: unknown): string | null {
  return typeof value === 'string' && /^[\w-]{2,100}$/.test(value) ? value.toUpperCase() : null
}

/**
 * Epoch seconds or milliseconds, as number or string, or an ISO time. The dashboard mixes seconds and milliseconds;
 * between them lie more than 5000 years, so the size tells which. `null` if it is no time or not a sane one.
 */
export function instantOf(value: unknown, now: Instant): Instant | null {
  let at = Number.NaN
  if (value instanceof Date) at = value.getTime()
  else if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]{5,20}(Z|[+-]\d\d:?\d\d)$/.test(value)) at = Date.parse(value)
  else if (typeof value === 'number' || (typeof value === 'string' && /^\d{1,16}(\.\d{1,9})?$/.test(value.trim()))) {
    const number = Number(value)
    at = Math.round(Math.abs(number) < 100_000_000_000 ? number * 1_000 : number)
  }
  return at >= EARLIEST && at <= now + MAX_AHEAD_MS ? at : null
}

/** The dashboard states no category: it follows from the type code's ending. */
export function categoryOf(code: string): HealthEvent['category'] {
  if (code.endsWith('_ISSUE')) return 'issue'
  if (code.endsWith('_INVESTIGATION')) return 'investigation'
  if (code.endsWith('_NOTIFICATION')) return 'accountNotification'
  if (/_(SCHEDULED|MAINTENANCE_SCHEDULED|SCHEDULED_CHANGE|MAINTENANCE|PLANNED_LIFECYCLE_EVENT)$/.test(code))
    return 'scheduledChange'
  return 'unknown'
}

const CATEGORIES = ['issue', 'investigation', 'accountNotification', 'scheduledChange'] as const
const SCOPES = ['PUBLIC', 'ACCOUNT_SPECIFIC', 'NONE'] as const
const STATUSES = ['open', 'closed', 'upcoming'] as const

/** An element of DescribeEvents, as it was on the wire. Its text comes from DescribeEventDetails. */
export function apiEvent(value: unknown, now: Instant, owners: readonly string[]): HealthEvent | null {
  const raw = recordOf(value)
  const arn = parseArn(raw?.['arn'])
  if (raw === null || arn === null) return null
  const startedAt = instantOf(raw['startTime'], now)
  if (startedAt === null) return null
  const endedAt = instantOf(raw['endTime'], now)
  const code = nameOf(raw['eventTypeCode']) ?? arn.code ?? 'UNKNOWN'
  // Neither open nor closed is said: an event with an end that lies behind us is over.
  const status = oneOf(STATUSES, raw['statusCode']) ?? (endedAt !== null && endedAt <= now ? 'closed' : 'open')
  const scope = oneOf(SCOPES, raw['eventScopeCode']) ?? 'NONE'
  const updatedAt = Math.min(instantOf(raw['lastUpdatedTime'], now) ?? endedAt ?? startedAt, now)
  return {
    arn: raw['arn'] as string,
    service: nameOf(raw['service']) ?? arn.service ?? 'UNKNOWN',
    region: regionOf(raw['region']) ?? arn.region,
    code,
    category: oneOf(CATEGORIES, raw['eventTypeCategory']) ?? 'unknown',
    scope,
    status,
    startedAt,
    endedAt: status === 'closed' ? Math.min(endedAt ?? updatedAt, now) : endedAt,
    updatedAt,
    text: '',
    impacted: null,
    sources: ['api'],
    owners: scope === 'ACCOUNT_SPECIFIC' ? owners : [],
  }
}

/** An element of the public dashboard's `currentevents`. */
export function dashboardEvent(value: unknown, now: Instant): HealthEvent | null {
  const raw = recordOf(value)
  const arn = parseArn(raw?.['arn'])
  if (raw === null || arn === null) return null
  const startedAt = instantOf(raw['date'], now)
  if (startedAt === null) return null
  const key = splitKey(typeof raw['service'] === 'string' ? raw['service'].slice(0, MAX_NAME) : '')
  const code = arn.code ?? 'UNKNOWN'
  const log = logOf(raw['event_log'], now)
  const changes = changesOf(raw['impacted_service_status_changes'], now)
  const services = servicesOf(raw['impacted_services'])
  const currents = services === null ? [] : services.map(([, service]) => recordOf(service)?.['current'])
  const statedEnd = instantOf(raw['end_time'], now)
  const closed =
    isZero(raw['status']) ||
    (statedEnd !== null && statedEnd <= now) ||
    (currents.length > 0 && currents.every((current) => isZero(current)))
  const lastLog = log.at(-1)?.at ?? null
  // An end that lies behind us was said at that time or later: where the API still says "open" since before, it is outdated.
  const saidOver = statedEnd !== null && statedEnd <= now ? statedEnd : 0
  const lastChange = [...changes.values()].reduce((latest, change) => Math.max(latest, change.newest), 0)
  const newest = Math.max(startedAt, lastLog ?? 0, saidOver, lastChange)
  const updatedAt = Math.min(newest, now)
  const end = statedEnd ?? (isZero(raw['status']) ? lastLog : null) ?? updatedAt
  return {
    arn: raw['arn'] as string,
    service: arn.service ?? serviceOfKey(key.service) ?? 'UNKNOWN',
    region: arn.region ?? key.region ?? (raw['region_name'] == null || raw['region_name'] === '' ? 'global' : null),
    code,
    category: categoryOf(code),
    scope: 'PUBLIC',
    // A start ahead of now counts as now (19 of 1166 entries had their date edited, 3 first appeared hours ahead).
    status: closed ? 'closed' : 'open',
    startedAt,
    endedAt: closed ? Math.min(end, now) : null,
    updatedAt,
    text: textOf(raw['summary'], log),
    impacted: services === null ? null : impactedOf(services, changes, closed, updatedAt),
    sources: ['dashboard'],
    owners: [],
  }
}

type Update = Readonly<{ at: Instant; text: string }>
type Change = { newest: Instant; well: Instant | null }

/**
 * Oldest first. An update without a sane time stands first; its text is as good as any. What is older than the text that is
 * kept of an event is not stripped: it has a time and no text.
 */
function logOf(value: unknown, now: Instant): Update[] {
  const entries = (Array.isArray(value) ? value.slice(-MAX_LOG) : []).map((entry) => {
    const raw = recordOf(entry)
    return { at: instantOf(raw?.['timestamp'], now) ?? 0, parts: [raw?.['summary'], raw?.['message']] }
  })
  entries.sort((a, b) => a.at - b.at)
  const updates: Update[] = []
  let kept = 0
  let stripped = 0
  for (const { at, parts } of entries.toReversed()) {
    const isWanted = kept < MAX_EVENT_TEXT && stripped < MAX_STRIPPED
    const texts = isWanted ? parts.map(plainText).filter((part) => part !== '') : []
    const text = texts.join(': ')
    kept += text.length
    for (const part of parts) stripped += typeof part === 'string' ? Math.min(part.length, MAX_PIECE) : 0
    updates.push({ at, text })
  }
  return updates.reverse()
}

/** The first entries of a mapping of services, which may have any number of them; `null` where there is none. */
function servicesOf(value: unknown): readonly (readonly [string, unknown])[] | null {
  const all = recordOf(value)
  if (all === null) return null
  const found: [string, unknown][] = []
  for (const name in all) {
    if (Object.hasOwn(all, name)) found.push([name, all[name]])
    if (found.length === MAX_IMPACTED) break
  }
  return found
}

function textOf(summary: unknown, log: readonly Update[]): string {
  const text = log
    .map((update) => update.text)
    .filter((piece) => piece !== '')
    .join('\n')
  const title = plainText(summary)
  return (holds(text, title) ? text : `${title}\n${text}`.trim()).slice(-MAX_EVENT_TEXT)
}

/** Per key: the newest change, and the newest one to 0. */
function changesOf(value: unknown, now: Instant): Map<string, Change> {
  const changes = new Map<string, Change>()
  for (const entry of Array.isArray(value) ? value.slice(-MAX_IMPACTED * 4) : []) {
    const raw = recordOf(entry)
    const at = instantOf(raw?.['timestamp'], now)
    if (raw === null || at === null || typeof raw['service'] !== 'string') continue
    const key = raw['service'].toLowerCase()
    const change = changes.get(key) ?? { newest: at, well: null }
    change.newest = Math.max(change.newest, at)
    if (isZero(raw['current_status'])) change.well = Math.max(change.well ?? 0, at)
    changes.set(key, change)
  }
  return changes
}

function impactedOf(
  services: readonly (readonly [string, unknown])[],
  changes: ReadonlyMap<string, Change>,
  closed: boolean,
  updatedAt: Instant,
): Impact[] {
  return services
    .filter(([name]) => name.length <= MAX_NAME)
    .map(([name, service]) => {
      const key = name.toLowerCase()
      // If the event is over, so is its effect on a service that was not marked as resolved.
      const well = isZero(recordOf(service)?.['current']) || closed
      return { key, resolvedAt: well ? (changes.get(key)?.well ?? updatedAt) : null }
    })
}

function serviceOfKey(key: string): string | null {
  return key === 'multipleservices' ? 'MULTIPLE_SERVICES' : nameOf(key)
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
}

/**
 * Text without tags, entities decoded once, without control characters and marks that turn the direction of writing.
 * What comes out is still foreign text and has to be escaped where it is shown.
 */
export function plainText(value: unknown): string {
  if (typeof value !== 'string') return ''
  return (
    value
      .slice(-MAX_PIECE)
      .replace(/<(?:br|\/p|\/div|\/li|\/tr)\b[^<>]{0,200}>/gi, '\n')
      .replace(/<\/?[a-z!][^<>]{0,2000}>/gi, '')
      .replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
        if (name !== undefined)
          return Object.hasOwn(ENTITIES, name.toLowerCase()) ? (ENTITIES[name.toLowerCase()] ?? whole) : whole
        const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
        return point <= 0x10ffff ? String.fromCodePoint(point) : whole
      })
      .toWellFormed()
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '')
      .replace(/[^\S\n]+/g, ' ')
      .replace(/ ?\n ?(?:\n ?)+/g, '\n')
      .trim()
  )
}

/** Whether so much of an answer could not be read that it is no answer: more than a tenth. */
export function mostlyReadable(read: number, skipped: number): boolean {
  return skipped * 10 <= read + skipped
}

/** One line of at most 200 characters, without anything that looks like a key or a login. */
export function oneLine(text: string): string {
  return plainText(text)
    .replace(/\s+/g, ' ')
    .replace(/\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/g, '[key]')
    .replace(/\/\/[^\s/@]+@/g, '//[login]@')
    .slice(0, 200)
}

export function recordOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
}

function regionOf(value: unknown): string | null {
  return typeof value === 'string' && /^[a-z0-9-]{2,25}$/.test(value) ? value : null
}

function oneOf<T extends string>(values: readonly T[], value: unknown): T | null {
  return values.find((known) => known === value) ?? null
}

function isZero(value: unknown): boolean {
  return value === 0 || value === '0'
}

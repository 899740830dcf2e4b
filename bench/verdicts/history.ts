import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { HOUR_MS, type Instant, MINUTE_MS } from '../../src/domain/probe.ts'

/*
 * What AWS published from 2012 to 2022, and the truth by which verdicts are measured: which entries concern the Account
 * endpoint in us-east-1. It is told here by hand, from label, prose and stated impact, and shares no code with the judge.
 */

/** The old dashboard's services on which Account rests, or which are all services at once. */
const OURS: ReadonlySet<string> = new Set(['account', 'iam', 'sts', 'organizations', 'multipleservices'])
/** A region's code, as the old dashboard writes it in prose and labels. */
const REGION_CODE = /\b[a-z]{2}(?:-gov)?-(?:north|south|east|west|central)[a-z]*-\d\b/gi
/** Other names by which the entries that are labelled global say where they are. */
const ELSEWHERE = /South America|Sao Paulo|\bIndia\b|Mumbai|Oregon|Ireland|Frankfurt|Stockholm|Tokyo|Sydney|GovCloud/i
/** Services with overlapping stated impact in one region that make a whole outage. */
const WHOLE_AT_LEAST = 3
const WHOLE_BEGINS_WITHIN_MS = 6 * HOUR_MS

export type Span = Readonly<{ from: Instant; to: Instant }>
export type Post = Readonly<{ at: Instant; text: string }>

/** An entry of the history. */
export type Entry = Readonly<{
  /** The old dashboard's key without its region. */
  service: string
  /** A region's code or `global`. */
  region: string
  summary: string
  /** Oldest first. */
  posts: readonly Post[]
  /** The trouble itself, as AWS's prose states it; `null` where it does not. */
  impact: Span | null
}>

/** Several services of one region at once: today AWS publishes it as one event of MULTIPLE_SERVICES. */
export type Whole = Readonly<{
  region: string
  entries: readonly Entry[]
  /** When the third service was posted: from then on AWS had said that it was more than one or two. */
  firstPost: Instant
  lastPost: Instant
  /** When three services or more were impaired at the same time. */
  impact: readonly Span[]
}>

export type History = Readonly<{ singles: readonly Entry[]; wholes: readonly Whole[] }>

/** The file is not one of this shape; `message` names it, the line and what is wrong, in one line. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
}

/** @throws {HistoryError} */
export function readHistory(file: string): History {
  const entries = textOf(file)
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [entryOf(lineOf(line, `${file}:${i + 1}`))]))
  if (entries.length === 0) throw new HistoryError(`${file} holds no event: expected one JSON object a line`)
  return historyOf(entries)
}

function textOf(file: string): string {
  try {
    const bytes = readFileSync(file)
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch (cause) {
    throw new HistoryError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function lineOf(text: string, place: string): Line {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new HistoryError(`${place}: expected one JSON object a line`, { cause })
  }
  const parsed = LINE.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new HistoryError(`${place}: ${issue?.path.join('.') || 'the line'}: ${issue?.message ?? 'is not as expected'}`)
}

export function historyOf(entries: readonly Entry[]): History {
  const wholes = wholesOf(entries)
  const inWhole = new Set(wholes.flatMap((whole) => whole.entries))
  return { singles: entries.filter((entry) => !inWhole.has(entry)), wholes }
}

/**
 * Until when a person who reads what was posted so far would take trouble of Account in us-east-1 to be this entry; `null`:
 * never. Some are labelled global and name one other region, at once or with a later post.
 */
export function relatedUntil({ service, region, summary, posts }: Entry): Instant | null {
  if (!OURS.has(service) || (region !== 'us-east-1' && region !== 'global')) return null
  if (region === 'us-east-1') return Number.POSITIVE_INFINITY
  const turn = posts.findIndex((_, i) => isElsewhere([summary, ...posts.slice(0, i + 1).map((post) => post.text)].join('\n')))
  return turn === -1 ? Number.POSITIVE_INFINITY : turn === 0 ? null : (posts[turn]?.at ?? null)
}

function isElsewhere(prose: string): boolean {
  const codes = (prose.match(REGION_CODE) ?? []).map((code) => code.toLowerCase())
  if (codes.includes('us-east-1')) return false
  return codes.length > 0 || ELSEWHERE.test(prose)
}

export function isRelatedWhole(whole: Whole): boolean {
  return whole.region === 'us-east-1'
}

const TIME = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'expected a time such as 2021-12-07T16:35:00Z')
/** One line of the file. */
const LINE = z.object({
  service: z.string().min(1),
  region: z.string().min(1),
  first_post: TIME,
  last_post: TIME,
  summary: z.string().nullable(),
  messages: z.array(z.string()),
  // Empty where AWS's prose does not state it.
  impact_start: z.union([z.literal(''), z.null(), TIME]),
  impact_end: z.union([z.literal(''), z.null(), TIME]),
})
type Line = z.infer<typeof LINE>

function entryOf(line: Line): Entry {
  const { service, region, summary, impact_start: from, impact_end: to } = line
  const first = Date.parse(line.first_post)
  const last = Math.max(first, Date.parse(line.last_post))
  const impact = !from || !to || Date.parse(to) <= Date.parse(from) ? null : spanOf(from, to)
  return { service, region, summary: summary ?? '', posts: postsOf(line.messages, first, last), impact }
}

function spanOf(from: string, to: string): Span {
  return { from: Date.parse(from), to: Date.parse(to) }
}

/**
 * When each message was posted: the first and the last are known; of those between, newer ones say it in their first words
 * ("2:12 AM PDT"), and for older ones, which do not, they are spread evenly.
 */
function postsOf(messages: readonly string[], first: Instant, last: Instant): readonly Post[] {
  const texts = messages.length === 0 ? [''] : messages
  if (texts.length === 1) return [{ at: first, text: texts[0] ?? '' }]
  const step = (last - first) / (texts.length - 1)
  let before = first
  return texts.map((text, i) => {
    const even = first + i * step
    const said = i === 0 ? first : i === texts.length - 1 ? last : (saidAt(text, before) ?? even)
    const at = Math.min(last, Math.max(before, said))
    before = at
    return { at, text }
  })
}

/** The first moment after `before` at which it is that time of day in Seattle. */
function saidAt(text: string, before: Instant): Instant | null {
  const [, hour, minute, half, zone] = /^\D{0,12}?(?:\d{1,2}, )?(\d{1,2}):(\d\d) ([AP]M) P([DS])T/.exec(text) ?? []
  if (hour === undefined) return null
  const dayMs = 24 * HOUR_MS
  const local = ((Number(hour) % 12) + (half === 'PM' ? 12 : 0)) * HOUR_MS + Number(minute) * MINUTE_MS
  const ofDay = (local + (zone === 'D' ? 7 : 8) * HOUR_MS) % dayMs
  const at = Math.floor(before / dayMs) * dayMs + ofDay
  return at < before - MINUTE_MS ? at + dayMs : at
}

function wholesOf(entries: readonly Entry[]): readonly Whole[] {
  const byRegion = Map.groupBy(
    entries.filter((entry) => entry.impact !== null && entry.region !== 'global' && !OURS.has(entry.service)),
    (entry) => entry.region,
  )
  return [...byRegion].flatMap(([region, here]) =>
    chains(here)
      .map((chain) => wholeOf(region, chain))
      .filter((whole) => whole !== null),
  )
}

/** Entries whose stated impacts overlap one another, all begun within a few hours of the first. */
function chains(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const all: Entry[][] = []
  let end = 0
  for (const entry of entries.toSorted((a, b) => (a.impact?.from ?? 0) - (b.impact?.from ?? 0))) {
    const { from, to } = entry.impact as Span
    const chain = all.at(-1)
    if (chain !== undefined && from <= end && from - (chain[0]?.impact?.from ?? 0) <= WHOLE_BEGINS_WITHIN_MS) {
      chain.push(entry)
      end = Math.max(end, to)
    } else {
      all.push([entry])
      end = to
    }
  }
  return all
}

function wholeOf(region: string, entries: readonly Entry[]): Whole | null {
  const impact = threeAtOnce(entries)
  const firsts = new Map<string, Instant>()
  for (const { service, posts } of entries) {
    const at = posts[0]?.at ?? 0
    firsts.set(service, Math.min(at, firsts.get(service) ?? at))
  }
  const firstPost = [...firsts.values()].sort((a, b) => a - b)[WHOLE_AT_LEAST - 1]
  if (firstPost === undefined || impact.length === 0) return null
  const lastPost = Math.max(firstPost, ...entries.map(({ posts }) => posts.at(-1)?.at ?? 0))
  return { region, entries, firstPost, lastPost, impact }
}

function threeAtOnce(entries: readonly Entry[]): readonly Span[] {
  const edges = [...new Set(entries.flatMap(({ impact }) => (impact === null ? [] : [impact.from, impact.to])))].sort(
    (a, b) => a - b,
  )
  const spans: { from: Instant; to: Instant }[] = []
  for (const [i, from] of edges.entries()) {
    const to = edges[i + 1]
    if (to === undefined) continue
    const impaired = new Set(
      entries.filter(({ impact }) => impact !== null && impact.from <= from && impact.to >= to).map((e) => e.service),
    )
    if (impaired.size < WHOLE_AT_LEAST) continue
    const last = spans.at(-1)
    if (last?.to === from) last.to = to
    else spans.push({ from, to })
  }
  return spans
}

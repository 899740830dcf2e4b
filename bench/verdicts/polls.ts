import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { DAY_MS, type Instant } from '../../src/domain/probe.ts'

/** What the public dashboard said at one poll, in today's shape. */
export type Poll = Readonly<{
  at: Instant
  /** The body as it is on the wire: UTF-16, big-endian, with its mark; empty where the recorded one was. */
  body: Uint8Array
  arns: readonly string[]
  /** What happened since the poll before. */
  news: readonly ('empty' | 'edited' | 're-dated' | 'future' | 'withdrawn' | 'returned')[]
}>

/** An element of the old dashboard's `data.json`. */
type Old = Readonly<{ service: string; service_name: string; summary: string; date: string; status: string; description: string }>

type Known = {
  arn: string
  date: string
  body: string
  opening: string
  pieces: Map<string, number>
  seenAt: Instant
  here: boolean
  over: boolean
}

/** It is one and the same event if it comes back within so long. */
const SAME_WITHIN_MS = 7 * DAY_MS
const SECONDS = 1_000

/**
 * The recorded polls as today's dashboard would have put them. The old one had no ARN: an entry is the one that was there
 * before if its date or its first words are the same, so that an edit, a new date and a return keep their identity, as today.
 */
export function readPolls(file: string): readonly Poll[] {
  const lines = gunzipSync(readFileSync(file))
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const known: Known[] = []
  return lines.map((line) => {
    const { time, current } = JSON.parse(line) as { time: string; current: readonly Old[] | null }
    const at = Date.parse(time)
    if (current === null) return { at, body: new Uint8Array(), arns: [], news: ['empty'] }
    const news = new Set<Poll['news'][number]>()
    const elements = current.map((old) => elementOf(old, at, known, news))
    const arns = elements.map((element) => element.arn)
    for (const one of known) {
      const here = arns.includes(one.arn)
      if (one.here && !here && !one.over) news.add('withdrawn')
      if (!one.here && here && one.seenAt < at && one.pieces.size > 0 && one.seenAt > 0) news.add('returned')
      one.here = here
      if (here) one.seenAt = at
    }
    return { at, body: utf16(JSON.stringify(elements)), arns, news: [...news] }
  })
}

function elementOf(old: Old, at: Instant, known: Known[], news: Set<Poll['news'][number]>) {
  const pieces = old.description
    .split('<div>')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
  const opening = words(pieces[0] ?? '')
  const slug = /^(.+?)-((?:us-gov|us|eu|ap|sa|ca|me|af)-[a-z]+-\d)$/.exec(old.service)
  const [service, region] = [slug?.[1] ?? old.service, slug?.[2] ?? 'global']
  const code = service === 'multipleservices' ? 'MULTIPLE_SERVICES' : service.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
  let is = known.find(
    (one) =>
      one.arn.includes(`:${region}::event/${code}/`) &&
      at - one.seenAt <= SAME_WITHIN_MS &&
      (one.date === old.date || one.opening === opening),
  )
  if (is === undefined) {
    const type = `AWS_${code}_OPERATIONAL_ISSUE`
    const arn = `arn:aws:health:${region}::event/${code}/${type}/${type}_${known.length.toString(16).padStart(5, '0')}`
    is = { arn, date: old.date, body: old.description, opening, pieces: new Map(), seenAt: at, here: true, over: false }
    known.push(is)
  }
  if (is.date !== old.date) news.add('re-dated')
  if (is.body !== old.description) news.add('edited')
  if (Number(old.date) * SECONDS > at) news.add('future')
  Object.assign(is, { date: old.date, body: old.description, opening, over: old.status === '0' })
  const stamps = is.pieces
  const event_log = pieces.map((piece) => {
    const key = words(piece)
    const timestamp = stamps.get(key) ?? Math.floor(at / SECONDS)
    stamps.set(key, timestamp)
    return { summary: old.summary, message: piece, status: Number(old.status), timestamp }
  })
  const { summary, date, status, service_name } = old
  return {
    date,
    arn: is.arn,
    region_name: region === 'global' ? null : region,
    status,
    service: old.service,
    service_name,
    summary,
    event_log,
  }
}

/** The first words of an update, without its time. */
function words(piece: string): string {
  return piece
    .replace(/<[^>]*>/g, ' ')
    .replace(/&nbsp;|\s+/g, ' ')
    .replace(/^\D{0,12}[\d, ]*\d?\d:\d\d [AP]M P[DS]T/, '')
    .trim()
    .slice(0, 60)
}

function utf16(text: string): Uint8Array {
  const body = Buffer.from(`\ufeff${text}`, 'utf16le')
  return new Uint8Array(body.swap16())
}

import { visible } from '../domain/visible.ts'
import type { Redaction } from './redaction.ts'

export type Level = 'error' | 'warn' | 'info' | 'debug'

/** Plain JSON, bounded, without secrets: `time`, `level`, `message`, then the fields. */
export type LogRecord = Readonly<Record<string, unknown>> & Readonly<{ time: string; level: Level; message: string }>

const MAX_MESSAGE = 1_000
const MAX_TEXT = 4_000
const MAX_KEY = 100
const MAX_ITEMS = 50
const MAX_DEPTH = 6
/** Values of a record, at all depths. */
const MAX_VALUES = 500
const MAX_LINE = 32_768
const CUT = '…[cut]'
/**
 * Of an error only what is named here: the AWS SDK and mail libraries hang whole requests and answers on theirs, and what an
 * Account answer says of a person must not get into a log.
 */
const ERROR_FIELDS = [
  'code',
  'errno',
  'errcode',
  'syscall',
  'hostname',
  'address',
  'port',
  'command',
  'responseCode',
  'fatal',
] as const

export type LogEntry = Readonly<{ at: number; level: Level; message: string; fields: Record<string, unknown> | undefined }>

/** What would be written: everything is read now, so that what changes later does not change the line. Never throws. */
export function logRecord({ at, level, message, fields }: LogEntry, redaction: Redaction): LogRecord {
  const head = { time: new Date(at).toISOString(), level, message: text(String(message), MAX_MESSAGE, redaction) }
  if (fields === undefined) return head
  const reader = { redaction, left: MAX_VALUES, path: new Set<object>() }
  const rest = plain(fields, reader, 0)
  if (typeof rest !== 'object' || rest === null) return { ...head, fields: rest }
  const named = Object.entries(rest).map(([key, value]) => [key in head ? `${key}_` : key, value])
  const record: LogRecord = { ...head, ...Object.fromEntries(named) }
  const line = JSON.stringify(record)
  return line.length <= MAX_LINE ? record : { ...head, cut: line.slice(0, MAX_TEXT) }
}

/** One line without its end: what splits lines or moves cursors in any reader is escaped. */
export function jsonLine(record: LogRecord): string {
  return visible(JSON.stringify(record))
}

/** Whether it is text that `jsonLine` made. */
export function isOwnLine(text: string): boolean {
  return text.startsWith('{"time":"')
}

/** For people: `12:00:00.123Z WARN  message  key=value`. One line too. */
export function prettyLine(
  record: LogRecord,
  colour: (level: Level, text: string) => string = (_, plainText) => plainText,
): string {
  const { time, level, message, ...fields } = record
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? quoted(value) : brief(value)}`)
  return [time.slice(11, 24), colour(level, level.toUpperCase().padEnd(5)), visible(message), ...rest.map(visible)].join(' ')
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}

/** An error as its names and messages, down the causes; anything else as JSON. */
function brief(value: unknown): string {
  const chain: string[] = []
  for (let error = value; isErrorRecord(error); error = error.cause) chain.push(`${error.name}: ${error.message}`)
  return chain.length > 0 ? JSON.stringify(chain.join(' ← ')) : JSON.stringify(value)
}

function isErrorRecord(value: unknown): value is { name: string; message: string; cause?: unknown } {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value && 'stack' in value
}

type Reader = { redaction: Redaction; left: number; path: Set<object> }

function text(value: string, limit: number, { clean, longest }: Redaction): string {
  // A cut through a secret would leave its beginning: as much as the longest could be is cut off before the end is shown.
  const whole = value.length <= 2 * limit + longest
  const cleaned = whole ? clean(value) : clean(value.slice(0, 2 * limit + longest)).slice(0, -longest || undefined)
  return whole && cleaned.length <= limit ? cleaned : `${cleaned.slice(0, limit)}${CUT}`
}

function plain(value: unknown, reader: Reader, depth: number): unknown {
  if (reader.left-- <= 0) return CUT
  switch (typeof value) {
    case 'string':
      return text(value, MAX_TEXT, reader.redaction)
    case 'number':
      // A number may be somebody's secret as well, such as a PIN.
      return Number.isFinite(value) && reader.redaction.clean(String(value)) === String(value)
        ? value
        : text(String(value), MAX_TEXT, reader.redaction)
    case 'bigint':
      return text(String(value), MAX_TEXT, reader.redaction)
    case 'boolean':
    case 'undefined':
      return value
    case 'symbol':
    case 'function':
      return `[${typeof value}]`
    case 'object':
      return value === null ? null : composed(value, reader, depth)
  }
}

function composed(value: object, reader: Reader, depth: number): unknown {
  if (reader.path.has(value)) return '[circular]'
  if (depth >= MAX_DEPTH) return CUT
  reader.path.add(value)
  try {
    if (value instanceof Error) return errorOf(value, reader, depth)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : value.toISOString()
    if (value instanceof URL) return text(value.href, MAX_TEXT, reader.redaction)
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
    if (value instanceof Map) return objectOf([...value.entries().take(MAX_ITEMS + 1)], reader, depth)
    if (value instanceof Set) return listOf([...value.values().take(MAX_ITEMS + 1)], reader, depth)
    if (Array.isArray(value)) return listOf(value, reader, depth)
    return objectOf(entriesOf(value), reader, depth)
  } catch {
    return '[unreadable]' // A getter or a proxy that throws.
  } finally {
    reader.path.delete(value)
  }
}

function errorOf(error: Error, reader: Reader, depth: number): unknown {
  const fields = ERROR_FIELDS.flatMap((key): [string, unknown][] => {
    const value: unknown = Reflect.get(error, key)
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[key, value]] : []
  })
  const entries: [string, unknown][] = [['name', error.name], ['message', error.message], ...fields, ['stack', error.stack ?? '']]
  if (error.cause !== undefined) entries.push(['cause', error.cause])
  if (error instanceof AggregateError) entries.push(['errors', error.errors])
  return objectOf(entries, reader, depth)
}

function listOf(items: readonly unknown[], reader: Reader, depth: number): unknown[] {
  const list = items.slice(0, MAX_ITEMS).map((item) => plain(item, reader, depth + 1))
  return items.length > MAX_ITEMS ? [...list, CUT] : list
}

function entriesOf(value: object): [string, unknown][] {
  const entries: [string, unknown][] = []
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    entries.push([key, Reflect.get(value, key)])
    if (entries.length > MAX_ITEMS) break
  }
  return entries
}

function objectOf(entries: readonly (readonly [unknown, unknown])[], reader: Reader, depth: number): Record<string, unknown> {
  const bounded = entries
    .slice(0, MAX_ITEMS)
    .map(([key, value]) => [text(String(key), MAX_KEY, reader.redaction), plain(value, reader, depth + 1)] as const)
  return Object.fromEntries(entries.length > MAX_ITEMS ? [...bounded, ['…', CUT]] : bounded)
}

import * as z from 'zod'
import { DURATION, durationText, parseDuration } from './duration.ts'
import { nearest } from './nearest.ts'

/*
 * The kinds of value that a configuration has. A message says what is expected and never what was found: schema-faults.ts adds
 * that from the file, as it is written there.
 */

export const MAX_NAME = 64
export const MAX_PATH = 1000
const MAX_LINE = 300
const MAX_URL = 2000

/** Messages that schema-faults.ts completes with what the file has. */
export const QUOTE_ACCOUNT = 'quote the account'
export const NEEDS_UNIT = 'needs a unit'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/**
 * A mapping with these keys only. The message for an unknown key is the list of known ones, for the search for the nearest.
 *
 * @param otherwise what may have been meant by something that is no mapping
 */
export function strict<S extends z.ZodRawShape>(shape: S, otherwise = '') {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? Object.keys(shape).join(' ')
        : `expected a mapping with ${keysText(Object.keys(shape))}${otherwise}`,
  })
}

function keysText(keys: readonly string[]): string {
  const shown = keys.slice(0, 5).map((key) => `\`${key}\``)
  return keys.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ')
}

/** One line of text that matches the pattern. */
export function line(what: string, options: { max?: number; pattern?: RegExp } = {}) {
  const { max = MAX_LINE, pattern = /^\P{Cc}+$/u } = options
  const expected = `expected ${what}`
  const oneLine = `${expected}, on one line and without control characters`
  return z
    .string(expected)
    .max(max, `${expected}, of at most ${max} characters`)
    .regex(pattern, { error: ({ input }) => (/\p{Cc}/u.test(String(input)) ? oneLine : expected) })
}

/** A whole number. It may be text, since the value of a `${…}` always is. */
export function whole(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`
  const number = z.int(expected).min(min, expected).max(max, expected)
  return z.preprocess((value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value), number)
}

/** `true` or `false`, which may be text like a whole number. */
export function flag() {
  return z.preprocess(
    (value) => (value === 'true' ? true : value === 'false' ? false : value),
    z.boolean('expected `true` or `false`'),
  )
}

/** A duration such as `30s`, in milliseconds. With `never`, `0s` is valid even if `min` is more. */
export function duration(min: number, max: number, options: { never?: boolean } = {}) {
  const range = `expected a duration from ${durationText(min)} to ${durationText(max)}${options.never ? ', or `0s` for never' : ''}`
  const form = 'expected a duration such as `250ms`, `30s`, `1h30m` or `2d`'
  return z
    .string({ error: (issue) => (typeof issue.input === 'number' ? NEEDS_UNIT : form) })
    .regex(DURATION, { error: (issue) => (/^\d+$/.test(String(issue.input)) ? NEEDS_UNIT : form) })
    .transform((text, context) => {
      const ms = parseDuration(text) ?? Number.NaN
      if ((ms >= min && ms <= max) || (options.never && ms === 0)) return ms
      context.addIssue({ code: 'custom', message: range })
      return z.NEVER
    })
}

const SIZE = /^(\d{1,6}) ?([KkMmGg])(?:i?[Bb])?$/

/** A size such as `10MB`, in bytes; 1 KB is 1024 bytes. */
export function size(min: number, max: number) {
  const expected = 'expected a size such as `512KB`, `10MB` or `1GB`'
  return z
    .string(expected)
    .regex(SIZE, expected)
    .transform((text, context) => {
      const [, count = '0', unit = 'k'] = SIZE.exec(text) ?? []
      const bytes = Number(count) * 1024 ** ('kmg'.indexOf(unit.toLowerCase()) + 1)
      if (bytes >= min && bytes <= max) return bytes
      context.addIssue({ code: 'custom', message: `${expected}, from ${min / 1024}KB to ${max / 1024 ** 3}GB` })
      return z.NEVER
    })
}

export function oneOf<const V extends readonly [string, ...string[]]>(values: V) {
  return z.enum(values, {
    error: (issue) => {
      const meant = typeof issue.input === 'string' ? nearest(issue.input, values) : null
      const list = values.map((value) => `\`${value}\``).join(', ')
      return `expected one of ${list}${meant === null ? '' : `; did you mean \`${meant}\`?`}`
    },
  })
}

export function list<S extends z.ZodType>(items: S, what: string, min: number, max: number) {
  const expected = `expected a list of ${what}`
  return z.array(items, expected).min(min, `${expected}, at least one`).max(max, `${expected}, at most ${max}`)
}

export function url(what: string, isValid: (text: string) => boolean) {
  return line(what, { max: MAX_URL }).refine((text) => text === '' || isValid(text), `expected ${what}`)
}

export const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]*[\p{L}\p{N}._-])?$/u
export const NAME_TEXT = 'a name of letters, digits, spaces and `.`, `_`, `-`'
export const REGION = /^(?!.*-iso)[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}$/
export const REGION_TEXT = 'a region such as `us-east-1`'
export const HOST = /^(?:[A-Za-z0-9](?:[\w.-]{0,252}[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]{2,45}\]?)$/

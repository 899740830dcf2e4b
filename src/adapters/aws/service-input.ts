import { NormalizedSchema } from '@smithy/core/schema'
import { nearest } from '../../config/nearest.ts'

/** A schema of the SDK: it comes with the client, and what it looks like is the business of @smithy/core. */
export type Schema = Parameters<typeof NormalizedSchema.of>[0]

/** Parameters as the client takes them; or which of them is wrong, and why. */
export type Fitted = Readonly<{ input: Readonly<Record<string, unknown>> }> | Readonly<{ why: string }>

/** More names than these are not listed. */
const MAX_NAMES = 12
/** As deep as the configuration allows. */
const MAX_DEPTH = 10

class Misfit extends Error {}

/**
 * Fits parameters as YAML has them to what an operation takes: dates and binary values are text there. The SDK itself does not
 * look: it drops what it does not know, and so asks about everything where one thing was meant
 * (findings/sdk-drops-parameters.sh).
 */
export function fitted(given: Readonly<Record<string, unknown>>, schema: Schema): Fitted {
  try {
    const takes = NormalizedSchema.of(schema)
    return { input: takes.isStructSchema() ? structOf(given, takes, []) : given }
  } catch (error) {
    if (error instanceof Misfit) return { why: error.message }
    throw error
  }
}

/** Why an answer never has this member; `null`: it may. */
export function whyNeverThere(member: string, schema: Schema): string | null {
  const gives = NormalizedSchema.of(schema)
  if (!gives.isStructSchema()) return null
  const names = Object.keys(gives.getMemberSchemas())
  return names.includes(member) ? null : `its answer has no member \`${member}\`${meantOf(member, names)}`
}

type Path = readonly (string | number)[]

function misfit(path: Path, why: string): never {
  throw new Misfit(`\`${path.join('.')}\`: ${why}`)
}

function fitOf(value: unknown, schema: NormalizedSchema, path: Path): unknown {
  if (path.length > MAX_DEPTH || schema.isDocumentSchema()) return value
  if (schema.isStructSchema()) return isMapping(value) ? structOf(value, schema, path) : misfit(path, 'expected a mapping')
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) return misfit(path, 'expected a list, such as `[a, b]`')
    const inner = schema.getValueSchema()
    return value.map((one, index) => fitOf(one, inner, [...path, index]))
  }
  if (schema.isMapSchema()) {
    if (!isMapping(value)) return misfit(path, 'expected a mapping')
    const inner = schema.getValueSchema()
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fitOf(one, inner, [...path, key])]))
  }
  return simpleOf(value, schema, path)
}

function structOf(given: Readonly<Record<string, unknown>>, schema: NormalizedSchema, path: Path): Record<string, unknown> {
  const members = schema.getMemberSchemas()
  const names = Object.keys(members)
  const fit: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    const member = Object.hasOwn(members, name) ? members[name] : undefined
    if (member === undefined) return misfit([...path, name], `there is no such parameter${meantOf(name, names)}`)
    fit[name] = fitOf(value, member, [...path, name])
  }
  const missing = requiredOf(schema).find((name) => !Object.hasOwn(fit, name) && members[name]?.isIdempotencyToken() !== true)
  if (missing !== undefined) return misfit([...path, missing], 'this parameter is required')
  return fit
}

/** The members of a structure that must be there come first in its static schema, followed by how many they are. */
function requiredOf(schema: NormalizedSchema): readonly string[] {
  const form: unknown = schema.getSchema()
  if (!Array.isArray(form)) return []
  const [names, count]: unknown[] = [form[4], form[6]]
  return Array.isArray(names) && typeof count === 'number' ? names.slice(0, count).map(String) : []
}

/** What is no structure, list or mapping. */
function simpleOf(value: unknown, schema: NormalizedSchema, path: Path): unknown {
  if (schema.isStreaming()) return misfit(path, 'a stream cannot be given')
  if (schema.isTimestampSchema()) return dateOf(value) ?? misfit(path, 'expected a date such as `2026-01-31T12:00:00Z`')
  if (schema.isBlobSchema()) return bytesOf(value) ?? misfit(path, 'expected binary content in Base64')
  if (schema.isStringSchema()) {
    if (typeof value !== 'string')
      return misfit(path, /^(?:number|boolean)$/.test(typeof value) ? 'expected text: put it in quotes' : 'expected text')
    const isInPath = schema.getMergedTraits().httpLabel !== undefined
    return isInPath && value === '' ? misfit(path, 'expected text that is not empty') : value
  }
  if (schema.isBooleanSchema()) return typeof value === 'boolean' ? value : misfit(path, 'expected `true` or `false`')
  if (schema.isNumericSchema() || schema.isBigIntegerSchema() || schema.isBigDecimalSchema())
    return typeof value === 'number' ? value : misfit(path, 'expected a number, without quotes')
  return value
}

/** YAML has no dates: one without quotes is text as well. A number is seconds since 1970. */
function dateOf(value: unknown): Date | null {
  const text = typeof value === 'string' && /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(value)
  const date = new Date(typeof value === 'number' ? value * 1_000 : text ? value : Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date
}

function bytesOf(value: unknown): Uint8Array | null {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4 !== 0) return null
  return new Uint8Array(Buffer.from(value, 'base64'))
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function meantOf(name: string, names: readonly string[]): string {
  const meant = nearest(name, names)
  if (meant !== null) return `; did you mean \`${meant}\`?`
  if (names.length === 0) return ': there are none'
  const shown = names.slice(0, MAX_NAMES).map((one) => `\`${one}\``)
  return `; expected ${names.length > MAX_NAMES ? `one of ${names.length}, such as ` : ''}${shown.join(', ')}`
}

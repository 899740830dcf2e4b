/*
 * Whatever is thrown at us is foreign. The AWS SDK copies the fields of an answer onto its errors, so that a `message` can be
 * a number or a list and a `code` an object; anything can be thrown in JavaScript; and a proxy answers as it likes.
 */

/** Longest text that is taken from an error. Whoever shows it cuts it shorter. */
const MAX_THROWN_CHARS = 20_000
/** Most errors of an AggregateError that are looked at. */
const MAX_ERRORS = 20

/** The fields of an error, each of the type that it should have: what is of another type counts as missing. */
export type Thrown = Readonly<{
  /** Whether it is an Error at all. */
  isError: boolean
  /** `''` where there is none. */
  name: string
  message: string
  code: string
  cause: unknown
  /** Those of an AggregateError; empty for any other. */
  errors: readonly unknown[]
}>

/** Reads what was thrown. Never throws, whatever it is. */
export function readThrown(thrown: unknown): Thrown {
  const isError = whether(() => thrown instanceof Error)
  const errors = isError && whether(() => thrown instanceof AggregateError) ? fieldOf(thrown, 'errors') : null
  return {
    isError,
    name: isError ? textIn(thrown, 'name') : '',
    message: isError ? textIn(thrown, 'message') : '',
    code: isError ? textIn(thrown, 'code') : '',
    cause: fieldOf(thrown, 'cause'),
    errors: whether(() => Array.isArray(errors)) ? whole(errors as readonly unknown[]) : [],
  }
}

/** A property of anything at all; `undefined` where it has none, or does not let it be read. */
export function fieldOf(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return undefined
  try {
    return Reflect.get(value, key)
  } catch {
    return undefined
  }
}

/** The kind of error by name, safe to be shown: a message may quote an answer, a name of a class cannot. */
export function nameOfThrown(thrown: unknown): string {
  const { name } = readThrown(thrown)
  return /^\w{1,80}$/.test(name) ? name : 'an error without a name'
}

/** The message of an error, or what was thrown instead of one. For logs, and for errors that we made ourselves. */
export function messageOfThrown(thrown: unknown): string {
  const { isError, message, name } = readThrown(thrown)
  if (isError) return message || name || 'an error without a message'
  if (typeof thrown === 'string') return thrown.slice(0, MAX_THROWN_CHARS)
  if (thrown === null || typeof thrown !== 'object') return typeof thrown === 'symbol' ? 'a symbol' : `${thrown}`.slice(0, 200)
  return 'something that is no error'
}

function textIn(value: unknown, key: string): string {
  const text = fieldOf(value, key)
  return typeof text === 'string' ? text.slice(0, MAX_THROWN_CHARS) : ''
}

function whole(errors: readonly unknown[]): readonly unknown[] {
  try {
    return errors.slice(0, MAX_ERRORS)
  } catch {
    return []
  }
}

function whether(test: () => boolean): boolean {
  try {
    return test()
  } catch {
    return false
  }
}

import type { Try } from './probe.ts'

/** What a try, or many tries alike, ended with. */
export type Ended = Pick<Try, 'kind' | 'error' | 'status'>

/** A status of 200 is no error: what is wrong with this answer is that it cannot be read. */
function isUnreadable({ kind, status }: Ended): boolean {
  return kind === 'internal' && status !== null && status >= 200 && status < 300
}

/** The error's own name; `null` if it has none beside the status. */
function nameOf({ kind, error, status }: Ended): string | null {
  // Where the answer names no error, `failure.ts` names it after its status, which is shown already.
  if (status !== null && error === `HTTP ${status}`) return null
  return error ?? kind ?? 'an error'
}

/** `InternalServerException (HTTP 500)`, `HTTP 500`, `an unreadable response (HTTP 200)`, `ECONNRESET` */
export function errorName(ended: Ended): string {
  const name = isUnreadable(ended) ? 'an unreadable response' : nameOf(ended)
  if (ended.status === null) return name ?? 'an error'
  return name === null ? `HTTP ${ended.status}` : `${name} (HTTP ${ended.status})`
}

/** The same between brackets or in a list: `InternalServerException, HTTP 500`, `unreadable, HTTP 200`, `ECONNRESET` */
export function errorAside(ended: Ended): string {
  const name = isUnreadable(ended) ? 'unreadable' : nameOf(ended)
  if (ended.status === null) return name ?? 'an error'
  return name === null ? `HTTP ${ended.status}` : `${name}, HTTP ${ended.status}`
}

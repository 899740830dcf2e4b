import type { IncomingHttpHeaders } from 'node:http'
import { visible } from '../domain/visible.ts'

/** What a route is given of a request. */
export type Asked = Readonly<{
  /** A part of the path by its name; it is decoded. */
  param: (name: string) => string
  /** The first value by this name. */
  query: (name: string) => string | null
  headers: IncomingHttpHeaders
  /** The address at the other end of the connection. */
  from: string | undefined
  /** The fields of a form; how long it may be has been checked. */
  form: () => Promise<URLSearchParams>
}>

export type Reply = Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: string }>

export type Route = (asked: Asked) => Promise<Reply>

export function html(page: string, status = 200, headers: Reply['headers'] = {}): Reply {
  return { status, headers: { 'Content-Type': 'text/html; charset=UTF-8', ...headers }, body: page }
}

/** JSON that a terminal can safely show. */
export function json(value: unknown, status = 200): Reply {
  return { status, headers: { 'Content-Type': 'application/json' }, body: visible(JSON.stringify(value)) }
}

/** To be asked for by GET. The address may be relative. */
export function seeOther(location: string): Reply {
  return { status: 303, headers: { Location: location }, body: '' }
}

import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Instant } from '../domain/probe.ts'
import { openAnswerKey } from './answer-key.ts'
import { isOwnHost, type Listen } from './host.ts'
import { shows } from './token.ts'

const METHODS: readonly (string | undefined)[] = ['GET', 'HEAD']
/** The only address to which anything can be sent, and the page that leads there. */
const ANSWER = /^\/incidents\/([0-9a-f]{16})\/answer$/
const INCIDENT = /^\/incidents\/([0-9a-f]{16})$/
const MAX_FORM_BYTES = 2_048
const FORM = /^application\/x-www-form-urlencoded(?:\s*;|$)/i

const MAX_PORT = 65_535

const FOR_PROGRAMS = /^\/(?:healthz|metrics|api)(?:\/|$)/

/** Why a request is not answered. */
export type Refusal = Readonly<{ status: number; why: string; header?: readonly [string, string] }>

const BAD_PATH: Refusal = { status: 400, why: 'the request has no valid path' }

const UNAUTHENTICATED: Refusal = {
  status: 401,
  why: 'authentication required: send web.token as `Authorization: Bearer TOKEN`, or open this address with ?token=TOKEN once',
  header: ['WWW-Authenticate', 'Bearer realm="Alibi"'],
}

/** A request is let through or refused, or its token is exchanged for a cookie first. */
export type Admission =
  | Readonly<{ kind: 'admitted' }>
  | Readonly<{ kind: 'refused'; refusal: Refusal }>
  | Readonly<{
      kind: 'welcome'
      cookie: string
      url: URL /** The path under which the page was asked for; mostly nothing. */
      under: string
    }>

/** Where the server really listens, whether it takes answers, and what time it is. */
export type Situation = Readonly<{ listen: Listen; bound: AddressInfo | null; takesAnswers: boolean; now: Instant }>

export function admit(request: IncomingMessage, { listen, bound, takesAnswers, now }: Situation): Admission {
  const isAnswer = takesAnswers && request.method === 'POST' && ANSWER.test(pathOf(request))
  const refusal = refusalOf(request, { listen, bound, isAnswer })
  if (refusal !== null) return { kind: 'refused', refusal }
  if (listen.token == null) return { kind: 'admitted' }
  const url = URL.parse(request.url ?? '/', 'http://alibi.invalid')
  if (url === null) return { kind: 'refused', refusal: BAD_PATH }
  // What it may do is in the key that it brings.
  if (isAnswer || (takesAnswers && opensIncident(url, listen.token, now))) return { kind: 'admitted' }
  const { authorization, cookie } = request.headers
  const shown = shows(listen.token, { authorization, cookie, query: url.searchParams.get('token') })
  if (!shown.ok) return { kind: 'refused', refusal: UNAUTHENTICATED }
  // A program that sends its token in the query wants the answer itself, with its status.
  if (shown.cookie === null || FOR_PROGRAMS.test(url.pathname)) return { kind: 'admitted' }
  return { kind: 'welcome', cookie: shown.cookie, url, under: subPath(request, listen) }
}

/** Of a proxy that serves the page under a path, and takes that away: the browser has to go there again. */
function subPath({ headers }: IncomingMessage, { url = null }: Listen): string {
  const outside = url === null ? null : URL.parse(url)
  return outside === null || outside.host !== headers.host ? '' : outside.pathname === '/' ? '' : outside.pathname
}

function pathOf({ url }: IncomingMessage): string {
  return (url ?? '').split('?', 1)[0] ?? ''
}

function portOf(host: string): number {
  return Number(/:(\d+)$/.exec(host)?.[1] ?? 0)
}

/** A link from an email shows its incident, and nothing else, without the token. */
function opensIncident({ pathname, searchParams }: URL, token: string, now: Instant): boolean {
  const incident = INCIDENT.exec(pathname)?.[1]
  const key = searchParams.get('answer')
  return incident !== undefined && key !== null && openAnswerKey(token, incident, key, now).ok
}

/** Looks at everything but the token. The host comes first: a stranger's page learns nothing beyond that. */
function refusalOf(
  request: IncomingMessage,
  { listen, bound, isAnswer }: Readonly<{ listen: Listen; bound: AddressInfo | null; isAnswer: boolean }>,
): Refusal | null {
  const { headers, headersDistinct, method, url } = request
  const hosts = headersDistinct['host'] ?? []
  const port = bound?.port ?? listen.port
  // The address that was reached counts too: an address, unlike a name, cannot be made to point elsewhere.
  const reached = request.socket.localAddress ?? listen.host
  const isOwn = [listen.host, bound?.address ?? listen.host, reached].some((host) =>
    isOwnHost(hosts[0], { ...listen, host, port }),
  )
  if (hosts.length !== 1 || !isOwn)
    return { status: 403, why: 'unknown Host: names under which this server is reached belong into web.hosts' }
  if (isAnswer) return answerRefusal(request)
  if (!METHODS.includes(method))
    return { status: 405, why: 'only GET and HEAD are allowed', header: ['Allow', METHODS.join(', ')] }
  if (!url?.startsWith('/') || pathOf(request).includes('\\') || portOf(hosts[0] ?? '') > MAX_PORT) return BAD_PATH
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    return { status: 413, why: 'requests must not have a body' }
  }
  return null
}

/** A small form, sent by a page of ours: whatever another site makes a browser send is refused. */
function answerRefusal({ headers }: IncomingMessage): Refusal | null {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  // Our pages send no referrer, so that their forms come with `Origin: null`; browsers that say which site it was say that, too.
  const isOwn =
    site === undefined ? origin === undefined || origin === 'null' || URL.parse(origin)?.host === host : site === 'same-origin'
  if (!isOwn) return { status: 403, why: 'this form has to be sent from the page of Alibi' }
  if (!FORM.test(headers['content-type'] ?? '')) return { status: 415, why: 'expected a form' }
  const length = headers['content-length'] ?? ''
  if (headers['transfer-encoding'] !== undefined || !/^\d{1,4}$/.test(length) || Number(length) > MAX_FORM_BYTES)
    return { status: 413, why: `the form must say its length, at most ${MAX_FORM_BYTES} bytes` }
  return null
}

import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isOwnHost, type Listen } from './host.ts'
import { shows } from './token.ts'

const METHODS: readonly (string | undefined)[] = ['GET', 'HEAD']
const FOR_PROGRAMS = /^\/(?:healthz|metrics|api)(?:\/|$)/

/** Why a request is not answered. */
export type Refusal = Readonly<{ status: number; why: string; header?: readonly [string, string] }>

export const BAD_PATH: Refusal = { status: 400, why: 'the request has no valid path' }

const UNAUTHENTICATED: Refusal = {
  status: 401,
  why: 'authentication required: send web.token as `Authorization: Bearer TOKEN`, or open this address with ?token=TOKEN once',
  header: ['WWW-Authenticate', 'Bearer realm="Alibi"'],
}

/** A request is let through or refused, or its token is exchanged for a cookie first. */
export type Admission =
  | Readonly<{ kind: 'admitted' }>
  | Readonly<{ kind: 'refused'; refusal: Refusal }>
  | Readonly<{ kind: 'welcome'; cookie: string; url: URL }>

/** @param bound where the server really listens: its port may have been left to the system */
export function admit(request: IncomingMessage, listen: Listen, bound: AddressInfo | null): Admission {
  const refusal = refusalOf(request, listen, bound)
  if (refusal !== null) return { kind: 'refused', refusal }
  if (listen.token == null) return { kind: 'admitted' }
  const url = URL.parse(request.url ?? '/', 'http://alibi.invalid')
  if (url === null) return { kind: 'refused', refusal: BAD_PATH }
  const { authorization, cookie } = request.headers
  const shown = shows(listen.token, { authorization, cookie, query: url.searchParams.get('token') })
  if (!shown.ok) return { kind: 'refused', refusal: UNAUTHENTICATED }
  // A program that sends its token in the query wants the answer itself, with its status.
  if (shown.cookie === null || FOR_PROGRAMS.test(url.pathname)) return { kind: 'admitted' }
  return { kind: 'welcome', cookie: shown.cookie, url }
}

/** Looks at everything but the token. The host comes first: a stranger's page learns nothing beyond that. */
function refusalOf(request: IncomingMessage, listen: Listen, bound: AddressInfo | null): Refusal | null {
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
  if (!METHODS.includes(method))
    return { status: 405, why: 'only GET and HEAD are allowed', header: ['Allow', METHODS.join(', ')] }
  if (!url?.startsWith('/')) return BAD_PATH
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    return { status: 413, why: 'requests must not have a body' }
  }
  return null
}

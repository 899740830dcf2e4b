import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, RequestError } from '@hono/node-server'
import { isLoopback } from '../config/endpoints.ts'
import { type WebDeps, webApp } from './api.ts'
import { Connections } from './connections.ts'
import { isOwnHost, type Listen } from './host.ts'
import { SCRIPT_HASH } from './script.ts'
import { STYLE_HASH } from './style.ts'
import { shows } from './token.ts'

export type { Health, View } from './view.ts'

const RETRY_MS = 60_000
const MAX_HEADER_BYTES = 16 * 1024
/** A request's head, all of it, has this long; so does a socket on which nothing moves. */
const HEAD_WITHIN_MS = 10_000
const IDLE_MS = 30_000
const KEEP_ALIVE_MS = 5_000
const FOR_PROGRAMS = /^\/(?:healthz|metrics|api)(?:\/|$)/
const METHODS: readonly (string | undefined)[] = ['GET', 'HEAD']

/** One script runs, ours, and fetches from here; nothing else is fetched but the page's own icon; nobody frames it; nothing is kept. */
const HEADERS: readonly (readonly [string, string])[] = [
  [
    'Content-Security-Policy',
    `default-src 'none'; style-src ${STYLE_HASH}; script-src ${SCRIPT_HASH}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  ],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cache-Control', 'no-store'],
]

export type Web = Readonly<{
  /** Where it listens, or `null` while its port is taken. */
  address(): Readonly<{ host: string; port: number }> | null
  /** Ends at once: connections that are kept alive too. */
  close(): Promise<void>
}>

/**
 * Starts the status page, `/healthz` and `/api`. Resolves after the first attempt to listen, whatever came of it: a port
 * that is taken is said once and tried again each minute, for the watch goes on without a page.
 *
 * @throws {Error} for an address that is not loopback without a token: a configuration that loads has none such
 */
export async function startWeb(deps: WebDeps & Readonly<{ listen: Listen }>): Promise<Web> {
  const { listen, log, clock } = deps
  if (listen.token == null && !isLoopback(listen.host)) throw new Error('beyond loopback the page needs web.token')
  const closing = new AbortController()
  let server: Server | null = null

  const answer = getRequestListener(webApp(deps).fetch, {
    overrideGlobalObjects: false,
    errorHandler: (cause) => {
      // No address can be made of the request: a backslash in its path, a port beyond 65535 in its Host.
      if (cause instanceof RequestError) return Response.json({ error: NO_PATH.why }, { status: NO_PATH.status })
      log.error('a request could not be answered', { cause, next: 'the next one is tried as usual' })
      return new Response(null, { status: 500 })
    },
  })
  const open = async (): Promise<string | null> => {
    const fresh = newServer((request, response) => {
      for (const [name, value] of HEADERS) response.setHeader(name, value)
      const refused = refusal(request, listen, fresh.address() as AddressInfo | null)
      if (refused !== null) return refuse(response, refused)
      if (listen.token != null) {
        const url = URL.parse(request.url ?? '/', 'http://alibi.invalid')
        if (url === null) return refuse(response, NO_PATH)
        const { authorization, cookie } = request.headers
        const shown = shows(listen.token, { authorization, cookie, query: url.searchParams.get('token') })
        if (!shown.ok) return refuse(response, UNKNOWN)
        // A program that shows the token so wants its answer, and the status that goes with it.
        if (shown.cookie !== null && !FOR_PROGRAMS.test(url.pathname)) return welcome(response, shown.cookie, url)
      }
      void answer(request, response)
    })
    const fault = await listening(fresh, listen)
    if (fault !== null) return fault
    // What may still go wrong (no file descriptor for a connection, say) must not end the daemon.
    fresh.on('error', (cause) => log.warn('the web server had a fault', { cause, next: 'it goes on' }))
    if (closing.signal.aborted) fresh.close()
    else server = fresh
    return null
  }
  const retry = async (said: string) => {
    let last = said
    while (!closing.signal.aborted) {
      await clock.sleep(RETRY_MS, closing.signal)
      if (closing.signal.aborted) return
      const fault = await open()
      if (fault === null) {
        log.info('the status page is there after all', { address: shown(listen) })
        return
      }
      if (fault !== last) log.warn(NO_PAGE, { address: shown(listen), why: fault, next: NEXT })
      last = fault
    }
  }

  const fault = await open()
  if (fault !== null) log.warn(NO_PAGE, { address: shown(listen), why: fault, next: NEXT })
  const retrying = fault === null ? Promise.resolve() : retry(fault)
  return {
    address() {
      const bound = server?.address() as AddressInfo | null | undefined
      return bound === null || bound === undefined ? null : { host: bound.address, port: bound.port }
    },
    async close() {
      closing.abort()
      await retrying
      const bound = server
      server = null
      if (bound === null) return
      await new Promise<void>((resolve) => {
        bound.close(() => resolve())
        bound.closeAllConnections()
      })
    },
  }
}

const NO_PAGE = 'the status page cannot be served'
const NEXT = 'Alibi watches without it and tries again each minute'

function newServer(answer: (request: IncomingMessage, response: ServerResponse) => void): Server {
  const connections = new Connections()
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    connections.answer(request, response, () => answer(request, response))
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEAD_WITHIN_MS,
      requestTimeout: HEAD_WITHIN_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: HEAD_WITHIN_MS / 2,
    },
    listener,
  )
  server.on('connection', (socket) => connections.admit(socket))
  server.timeout = IDLE_MS
  // Nobody is told to go on with a body: there is none that we would read.
  server.on('checkContinue', listener)
  return server
}

/** Resolves to why it cannot listen, or `null` when it does. */
function listening(server: Server, { host, port }: Listen): Promise<string | null> {
  return new Promise((resolve) => {
    const failed = (cause: NodeJS.ErrnoException) =>
      resolve(cause.code === 'EADDRINUSE' ? `another process listens on ${host}:${port}` : cause.message)
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      resolve(null)
    })
  })
}

type Refusal = Readonly<{ status: number; why: string; header?: readonly [string, string] }>

const NO_PATH: Refusal = { status: 400, why: 'the request names no path' }

const UNKNOWN: Refusal = {
  status: 401,
  why: 'this server asks for its token (web.token): as `Authorization: Bearer …`, or once in a browser as ?token=…',
  header: ['WWW-Authenticate', 'Bearer realm="Alibi"'],
}

/** What keeps a request from being answered, before anything of it is believed. */
function refusal(request: IncomingMessage, listen: Listen, bound: AddressInfo | null): Refusal | null {
  const hosts = request.headersDistinct['host'] ?? []
  const port = bound?.port ?? listen.port
  // The address that was reached counts too: an address cannot be made to point elsewhere as a name can.
  const reached = request.socket.localAddress ?? listen.host
  const own = [listen.host, bound?.address ?? listen.host, reached].some((host) => isOwnHost(hosts[0], { ...listen, host, port }))
  if (hosts.length !== 1 || !own) return { status: 403, why: 'this server is not asked for under that name (web.hosts)' }
  if (!METHODS.includes(request.method))
    return { status: 405, why: 'this server only reads', header: ['Allow', METHODS.join(', ')] }
  if (!request.url?.startsWith('/')) return NO_PATH
  const { headers } = request
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    return { status: 413, why: 'a request here has no body' }
  }
  return null
}

/** The connection ends with it: whatever else was sent on it is not read. */
function refuse(response: ServerResponse, { status, why, header }: Refusal): void {
  response.statusCode = status
  response.setHeader('Connection', 'close')
  response.setHeader('Content-Type', 'application/json')
  if (header !== undefined) response.setHeader(header[0], header[1])
  response.end(JSON.stringify({ error: why }))
}

/**
 * Gives the cookie and goes on to the same page without the token. By a page of ours, not by a redirect: a browser that
 * came by a link from elsewhere does not send a `SameSite=Strict` cookie along with that.
 */
function welcome(response: ServerResponse, cookie: string, url: URL): void {
  url.searchParams.delete('token')
  // A path of ours begins with one slash: two would name another host.
  const path = `/${`${url.pathname}${url.search}`.replace(/^\/+/, '')}`.replace(/[<>"'&]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  response.setHeader('Set-Cookie', cookie)
  response.setHeader('Content-Type', 'text/html; charset=UTF-8')
  response.end(
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${path}"><title>Alibi</title></head><body><p><a href="${path}">Go on</a></p></body></html>\n`,
  )
}

function shown({ host, port }: Listen): string {
  return host.includes(':') ? `http://[${host}]:${port}/` : `http://${host}:${port}/`
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type WebDeps, webApp } from './api.ts'
import { isOwnHost, type Listen } from './host.ts'
import { STYLE_HASH } from './style.ts'

export type { Health, View } from './view.ts'

const RETRY_MS = 60_000
const MAX_CONNECTIONS = 100
const MAX_HEADER_BYTES = 16 * 1024
/** A request's head, all of it, has this long; so does a socket on which nothing moves. */
const HEAD_WITHIN_MS = 10_000
const IDLE_MS = 30_000
const KEEP_ALIVE_MS = 5_000
const METHODS: readonly (string | undefined)[] = ['GET', 'HEAD']

/** Nothing runs, nothing is fetched but the page's own icon, nobody frames it, nothing is kept. */
const HEADERS: readonly (readonly [string, string])[] = [
  [
    'Content-Security-Policy',
    `default-src 'none'; style-src ${STYLE_HASH}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
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
 * Starts the status page, `/healthz` and `/api`. Resolves after the first attempt to listen, whatever came of it, and never
 * rejects: a port that is taken is said once and tried again each minute, for the watch goes on without a page.
 */
export async function startWeb(deps: WebDeps & Readonly<{ listen: Listen }>): Promise<Web> {
  const { listen, log, clock } = deps
  const closing = new AbortController()
  let server: Server | null = null

  const answer = getRequestListener(webApp(deps).fetch, {
    overrideGlobalObjects: false,
    errorHandler: (cause) => {
      log.error('a request could not be answered', { cause, next: 'the next one is tried as usual' })
      return new Response(null, { status: 500 })
    },
  })
  const open = async (): Promise<string | null> => {
    const fresh = newServer((request, response) => {
      for (const [name, value] of HEADERS) response.setHeader(name, value)
      const refused = refusal(request, listen, fresh.address() as AddressInfo | null)
      if (refused === null) void answer(request, response)
      else refuse(response, refused)
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

function newServer(listener: (request: IncomingMessage, response: ServerResponse) => void): Server {
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
  server.maxConnections = MAX_CONNECTIONS
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

type Refusal = Readonly<{ status: number; why: string; allow?: string }>

/** What keeps a request from being answered, before anything of it is believed. */
function refusal(request: IncomingMessage, listen: Listen, bound: AddressInfo | null): Refusal | null {
  const hosts = request.headersDistinct['host'] ?? []
  const port = bound?.port ?? listen.port
  const own = [listen.host, bound?.address ?? listen.host].some((host) => isOwnHost(hosts[0], { ...listen, host, port }))
  if (hosts.length !== 1 || !own) return { status: 403, why: 'this server is not asked for under that name (web.hosts)' }
  if (!METHODS.includes(request.method)) return { status: 405, why: 'this server only reads', allow: METHODS.join(', ') }
  if (!request.url?.startsWith('/')) return { status: 400, why: 'the request names no path' }
  const { headers } = request
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    return { status: 413, why: 'a request here has no body' }
  }
  return null
}

/** The connection ends with it: whatever else was sent on it is not read. */
function refuse(response: ServerResponse, { status, why, allow }: Refusal): void {
  response.statusCode = status
  response.setHeader('Connection', 'close')
  response.setHeader('Content-Type', 'application/json')
  if (allow !== undefined) response.setHeader('Allow', allow)
  response.end(JSON.stringify({ error: why }))
}

function shown({ host, port }: Listen): string {
  return host.includes(':') ? `http://[${host}]:${port}/` : `http://${host}:${port}/`
}

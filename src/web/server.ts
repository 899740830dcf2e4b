import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isLoopback } from '../config/endpoints.ts'
import { type WebDeps, webApp } from './app.ts'
import { Connections } from './connections.ts'
import { type Admission, admit, type Refusal } from './guard.ts'
import type { Listen } from './host.ts'
import { POLICY } from './policy.ts'

export type { Health } from './view.ts'

const RETRY_MS = 60_000
const MAX_HEADER_BYTES = 16 * 1024
/** For all of a request's head, and for a socket on which nothing moves. */
const HEAD_WITHIN_MS = 10_000
const IDLE_MS = 30_000
const KEEP_ALIVE_MS = 5_000

/** Nobody may frame the page or cache it. */
const HEADERS: readonly (readonly [string, string])[] = [
  ['Content-Security-Policy', POLICY],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cache-Control', 'no-store'],
]

export type Web = Readonly<{
  /** Where it listens; `null` while its port is taken. */
  address(): Readonly<{ host: string; port: number }> | null
  /** Ends at once, with the connections that are kept alive. */
  close(): Promise<void>
}>

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Starts the status page, `/healthz`, `/metrics` and `/api`. Resolves after the first attempt to listen, whether or not it
 * succeeded: a port that is taken is logged once and tried again every minute, since monitoring goes on without a page.
 *
 * @throws {Error} for an address beyond loopback without a token, which no configuration that loads has
 */
export async function startWeb({ listen, ...deps }: WebDeps & Readonly<{ listen: Listen }>): Promise<Web> {
  if (listen.token == null && !isLoopback(listen.host)) throw new Error('web.token is required to listen beyond loopback')
  const { log, clock } = deps
  const closing = new AbortController()
  const answer = webApp(deps)
  let server: Server | null = null

  /** Why it cannot listen, or `null` if it can. */
  const open = async (): Promise<string | null> => {
    const fresh = newServer((request, response) => {
      const bound = fresh.address() as AddressInfo | null
      const admission = admit(request, { listen, bound, takesAnswers: deps.answers !== undefined, now: clock.now() })
      serve(response, admission, () => answer(request, response))
    })
    const fault = await listening(fresh, listen)
    if (fault !== null) return fault
    // Whatever may still fail (no file descriptor for a connection, say) must not end the daemon.
    fresh.on('error', (cause) => log.warn('web server error', { cause, next: 'it goes on' }))
    if (closing.signal.aborted) fresh.close()
    else server = fresh
    return null
  }
  const complain = (why: string) =>
    log.warn('cannot serve the status page', { address: shown(listen), why, next: 'monitoring goes on; retrying every minute' })
  const retry = async (first: string) => {
    let last = first
    while (!closing.signal.aborted) {
      await clock.sleep(RETRY_MS, closing.signal)
      if (closing.signal.aborted) return
      const fault = await open()
      if (fault === null) return log.info('status page now available', { address: shown(listen) })
      if (fault !== last) complain(fault)
      last = fault
    }
  }

  const fault = await open()
  if (fault !== null) complain(fault)
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
      if (bound !== null) await closed(bound)
    },
  }
}

function serve(response: ServerResponse, admission: Admission, answer: () => void): void {
  for (const [name, value] of HEADERS) response.setHeader(name, value)
  switch (admission.kind) {
    case 'admitted':
      answer()
      break
    case 'refused':
      refuse(response, admission.refusal)
      break
    case 'welcome':
      welcome(response, admission)
      break
  }
}

function newServer(answer: Answer): Server {
  const connections = new Connections()
  const listener: Answer = (request, response) => connections.answer(request, response, () => answer(request, response))
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
  // Clients are not asked to continue with a body: we would not read it.
  server.on('checkContinue', listener)
  return server
}

/** Resolves to why it cannot listen, or `null` if it can. */
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

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Closes the connection too: whatever else was sent on it is not read. */
function refuse(response: ServerResponse, { status, why, header }: Refusal): void {
  response.statusCode = status
  response.setHeader('Connection', 'close')
  response.setHeader('Content-Type', 'application/json')
  if (header !== undefined) response.setHeader(header[0], header[1])
  response.end(JSON.stringify({ error: why }))
}

/**
 * Sets the cookie and goes on to the same page without the token: by a page of our own, since after a redirect that began with
 * a link on another site a browser does not send a `SameSite=Strict` cookie.
 */
function welcome(response: ServerResponse, { cookie, url, under }: Extract<Admission, { kind: 'welcome' }>): void {
  url.searchParams.delete('token')
  // Exactly one slash in front: two would name another host.
  const path = `${under}/${`${url.pathname}${url.search}`.replace(/^\/+/, '')}`.replace(
    /[<>"'&]/g,
    (sign) => `&#${sign.charCodeAt(0)};`,
  )
  response.setHeader('Set-Cookie', cookie)
  response.setHeader('Content-Type', 'text/html; charset=UTF-8')
  response.end(
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${path}"><title>Alibi</title></head><body><p><a href="${path}">Continue</a></p></body></html>\n`,
  )
}

function shown({ host, port }: Listen): string {
  return host.includes(':') ? `http://[${host}]:${port}/` : `http://${host}:${port}/`
}

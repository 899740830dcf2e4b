import type { IncomingMessage, ServerResponse } from 'node:http'
import router from 'find-my-way'
import type { Answer, AnswerResult } from '../domain/answer.ts'
import { withoutAddresses } from '../domain/shown.ts'
import type { Log } from '../ports/log.ts'
import type { Reader } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { answerRoutes } from './answer-route.ts'
import { apiRoutes } from './api.ts'
import { within } from './deadline.ts'
import { htmlRoutes } from './html.ts'
import { machinesJson } from './machines.ts'
import type { Metrics } from './metrics.ts'
import { type Asked, json, type Reply, type Route } from './reply.ts'
import type { Health, View } from './view.ts'

/** How long anything may take that a request waits for. */
const ANSWER_WITHIN_MS = 10_000
const MAX_REASONS = 100
/** A longer part of a path names nothing of ours. */
const MAX_PARAM = 200

const NOT_FOUND = json({ error: 'not found' }, 404)

/** Takes what a recipient answers by the link of an email. */
type Answers = Readonly<{
  /** `web.token`: keys are signed with it. */
  token: string
  take: (answer: Answer) => Promise<AnswerResult>
}>

export type WebDeps = Readonly<{
  log: Log
  reader: Reader
  health: () => Promise<Health>
  view: () => View
  clock: Clock
  /** Without it there is no `/metrics`. */
  metrics?: Metrics
  /** Without it nothing can be changed here. */
  answers?: Answers
}>

/** What the routes work with. */
export type Around = Omit<WebDeps, 'health'> &
  Readonly<{
    /** Never throws. */
    health: () => Promise<Health>
    /** @throws {LateError} when the work takes too long, and whatever it throws */
    inTime: <T>(work: Promise<T>) => Promise<T>
  }>

/** Routes by method and path. */
export type Routes = Readonly<Record<`${'GET' | 'POST'} /${string}`, Route>>

/**
 * Everything that can be asked for. Method, host, headers and token are checked before, by the server. The routes know nothing of
 * `Request` and `Response`: to touch one of them is to load undici, 14 MB for as long as the daemon runs.
 */
export function webApp(deps: WebDeps): (request: IncomingMessage, response: ServerResponse) => void {
  const around = aroundOf(deps)
  const routes: Routes = {
    ...htmlRoutes(around),
    ...apiRoutes(around),
    ...answerRoutes(around),
    ...healthRoutes(around),
    ...metricsRoutes(around),
  }
  const app = router({
    maxParamLength: MAX_PARAM,
    defaultRoute: (_, response) => send(response, NOT_FOUND),
    onBadUrl: (_path, _request, response) => send(response, NOT_FOUND),
  })
  for (const [name, route] of Object.entries(routes)) {
    const [method, path = '/'] = name.split(' ')
    app.on(method === 'GET' ? ['GET', 'HEAD'] : ['POST'], path, async (request, response, params) => {
      const reply = await route(askedOf(request, params)).catch((cause: unknown) => {
        // Whoever went away in the middle of a request is owed nothing.
        if (response.destroyed) return null
        const asked = pathOf(request).slice(0, 200)
        deps.log.error('request failed', { path: asked, cause, next: 'the next request is served as usual' })
        return json({ error: 'internal error: see the log of Alibi' }, 500)
      })
      if (reply !== null) send(response, reply)
    })
  }
  return (request, response) => app.lookup(request, response)
}

function aroundOf(deps: WebDeps): Around {
  const { log, clock } = deps
  const inTime = <T>(work: Promise<T>) => within(clock, ANSWER_WITHIN_MS, work)
  const health = async (): Promise<Health> => {
    try {
      const { ok, reasons, members } = await inTime(deps.health())
      return { ok, reasons: reasons.slice(0, MAX_REASONS).map(withoutAddresses), ...(members && { members }) }
    } catch (cause) {
      log.error('health check failed', { cause, next: 'the next request tries again' })
      return { ok: false, reasons: ['the health check itself failed: see the log of Alibi'] }
    }
  }
  return { ...deps, health, inTime }
}

function healthRoutes({ health }: Around): Routes {
  return {
    'GET /healthz': async () => {
      const { ok, reasons, members } = await health()
      return json({ ok, reasons, ...(members && machinesJson(members)) }, ok ? 200 : 503)
    },
  }
}

function metricsRoutes({ metrics, clock, reader, log, view, health, inTime }: Around): Routes {
  if (metrics === undefined) return {}
  return {
    'GET /metrics': async () => {
      const now = clock.now()
      const outbox = await inTime(reader.outbox()).catch((cause: unknown) => {
        log.error('failed to read the database for /metrics', { cause, next: 'the answer lacks the emails' })
        return null
      })
      const moment = { view: view(), outbox, health: await health(), now }
      return { status: 200, headers: { 'Content-Type': metrics.contentType }, body: await metrics.text(moment) }
    },
  }
}

function askedOf(request: IncomingMessage, params: Readonly<Record<string, string | undefined>>): Asked {
  const query = new URLSearchParams(request.url?.split('?').slice(1).join('?') ?? '')
  return {
    param: (name) => params[name] ?? '',
    query: (name) => query.get(name),
    headers: request.headers,
    from: request.socket.remoteAddress,
    form: async () => {
      let text = ''
      for await (const chunk of request.setEncoding('utf8')) text += chunk
      return new URLSearchParams(text)
    },
  }
}

function pathOf({ url }: IncomingMessage): string {
  return url?.split('?', 1)[0] ?? ''
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
}

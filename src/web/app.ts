import { Hono } from 'hono'
import type { Answer, AnswerResult } from '../domain/answer.ts'
import { withoutAddresses } from '../domain/shown.ts'
import type { Log } from '../ports/log.ts'
import type { Reader } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { addAnswers } from './answer-route.ts'
import { addApi, json } from './api.ts'
import { within } from './deadline.ts'
import { addHtml } from './html.ts'
import { machinesJson } from './machines.ts'
import type { Metrics } from './metrics.ts'
import type { Health, View } from './view.ts'

/** How long anything may take that a request waits for. */
const ANSWER_WITHIN_MS = 10_000
const MAX_REASONS = 100

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
export type Routes = Omit<WebDeps, 'health'> &
  Readonly<{
    /** Never throws. */
    health: () => Promise<Health>
    /** @throws {LateError} when the work takes too long, and whatever it throws */
    inTime: <T>(work: Promise<T>) => Promise<T>
  }>

/** Everything that can be asked for. Method, host, headers and token are checked before, by the server. */
export function webApp(deps: WebDeps): Hono {
  const { log, clock } = deps
  const app = new Hono()
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
  const routes: Routes = { ...deps, health, inTime }
  addHtml(app, routes)
  addApi(app, routes)
  addAnswers(app, routes)
  app.get('/healthz', async (c) => {
    const { ok, reasons, members } = await health()
    return json(c, { ok, reasons, ...(members && machinesJson(members)) }, ok ? 200 : 503)
  })
  addMetrics(app, routes)

  app.notFound((c) => c.json({ error: 'not found' }, 404))
  app.onError((cause, c) => {
    log.error('request failed', { path: c.req.path.slice(0, 200), cause, next: 'the next request is served as usual' })
    return json(c, { error: 'internal error: see the log of Alibi' }, 500)
  })
  return app
}

function addMetrics(app: Hono, { metrics, clock, reader, log, view, health, inTime }: Routes): void {
  if (metrics === undefined) return
  app.get('/metrics', async (c) => {
    const now = clock.now()
    const outbox = await inTime(reader.outbox()).catch((cause: unknown) => {
      log.error('failed to read the database for /metrics', { cause, next: 'the answer lacks the emails' })
      return null
    })
    const moment = { view: view(), outbox, health: await health(), now }
    return c.body(await metrics.text(moment), 200, { 'Content-Type': metrics.contentType })
  })
}

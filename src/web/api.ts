import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Incident } from '../domain/incident.ts'
import { incidentJson, storyJson, withoutAddresses } from '../domain/shown.ts'
import { visible } from '../domain/visible.ts'
import type { Log } from '../ports/log.ts'
import type { Reader } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { MUCH } from './card.ts'
import { within } from './deadline.ts'
import { latestEvents } from './latest.ts'
import type { Metrics } from './metrics.ts'
import { incidentPage, type Overview, overview } from './overview.ts'
import { renderIncident, renderIncidentMain, renderMain, renderNothing, renderPage } from './page.tsx'
import { record } from './record.ts'
import type { Health, View } from './view.ts'

/** How long anything may take that a request waits for. */
const ANSWER_WITHIN_MS = 10_000
const MAX_REASONS = 100
/** Incidents of `/api/incidents` when no `limit` is given, and at most. */
const LIMIT = 100
const MAX_LIMIT = 500
const MAX_ROWS = 1_000
const MAX_ID = 64

export type WebDeps = Readonly<{
  log: Log
  reader: Reader
  health: () => Promise<Health>
  view: () => View
  clock: Clock
  /** Left out, there is no `/metrics`. */
  metrics?: Metrics
}>

/** Everything that can be asked for. Method, host and headers are the server's business. */
export function webApp({ log, reader, health, view, clock, metrics }: WebDeps): Hono {
  const app = new Hono()
  const inTime = <T>(work: Promise<T>) => within(clock, ANSWER_WITHIN_MS, work)

  /** Never throws: that health could not be told is what health has to tell. */
  const healthNow = async (): Promise<Health> => {
    try {
      const { ok, reasons } = await inTime(health())
      return { ok, reasons: reasons.slice(0, MAX_REASONS).map(withoutAddresses) }
    } catch (cause) {
      log.error('health could not be told', { cause, next: 'the next request asks again' })
      return { ok: false, reasons: ['Alibi could not say how it is: its log has more'] }
    }
  }

  /** Everybody who asks at the same time gets the same page: the database is read once. */
  let making: Promise<Overview> | null = null
  const overviewNow = async (): Promise<Overview> => {
    const now = clock.now()
    const seen = view()
    const [healthy, known] = await Promise.all([healthNow(), inTime(record(reader, seen, now, log))])
    return overview(seen, known, healthy, now)
  }

  const overviewShared = (): Promise<Overview> => {
    const shared =
      making ??
      overviewNow().finally(() => {
        making = null
      })
    making = shared
    return shared
  }

  app.get('/', async (c) => {
    const page = await overviewShared()
    if (c.req.query('part') === 'main') return c.html(renderMain(page))
    return c.html(renderPage(page, { still: c.req.query('refresh') === 'off' }))
  })

  app.get('/incidents/:id', async (c) => {
    const id = c.req.param('id')
    const now = clock.now()
    const seen = view()
    const isKnown = (cause: unknown): Incident | null => {
      log.error('the page could not read the database', { cause, next: 'it shows what is known without' })
      return seen.world.incidents.get(id) ?? null
    }
    // What the daemon holds is newer than what is on disk, and there without one.
    const incident =
      id.length > MAX_ID ? null : (seen.world.incidents.get(id) ?? (await inTime(reader.incident(id)).catch(isKnown)))
    if (incident === null) return c.html(renderNothing('There is no such incident'), 404)
    const [rows, mails, events] = await Promise.all([
      inTime(reader.ledger({ incident: incident.id }, MUCH.story)).catch(() => null),
      inTime(reader.mails(incident.id)).catch(() => null),
      inTime(latestEvents(incident, seen.readings, reader)).catch(() => null),
    ])
    const page = incidentPage(incident, { rows, mails, events }, seen, now)
    if (c.req.query('part') === 'main') return c.html(renderIncidentMain(page))
    return c.html(renderIncident(page, { still: c.req.query('refresh') === 'off' }))
  })

  app.get('/healthz', async (c) => {
    const { ok, reasons } = await healthNow()
    return json(c, { ok, reasons }, ok ? 200 : 503)
  })

  if (metrics !== undefined) {
    app.get('/metrics', async (c) => {
      const now = clock.now()
      const outbox = inTime(reader.outbox()).catch((cause: unknown) => {
        log.error('the metrics could not read the database', { cause, next: 'they go without it' })
        return null
      })
      const moment = { view: view(), outbox: await outbox, health: await healthNow(), now }
      return c.body(await metrics.text(moment), 200, { 'Content-Type': metrics.contentType })
    })
  }

  app.get('/api/incidents', async (c) => {
    const limit = limitOf(c.req.query('limit'))
    if (limit === null) return json(c, { error: `limit is a whole number from 1 to ${MAX_LIMIT}` }, 400)
    return json(c, (await inTime(reader.incidents(limit))).map(incidentJson))
  })

  app.get('/api/incidents/:id', async (c) => {
    const id = c.req.param('id')
    const incident = id.length > MAX_ID ? null : await inTime(reader.incident(id))
    if (incident === null) return json(c, { error: 'no such incident' }, 404)
    const [rows, mails] = await inTime(
      Promise.all([reader.ledger({ incident: incident.id }, MAX_ROWS), reader.mails(incident.id)]),
    )
    return json(c, storyJson(incident, rows, mails))
  })

  app.notFound((c) => c.json({ error: 'there is nothing here' }, 404))
  app.onError((cause, c) => {
    log.error('a page could not be made', { path: c.req.path.slice(0, 200), cause, next: 'the next request tries again' })
    return json(c, { error: 'Alibi could not answer: its log has more' }, 500)
  })
  return app
}

function limitOf(text: string | undefined): number | null {
  if (text === undefined) return LIMIT
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return limit >= 1 && limit <= MAX_LIMIT ? limit : null
}

/** JSON that a terminal may show as it is. */
function json(c: Context, value: unknown, status: ContentfulStatusCode = 200): Response {
  return c.body(visible(JSON.stringify(value)), status, { 'Content-Type': 'application/json' })
}

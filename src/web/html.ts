import type { Context, Hono } from 'hono'
import type { Incident } from '../domain/incident.ts'
import { openAnswerKey } from './answer-key.ts'
import { isPossibleId } from './api.ts'
import type { Routes } from './app.ts'
import { LONG } from './card.ts'
import { latestEvents } from './latest.ts'
import { type AnswerForm, incidentPage, type Overview, overview } from './overview.ts'
import { type Part, renderIncident, renderNotFound, renderOverview } from './page.tsx'
import { POLICY_WITH_FORMS } from './policy.ts'
import { record } from './record.ts'

/** The status page, and the page of one incident. */
export function addHtml(app: Hono, routes: Routes): void {
  const overviewNow = shared(() => makeOverview(routes))
  app.get('/', async (c) => c.html(renderOverview(await overviewNow(), partOf(c))))

  app.get('/incidents/:id', async (c) => {
    const { clock, reader, inTime } = routes
    const now = clock.now()
    const view = routes.view()
    const incident = await incidentOf(c.req.param('id'), routes)
    if (incident === null) return c.html(renderNotFound('Incident not found'), 404)
    const [rows, mails, events] = await Promise.all([
      inTime(reader.ledger({ incident: incident.id }, LONG.decisions)).catch(() => null),
      inTime(reader.mails(incident.id)).catch(() => null),
      inTime(latestEvents(incident, view.readings, reader)).catch(() => null),
    ])
    const page = incidentPage(incident, { rows, mails, events }, view, now)
    const answer = answerOf(c, incident, routes)
    if (answer !== null) c.header('Content-Security-Policy', POLICY_WITH_FORMS)
    return c.html(renderIncident({ ...page, answer }, partOf(c)))
  })
}

/** The buttons, for visitors with a link that allows them. */
function answerOf(c: Context, incident: Incident, { answers, clock, view }: Routes): AnswerForm | null {
  const key = c.req.query('answer')
  if (answers === undefined || key === undefined) return null
  const opened = openAnswerKey(answers.token, incident.id, key, clock.now())
  if (!opened.ok || incident.state === 'closed') return null
  const ack = view().world.acks.get(incident.id) ?? null
  return { key, recipient: opened.grant.recipient, acked: ack === null ? null : { at: ack.at, by: ack.reason } }
}

/** What the script asks for, and what a reader asks for who wants no auto-refresh. */
function partOf(c: Context): Part {
  if (c.req.query('part') === 'main') return 'main'
  return c.req.query('refresh') === 'off' ? 'still' : 'live'
}

async function makeOverview({ clock, reader, log, health, inTime, view }: Routes): Promise<Overview> {
  const now = clock.now()
  const seen = view()
  const [healthy, known] = await Promise.all([health(), inTime(record(reader, seen, now, log))])
  return overview(seen, known, healthy, now)
}

/** Whoever asks while it is being made gets the same: the database is read once for all of them. */
function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let making: Promise<T> | null = null
  return () => {
    making ??= make().finally(() => {
      making = null
    })
    return making
  }
}

/** What the daemon holds is newer than what is on disk, and there even if the disk is not. */
async function incidentOf(id: string, { reader, log, inTime, view }: Routes): Promise<Incident | null> {
  if (!isPossibleId(id)) return null
  const held = view().world.incidents.get(id)
  if (held !== undefined) return held
  try {
    return await inTime(reader.incident(id))
  } catch (cause) {
    log.error('failed to read an incident for its page', { cause, next: 'the next request tries again' })
    return null
  }
}

import type { Incident } from '../domain/incident.ts'
import { openAnswerKey } from './answer-key.ts'
import { isPossibleId } from './api.ts'
import type { Around, Routes } from './app.ts'
import { LONG } from './card.ts'
import { latestEvents } from './latest.ts'
import { type AnswerForm, incidentPage, type Overview, overview } from './overview.ts'
import { type Part, renderIncident, renderNotFound, renderOverview } from './page.tsx'
import { POLICY_WITH_FORMS } from './policy.ts'
import { record } from './record.ts'
import { type Asked, html } from './reply.ts'

/** The status page, and the page of one incident. */
export function htmlRoutes(around: Around): Routes {
  const overviewNow = shared(() => makeOverview(around))
  return {
    'GET /': async (asked) => html(renderOverview(await overviewNow(), partOf(asked))),

    'GET /incidents/:id': async (asked) => {
      const { clock, reader, inTime } = around
      const now = clock.now()
      const view = around.view()
      const incident = await incidentOf(asked.param('id'), around)
      if (incident === null) return html(renderNotFound('Incident not found'), 404)
      const [rows, mails, events] = await Promise.all([
        inTime(reader.ledger({ incident: incident.id }, LONG.decisions)).catch(() => null),
        inTime(reader.mails(incident.id)).catch(() => null),
        inTime(latestEvents(incident, view.readings, reader)).catch(() => null),
      ])
      const page = incidentPage(incident, { rows, mails, events }, view, now)
      const answer = answerOf(asked, incident, around)
      const headers = answer === null ? {} : { 'Content-Security-Policy': POLICY_WITH_FORMS }
      return html(renderIncident({ ...page, answer }, partOf(asked)), 200, headers)
    },
  }
}

/** The buttons, for visitors with a link that allows them. */
function answerOf({ query }: Asked, incident: Incident, { answers, clock, view }: Around): AnswerForm | null {
  const key = query('answer')
  if (answers === undefined || key === null) return null
  const opened = openAnswerKey(answers.token, incident.id, key, clock.now())
  if (!opened.ok || incident.state === 'closed') return null
  const ack = view().world.acks.get(incident.id) ?? null
  return { key, recipient: opened.grant.recipient, acked: ack === null ? null : { at: ack.at, by: ack.reason } }
}

/** What the script asks for, and what a reader asks for who wants no auto-refresh. */
function partOf({ query }: Asked): Part {
  if (query('part') === 'main') return 'main'
  return query('refresh') === 'off' ? 'still' : 'live'
}

async function makeOverview({ clock, reader, log, health, inTime, view }: Around): Promise<Overview> {
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
async function incidentOf(id: string, { reader, log, inTime, view }: Around): Promise<Incident | null> {
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

import type { Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { incidentJson, storyJson } from '../domain/shown.ts'
import { visible } from '../domain/visible.ts'
import type { Routes } from './app.ts'

/** Incidents of `/api/incidents` without `limit`, and at most. */
const LIMIT = 100
const MAX_LIMIT = 500
const MAX_ROWS = 1_000
const MAX_ID = 64

/** `/api/incidents` and `/api/incidents/ID`. */
export function addApi(app: Hono, { reader, inTime, view }: Routes): void {
  app.get('/api/incidents', async (c) => {
    const limit = limitOf(c.req.query('limit'))
    if (limit === null) return json(c, { error: `limit must be a whole number from 1 to ${MAX_LIMIT}` }, 400)
    return json(
      c,
      (await inTime(reader.incidents(limit))).map((one) => incidentJson(one, view().setup.accountNames)),
    )
  })

  app.get('/api/incidents/:id', async (c) => {
    const id = c.req.param('id')
    const incident = isPossibleId(id) ? await inTime(reader.incident(id)) : null
    if (incident === null) return json(c, { error: 'no such incident' }, 404)
    const [rows, mails] = await inTime(
      Promise.all([reader.ledger({ incident: incident.id }, MAX_ROWS), reader.mails(incident.id)]),
    )
    return json(c, storyJson(incident, rows, mails, view().setup.accountNames))
  })
}

function limitOf(text: string | undefined): number | null {
  if (text === undefined) return LIMIT
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return limit >= 1 && limit <= MAX_LIMIT ? limit : null
}

/** Whether it is short enough to be looked for. */
export function isPossibleId(id: string): boolean {
  return id.length <= MAX_ID
}

/** JSON that a terminal can safely show. */
export function json(c: Context, value: unknown, status: ContentfulStatusCode = 200): Response {
  return c.body(visible(JSON.stringify(value)), status, { 'Content-Type': 'application/json' })
}

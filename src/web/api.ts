import { incidentJson, storyJson } from '../domain/shown.ts'
import type { Around, Routes } from './app.ts'
import { json } from './reply.ts'

/** Incidents of `/api/incidents` without `limit`, and at most. */
const LIMIT = 100
const MAX_LIMIT = 500
const MAX_ROWS = 1_000
const MAX_ID = 64

/** `/api/incidents` and `/api/incidents/ID`. */
export function apiRoutes({ reader, inTime, view }: Around): Routes {
  return {
    'GET /api/incidents': async ({ query }) => {
      const limit = limitOf(query('limit'))
      if (limit === null) return json({ error: `limit must be a whole number from 1 to ${MAX_LIMIT}` }, 400)
      const incidents = await inTime(reader.incidents(limit))
      return json(incidents.map((one) => incidentJson(one, view().setup.accountNames)))
    },

    'GET /api/incidents/:id': async ({ param }) => {
      const id = param('id')
      const incident = isPossibleId(id) ? await inTime(reader.incident(id)) : null
      if (incident === null) return json({ error: 'no such incident' }, 404)
      const [rows, mails] = await inTime(
        Promise.all([reader.ledger({ incident: incident.id }, MAX_ROWS), reader.mails(incident.id)]),
      )
      return json(storyJson(incident, rows, mails, view().setup.accountNames))
    },
  }
}

function limitOf(text: string | null): number | null {
  if (text === null) return LIMIT
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return limit >= 1 && limit <= MAX_LIMIT ? limit : null
}

/** Whether it is short enough to be looked for. */
export function isPossibleId(id: string): boolean {
  return id.length <= MAX_ID
}

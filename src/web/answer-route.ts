import { createHash } from 'node:crypto'
import { openAnswerKey } from './answer-key.ts'
import { orderOf } from './answer-order.ts'
import type { Around, Routes } from './app.ts'
import { renderNotice } from './page.tsx'
import { type Asked, html, type Reply, seeOther } from './reply.ts'

const REFUSALS = {
  unknown: [403, 'This link does not allow that: open the link in the newest email, or run `alibi ack` on the host.'],
  expired: [403, 'This link has expired: open the link in a newer email, or run `alibi ack` on the host.'],
  order: [400, 'Unknown action: open the link in the email again.'],
  gone: [404, 'There is no such incident.'],
  closed: [409, 'This incident is over: there is nothing left to acknowledge or to silence.'],
} as const

/** The one thing that the page can change: what a link in an email allows, once for each order. */
export function answerRoutes({ answers, clock, log, inTime }: Around): Routes {
  if (answers === undefined) return {}
  return {
    'POST /incidents/:id/answer': async (asked) => {
      const incident = asked.param('id')
      const form = await asked.form()
      const [key, name] = [form.get('answer') ?? '', form.get('do') ?? undefined]
      const order = orderOf(name)
      const opened = openAnswerKey(answers.token, incident, key, clock.now())
      const from = senderOf(asked)
      if (!opened.ok) {
        log.warn('rejected an answer to an email', { incident: incident.slice(0, 64), from, why: opened.why })
        return refused(opened.why)
      }
      if (order === null) return refused('order')
      const { recipient } = opened.grant
      const once = createHash('sha256').update(`${key}\0${name}`).digest('hex')
      const result = await inTime(answers.take({ incident, recipient, from, order, once }))
      log.info('answer to an email', { incident, recipient, from, order, result })
      if (result === 'unknown') return refused('gone')
      if (result === 'closed') return refused('closed')
      // A relative address: the page may be reached under a sub-path.
      return seeOther(`../${incident}?answer=${encodeURIComponent(key)}`)
    },
  }
}

function refused(why: keyof typeof REFUSALS): Reply {
  const [status, text] = REFUSALS[why]
  return html(renderNotice(text), status)
}

/** The address that the request came from; behind a proxy also the one that the proxy names, as its word. */
function senderOf({ from: address = 'an unknown address', headers }: Asked): string {
  const named = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim()
  return named !== undefined && /^[0-9a-fA-F.:]{2,45}$/.test(named) ? `${named} (through ${address})` : address
}

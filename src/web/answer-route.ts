import { createHash } from 'node:crypto'
import type { Context, Hono } from 'hono'
import { openAnswerKey } from './answer-key.ts'
import { orderOf } from './answer-order.ts'
import type { Routes } from './app.ts'
import { renderNotice } from './page.tsx'

const REFUSALS = {
  unknown: [403, 'This link does not allow that: open the link in the newest email, or run `alibi ack` on the host.'],
  expired: [403, 'This link has expired: open the link in a newer email, or run `alibi ack` on the host.'],
  order: [400, 'Unknown action: open the link in the email again.'],
  gone: [404, 'There is no such incident.'],
  closed: [409, 'This incident is over: there is nothing left to acknowledge or to silence.'],
} as const

/** The one thing that the page can change: what a link in an email allows, once for each order. */
export function addAnswers(app: Hono, { answers, clock, log, inTime }: Routes): void {
  if (answers === undefined) return
  app.post('/incidents/:id/answer', async (c) => {
    const incident = c.req.param('id')
    const form = await c.req.parseBody()
    const [key, name] = [form['answer'], form['do']]
    const order = orderOf(name)
    const opened = openAnswerKey(answers.token, incident, typeof key === 'string' ? key : '', clock.now())
    const from = senderOf(c)
    if (!opened.ok) {
      log.warn('rejected an answer to an email', { incident: incident.slice(0, 64), from, why: opened.why })
      return refused(c, opened.why)
    }
    if (order === null) return refused(c, 'order')
    const { recipient } = opened.grant
    const once = createHash('sha256').update(`${key}\0${name}`).digest('hex')
    const result = await inTime(answers.take({ incident, recipient, from, order, once }))
    log.info('answer to an email', { incident, recipient, from, order, result })
    if (result === 'unknown') return refused(c, 'gone')
    if (result === 'closed') return refused(c, 'closed')
    // A relative address: the page may be reached under a sub-path.
    return c.redirect(`../${incident}?answer=${encodeURIComponent(String(key))}`, 303)
  })
}

function refused(c: Context, why: keyof typeof REFUSALS) {
  const [status, text] = REFUSALS[why]
  return c.html(renderNotice(text), status)
}

/** The address that the request came from; behind a proxy also the one that the proxy names, as its word. */
function senderOf(c: Context): string {
  const { incoming } = c.env as { incoming?: { socket?: { remoteAddress?: string } } }
  const address = incoming?.socket?.remoteAddress ?? 'an unknown address'
  const named = c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim()
  return named !== undefined && /^[0-9a-fA-F.:]{2,45}$/.test(named) ? `${named} (through ${address})` : address
}

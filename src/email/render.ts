import type { Facts, Notification } from '../domain/notification.ts'
import type { Mail } from '../ports/mailer.ts'
import { type Content, contentOf } from './content.ts'
import type { Delivery } from './delivery.ts'
import { foreign, headerValue, seen } from './foreign.ts'
import { renderHtml } from './html.tsx'
import { LIMITS, MAX_MAIL_BYTES } from './limits.ts'
import { stateWord } from './opening.ts'
import { renderText } from './text.ts'
import { iso } from './times.ts'

/** UTF-16 units of a probe's id in the attached list. */
const MAX_NAME = 300

/** `constant` keeps one thread; `stateful` puts the state into the subject, which breaks the thread. */
export type SubjectStyle = 'constant' | 'stateful'

/**
 * Never throws and never returns an empty email: one whose HTML cannot be rendered, or would be clipped by Gmail, is sent as
 * text; one whose facts cannot be laid out is sent with the facts as JSON.
 */
export function renderEmail(notification: Notification, delivery: Delivery, style: SubjectStyle = 'constant'): Mail {
  const { facts } = notification
  const threaded = style === 'constant' && notification.inReplyTo !== null
  return {
    messageId: notification.messageId,
    to: notification.to,
    envelope: notification.to,
    subject: subject(notification, style),
    ...body(notification, delivery),
    ...attached(facts),
    inReplyTo: threaded ? notification.inReplyTo : null,
    headers: {
      'X-Alibi-Kind': notification.kind,
      ...(notification.incident === null ? {} : { 'X-Alibi-Incident': headerValue(notification.incident) }),
      ...(facts.monitors.length === 0
        ? {}
        : { 'X-Alibi-Monitor': headerValue(facts.monitors.map(({ name }) => name).join(', ')) }),
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'List-Id': `Alibi <alibi.${domainOf(notification.messageId)}>`,
    },
    // When it was queued, not when it was sent: an email that is sent twice is the same email.
    date: notification.createdAt,
  }
}

function subject(notification: Notification, style: SubjectStyle): string {
  const constant = headerValue(notification.facts.subject)
  if (style === 'constant') return notification.inReplyTo === null || /^re:/i.test(constant) ? constant : `Re: ${constant}`
  const state = stateWord(notification.facts)
  const tag = /^\[[^\]]*\] /.exec(constant)?.[0] ?? ''
  return headerValue(`${tag}${state}: ${constant.slice(tag.length)}`)
}

function body(notification: Notification, delivery: Delivery): { text: string; html: string | null } {
  const { facts, seq } = notification
  let text: string | null = null
  for (const limits of LIMITS) {
    let plain: Content
    try {
      plain = contentOf(facts, delivery, seq, limits)
      text = renderText(plain)
    } catch (error) {
      return { text: text ?? rawFacts(facts, error), html: null }
    }
    const html = htmlOrNull(plain)
    if (html !== null && bytes(html) <= MAX_MAIL_BYTES && bytes(text) <= MAX_MAIL_BYTES) return { text, html }
  }
  return { text: truncated(text ?? ''), html: null }
}

/** All probes by name, one a line, where there are more than the email can list. */
function attached(facts: Facts): Pick<Mail, 'attachment'> {
  try {
    const { probes, others } = facts
    const [widest] = LIMITS
    if (widest === undefined || probes.length + others.names.length <= widest.listed) return {}
    const more = others.total - others.names.length
    const lines = [
      ...probes.map(({ probe, state, verdict }) => `${foreign(probe, MAX_NAME)}  ${state}, ${verdict.kind}`),
      ...others.names.map((name) => foreign(name, MAX_NAME)),
      ...(more > 0 ? [`and ${more} more`] : []),
    ]
    return { attachment: { name: 'probes.txt', text: `${lines.join('\n')}\n` } }
  } catch {
    return {} // An email without its list is better than none.
  }
}

function htmlOrNull(plain: Content): string | null {
  try {
    return renderHtml(plain)
  } catch {
    return null
  }
}

/** The last resort: an ugly email is better than none. */
function rawFacts(facts: Facts, error: unknown): string {
  const why = foreign(error instanceof Error ? error.message : String(error), 200)
  const raw = (JSON.stringify(facts, null, 1) ?? '').split('\n').map(seen).join('\n')
  return truncated(
    `${stateWordOrKind(facts)} ${foreign(String(facts.reason), 500)}\n\nThis email could not be laid out (${why}). Its facts, as of ${iso(facts.at)}:\n\n${raw}\n`,
  )
}

function stateWordOrKind(facts: Facts): string {
  try {
    return stateWord(facts)
  } catch {
    return String(facts.kind).toUpperCase()
  }
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length
}

/** At most `MAX_MAIL_BYTES`; one UTF-16 unit takes at most three bytes. */
function truncated(text: string): string {
  return bytes(text) <= MAX_MAIL_BYTES
    ? text
    : `${text.slice(0, Math.floor(MAX_MAIL_BYTES / 3) - 20).toWellFormed()}\n(truncated)\n`
}

/** The Message-ID ends in the domain of `mail.from`. */
function domainOf(messageId: string): string {
  return /@([a-z0-9.-]+)>?$/i.exec(messageId)?.[1]?.toLowerCase() ?? 'localhost'
}

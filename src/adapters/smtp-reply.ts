/** Where a session stands when the server replies; `final dot`: the message has been handed over. */
export type Phase = 'session' | 'sender' | 'recipient' | 'data' | 'final dot'

/** What a reply that is no acceptance means. */
export type Refusal = Readonly<{
  /** It is about us, our session or our quota, and says nothing about this email. */
  session: boolean
  /** The server will say it again: it is about this sender, recipient or message. */
  permanent: boolean
  /** One recipient too many for this transaction (RFC 5321, 4.5.3.1.10). */
  crowded: boolean
}>

/** Bad sequence, authentication required, refused, or too weak (RFC 5321, 4954): no email was looked at. */
const SESSION_CODES: readonly number[] = [500, 502, 503, 530, 534, 535, 538]
/**
 * Enhanced codes (RFC 3463 and its registry) that speak of the sending system: no mail is taken now, or by a system set up like
 * this; too much was sent; log in, or encrypt, first; our address has no name; and, as Gmail uses it, the day's quota is used up.
 */
const SESSION_STATUS = /^[45]\.(?:3\.[25]|4\.5|5\.1|7\.(?:3|8|9|1[0-4]|25|28))$/
/** About an address or a mailbox, whatever the text says: "over quota" is the mailbox's quota. */
const ADDRESS_STATUS = /^[45]\.[12]\./
/** Postfix and Exim look at the client and its name when the first recipient is named, with codes that say less than the text. */
const OUR_HOST = /\bclient host\b|\b(?:helo|ehlo)\b|\bblocked using\b|\byour (?:ip|host)\b/i
const TOO_MUCH =
  /\b(?:daily|hourly|per (?:day|hour|minute)|rate|sending|outgoing|outbound|relay(?:ing)?|submission|credits|tenant)\b/i
const EXCEEDED = /\b(?:exceed(?:s|ed|ing)?|reached|too (?:many|much)|quota|limit(?:ed)?)\b/i
const TOO_MANY_RECIPIENTS = /\btoo many recipients\b/i

export function codeOf(reply: string): number | null {
  const code = /^(\d{3})(?:[ -]|$)/.exec(reply)?.[1]
  return code === undefined ? null : Number(code)
}

/** The enhanced status code, such as `5.1.1`; `null` if there is none. */
export function statusOf(reply: string): string | null {
  return /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?:\s|$)/.exec(reply)?.[1] ?? null
}

/** What a reply means that is neither 2xx nor 3xx. */
export function refusalOf(reply: string, phase: Phase): Refusal {
  const code = codeOf(reply) ?? 0
  const status = statusOf(reply) ?? ''
  const crowded = phase === 'recipient' && code !== 421 && (/^[45]\.5\.3$/.test(status) || TOO_MANY_RECIPIENTS.test(reply))
  const session = !crowded && isAboutSession(code, status, reply, phase)
  return { session, crowded, permanent: !session && !crowded && code >= 500 }
}

function isAboutSession(code: number, status: string, reply: string, phase: Phase): boolean {
  if (phase === 'session' || code === 421) return true
  if (SESSION_CODES.includes(code) || SESSION_STATUS.test(status)) return true
  if (ADDRESS_STATUS.test(status) || status.endsWith('.3.4')) return false
  // Of what stands in the message a filter may say the like.
  if (phase !== 'final dot' && OUR_HOST.test(reply)) return true
  return TOO_MUCH.test(reply) && EXCEEDED.test(reply)
}

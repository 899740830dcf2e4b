import * as z from 'zod'
import { CHOICES } from '../domain/choice.ts'
import { asciiDomainOf } from './mailbox.ts'
import { DAY, duration, HOST, HOUR, line, list, MAX_PATH, oneOf, SECOND, strict, whole } from './values.ts'

const MAX_ADDRESSES = 50
/** What a mail server accepts without quotes. The domain may be a bare host name (`root@localhost`). */
const ADDRESS =
  /^(?=.{3,254}$)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?)*$/u
/** A domain name, or an address in brackets (RFC 5321, 4.1.1.1). */
const EHLO_NAME =
  /^(?=.{1,255}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*|\[\d{1,3}(?:\.\d{1,3}){3}\]|\[IPv6:[0-9A-Fa-f:.]{2,45}\])$/

/** `Alibi <alibi@example.com>` or the bare address. There is only one `@`, since the Message-ID's domain is taken from it. */
function isMailbox(text: string): boolean {
  const named = /^([^<>@\p{Cc}]*)<([^<>]+)>$/u.exec(text)
  const display = named?.[1]?.trim() ?? ''
  const quoted = /^"[^"\\]*"$/.test(display)
  if (display !== '' && !quoted && /["(),:;\\[\]]/.test(display)) return false
  return ADDRESS.test(named?.[2] ?? text) && asciiDomainOf(text) !== null
}

/** Whether the subject stays the same, or says the state. */
const Subject = oneOf(['constant', 'stateful'])

export const RecipientSchema = strict({
  to: list(
    line('an address such as `oncall@example.com`', { max: 254, pattern: ADDRESS }),
    'addresses',
    1,
    MAX_ADDRESSES,
  ).describe('Addresses. They get one message together.'),
  after: duration(SECOND, 30 * DAY)
    .optional()
    .describe('Escalation: notified only if an incident lasts this long.'),
  selfAlerts: z
    .boolean('expected true or false')
    .optional()
    .describe(
      'Gets self-alerts: emails about Alibi itself, such as a faulty configuration, a source that refuses to answer, or a host that is offline. Default: true without `after`, or if every recipient has `after`.',
    ),
  kinds: list(oneOf(CHOICES), 'kinds', 1, CHOICES.length)
    .optional()
    .describe('Kinds of email about probes that this recipient gets. Default: all. See "Choosing emails" below.'),
  only: z
    .literal('digest', 'expected `digest`')
    .optional()
    .describe('`digest`: no alerts and no self-alerts, only the periodic digest.'),
  subject: Subject.optional().describe('Like `mail.subject`, for this recipient. Default: `mail.subject`.'),
})

export const SmtpSchema = strict({
  host: line('a host name', { max: 255, pattern: HOST }).describe('Host name or address of the mail server.'),
  port: whole(1, 65_535).optional().describe('Default: 587 for starttls, 465 for tls, 25 for none.'),
  security: oneOf(['starttls', 'tls', 'none'])
    .prefault('starttls')
    .describe('starttls: the connection must be upgraded to TLS; tls: TLS from the start; none: no encryption.'),
  user: line('a user name').optional().describe('User name; requires a password.'),
  password: z
    .string('expected text')
    .min(1, 'expected a password that is not empty')
    .max(4096, 'expected a password of at most 4096 characters')
    .optional()
    .describe(`Password, best kept in a file that only the daemon may read: "\${file:/run/secrets/smtp}".`),
  name: line('a domain name such as `alibi.example.com`', { max: 255, pattern: EHLO_NAME })
    .optional()
    .describe(
      "Name that Alibi introduces itself with (EHLO). Default: the host's name if it contains a dot, else the domain of `mail.from`.",
    ),
  ca: line('the path of a file', { max: MAX_PATH })
    .optional()
    .describe(
      "PEM file with the certificate authority, or the server's own certificate, to trust instead of the public authorities.",
    ),
})

export const MailSchema = strict({
  from: line('an address such as `Alibi <alibi@example.com>`')
    .refine(isMailbox, 'expected an address such as `Alibi <alibi@example.com>`')
    .describe('Sender of every email. Its domain is used in Message-IDs.'),
  smtp: SmtpSchema.optional().describe(
    'Mail server. Without it emails are written to `directory` as .eml files, and reach nobody.',
  ),
  fallback: strict({
    after: duration(SECOND, HOUR).prefault('5m').describe('How long an email has been due before it is sent by this server.'),
    smtp: SmtpSchema.describe('The second mail server.'),
  })
    .optional()
    .describe('Second mail server, for emails that the first one does not accept.'),
  directory: line('a path', { max: MAX_PATH }).prefault('data/mail').describe('Where emails are written if there is no `smtp`.'),
  subject: Subject.prefault('constant').describe(
    'constant: all emails of an incident stay in one thread; stateful: the subject says the state, and threads break.',
  ),
  maxPerHour: whole(1, 10_000)
    .prefault(30)
    .describe('Maximum number of emails to one address in an hour; the rest becomes one summary.'),
})

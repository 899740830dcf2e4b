import { messageIdOf, notificationId } from '../domain/audience.ts'
import type { Notification } from '../domain/notification.ts'
import { plainFacts } from '../domain/notify.ts'
import type { Recipient } from '../domain/policy.ts'
import { setupOf } from '../domain/setup.ts'
import { TEST_EMAIL } from '../email/test-email.ts'
import { MailError } from '../ports/mailer.ts'
import { type Wired, wire } from '../wire.ts'
import { EXIT, Exit } from './exit.ts'
import { type ConfigOptions, configured, type Io, say } from './io.ts'
import { mailAdvice, mailServers } from './mail-advice.ts'
import { VERSION } from './version.ts'

/** Sends a test email to every recipient, the way alerts are sent, and prints what the server answered for each address. */
export async function mailTest(options: ConfigOptions & Readonly<{ to?: string }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  const recipients = config.recipients.filter((recipient) => options.to === undefined || recipient.name === options.to)
  if (recipients.length === 0) {
    const names = config.recipients.map(({ name }) => name).join(', ')
    throw new Exit(EXIT.usage, `there is no recipient ${options.to}: the configuration has ${names}`)
  }
  await using wired = wire(config, io.env, VERSION)
  const [server] = mailServers(config)
  const { mailDomain } = setupOf(config)
  let isSent = true
  for (const recipient of recipients) {
    const result = await send(testMail(recipient, mailDomain, wired), wired)
    if (result.sent !== null) say(io, `${recipient.name}: sent to ${result.sent}`)
    for (const { where, error } of result.failures) {
      isSent = false
      io.err(`${recipient.name}: not sent${where}: ${error.message}`)
      // If a server rejects an address, the configuration has no better answer than the server's reply.
      if (server !== undefined && (error.trouble !== null || error.session)) io.err(`  -> ${mailAdvice(error, server, config)}`)
    }
  }
  return isSent ? EXIT.ok : EXIT.unavailable
}

function testMail(recipient: Recipient, mailDomain: string, wired: Wired): Notification {
  const now = wired.clock.now()
  const id = notificationId(`test.${wired.newId()}`, 1, recipient.name)
  const messageId = messageIdOf(id, mailDomain)
  return {
    id,
    messageId,
    kind: 'test',
    incident: null,
    thread: messageId,
    seq: 1,
    recipient: recipient.name,
    to: recipient.to,
    inReplyTo: null,
    createdAt: now,
    facts: plainFacts(
      { kind: 'test', reason: TEST_EMAIL.reason, subject: TEST_EMAIL.subject, lines: TEST_EMAIL.lines(recipient) },
      { now, ...wired },
    ),
  }
}

type Sending = Readonly<{
  /** The addresses that have it, with the server's reply; `null` if none has. */
  sent: string | null
  failures: readonly Readonly<{ where: string; error: MailError }>[]
}>

async function send(notification: Notification, { mailer, letter, clock }: Wired): Promise<Sending> {
  const delivery = { attempts: 0, lateBecause: null, now: clock.now(), merged: null, refused: [] }
  try {
    const fates = await mailer.send(letter(notification, delivery), new AbortController().signal)
    const accepted = fates.flatMap((fate) => (fate.accepted ? [fate] : []))
    const addresses = accepted.map(({ address }) => address).join(', ')
    const failures = fates.flatMap((fate) =>
      fate.accepted ? [] : [{ where: fates.length === 1 ? '' : ` to ${fate.address}`, error: fate.error }],
    )
    return { sent: accepted[0] === undefined ? null : `${addresses}: ${accepted[0].reply}`, failures }
  } catch (cause) {
    if (!(cause instanceof MailError)) throw cause
    return { sent: null, failures: [{ where: '', error: cause }] }
  }
}

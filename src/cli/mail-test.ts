import { messageIdOf, notificationId } from '../domain/audience.ts'
import type { Notification } from '../domain/notification.ts'
import { plainFacts } from '../domain/notify.ts'
import { setupOf } from '../domain/setup.ts'
import { TEST_MAIL } from '../letter/test-mail.ts'
import { MailError } from '../ports/mailer.ts'
import { wire } from '../wire.ts'
import { EXIT, Exit } from './exit.ts'
import { type Common, configured, type Io, say } from './io.ts'
import { mailAdvice, mailServers } from './mail-advice.ts'
import { VERSION } from './version.ts'

/** One real mail to every recipient, by the letters and the mailer that alerts take, and what the server answered. */
export async function mailTest(options: Common & Readonly<{ to?: string }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  const recipients = config.recipients.filter((recipient) => options.to === undefined || recipient.name === options.to)
  if (recipients.length === 0)
    throw new Exit(
      EXIT.usage,
      `there is no recipient ${options.to}: the configuration has ${config.recipients.map((r) => r.name).join(', ')}`,
    )
  await using wired = wire(config, io.env, VERSION)
  const { signal } = new AbortController()
  const [server] = mailServers(config)
  let failed = 0
  for (const recipient of recipients) {
    const now = wired.clock.now()
    const id = notificationId(`test.${wired.newId()}`, 1, recipient.name)
    const messageId = messageIdOf(id, setupOf(config).mailDomain)
    const facts = plainFacts('test', TEST_MAIL.reason, TEST_MAIL.subject, TEST_MAIL.lines(recipient), { now, ...wired })
    const notification: Notification = {
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
      facts,
    }
    try {
      const { reply, rejected } = await wired.mailer.send(
        wired.letter(notification, { attempts: 0, lateBecause: null, now, merged: null, refused: [] }),
        signal,
      )
      say(io, `${recipient.name}: sent to ${recipient.to.filter((address) => !rejected.includes(address)).join(', ')}: ${reply}`)
      for (const address of rejected) io.err(`${recipient.name}: the server refused ${address}`)
      if (rejected.length > 0) failed += 1
    } catch (cause) {
      if (!(cause instanceof MailError)) throw cause
      failed += 1
      io.err(`${recipient.name}: not sent: ${cause.message}`)
      if (server !== undefined) io.err(`  -> ${mailAdvice(cause, server, config)}`)
    }
  }
  return failed === 0 ? EXIT.well : EXIT.unreachable
}

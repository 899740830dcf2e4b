import { messageIdOf, notificationId } from '../domain/audience.ts'
import type { Notification } from '../domain/notification.ts'
import { plainFacts } from '../domain/notify.ts'
import { setupOf } from '../domain/setup.ts'
import { TEST_EMAIL } from '../email/test-email.ts'
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
  const advise = (error: MailError) => {
    // Of an address that is refused the configuration knows as much as the reply.
    if (server !== undefined && (error.trouble !== null || error.session)) io.err(`  -> ${mailAdvice(error, server, config)}`)
  }
  for (const recipient of recipients) {
    const now = wired.clock.now()
    const id = notificationId(`test.${wired.newId()}`, 1, recipient.name)
    const messageId = messageIdOf(id, setupOf(config).mailDomain)
    const facts = plainFacts('test', TEST_EMAIL.reason, TEST_EMAIL.subject, TEST_EMAIL.lines(recipient), { now, ...wired })
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
      const fates = await wired.mailer.send(
        wired.letter(notification, { attempts: 0, lateBecause: null, now, merged: null, refused: [] }),
        signal,
      )
      const taken = fates.flatMap((fate) => (fate.accepted ? [fate] : []))
      const addresses = taken.map(({ address }) => address).join(', ')
      if (taken[0] !== undefined) say(io, `${recipient.name}: sent to ${addresses}: ${taken[0].reply}`)
      for (const fate of fates) {
        if (fate.accepted) continue
        failed += 1
        const where = fates.length === 1 ? '' : ` to ${fate.address}`
        io.err(`${recipient.name}: not sent${where}: ${fate.error.message}`)
        advise(fate.error)
      }
    } catch (cause) {
      if (!(cause instanceof MailError)) throw cause
      failed += 1
      io.err(`${recipient.name}: not sent: ${cause.message}`)
      advise(cause)
    }
  }
  return failed === 0 ? EXIT.well : EXIT.unreachable
}

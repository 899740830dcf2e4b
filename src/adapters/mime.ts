import MailComposer from 'nodemailer/lib/mail-composer'
import type { Mail } from '../ports/mailer.ts'

/** A mail as it goes over the wire or into a file, and from whom to whom. */
export type Message = Readonly<{ from: string; to: readonly string[]; source: Buffer }>

/** Values come clean from the letter; this is the last door before the wire. */
const oneLine = (value: string) => value.replace(/[\r\n\0]+/g, ' ')

/**
 * Lays out the message: multipart/alternative, text first, quoted-printable; within multipart/mixed if a list is attached. SMTP and files send the very same.
 *
 * @throws when an address cannot be read
 */
export async function compile(mail: Mail, from: string): Promise<Message> {
  const { messageId, to, subject, text, html, attachment, inReplyTo, headers, date } = mail
  const node = new MailComposer({
    from: oneLine(from),
    to: to.map(oneLine),
    subject: oneLine(subject),
    date: new Date(date),
    messageId: oneLine(messageId),
    ...(inReplyTo === null ? {} : { inReplyTo: oneLine(inReplyTo), references: oneLine(inReplyTo) }),
    headers: Object.entries(headers).map(([key, value]) => ({ key, value: oneLine(value) })),
    text,
    ...(html === null ? {} : { html }),
    ...(attachment === undefined
      ? {}
      : {
          attachments: [
            { filename: oneLine(attachment.name), content: attachment.text, contentType: 'text/plain; charset=utf-8' },
          ],
        }),
    encoding: 'quoted-printable',
    newline: '\r\n',
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile()
  const envelope = node.getEnvelope()
  if (envelope.from === false || envelope.from === undefined || envelope.from === '') throw new Error('the sender has no address')
  if (envelope.to.length === 0) throw new Error('no recipient has an address')
  return { from: envelope.from, to: envelope.to, source: await node.build() }
}

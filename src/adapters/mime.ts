import { createHash } from 'node:crypto'
import MailComposer from 'nodemailer/lib/mail-composer'
import type { Mail } from '../ports/mailer.ts'

/** An email as it goes over the wire or into a file, with its sender and recipients. */
export type Message = Readonly<{
  from: string
  /** What SMTP calls each address to which it goes. */
  envelope: ReadonlyMap<string, string>
  source: Buffer
}>

/** The values are clean already; this is the last check before the wire. */
const oneLine = (value: string) => value.replace(/[\r\n\0]+/g, ' ')

/** Longer lines may be broken on their way (RFC 5321, 4.5.3.1.6). */
const MAX_LINE = 998

function isSevenBit(text: string): boolean {
  return /^[\t\n\r -~]*$/.test(text) && text.split('\n').every((line) => line.length <= MAX_LINE)
}

/** From the Message-ID, not random, so that an email that is sent again is the same, byte for byte; never text of the email itself. */
function boundaryOf({ messageId, text, html, attachment }: Mail): string {
  const parts = [text, html ?? '', attachment?.text ?? '']
  for (let nth = 0; ; nth++) {
    const boundary = createHash('sha256').update(`${messageId} ${nth}`).digest('hex').slice(0, 16)
    if (!parts.some((part) => part.includes(boundary))) return boundary
  }
}

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
            {
              filename: oneLine(attachment.name),
              content: attachment.text,
              contentType: 'text/plain; charset=utf-8',
              // Plain if possible, so that it can be searched and read in the source of the email.
              contentTransferEncoding: isSevenBit(attachment.text) ? '7bit' : 'base64',
            },
          ],
        }),
    encoding: 'quoted-printable',
    baseBoundary: boundaryOf(mail),
    newline: '\r\n',
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile()
  const sender = node.getEnvelope().from
  if (sender === false || sender === undefined || sender === '') throw new Error('the sender has no address')
  if (mail.envelope.length === 0) throw new Error('there is nobody to send it to')
  const envelope = new Map(mail.envelope.map((address) => [address, inEnvelope(address)]))
  return { from: sender, envelope, source: await node.build() }
}

/** An address as SMTP names it: of an internationalized domain in ASCII. */
function inEnvelope(address: string): string {
  const [plain] = new MailComposer({ to: oneLine(address) }).compile().getEnvelope().to
  if (plain === undefined) throw new Error('a recipient has no address')
  return plain
}

import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { smtpMailer } from '../../src/adapters/smtp.ts'
import { type Mail, MailError } from '../../src/ports/mailer.ts'

/* What a mail server, or whoever stands in its place, can say: the mail stays owed, and what is shown of the answer is one short line. */

const TO = 'oncall@example.com'
const MAIL: Mail = {
  messageId: '<a.1@example.com>',
  to: [TO],
  envelope: [TO],
  subject: '[alibi] trouble',
  text: 'It fails.',
  html: null,
  inReplyTo: null,
  headers: {},
  date: Date.UTC(2026, 2, 10, 12),
}

type Phase = 'greeting' | 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | 'dot'
const USUAL: Readonly<Record<Phase, string>> = {
  greeting: '220 hello\r\n',
  EHLO: '250 hello\r\n',
  MAIL: '250 ok\r\n',
  RCPT: '250 ok\r\n',
  DATA: '354 go on\r\n',
  dot: '250 ok\r\n',
}

/** A server that says what it should, but for one phase. */
async function serverThat(phase: Phase, says: string | Buffer): Promise<number> {
  const answer = (socket: Socket, at: Phase) => socket.write(at === phase ? says : USUAL[at])
  const server = createServer((socket) => {
    let isMail = false
    let line = ''
    socket.on('error', () => {})
    answer(socket, 'greeting')
    socket.on('data', (chunk) => {
      line += chunk.toString('latin1')
      for (let end = line.indexOf('\r\n'); end !== -1; end = line.indexOf('\r\n')) {
        const command = line.slice(0, end)
        line = line.slice(end + 2)
        if (isMail) {
          if (command !== '.') continue
          isMail = false
          answer(socket, 'dot')
        } else if (/^(EHLO|MAIL|RCPT|DATA)/.test(command)) {
          const verb = command.slice(0, 4) as Phase
          isMail = verb === 'DATA' && phase !== 'DATA'
          answer(socket, verb)
        } else socket.write(command === 'QUIT' ? '221 bye\r\n' : '500 what\r\n')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function sent(port: number) {
  const smtp = { host: '127.0.0.1', port, security: 'none', user: null, password: null, name: null, ca: null } as const
  const deadlines = { connectMs: 5_000, greetingMs: 500, answerMs: 500, wholeMs: 5_000 }
  const mailer = smtpMailer({ smtp, from: 'Alibi <alibi@example.com>', name: 'host.example', deadlines })
  try {
    return await mailer.send(MAIL, new AbortController().signal)
  } catch (error) {
    if (!(error instanceof MailError)) throw error
    return [{ address: TO, accepted: false as const, error }]
  } finally {
    await mailer.close()
  }
}

const REPLIES: readonly (readonly [string, string | Buffer])[] = [
  ['nothing', ''],
  ['line ends alone', '\r\n\r\n\r\n'],
  ['a code beyond all codes', '999 yes\r\n'],
  ['a code that is none', 'OK\r\n'],
  ['a code without words', '5\r\n'],
  ['lines that never end', '250-more\r\n'.repeat(1_000)],
  ['a line of two hundred kilobytes', `550 ${'x'.repeat(200_000)}\r\n`],
  ['bytes that are no text', Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i * 37) % 256))],
  ['escape codes and turned writing', '550 \u001b[31m\u202e\u0000\u0085no\r\n'],
  ['a page', 'HTTP/1.1 400 Bad Request\r\n\r\n<html></html>\r\n'],
]

describe.for(['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'dot'] as const)('in place of its answer to %s', (phase) => {
  test.for(REPLIES)('%s', { timeout: 30_000 }, async ([, says]) => {
    const fates = await sent(await serverThat(phase, says))
    expect(fates).toHaveLength(1)
    const [fate] = fates
    if (fate === undefined) return
    expect(fate.accepted).toBe(false)
    if (fate.accepted) return
    expect(fate.error).toBeInstanceOf(MailError)
    expect(fate.error.message.length).toBeLessThanOrEqual(700)
    expect(fate.error.message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    // What was handed over and not answered may have been accepted: it is sent again only as it was.
    if (phase === 'dot' && !/^[45]\d\d/.test(String(says))) expect(fate.error.uncertain).toBe(true)
  })
})

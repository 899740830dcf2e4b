import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import PostalMime from 'postal-mime'
import { afterAll, afterEach, expect, test } from 'vitest'
import { fileMailer } from '../../src/adapters/maildir.ts'
import { compile } from '../../src/adapters/mime.ts'
import { smtpMailer } from '../../src/adapters/smtp.ts'
import type { SmtpDeadlines } from '../../src/adapters/smtp-session.ts'
import type { Smtp } from '../../src/config/config.ts'
import { asciiDomainOf } from '../../src/config/mailbox.ts'
import { renderEmail } from '../../src/email/render.ts'
import { notificationOf, PUNCTUAL, SAMPLES } from '../../src/email/samples.ts'
import { type Fate, type Mail, MailError, type Mailer } from '../../src/ports/mailer.ts'
import { type Mailbox, type MailboxOptions, startMailbox } from '../../src/sandbox/mailbox.ts'

/** Generous where a deadline must not be met, short where it must. */
const PATIENT: Partial<SmtpDeadlines> = { connectMs: 10_000, greetingMs: 10_000, answerMs: 10_000, wholeMs: 20_000 }
const FROM = 'Alibi <alibi@example.com>'
const NEVER = new AbortController().signal
const scratch = mkdtempSync(join(tmpdir(), 'alibi-smtp-'))

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

async function mailbox(options: MailboxOptions = {}): Promise<Mailbox> {
  const box = await startMailbox(options)
  closing.push(() => box.close())
  return box
}

function mailer(port: number, over: Partial<Smtp> = {}, deadlines: Partial<SmtpDeadlines> = {}, ca?: string): Mailer {
  const trusted = ca === undefined ? null : { path: 'cert.pem', pem: ca }
  const smtp: Smtp = { host: '127.0.0.1', port, security: 'none', user: null, password: null, name: null, ca: trusted, ...over }
  const name = smtp.name ?? 'alibi.example.com'
  const made = smtpMailer({ smtp, from: FROM, name, deadlines: { ...PATIENT, ...deadlines } })
  closing.push(() => made.close())
  return made
}

/** A server of raw lines, for what no decent one does. */
async function rawServer(talk: (line: Socket) => void): Promise<{ port: number; lines: Set<Socket> }> {
  const lines = new Set<Socket>()
  const server: Server = createServer((line) => {
    lines.add(line)
    line.on('error', () => undefined)
    line.once('close', () => lines.delete(line))
    talk(line)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    for (const line of lines) line.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, lines }
}

/** Answers each SMTP command by its name, until the message comes. */
function scripted(answers: Readonly<Record<string, string>>): (line: Socket) => void {
  return (line) => {
    line.write('220 scripted\r\n')
    line.on('data', (chunk) => {
      for (const command of String(chunk).split('\r\n')) {
        const verb = Object.keys(answers).find((start) => command.startsWith(start))
        if (verb !== undefined) line.write(`${answers[verb]}\r\n`)
      }
    })
  }
}
const POLITE = { EHLO: '250 scripted', 'MAIL FROM': '250 ok', 'RCPT TO': '250 ok', DATA: '354 go on', QUIT: '221 bye' }

const first = renderEmail(notificationOf(SAMPLES.failing), PUNCTUAL)
const follow = renderEmail(notificationOf(SAMPLES.recovered), { ...PUNCTUAL, now: SAMPLES.recovered.at })

const failureOf = async (promise: Promise<unknown>): Promise<MailError> => {
  const error = await promise.then(
    (value) => expect.fail(`it went well: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(MailError)
  return error as MailError
}

/** The last certificate that was made. */
let made = ''
function certificate(subject: string, names: string, expired?: 'expired'): Readonly<{ key: string; cert: string }> {
  const key = join(scratch, 'key.pem')
  const cert = join(scratch, 'cert.pem')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const name = ['-subj', `/${subject}`, '-addext', `subjectAltName=${names}`]
  const request = join(scratch, 'request.pem')
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  openssl('req', '-new', ...curve, ...name, '-keyout', key, '-out', request)
  const days = expired === undefined ? '2' : '-1'
  openssl('x509', '-req', '-in', request, '-signkey', key, '-days', days, '-copy_extensions', 'copy', '-out', cert)
  made = readFileSync(cert, 'utf8')
  return { key: readFileSync(key, 'utf8'), cert: made }
}
const tls = certificate('CN=localhost', 'DNS:localhost,IP:127.0.0.1')

test('an email arrives as it was written', async () => {
  const box = await mailbox()
  const fates = await mailer(box.port).send(first, NEVER)
  expect(fates).toEqual([{ address: 'oncall@example.com', accepted: true, reply: '250 queued as 1' }])
  const [mail] = box.mails
  expect(mail?.envelope).toEqual({ from: 'alibi@example.com', to: ['oncall@example.com'] })
  const parsed = await PostalMime.parse(mail!.source)
  expect(parsed.from).toMatchObject({ name: 'Alibi', address: 'alibi@example.com' })
  expect(parsed.to).toMatchObject([{ address: 'oncall@example.com' }])
  expect(parsed.subject).toBe('[alibi] production: AWS Account trouble #a3f9')
  expect(parsed.messageId).toBe('<a3f9c0de51b27764.1.oncall@example.com>')
  expect(new Date(parsed.date!).getTime()).toBe(Math.floor(first.date / 1000) * 1000)
  expect(parsed.inReplyTo).toBeUndefined()
  expect(parsed.text).toBe(`${first.text}\n`)
  expect(parsed.html).toBe(`${first.html}\n`)
  expect(mail?.headers).toMatchObject({
    'x-alibi-kind': 'failing',
    'x-alibi-incident': 'a3f9c0de51b27764',
    'x-alibi-monitor': 'production',
    'auto-submitted': 'auto-generated',
    'x-auto-response-suppress': 'All',
    'list-id': 'Alibi <alibi.example.com>',
    'mime-version': '1.0',
  })
  expect(mail?.source).toMatch(/^Content-Type: multipart\/alternative;/m)
  expect(mail!.source.indexOf('text/plain')).toBeLessThan(mail!.source.indexOf('text/html'))
  expect(mail?.source.match(/Content-Transfer-Encoding: quoted-printable/g)).toHaveLength(2)
  expect(Math.max(...mail!.source.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998)
})

test('all headers and the envelope are ASCII, also of a sender in an internationalized domain', async () => {
  const from = 'Alibi <alibi@Bücher.example>'
  const mail = renderEmail({ ...notificationOf(SAMPLES.failing), messageId: `<a.1.b@${asciiDomainOf(from)}>` }, PUNCTUAL)
  const address = 'dienst@bücher.example'
  const message = await compile({ ...mail, to: [address], envelope: [address] }, from)
  expect(message.from).toBe('alibi@xn--bcher-kva.example')
  expect([...message.envelope]).toEqual([[address, 'dienst@xn--bcher-kva.example']])
  const [head = ''] = message.source.toString('utf8').split('\r\n\r\n', 1)
  expect(head).toMatch(/^[\x20-\x7e\r\n]+$/)
  expect(head).toContain('Message-ID: <a.1.b@xn--bcher-kva.example>')
  expect(head).toContain('List-ID: Alibi <alibi.xn--bcher-kva.example>')
})

test('a follow-up is in the thread of the first email', async () => {
  const box = await mailbox()
  await mailer(box.port).send(follow, NEVER)
  expect(box.mails[0]?.headers).toMatchObject({
    'in-reply-to': '<a3f9c0de51b27764.1.oncall@example.com>',
    references: '<a3f9c0de51b27764.1.oncall@example.com>',
  })
  expect(box.mails[0]?.subject).toBe('Re: [alibi] production: AWS Account trouble #a3f9')
})

test('an email without an HTML part is only text', async () => {
  const box = await mailbox()
  await mailer(box.port).send({ ...first, html: null }, NEVER)
  expect(box.mails[0]?.html).toBeNull()
  expect(box.mails[0]?.text).toBe(first.text)
  expect(box.mails[0]?.headers['content-type']).toMatch(/^text\/plain/)
})

// ---- Several addresses

const A = 'oncall@example.com'
const B = 'deputy@example.com'
const C = 'third@example.com'
const many = (...envelope: readonly string[]): Mail => ({ ...first, to: [A, B, C], envelope })
/** `accepted`, or what a failure is, with its words. */
const shown = (fates: readonly Fate[]) =>
  fates.map((fate) => {
    if (fate.accepted) return [fate.address, 'accepted', fate.reply]
    const { permanent, uncertain, session, crowded, message } = fate.error
    const is = uncertain ? 'uncertain' : session ? 'session' : crowded ? 'crowded' : permanent ? 'refused' : 'deferred'
    return [fate.address, is, message.replace(/^\S+:\d+, /, '')]
  })

test('one message goes to the whole envelope, and each address has a fate and the words of its own', async () => {
  const box = await mailbox({ refuse: { [B]: 550, [C]: 450 } })
  const fates = await mailer(box.port).send(many(A, B, C), NEVER)
  expect(shown(fates)).toEqual([
    [A, 'accepted', '250 queued as 1'],
    [B, 'refused', 'RCPT TO: 550 This recipient is refused'],
    [C, 'deferred', 'RCPT TO: 450 This recipient is refused'],
  ])
  expect(box.mails.map(({ envelope }) => envelope.to)).toEqual([[A]])
})

test('To names all, the envelope only those that are still owed it', async () => {
  const box = await mailbox()
  await mailer(box.port).send(many(B), NEVER)
  expect(box.mails[0]?.envelope.to).toEqual([B])
  expect(box.mails[0]?.headers['to']).toBe([A, B, C].join(', '))
})

test('where all are refused, each has its own fate', async () => {
  const box = await mailbox({ refuse: { [A]: 550, [B]: 451 } })
  expect(shown(await mailer(box.port).send(many(A, B), NEVER)).map(([, is]) => is)).toEqual(['refused', 'deferred'])
})

/** Answers each command by the first rule that fits, the message by what stands under `.`. */
async function ruled(rules: readonly (readonly [RegExp, string])[], pipelining: boolean): Promise<number> {
  const { port } = await rawServer((line) => {
    line.write('220 ruled\r\n')
    let data = false
    let rest = ''
    line.on('data', (chunk) => {
      rest += String(chunk)
      for (let end = rest.indexOf('\r\n'); end !== -1; end = rest.indexOf('\r\n')) {
        const command = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (data && command !== '.') continue
        if (command.startsWith('EHLO')) {
          line.write(pipelining ? '250-ruled\r\n250 PIPELINING\r\n' : '250 ruled\r\n')
          continue
        }
        const [, reply = '250 ok'] = rules.find(([fits]) => fits.test(command)) ?? []
        if (data) data = false
        else if (command === 'DATA') data = /^3/.test(reply)
        if (reply === 'break') line.destroy()
        else line.write(`${reply}\r\n`)
      }
    })
  })
  return port
}
const GO: readonly [RegExp, string] = [/^DATA/, '354 go on']

test.for<[string, readonly (readonly [RegExp, string])[], readonly (readonly string[])[]]>([
  [
    'DATA that is refused concerns those who were accepted',
    [
      [/RCPT TO:<deputy/, '450 4.2.0 greylisted'],
      [/^DATA/, '554 5.7.1 not today'],
    ],
    [
      [A, 'refused', 'DATA: 554 5.7.1 not today'],
      [B, 'deferred', 'RCPT TO: 450 4.2.0 greylisted'],
    ],
  ],
  [
    'so does the answer to the message',
    [[/RCPT TO:<deputy/, '550 5.1.1 unknown'], GO, [/^\.$/, '451 4.3.0 later']],
    [
      [A, 'deferred', 'after the final dot: 451 4.3.0 later'],
      [B, 'refused', 'RCPT TO: 550 5.1.1 unknown'],
    ],
  ],
  [
    'and a line that breaks after it',
    [[/RCPT TO:<deputy/, '550 5.1.1 unknown'], GO, [/^\.$/, 'break']],
    [
      [A, 'uncertain', 'after the final dot: Connection closed unexpectedly'],
      [B, 'refused', 'RCPT TO: 550 5.1.1 unknown'],
    ],
  ],
  [
    'a daily limit after the message is no refusal of it',
    [[/RCPT TO:<deputy/, '550 5.1.1 unknown'], GO, [/^\.$/, '550 5.4.5 Daily user sending quota exceeded']],
    [
      [A, 'session', 'after the final dot: 550 5.4.5 Daily user sending quota exceeded'],
      [B, 'refused', 'RCPT TO: 550 5.1.1 unknown'],
    ],
  ],
  [
    'one recipient too many may come at once',
    [[/RCPT TO:<deputy/, '452 4.5.3 too many recipients'], GO],
    [
      [A, 'accepted', '250 ok'],
      [B, 'crowded', 'RCPT TO: 452 4.5.3 too many recipients'],
    ],
  ],
  [
    'a server that goes away in the middle of it has said nothing',
    [[/RCPT TO:<deputy/, '421 4.3.2 shutting down'], GO],
    [
      [A, 'session', 'RCPT TO: 421 4.3.2 shutting down'],
      [B, 'session', 'RCPT TO: 421 4.3.2 shutting down'],
    ],
  ],
])('%s', async ([, rules, expected]) => {
  for (const pipelining of [false, true]) {
    const port = await ruled(rules, pipelining)
    const fates = await mailer(port).send(many(A, B), NEVER)
    const told = shown(fates).map(([address, is, words]) => [
      address,
      is,
      words?.replace(/^CONN|^RCPT TO|^DATA(?=: 421)/, (at) => (words.includes('421') ? 'RCPT TO' : at)),
    ])
    expect(told, pipelining ? 'pipelined' : 'one by one').toEqual(expected)
  }
})

test('a sender that is refused is refused for all, whatever is said to the recipients that follow', async () => {
  for (const pipelining of [false, true]) {
    const rules = [
      [/^MAIL/, '550 5.1.8 bad sender'],
      [/^RCPT|^DATA/, '503 5.5.1 need MAIL first'],
    ] as const
    const error = await failureOf(mailer(await ruled(rules, pipelining)).send(many(A, B), NEVER))
    expect([error.permanent, error.session, error.message.replace(/^\S+, /, '')]).toEqual([
      true,
      false,
      'MAIL FROM: 550 5.1.8 bad sender',
    ])
  }
})

test.for(['251 2.1.5 will forward', '252 cannot verify', '200 fine', '354 go on', '100 hm', 'what?'])(
  'only 250 says that a mail was taken: after `%s` nobody knows',
  async (reply) => {
    const port = await ruled([GO, [/^\.$/, reply]], true)
    const [fate] = await mailer(port)
      .send(many(A), NEVER)
      .catch((error: MailError) => [{ address: A, accepted: false as const, error }])
    expect(shown(fate === undefined ? [] : [fate])[0]?.slice(0, 2)).toEqual([A, 'uncertain'])
    expect(fate?.accepted === false && fate.error.message).toContain(reply)
  },
)

test('nothing smuggles a header or a recipient in', async () => {
  const box = await mailbox()
  const evil = 'x\r\nBcc: victim@example.com\r\n\r\n<b>hello</b>'
  await mailer(box.port).send(
    {
      ...first,
      subject: evil,
      messageId: '<a@example.com>\r\nX-Evil: 1',
      inReplyTo: '<b@example.com>\r\nX-Evil: 2',
      headers: { 'X-Alibi-Kind': `failing\r\nX-Evil: 3` },
    },
    NEVER,
  )
  const parsed = await PostalMime.parse(box.mails[0]!.source)
  expect(parsed.headers.map(({ key }) => key)).not.toEqual(expect.arrayContaining(['bcc']))
  expect(parsed.headers.some(({ key }) => key === 'x-evil')).toBe(false)
  expect(parsed.bcc).toBeUndefined()
  expect(box.mails[0]?.envelope.to).toEqual(['oncall@example.com'])
})

test('the one who cannot be addressed is refused for good, before any line is opened', async () => {
  const box = await mailbox()
  const error = await failureOf(mailer(box.port).send({ ...first, envelope: [] }, NEVER))
  expect(error).toMatchObject({ permanent: true, uncertain: false })
  expect(box.connections()).toBe(0)
})

// ---- TLS and login

test('STARTTLS is used, with a login', async () => {
  const box = await mailbox({ tls, auth: { user: 'alibi', password: 'hush' } })
  await mailer(box.port, { security: 'starttls', user: 'alibi', password: 'hush' }, {}, tls.cert).send(first, NEVER)
  expect(box.mails[0]?.secure).toBe(true)
})

test('TLS from the start', async () => {
  const box = await mailbox({ tls: { ...tls, implicit: true } })
  await mailer(box.port, { security: 'tls' }, {}, tls.cert).send(first, NEVER)
  expect(box.mails[0]?.secure).toBe(true)
})

test('a server without STARTTLS gets no email and no password', async () => {
  const box = await mailbox({ auth: { user: 'alibi', password: 'hush' } })
  const error = await failureOf(mailer(box.port, { security: 'starttls', user: 'alibi', password: 'hush' }).send(first, NEVER))
  expect(error).toMatchObject({ permanent: false, uncertain: false })
  expect(error.message).toMatch(/, STARTTLS: 5\d\d /)
  expect(box.mails).toEqual([])
})

test.for<[Smtp['security'], boolean]>([
  ['starttls', false],
  ['tls', true],
])('a certificate that nobody vouches for is refused (%s)', async ([security, implicit]) => {
  const box = await mailbox({ tls: { ...tls, implicit } })
  const error = await failureOf(mailer(box.port, { security }).send(first, NEVER))
  expect(error).toMatchObject({ permanent: false, uncertain: false })
  expect(error.message).toMatch(/self-signed certificate/)
  expect(box.mails).toEqual([])
})

test.for<[string, Smtp['security'], boolean]>([
  ['STARTTLS', 'starttls', false],
  ['TLS from the start', 'tls', true],
])('what the configuration can mend is named: %s', async ([, security, implicit]) => {
  const trouble = async (given: MailboxOptions, over: Partial<Smtp> = {}, ca?: string) =>
    (await failureOf(mailer((await mailbox(given)).port, { security, ...over }, {}, ca).verify(NEVER))).trouble
  const shown = { tls: { ...tls, implicit } }
  expect(await trouble(shown)).toBe('untrusted')
  expect(await trouble({ tls: { ...certificate('CN=elsewhere', 'DNS:elsewhere.example'), implicit } }, {}, made)).toBe('misnamed')
  expect(await trouble({ tls: { ...certificate('CN=old', 'IP:127.0.0.1', 'expired'), implicit } }, {}, made)).toBe('expired')
  const login = { user: 'alibi', password: 'pssst' }
  expect(await trouble({ ...shown, auth: { user: 'alibi', password: 'hush' } }, login, tls.cert)).toBe('login')
})

test('a server without STARTTLS is one', async () => {
  const box = await mailbox()
  expect((await failureOf(mailer(box.port, { security: 'starttls' }).verify(NEVER))).trouble).toBe('no-tls')
})

test('we introduce ourselves by the name that we are given', async () => {
  const heard: string[] = []
  const { port } = await rawServer((line) => {
    line.on('data', (chunk) => heard.push(String(chunk)))
    scripted(POLITE)(line)
  })
  await mailer(port, { name: 'relay.example.net' }).verify(NEVER)
  expect(heard[0]).toBe('EHLO relay.example.net\r\n')
})

test.for<[string, Record<string, string>]>([
  ['at once', { EHLO: '421 4.7.0 Try again later, closing connection. (EHLO)' }],
  ['at HELO as well', { EHLO: '550 5.7.1 no', HELO: '550 5.7.1 what a name' }],
  ['when the first recipient is named', { 'RCPT TO': '504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname' }],
])('a server that does not take our name says so %s', async ([, answers]) => {
  const { port } = await rawServer(scripted({ ...POLITE, ...answers }))
  const [fate] = await mailer(port)
    .send(first, NEVER)
    .catch((error: MailError) => [{ address: A, accepted: false as const, error }])
  expect(fate).toMatchObject({ accepted: false, error: { trouble: 'name', session: true, permanent: false } })
})

test('a rejected login says nothing about the email, and does not reveal the password', async () => {
  const box = await mailbox({ tls, auth: { user: 'alibi', password: 'hush' } })
  const error = await failureOf(
    mailer(box.port, { security: 'starttls', user: 'alibi', password: 'pssst' }, {}, tls.cert).send(first, NEVER),
  )
  expect(error).toMatchObject({ permanent: false, uncertain: false, session: true })
  expect(error.message).toContain(', login: 535')
  expect(error.message).not.toContain('pssst')
})

test.for<[string, Record<string, string>]>([
  ['a greeting', {}],
  ['EHLO and HELO', { EHLO: '550 5.7.1 no', HELO: '550 5.7.1 no' }],
  ['a login', { EHLO: '250-scripted\r\n250 AUTH PLAIN', AUTH: '535 5.7.8 Connection lost to authentication server' }],
  ['the day’s quota', { 'MAIL FROM': '550 5.4.5 Daily user sending quota exceeded' }],
])('a refusal of %s concerns the session, not the email', async ([what, answers]) => {
  const { port } = await rawServer(
    what === 'a greeting' ? (line) => void line.end('554 5.7.1 no service for you\r\n') : scripted({ ...POLITE, ...answers }),
  )
  const error = await failureOf(mailer(port, { user: what === 'a login' ? 'alibi' : null, password: 'hush' }).send(first, NEVER))
  expect(error).toMatchObject({ permanent: false, uncertain: false, session: true })
})

test('a server that quotes our login back does not bring it into the error', async () => {
  const password = 'correct horse'
  const quoted = Buffer.from(`\0alibi\0${password}`).toString('base64')
  const { port } = await rawServer(
    scripted({ ...POLITE, EHLO: '250-scripted\r\n250 AUTH PLAIN', AUTH: `535 what is "AUTH PLAIN ${quoted}" (${password})` }),
  )
  const error = await failureOf(mailer(port, { user: 'alibi', password }).send(first, NEVER))
  expect(error.message).toContain('what is "AUTH PLAIN [secret]" ([secret])')
  expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toMatch(new RegExp(`${password}|${quoted}`))
})

test('a login that the server does not offer is not left out', async () => {
  const { port } = await rawServer(scripted(POLITE))
  const error = await failureOf(mailer(port, { user: 'alibi', password: 'hush' }).send(first, NEVER))
  expect(error.message).toContain('the server offers no login')
})

// ---- What goes wrong, and what is known then

test.for<[string, MailboxOptions['mode'], { permanent: boolean; uncertain: boolean }, RegExp]>([
  ['4xx is tried again', 'deferring', { permanent: false, uncertain: false }, /, RCPT TO: 451 .*Greylisted, try again later/],
  ['5xx is not', 'rejecting', { permanent: true, uncertain: false }, /, RCPT TO: 550 .*Mailbox unavailable/],
  ['nobody listens', 'down', { permanent: false, uncertain: false }, /, connecting: .*ECONNREFUSED/],
  [
    'the line breaks after the final dot',
    'dropping-after-dot',
    { permanent: false, uncertain: true },
    /, after the final dot: Connection closed/,
  ],
])('%s', async ([, mode, flags, message]) => {
  const box = await mailbox(mode === undefined ? {} : { mode })
  const [fate] = await mailer(box.port)
    .send(first, NEVER)
    .catch((error: MailError) => [{ address: A, accepted: false as const, error }])
  expect(fate).toMatchObject({ address: A, accepted: false, error: { ...flags, session: false } })
  expect(fate?.accepted === false && fate.error.message).toMatch(message)
})

test.for<[string, MailboxOptions['mode'], Partial<SmtpDeadlines>, boolean, RegExp]>([
  ['a server that never greets', 'hanging', { greetingMs: 200 }, false, /, greeting: no answer within the deadline/],
  ['one that never greets, by the deadline of the whole', 'hanging', { wholeMs: 200 }, false, /, greeting: not done within 0.2s/],
  [
    'one that never answers the message',
    'silent-in-data',
    { answerMs: 200 },
    true,
    /, after the final dot: no answer within the deadline/,
  ],
  [
    'one that never answers the message, by the deadline of the whole',
    'silent-in-data',
    { wholeMs: 300 },
    true,
    /, after the final dot: not done within 0.3s/,
  ],
])('%s is let go of', async ([, mode, deadlines, uncertain, message]) => {
  const box = await mailbox(mode === undefined ? {} : { mode })
  const error = await failureOf(mailer(box.port, {}, deadlines).send(first, NEVER))
  expect(error).toMatchObject({ permanent: false, uncertain })
  expect(error.message).toMatch(message)
  await expect.poll(() => box.connections()).toBe(0)
})

test('a server that drips a byte now and then is cut off by the deadline of the whole', async () => {
  const { port, lines } = await rawServer((line) => {
    line.write('220-')
    const drip = setInterval(() => line.write('x'), 20)
    line.once('close', () => clearInterval(drip))
  })
  const error = await failureOf(mailer(port, {}, { wholeMs: 300 }).send(first, NEVER))
  expect(error.message).toMatch(/, greeting: not done within 0.3s/)
  await expect.poll(() => lines.size).toBe(0)
})

test.for<[Smtp['security']]>([['starttls'], ['tls']])(
  'a TLS handshake that stands still is let go of (%s)',
  async ([security]) => {
    const { port, lines } = await rawServer(
      security === 'tls' ? (line) => void line.resume() : scripted({ ...POLITE, STARTTLS: '220 go on' }),
    )
    const error = await failureOf(mailer(port, { security }, { wholeMs: 300 }).send(first, NEVER))
    expect(error).toMatchObject({ permanent: false, uncertain: false })
    expect(error.message).toMatch(security === 'tls' ? /, connecting: not done within/ : /, STARTTLS: not done within/)
    await expect.poll(() => lines.size).toBe(0)
  },
)

test('a line that breaks before the message was asked for: it is certain that it was not sent', async () => {
  const { port } = await rawServer((line) => {
    line.write('220 scripted\r\n')
    line.on('data', (chunk) => {
      const text = String(chunk)
      if (text.startsWith('EHLO')) line.write('250 scripted\r\n')
      else if (text.startsWith('DATA')) line.destroy()
      else line.write('250 ok\r\n')
    })
  })
  const error = await failureOf(mailer(port).send(first, NEVER))
  expect(error).toMatchObject({ permanent: false, uncertain: false })
  expect(error.message).toMatch(/, DATA: /)
})

test.for<[string, Record<string, string>, boolean, RegExp]>([
  ['a 5xx to the sender', { 'MAIL FROM': '553 not you' }, true, /, MAIL FROM: 553 not you$/],
  ['a 421 to the sender', { 'MAIL FROM': '421 closing' }, false, /, MAIL FROM: 421 closing$/],
  ['a 5xx to DATA', { DATA: '554 no' }, true, /, DATA: 554 no$/],
])('%s is a reply, and known for certain', async ([, answers, permanent, message]) => {
  const { port } = await rawServer(scripted({ ...POLITE, ...answers }))
  const error = await failureOf(mailer(port).send(first, NEVER))
  expect(error).toMatchObject({ permanent, uncertain: false })
  expect(error.message).toMatch(message)
})

test.for<[string, boolean]>([
  ['552 too big', true],
  ['451 later', false],
])('%s after the final dot is a reply, and known for certain', async ([answer, permanent]) => {
  const { port } = await rawServer((line) => {
    line.write('220 scripted\r\n')
    let data = false
    line.on('data', (chunk) => {
      const text = String(chunk)
      if (data) {
        if (text.endsWith('\r\n.\r\n')) line.write(`${answer}\r\n`)
      } else if (text.startsWith('DATA')) {
        data = true
        line.write('354 go on\r\n')
      } else line.write('250 ok\r\n')
    })
  })
  const error = await failureOf(mailer(port).send(first, NEVER))
  expect(error).toMatchObject({ permanent, uncertain: false })
  expect(error.message).toContain(`, after the final dot: ${answer}`)
})

test('being shut down closes the line at once', async () => {
  const box = await mailbox({ mode: 'silent-in-data' })
  const stop = new AbortController()
  const sending = failureOf(mailer(box.port).send(first, stop.signal))
  await expect.poll(() => box.connections()).toBe(1)
  stop.abort()
  const error = await sending
  expect(error.permanent).toBe(false)
  expect(error.message).toContain('given up')
  await expect.poll(() => box.connections()).toBe(0)
})

test('a mailbox that was down takes mail on the same port when it is back', async () => {
  const box = await mailbox({ mode: 'down' })
  const sender = mailer(box.port)
  await failureOf(sender.send(first, NEVER))
  await box.setMode('up')
  await sender.send(first, NEVER)
  expect((await box.waitFor(({ headers }) => headers['x-alibi-kind'] === 'failing', 5_000)).messageId).toBe(first.messageId)
})

test('no connection stays open after an email', async () => {
  const box = await mailbox()
  await mailer(box.port).send(first, NEVER)
  await expect.poll(() => box.connections()).toBe(0)
})

test('verify logs in and out and sends nothing', async () => {
  const box = await mailbox({ tls, auth: { user: 'alibi', password: 'hush' } })
  const given = { security: 'starttls', user: 'alibi' } as const
  const said = await mailer(box.port, { ...given, password: 'hush' }, {}, tls.cert).verify(NEVER)
  expect(said).toBe(`127.0.0.1:${box.port} answers over TLS, login accepted`)
  const error = await failureOf(mailer(box.port, { ...given, password: 'wrong' }, {}, tls.cert).verify(NEVER))
  expect(error).toMatchObject({ permanent: false, session: true, trouble: 'login' })
  expect(box.mails).toEqual([])
})

// ---- The same, into files

test('an email becomes a file with the same message', async () => {
  const directory = join(scratch, 'mail', 'out')
  const fates = await fileMailer({ directory, from: FROM }).send({ ...first, to: [A, B], envelope: [A, B] }, NEVER)
  const [name] = readdirSync(directory)
  expect(name).toMatch(/^20260304T115848Z-a3f9c0de51b27764\.1\.oncall-example\.com-[0-9a-f]{8}\.eml$/)
  const reply = `written to ${join(directory, name!)}`
  expect(fates).toEqual([A, B].map((address) => ({ address, accepted: true, reply })))
  const parsed = await PostalMime.parse(readFileSync(join(directory, name!)))
  expect([parsed.messageId, parsed.subject, parsed.text, parsed.html]).toEqual([
    first.messageId,
    first.subject,
    `${first.text}\n`,
    `${first.html}\n`,
  ])
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  expect(statSync(join(directory, name!)).mode & 0o777).toBe(0o600)
})

test('the same email replaces its earlier file, another one does not', async () => {
  const directory = join(scratch, 'again')
  const files = fileMailer({ directory, from: FROM })
  const twin: Mail = { ...first, messageId: first.messageId.replace('@', '+') }
  await files.send(first, NEVER)
  await files.send({ ...first, text: 'the second time' }, NEVER)
  await files.send(twin, NEVER)
  const names = readdirSync(directory)
  expect(names).toHaveLength(2)
  const texts = await Promise.all(
    names.map(async (name) => (await PostalMime.parse(readFileSync(join(directory, name)))).text?.trim()),
  )
  expect(texts).toContain('the second time')
})

test('a Message-ID cannot lead out of the directory', async () => {
  const directory = join(scratch, 'inside')
  await fileMailer({ directory, from: FROM }).send({ ...first, messageId: '<../../../etc/evil\0@x>' }, NEVER)
  expect(readdirSync(directory)).toHaveLength(1)
})

test('a directory that cannot be made is said, and leaves nothing behind', async () => {
  const file = join(scratch, 'a-file')
  writeFileSync(file, '')
  const error = await failureOf(fileMailer({ directory: join(file, 'below'), from: FROM }).send(first, NEVER))
  expect(error).toMatchObject({ permanent: false, uncertain: false })
  expect(error.message).toMatch(/^writing to .*(ENOTDIR|EEXIST)/)
})

test('files can be verified without leaving any', async () => {
  const directory = join(scratch, 'verified')
  mkdirSync(directory)
  expect(await fileMailer({ directory, from: FROM }).verify(NEVER)).toBe(`${directory} can be written`)
  expect(readdirSync(directory)).toEqual([])
})

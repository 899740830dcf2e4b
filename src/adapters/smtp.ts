import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Smtp } from '../config/config.ts'
import { fieldOf, messageOfThrown, readThrown } from '../domain/thrown.ts'
import { type Fate, type Mail, MailError, type Mailer, type MailTrouble } from '../ports/mailer.ts'
import { compile, type Message } from './mime.ts'
import { createRedaction, type Redaction } from './redaction.ts'
import { codeOf, type Phase, type Refusal, refusalOf } from './smtp-reply.ts'
import { SmtpWatch } from './smtp-watch.ts'

/** How long each part of a session may take, in milliseconds. */
export type SmtpDeadlines = Readonly<{
  /** Name, line and TLS until the server has greeted and STARTTLS is done. */
  connectMs: number
  /** From the line's being there to the greeting; and a STARTTLS handshake. */
  greetingMs: number
  /** Without a byte from the server. A mail that is scanned before it is accepted takes a while. */
  answerMs: number
  /** All of it: a server that drips a byte now and then is cut off here. */
  wholeMs: number
}>

const SMTP_DEADLINES: SmtpDeadlines = { connectMs: 20_000, greetingMs: 15_000, answerMs: 60_000, wholeMs: 120_000 }

/** For the server's farewell, after the mail was accepted; nobody waits for it. */
const QUIT_MS = 2_000
const MAX_REPLY_BYTES = 64 * 1024
const MAX_SHOWN = 500
/** What a refusal is about stands at its beginning. */
const MAX_READ = 2_000

export type SmtpOptions = Readonly<{
  smtp: Smtp
  /** `mail.from`; its address is the envelope's sender too. */
  from: string
  /** What we introduce ourselves as. */
  name: string
  /** Not to be seen in what is said of a failure, beside the password; left out: none. */
  secrets?: readonly string[]
  deadlines?: Partial<SmtpDeadlines>
}>

/** One connection a mail; nothing is kept open between two. */
export function smtpMailer({ smtp, from, name, secrets = [], deadlines }: SmtpOptions): Mailer {
  const limit = { ...SMTP_DEADLINES, ...deadlines }
  const open = new Set<SMTPConnection>()
  const where = `${smtp.host}:${smtp.port}`
  const { clean } = redactionOf(smtp, secrets)

  /** Opens a session, logs in where a user is given, does `work`, and lets go of the line whatever happens. */
  async function session<T>(signal: AbortSignal, watch: SmtpWatch, work: (line: SMTPConnection) => Promise<T>): Promise<T> {
    if (signal.aborted) throw failure(new Error('given up before it began'), watch, where, clean)
    const connection = new SMTPConnection({
      host: smtp.host,
      port: smtp.port,
      secure: smtp.security === 'tls',
      requireTLS: smtp.security === 'starttls',
      ignoreTLS: smtp.security === 'none',
      name,
      connectionTimeout: limit.connectMs,
      dnsTimeout: limit.connectMs,
      greetingTimeout: limit.greetingMs,
      socketTimeout: limit.answerMs,
      // A socket is destroyed when it is let go of: a server that never closes its side would keep it for ever.
      socketCloseTimeout: 0,
      maxResponseSize: MAX_REPLY_BYTES,
      tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(smtp.ca === null ? {} : { ca: smtp.ca.pem }) },
      logger: watch.logger,
      transactionLog: true,
    })
    open.add(connection)
    const broken = Promise.withResolvers<never>()
    // Lost after the race is over, a line is nobody's business any more.
    broken.promise.catch(() => undefined)
    connection.on('error', broken.reject)
    // A refusal closes the line first and reports after that: the report says more.
    connection.once('end', () => setImmediate(() => broken.reject(new Error('the server closed the line'))))
    const onAbort = () => broken.reject(new Error('given up: we are shutting down'))
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(() => broken.reject(new Error(`not done within ${limit.wholeMs / 1000}s`)), limit.wholeMs)
    let well = false
    try {
      const value = await Promise.race([run(connection, () => work(connection)), broken.promise])
      well = true
      return value
    } catch (error) {
      throw failure(error, watch, where, clean)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      if (well) farewell(connection)
      else letGo(connection)
    }
  }

  async function run<T>(connection: SMTPConnection, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())))
    if (smtp.user !== null) {
      if (!connection.allowsAuth) throw new Error('the server offers no login')
      const auth = { user: smtp.user, pass: smtp.password ?? '' }
      await new Promise<void>((resolve, reject) => connection.login(auth, (error) => (error ? reject(error) : resolve())))
    }
    return await work()
  }

  function letGo(connection: SMTPConnection): void {
    open.delete(connection)
    connection.close()
  }

  function farewell(connection: SMTPConnection): void {
    const timer = setTimeout(() => letGo(connection), QUIT_MS)
    timer.unref()
    connection.once('end', () => {
      clearTimeout(timer)
      open.delete(connection)
    })
    connection.quit()
  }

  /** Whom the server refused has a fate of their own; `others` is that of those to whom it did not. */
  function fatesOf({ envelope }: Message, watch: SmtpWatch, others: (address: string) => Fate): readonly Fate[] {
    return [...envelope].map(([address, recipient]) => {
      const reply = watch.replyTo(recipient)
      if (reply === null || isAccepted(reply)) return others(address)
      return { address, accepted: false, error: refused('RCPT TO', reply, where, clean) }
    })
  }

  function afterTheDot(address: string, reply: string): Fate {
    const said = shown(clean(reply))
    if (codeOf(reply) === 250) return { address, accepted: true, reply: said }
    // Nothing else is an acceptance here (RFC 5321, 4.3.2), nor is it a refusal.
    const message = `${where}, after the final dot: neither accepted nor refused: ${said}`
    return { address, accepted: false, error: new MailError(message, { permanent: false, uncertain: true }) }
  }

  return {
    async send(mail: Mail, signal: AbortSignal): Promise<readonly Fate[]> {
      const message = await compiled(mail, from)
      const watch = new SmtpWatch()
      try {
        const reply = await session(signal, watch, (connection) => transfer(connection, watch, message))
        return fatesOf(message, watch, (address) => afterTheDot(address, reply))
      } catch (error) {
        if (!(error instanceof MailError)) throw error
        const fates = fatesOf(message, watch, (address) => ({ address, accepted: false, error }))
        // A refused sender is refused for all, whatever the server says to the recipients that follow.
        if (watch.senderRefused || fates.every((fate) => !fate.accepted && fate.error === error)) throw error
        return fates
      }
    },

    async verify(signal: AbortSignal): Promise<string> {
      return session(signal, new SmtpWatch(), async (connection) => {
        const line = connection.secure ? 'over TLS' : 'without TLS'
        return `${where} answers ${line}${smtp.user === null ? '' : ', login accepted'}`
      })
    },

    async close(): Promise<void> {
      for (const connection of [...open]) letGo(connection)
    },
  }
}

async function compiled(mail: Mail, from: string): Promise<Message> {
  try {
    return await compile(mail, from)
  } catch (error) {
    // It would fail in the same way for ever: kept and shown, not tried again.
    throw new MailError(`the message cannot be made: ${shown(messageOfThrown(error))}`, {
      permanent: true,
      uncertain: false,
      cause: error,
    })
  }
}

/** Resolves to the server's answer to the message. */
function transfer(connection: SMTPConnection, watch: SmtpWatch, { from, envelope, source }: Message): Promise<string> {
  // Read only once the server has asked for it, so that its end says: all is handed over.
  const body = Readable.from([source])
  body.once('end', () => watch.handOver())
  return new Promise((resolve, reject) => {
    connection.send({ from, to: [...new Set(envelope.values())], size: source.length }, body, (error, info) => {
      if (error) reject(error)
      else resolve(String(info?.response ?? ''))
    })
  })
}

function isAccepted(reply: string): boolean {
  return /^2\d\d/.test(reply)
}

/** What nodemailer says of a failure, each field of the type that it should have. */
type Told = Readonly<{
  message: string
  code: string
  command: string
  /** The server's words; `null` where it did not answer. */
  response: string | null
  /** It said something, be it nothing that can be read. */
  isReply: boolean
  originalCode: string
}>

function toldBy(error: unknown): Told {
  const text = (key: string) => {
    const value = fieldOf(error, key)
    return typeof value === 'string' ? value : ''
  }
  const message = messageOfThrown(error)
  const answered = typeof fieldOf(error, 'responseCode') === 'number'
  return {
    message,
    code: readThrown(error).code,
    command: text('command'),
    response: answered ? text('response') || message : null,
    isReply: text('response') !== '',
    originalCode: text('originalCode'),
  }
}

/**
 * Says in which phase it failed and what the server replied. A reply is an answer: it is never uncertain. No cause is passed on:
 * the library's error may quote what we sent.
 */
function failure(error: unknown, watch: SmtpWatch, where: string, clean: Clean): MailError {
  const told = toldBy(error)
  const phase = phaseOf(told, watch)
  if (told.response !== null) return refused(phase, told.response, where, clean)
  // What the library itself will not send, it will not send tomorrow. What it cannot read of a server is another matter.
  const permanent =
    !told.isReply && (told.code === 'EENVELOPE' || told.code === 'EMESSAGE' || (told.code === 'EAUTH' && told.command === 'API'))
  const what = silence(told)
  const trouble = CERTIFICATE.find(([words]) => words.test(what))?.[1] ?? null
  return new MailError(`${where}, ${phase}: ${shown(clean(what))}`, {
    permanent,
    uncertain: watch.handedOver,
    // Whom we do not trust has no session with us either.
    session: trouble !== null,
    trouble,
  })
}

type Clean = (text: string) => string

/** What a reply that is no acceptance comes to. */
function refused(phase: string, reply: string, where: string, clean: Clean): MailError {
  const said = shown(clean(reply))
  const meaning: Refusal = refusalOf(reply.slice(0, MAX_READ), PHASES[phase] ?? 'session')
  const after = phase === FINAL_DOT && !/^[45]\d\d/.test(reply)
  return new MailError(`${where}, ${phase}: ${said}`, {
    ...meaning,
    // After the message only 4xx and 5xx say that it was not taken.
    uncertain: after,
    trouble: troubleOf(phase, said),
  })
}

const FINAL_DOT = 'after the final dot'
/** Every other phase comes before the mail is spoken of. */
const PHASES: Readonly<Record<string, Phase>> = {
  'MAIL FROM': 'sender',
  'RCPT TO': 'recipient',
  DATA: 'data',
  [FINAL_DOT]: 'final dot',
}

/** By the words of OpenSSL: of a handshake after STARTTLS the library passes on no code. */
const CERTIFICATE: readonly (readonly [RegExp, MailTrouble])[] = [
  [
    /self[- ]signed certificate|unable to (?:get|verify) .{0,40}\b(?:issuer|first|local)|certificate.{0,40}not trusted/i,
    'untrusted',
  ],
  [/certificate has expired|certificate is not yet valid/i, 'expired'],
  [/does not match certificate|altnames|hostname\/IP/i, 'misnamed'],
]
/** Postfix and Exim look at our name when the first recipient is named, and say so then. */
const OUR_NAME = /\b(?:helo|ehlo)\b/i

function troubleOf(phase: string, what: string): MailTrouble | null {
  if (phase === 'EHLO' || phase === 'HELO') return 'name'
  if (phase === 'login') return 'login'
  if (phase === 'STARTTLS') return 'no-tls'
  return OUR_NAME.test(what) ? 'name' : null
}

function phaseOf(told: Told, watch: SmtpWatch): string {
  const { command } = told
  if (command === '' || command === 'CONN' || command === 'API') return told.code === 'EAUTH' ? 'login' : watch.phase
  if (command.startsWith('AUTH')) return 'login'
  return command === 'DATA' && told.code === 'EMESSAGE' ? FINAL_DOT : command
}

function silence(told: Told): string {
  if (told.code === 'ETIMEDOUT') return 'no answer within the deadline'
  const code = told.originalCode
  return code === '' || told.message.includes(code) ? told.message : `${told.message} (${code})`
}

/** Some servers quote the line that they refuse: a login as it was sent, in base64. */
function redactionOf({ user, password }: Smtp, secrets: readonly string[]): Redaction {
  const login = password === null || password === '' ? [] : [password, `\0${user ?? ''}\0${password}`]
  return createRedaction([...secrets, ...login, ...login.map((text) => Buffer.from(text).toString('base64'))])
}

function shown(text: string): string {
  return text
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, MAX_SHOWN)
}

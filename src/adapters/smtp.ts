import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Smtp } from '../config/config.ts'
import { fieldOf, messageOfThrown, readThrown } from '../domain/thrown.ts'
import { type Mail, MailError, type Mailer, type MailTrouble, type Receipt } from '../ports/mailer.ts'
import { compile, type Message } from './mime.ts'
import { createRedaction, type Redaction } from './redaction.ts'

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

export const SMTP_DEADLINES: SmtpDeadlines = { connectMs: 20_000, greetingMs: 15_000, answerMs: 60_000, wholeMs: 120_000 }

/** For the server's farewell, after the mail was accepted; nobody waits for it. */
const QUIT_MS = 2_000
const MAX_REPLY_BYTES = 64 * 1024
const MAX_SHOWN = 500

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
  async function session<T>(signal: AbortSignal, work: (connection: SMTPConnection, watch: Watch) => Promise<T>): Promise<T> {
    const watch = new Watch()
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
      const value = await Promise.race([run(connection, () => work(connection, watch)), broken.promise])
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

  return {
    async send(mail: Mail, signal: AbortSignal): Promise<Receipt> {
      const message = await compiled(mail, from)
      return session(signal, (connection, watch) => transfer(connection, watch, message))
    },

    async verify(signal: AbortSignal): Promise<string> {
      return session(signal, async (connection) => {
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

function transfer(connection: SMTPConnection, watch: Watch, { from, to, source }: Message): Promise<Receipt> {
  // Read only once the server has asked for it, so that its end says: all is handed over.
  const body = Readable.from([source])
  body.once('end', () => watch.handOver())
  return new Promise((resolve, reject) => {
    connection.send({ from, to: [...to], size: source.length }, body, (error, info) => {
      if (error) reject(error)
      else if (info) resolve({ reply: shown(String(info.response)), rejected: info.rejected })
    })
  })
}

/** Where a session stands: the oldest command that has no answer yet. */
class Watch {
  /** The message is out of our hands up to its last byte: from here on it may have been accepted. */
  handedOver = false
  #waiting: string[] = ['connecting']
  #last = 'connecting'

  /** nodemailer's transaction log, the one place where it tells what it does. Logins come masked, and only the verb is kept. */
  readonly logger = {
    log: (entry: { tnx?: string; localAddress?: string }, message: unknown) => {
      if (entry.tnx === 'network' && entry.localAddress !== undefined) this.#waiting = ['greeting']
      if (entry.tnx === 'client') this.#asked(String(message))
      if (entry.tnx === 'server') this.#last = this.#waiting.shift() ?? this.#last
    },
  }

  get phase(): string {
    return this.#waiting[0] ?? this.#last
  }

  handOver(): void {
    this.handedOver = true
    this.#waiting = ['after the final dot']
  }

  #asked(command: string): void {
    const verb = /^(EHLO|HELO|STARTTLS|AUTH|MAIL FROM|RCPT TO|DATA|QUIT)\b/.exec(command)?.[1]
    // Within a login the lines have no verb of their own.
    this.#waiting.push(verb === undefined || verb === 'AUTH' ? 'login' : verb)
  }
}

/** What nodemailer says of a failure, each field of the type that it should have. */
type Told = Readonly<{
  message: string
  code: string
  command: string
  /** The server's words; `null` where it did not answer. */
  response: string | null
  permanent: boolean
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
    permanent: fieldOf(error, 'permanent') === true,
    originalCode: text('originalCode'),
  }
}

/**
 * Says in which phase it failed and what the server replied. A reply is an answer: it is never uncertain. Refused TLS is
 * transient (certificates are renewed, and a line on which STARTTLS is taken out may be another tomorrow); a refused login
 * with a 5xx is permanent. No cause is passed on: the library's error may quote what we sent.
 */
function failure(error: unknown, watch: Watch, where: string, clean: (text: string) => string): MailError {
  const told = toldBy(error)
  const phase = phaseOf(told, watch)
  const answered = told.response !== null
  const ours =
    !answered && (told.code === 'EENVELOPE' || told.code === 'EMESSAGE' || (told.code === 'EAUTH' && told.command === 'API'))
  const refused = told.permanent && phase !== 'STARTTLS' && phase !== 'EHLO'
  const what = told.response ?? silence(told)
  return new MailError(`${where}, ${phase}: ${shown(clean(what))}`, {
    permanent: ours || refused,
    uncertain: watch.handedOver && !answered,
    trouble: troubleOf(phase, what, answered),
  })
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

function troubleOf(phase: string, what: string, answered: boolean): MailTrouble | null {
  if (!answered) return CERTIFICATE.find(([words]) => words.test(what))?.[1] ?? null
  if (phase === 'EHLO' || phase === 'HELO') return 'name'
  if (phase === 'login') return 'login'
  if (phase === 'STARTTLS') return 'no-tls'
  return OUR_NAME.test(what) ? 'name' : null
}

function phaseOf(told: Told, watch: Watch): string {
  const { command } = told
  if (command === '' || command === 'CONN' || command === 'API') return told.code === 'EAUTH' ? 'login' : watch.phase
  if (command.startsWith('AUTH')) return 'login'
  return command === 'DATA' && told.code === 'EMESSAGE' ? 'after the final dot' : command
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

import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Smtp } from '../config/config.ts'
import type { Message } from './mime.ts'
import { failureOf, type Server } from './smtp-failure.ts'
import type { SmtpWatch } from './smtp-watch.ts'

/** How long each part of a session may take, in milliseconds. */
export type SmtpDeadlines = Readonly<{
  /** Name, connection and TLS until the server has greeted and STARTTLS is done. */
  connectMs: number
  /** From the connection to the greeting; and a STARTTLS handshake. */
  greetingMs: number
  /** Without a byte from the server. An email that is scanned before it is accepted takes a while. */
  answerMs: number
  /** The whole session: this is where a server that sends a byte now and then is disconnected. */
  wholeMs: number
}>

const SMTP_DEADLINES: SmtpDeadlines = { connectMs: 20_000, greetingMs: 15_000, answerMs: 60_000, wholeMs: 120_000 }

/** For the reply to QUIT after the email was accepted; nobody waits for it. */
const QUIT_MS = 2_000
const MAX_REPLY_BYTES = 64 * 1024

export type SessionOptions = Readonly<{
  smtp: Smtp
  /** What we introduce ourselves as. */
  name: string
  deadlines?: Partial<SmtpDeadlines>
}>

/** The sessions with one server: a connection each, and nothing is kept open between two. */
export class SmtpSessions {
  readonly #options: SessionOptions
  readonly #server: Server
  readonly #limit: SmtpDeadlines
  readonly #open = new Set<SMTPConnection>()

  constructor(options: SessionOptions, server: Server) {
    this.#options = options
    this.#server = server
    this.#limit = { ...SMTP_DEADLINES, ...options.deadlines }
  }

  /** Connects, logs in where a user is given, does `work`, and lets go of the connection whatever happens. @throws {MailError} */
  async run<T>(signal: AbortSignal, watch: SmtpWatch, work: (connection: SMTPConnection) => Promise<T>): Promise<T> {
    if (signal.aborted) throw failureOf(new Error('given up before it began'), watch, this.#server)
    const connection = this.#connection(watch)
    this.#open.add(connection)
    const broken = Promise.withResolvers<never>()
    // Once the race is over, a connection that is lost is nobody's business any more.
    broken.promise.catch(() => undefined)
    connection.on('error', broken.reject)
    // A refusal closes the connection first and reports after that: the report says more.
    connection.once('end', () => setImmediate(() => broken.reject(new Error('the server closed the line'))))
    const onAbort = () => broken.reject(new Error('given up: we are shutting down'))
    signal.addEventListener('abort', onAbort, { once: true })
    const { wholeMs } = this.#limit
    const timer = setTimeout(() => broken.reject(new Error(`not done within ${wholeMs / 1000}s`)), wholeMs)
    let isDone = false
    try {
      const value = await Promise.race([this.#begun(connection).then(() => work(connection)), broken.promise])
      isDone = true
      return value
    } catch (error) {
      throw failureOf(error, watch, this.#server)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      if (isDone) this.#farewell(connection)
      else this.#letGo(connection)
    }
  }

  close(): void {
    for (const connection of [...this.#open]) this.#letGo(connection)
  }

  #connection(watch: SmtpWatch): SMTPConnection {
    const { smtp, name } = this.#options
    const { connectMs, greetingMs, answerMs } = this.#limit
    return new SMTPConnection({
      host: smtp.host,
      port: smtp.port,
      secure: smtp.security === 'tls',
      requireTLS: smtp.security === 'starttls',
      ignoreTLS: smtp.security === 'none',
      name,
      connectionTimeout: connectMs,
      dnsTimeout: connectMs,
      greetingTimeout: greetingMs,
      socketTimeout: answerMs,
      // A socket is destroyed when it is let go of: a server that never closes its side would keep it forever.
      socketCloseTimeout: 0,
      maxResponseSize: MAX_REPLY_BYTES,
      tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(smtp.ca === null ? {} : { ca: smtp.ca.pem }) },
      logger: watch.logger,
      transactionLog: true,
    })
  }

  async #begun(connection: SMTPConnection): Promise<void> {
    const { user, password } = this.#options.smtp
    await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())))
    if (user === null) return
    if (!connection.allowsAuth) throw new Error('the server offers no login')
    const auth = { user, pass: password ?? '' }
    await new Promise<void>((resolve, reject) => connection.login(auth, (error) => (error ? reject(error) : resolve())))
  }

  #letGo(connection: SMTPConnection): void {
    this.#open.delete(connection)
    connection.close()
  }

  #farewell(connection: SMTPConnection): void {
    const timer = setTimeout(() => this.#letGo(connection), QUIT_MS)
    timer.unref()
    connection.once('end', () => {
      clearTimeout(timer)
      this.#open.delete(connection)
    })
    connection.quit()
  }
}

/** Resolves to the server's answer to the message. */
export function transfer(connection: SMTPConnection, watch: SmtpWatch, { from, envelope, source }: Message): Promise<string> {
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

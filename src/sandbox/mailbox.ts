import type { AddressInfo, Server, Socket } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'

/**
 * How the server behaves from now on:
 * `up` accepts; `deferring` answers 451 to each recipient; `rejecting` 550; `hanging` takes the line and never greets;
 * `silent-in-data` asks for the message and never answers it; `dropping-after-dot` accepts the message and breaks the line
 * instead of saying so; `no-login` refuses every login, as when its own directory is away; `down` refuses the line.
 */
type MailboxMode = 'up' | 'deferring' | 'rejecting' | 'hanging' | 'silent-in-data' | 'dropping-after-dot' | 'no-login' | 'down'

export type Caught = Readonly<{
  /** Epoch milliseconds of its arrival. */
  at: number
  envelope: Readonly<{ from: string; to: readonly string[] }>
  /** As it came over the wire. */
  source: string
  /** Name in lower case, last one wins. */
  headers: Readonly<Record<string, string>>
  subject: string
  messageId: string
  text: string
  html: string | null
  /** Whether it came over TLS. */
  secure: boolean
}>

export type MailboxOptions = Readonly<{
  port?: number
  mode?: MailboxMode
  /** Offers STARTTLS with these, or speaks TLS from the start. */
  tls?: Readonly<{ key: string; cert: string; implicit?: boolean }>
  /** Asks for a login. */
  auth?: Readonly<{ user: string; password: string }>
  /** Replies to single recipients, such as `550` for one that is unknown. */
  refuse?: Readonly<Record<string, number>>
  /** Takes so many recipients in one go, and asks for the others in another. */
  most?: number
  now?: () => number
}>

export type Mailbox = Readonly<{
  port: number
  url: string
  /** Oldest first; at most `MAX_MAILS`, the oldest go. */
  mails: readonly Caught[]
  mode(): MailboxMode
  setMode(mode: MailboxMode): Promise<void>
  /** Replies to single recipients from now on, in the place of those before. */
  setRefuse(refuse: Readonly<Record<string, number>>): void
  /** The first mail that fits, of those that are there or still come. Rejects after `deadlineMs`, naming what came instead. */
  waitFor(fits: (mail: Caught) => boolean, deadlineMs: number): Promise<Caught>
  /** Lines that are open now. */
  connections(): number
  close(): Promise<void>
}>

const MAX_MAILS = 500
const MAX_MESSAGE_BYTES = 1024 * 1024
const MAX_CLIENTS = 50
const IDLE_MS = 60_000

/** An SMTP server on loopback that keeps what it is sent: the demo's and the wire tests' mailbox. */
export async function startMailbox(options: MailboxOptions = {}): Promise<Mailbox> {
  const { tls, auth, most = Number.POSITIVE_INFINITY, now = Date.now } = options
  let { refuse = {} } = options
  const mails: Caught[] = []
  const waiting = new Set<(mail: Caught) => void>()
  let mode: MailboxMode = options.mode === 'down' ? 'up' : (options.mode ?? 'up')
  let listening: Listening | null = await listen(options.port ?? 0)
  const { port } = listening
  if (options.mode === 'down') await setMode('down')

  async function listen(at: number): Promise<Listening> {
    const server = new SMTPServer({
      ...(tls === undefined ? {} : { key: tls.key, cert: tls.cert, secure: tls.implicit === true }),
      disabledCommands: [
        ...(tls === undefined || tls.implicit === true ? ['STARTTLS'] : []),
        ...(auth === undefined ? ['AUTH'] : []),
      ],
      authOptional: auth === undefined,
      allowInsecureAuth: true,
      disableReverseLookup: true,
      banner: 'Alibi sandbox mailbox',
      logger: false,
      size: MAX_MESSAGE_BYTES,
      rejectOversized: true,
      maxClients: MAX_CLIENTS,
      socketTimeout: IDLE_MS,
      closeTimeout: 1,
      onConnect(_session, callback) {
        // Not calling back withholds the greeting.
        if (mode !== 'hanging') callback()
      },
      onAuth(given, _session, callback) {
        if (mode === 'no-login') callback(reply(535, '5.7.8 Connection lost to authentication server'))
        else if (auth !== undefined && given.username === auth.user && given.password === auth.password)
          callback(null, { user: given.username })
        else callback(reply(535, 'Authentication credentials invalid'))
      },
      onRcptTo({ address }, { envelope }, callback) {
        const code = refuse[address]
        if (mode === 'deferring') callback(reply(451, 'Greylisted, try again later'))
        else if (mode === 'rejecting') callback(reply(550, 'Mailbox unavailable'))
        else if (code !== undefined) callback(reply(code, 'This recipient is refused'))
        else if (envelope.rcptTo.length >= most) callback(reply(452, '4.5.3 Too many recipients'))
        else callback()
      },
      onData(stream, session, callback) {
        if (mode === 'silent-in-data') {
          stream.resume()
          return
        }
        void receive(stream, session).then(
          () => {
            if (mode === 'dropping-after-dot') drop(session)
            else callback(null, `queued as ${mails.length}`)
          },
          () => callback(reply(554, 'The message cannot be read')),
        )
      },
    })
    // Clients that go away at any moment are what this server is for.
    server.on('error', () => undefined)
    const lines = new Set<Socket>()
    server.server.on('connection', (line: Socket) => {
      lines.add(line)
      line.on('error', () => undefined)
      line.once('close', () => lines.delete(line))
    })
    const net = server.listen(at, '127.0.0.1') as Server
    await new Promise<void>((resolve, reject) => {
      net.once('listening', resolve)
      net.once('error', reject)
    })
    return { server, lines, port: (net.address() as AddressInfo).port }
  }

  /** The line itself, not what it stands on: to tear a TLS handshake down from below crashes Node 24 (smtp-server's close says so). */
  function drop(session: SMTPServerSession): void {
    for (const connection of listening?.server.connections ?? []) if (connection.id === session.id) connection._socket.destroy()
  }

  async function receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= MAX_MESSAGE_BYTES) chunks.push(chunk)
    }
    if (size > MAX_MESSAGE_BYTES) return
    const source = Buffer.concat(chunks)
    const mail = caught(source, await PostalMime.parse(source), session, now())
    mails.push(mail)
    if (mails.length > MAX_MAILS) mails.shift()
    for (const tell of [...waiting]) tell(mail)
  }

  async function stop(): Promise<void> {
    const was = listening
    listening = null
    if (was === null) return
    for (const connection of was.server.connections) if (!connection._upgrading) connection._socket.destroy()
    await new Promise<void>((resolve) => was.server.close(resolve))
  }

  async function setMode(next: MailboxMode): Promise<void> {
    mode = next
    if (next === 'down') await stop()
    else listening ??= await listen(port)
  }

  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    mails,
    mode: () => mode,
    setMode,
    setRefuse: (next) => {
      refuse = next
    },
    connections: () => listening?.lines.size ?? 0,
    close: stop,
    waitFor(fits, deadlineMs) {
      const there = mails.find(fits)
      if (there !== undefined) return Promise.resolve(there)
      return new Promise((resolve, reject) => {
        const done = () => {
          clearTimeout(timer)
          waiting.delete(tell)
        }
        const tell = (mail: Caught) => {
          if (!fits(mail)) return
          done()
          resolve(mail)
        }
        const timer = setTimeout(() => {
          done()
          const came = mails.slice(-10).map(({ subject, headers }) => `${headers['x-alibi-kind'] ?? '-'} "${subject}"`)
          reject(new Error(`no such mail within ${deadlineMs}ms; ${mails.length} came: ${came.join(', ')}`))
        }, deadlineMs)
        // Whoever gave up waiting must not be kept alive by it.
        timer.unref()
        waiting.add(tell)
      })
    },
  }
}

type Listening = Readonly<{ server: SMTPServer; lines: Set<Socket>; port: number }>

function caught(source: Buffer, parsed: Email, session: SMTPServerSession, at: number): Caught {
  const { mailFrom, rcptTo } = session.envelope
  return {
    at,
    envelope: { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address) },
    source: source.toString('utf8'),
    headers: Object.fromEntries(parsed.headers.map(({ key, value }) => [key, value])),
    subject: parsed.subject ?? '',
    messageId: parsed.messageId ?? '',
    text: parsed.text ?? '',
    html: parsed.html ?? null,
    secure: session.secure,
  }
}

function reply(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode })
}

type Command = Readonly<{ verb: string; recipient: string | null }>

const CONNECTING: Command = { verb: 'connecting', recipient: null }
const GREETING: Command = { verb: 'greeting', recipient: null }
const FINAL_DOT: Command = { verb: 'after the final dot', recipient: null }

/** Follows a session by nodemailer's transaction log, the only place where it reports what it does. */
export class SmtpWatch {
  /** The message is out of our hands up to its last byte: from here on it may have been accepted. */
  handedOver = false
  /** Commands without an answer yet, oldest first: with PIPELINING there are several. */
  #waiting: Command[] = [CONNECTING]
  #last = CONNECTING.verb
  /** The server rejected our sender: whatever it says to the recipients that follow is about that. */
  senderRefused = false
  readonly #recipients = new Map<string, string>()

  /** Logins come masked, and only the SMTP command is kept. */
  readonly logger = {
    log: (entry: { tnx?: string; localAddress?: string }, message: unknown) => {
      if (entry.tnx === 'network' && entry.localAddress !== undefined) this.#waiting = [GREETING]
      if (entry.tnx === 'client') this.#asked(String(message))
      if (entry.tnx === 'server') this.#answered(String(message))
    },
  }

  /** Where the session stands: the oldest command without an answer. */
  get phase(): string {
    return this.#waiting[0]?.verb ?? this.#last
  }

  /** What the server said to this recipient; `null` if it has said nothing. */
  replyTo(recipient: string): string | null {
    return this.#recipients.get(recipient) ?? null
  }

  handOver(): void {
    this.handedOver = true
    this.#waiting = [FINAL_DOT]
  }

  #asked(command: string): void {
    const verb = /^(EHLO|HELO|STARTTLS|AUTH|MAIL FROM|RCPT TO|DATA|QUIT)\b/.exec(command)?.[1]
    // Within a login, the lines have no SMTP command of their own.
    if (verb === undefined || verb === 'AUTH') this.#waiting.push({ verb: 'login', recipient: null })
    else this.#waiting.push({ verb, recipient: /^RCPT TO:<(.*)>/.exec(command)?.[1] ?? null })
  }

  #answered(reply: string): void {
    const command = this.#waiting.shift()
    if (command === undefined) return
    this.#last = command.verb
    if (command.verb === 'MAIL FROM' && !reply.startsWith('2')) this.senderRefused = true
    if (command.recipient !== null) this.#recipients.set(command.recipient, reply)
  }
}

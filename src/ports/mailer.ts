/** A mail as it leaves: rendered, for one recipient. */
export type Mail = Readonly<{
  messageId: string
  to: readonly string[]
  subject: string
  /** Plain text, always there. */
  text: string
  /** `null` when it could not be made: the mail goes out as text. */
  html: string | null
  /** A list that is too long for a letter: plain text, named by us. Left out where there is none. */
  attachment?: Readonly<{ name: string; text: string }>
  inReplyTo: string | null
  /** Further headers, such as `X-Alibi-Kind`. Names are ours; values hold no CR or LF. */
  headers: Readonly<Record<string, string>>
  /** Epoch milliseconds for the Date header. */
  date: number
}>

/** What the server answered when it accepted a mail, such as "250 2.0.0 Ok: queued as 4F1A2". */
export type Receipt = Readonly<{ reply: string; rejected: readonly string[] }>

export type Mailer = {
  /**
   * Resolves once the server has accepted the mail for at least one address.
   * @throws {MailError} and nothing else; within the mailer's own deadline.
   */
  send(mail: Mail, signal: AbortSignal): Promise<Receipt>
  /** Logs in and out without sending. @throws {MailError} */
  verify(signal: AbortSignal): Promise<string>
  close(): Promise<void>
}

/** What a person can mend in the configuration: the relay does not take our name, our login, or we do not trust its certificate. */
export type MailTrouble = 'name' | 'login' | 'untrusted' | 'expired' | 'misnamed' | 'no-tls'

/** The caller branches on `permanent` and `uncertain`; a person reads `message`, which names the phase and the server's reply. */
export class MailError extends Error {
  override readonly name = 'MailError'
  /** The server will say no again (5xx, refused login): kept and shown, not tried again by itself. */
  readonly permanent: boolean
  /** The message had been handed over when the line broke: it may have been accepted. */
  readonly uncertain: boolean
  /** `null`: nothing that the configuration could mend, as far as is known. */
  readonly trouble: MailTrouble | null
  constructor(
    message: string,
    options: { permanent: boolean; uncertain: boolean; trouble?: MailTrouble | null; cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.permanent = options.permanent
    this.uncertain = options.uncertain
    this.trouble = options.trouble ?? null
  }
}

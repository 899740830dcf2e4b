/** An email as it is sent: rendered, for one recipient. */
export type Mail = Readonly<{
  messageId: string
  /** The addresses that its `To` names. */
  to: readonly string[]
  /** Those of them that it is sent to this time: the others have it already, or are not due. */
  envelope: readonly string[]
  subject: string
  /** Plain text, always there. */
  text: string
  /** `null` if it could not be made: the email is sent as text. */
  html: string | null
  /** An attached list that is too long for the text: plain text, named by us. Left out if there is none. */
  attachment?: Readonly<{ name: string; text: string }>
  inReplyTo: string | null
  /** Further headers, such as `X-Alibi-Kind`. Names are ours; values hold no CR or LF. */
  headers: Readonly<Record<string, string>>
  /** Epoch milliseconds for the Date header. */
  date: number
}>

/** What the server did with an email for one address. */
export type Fate = Readonly<
  /** It is delivered: the server said 250 after the message, such as "250 2.0.0 Ok: queued as 4F1A2". */
  { address: string; accepted: true; reply: string } | { address: string; accepted: false; error: MailError }
>

export type Mailer = {
  /**
   * Resolves to what became of the email for each address of its envelope, in that order.
   * @throws {MailError} and nothing else, when it failed in the same way for all of them; within the mailer's own deadline.
   */
  send(mail: Mail, signal: AbortSignal): Promise<readonly Fate[]>
  /** Logs in and out without sending. @throws {MailError} */
  verify(signal: AbortSignal): Promise<string>
  close(): Promise<void>
}

/** What a person can mend in the configuration: the relay does not take our name, our login, or we do not trust its certificate. */
export type MailTrouble = 'name' | 'login' | 'untrusted' | 'expired' | 'misnamed' | 'no-tls'

export type MailFailure = Readonly<{
  /** The server will say no again to this sender, recipient or message: kept and shown, not tried again by itself. */
  permanent: boolean
  /** The message had been handed over when the line broke: it may have been accepted. */
  uncertain: boolean
  /** There was no session, or its sender may send no more for now: this says nothing about the email. */
  session?: boolean
  /** Too many recipients in one go: the next attempt need not wait. */
  crowded?: boolean
  trouble?: MailTrouble | null
  cause?: unknown
}>

/** The caller branches on the flags; a person reads `message`, which names the phase and the server's reply. */
export class MailError extends Error {
  override readonly name = 'MailError'
  readonly permanent: boolean
  readonly uncertain: boolean
  readonly session: boolean
  readonly crowded: boolean
  /** `null`: nothing that the configuration could mend, as far as is known. */
  readonly trouble: MailTrouble | null
  constructor(message: string, { permanent, uncertain, session = false, crowded = false, trouble = null, cause }: MailFailure) {
    super(message, { cause })
    this.permanent = permanent
    this.uncertain = uncertain
    this.session = session
    this.crowded = crowded
    this.trouble = trouble
  }
}

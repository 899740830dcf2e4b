import type { Smtp } from '../config/config.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import { type Fate, type Mail, MailError, type Mailer } from '../ports/mailer.ts'
import { compile, type Message } from './mime.ts'
import { createRedaction, type Redaction } from './redaction.ts'
import { refused, type Server, shown } from './smtp-failure.ts'
import { codeOf } from './smtp-reply.ts'
import { type SessionOptions, SmtpSessions, transfer } from './smtp-session.ts'
import { SmtpWatch } from './smtp-watch.ts'

export type SmtpOptions = SessionOptions &
  Readonly<{
    /** `mail.from`; its address is the envelope's sender too. */
    from: string
    /** Not to be seen in what is said of a failure, beside the password; left out: none. */
    secrets?: readonly string[]
  }>

/** One connection for each email. */
export function smtpMailer({ smtp, from, name, secrets = [], deadlines }: SmtpOptions): Mailer {
  const where = `${smtp.host}:${smtp.port}`
  const server: Server = { where, clean: redactionOf(smtp, secrets).clean }
  const sessions = new SmtpSessions({ smtp, name, ...(deadlines === undefined ? {} : { deadlines }) }, server)
  return {
    async send(mail: Mail, signal: AbortSignal): Promise<readonly Fate[]> {
      const message = await compiled(mail, from)
      const watch = new SmtpWatch()
      const fates = (others: (address: string) => Fate) => fatesOf(message, { watch, server, others })
      try {
        const reply = await sessions.run(signal, watch, (connection) => transfer(connection, watch, message))
        return fates((address) => afterTheDot(address, reply, server))
      } catch (error) {
        if (!(error instanceof MailError)) throw error
        const found = fates((address) => ({ address, accepted: false, error }))
        // A refused sender is refused for all, whatever the server says to the recipients that follow.
        if (watch.senderRefused || found.every((fate) => !fate.accepted && fate.error === error)) throw error
        return found
      }
    },

    async verify(signal: AbortSignal): Promise<string> {
      return sessions.run(signal, new SmtpWatch(), async (connection) => {
        const line = connection.secure ? 'over TLS' : 'without TLS'
        return `${where} answers ${line}${smtp.user === null ? '' : ', login accepted'}`
      })
    },

    async close(): Promise<void> {
      sessions.close()
    },
  }
}

type FatesOptions = Readonly<{ watch: SmtpWatch; server: Server; others: (address: string) => Fate }>

/** Whom the server refused has a fate of their own; `others` is that of those to whom it did not. */
function fatesOf({ envelope }: Message, { watch, server, others }: FatesOptions): readonly Fate[] {
  return [...envelope].map(([address, recipient]) => {
    const reply = watch.replyTo(recipient)
    if (reply === null || isAccepted(reply)) return others(address)
    return { address, accepted: false, error: refused('RCPT TO', reply, server) }
  })
}

function afterTheDot(address: string, reply: string, { where, clean }: Server): Fate {
  const said = shown(clean(reply))
  if (codeOf(reply) === 250) return { address, accepted: true, reply: said }
  // Nothing else is an acceptance here (RFC 5321, 4.3.2), nor is it a refusal.
  const message = `${where}, after the final dot: neither accepted nor refused: ${said}`
  return { address, accepted: false, error: new MailError(message, { permanent: false, uncertain: true }) }
}

function isAccepted(reply: string): boolean {
  return /^2\d\d/.test(reply)
}

async function compiled(mail: Mail, from: string): Promise<Message> {
  try {
    return await compile(mail, from)
  } catch (error) {
    // It would fail in the same way every time, so it is kept and shown, not retried.
    throw new MailError(`the message cannot be made: ${shown(messageOfThrown(error))}`, {
      permanent: true,
      uncertain: false,
      cause: error,
    })
  }
}

/** Some servers quote the line that they refuse: a login as it was sent, in base64. */
function redactionOf({ user, password }: Smtp, secrets: readonly string[]): Redaction {
  const login = password === null || password === '' ? [] : [password, `\0${user ?? ''}\0${password}`]
  return createRedaction([...secrets, ...login, ...login.map((text) => Buffer.from(text).toString('base64'))])
}

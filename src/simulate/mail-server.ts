import { type Mail, MailError, type Mailer, type Receipt } from '../ports/mailer.ts'
import type { Life } from './life.ts'
import type { SmtpState } from './scenario.ts'
import type { World } from './world.ts'

/** From the first packet to the handed-over message, and from there to the 250: a kill in between leaves a mail accepted and not recorded. */
const HAND_OVER_MS = 200
const REPLY_MS = 1_000
/** The real mailer waits so long for a greeting. */
const GREETING_MS = 15_000

export type MailServerOptions = Readonly<{
  life: Life
  /** How the server behaves at this moment. */
  state: () => SmtpState
  /** Called at the moment at which the server has taken the mail. */
  accepted: (mail: Mail) => void
}>

/** Sends to a virtual mail server. */
export function virtualMailer(world: World, { life, state, accepted }: MailServerOptions): Mailer {
  const transient = (message: string, uncertain = false) => new MailError(message, { permanent: false, uncertain })
  return {
    async send(mail, signal): Promise<Receipt> {
      if (state() === 'hanging') {
        await life.sleep(GREETING_MS, signal)
        throw transient(`greeting: nothing came within ${GREETING_MS / 1000}s`)
      }
      await life.sleep(HAND_OVER_MS, signal)
      if (signal.aborted) throw transient('given up before it was handed over')
      if (!world.networkUp) throw transient('connect: getaddrinfo EAI_AGAIN')
      switch (state()) {
        case 'down':
        case 'hanging':
          throw transient('connect: ECONNREFUSED')
        case 'deferring':
          throw transient('RCPT TO: 451 4.3.0 try again later')
        case 'rejecting':
          throw new MailError('RCPT TO: 550 5.7.1 not accepted here', { permanent: true, uncertain: false })
        case 'up':
          accepted(mail)
      }
      await life.sleep(REPLY_MS, signal)
      if (!world.networkUp || signal.aborted) throw transient('DATA: the line broke before the reply came', true)
      return { reply: '250 2.0.0 Ok: simulated', rejected: [] }
    },
    async verify() {
      if (!world.networkUp || state() !== 'up') throw transient('connect: ECONNREFUSED')
      return '220 simulated'
    },
    async close() {},
  }
}

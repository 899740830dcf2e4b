import { type Fate, type Mail, MailError, type Mailer, type MailFailure } from '../ports/mailer.ts'
import type { Life } from './life.ts'
import { isWhole, type SmtpState } from './scenario.ts'
import type { World } from './world.ts'

/** From the first packet to the end of the message, and from there to the 250: a kill in between leaves an email accepted and not recorded. */
const HAND_OVER_MS = 200
const REPLY_MS = 1_000
/** The real mailer waits this long for a greeting. */
const GREETING_MS = 15_000

export type MailServerOptions = Readonly<{
  life: Life
  /** How the server behaves at the moment. */
  state: () => SmtpState
  /** Called when the server has accepted the email for the addresses of its envelope. */
  accepted: (mail: Mail) => void
}>

/** Sends to a virtual mail server. */
export function virtualMailer(world: World, { life, state, accepted }: MailServerOptions): Mailer {
  const transient = (message: string, more: Partial<MailFailure> = {}) =>
    new MailError(message, { permanent: false, uncertain: false, ...more })
  const mood = () => {
    const now = state()
    return isWhole(now) ? now : 'up'
  }
  return {
    async send(mail, signal): Promise<readonly Fate[]> {
      if (mood() === 'hanging') {
        await life.sleep(GREETING_MS, signal)
        throw transient(`greeting: nothing came within ${GREETING_MS / 1000}s`)
      }
      await life.sleep(HAND_OVER_MS, signal)
      if (signal.aborted) throw transient('given up before it was handed over')
      if (!world.networkUp) throw transient('connect: getaddrinfo EAI_AGAIN')
      switch (mood()) {
        case 'down':
        case 'hanging':
          throw transient('connect: ECONNREFUSED')
        case 'no-login':
          throw transient('login: 535 5.7.8 authentication failed: the authentication server is away', { session: true })
        case 'deferring':
          throw transient('RCPT TO: 451 4.3.0 try again later')
        case 'rejecting':
          throw new MailError('RCPT TO: 550 5.7.1 not accepted here', { permanent: true, uncertain: false })
        case 'up':
          break
      }
      const refused = mail.envelope.flatMap((address) => refusalOf(address, state()))
      const taken = mail.envelope.filter((address) => !refused.some((fate) => fate.address === address))
      if (taken.length === 0) return refused
      accepted({ ...mail, envelope: taken })
      await life.sleep(REPLY_MS, signal)
      const isLost = !world.networkUp || signal.aborted
      const error = transient('DATA: the line broke before the reply came', { uncertain: true })
      const others = taken.map((address): Fate => {
        return isLost ? { address, accepted: false, error } : { address, accepted: true, reply: '250 2.0.0 Ok: simulated' }
      })
      return [...refused, ...others]
    },
    async verify() {
      if (!world.networkUp || mood() !== 'up') throw transient('connect: ECONNREFUSED')
      return '220 simulated'
    },
    async close() {},
  }
}

/** What the server says to a single address whose email it does not accept. */
function refusalOf(address: string, state: SmtpState): readonly Fate[] {
  if (isWhole(state)) return []
  const among = (addresses: readonly string[]) => addresses.some((one) => one.toLowerCase() === address.toLowerCase())
  const permanent = among(state.refuse)
  if (!permanent && !among(state.defer)) return []
  const said = permanent ? `550 5.1.1 <${address}>: user unknown` : `450 4.2.0 <${address}>: greylisted, try again later`
  return [{ address, accepted: false, error: new MailError(`RCPT TO: ${said}`, { permanent, uncertain: false }) }]
}

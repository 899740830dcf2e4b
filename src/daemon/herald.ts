import type { Notification } from '../domain/notification.ts'
import type { Delivery } from '../email/delivery.ts'
import type { Log } from '../ports/log.ts'
import type { Mail, Mailer } from '../ports/mailer.ts'
import type { Clock } from '../ports/time.ts'
import { fatesOf } from './fates.ts'

export type HeraldDeps = Readonly<{
  mailer: Mailer
  clock: Clock
  log: Log
  letter: (notification: Notification, delivery: Delivery) => Mail
}>

/** Reports what no disk can hold, because the disk is what fails: the only emails that are sent before anything of them is durable. */
export class Herald {
  private readonly deps: HeraldDeps
  /** The email that was sent, and to whom so far. */
  private readonly spoken = new Map<string, Readonly<{ mail: Mail | null; to: readonly string[] }>>()

  constructor(deps: HeraldDeps) {
    this.deps = deps
  }

  /** Once for each `key`, to those addresses that have not got it yet. */
  async speak(key: string, notifications: readonly Notification[], kill: AbortSignal): Promise<void> {
    const { mailer, clock, log, letter } = this.deps
    for (const notification of notifications) {
      const { id, kind, recipient, to } = notification
      const said = this.spoken.get(`${key} ${recipient}`) ?? { mail: null, to: [] }
      const envelope = to.filter((address) => !said.to.includes(address))
      if (envelope.length === 0) continue
      const worded = { attempts: 0, lateBecause: null, now: clock.now(), merged: null, refused: [] }
      // Those who get it later get what the others have.
      const mail = said.mail ?? letter(notification, worded)
      const fates = await fatesOf(mailer, { ...mail, envelope }, kill)
      const taken = fates.filter((fate) => fate.accepted)
      const isOut = said.mail !== null || fates.some((fate) => fate.accepted || fate.error.uncertain)
      this.spoken.set(`${key} ${recipient}`, {
        mail: isOut ? mail : null,
        to: [...said.to, ...taken.map(({ address }) => address)],
      })
      for (const fate of fates) {
        const fields = { id, kind, recipient, to: [fate.address] }
        if (fate.accepted) log.info('mail delivered', { ...fields, reply: fate.reply, recorded: false })
        else {
          const next = 'it is tried again while the disk cannot be written'
          log.error('failed to send email', { ...fields, error: fate.error.message, next })
        }
      }
    }
  }

  /** The disk can be written again: its next fault is reported again. */
  fallSilent(): void {
    this.spoken.clear()
  }
}

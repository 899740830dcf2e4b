import { messageIdOf, notificationId, selfAlertRecipients } from '../domain/audience.ts'
import type { Facts, Notification } from '../domain/notification.ts'
import { plainFacts } from '../domain/notify.ts'
import type { Instant, Monitor } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { Clock } from '../ports/time.ts'
import type { Engine } from './engine.ts'
import type { Herald } from './herald.ts'

/** A database that cannot be written for this long is reported by an email that it does not hold. */
const PATIENCE_MS = 30_000

export type DiskAlarmDeps = Readonly<{
  clock: Clock
  setup: Setup
  engine: Engine
  herald: Herald
  overrides: readonly string[]
  sender: (monitor: Monitor | null) => Facts['sentBy']
}>

/** The database cannot be written, so no new email can be queued: the recipients of self-alerts are notified of just that. */
export class DiskAlarm {
  private readonly deps: DiskAlarmDeps
  /** Since when, by the wall clock and on the monotonic one; `null` while it can be written. */
  private since: Readonly<{ at: Instant; monotonic: number }> | null = null

  constructor(deps: DiskAlarmDeps) {
    this.deps = deps
  }

  /** A beat of the main loop failed: reports it if the database is why, and has been for a while. */
  async raise(kill: AbortSignal): Promise<void> {
    const { clock, engine, herald } = this.deps
    const fault = engine.fault()
    if (fault === null) return
    this.since ??= { at: clock.now(), monotonic: clock.monotonic() }
    if (clock.monotonic() - this.since.monotonic < PATIENCE_MS) return
    await herald.speak('disk', this.notifications(fault, this.since.at), kill)
  }

  /** A beat came to its end: the database can be written. */
  clear(): void {
    this.since = null
    this.deps.herald.fallSilent()
  }

  private notifications(fault: string, since: Instant): readonly Notification[] {
    const { clock, setup, engine, overrides, sender } = this.deps
    const failing = [...engine.world().probes.values()].filter((state) => state.status !== 'ok').length
    const lines = [
      `Alibi cannot write its database, and what it cannot remember it does not announce: ${fault}`,
      `${failing} of ${setup.probes.size} probes did not answer as they should when last looked at. Mails that were owed before still leave.`,
    ]
    const subject = '[alibi] the database cannot be written'
    const context = { now: clock.now(), overrides, sender }
    const facts = plainFacts({ kind: 'misconfigured', reason: 'the database cannot be written', subject, lines }, context)
    return outsideTheStore({ ...facts, rule: 'self-alert' }, since, setup)
  }
}

/** Notifications that are on no disk: for the one thing that cannot be put there. */
function outsideTheStore(facts: Facts, since: Instant, setup: Setup): readonly Notification[] {
  return selfAlertRecipients(setup.recipients.values()).map(({ name: recipient, to }) => {
    const id = notificationId(`disk.${since}`, 1, recipient)
    const messageId = messageIdOf(id, setup.mailDomain)
    return {
      ...{ id, messageId, recipient, to, facts },
      kind: facts.kind,
      incident: null,
      thread: messageId,
      seq: 1,
      inReplyTo: null,
      createdAt: facts.at,
    }
  })
}

import { inWords } from '../domain/duration.ts'
import { addressee, isOpen } from '../domain/mailing.ts'
import type { Owed } from '../domain/notification.ts'
import { MINUTE_MS } from '../domain/probe.ts'
import { messageOfThrown } from '../domain/thrown.ts'
import type { Store } from '../ports/store.ts'
import type { Courier } from './courier.ts'
import type { Engine } from './engine.ts'
import type { Schedules } from './schedules.ts'

/** An email that has been undelivered for longer than this is stuck. */
const STUCK_AFTER_MS = 10 * MINUTE_MS

export type SelfCheckDeps = Readonly<{
  schedules: Schedules
  engine: Engine
  courier: Courier
  store: Pick<Store, 'outbox'>
}>

/** Why Alibi does not do its work, as `/healthz` and the heartbeat say it; empty while it does. */
export async function selfCheck({ schedules, engine, courier, store }: SelfCheckDeps): Promise<readonly string[]> {
  const reasons = [...schedules.reasons()]
  const fault = engine.fault()
  if (fault !== null) reasons.push(`the database cannot be written: ${fault}`)
  try {
    const open = (await store.outbox()).filter(isOpen)
    return [...reasons, ...open.flatMap((owed) => undelivered(owed, courier.owedMs(owed)) ?? [])]
  } catch (cause) {
    return [...reasons, `the outbox cannot be read: ${messageOfThrown(cause)}`]
  }
}

function undelivered(owed: Owed, owedMs: number): string | null {
  const { id, kind } = owed.notification
  const email = `email ${id} (${kind} to ${addressee(owed)})`
  const error = owed.error ?? 'no reason given'
  if (owed.state === 'refused') return `${email} was refused: ${error}`
  // No email at all gets through: there is no need to wait before saying so.
  if (owed.noSession) return `${email} is waiting: the mail server takes nothing from this host: ${error}`
  return owedMs > STUCK_AFTER_MS ? `${email} has been undelivered for ${inWords(owedMs)}: ${owed.error ?? 'not tried yet'}` : null
}

import { inWords } from '../domain/duration.ts'
import { HOUR_MS } from '../domain/probe.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'

/** What somebody answers to an email about an incident. */
export type Answer = Readonly<{
  incident: string
  /** To whom the email went. */
  recipient: string
  /** The address that it came from, in words. */
  from: string
  /** Acknowledge, or silence for so many hours. */
  order: 'ack' | 1 | 4 | 24
  /** The same for the same link and order: what comes twice counts once. 64 hexadecimal digits. */
  once: string
}>

export type AnswerResult = 'done' | 'already' | 'closed' | 'unknown'

export type AnswerDeps = Readonly<{
  store: Pick<Store, 'incident' | 'acks' | 'silences' | 'addAck' | 'addSilence' | 'settle'>
  clock: Clock
  /** Has the engine look at what was ordered. */
  reread: () => Promise<void>
}>

/** Acknowledges an incident, or silences its monitors, for somebody who was emailed; on record with who it was and where from. */
export async function takeAnswer(answer: Answer, { store, clock, reread }: AnswerDeps): Promise<AnswerResult> {
  const { incident: id, recipient, from, order, once } = answer
  const incident = await store.incident(id)
  if (incident === null) return 'unknown'
  if (incident.state === 'closed') return 'closed'
  const [at, moment] = [clock.now(), clock.moment()]
  const who = `${recipient}, by the link of an email, from ${from}`
  let reason: string
  if (order === 'ack') {
    if ((await store.acks()).some((ack) => ack.incident === id)) return 'already'
    await store.addAck({ incident: id, at, moment, reason: who })
    reason = `acknowledged by ${who}`
  } else {
    const monitors = [...new Set(incident.members.map(({ monitor }) => monitor))]
    const silences = monitors.map((monitor, n) => ({
      ...{ id: `${once.slice(0, 6)}${(n % 256).toString(16).padStart(2, '0')}`, at, moment, until: at + order * HOUR_MS },
      ...{ reason: who, monitor, endedAt: null },
    }))
    const known = new Set((await store.silences(0)).map((silence) => silence.id))
    if (silences.every((silence) => known.has(silence.id))) return 'already'
    for (const silence of silences) await store.addSilence(silence)
    reason = `${monitors.join(', ')} silenced for ${inWords(order * HOUR_MS)} by ${who}`
  }
  await store.settle([], [{ at, incident: id, probe: null, decision: 'ordered', reason, rule: 'silence', evidence: null }])
  await reread()
  return 'done'
}

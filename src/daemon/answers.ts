import type { Answer, AnswerResult } from '../domain/answer.ts'
import { idPart } from '../domain/audience.ts'
import { inWords } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import { HOUR_MS } from '../domain/probe.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'

export type AnswerDeps = Readonly<{
  store: Pick<Store, 'incident' | 'acks' | 'silences' | 'addAck' | 'addSilence' | 'settle'>
  clock: Clock
  /** Has the engine look at what was ordered. */
  reread: () => Promise<void>
}>

/** Acknowledges an incident, or silences its monitors, for somebody who was emailed; on record with who it was and where from. */
export async function takeAnswer(answer: Answer, deps: AnswerDeps): Promise<AnswerResult> {
  const { store, clock, reread } = deps
  const { incident: id, recipient, from, order, once } = answer
  const incident = await store.incident(id)
  if (incident === null) return 'unknown'
  if (incident.state === 'closed') return 'closed'
  const who = `${recipient}, by the link of an email, from ${from}`
  const done = order === 'ack' ? await acknowledged(id, who, deps) : await silenced(incident, { hours: order, once, who }, deps)
  if (done === null) return 'already'
  const row = { at: clock.now(), incident: id, probe: null, decision: 'ordered', rule: 'silence', evidence: null } as const
  await store.settle([], [{ ...row, reason: `${done} by ${who}` }])
  await reread()
  return 'done'
}

/** What was done, in words; `null` if it had been done before. */
async function acknowledged(incident: string, who: string, { store, clock }: AnswerDeps): Promise<string | null> {
  if ((await store.acks()).some((ack) => ack.incident === incident)) return null
  await store.addAck({ incident, at: clock.now(), moment: clock.moment(), reason: who })
  return 'acknowledged'
}

type Quiet = Readonly<{ hours: number; once: string; who: string }>

async function silenced(
  { members }: Incident,
  { hours, once, who }: Quiet,
  { store, clock }: AnswerDeps,
): Promise<string | null> {
  const monitors = [...new Set(members.map(({ monitor }) => monitor))]
  const known = new Set((await store.silences(0)).map(({ id }) => id))
  const idOf = (monitor: string) => `${once.slice(0, 8)}-${idPart(monitor)}`
  if (monitors.every((monitor) => known.has(idOf(monitor)))) return null
  const [at, moment, forMs] = [clock.now(), clock.moment(), hours * HOUR_MS]
  for (const monitor of monitors)
    await store.addSilence({ id: idOf(monitor), at, moment, until: at + forMs, reason: who, monitor, endedAt: null })
  return `${monitors.join(', ')} silenced for ${inWords(forMs)}`
}

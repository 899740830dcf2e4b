import type { Answer, AnswerResult } from '../domain/answer.ts'
import { counted } from '../domain/counted.ts'
import { inWords } from '../domain/duration.ts'
import { failingMembers, type Incident, type Member } from '../domain/incident.ts'
import { HOUR_MS } from '../domain/probe.ts'
import type { Scope } from '../domain/scope.ts'
import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'

export type AnswerDeps = Readonly<{
  store: Pick<Store, 'incident' | 'acks' | 'silences' | 'addAck' | 'addSilence' | 'settle'>
  clock: Clock
  /** Has the engine look at what was ordered. */
  reread: () => Promise<void>
}>

/** Acknowledges an incident, or silences its failing probes, for somebody who was emailed; on record with who it was and where from. */
export async function takeAnswer(answer: Answer, deps: AnswerDeps): Promise<AnswerResult> {
  const { store, clock, reread } = deps
  const { incident: id, recipient, from, order, once } = answer
  const incident = await store.incident(id)
  if (incident === null) return 'unknown'
  if (incident.state === 'closed') return 'closed'
  const who = `${recipient}, by the link of an email, from ${from}`
  const done =
    order === 'ack' ? await acknowledged(id, who, deps) : await silenced(incident, { hours: order, once, recipient }, deps)
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

type Quiet = Readonly<{ hours: number; once: string; recipient: string }>

async function silenced(
  incident: Incident,
  { hours, once, recipient }: Quiet,
  { store, clock }: AnswerDeps,
): Promise<string | null> {
  const failing = failingMembers(incident)
  const known = new Set((await store.silences(0)).map(({ id }) => id))
  const idOf = (n: number) => `${once.slice(0, 8)}-${n}`
  if (failing.length === 0 || known.has(idOf(1))) return null
  const [at, moment, forMs] = [clock.now(), clock.moment(), hours * HOUR_MS]
  const order = {
    at,
    moment,
    from: at,
    until: at + forMs,
    reason: `incident #${incident.id.slice(0, 4)}, by the link of its email`,
    by: recipient,
    endedAt: null,
  }
  // The first one comes last: once it is there, all are.
  for (const [i, scope] of [...exactly(failing).entries()].toReversed())
    await store.addSilence({ ...order, id: idOf(i + 1), scope })
  return `${counted(failing.length, 'failing probe')} of ${monitorsOf(failing).join(', ')} silenced for ${inWords(forMs)}`
}

/** Few scopes that cover these probes and no others: one for each monitor and the operations that fail for the same accounts. */
function exactly(failing: readonly Member[]): readonly Scope[] {
  const byCall = Map.groupBy(failing, ({ monitor, operation }) => JSON.stringify([monitor, operation]))
  const alike = Map.groupBy(byCall.values(), (members) => {
    return JSON.stringify([members[0]?.monitor, members.map(({ account }) => account).toSorted()])
  })
  return [...alike.values()].map((calls) => ({
    monitors: monitorsOf(calls.flat()),
    accounts: (calls[0] ?? []).map(({ account }) => account),
    operations: calls.flatMap(([first]) => (first === undefined ? [] : [first.operation])),
    regions: [],
  }))
}

function monitorsOf(members: readonly Member[]): readonly string[] {
  return [...new Set(members.map(({ monitor }) => monitor))]
}

import type { LedgerRow } from '../domain/ledger.ts'
import type { Owed, Wording } from '../domain/notification.ts'
import { retryAt } from '../domain/outbox.ts'
import { type Fate, type Mail, MailError, type Mailer } from '../ports/mailer.ts'
import type { MailResult } from '../ports/meter.ts'
import type { OwedChange } from '../ports/store.ts'

/** Marks replies and errors of the second mail server. */
export const FALLBACK = 'fallback: '
const MAX_REPLY = 300

/** Which mail server an attempt uses. */
export type Route = Readonly<{
  /** Stands before its replies: `''` or `FALLBACK`. */
  name: string
  /** If this server rejects for good, there is no other one to ask. */
  isLast: boolean
}>

export type Attempt = Readonly<{
  owed: readonly Owed[]
  fates: readonly Fate[]
  route: Route
  wording: Wording
  now: number
  random01: number
  /** In how many milliseconds the second mail server takes over for an address; `null` if it does not. */
  takesOverIn: (owed: Owed) => number | null
}>

/** What one attempt came to, for addresses that the server gave the same answer. */
export type AttemptResult = Readonly<{
  result: Extract<MailResult, 'delivered' | 'deferred' | 'refused'>
  addresses: readonly string[]
  attempts: number
  /** The server's reply. */
  said: string
  /** When these are tried again; `null` if they are not. */
  nextAt: number | null
}>

type Settled = Readonly<{ changes: readonly OwedChange[]; rows: readonly LedgerRow[]; results: readonly AttemptResult[] }>

/** What becomes of an email at each address, by what the server did with it. */
export function settledBy(attempt: Attempt): Settled {
  const { owed, fates, now, wording } = attempt
  const byAddress = new Map(fates.map((fate) => [fate.address, fate]))
  const some = fates.some((fate) => fate.accepted)
  const all = owed.map((one) => changeOf(one, byAddress.get(one.address), some, attempt))
  // As long as nobody has it, the next attempt may word it differently, and say why it is late.
  const isOut = owed.some((one) => one.wording !== null) || all.some((change) => change.state === 'delivered' || change.uncertain)
  const changes = all.map((change) => ({ ...change, wording: isOut ? wording : null }))
  const alike = Map.groupBy(changes, ({ state, reply, error, nextAt }) => JSON.stringify([state, reply, error, nextAt]))
  const results = [...alike.values()].flatMap(resultOf)
  const [first] = owed
  const rows = first === undefined ? [] : results.flatMap((result) => rowsFor(first, result, now))
  return { changes, rows, results }
}

type Change = Readonly<
  { id: string; address: string; state: 'delivered' | 'retrying' | 'refused' } & Partial<Omit<OwedChange, 'state'>>
>

function changeOf(owed: Owed, fate: Fate | undefined, some: boolean, attempt: Attempt): Change {
  const { route, now } = attempt
  const { id } = owed.notification
  const { address } = owed
  const attempts = owed.attempts + 1
  if (fate?.accepted === true) {
    const reply = `${route.name}${fate.reply}`.slice(0, MAX_REPLY)
    return { id, address, state: 'delivered', deliveredAt: now, reply, error: null, uncertain: false, noSession: false, attempts }
  }
  const failure = fate?.error ?? NOTHING_SAID
  const error = `${route.name}${failure.message}`.slice(0, MAX_REPLY)
  const uncertain = owed.uncertain || failure.uncertain
  if (failure.permanent && route.isLast) return { id, address, state: 'refused', error, uncertain, noSession: false, attempts }
  const change = { id, address, state: 'retrying', error, uncertain, noSession: failure.session } as const
  // The server took others and no more at once: these are next, and have not failed.
  if (failure.crowded && some) return { ...change, attempts: owed.attempts, nextAt: now }
  return { ...change, attempts, nextAt: nextAttempt(owed, failure.permanent, attempt) }
}

const NOTHING_SAID = {
  message: 'nothing is known about this address',
  permanent: false,
  uncertain: true,
  session: false,
  crowded: false,
}

function nextAttempt(owed: Owed, isPermanent: boolean, { now, random01, takesOverIn }: Attempt): number {
  const again = retryAt(now, owed.attempts + 1, random01)
  const inMs = takesOverIn(owed)
  if (inMs === null) return again
  // What the first server rejects for good waits for the second; otherwise that one takes over when its time has come.
  if (isPermanent) return now + Math.max(0, inMs)
  return inMs <= 0 ? again : Math.min(again, now + inMs)
}

function resultOf(same: readonly Change[]): readonly AttemptResult[] {
  const [first] = same
  if (first === undefined) return []
  return [
    {
      result: first.state === 'retrying' ? 'deferred' : first.state,
      addresses: same.map(({ address }) => address),
      attempts: first.attempts ?? 0,
      said: first.reply ?? first.error ?? '',
      nextAt: first.nextAt ?? null,
    },
  ]
}

/** Waiting is no decision. */
function rowsFor(owed: Owed, { result, addresses, said }: AttemptResult, at: number): readonly LedgerRow[] {
  return result === 'deferred' ? [] : [mailRow(at, owed, addresses, { decision: result, rule: null, reason: said })]
}

type Reason = Pick<LedgerRow, 'decision' | 'rule' | 'reason'>

/** A row of the ledger about an email at some of its addresses. */
export function mailRow(
  at: number,
  { notification: { id, incident, kind, recipient, seq, to } }: Owed,
  addresses: readonly string[],
  { decision, rule, reason }: Reason,
): LedgerRow {
  const whom = to.length === 1 ? recipient : `${recipient} (${addresses.join(', ')})`
  return { at, incident, probe: null, decision, rule, reason: `${kind} to ${whom}: ${reason}`, evidence: { id, seq, addresses } }
}

export function byReason(
  some: readonly Readonly<{ owed: Owed; why: string }>[],
): readonly (readonly [string, readonly Owed[]])[] {
  return [...Map.groupBy(some, ({ why }) => why)].map(([why, all]) => [why, all.map(({ owed }) => owed)])
}

/** One row per notification, with its addresses. */
export function rowsOf(at: number, owed: readonly Owed[], reason: Reason): readonly LedgerRow[] {
  return [...Map.groupBy(owed, ({ notification }) => notification.id).values()].flatMap((same) => {
    const [first] = same
    const addresses = same.map(({ address }) => address)
    return first === undefined ? [] : [mailRow(at, first, addresses, reason)]
  })
}

/** What became of an email at each address of its envelope, however the mailer says it. */
export async function fatesOf(mailer: Mailer, mail: Mail, kill: AbortSignal): Promise<readonly Fate[]> {
  try {
    return await mailer.send(mail, kill)
  } catch (error) {
    if (!(error instanceof MailError)) throw error
    return mail.envelope.map((address) => ({ address, accepted: false, error }))
  }
}

import type { LedgerRow } from '../domain/ledger.ts'
import type { Owed, Wording } from '../domain/notification.ts'
import { retryAt } from '../domain/outbox.ts'
import { type Fate, type Mail, MailError, type Mailer } from '../ports/mailer.ts'
import type { MailResult } from '../ports/meter.ts'
import type { OwedChange } from '../ports/store.ts'

/** Marks replies and errors of the second way. */
export const FALLBACK = 'fallback: '
const MAX_REPLY = 300

/** By which mail server an attempt was made. */
export type Way = Readonly<{
  /** Goes before its replies: `''` or `FALLBACK`. */
  name: string
  /** Nobody else is left to be asked when this one refuses for good. */
  isLast: boolean
}>

export type Attempt = Readonly<{
  owed: readonly Owed[]
  fates: readonly Fate[]
  way: Way
  wording: Wording
  now: number
  random01: number
  /** In how many milliseconds the second way takes over from the first, by address; `null` where it does not. */
  takesOverIn: (owed: Owed) => number | null
}>

/** What one attempt came to for addresses that the server gave the same answer. */
export type Outcome = Readonly<{
  result: Extract<MailResult, 'delivered' | 'deferred' | 'refused'>
  addresses: readonly string[]
  attempts: number
  /** The server's words. */
  said: string
  /** When these are tried again; `null` if they are not. */
  nextAt: number | null
}>

export type Settled = Readonly<{ changes: readonly OwedChange[]; rows: readonly LedgerRow[]; outcomes: readonly Outcome[] }>

/** What becomes of a mail by what the server did with it for each address. */
export function settledBy(attempt: Attempt): Settled {
  const { owed, fates, now, wording } = attempt
  const byAddress = new Map(fates.map((fate) => [fate.address, fate]))
  const some = fates.some((fate) => fate.accepted)
  const all = owed.map((one) => {
    const fate = byAddress.get(one.address)
    return { one, change: changeOf(one, fate, some, attempt) }
  })
  // Nobody has it: the next attempt may word it anew, and say why it is late.
  const isOut =
    owed.some((one) => one.wording !== null) || all.some(({ change }) => change.state === 'delivered' || change.uncertain)
  const changes = all.map(({ change }) => ({ ...change, wording: isOut ? wording : null }))
  const outcomes = [
    ...Map.groupBy(changes, (change) => JSON.stringify([change.state, change.reply, change.error, change.nextAt])).values(),
  ].flatMap((same) => outcomeOf(same))
  const [first] = owed
  const rows = first === undefined ? [] : outcomes.flatMap((outcome) => rowsFor(first, outcome, now))
  return { changes, rows, outcomes }
}

type Change = Readonly<
  { id: string; address: string; state: 'delivered' | 'retrying' | 'refused' } & Partial<Omit<OwedChange, 'state'>>
>

function changeOf(owed: Owed, fate: Fate | undefined, some: boolean, { way, now, random01, takesOverIn }: Attempt): Change {
  const { id } = owed.notification
  const { address } = owed
  const attempts = owed.attempts + 1
  if (fate?.accepted === true) {
    const reply = `${way.name}${fate.reply}`.slice(0, MAX_REPLY)
    return { id, address, state: 'delivered', deliveredAt: now, reply, error: null, uncertain: false, noSession: false, attempts }
  }
  const failure = fate?.error ?? NOTHING_SAID
  const error = `${way.name}${failure.message}`.slice(0, MAX_REPLY)
  const uncertain = owed.uncertain || failure.uncertain
  if (failure.permanent && way.isLast) return { id, address, state: 'refused', error, uncertain, noSession: false, attempts }
  const change = { id, address, state: 'retrying', error, uncertain, noSession: failure.session } as const
  // The others were taken: these are next, and have not failed.
  if (failure.crowded && some) return { ...change, attempts: owed.attempts, nextAt: now }
  return { ...change, attempts, nextAt: nextAttempt(failure, attempts, now, random01, takesOverIn(owed)) }
}

const NOTHING_SAID = {
  message: 'nothing is known of this address',
  permanent: false,
  uncertain: true,
  session: false,
  crowded: false,
}

function nextAttempt(
  { permanent }: Pick<MailError, 'permanent'>,
  attempts: number,
  now: number,
  random01: number,
  takesOverIn: number | null,
): number {
  const again = retryAt(now, attempts, random01)
  if (takesOverIn === null) return again
  // What the first way refuses for good waits for the second; else that one takes over when its time has come.
  if (permanent) return now + Math.max(0, takesOverIn)
  return takesOverIn <= 0 ? again : Math.min(again, now + takesOverIn)
}

function outcomeOf(same: readonly Change[]): readonly Outcome[] {
  const [first] = same
  if (first === undefined) return []
  const result = first.state === 'retrying' ? 'deferred' : first.state
  return [
    {
      result,
      addresses: same.map(({ address }) => address),
      attempts: first.attempts ?? 0,
      said: first.reply ?? first.error ?? '',
      nextAt: first.nextAt ?? null,
    },
  ]
}

/** What waits is no decision. */
function rowsFor(owed: Owed, { result, addresses, said }: Outcome, at: number): readonly LedgerRow[] {
  return result === 'deferred' ? [] : [mailRow(at, owed, addresses, { decision: result, rule: null, reason: said })]
}

/** A row of the ledger about a mail, and at which of its addresses. */
export function mailRow(
  at: number,
  { notification: { id, incident, kind, recipient, seq, to } }: Owed,
  addresses: readonly string[],
  { decision, rule, reason }: Pick<LedgerRow, 'decision' | 'rule' | 'reason'>,
): LedgerRow {
  const whom = to.length === 1 ? recipient : `${recipient} (${addresses.join(', ')})`
  return { at, incident, probe: null, decision, rule, reason: `${kind} to ${whom}: ${reason}`, evidence: { id, seq, addresses } }
}

export function byReason(
  some: readonly Readonly<{ owed: Owed; why: string }>[],
): readonly (readonly [string, readonly Owed[]])[] {
  return [...Map.groupBy(some, ({ why }) => why)].map(([why, all]) => [why, all.map(({ owed }) => owed)])
}

/** One row a notification, with its addresses. */
export function rowsOf(
  at: number,
  owed: readonly Owed[],
  what: Pick<LedgerRow, 'decision' | 'rule' | 'reason'>,
): readonly LedgerRow[] {
  return [...Map.groupBy(owed, ({ notification }) => notification.id).values()].flatMap((same) => {
    const [first] = same
    return first === undefined
      ? []
      : [
          mailRow(
            at,
            first,
            same.map(({ address }) => address),
            what,
          ),
        ]
  })
}

/** What became of a mail for each address of its envelope, however that was said. */
export async function fatesOf(mailer: Mailer, mail: Mail, kill: AbortSignal): Promise<readonly Fate[]> {
  try {
    return await mailer.send(mail, kill)
  } catch (error) {
    if (!(error instanceof MailError)) throw error
    return mail.envelope.map((address) => ({ address, accepted: false, error }))
  }
}

import { iso } from '../domain/duration.ts'
import { addressee, isOpen, mailingsOf } from '../domain/mailing.ts'
import type { NotificationState, Owed } from '../domain/notification.ts'
import type { Store } from '../ports/store.ts'
import { reader, writing } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import { type ConfigOptions, configured, type Io, type ListOptions, list, say } from './io.ts'
import { table } from './table.ts'

/** Lists the emails that are due, being retried or refused. */
export async function outboxList(options: ListOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const store = await reader(config)
  try {
    const rows = mailingsOf(await store.outbox()).map(({ notification: n, state, attempts, nextAt, error, addresses }) => ({
      id: n.id,
      kind: n.kind,
      incident: n.incident,
      to: n.to,
      state: stateShown(state),
      attempts,
      nextAt: isoOrNull(nextAt),
      error,
      addresses: addresses.map(addressRow),
    }))
    // One line per address: if one is still waiting, it matters that another has got the email.
    const text = () =>
      table(
        ['id', 'kind', 'address', 'state', 'attempts', 'next attempt', 'reply'],
        rows.flatMap(({ id, kind, addresses }) =>
          addresses.map((row) => [
            ...[id, kind, row.address, row.state, String(row.attempts), row.nextAt ?? '-'],
            row.error ?? row.reply ?? '',
          ]),
        ),
        io.columns,
      )
    list(io, options, rows, { text, none: 'There are no queued emails.' })
  } finally {
    await store.close()
  }
  return EXIT.ok
}

function addressRow(owed: Owed) {
  const { address, state, attempts, nextAt, error, deliveredAt, reply } = owed
  return {
    address,
    state: stateShown(state),
    attempts,
    nextAt: isOpen(owed) && state !== 'refused' ? isoOrNull(nextAt) : null,
    error,
    deliveredAt: isoOrNull(deliveredAt),
    reply,
  }
}

/** `sending` lasts only for a moment, and is not shown to users. */
function stateShown(state: NotificationState): Exclude<NotificationState, 'sending'> {
  return state === 'sending' ? 'retrying' : state
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at)
}

export type OutboxOptions = ConfigOptions & Readonly<{ all?: boolean }>

/** Retries emails now that wait for their next attempt or were refused. */
export async function outboxRetry(ids: readonly string[], options: OutboxOptions, io: Io): Promise<number> {
  return changeOutbox(ids, options, io, { done: 'retried', owed: (now) => ({ state: 'retrying', nextAt: now }) })
}

/** Discards emails; the ledger keeps them as dropped by an operator. */
export async function outboxDrop(ids: readonly string[], options: OutboxOptions, io: Io): Promise<number> {
  return changeOutbox(ids, options, io, {
    done: 'dropped',
    owed: () => ({ state: 'dropped', error: 'dropped by an operator' }),
  })
}

type OutboxChange = Readonly<{
  /** What was done, as a past participle. */
  done: string
  owed: (now: number) => Partial<Pick<Owed, 'state' | 'nextAt' | 'error'>>
}>

async function changeOutbox(ids: readonly string[], options: OutboxOptions, io: Io, change: OutboxChange): Promise<number> {
  const config = await configured(options, io)
  const all = options.all === true
  if (ids.length === 0 && !all)
    throw new Exit(EXIT.usage, 'name emails by their ids (see `alibi outbox list`), or give --all for every one')
  const changed = await writing(
    config,
    (store, clock) => changeIn(store, clock.now(), all ? null : ids, change),
    ids.length === 0 ? undefined : notQueued(ids),
  )
  say(
    io,
    changed.length === 0
      ? 'There are no queued emails.'
      : changed.map((one) => `${one.notification.id} (${one.notification.kind} to ${addressee(one)}) ${change.done}`).join('\n'),
  )
  return EXIT.ok
}

/** @param ids `null`: every queued email */
async function changeIn(
  store: Store,
  now: number,
  ids: readonly string[] | null,
  { done, owed }: OutboxChange,
): Promise<readonly Owed[]> {
  const queued = (await store.outbox()).filter(isOpen)
  const unknown = (ids ?? []).filter((id) => !queued.some((one) => one.notification.id === id))
  if (unknown.length > 0) throw new Exit(EXIT.usage, notQueued(unknown))
  // The courier is sending these at this moment, and will save the result itself.
  const chosen = queued.filter((one) => one.state !== 'sending' && (ids === null || ids.includes(one.notification.id)))
  const rows = chosen.map((one) => ({
    at: now,
    incident: one.notification.incident,
    probe: null,
    decision: 'ordered' as const,
    rule: null,
    reason: `${one.notification.kind} to ${addressee(one)} ${done} by an operator`,
    evidence: { id: one.notification.id, addresses: [one.address] },
  }))
  await store.settle(
    chosen.map(({ notification: { id }, address }) => ({ id, address, ...owed(now) })),
    rows,
  )
  return chosen
}

function notQueued(ids: readonly string[]): string {
  return `not queued: ${ids.join(', ')}; see \`alibi outbox list\``
}

import { messageIdOf, notificationId } from '../domain/audience.ts'
import { counted } from '../domain/counted.ts'
import type { Facts, Notification, Owed } from '../domain/notification.ts'
import { type OutboxPlan, summaryLines } from '../domain/outbox.ts'
import type { Instant } from '../domain/probe.ts'
import type { Store } from '../ports/store.ts'
import { threadOf } from './thread.ts'

export type OverflowSummaryDeps = Readonly<{
  store: Pick<Store, 'mails'>
  maxPerHour: number
  mailDomain: string
  plainFacts: (kind: Facts['kind'], reason: string, subject: string, lines: readonly string[]) => Facts
}>

/** `rate-limit`: one email for all that the limit held back, to all addresses of a recipient that get the same content. */
export async function overflowSummaries(
  deps: OverflowSummaryDeps,
  plans: OutboxPlan['summarise'],
  now: Instant,
): Promise<readonly Notification[]> {
  const perAddress = await Promise.all(
    plans.map(async ({ recipient, address, owed }) => ({ recipient, address, lines: await linesOf(owed, deps.store) })),
  )
  const groups = Map.groupBy(perAddress, ({ recipient, lines }) => JSON.stringify([recipient, lines]))
  return [...groups.values()].flatMap((same, i) => {
    const [first] = same
    if (first === undefined) return []
    const { recipient, lines } = first
    const to = same.map(({ address }) => address)
    return [summary(deps, { recipient, to, lines }, i + 1, now)]
  })
}

async function linesOf(owed: readonly Owed[], store: Pick<Store, 'mails'>): Promise<readonly string[]> {
  const lines = await Promise.all(owed.map(async (one) => summaryLines(one, await threadOf(one.notification, store))))
  return lines.flat()
}

type Contents = Readonly<{ recipient: string; to: readonly string[]; lines: readonly string[] }>

function summary(deps: OverflowSummaryDeps, { recipient, to, lines }: Contents, seq: number, now: Instant): Notification {
  const { mailDomain, maxPerHour, plainFacts } = deps
  const id = notificationId(`summary.${now}`, seq, recipient)
  const messageId = messageIdOf(id, mailDomain)
  const reason = `more than ${counted(maxPerHour, 'email')} due within an hour (mail.maxPerHour)`
  const facts = plainFacts('digest', reason, `[alibi] ${counted(lines.length, 'email')} in one`, lines)
  return {
    ...{ id, messageId, seq, recipient, to },
    kind: 'digest',
    incident: null,
    thread: messageId,
    inReplyTo: null,
    createdAt: now,
    facts: { ...facts, rule: 'rate-limit' },
  }
}

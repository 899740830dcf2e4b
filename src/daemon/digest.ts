import type { Config } from '../config/config.ts'
import { messageIdOf, notificationId } from '../domain/audience.ts'
import { digestOf } from '../domain/digest.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Facts, Notification } from '../domain/notification.ts'
import { plainFacts } from '../domain/notify.ts'
import { watchedBy } from '../domain/patterns.ts'
import { DAY_MS, type Instant, type Monitor } from '../domain/probe.ts'
import type { Setup } from '../domain/setup.ts'
import type { Log } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import { type Planner, plannerOf } from '../schedule/planner.ts'

/** Beyond these a digest says that something was left out. */
const MAX_ROWS = 10_000
const MAX_INCIDENTS = 1_000
/** A digest covers no more than this, even if its schedule runs less often. */
const LONGEST_MS = 366 * DAY_MS

export type DigestsDeps = Readonly<{
  digest: NonNullable<Config['digest']>
  store: Store
  log: Log
  setup: Setup
  overrides: readonly string[]
  sender: (monitor: Monitor | null) => Facts['sentBy']
  /** An email is due. */
  owes: () => void
}>

/**
 * Queues one digest for each time that its schedule names. Its id holds that time, so that the next start catches up with a digest
 * that fell due while Alibi was not running, and queues none twice.
 */
export class Digests {
  private readonly deps: DigestsDeps
  private readonly planner: Planner
  private lookedUntil: Instant | null = null

  constructor(deps: DigestsDeps) {
    this.deps = deps
    this.planner = plannerOf(deps.digest.schedule, deps.digest.timezone)
  }

  /** What fell due from this moment on is caught up with. */
  resume(from: Instant): void {
    this.lookedUntil = from
  }

  /** Queues the digest that fell due since the last look; only the latest, if there were several. @throws {StoreError} */
  async look(now: Instant): Promise<void> {
    const fire = this.planner.last(Math.min(this.lookedUntil ?? now, now), now)
    if (fire !== null) await this.queue(fire.at, now)
    this.lookedUntil = now
  }

  private async queue(fire: Instant, now: Instant): Promise<void> {
    const { digest, store, log, setup, overrides, sender, owes } = this.deps
    const from = this.planner.last(fire - LONGEST_MS, fire - 1)?.at ?? fire - LONGEST_MS
    const rows = await store.ledger({ since: from }, MAX_ROWS + 1)
    if (rows.some((row) => row.decision === 'mailed' && isOf(row.evidence, fire))) return
    const { headline, chapters } = digestOf({
      from,
      to: fire,
      incidents: await store.incidents(MAX_INCIDENTS),
      patterns: await store.patterns(MAX_INCIDENTS),
      ledger: rows.slice(0, MAX_ROWS),
      cut: rows.length > MAX_ROWS,
      outbox: await store.outbox(),
      watched: watchedBy(setup.probes.values()),
    })
    const facts: Facts = {
      ...plainFacts(
        { kind: 'digest', reason: headline, subject: '[alibi] summary', lines: [headline] },
        { now, overrides, sender },
      ),
      chapters,
    }
    const notifications = digest.to.map((recipient) => this.notificationTo(recipient, fire, facts))
    const row: LedgerRow = {
      at: now,
      incident: null,
      probe: null,
      decision: 'mailed',
      rule: null,
      reason: `digest: ${headline}`,
      evidence: { digest: fire, to: digest.to },
    }
    await store.settle([], [row], notifications)
    log.info('decision', { decision: 'mailed', incident: null, probe: null, rule: null, reason: row.reason })
    owes()
  }

  private notificationTo(recipient: string, fire: Instant, facts: Facts): Notification {
    const { setup } = this.deps
    const id = notificationId(`digest.${fire}`, 1, recipient)
    const messageId = messageIdOf(id, setup.mailDomain)
    return {
      id,
      messageId,
      kind: 'digest',
      incident: null,
      thread: messageId,
      seq: 1,
      recipient,
      to: setup.recipients.get(recipient)?.to ?? [],
      inReplyTo: null,
      createdAt: facts.at,
      facts,
    }
  }
}

function isOf(evidence: unknown, fire: Instant): boolean {
  return typeof evidence === 'object' && evidence !== null && 'digest' in evidence && evidence.digest === fire
}

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

/** Beyond them a digest says that it left something out. */
const MAX_ROWS = 10_000
const MAX_INCIDENTS = 1_000
/** The time that one digest covers at most, on a schedule that runs less often. */
const LONGEST_MS = 366 * DAY_MS

export type DigestsDeps = Readonly<{
  digest: NonNullable<Config['digest']>
  store: Store
  log: Log
  setup: Setup
  overrides: readonly string[]
  sender: (monitor: Monitor | null) => Facts['sentBy']
  /** Something is owed. */
  owes: () => void
}>

/**
 * Owes the digest of each fire of its schedule, once: ids are made of the fire's time, so that a fire which passed while we
 * were not running is caught up by the next start, and one that was owed before it ended is not owed again.
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

  /** Owes what fell due since the last look; the latest fire only, if there were several. @throws {StoreError} */
  async look(now: Instant): Promise<void> {
    const fire = this.planner.last(Math.min(this.lookedUntil ?? now, now), now)
    if (fire !== null) await this.owe(fire.at, now)
    this.lookedUntil = now
  }

  private async owe(fire: Instant, now: Instant): Promise<void> {
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
    const notifications = digest.to.map((recipient) => this.mailTo(recipient, fire, facts))
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

  private mailTo(recipient: string, fire: Instant, facts: Facts): Notification {
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

import type { Step } from '../announcement.ts'
import { notifiedAddresses } from '../audience.ts'
import type { Incident } from '../incident.ts'
import type { LedgerRow } from '../ledger.ts'
import { HOUR_MS, type Instant } from '../probe.ts'
import type { RuleName } from '../rule.ts'

const REOPENINGS_WITHIN_MS = 6 * HOUR_MS
/** Reopenings within that time from which an incident flaps. */
const REOPENINGS_THAT_FLAP = 2

type ClosedAs = NonNullable<Incident['closedAs']>

const RULE: Readonly<Record<ClosedAs, RuleName>> = {
  recovered: 'recovery',
  changed: 'family-change',
  dropped: 'config-change',
}

/** Closes an incident: exactly those who were notified of the failure are notified of its end, at the same addresses. */
export function close(was: Incident, now: Instant, as: ClosedAs, reason: string): Step {
  const to = as === 'changed' ? [] : was.audience.filter((a) => a.open).map((a) => ({ ...a, to: notifiedAddresses(a) }))
  const isTold = to.length > 0
  const seq = isTold ? was.seq + 1 : was.seq
  const audience = was.audience.map((a) => ({ ...a, open: false }))
  const incident: Incident = {
    ...was,
    state: 'closed',
    closedAt: now,
    closedAs: as,
    audience,
    seq,
    withheld: null,
    hindsight: [],
  }
  const silently =
    as === 'changed'
      ? 'the emails continue in the incident of the other family'
      : 'nobody was notified of it, so nobody is notified of its end'
  const rule = RULE[as]
  const row: LedgerRow = {
    at: now,
    incident: was.id,
    probe: null,
    decision: 'closed',
    rule,
    reason: isTold ? reason : `${reason}; ${silently}`,
    evidence: { as, to: to.map((a) => a.recipient), seq },
  }
  const kind = as === 'dropped' ? 'dropped' : 'recovered'
  return { incident, announcement: isTold ? { kind, reason, rule, seq, to, hindsight: was.hindsight } : null, ledger: [row] }
}

/** At the second reopening within six hours an incident begins to flap. */
export function flapsNow(reopenedAt: readonly Instant[], now: Instant): boolean {
  return reopenedAt.filter((at) => now - at <= REOPENINGS_WITHIN_MS).length >= REOPENINGS_THAT_FLAP
}

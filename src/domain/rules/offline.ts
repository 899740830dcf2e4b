import type { Step } from '../announcement.ts'
import { opened, selfAlertRecipients } from '../audience.ts'
import type { Incident } from '../incident.ts'
import type { LedgerRow } from '../ledger.ts'
import type { Context } from './context.ts'
import { close } from './recovery.ts'

/** Being offline is reported once, to those who get self-alerts, and closes when it is over. */
export function offline(was: Incident, context: Context): Step {
  const { setup, now } = context
  if (!context.offline) return close(was, now, 'recovered', 'the control call gets through again')
  if (was.announcedAt !== null) return { incident: was, announcement: null, ledger: [] }
  const reason = 'three control calls in a row failed: the problem is on our side'
  const seq = was.seq + 1
  const to = selfAlertRecipients(setup.recipients.values()).map(({ name }) => opened(was, name, seq, setup))
  const names = to.map((a) => a.recipient)
  const incident: Incident = {
    ...was,
    state: 'announced',
    announcedAt: now,
    lastMailAt: now,
    seq,
    audience: [...was.audience.filter((a) => !names.includes(a.recipient)), ...to],
  }
  const row: LedgerRow = {
    at: now,
    incident: was.id,
    probe: null,
    decision: 'mailed',
    rule: 'offline',
    reason: `offline: ${reason}`,
    evidence: { to: names, seq },
  }
  return { incident, announcement: { kind: 'offline', reason, rule: 'offline', seq, to, hindsight: [] }, ledger: [row] }
}

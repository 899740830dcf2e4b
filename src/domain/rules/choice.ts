import type { Step } from '../announcement.ts'
import { messageIdOf, notificationId } from '../audience.ts'
import { isChosen } from '../choice.ts'
import type { Audience, Incident } from '../incident.ts'
import type { LedgerRow } from '../ledger.ts'
import type { Instant } from '../probe.ts'
import type { Setup } from '../setup.ts'

/**
 * `choice`: the step without the emails that their recipients did not choose. The incident continues as if they had been sent, so
 * that nobody's choice changes what others get, and remembers that they were not.
 * @param was the incident before the step
 */
export function withoutUnwanted(done: Step, was: Incident | undefined, setup: Setup, now: Instant): Step {
  const { announcement, incident } = done
  if (announcement === null) return done
  const { kind, seq } = announcement
  const { family } = incident
  const sides = announcement.to.map((side) => {
    const known = was?.audience.find(({ recipient }) => recipient === side.recipient)
    const isFollowUp = known?.open === true && known.unsent === undefined
    const recipient = setup.recipients.get(side.recipient)
    const isWanted = recipient === undefined || isChosen(recipient, { kind, family, isFollowUp })
    return { isWanted, side: isWanted ? sent(side, incident.id, seq, setup) : unsent(side, known, isFollowUp) }
  })
  const to = sides.flatMap(({ isWanted, side }) => (isWanted ? [side] : []))
  const left = sides.flatMap(({ isWanted, side }) => (isWanted ? [] : [side.recipient]))
  const changed = new Map(sides.map(({ side }) => [side.recipient, side]))
  const audience = incident.audience.map((one) => {
    const side = changed.get(one.recipient)
    return side === undefined || (side.unsent === one.unsent && side.root === one.root)
      ? one
      : { ...side, to: one.to, open: one.open }
  })
  if (left.length === 0) return { ...done, incident: { ...incident, audience }, announcement: { ...announcement, to } }
  const row: LedgerRow = {
    at: now,
    incident: incident.id,
    probe: null,
    decision: 'withheld',
    rule: 'choice',
    reason: `${kind} is not sent to ${left.join(', ')}, who did not choose it (recipients.NAME.kinds)`,
    evidence: { kind, recipients: left, seq },
  }
  // The row about what was sent comes last, so that it is the latest word on the incident.
  const rows = done.ledger.map((one) => withRecipients(one, seq, to))
  return {
    incident: { ...incident, audience },
    announcement: { ...announcement, to },
    ledger: to.length === 0 ? [...rows, row] : [row, ...rows],
  }
}

/** The first email to this recipient begins their thread. */
function sent(side: Audience, incident: string, seq: number, setup: Setup): Audience {
  if (side.unsent === undefined) return side
  const { unsent: was, ...rest } = side
  return was === 'never' ? { ...rest, root: messageIdOf(notificationId(incident, seq, side.recipient), setup.mailDomain) } : rest
}

function unsent(side: Audience, known: Audience | undefined, isFollowUp: boolean): Audience {
  if (isFollowUp) return side
  const hasThread = known !== undefined && known.unsent !== 'never'
  return { ...side, unsent: hasThread ? 'in this episode' : 'never' }
}

/** The row of this email names those who get it. */
function withRecipients(row: LedgerRow, seq: number, to: readonly Audience[]): LedgerRow {
  const evidence = row.evidence as Readonly<Record<string, unknown>> | null
  const isOfEmail = (row.decision === 'mailed' || row.decision === 'closed') && evidence?.['seq'] === seq
  return isOfEmail ? { ...row, evidence: { ...evidence, to: to.map(({ recipient }) => recipient) } } : row
}

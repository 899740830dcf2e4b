import type { Member } from '../incident.ts'
import { eventsOf, whyExplained } from './reasons.ts'
import { type Blocked, blocked } from './result.ts'
import type { Situation } from './situation.ts'

/** AWS explains every failing probe, so nothing is due. The key says how, so that each change of it is on record. */
export function suppression({ failing }: Situation): Blocked {
  const carried = failing.find((member) => member.judgement.carried !== null)?.judgement.carried ?? null
  const key = `explained ${eventsOf(failing).join(' ')}${onBorrowedTime(failing)}`
  const reason = `silent: ${whyExplained(failing)}`
  return blocked('suppression', key, carried === null ? reason : `${reason}; ${carried}`)
}

/** Whether the explanation can no longer be confirmed, or has ended: silence goes on for `extension`. */
function onBorrowedTime(failing: readonly Member[]): string {
  const carried = failing.some((member) => member.judgement.carried !== null) ? ' unconfirmed' : ''
  return failing.some((member) => member.judgement.alibi?.open === false) ? `${carried} over` : carried
}

import { inWords, inWordsByClock, utc } from '../duration.ts'
import { onsetOf } from '../incident.ts'
import { DAY_MS, type Family } from '../probe.ts'
import { withAdded } from './config-change.ts'
import { blocked, due, type Rule, sift } from './result.ts'
import { silenced } from './silence.ts'
import { firesNow } from './timers.ts'

/** The incident is still unexplained `remindEvery` after a recipient's last email. An acknowledgement withholds it. */
export const reminder: Rule = (situation) => {
  const { incident, verdict, views, ack, context } = situation
  if (incident.announcedAt === null) return null
  if (ack !== null) {
    const why = ack.reason === null ? '' : ` (${ack.reason})`
    const reason = `acknowledged at ${utc(ack.at)}${why}: no reminder, no escalation`
    return verdict === 'explained' ? null : blocked('silence', `ack ${ack.at}`, reason)
  }
  const everyMs = remindEveryOf(incident.family, context.setup.policy.remindEveryMs)
  const late = views.filter(
    ({ heard, own, verdict }) =>
      verdict !== 'explained' && everyMs !== null && heard !== null && firesNow(heard.at + everyMs, own, situation),
  )
  const reminded = sift(late, (view) => (view.loud ? null : silenced('reminder', view.unexplained, context)))
  if (reminded.ready.length > 0) {
    const to = reminded.ready.map((view) => {
      return { view, reason: `it has lasted ${inWordsByClock(onsetOf(view.own), context.now)} and AWS does not explain it` }
    })
    return due('reminder', 'reminder', withAdded(to, situation))
  }
  if (reminded.blocked !== null || verdict === 'explained') return reminded.blocked
  const reminders = everyMs === null ? 'no reminder' : `a reminder every ${inWords(everyMs)}`
  return blocked('reminder', 'announced', `already notified; ${reminders} while it stays unexplained`)
}

/** `null`: never. Blind and offline are reported once. */
export function remindEveryOf(family: Family, remindEveryMs: number): number | null {
  if (remindEveryMs === 0 || family === 'blind' || family === 'offline') return null
  return family === 'misconfigured' ? DAY_MS : remindEveryMs
}

import { selfAlertRecipients } from '../audience.ts'
import { FAILURES_THAT_CUT_OFF, isUnanswered } from '../connectivity.ts'
import { inWords } from '../duration.ts'
import { SOURCES, type Source } from '../outage.ts'
import { MINUTE_MS, type Outcome } from '../probe.ts'
import { headingOf, SOURCE_ALERT } from '../self-alert.ts'
import type { SelfAlert } from '../state.ts'
import type { Draft } from './draft.ts'

/** A clock that is off by more is reported: AWS refuses signatures at five minutes, and events are judged by the wrong times. */
const SKEW_WORTH_TELLING_MS = 2 * MINUTE_MS

/** `self-alert`: what is reported once and belongs to no incident, and what of it is over. */
export function raiseSelfAlerts(draft: Draft): void {
  for (const { key, text } of draft.input.selfAlerts) {
    if (text === null) clear(draft, key)
    else raise(draft, key, text)
  }
  alertOfSources(draft)
  alertOfControlHost(draft)
  alertOfClock(draft)
}

function alertOfSources(draft: Draft): void {
  for (const [partition, reading] of draft.input.readings) {
    for (const source of SOURCES) {
      const key = `${SOURCE_ALERT}${source}:${partition}`
      const said = reading.sources[source]
      if (said?.state === 'refused') raise(draft, key, refusal(source, said.detail, reading.sources.queue === undefined))
      if (said?.state === 'answered') clear(draft, key)
    }
  }
}

function alertOfControlHost(draft: Draft): void {
  const { everReached, failures } = draft.connectivity
  if (everReached) clear(draft, 'control')
  else if (!isUnanswered(draft.connectivity) && failures >= FAILURES_THAT_CUT_OFF) {
    raise(
      draft,
      'control',
      'The control host (control.url) has not been reached since Alibi started. Until that is fixed, Alibi cannot tell a problem of AWS from one of this host.',
    )
  }
}

function alertOfClock(draft: Draft): void {
  const skewMs = skewOf(draft.input.outcomes)
  if (skewMs === null) return
  if (Math.abs(skewMs) > SKEW_WORTH_TELLING_MS) raise(draft, 'clock', skewText(skewMs))
  if (Math.abs(skewMs) < SKEW_WORTH_TELLING_MS / 2) clear(draft, 'clock')
}

function raise(draft: Draft, key: string, text: string): void {
  if (draft.world.selfAlerts.has(key)) return
  const selfAlert: SelfAlert = { key, since: draft.input.now, text }
  const { rule, subject } = headingOf(key)
  const to = selfAlertRecipients(draft.setup.recipients.values()).map(({ name, to }) => {
    return { recipient: name, to, subject, root: '', open: false, heard: null, monitors: [], reopened: null }
  })
  draft.selfAlertsSet.push(selfAlert)
  draft.note({ decision: 'noticed', incident: null, probe: null, rule, reason: text, evidence: { key } })
  const announcement = { kind: 'misconfigured', reason: text, rule, seq: 1, to, hindsight: [] } as const
  draft.announced.push({ incident: null, announcement, selfAlert })
}

function clear(draft: Draft, key: string): void {
  if (draft.world.selfAlerts.has(key)) draft.selfAlertsCleared.push(key)
}

function refusal(source: Source, detail: string, areTwo: boolean): string {
  const { name, stop, again } = REFUSING[source]
  return `${name} refuses to answer: ${detail}. Verdicts rest on the other ${areTwo ? 'source' : 'sources'} until that changes; it is asked again ${again}. ${stop}`
}

const REFUSING: Readonly<Record<Source, Readonly<{ name: string; stop: string; again: string }>>> = {
  api: { name: 'The AWS Health API', stop: '`health.api: false` stops asking.', again: 'once a day' },
  dashboard: { name: 'The public AWS Health Dashboard', stop: '`health.dashboard: false` stops asking.', again: 'once a day' },
  queue: { name: 'The health queue', stop: 'Without `health.queue` it is not asked.', again: 'every five minutes' },
}

/** AWS's Date headers minus our clock: the median of these runs' answers; `null` when there was none. */
function skewOf(outcomes: readonly Outcome[]): number | null {
  const skews = outcomes.flatMap((outcome) => outcome.tries.flatMap(({ skewMs }) => skewMs ?? [])).toSorted((a, b) => a - b)
  return skews[Math.floor(skews.length / 2)] ?? null
}

function skewText(skewMs: number): string {
  const way = skewMs > 0 ? 'behind' : 'ahead of'
  return `The clock of this host is ${inWords(Math.abs(skewMs))} ${way} AWS’s: events are judged by the wrong times, and AWS rejects signatures of a clock that is off by more than five minutes. Set it by NTP.`
}

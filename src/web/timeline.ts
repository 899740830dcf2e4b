import { inWordsByClock } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import { leadMinutesOf, leadWords } from '../domain/lead.ts'
import type { Owed } from '../domain/notification.ts'
import { type Instant, MINUTE_MS } from '../domain/probe.ts'
import { spanOf } from '../domain/span.ts'
import type { Alibi } from '../domain/verdict.ts'
import { foreign } from '../email/foreign.ts'
import { clockTime, WORD } from './phrase.ts'

/** Positions are thousandths of the whole width. */
export type Bar = Readonly<{ from: number; to: number; open: boolean }>

/** An incident as two bars, ours and AWS's, above the emails that it caused. */
export type Timeline = Readonly<{
  begin: string
  end: string
  ours: readonly Bar[]
  /** From the last ok run to the first failed one: it began somewhere in between. */
  maybe: Bar | null
  aws: readonly Bar[]
  mails: readonly number[]
  /** The text beside each row. */
  oursText: string
  awsText: string
  mailsText: string
}>

/** An event, and when it was last seen in AWS Health. */
type SeenEvent = Alibi & Readonly<{ seenAt: Instant }>

const WIDTH = 1000
const SHORTEST_MS = 10 * MINUTE_MS
const MAX_EVENTS = 5
const MAX_MARKS = 60
/** A shorter bar could not be seen. */
const LEAST = 4

export function timelineOf(incident: Incident, mails: readonly Owed[] | null, now: Instant): Timeline | null {
  const { members } = incident
  if (members.length === 0) return null
  const { from: onset, to: over } = spanOf(incident)
  const isOver = over !== null
  const end = over ?? now
  const lastOk = members.find((member) => member.onset === onset)?.lastOkAt ?? null
  const events = eventsOf(incident)
  /** Where the bar of an event ends: at the event's end, or when it was last seen. */
  const lastsTo = (event: SeenEvent) => event.endedAt ?? (isOver ? Math.max(event.seenAt, event.startedAt) : now)
  const times = mails?.flatMap((owed) => (owed.deliveredAt === null ? [] : [owed.deliveredAt])) ?? []

  const first = Math.min(onset, lastOk ?? onset, ...events.map((event) => event.startedAt))
  // An event may have begun weeks ago: our own part must stay readable.
  const ownMs = Math.max(end - onset, SHORTEST_MS)
  const begin = Math.min(Math.max(first, onset - 2 * ownMs), end - SHORTEST_MS)
  const last = Math.max(end, ...times, ...events.map(lastsTo))
  const until = Math.min(last, end + 2 * ownMs)
  const pad = (until - begin) * 0.03
  const [from, to] = [begin - pad, until + (isOver ? pad : 0)]
  const place = (at: Instant) => Math.round(Math.min(WIDTH, Math.max(0, ((at - from) / (to - from)) * WIDTH)))
  const bar = (since: Instant, till: Instant, open: boolean): Bar => {
    const [a, b] = [place(since), place(till)]
    return { from: Math.min(a, WIDTH - LEAST), to: Math.max(b, Math.min(a, WIDTH - LEAST) + LEAST), open }
  }
  return {
    begin: clockTime(from, now),
    end: isOver ? clockTime(to, now) : 'now',
    ours: [bar(onset, end, !isOver)],
    maybe: lastOk === null || lastOk >= onset ? null : bar(lastOk, onset, false),
    aws: events.map((event) => {
      const isOpen = event.endedAt === null && !isOver
      return bar(event.startedAt, isOpen ? to : lastsTo(event), isOpen)
    }),
    mails: times.slice(-MAX_MARKS).map(place),
    oursText: `${clockTime(onset, now)} ${isOver ? `to ${clockTime(end, now)} (${inWordsByClock(onset, end)})` : `until now (${inWordsByClock(onset, now)})`}`,
    awsText: events.length === 0 ? noEvent(incident) : events.map((event) => eventText(event, incident, now)).join('; '),
    mailsText: mailsText(mails, now),
  }
}

/** Every event that explains, or did when it was last seen, in the order in which they were posted. */
function eventsOf(incident: Incident): readonly SeenEvent[] {
  const byArn = new Map<string, SeenEvent>()
  for (const { judgement, lastRunAt } of incident.members) {
    if (judgement.verdict.kind !== 'explained') continue
    const { by } = judgement.verdict
    const seenAt = Math.max(judgement.readAt ?? lastRunAt, byArn.get(by.arn)?.seenAt ?? 0)
    byArn.set(by.arn, { ...by, seenAt })
  }
  return [...byArn.values()].sort((a, b) => a.startedAt - b.startedAt).slice(0, MAX_EVENTS)
}

function eventText(event: SeenEvent, incident: Incident, now: Instant): string {
  const known = event.arn === incident.explainedBy ? incident.leadMinutes : null
  const when = leadWords(known ?? leadMinutesOf(event.startedAt, spanOf(incident).from))
  const open = incident.state === 'closed' ? `open when last seen (${clockTime(event.seenAt, now)})` : 'still open'
  const ended = event.endedAt === null ? open : `ended ${clockTime(event.endedAt, now)}`
  return `${foreign(event.code, WORD)}, posted ${clockTime(event.startedAt, now)} (${when}), ${ended}`
}

function noEvent({ family, verdict }: Incident): string {
  if (family !== 'outage') return 'not an AWS outage'
  return verdict === 'undetermined' ? 'AWS Health could not be asked' : 'none that explains it'
}

function mailsText(mails: readonly Owed[] | null, now: Instant): string {
  if (mails === null) return 'unknown: the database cannot be read'
  const delivered = mails.filter((owed) => owed.deliveredAt !== null)
  if (delivered.length === 0) return 'none delivered'
  const last = delivered.slice(-4).map((owed) => `${owed.notification.kind} ${clockTime(owed.deliveredAt ?? 0, now)}`)
  return `${delivered.length > 4 ? `${delivered.length} in total, the latest: ` : ''}${last.join(', ')}`
}

import { inWords, inWordsByClock } from '../domain/duration.ts'
import type { Incident } from '../domain/incident.ts'
import type { Owed } from '../domain/notification.ts'
import { type Instant, MINUTE_MS } from '../domain/probe.ts'
import type { Alibi } from '../domain/verdict.ts'
import { foreign } from '../letter/foreign.ts'
import { clockTime, WORD } from './phrase.ts'

/** A bar or a mark; places are thousandths of the whole width. */
export type Bar = Readonly<{ from: number; to: number; open: boolean }>

/** An incident as two bars, ours and AWS's, above the mails that it brought. */
export type Timeline = Readonly<{
  begin: string
  end: string
  ours: readonly Bar[]
  /** Between the last ok run and the first failed one: when it began is not known better. */
  maybe: Bar | null
  aws: readonly Bar[]
  mails: readonly number[]
  /** What stands beside each row. */
  oursText: string
  awsText: string
  mailsText: string
}>

const WIDTH = 1000
const SHORTEST_MS = 10 * MINUTE_MS
const MAX_EVENTS = 5
const MAX_MARKS = 60
/** A bar that is too short to be seen is drawn this wide. */
const LEAST = 4

export function timelineOf(incident: Incident, mails: readonly Owed[] | null, now: Instant): Timeline | null {
  const { members } = incident
  if (members.length === 0) return null
  const onset = Math.min(...members.map((member) => member.onset))
  const isOver = members.every((member) => member.state === 'well')
  const end = isOver ? Math.max(...members.map((member) => member.wellAt ?? member.lastRunAt)) : now
  const lastOk = members.find((member) => member.onset === onset)?.lastOkAt ?? null
  const events = eventsOf(incident)
  const times = mails?.flatMap((owed) => (owed.deliveredAt === null ? [] : [owed.deliveredAt])) ?? []

  const first = Math.min(onset, lastOk ?? onset, ...events.map((event) => event.startedAt))
  // An event may have begun weeks ago: what we saw ourselves must stay readable.
  const ownMs = Math.max(end - onset, SHORTEST_MS)
  const begin = Math.min(Math.max(first, onset - 2 * ownMs), end - SHORTEST_MS)
  const last = Math.max(end, ...times, ...events.map((event) => event.endedAt ?? (isOver ? end : now)))
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
    aws: events.map((event) => bar(event.startedAt, event.endedAt ?? to, event.endedAt === null)),
    mails: times.slice(-MAX_MARKS).map(place),
    oursText: `${clockTime(onset, now)} ${isOver ? `to ${clockTime(end, now)} (${inWordsByClock(onset, end)})` : `until now (${inWords(now - onset)})`}`,
    awsText: events.length === 0 ? noEvent(incident) : events.map((event) => eventText(event, onset, now)).join('; '),
    mailsText: mailsText(mails, now),
  }
}

/** Every event that explains, or did when it was last looked at; the first to be posted first. */
function eventsOf(incident: Incident): readonly Alibi[] {
  const byArn = new Map<string, Alibi>()
  for (const { standing } of incident.members) {
    if (standing.verdict.kind === 'explained') byArn.set(standing.verdict.by.arn, standing.verdict.by)
  }
  return [...byArn.values()].sort((a, b) => a.startedAt - b.startedAt).slice(0, MAX_EVENTS)
}

function eventText(event: Alibi, onset: Instant, now: Instant): string {
  const lead = Math.round((event.startedAt - onset) / MINUTE_MS)
  const when =
    lead > 0 ? `${lead}m after our first failure` : lead < 0 ? `${-lead}m before our first failure` : 'as we first failed'
  const ended = event.endedAt === null ? 'still open' : `ended ${clockTime(event.endedAt, now)}`
  return `${foreign(event.code, WORD)}, posted ${clockTime(event.startedAt, now)} (${when}), ${ended}`
}

function noEvent({ family, verdict }: Incident): string {
  if (family !== 'outage') return 'not a matter of AWS'
  return verdict === 'undetermined' ? 'could not be asked' : 'no event that explains it'
}

function mailsText(mails: readonly Owed[] | null, now: Instant): string {
  if (mails === null) return 'not known: the database cannot be read'
  const told = mails.filter((owed) => owed.deliveredAt !== null)
  if (told.length === 0) return 'none has left'
  const last = told.slice(-4).map((owed) => `${owed.notification.kind} ${clockTime(owed.deliveredAt ?? 0, now)}`)
  return `${told.length > 4 ? `${told.length} in all, the last: ` : ''}${last.join(', ')}`
}

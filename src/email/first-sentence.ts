import type { Facts, MailKind } from '../domain/notification.ts'
import type { Instant } from '../domain/probe.ts'
import type { Delivery } from './delivery.ts'
import { opensWithFirstLine } from './details.ts'
import { alibiOf, lapsedProbe } from './explanation.ts'
import { type FailureSummary, summarize } from './failure-summary.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { stop } from './sentence.ts'
import { both, endOf, hhmm, spanBetween } from './times.ts'

type Sentence = Readonly<{
  sentence: string
  /** For a list of emails. */
  short: string
}>

/** What the sentences about an incident are made of. */
type Parts = Readonly<{
  facts: Facts
  incident: NonNullable<Facts['incident']>
  merged: Delivery['merged']
  limits: Limits
  failure: FailureSummary
  /** `GetContactInformation for account 111122223333 (production) fails with InternalServerException (HTTP 500)` */
  what: string
  since: string
  lasted: string
  explained: string
}>

const TEST = 'this is a test email from Alibi. Nothing is wrong, and there is nothing to do.'

/** Since when, what, how sure. */
export function firstSentence(facts: Facts, merged: Delivery['merged'], limits: Limits): Sentence {
  const { incident, kind, at, timezone } = facts
  if (kind === 'test') return { sentence: TEST, short: TEST }
  if (incident === null || kind === 'digest') return firstLine(facts, limits)
  const failure = summarize(facts, limits)
  const lasted = spanBetween(incident.onset, at)
  return OF_INCIDENT[kind]({
    facts,
    incident,
    merged,
    limits,
    failure,
    what: failure.does === null ? failure.what : `${failure.what} ${failure.does}`,
    since: `since ${both(incident.onset, at, timezone)}, for ${lasted}`,
    lasted,
    explained: explained(facts, limits),
  })
}

function firstLine(facts: Facts, limits: Limits): Sentence {
  const line = stop(foreign((opensWithFirstLine(facts) ? facts.lines[0] : null) ?? facts.reason, limits.sentence))
  return { sentence: line, short: line }
}

const OF_INCIDENT: Readonly<Record<Exclude<MailKind, 'digest' | 'test'>, (parts: Parts) => Sentence>> = {
  failing: ({ since, what, explained }) => ({
    sentence: stop(`${since}: ${what}${explained}`),
    short: `${what}${explained}`,
  }),
  wider: ({ since, what, explained }) => ({
    sentence: stop(`now ${what}${explained}. Failing ${since}`),
    short: `now ${what}${explained}`,
  }),
  escalated: ({ since, what, explained, lasted }) => ({
    sentence: stop(`still failing ${since}: ${what}${explained}`),
    short: `failing for ${lasted}: ${what}${explained}`,
  }),
  reminder: ({ since, what, explained, lasted }) => ({
    sentence: stop(`still failing ${since}: ${what}${explained}`),
    short: `still failing after ${lasted}: ${what}${explained}`,
  }),
  'still-failing': ({ since, what, explained, lasted }) => ({
    sentence: stop(`${since}: ${what}${explained}`),
    short: `after ${lasted}: ${what}${explained}`,
  }),
  'now-explained': nowExplained,
  recovered: (parts) =>
    parts.incident.family === 'offline'
      ? reconnected(parts)
      : parts.merged === null
        ? recovered(parts)
        : recoveredUnalerted(parts),
  flapping,
  dropped,
  blind: ({ since, lasted, failure: { what, total } }) => ({
    sentence: stop(`Alibi cannot tell whether ${what} work${total > 1 ? '' : 's'}: no run has produced a result ${since}`),
    short: `no result from ${what} for ${lasted}`,
  }),
  misconfigured: ({ since, what }) => ({
    sentence: stop(`${since}: ${what}. This is a problem in our own setup, not an AWS outage`),
    short: `${what}; our own setup, not an AWS outage`,
  }),
  offline: ({ facts, incident: { onset, closedAt } }) =>
    closedAt === null ? disconnected(facts, onset) : wasDisconnected(facts, onset, closedAt),
}

function nowExplained({ facts, what, since, limits }: Parts): Sentence {
  const by = alibiOf(facts)
  const event =
    by === null ? 'an event' : `${foreign(by.code, limits.word)} in ${foreign(by.region ?? 'no named region', limits.word)}`
  const short = `${event} explains why ${what}`
  return { sentence: stop(`${short}. Failing ${since}`), short }
}

function flapping({ facts: { at, timezone }, incident, failure: { what, total }, explained }: Parts): Sentence {
  const since = both(incident.openedAt, at, timezone)
  return {
    sentence: stop(`${what} ${total > 1 ? 'have' : 'has'} kept failing and recovering since ${since}${explained}`),
    short: `${what} ${total > 1 ? 'keep' : 'keeps'} failing and recovering`,
  }
}

function dropped({ facts: { at, timezone }, incident, failure: { what, total } }: Parts): Sentence {
  const short = `${what} ${total > 1 ? 'were' : 'was'} removed from the configuration while failing`
  return {
    sentence: stop(
      `${short} (since ${both(incident.onset, at, timezone)}). Whether ${total > 1 ? 'they work' : 'it works'} now is not known`,
    ),
    short,
  }
}

function recovered(parts: Parts): Sentence {
  const { facts, incident } = parts
  const end = endOf(facts)
  const took = spanBetween(incident.onset, end)
  const again = okAgain(parts)
  return {
    sentence: stop(`at ${both(end, facts.at, facts.timezone)}, after ${took}: ${again}`),
    short: `${again}, after ${took}`,
  }
}

/** The alert itself was not delivered: this one covers both. */
function recoveredUnalerted(parts: Parts): Sentence {
  const { facts, incident, failure, limits, merged } = parts
  const isSeveral = failure.total > 1
  const failed = incident.family === 'blind' ? 'without results' : 'failing'
  const when = `${hhmm(incident.onset, facts.at)} to ${hhmm(endOf(facts), facts.at)} UTC`
  const was = `${isSeveral ? 'were' : 'was'} ${failed} ${when}; ${foreign(merged?.why ?? '', limits.sentence)}`
  return {
    sentence: stop(`${okAgain(parts)}. ${isSeveral ? 'They' : 'It'} ${was}, so you are notified only now`),
    short: `${failure.what} ${was}`,
  }
}

function okAgain({ incident, failure: { what, total } }: Parts): string {
  if (incident.family === 'blind') return `${what} ${total > 1 ? 'produce' : 'produces'} results again`
  return `${what} ${total > 1 ? 'are all ok' : 'is ok'} again`
}

function reconnected({ facts, incident, merged, limits }: Parts): Sentence {
  const { sentence, short } = wasDisconnected(facts, incident.onset, endOf(facts))
  if (merged === null) return { sentence, short }
  return { sentence: stop(`${sentence} You are notified only now: ${foreign(merged.why, limits.sentence)}`), short }
}

function disconnected({ at, timezone }: Facts, onset: Instant): Sentence {
  return {
    sentence: stop(
      `since ${both(onset, at, timezone)}: this host can reach neither AWS nor the control host. Until it can, Alibi cannot detect outages`,
    ),
    short: `this host can reach neither AWS nor the control host since ${hhmm(onset, at)} UTC`,
  }
}

function wasDisconnected({ at }: Facts, from: Instant, to: Instant): Sentence {
  const offline = `this host was offline from ${hhmm(from, at)} to ${hhmm(to, at)} UTC (${spanBetween(from, to)})`
  return {
    sentence: stop(`${offline}: it could reach neither AWS nor the control host. It is online again`),
    short: `${offline}, and is online again`,
  }
}

/** Whether AWS explains it, as the end of a sentence; empty where no AWS event could. */
function explained(facts: Facts, limits: Limits): string {
  if (facts.incident?.family !== 'outage') return ''
  const lapsed = lapsedProbe(facts)?.lapsed ?? null
  switch (facts.verdict) {
    case 'unexplained':
      return lapsed === null ? ', and no AWS event explains it' : `. ${foreign(lapsed, limits.sentence)}`
    case 'undetermined': {
      const why = facts.probes.find(({ verdict }) => verdict.kind === 'undetermined')?.verdict.why ?? ''
      return `. Whether AWS explains it is not known${why === '' ? '' : `: ${foreign(why, limits.sentence)}`}`
    }
    case 'explained': {
      const by = alibiOf(facts)
      return `. AWS explains it${by === null ? '' : ` (${foreign(by.code, limits.word)})`}, but it is still going on`
    }
    case null:
      return ''
  }
}

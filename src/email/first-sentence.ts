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
  /** `GetContactInformation of account 111122223333 (production) answers InternalServerException (HTTP 500)` */
  what: string
  since: string
  lasted: string
  certainty: string
}>

const TEST = 'this is a test mail of Alibi. Nothing is wrong, and there is nothing to do.'

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
    certainty: certainty(facts, limits),
  })
}

function firstLine(facts: Facts, limits: Limits): Sentence {
  const line = stop(foreign((opensWithFirstLine(facts) ? facts.lines[0] : null) ?? facts.reason, limits.sentence))
  return { sentence: line, short: line }
}

const OF_INCIDENT: Readonly<Record<Exclude<MailKind, 'digest' | 'test'>, (parts: Parts) => Sentence>> = {
  failing: ({ since, what, certainty }) => ({
    sentence: stop(`${since}: ${what}${certainty}`),
    short: `${what}${certainty}`,
  }),
  wider: ({ since, what, certainty }) => ({
    sentence: stop(`now ${what}${certainty}. Failing ${since}`),
    short: `now ${what}${certainty}`,
  }),
  escalated: ({ since, what, certainty, lasted }) => ({
    sentence: stop(`still failing, ${since}: ${what}${certainty}`),
    short: `failing for ${lasted}: ${what}${certainty}`,
  }),
  reminder: ({ since, what, certainty, lasted }) => ({
    sentence: stop(`still failing, ${since}: ${what}${certainty}`),
    short: `still failing after ${lasted}: ${what}${certainty}`,
  }),
  'still-failing': ({ since, what, certainty, lasted }) => ({
    sentence: stop(`${since}: ${what}${certainty}`),
    short: `after ${lasted}: ${what}${certainty}`,
  }),
  'now-explained': nowExplained,
  recovered: (parts) =>
    parts.incident.family === 'offline' ? reconnected(parts) : parts.merged === null ? recovered(parts) : recoveredUnheard(parts),
  flapping,
  dropped,
  blind: ({ since, lasted, failure: { what, total } }) => ({
    sentence: stop(`we cannot tell whether ${what} work${total > 1 ? '' : 's'}: no run came to a result ${since}`),
    short: `no result of ${what} for ${lasted}`,
  }),
  misconfigured: ({ since, what }) => ({
    sentence: stop(`${since}: ${what}. This is a matter of our own set-up, not an outage of AWS`),
    short: `${what}; our own set-up, not an outage of AWS`,
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

function flapping({ facts: { at, timezone }, incident, failure: { what, total }, certainty }: Parts): Sentence {
  const short = `${what} ${total > 1 ? 'fail and recover' : 'fails and recovers'} again and again`
  return { sentence: stop(`${short}, since ${both(incident.openedAt, at, timezone)}${certainty}`), short }
}

function dropped({ facts: { at, timezone }, incident, failure: { what } }: Parts): Sentence {
  const short = `${what} left the configuration while failing`
  return {
    sentence: stop(`${short} (since ${both(incident.onset, at, timezone)}). Whether it works again is not known`),
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

/** The failure itself was not delivered: one email for both. */
function recoveredUnheard(parts: Parts): Sentence {
  const { facts, incident, failure, limits, merged } = parts
  const isSeveral = failure.total > 1
  const failed = incident.family === 'blind' ? 'not seen' : 'failing'
  const when = `${hhmm(incident.onset, facts.at)} to ${hhmm(endOf(facts), facts.at)} UTC`
  const was = `${isSeveral ? 'were' : 'was'} ${failed} ${when}; ${foreign(merged?.why ?? '', limits.sentence)}`
  return {
    sentence: stop(`${okAgain(parts)}. ${isSeveral ? 'They' : 'It'} ${was}, so you hear of it only now`),
    short: `${failure.what} ${was}`,
  }
}

function okAgain({ incident, failure: { what, total } }: Parts): string {
  if (incident.family === 'blind') return `${what} ${total > 1 ? 'are' : 'is'} seen again`
  return `${what} ${total > 1 ? 'are all ok' : 'is ok'} again`
}

function reconnected({ facts, incident, merged, limits }: Parts): Sentence {
  const { sentence, short } = wasDisconnected(facts, incident.onset, endOf(facts))
  if (merged === null) return { sentence, short }
  return { sentence: stop(`${sentence} You hear of it only now: ${foreign(merged.why, limits.sentence)}`), short }
}

function disconnected({ at, timezone }: Facts, onset: Instant): Sentence {
  return {
    sentence: stop(
      `since ${both(onset, at, timezone)} this host reaches neither AWS nor the control host. Until it does, nothing is judged and no outage is told`,
    ),
    short: `this host reaches neither AWS nor the control host since ${hhmm(onset, at)} UTC`,
  }
}

function wasDisconnected({ at }: Facts, from: Instant, to: Instant): Sentence {
  const blind = `we were blind ${hhmm(from, at)} to ${hhmm(to, at)} UTC (${spanBetween(from, to)})`
  return {
    sentence: stop(`${blind}: this host reached neither AWS nor the control host. It does again`),
    short: `${blind}, and see again`,
  }
}

/** How sure we are that this is worth waking for, as the end of a sentence; empty where no AWS event could explain it. */
function certainty(facts: Facts, limits: Limits): string {
  if (facts.incident?.family !== 'outage') return ''
  const lapsed = lapsedProbe(facts)?.lapsed ?? null
  switch (facts.verdict) {
    case 'unexplained':
      return lapsed === null ? ', and no AWS event explains it' : `. ${foreign(lapsed, limits.sentence)}`
    case 'undetermined': {
      const why = facts.probes.find(({ verdict }) => verdict.kind === 'undetermined')?.verdict.why ?? ''
      const said = why.includes('could not be asked') ? why : `AWS Health could not be asked${why === '' ? '' : `: ${why}`}`
      return `, and ${foreign(said, limits.sentence)}`
    }
    case 'explained': {
      const by = alibiOf(facts)
      return `. AWS explains it${by === null ? '' : ` (${foreign(by.code, limits.word)})`}, and it lasts`
    }
    case null:
      return ''
  }
}

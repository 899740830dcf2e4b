import type { Facts, MailKind, ProbeFacts } from '../domain/notification.ts'
import type { Instant } from '../domain/probe.ts'
import type { Alibi } from '../domain/verdict.ts'
import { foreign } from './foreign.ts'
import type { Limits } from './limits.ts'
import { both, hhmm, spanBetween } from './times.ts'
import { type Trouble, trouble } from './trouble.ts'

export type Tone = 'bad' | 'warn' | 'good' | 'plain'

/** What is read first, and often alone. */
export type Opening = Readonly<{
  /** `FAILING`, `RECOVERED`, … */
  state: string
  tone: Tone
  /** What stands between the two: a space where the sentence goes on from the word, else a colon. */
  joint: ' ' | ': '
  /** What follows the state word: since when, what, how sure. */
  sentence: string
  /** The same in a shorter line that stands alone in a list of mails. */
  preview: string
}>

const STATE: Readonly<Record<MailKind, readonly [string, Tone]>> = {
  failing: ['FAILING', 'bad'],
  wider: ['WIDER', 'bad'],
  escalated: ['ESCALATED', 'bad'],
  reminder: ['REMINDER', 'bad'],
  'now-explained': ['EXPLAINED BY AWS', 'warn'],
  'still-failing': ['STILL FAILING', 'bad'],
  recovered: ['RECOVERED', 'good'],
  flapping: ['FLAPPING', 'warn'],
  dropped: ['NO LONGER WATCHED', 'plain'],
  blind: ['BLIND', 'warn'],
  misconfigured: ['MISCONFIGURED', 'warn'],
  offline: ['OFFLINE', 'warn'],
  digest: ['SUMMARY', 'plain'],
  test: ['TEST', 'plain'],
}

const TEST = 'this is a test mail of Alibi. Nothing is wrong, and there is nothing to do.'

export function stateWord(facts: Facts): string {
  if (facts.kind === 'failing' && (facts.incident?.reopened ?? 0) > 0) return 'FAILING AGAIN'
  return STATE[facts.kind][0]
}

/** The event that explains: of the first probe that is explained. */
export function alibiOf(facts: Facts): Alibi | null {
  for (const { verdict } of facts.probes) if (verdict.kind === 'explained') return verdict.by
  return null
}

/** The first probe whose explanation ended. */
export function lapsedProbe(facts: Facts): ProbeFacts | null {
  return facts.probes.find(({ lapsed }) => lapsed !== null) ?? null
}

/** When it was over. */
export function endOf({ incident, at }: Facts): Instant {
  return incident?.endedAt ?? at
}

/** Whether the first of the mail's lines is its first sentence. That of many mails in one (`rate-limit`) is why they are one. */
export function saysFirstLine({ kind, incident, chapters }: Facts): boolean {
  return incident === null && (kind === 'digest' ? chapters !== undefined : kind !== 'test')
}

export function opening(facts: Facts, merged: Readonly<{ why: string }> | null, limits: Limits): Opening {
  const state = stateWord(facts)
  const its = trouble(facts, limits)
  const { sentence, short } = say(facts, its, merged, limits)
  const joint = /^(since|at|for) /.test(sentence) ? ' ' : ': '
  return { state, tone: STATE[facts.kind][1], joint, sentence, preview: foreign(`${state}: ${short ?? sentence}`, 140) }
}

function say(
  facts: Facts,
  its: Trouble,
  merged: Readonly<{ why: string }> | null,
  limits: Limits,
): { sentence: string; short?: string } {
  const { incident, at, timezone } = facts
  const line = foreign((saysFirstLine(facts) ? facts.lines[0] : null) ?? facts.reason, limits.sentence)
  if (incident === null) return { sentence: facts.kind === 'test' ? TEST : stop(line) }

  const lasted = spanBetween(incident.onset, at)
  const since = `since ${both(incident.onset, at, timezone)}, for ${lasted}`
  const what = its.does === null ? its.what : `${its.what} ${its.does}`
  const sure = certainty(facts, limits)

  switch (facts.kind) {
    case 'failing':
      return { sentence: stop(`${since}: ${what}${sure}`), short: `${what}${sure}` }
    case 'wider':
      return { sentence: stop(`now ${what}${sure}. Failing ${since}`), short: `now ${what}${sure}` }
    case 'escalated':
      return {
        sentence: stop(`still failing, ${since}: ${what}${sure}`),
        short: `failing for ${lasted}: ${what}${sure}`,
      }
    case 'reminder':
      return {
        sentence: stop(`still failing, ${since}: ${what}${sure}`),
        short: `still failing after ${lasted}: ${what}${sure}`,
      }
    case 'still-failing':
      return { sentence: stop(`${since}: ${what}${sure}`), short: `after ${lasted}: ${what}${sure}` }
    case 'now-explained': {
      const by = alibiOf(facts)
      const event =
        by === null ? 'an event' : `${foreign(by.code, limits.word)} in ${foreign(by.region ?? 'no named region', limits.word)}`
      return {
        sentence: stop(`${event} explains why ${what}. Failing ${since}`),
        short: `${event} explains why ${what}`,
      }
    }
    case 'recovered':
      return recovered(facts, its, merged, limits)
    case 'flapping':
      return {
        sentence: stop(
          `${its.what} ${its.total > 1 ? 'fail and recover' : 'fails and recovers'} again and again, since ${both(incident.openedAt, at, timezone)}${sure}`,
        ),
        short: `${its.what} ${its.total > 1 ? 'fail and recover' : 'fails and recovers'} again and again`,
      }
    case 'dropped':
      return {
        sentence: stop(
          `${its.what} left the configuration while failing (since ${both(incident.onset, at, timezone)}). Whether it works again is not known`,
        ),
        short: `${its.what} left the configuration while failing`,
      }
    case 'blind':
      return {
        sentence: stop(`we cannot tell whether ${its.what} work${its.total > 1 ? '' : 's'}: no run came to a result ${since}`),
        short: `no result of ${its.what} for ${lasted}`,
      }
    case 'misconfigured':
      return {
        sentence: stop(`${since}: ${what}. This is a matter of our own set-up, not an outage of AWS`),
        short: `${what}; our own set-up, not an outage of AWS`,
      }
    case 'offline':
      return offline(facts, incident.onset, incident.closedAt)
    case 'digest':
      return { sentence: stop(line) }
    case 'test':
      return { sentence: TEST }
  }
}

function recovered(
  facts: Facts,
  its: Trouble,
  merged: Readonly<{ why: string }> | null,
  limits: Limits,
): { sentence: string; short: string } {
  const { incident, at, timezone } = facts
  const onset = incident?.onset ?? at
  const end = endOf(facts)
  const late = merged === null ? '' : foreign(merged.why, limits.sentence)
  if (incident?.family === 'offline') {
    const { sentence, short } = offline(facts, onset, end)
    return { sentence: merged === null ? sentence : stop(`${sentence} You hear of it only now: ${late}`), short }
  }
  const several = its.total > 1
  const again =
    incident?.family === 'blind'
      ? `${its.what} ${several ? 'are' : 'is'} seen again`
      : `${its.what} ${several ? 'are all ok' : 'is ok'} again`
  if (merged !== null) {
    const was = `${several ? 'were' : 'was'} ${incident?.family === 'blind' ? 'not seen' : 'failing'} ${hhmm(onset, at)} to ${hhmm(end, at)} UTC; ${late}`
    return {
      sentence: stop(`${again}. ${several ? 'They' : 'It'} ${was}, so you hear of it only now`),
      short: `${its.what} ${was}`,
    }
  }
  const took = spanBetween(onset, end)
  return { sentence: stop(`at ${both(end, at, timezone)}, after ${took}: ${again}`), short: `${again}, after ${took}` }
}

function offline(facts: Facts, from: Instant, to: Instant | null): { sentence: string; short: string } {
  const { at, timezone } = facts
  if (to === null) {
    return {
      sentence: stop(
        `since ${both(from, at, timezone)} this host reaches neither AWS nor the control host. Until it does, nothing is judged and no outage is told`,
      ),
      short: `this host reaches neither AWS nor the control host since ${hhmm(from, at)} UTC`,
    }
  }
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

function stop(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`
}

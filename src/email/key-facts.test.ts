import { expect, test } from 'vitest'
import { squeezed, textOf } from '../../test/emails.ts'
import type { Facts, ProbeFacts } from '../domain/notification.ts'
import type { FailureKind, Try } from '../domain/probe.ts'
import type { Delivery } from './delivery.ts'
import { AT, probeFacts, SAMPLES } from './samples.ts'

const MERGED = { merged: { facts: SAMPLES.failing, why: 'the mail server could not be reached' } }
const blindAgo = { ...SAMPLES.blind.incident!, closedAt: AT }
const offlineAgo = { ...SAMPLES.offline.incident!, closedAt: AT }
test.for<[string, Facts, Partial<Delivery>, string]>([
  ['got the alert', SAMPLES.recovered, {}, 'You received the original alert.'],
  [
    'got the alert that there are no results',
    { ...SAMPLES.blind, kind: 'recovered', incident: blindAgo },
    {},
    'You received the alert that there were no results.',
  ],
  [
    'got the alert that this host is offline',
    { ...SAMPLES.offline, kind: 'recovered', incident: offlineAgo },
    {},
    'You received the alert that this host was offline.',
  ],
  [
    'got no alert, because it was not delivered',
    SAMPLES.recovered,
    MERGED,
    'The original alert did not reach you, so this email covers both.',
  ],
])('why a recipient who %s gets this', ([, facts, delivery, words]) => {
  const text = textOf(facts, delivery)
  expect(squeezed(text)).toContain(squeezed(`Why you got this: ${words}`))
  expect(text.includes('You received')).toBe(!('merged' in delivery))
})

test('an email about a blind probe says why, and by which threshold', () => {
  const why = 'no conclusive run for 15m (AWS throttles every try)'
  const [first] = SAMPLES.blind.probes
  const facts: Facts = {
    ...SAMPLES.blind,
    // As `decide` gives it: the member's verdict holds the same words as the reason.
    reason: why,
    probes: [{ ...first!, verdict: { kind: 'unexplained', why, rejected: [] }, strip: [] }],
    monitors: [{ name: 'm', impact: null, runbook: null, threshold: 'no result for 15m (policy.blindAfter), reported once' }],
  }
  expect(squeezed(textOf(facts))).toContain(
    squeezed(
      'Why you got this: No conclusive run for 15m (AWS throttles every try). Threshold: no result for 15m (policy.blindAfter), reported once.',
    ),
  )
})

test('what failed in another way before is not said to have been ok until then', () => {
  const facts: Facts = {
    ...SAMPLES.misconfigured,
    incident: { ...SAMPLES.misconfigured.incident!, continues: { id: 'a3f9', family: 'outage' } },
  }
  const text = textOf(facts)
  expect(squeezed(text)).toContain(squeezed('Began: At 11:58:02Z (first failure of this kind; last ok run at 11:57:02Z).'))
  expect(text).toMatch(/11:58:02Z {2}12:58 +first failure of this kind/)
})

test.for<[number | null, string | null, string]>([
  [22, 'arn', 'AWS posted: 22 min after our first failure.'],
  [-5, 'arn', 'AWS posted: 5 min before our first failure.'],
  [0, 'arn', 'AWS posted: In the minute of our first failure.'],
  [null, null, 'AWS posted: Nothing so far that explains it.'],
])('when AWS posted, with a lead of %s min', ([leadMinutes, explainedBy, words]) => {
  const facts = { ...SAMPLES.recovered, incident: { ...SAMPLES.recovered.incident!, leadMinutes, explainedBy } }
  expect(textOf(facts)).toContain(words)
})

/** The sample of a misconfiguration, with runs that failed for another reason. */
function misconfiguredBy(kind: FailureKind, changes: Partial<Try>): string {
  const probes = SAMPLES.misconfigured.probes.map((probe) => ({
    ...probe,
    evidence: probe.evidence.map((run) => ({
      ...run,
      ...({ result: 'failed', kind } as const),
      tries: run.tries.map((made) => ({ ...made, kind, ...changes })),
    })),
  }))
  return squeezed(textOf({ ...SAMPLES.misconfigured, probes }))
}

test.for<[string, FailureKind, Partial<Try>, string, string]>([
  [
    'refused credentials',
    'credentials',
    { error: 'ExpiredTokenException', status: 403 },
    'our credentials are rejected',
    'Renew or fix',
  ],
  [
    'no credentials',
    'credentials',
    { error: 'CredentialsProviderError', status: null },
    'there are no credentials',
    'See the error below',
  ],
  ['late credentials', 'credentials', { error: 'Timeout', status: null }, 'do not arrive in time', 'takes longer than a try'],
  [
    'a wrong request',
    'invalid',
    { error: 'ValidationException', status: 400 },
    'rejects our request as invalid',
    'Check the accounts and parameters',
  ],
  ['an internal error', 'invalid', { error: 'TypeError', status: null }, 'an internal error in Alibi', 'please report it'],
])('for %s there is advice that fits', ([, kind, changes, what, todo]) => {
  const text = misconfiguredBy(kind, changes)
  expect(text).toContain(squeezed(what))
  expect(text).toContain(squeezed(todo))
  if (changes.status == null) expect(text).not.toMatch(/renew|reject/i)
})

test.for<[string, Partial<ProbeFacts>, string, boolean]>([
  ['AWS says so', { lapsedBy: 'over' }, 'AWS may consider it resolved. If users are affected, open a case', false],
  ['no source could be asked', { lapsedBy: 'unasked' }, 'Check on the AWS status page whether the event is still open.', true],
  [
    'the other accounts are ok',
    { lapsedBy: 'alone' },
    'The same operation works for other accounts: look for what is different about this one.',
    false,
  ],
  ['the event is gone', { lapsedBy: 'vanished' }, 'AWS has withdrawn its event.', false],
  ['the event is about something else', { lapsedBy: 'unfit' }, 'AWS’s event no longer covers it.', false],
  ['an earlier version did not say', {}, 'AWS’s event no longer covers it.', false],
])('what to do when an explanation has ended because %s', ([, over, words, page]) => {
  const dashboard = { ...SAMPLES.failing.sources!.dashboard, state: 'unavailable' } as const
  const facts: Facts = {
    ...SAMPLES['still-failing'],
    probes: [probeFacts({ lapsed: 'it ended', ...over })],
    sources: page ? { ...SAMPLES.failing.sources!, dashboard } : SAMPLES.failing.sources,
  }
  const text = textOf(facts)
  expect(squeezed(text)).toContain(squeezed(`Do first: Follow the runbook. ${words}`))
  expect(text.includes('AWS status page: https://health.aws.amazon.com/health/status')).toBe(page)
})

test('where several machines saw the failure, they are named', () => {
  const facts: Facts = { ...SAMPLES.failing, vantage: { machines: ['north', 'south'], of: 3 } }
  expect(squeezed(textOf(facts, {}))).toContain(squeezed('Seen from: 2 of 3 machines: north, south.'))
  expect(textOf(SAMPLES.failing, {})).not.toContain('Seen from')
  expect(textOf({ ...facts, kind: 'recovered' }, {})).not.toContain('Seen from')
})

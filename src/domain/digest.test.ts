import { expect, test } from 'vitest'
import { HOUR, incident, MIN, member, NOON, run } from '../../test/given.ts'
import { type DigestInput, digestOf, gapRow, MAX_LINES } from './digest.ts'
import { NEVER_JUDGED } from './explanation.ts'
import type { Incident } from './incident.ts'
import { summaryOf } from './incident-summary.ts'
import type { LedgerRow } from './ledger.ts'
import { incidentPatterns } from './patterns.ts'
import type { RejectedEvent } from './verdict.ts'

const WEEK = 7 * 24 * HOUR
const TO = NOON + HOUR
const FROM = TO - WEEK

const EMPTY: DigestInput = {
  from: FROM,
  to: TO,
  incidents: [],
  patterns: [],
  ledger: [],
  cut: false,
  outbox: [],
  watched: { operations: 1, accounts: 1 },
}
const row = (decision: LedgerRow['decision'], id: string | null, reason: string, rule: LedgerRow['rule'] = null): LedgerRow => ({
  at: NOON,
  incident: id,
  probe: null,
  decision,
  reason,
  rule,
  evidence: null,
})
const closed = (id: string, changes = {}) =>
  incident({ id, state: 'closed', closedAt: NOON + 40 * MIN, closedAs: 'recovered', verdict: 'unexplained', ...changes })
/** The same with whole incidents. */
type Input = Partial<Omit<DigestInput, 'incidents' | 'patterns'>> & Readonly<{ incidents?: readonly Incident[] }>
const digest = ({ incidents = [], ...input }: Input) =>
  digestOf({ ...EMPTY, ...input, incidents: incidents.map(summaryOf), patterns: incidents.map(incidentPatterns) })
const linesOf = (input: Input, title: string) => digest(input).chapters.find((chapter) => chapter.title.startsWith(title))?.lines

test('a week in which nothing happened is one sentence', () => {
  expect(digest({})).toEqual({
    headline: 'In the 7d to 2026-03-10 13:00Z nothing failed, and no gap in our own watch was seen.',
    chapters: [],
  })
})

test('what was emailed is separate from what was not, each with its reasons', () => {
  const input: Input = {
    incidents: [closed('aaaa000000000001'), closed('bbbb000000000001', { verdict: 'explained' })],
    ledger: [
      row('withheld', 'aaaa000000000001', 'the silence 1a2b of oncall lasts', 'silence'),
      row('delivered', 'aaaa000000000001', 'failing to oncall: 250 ok'),
      row('delivered', 'aaaa000000000001', 'failing to manager: 250 ok'),
      row('delivered', 'aaaa000000000001', 'recovered to oncall: 250 ok'),
      row('withheld', 'bbbb000000000001', 'AWS reports trouble of ACCOUNT itself', 'suppression'),
      row('withheld', 'bbbb000000000001', 'AWS reports trouble of ACCOUNT itself', 'suppression'),
      row('delivered', null, 'misconfigured to oncall: 250 ok'),
      row('delivered', null, 'digest to oncall: 250 ok'),
    ],
  }
  expect(digest(input).headline).toBe(
    'In the 7d to 2026-03-10 13:00Z there were 2 incidents: 1 emailed, 1 not; no gap in our own watch.',
  )
  expect(linesOf(input, 'Emailed')).toEqual([
    '2026-03-10 12:00Z, 40m: outage of 1 probe (main), unexplained #aaaa. Emailed: failing ×2, recovered. Not emailed: the silence 1a2b of oncall lasts (rule: silence).',
    'Apart from incidents: misconfigured.',
  ])
  expect(linesOf(input, 'Not emailed')).toEqual([
    '2026-03-10 12:00Z, 40m: outage of 1 probe (main), explained #bbbb. Why: AWS reports trouble of ACCOUNT itself (rule: suppression) ×2.',
  ])
})

test.for<[string, object, boolean]>([
  ['one that was over before', { openedAt: FROM - 2 * HOUR, closedAt: FROM - HOUR }, false],
  ['one that began before and ended within', { openedAt: FROM - HOUR, closedAt: FROM + HOUR }, true],
  ['one that began before and is open', { openedAt: FROM - HOUR, closedAt: null, state: 'suppressed' }, true],
  ['one that began afterwards', { openedAt: TO + MIN, closedAt: TO + HOUR }, false],
])('%s is in it: %s', ([, changes, isIn]) => {
  expect(linesOf({ incidents: [closed('aaaa000000000001', changes)] }, 'Not emailed') !== undefined).toBe(isIn)
})

test('who knew first', () => {
  const incidents = [22, -5, 90].map((leadMinutes, at) => closed(`aaaa00000000000${at}`, { leadMinutes }))
  expect(linesOf({ incidents }, 'Who knew')).toEqual([
    'Of 3 incidents that AWS spoke of, 2 failed here before AWS’s first post.',
    'AWS spoke 22 min after our first failure in the middle case, 90 min after our first failure in the slowest.',
  ])
  expect(linesOf({ incidents: [closed('aaaa000000000001')] }, 'Who knew')).toBeUndefined()
})

test('rejected events are listed once, with the number of incidents', () => {
  const miss: RejectedEvent = {
    arn: 'a',
    code: 'AWS_IAM_OPERATIONAL_ISSUE',
    region: 'me-central-1',
    status: 'open',
    test: 'place',
    why: 'it is about me-central-1',
  }
  const missed = member({
    judgement: {
      ...NEVER_JUDGED,
      verdict: { kind: 'unexplained', why: 'none', rejected: [miss, { ...miss, code: 'AWS_EC2_API_ISSUE' }] },
    },
  })
  const again = member({ judgement: { ...NEVER_JUDGED, verdict: { kind: 'unexplained', why: 'none', rejected: [miss] } } })
  const incidents = [closed('aaaa000000000001', { members: [missed, missed] }), closed('bbbb000000000001', { members: [again] })]
  expect(linesOf({ incidents }, 'Near misses')).toEqual([
    'AWS_IAM_OPERATIONAL_ISSUE, me-central-1 (place): it is about me-central-1, in 2 incidents',
    'AWS_EC2_API_ISSUE, me-central-1 (place): it is about me-central-1',
  ])
})

test('gaps are the times when we could not see: not running, offline, blind', () => {
  const input: Input = {
    incidents: [closed('0ff1000000000001', { family: 'offline', members: [] })],
    ledger: [
      gapRow({ from: NOON - 3 * HOUR, to: NOON - HOUR, why: 'Alibi was not running' }),
      gapRow({ from: TO - MIN, to: TO + HOUR, why: 'this machine slept' }),
      gapRow({ from: TO + MIN, to: TO + HOUR, why: 'that is for the next one' }),
      row('noticed', null, 'the Health API refuses', 'consult'),
    ],
  }
  expect(linesOf(input, 'Gaps')).toEqual([
    'Alibi was not running from 2026-03-10 09:00Z to 2026-03-10 11:00Z (2h): nothing was watched',
    '2026-03-10 12:00Z, 40m: offline #0ff1',
    'this machine slept from 2026-03-10 12:59Z to 2026-03-10 14:00Z (1h 1m): nothing was watched',
  ])
  expect(digest(input).headline).toContain('there was no incident; 3 gaps in our own watch')
})

test('patterns look back further than the digest', () => {
  const members = [member({ evidence: [run('p', NOON, 'internal')] })]
  const incidents = [0, 30, 60].map((days) =>
    closed(`aaaa0000000000${days}`, { openedAt: NOON - days * 24 * HOUR, closedAt: NOON - days * 24 * HOUR, members }),
  )
  expect(linesOf({ incidents }, 'Patterns')).toContain('3 of 3 failures ended with internalException (HTTP 500)')
})

test('however much there was, a chapter has an end', () => {
  const incidents = Array.from({ length: 400 }, (_, at) => closed(String(at).padStart(16, '0')))
  expect(linesOf({ incidents, cut: true }, 'Not emailed')).toHaveLength(MAX_LINES + 1)
  expect(linesOf({ incidents, cut: true }, 'Not emailed')?.at(-1)).toBe('and 370 more')
  expect(linesOf({ incidents, cut: true }, 'Left out')).toHaveLength(1)
})

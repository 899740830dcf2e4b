import { describe, expect, test } from 'vitest'
import { HOUR, incident, MIN, member, NOON, setup } from '../../test/given.ts'
import { NEVER_JUDGED } from './explanation.ts'
import { failingMembers, type Incident, type Member } from './incident.ts'
import { close, flapsNow } from './rules/recovery.ts'
import { remindEveryOf } from './rules/reminder.ts'
import { step } from './step.ts'
import type { Verdict } from './verdict.ts'
import { overallVerdict } from './view.ts'

const verdict = (kind: Verdict['kind']): Member => {
  const by = {
    arn: 'arn',
    code: 'AWS_IAM_OPERATIONAL_ISSUE',
    service: 'IAM',
    region: 'us-east-1',
    status: 'open',
    startedAt: NOON,
    endedAt: null,
    updatedAt: NOON,
    sources: [],
    text: '',
    match: 'related',
  } as const
  const said = kind === 'explained' ? { kind, by, why: kind, rejected: [] } : { kind, why: kind, rejected: [] }
  return member({ judgement: { ...NEVER_JUDGED, verdict: said } })
}

describe('grouping: the verdict over several', () => {
  test.for<[Verdict['kind'][], Verdict['kind']]>([
    [['explained'], 'explained'],
    [['explained', 'explained'], 'explained'],
    [['explained', 'unexplained'], 'unexplained'],
    [['explained', 'undetermined'], 'undetermined'],
    [['unexplained', 'undetermined'], 'unexplained'],
    [['explained', 'undetermined', 'unexplained'], 'unexplained'],
    [['undetermined'], 'undetermined'],
    [['unexplained'], 'unexplained'],
    [[], 'unexplained'],
  ])('%j is %s', ([kinds, expected]) => {
    expect(overallVerdict(kinds.map(verdict))).toBe(expected)
    expect(overallVerdict(kinds.toReversed().map(verdict))).toBe(expected)
  })
})

test.for<[string, number[], boolean]>([
  ['the first reopening', [0], false],
  ['the second at once', [0, 0], true],
  ['the second within six hours', [6 * HOUR, 0], true],
  ['the second just later', [6 * HOUR + 1, 0], false],
  ['the third, the first long ago', [30 * HOUR, HOUR, 0], true],
])('recovery: it flaps at %s', ([, ago, expected]) => {
  expect(
    flapsNow(
      ago.map((ms) => NOON - ms),
      NOON,
    ),
  ).toBe(expected)
})

test.for<[Incident['family'], number, number | null]>([
  ['outage', 4 * HOUR, 4 * HOUR],
  ['outage', 0, null],
  ['misconfigured', 4 * HOUR, 24 * HOUR],
  ['misconfigured', 0, null],
  ['offline', 4 * HOUR, null],
  ['blind', 4 * HOUR, null],
])('reminder: %s, remindEvery %i: each %s', ([family, every, expected]) => expect(remindEveryOf(family, every)).toBe(expected))

test('those that recover are not well yet', () => {
  const members = [member({ state: 'failing' }), member({ state: 'recovering' }), member({ state: 'recovered' })]
  expect(failingMembers(incident({ members })).map((m) => m.state)).toEqual(['failing', 'recovering'])
})

describe('the end of an incident', () => {
  const told = (open: boolean) => ({
    recipient: open ? 'told' : 'untold',
    to: ['a@example.com'],
    subject: 's',
    root: '<r>',
    open,
    heard: null,
    monitors: [],
    reopened: null,
  })
  const was = incident({ state: 'announced', announcedAt: NOON, seq: 4, audience: [told(true), told(false)] })
  test.for<['recovered' | 'dropped' | 'changed', string | null, string]>([
    ['recovered', 'recovered', 'recovery'],
    ['dropped', 'dropped', 'config-change'],
    ['changed', null, 'family-change'],
  ])('%s: the mail is %s', ([as, kind, rule]) => {
    const done = close(was, NOON + MIN, as, 'why')
    expect(done.incident).toMatchObject({ state: 'closed', closedAs: as, closedAt: NOON + MIN })
    expect(done.announcement?.kind ?? null).toBe(kind)
    expect(done.announcement?.to.map((a) => a.recipient) ?? []).toEqual(kind === null ? [] : ['told'])
    expect(done.ledger).toMatchObject([{ decision: 'closed', rule }])
    expect(done.incident.audience.every((a) => !a.open)).toBe(true)
  })
  test('nobody was told: no mail, no sequence spent, and the ledger says so', () => {
    const done = close(incident(), NOON, 'recovered', 'every probe has recovered')
    expect(done).toMatchObject({ announcement: null, incident: { seq: 0 } })
    expect(done.ledger[0]?.reason).toBe('every probe has recovered; nobody was notified of it, so nobody is notified of its end')
  })
})

test('a step that says nothing new writes nothing: neither mail nor ledger nor a changed incident', () => {
  const around = { setup: setup(), now: NOON + MIN, gathered: () => true, freshSince: 0, offline: false, silences: [], ack: null }
  const first = step(incident({ members: [verdict('explained')] }), around)
  expect(first.ledger.map((row) => row.decision)).toEqual(['verdict', 'withheld'])
  const second = step(first.incident, { ...around, now: NOON + 2 * MIN })
  expect(second.ledger).toEqual([])
  expect(second.announcement).toBeNull()
  expect(second.incident).toEqual(first.incident)
})

describe('hold waits for the extension of lapsed-explanation, and not for ever', () => {
  const until = NOON + 7 * HOUR
  const around = { setup: setup(), gathered: () => true, freshSince: 0, offline: false, silences: [], ack: null }
  test.for<[number, boolean, 'failing' | null]>([
    [until - MIN, false, null],
    [until + 14 * MIN, false, null],
    [until + 16 * MIN, false, 'failing'],
    [until - MIN, true, 'failing'],
  ])('at %i, the event open: %s', ([now, open, kind]) => {
    const { judgement } = verdict('explained')
    const alibi = { arn: 'arn', confirmedAt: NOON, until, open }
    const failing = { ...verdict('explained'), lastRunAt: now, lastFailedAt: now, judgement: { ...judgement, alibi } }
    expect(step(incident({ verdict: 'explained', members: [failing] }), { ...around, now }).announcement?.kind ?? null).toBe(kind)
  })
  test('nor is anything told as failing while the last run was ok', () => {
    const now = until - MIN
    const { judgement } = verdict('explained')
    const alibi = { arn: 'arn', confirmedAt: NOON, until, open: true }
    const failing = member({
      state: 'recovering',
      lastRunAt: now,
      lastFailedAt: until - 5 * MIN,
      judgement: { ...judgement, alibi },
    })
    expect(step(incident({ verdict: 'explained', members: [failing] }), { ...around, now }).announcement).toBeNull()
  })
})

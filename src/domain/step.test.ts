import { describe, expect, test } from 'vitest'
import { HOUR, incident, MIN, member, NOON, setup } from '../../test/given.ts'
import { NEVER_JUDGED } from './explanation.ts'
import { failingMembers, type Incident, type Member } from './incident.ts'
import { reopened } from './phases/new-incident.ts'
import { HELD_AT_MOST_MS } from './rules/joining.ts'
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

/** Nothing is waited for, and nothing else is known. */
const ALONE = { gathered: () => true, arriving: () => [], freshSince: 0, offline: false, silences: [], ack: null }

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

test('those that are recovering have not recovered yet', () => {
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
  ])('%s: the email is %s', ([as, kind, rule]) => {
    const done = close(was, NOON + MIN, as, 'why')
    expect(done.incident).toMatchObject({ state: 'closed', closedAs: as, closedAt: NOON + MIN })
    expect(done.announcement?.kind ?? null).toBe(kind)
    expect(done.announcement?.to.map((a) => a.recipient) ?? []).toEqual(kind === null ? [] : ['told'])
    expect(done.ledger).toMatchObject([{ decision: 'closed', rule }])
    expect(done.incident.audience.every((a) => !a.open)).toBe(true)
  })
  test('nobody was notified: no email, no sequence number used, and the ledger says so', () => {
    const done = close(incident(), NOON, 'recovered', 'every probe has recovered')
    expect(done).toMatchObject({ announcement: null, incident: { seq: 0 } })
    expect(done.ledger[0]?.reason).toBe('every probe has recovered; nobody was notified of it, so nobody is notified of its end')
  })
})

test('a step with nothing new writes nothing: no email, no ledger row, no changed incident', () => {
  const around = { ...ALONE, setup: setup(), now: NOON + MIN }
  const first = step(incident({ members: [verdict('explained')] }), around)
  expect(first.ledger.map((row) => row.decision)).toEqual(['verdict', 'withheld'])
  const second = step(first.incident, { ...around, now: NOON + 2 * MIN })
  expect(second.ledger).toEqual([])
  expect(second.announcement).toBeNull()
  expect(second.incident).toEqual(first.incident)
})

describe('joining: a first email is held while another probe is about to join', () => {
  const [beta] = setup({ monitors: [{ name: 'b', operations: ['ListRegions'], accounts: ['222222222222'] }] }).probes.values()
  const given = { ...ALONE, setup: setup(), now: NOON + 5000, arriving: () => (beta === undefined ? [] : [beta]) }
  const due = incident({ members: [verdict('unexplained')] })
  const held = step(due, given)

  test('for ten seconds at most: the ledger says until when and for which probe, and the incident remembers it', () => {
    expect(held.announcement).toBeNull()
    expect(held.incident).toMatchObject({ state: 'waiting', heldUntil: NOON + 5000 + HELD_AT_MOST_MS })
    expect(held.ledger.at(-1)).toMatchObject({
      decision: 'withheld',
      rule: 'joining',
      reason: 'held until 2026-03-10 12:00:15Z: ListRegions of 222222222222 (b) may join',
    })
  })
  test.for<[string, Partial<typeof given>, 'held' | 'failing']>([
    ['until the end', { now: NOON + 5000 + HELD_AT_MOST_MS - 1 }, 'held'],
    ['no longer than until the end', { now: NOON + 5000 + HELD_AT_MOST_MS }, 'failing'],
    ['no longer than anything is about to join', { arriving: () => [] }, 'failing'],
    ['not while the clock, set back by a second, would prolong it', { now: NOON + 4000 }, 'failing'],
    ['not in an episode that has been held before', { now: NOON + 20_000 }, 'failing'],
    ['not after a restart', { now: NOON + 7000, freshSince: NOON + 6000 }, 'failing'],
  ])('%s', ([, around, expected]) => {
    const ran = held.incident.members.map((one) => ({ ...one, lastRunAt: NOON + 6500, lastFailedAt: NOON + 6500 }))
    const next = step({ ...held.incident, members: ran }, { ...given, ...around })
    expect(next.announcement?.kind ?? 'held').toBe(expected)
    if (expected === 'held')
      expect(next, 'and nothing new is said').toMatchObject({ ledger: [], incident: { heldUntil: held.incident.heldUntil } })
  })
  test('no longer than gathering would last', () => {
    expect(step(due, { ...given, now: NOON + 25_000 }).incident.heldUntil).toBe(NOON + 30_000)
    expect(step(due, { ...given, now: NOON + 30_000 }).announcement?.kind).toBe('failing')
  })
  test('whoever is about to join is asked for by recipient, and by the end of the hold', () => {
    const asked: unknown[] = []
    const arriving = (...about: unknown[]) => {
      asked.push(about)
      return []
    }
    step(held.incident, { ...given, now: NOON + 8000, arriving })
    expect(asked).toEqual([['oncall', NOON + 5000 + HELD_AT_MOST_MS]])
  })
  test('nothing else is held: neither `wider` nor the end', () => {
    const told = step(due, { ...given, arriving: () => [] }).incident
    const more = verdict('unexplained')
    const three = [1, 2, 3].map((i) => ({ ...more, probe: `main/${i}`, failedAt: NOON + 20 * MIN }))
    expect(step({ ...told, members: [more, ...three] }, { ...given, now: NOON + 20 * MIN }).announcement?.kind).toBe('wider')
    const well = told.members.map((one) => ({ ...one, state: 'recovered' as const, recoveredAt: NOON + MIN }))
    expect(step({ ...told, members: well }, { ...given, now: NOON + MIN }).announcement?.kind).toBe('recovered')
  })
  test('the reason names two probes and counts the others', () => {
    const { probes } = setup({
      monitors: [{ name: 'b', accounts: ['self', '222222222222', '333333333333', '444444444444'], operations: ['ListRegions'] }],
    })
    const { reason } = step(due, { ...given, arriving: () => [...probes.values()] }).ledger.at(-1) ?? {}
    expect(reason).toMatch(/: ListRegions \(b\), ListRegions of 222222222222 \(b\) and 2 more may join$/)
  })
  test('the end is remembered also where another rule gives the reason', () => {
    const both = setup({
      monitors: [{}, { name: 'b', notify: ['beta'] }],
      recipients: { oncall: null, beta: null },
    })
    // `beta` was notified, and would be notified again of the explanation that has ended, but that probe recovers.
    const first = step(incident({ members: [{ ...verdict('unexplained'), probe: 'b/1', monitor: 'b' }] }), {
      ...ALONE,
      setup: both,
      now: NOON,
    })
    const [one] = first.incident.members
    const lapsed = { arn: 'arn', at: NOON, cause: 'over', why: 'it is over' } as const
    const fails = { ...verdict('unexplained'), failedAt: given.now }
    const audience = first.incident.audience.map((a) => ({ ...a, heard: a.heard && { ...a.heard, lapse: 'it is over' } }))
    const members = [
      {
        ...verdict('unexplained'),
        probe: 'b/1',
        monitor: 'b',
        state: 'recovering' as const,
        judgement: { ...(one as Member).judgement, lapsed },
      },
      fails,
    ]
    const next = step({ ...first.incident, audience, members }, { ...given, setup: both })
    expect(next.ledger.filter(({ rule }) => rule === 'joining')).toEqual([])
    expect(next.incident.heldUntil).toBe(given.now + HELD_AT_MOST_MS)
  })
  test('a new episode may be held again', () => {
    const closed = close(held.incident, NOON + MIN, 'recovered', 'why').incident
    expect(reopened(closed, NOON + 5 * MIN, [NOON + 5 * MIN], false)).not.toHaveProperty('heldUntil')
  })
})

describe('hold waits for the `extension` of lapsed-explanation, but not forever', () => {
  const until = NOON + 7 * HOUR
  const around = { ...ALONE, setup: setup() }
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
  test('nor is anything reported as failing while the last run was ok', () => {
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

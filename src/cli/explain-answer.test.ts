import { describe, expect, test } from 'vitest'
import { incident, MIN, NOON } from '../../test/given.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import { answer, grouped } from './explain-answer.ts'

const row = (minute: number, decision: LedgerRow['decision'], reason: string, over: Partial<LedgerRow> = {}): LedgerRow => ({
  ...{ at: NOON + minute * MIN, incident: 'a3f9', probe: null, decision, reason, rule: null, evidence: null },
  ...over,
})
const EXPLAINED = row(1, 'withheld', 'silent: AWS explains it by AWS_IAM_OPERATIONAL_ISSUE.', { rule: 'suppression' })
const FIRST = row(2, 'mailed', 'failing: nothing explains it', { rule: 'first-email' })
const SILENCED = row(9, 'withheld', 'the silence 1a2b lasts until 14:00Z: planned work', { rule: 'silence' })

describe('the answer comes first', () => {
  const open = incident({ id: 'a3f9', announcedAt: null })
  const closed = incident({ id: 'a3f9', announcedAt: null, state: 'closed', closedAt: NOON })
  test.for<[string, typeof open, LedgerRow[], string]>([
    ['explained', open, [EXPLAINED], 'No email, because AWS explains it by AWS_IAM_OPERATIONAL_ISSUE (suppression).'],
    [
      'silenced last',
      open,
      [EXPLAINED, SILENCED],
      'No email, because the silence 1a2b lasts until 14:00Z: planned work (silence).',
    ],
    ['nothing due', open, [], 'No email so far: nothing is due yet.'],
    ['over before', closed, [], 'No email: it was over before one was due.'],
    [
      'silenced until it was over: what the last minute waited for is not the answer',
      incident({ id: 'a3f9', announcedAt: null, state: 'closed', closedAt: NOON + 62 * MIN }),
      [
        row(2, 'withheld', 'the other probes have not run yet', { rule: 'first-email' }),
        SILENCED,
        row(60, 'withheld', 'a silence has ended: the probes that it covered run once more first', { rule: 'silence' }),
        row(61, 'withheld', 'the last run of every probe was ok: the next one decides', { rule: 'first-email' }),
      ],
      'No email, because the silence 1a2b lasts until 14:00Z: planned work (silence).',
    ],
    ['emailed', open, [EXPLAINED, FIRST], 'Emailed first at 2, because nothing explains it (first-email).'],
    [
      'emailed, then silenced',
      open,
      [FIRST, SILENCED],
      'Emailed first at 2, because nothing explains it (first-email); nothing since, because the silence 1a2b lasts until 14:00Z: planned work (silence).',
    ],
    [
      'emailed, and over',
      closed,
      [FIRST, row(20, 'mailed', 'all is well', { rule: 'recovery' })],
      'Emailed first at 2, because nothing explains it (first-email); last at 20: all is well (recovery).',
    ],
  ])('%s', ([, is, ledger, expected]) => {
    expect(answer(is, ledger, (at) => `at ${(at - NOON) / MIN}`)).toBe(expected)
  })
})

test('rows that say the same, of several probes or again and again, are one', () => {
  const same = [
    row(1, 'joined', 'fails', { probe: 'a' }),
    row(1, 'joined', 'fails', { probe: 'b' }),
    row(3, 'joined', 'fails', { probe: 'a' }),
  ]
  expect(grouped([EXPLAINED, ...same, SILENCED]).map(({ row: { reason }, times, probes }) => [reason, times, probes])).toEqual([
    [EXPLAINED.reason, 1, []],
    ['fails', 3, ['a', 'b']],
    [SILENCED.reason, 1, []],
  ])
})

test('rows that differ in what they say, in their decision or in their rule stay apart', () => {
  const rows = [
    row(1, 'joined', 'fails', { rule: 'grouping' }),
    row(2, 'joined', 'fails again', { rule: 'grouping' }),
    row(3, 'joined', 'fails again', { rule: 'threshold' }),
    row(4, 'opened', 'fails again', { rule: 'threshold' }),
  ]
  expect(grouped(rows).map(({ times }) => times)).toEqual([1, 1, 1, 1])
})

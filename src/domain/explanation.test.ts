import { describe, expect, test } from 'vitest'
import { event, failure, MIN, NOON, reading, type SourceStates } from '../../test/given.ts'
import { NEVER_JUDGED, settleJudgement, withFirstEnds } from './explanation.ts'
import type { Judgement, LapseCause } from './incident.ts'
import { judge } from './judge.ts'
import type { HealthEvent } from './outage.ts'

const EXTENSION = 15 * MIN
const NOBODY = () => ({ others: 0, ok: 0 })
const LAW = {
  policy: { lookbackMs: 7 * 60 * MIN, extensionMs: EXTENSION, staleAfterMs: 24 * 60 * MIN },
  relevance: { related: ['IAM'], ignore: [], codes: [] },
}
const OPEN = event({ startedAt: NOON - MIN, updatedAt: NOON - MIN })

/** One judgement: a run and a reading in the same minute after noon, onset at noon. */
function judged(
  was: Judgement,
  minute: number,
  events: readonly HealthEvent[],
  states: SourceStates = {},
  runMinute = minute,
  extensionMs = EXTENSION,
): Judgement {
  const [now, runAt] = [NOON + minute * MIN, NOON + runMinute * MIN]
  const said = withFirstEnds(reading(events, now, states), was.ends ?? [], now)
  const law = { ...LAW, policy: { ...LAW.policy, extensionMs } }
  const verdict = judge(failure({ at: runAt }), said, { ...law, peers: NOBODY, now })
  return settleJudgement(was, verdict, said, { runAt, extensionMs, peers: NOBODY, now })
}
const explained = judged(NEVER_JUDGED, 0, [OPEN])
const ended = (minute: number): HealthEvent => ({
  ...OPEN,
  status: 'closed',
  endedAt: NOON + minute * MIN,
  updatedAt: NOON + minute * MIN,
})
const GONE: SourceStates = { api: 'unavailable', dashboard: 'unavailable' }

test('a probe that was never judged is undetermined', () => {
  expect(NEVER_JUDGED.verdict.kind).toBe('undetermined')
})

test('an explanation holds which event, until when, and when it was confirmed', () => {
  expect(explained).toMatchObject({
    verdict: { kind: 'explained' },
    carried: null,
    lapsed: null,
    alibi: { arn: OPEN.arn, confirmedAt: NOON, until: NOON + EXTENSION, open: true },
  })
})

test('of an event that has ended it holds until the end and the extension, not the reading and the extension', () => {
  expect(judged(explained, 5, [ended(2)]).alibi).toMatchObject({ until: NOON + 17 * MIN, open: false })
})

describe('what an explanation of noon is worth later', () => {
  type Row = [string, number, readonly HealthEvent[], SourceStates, 'stands' | 'carried' | 'lapsed']
  test.for<Row>([
    ['it is still there', 60, [OPEN], {}, 'stands'],
    ['neither source could be asked, as long as the extension', 15, [], GONE, 'carried'],
    ['nor longer', 16, [], GONE, 'lapsed'],
    ['it vanished, as long as the extension', 15, [], {}, 'carried'],
    ['nor longer', 16, [], {}, 'lapsed'],
    ['it moved to another region, as long as the extension', 15, [{ ...OPEN, region: 'us-west-2' }], {}, 'carried'],
    ['nor longer', 16, [{ ...OPEN, region: 'us-west-2' }], {}, 'lapsed'],
    ['it ended at 12:05, as long after that as the extension', 20, [ended(5)], {}, 'stands'],
    ['nor longer', 21, [ended(5)], {}, 'lapsed'],
    [
      'it ended at 12:05 and moved, as long after the end as the extension',
      20,
      [{ ...ended(5), region: 'us-west-2' }],
      {},
      'carried',
    ],
    ['nor longer', 21, [{ ...ended(5), region: 'us-west-2' }], {}, 'lapsed'],
  ])('%s (minute %i)', ([, minute, events, states, expected]) => {
    const is = judged(explained, minute, events, states)
    const what = is.lapsed !== null ? 'lapsed' : is.carried !== null ? 'carried' : 'stands'
    expect(what).toBe(expected)
    expect(is.verdict.kind === 'explained').toBe(expected !== 'lapsed')
    expect(is.alibi === null).toBe(expected === 'lapsed')
  })

  test.for<[string, readonly HealthEvent[], SourceStates, LapseCause]>([
    ['AWS says that it is over', [ended(5)], {}, 'over'],
    ['no source could be asked', [], GONE, 'unasked'],
    ['it vanished', [], {}, 'vanished'],
    ['it is about another region by now', [{ ...OPEN, region: 'us-west-2' }], {}, 'unfit'],
  ])('the cause of the end is kept: %s', ([, events, states, cause]) => {
    expect(judged(explained, 60, events, states).lapsed?.cause).toBe(cause)
  })

  test.for<[string, readonly HealthEvent[], string]>([
    ['it is still there', [OPEN], 'the others are ok'],
    ['it moved to another region', [{ ...OPEN, region: 'us-west-2' }], 'its region is us-west-2'],
    ['it vanished', [], 'has vanished'],
  ])('the others turn out to be ok: it never explained ours, and ends at once (%s)', ([, events, how]) => {
    const at = NOON + MIN
    const ok = () => ({ others: 9, ok: 9 })
    const alone = judge(failure({ at }), reading(events, at), { ...LAW, peers: ok, now: at })
    const is = settleJudgement(explained, alone, reading(events, at), { runAt: at, extensionMs: EXTENSION, peers: ok, now: at })
    expect(is).toMatchObject({
      verdict: { kind: 'unexplained' },
      carried: null,
      alibi: null,
      lapsed: { arn: OPEN.arn, cause: 'alone' },
    })
    expect(is.lapsed?.why).toContain(how)
    expect(is.lapsed?.why).toContain('the others are ok')
  })

  test('an event sent to this account alone is not refuted by the others’ health', () => {
    const own = { ...OPEN, scope: 'ACCOUNT_SPECIFIC', owners: ['111122223333'], sources: ['api'] } as const
    const at = NOON + MIN
    const ok = () => ({ others: 9, ok: 9 })
    const first = judge(failure(), reading([own]), { ...LAW, peers: ok, now: NOON })
    const was = settleJudgement(NEVER_JUDGED, first, reading([own]), {
      runAt: NOON,
      extensionMs: EXTENSION,
      peers: ok,
      now: NOON,
    })
    expect(
      settleJudgement(was, judge(failure({ at }), reading([], at), { ...LAW, peers: ok, now: at }), reading([], at), {
        runAt: at,
        extensionMs: EXTENSION,
        peers: ok,
        now: at,
      }).carried,
    ).not.toBeNull()
  })

  test('time passes by runs: an old run does not end it, however late AWS Health is read', () => {
    expect(judged(explained, 60, [], {}, 15).lapsed).toBeNull()
    expect(judged(explained, 60, [], {}, 16).lapsed).not.toBeNull()
  })

  test('carrying it does not lengthen it', () => {
    let judgement = explained
    for (let minute = 1; minute <= 15; minute++) {
      judgement = judged(judgement, minute, [], GONE)
      expect(judgement.alibi?.until).toBe(NOON + EXTENSION)
    }
    expect(judged(judgement, 16, [], GONE).lapsed?.at).toBe(NOON + EXTENSION)
  })

  test('what was undetermined or unexplained is never carried', () => {
    const unexplained = judged(NEVER_JUDGED, 0, [])
    expect(judged(unexplained, 1, [], GONE)).toMatchObject({ verdict: { kind: 'undetermined' }, carried: null, lapsed: null })
  })

  test('what has lapsed stays lapsed, with its reason, until something explains again', () => {
    const lapsed = judged(explained, 16, [])
    expect(judged(lapsed, 17, [])).toMatchObject({ verdict: { kind: 'unexplained' }, lapsed: lapsed.lapsed })
    expect(judged(lapsed, 17, [OPEN]).lapsed).toBeNull()
  })

  test('lapsed, the verdict is what is known now: not knowing stays not knowing', () => {
    expect(judged(explained, 16, [], GONE).verdict.kind).toBe('undetermined')
    expect(judged(explained, 16, [], {}).verdict.kind).toBe('unexplained')
  })

  test('an alibi that stands without confirmation has the current status of its event', () => {
    const { verdict } = judged(explained, 10, [{ ...ended(5), region: 'us-west-2' }])
    expect(verdict).toMatchObject({ kind: 'explained', by: { status: 'closed', endedAt: NOON + 5 * MIN } })
    expect(verdict.rejected, 'and the rejected events are those of now').toMatchObject([{ test: 'place' }])
  })
})

describe('our clock is behind: an end that lies ahead of it counts as now, whenever it is read', () => {
  const ahead = ended(600)
  const seen = judged(explained, 5, [ahead])

  test('the end that was seen first stands', () => {
    let judgement = seen
    for (let minute = 6; minute <= 20; minute++) {
      judgement = judged(judgement, minute, [ahead])
      expect(judgement.alibi, `minute ${minute}`).toMatchObject({ until: NOON + 20 * MIN, open: false })
    }
    const lapsed = judged(judgement, 21, [ahead])
    expect(lapsed).toMatchObject({ verdict: { kind: 'unexplained' }, alibi: null, lapsed: { arn: OPEN.arn } })
    expect(judged(lapsed, 22, [ahead]).verdict.kind, 'and it does not explain anew').toBe('unexplained')
  })

  test('unless it is seen open again', () => {
    const again = judged(judged(seen, 6, [OPEN]), 60, [ahead])
    expect(again).toMatchObject({ verdict: { kind: 'explained' }, alibi: { until: NOON + 75 * MIN } })
  })

  test('also when the event is not shown any more', () => {
    expect(judged(seen, 19, [])).toMatchObject({ carried: expect.any(String), alibi: { until: NOON + 20 * MIN } })
    expect(judged(seen, 21, []).lapsed).not.toBeNull()
  })

  test('another event explains all the same', () => {
    const other = event({ ...OPEN, arn: `${OPEN.arn}2` })
    expect(judged(judged(seen, 21, [ahead]), 22, [ahead, other])).toMatchObject({
      verdict: { kind: 'explained', by: { arn: other.arn } },
    })
  })
})

describe('the extension is changed while an explanation stands that cannot be confirmed', () => {
  test.for<[string, readonly HealthEvent[]]>([
    ['it vanished at noon', []],
    ['it ended at noon', [ended(0)]],
  ])('%s', ([, events]) => {
    const carried = judged(explained, 10, events)
    expect(carried.verdict.kind).toBe('explained')
    expect(judged(carried, 11, events, {}, 11, 5 * MIN).lapsed, 'a shorter one ends it').toMatchObject({ at: NOON + 5 * MIN })
    expect(judged(carried, 29, events, {}, 29, 30 * MIN).lapsed, 'a longer one keeps it').toBeNull()
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HealthEvent, SourceAnswer } from './outage.ts'
import { admit, join, MAX_EVENT_TEXT, type Memory, NOTHING_HELD, remembering, stateOf } from './reading.ts'

const T = Date.UTC(2026, 10, 22, 12)
const MIN = 60_000

function event(changes: Partial<HealthEvent> = {}): HealthEvent {
  return {
    arn: 'arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/1',
    service: 'IAM',
    region: 'us-east-1',
    code: 'AWS_IAM_OPERATIONAL_ISSUE',
    category: 'issue',
    scope: 'PUBLIC',
    status: 'open',
    startedAt: T - 60 * MIN,
    endedAt: null,
    updatedAt: T - 10 * MIN,
    text: 'We are looking into it.',
    impacted: null,
    sources: ['api'],
    owners: [],
    ...changes,
  }
}
const said = (events: readonly HealthEvent[], at = T): SourceAnswer => ({
  state: 'answered',
  at,
  events,
  skipped: 0,
  detail: 'it',
})
const off: SourceAnswer = { state: 'off', why: 'not configured' }
const away: SourceAnswer = { state: 'unavailable', at: T, why: 'timed out' }
const one = (api: Partial<HealthEvent>, dashboard: Partial<HealthEvent>) =>
  join({ api: said([event(api)]), dashboard: said([event({ sources: ['dashboard'], ...dashboard })]) }, 'aws', T).events

describe('join with a queue', () => {
  const queued = (changes: Partial<HealthEvent>) => said([event({ sources: ['queue'], ...changes })])

  test('an event that all three hold is one, and names them', () =>
    expect(
      join({ api: said([event()]), dashboard: said([event({ sources: ['dashboard'] })]), queue: queued({}) }, 'aws', T).events,
    ).toMatchObject([{ sources: ['api', 'dashboard', 'queue'] }]))

  test('the later update determines the status, and a source that disagrees is named', () =>
    expect(
      join(
        {
          api: off,
          dashboard: said([event({ sources: ['dashboard'] })]),
          queue: queued({ status: 'closed', endedAt: T, updatedAt: T }),
        },
        'aws',
        T,
      ).events,
    ).toMatchObject([
      { status: 'closed', disagreement: 'the public dashboard says open, the health queue closed: the queue is newer' },
    ]))

  test('category and scope come from the queue where only the dashboard knows more', () => {
    const board = said([event({ sources: ['dashboard'], category: 'unknown', updatedAt: T, impacted: [] })])
    expect(join({ api: off, dashboard: board, queue: queued({ category: 'investigation' }) }, 'aws', T).events).toMatchObject([
      { category: 'investigation', impacted: [], updatedAt: T },
    ])
  })

  test('without one nothing is said of it', () => {
    expect(join({ api: off, dashboard: off }, 'aws', T).sources).not.toHaveProperty('queue')
    expect(join({ api: off, dashboard: off, queue: off }, 'aws', T).sources).not.toHaveProperty('queue')
    expect(join({ api: off, dashboard: off, queue: away }, 'aws', T).sources.queue).toMatchObject({ state: 'unavailable' })
  })
})

describe('join', () => {
  test.for<[string, Partial<HealthEvent>, Partial<HealthEvent>, Partial<HealthEvent>]>([
    ['both sources are named', {}, {}, { sources: ['api', 'dashboard'] }],
    [
      'the later update says how it stands: the dashboard',
      {},
      { status: 'closed', endedAt: T - MIN, updatedAt: T - MIN },
      { status: 'closed', endedAt: T - MIN, updatedAt: T - MIN },
    ],
    [
      'the later update says how it stands: the API, also when it is open again',
      { updatedAt: T },
      { status: 'closed', endedAt: T - MIN, updatedAt: T - MIN },
      { status: 'open', endedAt: null, updatedAt: T },
    ],
    ['at the same moment the API is believed', { status: 'closed' }, { status: 'open' }, { status: 'closed' }],
    [
      'impacted services come from the dashboard',
      { updatedAt: T },
      { impacted: [{ key: 'account', resolvedAt: null }] },
      { impacted: [{ key: 'account', resolvedAt: null }] },
    ],
    [
      'category comes from the API, though the dashboard is newer',
      { category: 'investigation' },
      { category: 'issue', updatedAt: T },
      { category: 'investigation' },
    ],
    ['a category that the API does not know comes from the dashboard', { category: 'unknown' }, {}, { category: 'issue' }],
    ['scope comes from the API', { scope: 'ACCOUNT_SPECIFIC' }, {}, { scope: 'ACCOUNT_SPECIFIC' }],
    ['what the public dashboard holds is public if the API does not say', { scope: 'NONE' }, {}, { scope: 'PUBLIC' }],
    ['owners come from the API', { owners: ['111122223333'] }, { updatedAt: T }, { owners: ['111122223333'] }],
    [
      'a region that the API does not name comes from the dashboard',
      { region: null },
      { region: 'global' },
      { region: 'global' },
    ],
    [
      'a text that holds the other stands for both',
      { text: 'First. Second.' },
      { text: 'First.\n', updatedAt: T },
      { text: 'First. Second.' },
    ],
    [
      'texts that differ are both kept, the newer one last',
      { text: 'New.', updatedAt: T },
      { text: 'Old.' },
      { text: 'Old.\n\nNew.' },
    ],
    [
      'a long text keeps its newest part',
      { text: 'a'.repeat(MAX_EVENT_TEXT) },
      { text: 'end', updatedAt: T },
      { text: `${'a'.repeat(MAX_EVENT_TEXT - 5)}\n\nend` },
    ],
  ])('%s', ([, api, dashboard, expected]) => {
    const events = one(api, dashboard)
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject(expected)
  })

  test('if one says that it is over and the other not, both statements are kept', () => {
    const is = one({ updatedAt: T - 20 * MIN }, { status: 'closed', endedAt: T - MIN, updatedAt: T - MIN })
    expect(is[0]?.status).toBe('closed')
    expect(is[0]?.disagreement).toBe('the Health API says open, the public dashboard closed: the dashboard is newer')
    expect(one({}, {})[0]).not.toHaveProperty('disagreement')
  })

  test('an event of one source only is named as such', () => {
    expect(join({ api: off, dashboard: said([event({ sources: ['dashboard'] })]) }, 'aws', T).events[0]?.sources).toEqual([
      'dashboard',
    ])
    expect(join({ api: said([event()]), dashboard: away }, 'aws', T).events[0]?.sources).toEqual(['api'])
  })

  test('the state of each source is kept with the events', () => {
    expect(join({ api: said([event(), event({ arn: 'arn:2' })]), dashboard: away }, 'aws-cn', T)).toMatchObject({
      partition: 'aws-cn',
      at: T,
      sources: {
        api: { state: 'answered', at: T, events: 2, skipped: 0, detail: 'it' },
        dashboard: { state: 'unavailable', at: T, events: 0, skipped: 0, detail: 'timed out' },
      },
    })
    expect(stateOf(off)).toEqual({ state: 'off', at: null, events: 0, skipped: 0, detail: 'not configured' })
  })

  const anyEvent = fc.record({
    arn: fc.constantFrom('arn:a', 'arn:b', 'arn:c', '__proto__', ''),
    service: fc.constantFrom('IAM', 'STS', ''),
    region: fc.constantFrom('us-east-1', 'global', null),
    code: fc.constantFrom('AWS_IAM_OPERATIONAL_ISSUE', ''),
    category: fc.constantFrom('issue', 'accountNotification', 'unknown'),
    scope: fc.constantFrom('PUBLIC', 'ACCOUNT_SPECIFIC', 'NONE'),
    status: fc.constantFrom('open', 'closed', 'upcoming'),
    startedAt: fc.integer(),
    endedAt: fc.option(fc.integer()),
    updatedAt: fc.constantFrom(T, T - MIN, Number.NaN),
    text: fc.string({ maxLength: 20 }),
    impacted: fc.constantFrom(null, [], [{ key: 'iam', resolvedAt: null }]),
    sources: fc.constant(['api']),
    owners: fc.subarray(['self@chain||', '111122223333']),
  }) as fc.Arbitrary<HealthEvent>
  const events = fc.array(anyEvent, { maxLength: 8 })

  test('order and repetition of events make no difference', () =>
    fc.assert(
      fc.property(
        fc.tuple(events, events).chain(([a, b]) =>
          fc.record({
            was: fc.constant([a, b] as const),
            shuffled: fc.tuple(fc.shuffledSubarray(a, { minLength: a.length }), fc.shuffledSubarray(b, { minLength: b.length })),
            again: fc.tuple(fc.subarray(a), fc.subarray(b)),
          }),
        ),
        ({ was, shuffled, again }) => {
          // NaN times cannot be ordered; the adapters never let one through.
          const sane = (list: readonly HealthEvent[]) => list.filter((e) => !Number.isNaN(e.updatedAt))
          const before = join({ api: said(sane(was[0])), dashboard: said(sane(was[1])) }, 'aws', T).events
          const after = join(
            { api: said(sane([...shuffled[0], ...again[0]])), dashboard: said(sane([...again[1], ...shuffled[1]])) },
            'aws',
            T,
          ).events
          expect(after).toEqual(before)
          expect(before.map((e) => e.arn).sort()).toEqual([...new Set(sane([...was[0], ...was[1]]).map((e) => e.arn))].sort())
        },
      ),
    ))

  test('it never throws', () =>
    fc.assert(fc.property(events, events, (a, b) => void join({ api: said(a), dashboard: said(b) }, 'aws', T))))
})

describe('admit', () => {
  const open = event()
  const closed = event({ status: 'closed', endedAt: T })
  /** Answers a minute apart; what became of each. */
  const told = (answers: readonly SourceAnswer[], memory: Memory = NOTHING_HELD) => {
    let held = memory
    return answers.map((answer, i) => {
      const step = admit(held, answer.state === 'off' ? answer : { ...answer, at: T + i * MIN })
      held = step.memory
      return step.answer.state
    })
  }
  const some = said([open])
  const nothing = said([])

  test.for<[string, readonly SourceAnswer[], readonly SourceAnswer['state'][]]>([
    ['nothing after nothing counts', [nothing, nothing], ['answered', 'answered']],
    ['nothing after an open event is not believed at once', [some, nothing], ['answered', 'unavailable']],
    ['the second one is', [some, nothing, nothing], ['answered', 'unavailable', 'answered']],
    ['and so are those after it', [some, nothing, nothing, nothing], ['answered', 'unavailable', 'answered', 'answered']],
    ['nothing after a closed event counts', [said([closed]), nothing], ['answered', 'answered']],
    ['an answer that holds anything counts', [some, said([closed]), nothing], ['answered', 'answered', 'answered']],
    [
      'the event came back: the doubt starts again',
      [some, nothing, some, nothing],
      ['answered', 'unavailable', 'answered', 'unavailable'],
    ],
    ['silence between does not confirm', [some, away, nothing, nothing], ['answered', 'unavailable', 'unavailable', 'answered']],
    [
      'silence after the first doubt does not undo it',
      [some, nothing, away, nothing],
      ['answered', 'unavailable', 'unavailable', 'answered'],
    ],
    ['a source that was turned off forgets', [some, off, nothing], ['answered', 'off', 'answered']],
  ])('%s', ([, answers, states]) => expect(told(answers)).toEqual(states))

  test('the same answer looked at twice is not a second one', () => {
    const first = admit(remembering([open.arn]), said([], T))
    const again = admit(first.memory, said([], T))
    expect([first.answer.state, again.answer.state]).toEqual(['unavailable', 'unavailable'])
    expect(admit(again.memory, said([], T + 1)).answer.state).toBe('answered')
  })

  test('what is not believed says why', () => {
    expect(admit(remembering([open.arn]), nothing).answer).toMatchObject({
      why: expect.stringContaining('held an open event just before'),
    })
    expect(admit(remembering(['a', 'b', 'a']), nothing).answer).toMatchObject({ why: expect.stringContaining('2 open events') })
  })

  test('whatever is answered, never two doubts without something held between', () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom(some, nothing, away, said([closed])), { maxLength: 20 }), (answers) => {
        const states = told(answers)
        const doubts = answers.flatMap((answer, i) => (answer === nothing && states[i] === 'unavailable' ? [i] : []))
        for (const [n, i] of doubts.entries()) {
          const since = doubts[n - 1] ?? -1
          expect(answers.slice(since + 1, i)).toContain(some)
        }
      }),
    ))
})

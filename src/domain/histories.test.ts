/*
 * Random days of a small fleet, with anything happening in any order. Each decision must fulfil what `Story` always demands, and
 * in the end nobody is left waiting for a recovery.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { event, HOUR, MIN, NOON, type SetupGiven, type SourceStates, type Went } from '../../test/given.ts'
import { LONG } from '../../test/long.ts'
import { Story } from '../../test/story.ts'
import type { HealthEvent } from './outage.ts'

const FLEET: SetupGiven = {
  monitors: [
    { name: 'a', accounts: ['111111111111', '222222222222'], notify: ['oncall', 'manager'] },
    { name: 'b', operations: ['ListRegions'], notify: ['beta'], fail: { count: 1, of: 1 } },
  ],
  recipients: { oncall: null, beta: null, manager: 30 },
  policy: { holdAtMostMs: HOUR, remindEveryMs: HOUR },
}

const went = fc.constantFrom<Went | 'nothing'>(
  'ok',
  'ok',
  'internal',
  'internal',
  'down',
  'cut off',
  'denied',
  'throttled',
  'nothing',
  'sts',
)
const related: HealthEvent = event()
const health = fc.constantFrom<HealthEvent[]>(
  [],
  [related],
  [{ ...related, status: 'closed', endedAt: NOON + 30 * MIN, updatedAt: NOON + 30 * MIN }],
  [event({ arn: 'direct', service: 'ACCOUNT' })],
  [event({ region: 'us-west-2' })],
)
const asking = fc.constantFrom<SourceStates>(
  {},
  {},
  {},
  { api: 'unavailable' },
  { api: 'refused' },
  { api: 'unavailable', dashboard: 'unavailable' },
)
const act = fc.oneof(
  fc.record({ what: fc.constant('goes' as const), went, of: fc.constantFrom('', 'a/', 'b/', '2222') }),
  fc.record({ what: fc.constant('aws' as const), events: health }),
  fc.record({ what: fc.constant('asking' as const), states: asking }),
  fc.record({ what: fc.constant('away' as const), minutes: fc.integer({ min: 1, max: 90 }) }),
)
const history = fc.array(fc.tuple(act, fc.integer({ min: 1, max: 25 })), { minLength: 1, maxLength: 14 })
type History = Readonly<typeof history extends fc.Arbitrary<infer T> ? T : never>

function live(acts: History): Story {
  const s = new Story(FLEET)
  for (const [one, minutes] of acts) {
    if (one.what === 'goes') s.goes(one.went, one.of)
    else if (one.what === 'aws') s.aws(...one.events)
    else if (one.what === 'asking') s.asking(one.states)
    else s.away(one.minutes)
    s.pass(minutes)
  }
  return s
}

describe('random histories', () => {
  test('once all is ok for long enough, everything is closed, and whoever was notified of a failure is notified of its recovery', () => {
    fc.assert(
      fc.property(history, (acts) => {
        const s = live(acts).goes('ok').asking({}).pass(40)
        for (const is of s.incidents()) expect(is.state).toBe('closed')
        const about = s.mails.filter((mail) => mail.incident !== null)
        for (const mails of Map.groupBy(about, (mail) => mail.recipient).values()) expect(mails.at(-1)?.kind).toBe('recovered')
        for (const mails of Map.groupBy(about, (mail) => `${mail.incident} ${mail.recipient}`).values()) {
          const last = mails.at(-1)
          // For whom it went on in an incident of another family, in that thread or in the one they have there (`family-change`).
          const wentOn = about.some(
            (mail) => mail.recipient === last?.recipient && mail.past?.some(({ incident }) => incident === last.incident),
          )
          if (!wentOn) expect(last?.kind).toBe('recovered')
        }
      }),
      { numRuns: LONG ? 150 : 50 },
    )
  })

  test('an email within an hour and a half, whatever AWS says and whatever happened before, if everything fails and that can be known', () => {
    fc.assert(
      fc.property(history, fc.constantFrom<Went>('internal', 'denied', 'sts', 'down'), (acts, failing) => {
        const s = live(acts)
        s.goes('ok').asking({}).pass(75).news()
        s.goes(failing).pass(90)
        expect(s.news().some((line) => / (failing|misconfigured|flapping|still-failing) > oncall$/.test(line))).toBe(true)
      }),
      { numRuns: LONG ? 75 : 25 },
    )
  })

  test('no email about a failure of Account while all is explained, before `holdAtMost` is over', () => {
    fc.assert(
      fc.property(fc.constantFrom<Went>('internal', 'down'), fc.integer({ min: 3, max: 60 }), (failing, minutes) => {
        expect(new Story(FLEET).aws(related).goes(failing, 'a/').pass(minutes).said).toEqual([])
      }),
    )
  })

  test('the ledger grows with what happens, not with time', () => {
    fc.assert(
      fc.property(history, (acts) => {
        const s = live(acts)
        const before = s.ledger.length
        s.pass(3 * 60)
        // In three hours on end there are at most so many holds, reminders, lapses and their reasons.
        expect(s.ledger.length - before).toBeLessThan(60)
      }),
      { numRuns: LONG ? 50 : 20 },
    )
  })
})

import { describe, expect, test } from 'vitest'
import {
  ALIBI,
  EXPLAINED,
  incidentOf,
  memberOf,
  NOW,
  ONSET,
  owedOf,
  PROBES,
  UNDETERMINED,
  UNEXPLAINED,
} from '../../test/wire/web-world.ts'
import type { Incident, Member } from '../domain/incident.ts'
import { leadWords } from '../domain/lead.ts'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS } from '../domain/probe.ts'
import type { Alibi, Verdict } from '../domain/verdict.ts'
import { timelineOf } from './timeline.ts'

const by = (over: Partial<Alibi>): Verdict => ({ kind: 'explained', why: 'w', rejected: [], by: { ...ALIBI, ...over } })
const incident = (verdict: Verdict, member: Partial<Member> = {}, over: Partial<Incident> = {}) =>
  incidentOf('a3f9c0de51b27764', [memberOf(PROBES[0]!, verdict, member)], over)
const of = (shown: Incident, mails: Parameters<typeof timelineOf>[1] = []) => timelineOf(shown, mails, NOW)!

describe('the text beside the bars', () => {
  test.for<[string, Verdict, string]>([
    ['no event', UNEXPLAINED, 'none that explains it'],
    ['unknown', UNDETERMINED, 'AWS Health could not be asked'],
    [
      'AWS posts later',
      by({ startedAt: ONSET + 31 * MINUTE_MS }),
      'AWS_ACCOUNT_OPERATIONAL_ISSUE, posted 12:29 UTC (31 min after our first failure), still open',
    ],
    [
      'AWS posted first, and says that it is over',
      by({ startedAt: ONSET - 8 * MINUTE_MS, endedAt: ONSET + MINUTE_MS }),
      'AWS_ACCOUNT_OPERATIONAL_ISSUE, posted 11:50 UTC (8 min before our first failure), ended 11:59 UTC',
    ],
    [
      'both in the same minute',
      by({ startedAt: ONSET }),
      'AWS_ACCOUNT_OPERATIONAL_ISSUE, posted 11:58 UTC (in the minute of our first failure), still open',
    ],
  ])('%s', ([, verdict, text]) => expect(of(incident(verdict)).awsText).toBe(text))

  test.for<[string, Partial<Alibi>, string]>([
    ['its end, if AWS has posted it', { status: 'closed', endedAt: ONSET + 20 * MINUTE_MS }, 'ended 12:18 UTC'],
    ['when it was last seen, if not', {}, 'open when last seen (12:04 UTC)'],
  ])('the event of a closed incident is shown with %s', ([, over, text]) => {
    const state = { state: 'closed' as const, closedAt: NOW, closedAs: 'recovered' as const }
    const timeline = of(incident(by(over), { state: 'recovered', recoveredAt: NOW - MINUTE_MS }, state))
    expect(timeline.awsText).toMatch(new RegExp(`, ${text.replace(/[()]/g, '\\$&')}$`))
    expect(timeline.aws).toMatchObject([{ open: false }])
  })

  test('who was first is worded as everywhere else', () => {
    const late = incident(by({ startedAt: ONSET + 95_000 }), {}, { explainedBy: ALIBI.arn, leadMinutes: 2 })
    expect(of(late).awsText).toContain(`(${leadWords(2)})`)
  })

  test('a misconfiguration is not an AWS outage', () =>
    expect(of(incident(UNEXPLAINED, {}, { family: 'misconfigured' })).awsText).toBe('not an AWS outage'))

  test('emails: none, some, many, and unknown', () => {
    const mail = owedOf('a', 'oncall', 'failing')
    expect(of(incident(UNEXPLAINED)).mailsText).toBe('none delivered')
    expect(of(incident(UNEXPLAINED), [mail, { ...mail, deliveredAt: null }]).mailsText).toBe('failing 11:59 UTC')
    expect(of(incident(UNEXPLAINED), [mail, mail, mail, mail, mail]).mailsText).toMatch(/^5 in total, the latest: failing/)
    expect(of(incident(UNEXPLAINED), null).mailsText).toBe('unknown: the database cannot be read')
  })
})

describe('the position of the bars', () => {
  test('ours is open to the right while the incident is, and closed afterwards', () => {
    expect(of(incident(UNEXPLAINED)).ours).toMatchObject([{ to: 1000, open: true }])
    const over = of(incident(UNEXPLAINED, { state: 'recovered', recoveredAt: NOW - MINUTE_MS }))
    expect(over.ours).toMatchObject([{ open: false }])
    expect(over.ours[0]?.to).toBeLessThan(1000)
  })

  test('before it comes the time in which it may have begun, unless it was never seen ok', () => {
    const { maybe, ours } = of(incident(UNEXPLAINED, { lastOkAt: ONSET - 2 * MINUTE_MS }))
    expect(maybe?.to).toBe(ours[0]?.from)
    expect(maybe?.from).toBeLessThan(maybe?.to ?? 0)
    expect(of(incident(UNEXPLAINED, { lastOkAt: null })).maybe).toBeNull()
  })

  test('an event that explains several probes is one bar', () => {
    const two = incidentOf('a', [memberOf(PROBES[0]!, EXPLAINED), memberOf(PROBES[1]!, EXPLAINED)])
    expect(of(two).aws).toHaveLength(1)
  })

  const hours: readonly [string, Instant, Instant | null][] = [
    ['began weeks ago and is open', ONSET - 60 * DAY_MS, null],
    ['ended before our failure', ONSET - 3 * DAY_MS, ONSET - 2 * DAY_MS],
    ['is in the future', NOW + HOUR_MS, null],
    ['has no duration', ONSET, ONSET],
    ['ends before it begins', ONSET, ONSET - DAY_MS],
  ]
  test.for(hours)('an event that %s stays within the figure, and our bar is visible', ([, startedAt, endedAt]) => {
    const { aws, ours, maybe, mails } = of(incident(by({ startedAt, endedAt })), [owedOf('a', 'oncall', 'failing')])
    for (const { from, to } of [...aws, ...ours, maybe!]) {
      expect(from).toBeGreaterThanOrEqual(0)
      expect(to).toBeLessThanOrEqual(1000)
      expect(to - from).toBeGreaterThanOrEqual(4)
    }
    expect(ours[0]!.to - ours[0]!.from).toBeGreaterThan(200)
    expect(mails.every((at) => at >= 0 && at <= 1000)).toBe(true)
  })

  test('without probes there is nothing to draw', () => expect(timelineOf(incidentOf('a', []), [], NOW)).toBeNull())
})

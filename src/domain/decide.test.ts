/*
 * The rules of an incident's life, each sentence of docs/rules.md as a story: which emails must be sent, to whom, in which minute, and
 * that no others are. Minutes count from noon, a round of runs in each; three failures reach the threshold in minute 2.
 */
import { describe, expect, test } from 'vitest'
import { event, MIN, type MonitorGiven, NOON, type SetupGiven, type Went } from '../../test/given.ts'
import { Story } from '../../test/story.ts'
import type { HealthEvent } from './outage.ts'
import type { PastSilence } from './silence.ts'

const at = (minute: number) => NOON + minute * MIN
/** An event that explains, as posted in that minute. */
const posted = (minute: number, changes: Partial<HealthEvent> = {}) =>
  event({ startedAt: at(minute), updatedAt: at(minute), ...changes })
const ended = (of: HealthEvent, minute: number): HealthEvent => ({
  ...of,
  status: 'closed',
  endedAt: at(minute),
  updatedAt: at(minute),
})
const BOTH_DOWN = { api: 'unavailable', dashboard: 'unavailable' } as const
const HOURS = 60

type Row = readonly [string, (s: Story) => Story, readonly string[]]
const plays =
  (given: SetupGiven = {}) =>
  ([, story, said]: Row) =>
    expect(story(new Story(given)).said).toEqual(said)

describe('threshold: a probe fails when `count` of its last `of` conclusive runs failed', () => {
  test.for<Row>([
    ['three in a row', (s) => s.runs('ooFFF'), ['4 failing > oncall']],
    ['two are not enough', (s) => s.runs('ooFFooooo'), []],
    ['three of five', (s) => s.runs('FoFoF'), ['4 failing > oncall']],
    ['three of six are not', (s) => s.runs('FoFooFoo'), []],
    ['unreachable, while the control call gets through', (s) => s.runs('UUU'), ['2 failing > oncall']],
    ['throttled runs do not count', (s) => s.runs('ttttttttt'), []],
    ['throttled runs between failures do not end the streak', (s) => s.runs('FtFtF'), ['4 failing > oncall']],
    ['a stalled run does not count', (s) => s.runs('zzzzzzzzz'), []],
    ['denied: reported as misconfigured', (s) => s.runs('DDD'), ['2 misconfigured > oncall']],
    ['two of one family and two of the other', (s) => s.runs('FDFD'), []],
  ])('%s', plays())
  test.for<Row>([
    ['one of one', (s) => s.runs('oF'), ['1 failing > oncall']],
    ['one ok run ends it', (s) => s.runs('oFo'), ['1 failing > oncall', '2 recovered > oncall']],
  ])('%s', plays({ monitors: [{ fail: { count: 1, of: 1 }, recover: 1 }] }))
})

describe('consult: a source that refuses is reported once, and the verdict rests on the others', () => {
  test.for<Row>([
    [
      'reported once, however long it refuses',
      (s) => s.asking({ api: 'refused' }).pass(10 * HOURS),
      ['0 misconfigured > oncall'],
    ],
    [
      'reported again if it answered in between',
      (s) => s.asking({ api: 'refused' }).pass(5).asking({}).pass(5).asking({ api: 'refused' }).pass(5),
      ['0 misconfigured > oncall', '10 misconfigured > oncall'],
    ],
    [
      'not reported again if it could only not be asked in between',
      (s) => s.asking({ api: 'refused' }).pass(5).asking({ api: 'unavailable' }).pass(5).asking({ api: 'refused' }).pass(5),
      ['0 misconfigured > oncall'],
    ],
    [
      'both are reported, each once',
      (s) => s.asking({ api: 'refused', dashboard: 'refused' }).pass(5),
      ['0 misconfigured > oncall', '0 misconfigured > oncall'],
    ],
    ['a source that is switched off is not reported', (s) => s.asking({ api: 'off' }).pass(5), []],
    ['a source that cannot be asked is not reported', (s) => s.asking(BOTH_DOWN).pass(5), []],
  ])('%s', plays())
  test('recipients with `after` are left out, unless there are no others', () => {
    expect(new Story({ recipients: { oncall: null, manager: 30 } }).asking({ api: 'refused' }).pass(1).said).toEqual([
      '0 misconfigured > oncall',
    ])
    expect(new Story({ recipients: { manager: 30 } }).asking({ api: 'refused' }).pass(1).said).toEqual([
      '0 misconfigured > manager',
    ])
  })
  test('a self-alert is an email of its own, outside any thread, with a stable id', () => {
    const [mail] = new Story().asking({ api: 'refused' }).pass(1).mails
    expect(mail).toMatchObject({ incident: null, inReplyTo: null, to: ['oncall@example.com'] })
    expect(mail?.facts.lines[0]).toMatch(/^The AWS Health API refuses to answer: it was refused/)
  })
  test.for<[string, Parameters<Story['asking']>[0], string]>([
    ['both answered', {}, 'unexplained'],
    ['the API refuses, the dashboard answered', { api: 'refused' }, 'unexplained'],
    ['the API refuses, the dashboard cannot be asked', { api: 'refused', dashboard: 'unavailable' }, 'undetermined'],
    ['only the API cannot be asked', { api: 'unavailable' }, 'undetermined'],
    ['only the dashboard cannot be asked', { dashboard: 'unavailable' }, 'unexplained'],
    ['neither can be asked', BOTH_DOWN, 'undetermined'],
    ['AWS Health was never asked', 'not asked', 'undetermined'],
  ])('first-email: not knowing never mutes: %s', ([, states, verdict]) => {
    const s = new Story().asking(states).runs('FFF')
    expect(s.said.at(-1)).toBe('2 failing > oncall')
    expect(s.mails.at(-1)?.facts.verdict).toBe(verdict)
    if (verdict === 'undetermined' && states !== 'not asked') expect(s.mails.at(-1)?.facts.reason).toMatch(/could not be asked/)
  })
})

describe('config-change: a faulty configuration is reported once', () => {
  test('with its own subject, rule and advice, and again if it was good in between', () => {
    const s = new Story()
      .noticed('config', 'it is faulty')
      .noticed('config', 'still')
      .noticed('config', null)
      .noticed('config', 'again')
    expect(s.said).toEqual(['0 misconfigured > oncall', '3 misconfigured > oncall'])
    expect(s.ledger.filter(({ decision }) => decision === 'noticed').map(({ rule }) => rule)).toEqual([
      'config-change',
      'config-change',
    ])
    expect(s.mails[0]?.facts).toMatchObject({
      subject: '[alibi] the configuration on disk is faulty',
      lines: ['it is faulty'],
      advice: expect.stringMatching(/`alibi check` says/),
    })
  })
  test('a source that refuses is reported under consult, and everything else that is reported once under self-alert', () => {
    const s = new Story().asking({ api: 'refused' }).pass(1).noticed('organization:main', 'it could not be listed')
    expect(s.ledger.filter(({ decision }) => decision === 'noticed').map(({ rule }) => rule)).toEqual(['consult', 'self-alert'])
    expect(s.mails[0]?.facts).not.toHaveProperty('advice')
  })
})

describe('suppression: explained, so no email', () => {
  const one = posted(0)
  const fromApi = posted(0, { sources: ['api'] })
  test.for<Row>([
    ['explained from the beginning to the end: no email', (s) => s.aws(one).runs('FFF').pass(60).runs('oo').pass(60), []],
    [
      'unexplained as a whole if another probe fails that AWS does not explain',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .pass(60)
          .aws(event({ region: 'us-west-2' })),
      [],
    ],
    [
      'AWS Health cannot be read: the explanation stands for `extension` after the reading that confirmed it (minute 9)',
      (s) => s.aws(one).runs('FFF').until(10).asking(BOTH_DOWN).until(25),
      [],
    ],
    ['and no longer', (s) => s.aws(one).runs('FFF').until(10).asking(BOTH_DOWN).until(26), ['25 failing > oncall']],
    [
      'the source that had the event cannot be asked: the same',
      (s) => s.aws(fromApi).runs('FFF').until(10).asking({ api: 'unavailable' }).until(25),
      [],
    ],
    [
      'and no longer',
      (s) => s.aws(fromApi).runs('FFF').until(10).asking({ api: 'unavailable' }).until(26),
      ['25 failing > oncall'],
    ],
    [
      'the other source cannot be asked: nothing changes',
      (s) => s.aws(fromApi).runs('FFF').until(10).asking({ dashboard: 'unavailable' }).until(90),
      [],
    ],
    [
      'one of two sources that had it cannot be asked: nothing changes',
      (s) => s.aws(one).runs('FFF').until(10).asking({ api: 'unavailable' }).until(90),
      [],
    ],
    [
      '`extension` counts from the latest reading that confirmed it',
      (s) => s.aws(one).runs('FFF').until(10).asking(BOTH_DOWN).until(20).asking({}).until(22).asking(BOTH_DOWN).until(37),
      [],
    ],
    [
      'and from the last of them',
      (s) => s.aws(one).runs('FFF').until(10).asking(BOTH_DOWN).until(20).asking({}).until(22).asking(BOTH_DOWN).until(38),
      ['37 failing > oncall'],
    ],
    [
      'without an earlier explanation there is no verdict that could stand',
      (s) => s.asking(BOTH_DOWN).aws(one).runs('FFF'),
      ['2 failing > oncall'],
    ],
  ])('%s', plays())
  test('the ledger names the event and the rule', () => {
    const s = new Story().aws(one).runs('FFF')
    expect(s.incident()).toMatchObject({ state: 'suppressed', verdict: 'explained', explainedBy: one.arn, announcedAt: null })
    expect(s.why('withheld')).toEqual([
      expect.stringMatching(
        /^2 \(suppression\) silent: AWS_IAM_OPERATIONAL_ISSUE \(us-east-1, open, .*IAM, on which ACCOUNT depends$/,
      ),
    ])
    const row = s.ledger.find((r) => r.decision === 'withheld')
    expect(row?.evidence).toMatchObject([{ verdict: { kind: 'explained', by: { arn: one.arn, match: 'related' } } }])
  })
  test('probing and judging continue: each run and each reading is judged', () => {
    const s = new Story().aws(one).runs('FFFFF')
    expect(s.incident().members[0]?.lastRunAt).toBe(at(4))
    expect(s.incident().members[0]?.judgement.readAt).toBe(at(4) + 1000)
  })
  test('a verdict that stands without confirmation says so', () => {
    const s = new Story().aws(one).runs('FFF').until(10).asking(BOTH_DOWN).until(12)
    expect(s.incident().members[0]?.judgement.carried).toMatch(
      /last seen .* ago: the Health API could not be asked .* stands until 2026-03-10 12:24Z/,
    )
    expect(s.incident().state).toBe('suppressed')
  })
  test('a day of silence does not fill the ledger', () => {
    const s = new Story({ policy: { holdAtMostMs: 0 } })
      .aws(posted(0, { updatedAt: at(1000) }))
      .goes('internal')
      .pass(24 * HOURS)
    expect(s.said).toEqual([])
    expect(s.ledger.length).toBeLessThan(10)
  })
})

describe('first-email: unexplained or undetermined, so an email', () => {
  test('once, with all events that were considered', () => {
    const s = new Story().aws(event({ region: 'us-west-2' })).runs('ooFFFFFFFF')
    expect(s.said).toEqual(['4 failing > oncall'])
    const [mail] = s.mails
    expect(mail?.facts.probes[0]).toMatchObject({
      onset: at(2),
      lastOkAt: at(1),
      verdict: { kind: 'unexplained', rejected: [{ test: 'place' }] },
    })
    expect(mail?.facts.probes[0]?.evidence.map((run) => run.startedAt)).toEqual([at(2), at(3), at(4)])
  })
  test.for<Row>([
    ['after `wait`, counted from the threshold', (s) => s.runs('FFF').until(13), ['12 failing > oncall']],
    ['not a minute before', (s) => s.runs('FFF').until(12), []],
    ['not at all if AWS explains it in time', (s) => s.runs('FFF').until(11).aws(posted(11)).until(60), []],
    ['not at all if it is over in time', (s) => s.runs('FFF').until(9).runs('oo').until(60), []],
    [
      'not while the last run was ok: the next one decides',
      (s) => s.runs('FFF').until(12).runs('o').runs('F'),
      ['13 failing > oncall'],
    ],
    [
      'nor if no conclusive run follows: whether it still fails is not known',
      (s) => s.runs('FFF').until(12).runs('o').goes('throttled').until(60),
      ['37 blind > oncall'],
    ],
    [
      'what was explained before has waited long enough',
      (s) => s.aws(posted(0)).runs('FFF').until(20).aws().until(36),
      ['35 failing > oncall'],
    ],
    [
      'a second episode waits again',
      (s) => s.runs('FFF').until(13).runs('oo').until(20).runs('FFF').until(33),
      ['12 failing > oncall', '14 recovered > oncall', '32 failing > oncall'],
    ],
  ])('%s', plays({ policy: { waitMs: 10 * MIN } }))
  const swift = { fail: { count: 1, of: 1 } }
  test.for<Row>([
    [
      'at once if every probe of the monitor has run since the onset',
      (s) => s.goes('internal', 'GetContact').pass(1),
      ['0 failing > oncall'],
    ],
    [
      'when the last of them has run',
      (s) => s.goes('internal', 'GetContact').goes('nothing', 'ListRegions').pass(1).goes('ok', 'ListRegions').pass(1),
      ['1 failing > oncall'],
    ],
    [
      'after half a minute at most',
      (s) => s.goes('internal', 'GetContact').goes('nothing', 'ListRegions').pass(2),
      ['1 failing > oncall'],
    ],
    [
      'a throttled run counts as having run',
      (s) => s.goes('internal', 'GetContact').goes('throttled', 'ListRegions').pass(1),
      ['0 failing > oncall'],
    ],
  ])('gathering: %s', plays({ monitors: [{ ...swift, operations: ['GetContactInformation', 'ListRegions'] }] }))
  test('gathering does not wait for the probes of other monitors', () => {
    const s = new Story({
      monitors: [
        { name: 'a', ...swift },
        { name: 'b', ...swift },
      ],
    })
    expect(s.goes('internal', 'a/').goes('nothing', 'b/').pass(1).said).toEqual(['0 failing > oncall'])
  })
  test('gathering waits for the runs that are under way: one email about all that failed at once', () => {
    const s = new Story({ monitors: [{ operations: ['GetContactInformation', 'ListRegions', 'GetAccountInformation'] }] })
    s.apart(2000).goes('internal').pass(10)
    expect(s.said).toEqual(['2 failing > oncall'])
    expect(s.mails[0]?.facts.probes).toHaveLength(3)
    const alone = new Story({ monitors: [{ operations: ['GetContactInformation', 'ListRegions'] }] })
    expect(alone.apart(2000).goes('internal', 'GetContact').pass(3).said, 'it waits for no probe that is ok').toEqual([
      '2 failing > oncall',
    ])
  })
  test('gathering is in the ledger', () => {
    const s = new Story({ monitors: [{ ...swift, operations: ['GetContactInformation', 'ListRegions'] }] })
    s.goes('internal', 'GetContact').goes('nothing', 'ListRegions').pass(1)
    expect(s.why('withheld')).toEqual(['0 (first-email) the other probes of these monitors have not run yet'])
  })
  test('the email says between which times the failure began, even if there is an ok run within the streak', () => {
    const [mail] = new Story().runs('ooFoFoF').mails
    expect(mail?.facts.incident).toMatchObject({ onset: at(2), lastOkAt: at(1) })
  })
})

describe('joining: a first email is held while another probe is about to join', () => {
  /** `a` and `b` run one after the other, five seconds apart; `a` reaches its threshold in minute 2. */
  const pair = (b: MonitorGiven = {}): SetupGiven => ({
    monitors: [{ name: 'a' }, { name: 'b', operations: ['ListRegions'], ...b }],
    recipients: { oncall: null, beta: null },
  })
  const five = (given: MonitorGiven = {}) => new Story(pair(given)).apart(5000)
  const JOINS = ['2 (joining) held until 2026-03-10 12:02:11Z: ListRegions of 111122223333 (b) may join']

  test('what fails within seconds is one email', () => {
    const s = five().goes('internal').pass(10)
    expect(s.said).toEqual(['2 failing > oncall'])
    expect(s.mails[0]?.facts.probes).toHaveLength(2)
    expect(s.mails[0]?.createdAt, 'as soon as the other has joined').toBe(at(2) + 6000)
    expect(s.why('withheld')[0]).toEqual(JOINS[0])
  })
  test('if the other probe is ok after all, the email leaves at once', () => {
    const s = five().goes('internal').pass(2).goes('ok', 'b/').pass(1)
    expect(s.said).toEqual(['2 failing > oncall'])
    expect(s.mails[0]?.createdAt).toBe(at(2) + 6000)
    expect(s.mails[0]?.facts.probes).toHaveLength(1)
  })
  test.for<[string, Went | 'nothing', string, number]>([
    ['does not end', 'nothing', 'after ten seconds, with the next look', at(2.5)],
    ['decides nothing', 'throttled', 'at once', at(2) + 6000],
  ])('if its run %s (%s), the email leaves %s', ([, went, , leaves]) => {
    const s = five().goes('internal').pass(2).goes(went, 'b/').pass(3)
    expect(s.said).toEqual(['2 failing > oncall'])
    expect(s.mails[0]?.createdAt).toBe(leaves)
    expect(s.why('withheld').filter((row) => row.includes('joining'))).toEqual(JOINS)
  })
  test.for<[string, MonitorGiven, (s: Story) => Story]>([
    ['is ok', {}, (s) => s],
    ['needs two more failures, twenty seconds apart', {}, (s) => s.pass(1).goes('internal', 'b/')],
    ['fails in another way', {}, (s) => s.goes('denied', 'b/')],
    ['notifies somebody else', { notify: ['beta'] }, (s) => s.goes('internal', 'b/')],
    ['is silenced', {}, (s) => s.silence(60, { monitors: ['b'] }).goes('internal', 'b/')],
    ['is in another partition', { partition: 'aws-cn' }, (s) => s.goes('internal', 'b/')],
    ['is not due within ten seconds', { retryIntervalMs: MIN + 9000, periodMs: 2 * MIN }, (s) => s.goes('internal', 'b/')],
  ])('nothing is held for a probe that %s', ([, b, story]) => {
    const s = story(five(b).goes('ok').pass(1).goes('internal', 'a/')).pass(5)
    expect(s.why('withheld').filter((row) => row.includes('joining'))).toEqual([])
    expect(s.said).toContain('3 failing > oncall')
  })
  test.for<[string, MonitorGiven, (s: Story) => Story, number]>([
    [
      'needs two more failures and runs every four seconds',
      { retryIntervalMs: 4000 },
      (s) => s.pass(1).goes('internal', 'b/').pass(2),
      3,
    ],
    ['runs again by its schedule within ten seconds', { retryIntervalMs: 2 * MIN }, (s) => s.goes('internal', 'b/').pass(3), 3],
  ])('it is held for a probe that %s', ([, b, story, minute]) => {
    const s = story(five(b).goes('ok').pass(1).goes('internal', 'a/'))
    expect(s.why('withheld').filter((row) => row.includes('joining'))).toHaveLength(1)
    expect(s.said[0]).toBe(`${minute} failing > oncall`)
  })
  test('it is held for a probe that failed in another way and is about to move here', () => {
    const s = five().goes('denied', 'b/').pass(4).goes('internal').pass(4)
    expect(s.said).toEqual(['2 misconfigured > oncall', '6 failing > oncall'])
    expect(s.why('withheld').filter((row) => row.startsWith('6 (joining)'))).toHaveLength(1)
    expect(s.mails.at(-1)?.facts.probes).toHaveLength(2)
  })
  test('what waits for its silence, its extension or its restart is not held on top of it', () => {
    const s = five()
      .silence(3, { monitors: ['a'] })
      .goes('internal', 'a/')
      .pass(4)
    expect(
      s
        .goes('internal', 'b/')
        .pass(1)
        .why('withheld')
        .filter((row) => row.includes('joining')),
    ).toEqual([])
  })
})

describe('hold: silence has an end', () => {
  const one = posted(0, { updatedAt: at(300) })
  test.for<Row>([
    [
      'after `holdAtMost`, counted from the threshold, with the next run',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(6 * HOURS + 4),
      ['363 failing > oncall'],
    ],
    [
      'not before',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(6 * HOURS + 3),
      [],
    ],
    [
      'and again every `holdAtMost`',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(18 * HOURS + 6),
      ['363 failing > oncall', '724 still-failing > oncall', '1085 still-failing > oncall'],
    ],
    [
      'a new verdict does not restart it',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(200)
          .aws(posted(190, { arn: 'another' }))
          .until(6 * HOURS + 4),
      ['363 failing > oncall'],
    ],
    [
      'nor does a reading that failed',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(300)
          .asking(BOTH_DOWN)
          .until(310)
          .asking({})
          .until(6 * HOURS + 4),
      ['363 failing > oncall'],
    ],
    [
      'counted from the last email, if there was one',
      (s) =>
        s
          .runs('FFF')
          .until(10)
          .aws(one)
          .until(6 * HOURS + 12),
      ['2 failing > oncall', '10 now-explained > oncall', '371 still-failing > oncall'],
    ],
    [
      'not while the `extension` of an event that has ended is running; then `lapsed-explanation` decides',
      (s) => s.aws(one).runs('FFF').until(356).aws(ended(one, 355)).until(371),
      [],
    ],
    [
      'whose email counts for both',
      (s) => s.aws(one).runs('FFF').until(356).aws(ended(one, 355)).until(373),
      ['371 failing > oncall'],
    ],
    [
      'only after a run; if none comes, after `blindAfter`',
      (s) => s.aws(one).runs('FFF').until(360).goes('throttled').until(379),
      ['377 failing > oncall'],
    ],
    ['ok in time: no email', (s) => s.aws(one).runs('FFF').until(359).runs('oo').until(400), []],
    [
      'in a second episode, counted from its own threshold',
      (s) =>
        s
          .runs('FFFoo')
          .aws(one)
          .until(20)
          .runs('FFF')
          .until(6 * HOURS + 24),
      ['2 failing > oncall', '4 recovered > oncall', '383 failing > oncall'],
    ],
  ])('%s', plays())
  test('0s means never', () => {
    expect(
      new Story({ policy: { holdAtMostMs: 0 } })
        .aws(one)
        .runs('FFF')
        .until(20 * HOURS).said,
    ).toEqual([])
  })
  test('a recipient who joined while all was explained, and was not notified, is notified then', () => {
    const s = new Story({
      monitors: [{ name: 'a' }, { name: 'b', notify: ['team'] }],
      recipients: { oncall: null, team: null },
    })
    s.goes('internal', 'a/')
      .pass(10)
      .aws(one)
      .pass(5)
      .goes('internal', 'b/')
      .until(6 * HOURS + 20)
    expect(s.said).toEqual([
      '2 failing > oncall',
      '10 now-explained > oncall',
      '371 still-failing > oncall',
      '378 failing > team',
    ])
  })
})

describe('lapsed-explanation: AWS says that it is over, but it still fails', () => {
  const one = posted(0)
  test.for<Row>([
    [
      'a run that began later than the end plus `extension`',
      (s) => s.aws(one).runs('FFF').until(22).aws(ended(one, 20)).until(37),
      ['36 failing > oncall'],
    ],
    ['not a run that began exactly then', (s) => s.aws(one).runs('FFF').until(22).aws(ended(one, 20)).until(36), []],
    [
      'ok before `extension` is over: no email',
      (s) => s.aws(one).runs('FFF').until(22).aws(ended(one, 20)).until(33).runs('oo').until(90),
      [],
    ],
    [
      'the `extension` of an end long ago is over',
      (s) => s.aws(one).runs('FFF').until(40).aws(ended(one, 20)).until(41),
      ['40 failing > oncall'],
    ],
    [
      'vanished: counted from the last reading that contained it (minute 19)',
      (s) => s.aws(one).runs('FFF').until(20).aws().until(36),
      ['35 failing > oncall'],
    ],
    ['not before', (s) => s.aws(one).runs('FFF').until(20).aws().until(35), []],
    [
      'no longer matches: counted from the last reading in which it did',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(20)
          .aws({ ...one, region: 'us-west-2' })
          .until(36),
      ['35 failing > oncall'],
    ],
    [
      'not before',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(20)
          .aws({ ...one, region: 'us-west-2' })
          .until(35),
      [],
    ],
    [
      'open again in time: the silence continues',
      (s) => s.aws(one).runs('FFF').until(22).aws(ended(one, 20)).until(30).aws(one).until(90),
      [],
    ],
    [
      'another event explains it in time: the silence continues',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(22)
          .aws(ended(one, 20), posted(30, { arn: 'another' }))
          .until(90),
      [],
    ],
    [
      'notified of the failure before: still-failing',
      (s) => s.runs('FFF').until(10).aws(one).until(22).aws(ended(one, 20)).until(37),
      ['2 failing > oncall', '10 now-explained > oncall', '36 still-failing > oncall'],
    ],
    [
      'notified once',
      (s) =>
        s
          .runs('FFF')
          .until(10)
          .aws(one)
          .until(22)
          .aws(ended(one, 20))
          .until(4 * HOURS),
      ['2 failing > oncall', '10 now-explained > oncall', '36 still-failing > oncall'],
    ],
    [
      'no conclusive run any more: after `blindAfter`',
      (s) => s.aws(one).runs('FFF').until(22).aws(ended(one, 20)).until(34).goes('throttled').until(60),
      ['48 failing > oncall'],
    ],
    [
      'no conclusive run any more, and the event has vanished',
      (s) => s.aws(one).runs('FFF').until(20).goes('throttled').aws().until(60),
      ['35 failing > oncall'],
    ],
    [
      'no conclusive run any more, but the event is open: the silence continues',
      (s) =>
        s
          .aws(one)
          .runs('FFF')
          .until(20)
          .goes('throttled')
          .until(4 * HOURS),
      [],
    ],
    [
      'each run is judged, even if AWS Health was not read again',
      (s) => s.aws(one).runs('FFF').until(20).aws(ended(one, 20)).until(22).asking('not asked').until(37),
      ['36 failing > oncall'],
    ],
  ])('%s', plays())
  test.for<[string, (one: HealthEvent) => readonly HealthEvent[], RegExp]>([
    [
      'ended',
      (e) => [ended(e, 20)],
      /^AWS says that AWS_IAM_OPERATIONAL_ISSUE ended at 2026-03-10 12:20Z, and a run begun .* still failed$/,
    ],
    ['vanished', () => [], /^AWS_IAM_OPERATIONAL_ISSUE has vanished from AWS Health, and/],
    [
      'no longer matches',
      (e) => [{ ...e, region: 'us-west-2' }],
      /^AWS_IAM_OPERATIONAL_ISSUE no longer explains it: its region is us-west-2, not us-east-1, and/,
    ],
  ])('the email says so: %s', ([, then, reason]) => {
    const s = new Story()
      .aws(one)
      .runs('FFF')
      .until(20)
      .aws(...then(one))
      .until(40)
    expect(s.mails[0]?.facts.reason).toMatch(reason)
    expect(s.mails[0]?.facts.probes[0]?.lapsed).toMatch(reason)
  })
  test('a list of impacted services that reports ours as resolved ends it, too', () => {
    const many = posted(0, { service: 'MULTIPLE_SERVICES', impacted: [{ key: 'account', resolvedAt: null }] })
    const s = new Story()
      .aws(many)
      .runs('FFF')
      .until(20)
      .aws({ ...many, impacted: [{ key: 'account', resolvedAt: at(20) }] })
    // Listed as resolved for less than the extension it still matches, last in minute 34; from there on it is no longer confirmed.
    expect(s.until(50).said).toEqual([])
    expect(s.until(51).said).toEqual(['50 failing > oncall'])
  })
})

describe('blind: the last state stands, and nothing more is claimed', () => {
  const one = posted(0)
  test('it was failing when last seen: the explanation lapses, and the email mentions no run that was not made', () => {
    const s = new Story().aws(one).runs('FFF').until(20).goes('throttled').until(25).aws(ended(one, 25)).until(60)
    expect(s.said).toEqual(['40 failing > oncall'])
    expect(s.mails[0]?.facts.reason).toMatch(
      /ended at 2026-03-10 12:25Z, and there was no conclusive run since 2026-03-10 12:19Z, when it failed$/,
    )
  })
  test('it was ok when last seen: no FAILING, no reminder, no escalation; it is blind', () => {
    const given: SetupGiven = { recipients: { oncall: null, manager: 60 }, monitors: [{ notify: ['oncall', 'manager'] }] }
    const s = new Story(given)
      .aws(one)
      .runs('FFF')
      .until(20)
      .runs('o')
      .goes('throttled')
      .aws(ended(one, 25))
      .until(10 * HOURS)
    expect(s.said, 'silenced').toEqual(['35 blind > oncall', '110 escalated > manager'])
    expect(s.mails[1]?.facts.incident?.family).toBe('blind')
    const told = new Story(given)
      .runs('FFF')
      .until(20)
      .runs('o')
      .goes('throttled')
      .until(10 * HOURS)
    expect(told.said, 'announced').toEqual(['2 failing > oncall', '35 blind > oncall', '110 escalated > manager'])
    expect(told.mails[2]?.facts.incident?.family).toBe('blind')
  })
  test('a probe that was failing when last seen is not hidden by one that was ok', () => {
    const s = new Story({ monitors: [{ operations: ['GetContactInformation', 'ListRegions'] }] })
    s.goes('internal')
      .pass(3)
      .runs('o', 'ListRegions')
      .goes('throttled')
      .until(4 * HOURS + 20)
    expect(s.said).toEqual(['2 failing > oncall', '18 blind > oncall', '257 reminder > oncall'])
  })
})

describe('late-explanation: AWS explains it after the email', () => {
  const one = posted(10)
  const two = posted(50, { arn: 'another' })
  test.for<Row>([
    [
      'one email in the same thread',
      (s) => s.runs('FFF').until(20).aws(one).until(90),
      ['2 failing > oncall', '20 now-explained > oncall'],
    ],
    [
      'reminders stop',
      (s) =>
        s
          .runs('FFF')
          .until(20)
          .aws(one)
          .until(6 * HOURS),
      ['2 failing > oncall', '20 now-explained > oncall'],
    ],
    [
      'an explanation that is only replaced by another needs no email',
      (s) => s.runs('FFF').until(20).aws(one).until(50).aws(two).until(90),
      ['2 failing > oncall', '20 now-explained > oncall'],
    ],
    [
      'explained again by the same event after it had lapsed: one email per incident and event',
      (s) => s.runs('FFF').until(20).aws(one).until(30).aws().until(60).aws(one).until(90),
      ['2 failing > oncall', '20 now-explained > oncall', '45 still-failing > oncall'],
    ],
    [
      'explained again by another event: another email',
      (s) => s.runs('FFF').until(20).aws(one).until(30).aws().until(60).aws(two).until(90),
      ['2 failing > oncall', '20 now-explained > oncall', '45 still-failing > oncall', '60 now-explained > oncall'],
    ],
    [
      'undetermined before',
      (s) => s.asking(BOTH_DOWN).runs('FFF').until(20).asking({}).aws(one).until(30),
      ['2 failing > oncall', '20 now-explained > oncall'],
    ],
    [
      'a recipient whose first email came by `hold` knew of the event',
      (s) =>
        s
          .aws(posted(0, { updatedAt: at(300) }))
          .runs('FFF')
          .until(370),
      ['363 failing > oncall'],
    ],
    [
      'those who were notified are notified of the end',
      (s) => s.runs('FFF').until(20).aws(one).until(30).runs('oo'),
      ['2 failing > oncall', '20 now-explained > oncall', '31 recovered > oncall'],
    ],
    [
      'each reading is judged, even if no run was made',
      (s) => s.runs('FFF').goes('nothing').until(10).aws(one).until(15),
      ['2 failing > oncall', '10 now-explained > oncall'],
    ],
  ])('%s', plays())
  test('the ledger says why there is no second email', () => {
    const s = new Story().runs('FFF').until(20).aws(one).until(30).aws().until(60).aws(one).until(61)
    expect(s.why('withheld')).toContain('60 (late-explanation) explained again by an event that was already named in an email')
  })
  test('by how much we were ahead of AWS', () => {
    const s = new Story().runs('FFF').until(20).aws(one).until(21)
    expect(s.incident().leadMinutes).toBe(10)
    expect(s.mails.at(-1)?.facts.incident).toMatchObject({ leadMinutes: 10, explainedBy: one.arn })
  })
  test('an event that is first seen when it no longer explains the current run is mentioned in the next email and gets none of its own', () => {
    const over = ended(posted(4), 10)
    const s = new Story().runs('FFF').until(40).aws(over).until(50)
    expect(s.said).toEqual(['2 failing > oncall'])
    expect(s.why('hindsight')).toEqual([
      '40 (late-explanation) AWS_IAM_OPERATIONAL_ISSUE (us-east-1) was first seen when it no longer explained the present run; it explains how it began',
    ])
    s.runs('oo')
    expect(s.said.at(-1)).toBe('51 recovered > oncall')
    expect(s.mails.at(-1)?.facts.incident?.hindsight).toMatchObject([{ arn: over.arn }])
    expect(s.mails[0]?.facts.incident?.hindsight).toEqual([])
  })
  test('it is mentioned to all who are notified at once, even if somebody else gets an email first', () => {
    const s = new Story({ recipients: { oncall: null, manager: 60 }, monitors: [{ notify: ['oncall', 'manager'] }] })
    s.runs('FFF')
      .until(40)
      .aws(ended(posted(4), 10))
      .until(70)
      .runs('oo')
    expect(s.said).toEqual(['2 failing > oncall', '63 escalated > manager', '71 recovered > oncall', '71 recovered > manager'])
    expect(s.mails.map((mail) => mail.facts.incident?.hindsight.length)).toEqual([0, 1, 1, 1])
  })
  test('first seen when all is over: only in the ledger', () => {
    const s = new Story()
      .runs('FFF')
      .runs('oo')
      .until(60)
      .aws(ended(posted(1), 10))
      .until(90)
    expect(s.said).toEqual(['2 failing > oncall', '4 recovered > oncall'])
    expect(s.why('hindsight')).toEqual([
      '60 (late-explanation) AWS_IAM_OPERATIONAL_ISSUE (us-east-1) was first seen after it was over; it explains how it began',
    ])
    expect(s.incident()).toMatchObject({ explainedBy: event().arn, leadMinutes: 1 })
  })
  test('an event that explained it before and lapsed is not new', () => {
    const s = new Story().aws(one).runs('FFF').until(20).aws(ended(one, 15)).until(60)
    expect(s.why('hindsight')).toEqual([])
  })
  test('nor is one that explained it before another did, once that one has lapsed, too', () => {
    const [first, second] = [posted(0, { arn: 'first', service: 'ACCOUNT' }), posted(5, { arn: 'second' })]
    const s = new Story().aws(first).runs('FFF').until(10).aws(first, second).until(20).aws(ended(first, 20), second).until(60)
    expect(s.incident()).toMatchObject({ explainedBy: 'second', alibis: ['first', 'second'] })
    s.aws(ended(first, 20), ended(second, 60)).until(120)
    expect(s.said).toEqual(['76 failing > oncall'])
    expect(s.why('hindsight')).toEqual([])
  })
  test('nor is one that explained another probe of the incident', () => {
    const [one, sts] = [posted(0), posted(0, { arn: 'sts', service: 'STS', region: 'eu-central-1' })]
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', region: 'eu-central-1' }] })
    s.aws(one, sts).goes('internal', 'a/').goes('sts', 'b/').until(20).aws(ended(one, 15), ended(sts, 15)).until(60)
    expect(s.why('hindsight')).toEqual([])
  })
  test('an event that is doubted because the other accounts are ok explains nothing in hindsight either', () => {
    const accounts = ['1', '2', '3', '4'].map((n) => n.repeat(12))
    const s = new Story({ monitors: [{ accounts }] }).goes('internal', '1111').aws(posted(0)).pass(60)
    expect(s.said).toEqual(['2 failing > oncall'])
    expect(s.why('hindsight')).toEqual([])
    expect(s.incident().explainedBy).toBeNull()
  })
})

describe('reminder', () => {
  test.for<Row>([
    [
      'every `remindEvery`, after a run',
      (s) => s.runs('FFF').until(9 * HOURS),
      ['2 failing > oncall', '243 reminder > oncall', '484 reminder > oncall'],
    ],
    [
      'of a misconfiguration every day',
      (s) => s.runs('DDD').until(49 * HOURS),
      ['2 misconfigured > oncall', '1443 reminder > oncall', '2884 reminder > oncall'],
    ],
    [
      'counted from the last email',
      (s) =>
        s
          .runs('FFF')
          .until(20)
          .aws(posted(10))
          .until(30)
          .aws()
          .until(45 + 4 * HOURS + 2),
      ['2 failing > oncall', '20 now-explained > oncall', '45 still-failing > oncall', '286 reminder > oncall'],
    ],
    [
      'not if it is over',
      (s) =>
        s
          .runs('FFF')
          .until(239)
          .runs('oo')
          .until(9 * HOURS),
      ['2 failing > oncall', '240 recovered > oncall'],
    ],
    [
      'the run that the reminder waited for was ok: the next one decides',
      (s) => s.runs('FFF').until(242).runs('o').runs('o').until(300),
      ['2 failing > oncall', '243 recovered > oncall'],
    ],
    [
      'no conclusive run any more: after `blindAfter`',
      (s) => s.runs('FFF').until(240).goes('throttled').until(265),
      ['2 failing > oncall', '257 reminder > oncall'],
    ],
    [
      'an ok run, and then no conclusive one: whether it still fails is not known',
      (s) => s.runs('FFF').until(241).goes('throttled').until(250).runs('o').goes('throttled').until(280).runs('oo'),
      ['2 failing > oncall', '265 blind > oncall', '280 recovered > oncall', '280 recovered > oncall'],
    ],
  ])('%s', plays())
  test('0s means never', () => {
    expect(new Story({ policy: { remindEveryMs: 0 } }).runs('FFF').until(30 * HOURS).said).toEqual(['2 failing > oncall'])
    expect(new Story({ policy: { remindEveryMs: 0 } }).runs('DDD').until(30 * HOURS).said).toEqual(['2 misconfigured > oncall'])
  })
})

describe('recovery', () => {
  test.for<Row>([
    ['after two ok runs in a row', (s) => s.runs('FFFooo'), ['2 failing > oncall', '4 recovered > oncall']],
    ['one is not enough', (s) => s.runs('FFFoFoFoF'), ['2 failing > oncall']],
    ['nobody was notified of the failure, so nobody is notified of the recovery', (s) => s.aws(posted(0)).runs('FFFooooo'), []],
    [
      'it fails again within `reopenWithin`: failing again',
      (s) => s.runs('FFFoo').until(34).runs('FFF'),
      ['2 failing > oncall', '4 recovered > oncall', '36 failing > oncall'],
    ],
    [
      'ok again: recovered again',
      (s) => s.runs('FFFoo').until(34).runs('FFFoo'),
      ['2 failing > oncall', '4 recovered > oncall', '36 failing > oncall', '38 recovered > oncall'],
    ],
    [
      'it fails again, and AWS explains it: no email',
      (s) => s.runs('FFFoo').aws(posted(5)).until(20).runs('FFFoo'),
      ['2 failing > oncall', '4 recovered > oncall'],
    ],
    [
      'the second reopening within six hours is flapping: one email',
      (s) => s.runs('FFFoo').until(10).runs('FFFoo').until(20).runs('FFF'),
      ['2 failing > oncall', '4 recovered > oncall', '12 failing > oncall', '14 recovered > oncall', '22 flapping > oncall'],
    ],
    [
      'from then on the pairs of emails stop',
      (s) => s.runs('FFFoo').until(10).runs('FFFoo').until(20).runs('FFFoo').until(40).runs('FFFoo').until(60).runs('FFF'),
      ['2 failing > oncall', '4 recovered > oncall', '12 failing > oncall', '14 recovered > oncall', '22 flapping > oncall'],
    ],
    [
      'until it has been ok for half an hour',
      (s) => s.runs('FFFoo').until(10).runs('FFFoo').until(20).runs('FFF').runs('o').until(54),
      [
        '2 failing > oncall',
        '4 recovered > oncall',
        '12 failing > oncall',
        '14 recovered > oncall',
        '22 flapping > oncall',
        '53 recovered > oncall',
      ],
    ],
    [
      'reminders continue',
      (s) =>
        s
          .runs('FFFoo')
          .until(10)
          .runs('FFFoo')
          .until(20)
          .runs('FFF')
          .until(22 + 4 * HOURS + 2),
      [
        '2 failing > oncall',
        '4 recovered > oncall',
        '12 failing > oncall',
        '14 recovered > oncall',
        '22 flapping > oncall',
        '263 reminder > oncall',
      ],
    ],
  ])('%s', plays())
  test('a second reopening more than six hours after the first is emailed as failing', () => {
    const s = new Story({ policy: { reopenWithinMs: 8 * HOURS * MIN } })
    s.runs('FFFoo')
      .until(10)
      .runs('FFFoo')
      .until(10 + 6 * HOURS + 3)
    expect(s.runs('FFF').said.at(-1)).toBe('375 failing > oncall')
  })
  test('just within six hours, it is flapping', () => {
    const s = new Story({ policy: { reopenWithinMs: 8 * HOURS * MIN } })
    s.runs('FFFoo')
      .until(10)
      .runs('FFFoo')
      .until(10 + 6 * HOURS)
    expect(s.runs('FFF').said.at(-1)).toBe('372 flapping > oncall')
  })
  test('a reopened incident is the same, in the same thread; later it is another one', () => {
    const soon = new Story().runs('FFFoo').until(34).runs('FFF')
    expect(soon.incident()).toMatchObject({
      openedAt: at(2) + 1000,
      episodeAt: at(36) + 1000,
      reopenedAt: [at(36) + 1000],
      flapping: false,
    })
    expect(new Set(soon.mails.map((mail) => mail.thread)).size).toBe(1)
    expect(soon.mails.at(-1)?.facts.incident, 'the mail tells of the current episode').toMatchObject({
      onset: at(34),
      lastOkAt: at(33),
      reopened: 1,
    })
    const late = new Story().runs('FFFoo').until(35).runs('FFF')
    expect(late.incidents()).toHaveLength(2)
    expect(new Set(late.mails.map((mail) => mail.thread)).size).toBe(2)
  })
  test('another probe does not reopen it', () => {
    const s = new Story({ monitors: [{ operations: ['GetContactInformation', 'ListRegions'] }] })
    s.runs('FFFoo', 'GetContact').until(10).runs('FFF', 'ListRegions')
    expect(s.incidents()).toHaveLength(2)
  })
  test('the incident closes when all its probes have recovered, not sooner', () => {
    const s = new Story({ monitors: [{ operations: ['GetContactInformation', 'ListRegions'] }] })
    s.goes('internal').pass(5).goes('ok', 'GetContact').pass(10)
    expect(s.said).toEqual(['2 failing > oncall'])
    expect(s.why('recovered')).toEqual(['6 (recovery) 2 ok runs in a row'])
    expect(s.goes('ok').pass(5).said).toEqual(['2 failing > oncall', '16 recovered > oncall'])
  })
  test('a probe that fails again while others keep the incident open rejoins it', () => {
    const s = new Story({ monitors: [{ operations: ['GetContactInformation', 'ListRegions'] }] })
    s.goes('internal').pass(60).runs('oooo', 'GetContact').runs('FFF', 'GetContact')
    expect(s.incidents()).toHaveLength(1)
    expect(s.incident().members.map((m) => m.state)).toEqual(['failing', 'failing'])
  })
  test('recovered goes to exactly those who were notified', () => {
    const s = new Story({ recipients: { oncall: null, manager: 30 }, monitors: [{ notify: ['oncall', 'manager'] }] })
    expect(s.runs('FFF').until(20).runs('oo').said).toEqual(['2 failing > oncall', '21 recovered > oncall'])
  })
})

describe('escalation', () => {
  const given: SetupGiven = {
    recipients: { oncall: null, manager: 30, chief: 120 },
    monitors: [{ notify: ['oncall', 'manager', 'chief'] }],
  }
  const began = '2 failing > oncall'
  test.for<Row>([
    ['that long after the first email, with a run', (s) => s.runs('FFF').until(34), [began, '33 escalated > manager']],
    ['not before', (s) => s.runs('FFF').until(33), [began]],
    [
      'each recipient after their own `after`',
      (s) => s.runs('FFF').until(124),
      [began, '33 escalated > manager', '123 escalated > chief'],
    ],
    [
      'not if it is explained by then',
      (s) => s.runs('FFF').until(20).aws(posted(10)).until(90),
      [began, '20 now-explained > oncall'],
    ],
    [
      'but once that explanation has lapsed',
      (s) => s.runs('FFF').until(20).aws(posted(10)).until(40).aws().until(60),
      [began, '20 now-explained > oncall', '55 still-failing > oncall', '55 escalated > manager'],
    ],
    ['not if it is over', (s) => s.runs('FFFoo').until(90), [began, '4 recovered > oncall']],
    ['not if no first email was due', (s) => s.aws(posted(0)).runs('FFF').until(90), []],
    [
      'whoever was escalated to gets all follow-ups',
      (s) => s.runs('FFF').until(244).runs('oo'),
      [
        began,
        '33 escalated > manager',
        '123 escalated > chief',
        '243 reminder > oncall',
        '243 reminder > manager',
        '243 reminder > chief',
        '245 recovered > oncall',
        '245 recovered > manager',
        '245 recovered > chief',
      ],
    ],
    [
      'no conclusive run any more: after `blindAfter`',
      (s) => s.runs('FFF').until(30).goes('throttled').until(50),
      [began, '47 escalated > manager'],
    ],
    [
      'a second episode counts from its own first email',
      (s) => s.runs('FFF').until(40).runs('oo').until(50).runs('FFF').until(84),
      [
        began,
        '33 escalated > manager',
        '41 recovered > oncall',
        '41 recovered > manager',
        '52 failing > oncall',
        '83 escalated > manager',
      ],
    ],
  ])('%s', plays(given))
  test('if all have `after`, the first is notified when the failure is that old', () => {
    const s = new Story({ recipients: { manager: 30 }, monitors: [{ notify: ['manager'] }] })
    expect(s.runs('FFF').until(40).runs('oo').said).toEqual(['33 escalated > manager', '41 recovered > manager'])
  })
})

describe('silence', () => {
  test.for<Row>([
    [
      'failing is withheld, and sent once when the silence ends',
      (s) => s.silence(60).runs('FFF').until(90),
      ['60 failing > oncall'],
    ],
    ['what was over by then is not caught up', (s) => s.silence(60).runs('FFF').until(50).runs('oo').until(90), []],
    [
      'those who were notified before are notified of the end',
      (s) => s.runs('FFF').silence(60).until(20).runs('oo').until(90),
      ['2 failing > oncall', '21 recovered > oncall'],
    ],
    [
      'those who were notified before are notified of the explanation',
      (s) => s.runs('FFF').silence(60).until(20).aws(posted(10)).until(30),
      ['2 failing > oncall', '20 now-explained > oncall'],
    ],
    ['one for another monitor does nothing', (s) => s.silence(60, { monitors: ['other'] }).runs('FFF'), ['2 failing > oncall']],
    [
      'one for its account and operation withholds it',
      (s) =>
        s
          .silence(60, { accounts: ['111122223333'], operations: ['GetContactInformation'] })
          .runs('FFF')
          .until(90),
      ['60 failing > oncall'],
    ],
    [
      'one for its account and another operation does nothing',
      (s) => s.silence(60, { accounts: ['111122223333'], operations: ['ListRegions'] }).runs('FFF'),
      ['2 failing > oncall'],
    ],
    ['one that is planned withholds nothing before it begins', (s) => s.silence(60, {}, 30).runs('FFF'), ['2 failing > oncall']],
    [
      'one that is planned withholds from its beginning to its end',
      (s) => s.silence(60, {}, 30).pass(40).runs('FFF').until(120),
      ['90 failing > oncall'],
    ],
    [
      'one that was taken back before it began withholds nothing, and no run has to follow it',
      (s) => s.silence(60, {}, 30).runs('FF').lift().runs('F'),
      ['2 failing > oncall'],
    ],
    ['one that is taken back ends', (s) => s.silence(60).runs('FFF').until(20).lift().until(30), ['20 failing > oncall']],
  ])('%s', plays())
  const both: SetupGiven = { monitors: [{ accounts: ['111111111101', '111111111102'] }] }
  const one = { accounts: ['111111111101'] }
  test.for<Row>([
    [
      'over one account it withholds nothing of the other',
      (s) => s.silence(60, one).goes('internal').until(30),
      ['2 failing > oncall'],
    ],
    [
      'what is added to silenced failures is emailed',
      (s) => s.silence(60, one).goes('internal', '101').pass(10).goes('internal', '102').until(30),
      ['12 failing > oncall'],
    ],
    [
      'even if those had been emailed before the silence: the others are not compared with them',
      (s) => s.goes('internal', '101').pass(10).silence(60, one).pass(10).goes('internal', '102').until(60),
      ['2 failing > oncall', '22 wider > oncall'],
    ],
    [
      'at its end, nothing that was emailed is emailed again',
      (s) => s.goes('internal', '101').pass(10).silence(30, one).pass(10).goes('internal', '102').until(120),
      ['2 failing > oncall', '22 wider > oncall'],
    ],
    [
      'after its end, what fails without it does not wait for a run of what it covered',
      (s) =>
        s.silence(20, one).goes('internal', '101').pass(10).goes('nothing', '101').until(19).goes('internal', '102').until(50),
      ['21 failing > oncall'],
    ],
    [
      'after its end, what it covered runs once more, all of it',
      (s) => s.silence(20).goes('internal').pass(10).goes('nothing', '102').until(34),
      [],
    ],
    [
      'for which `blindAfter` is enough',
      (s) => s.silence(20).goes('internal').pass(10).goes('nothing', '102').until(60),
      ['35 failing > oncall'],
    ],
  ])('%s', plays(both))

  test('after the end of a silence that concerns others, nobody waits', () => {
    const s = new Story({
      monitors: [
        { name: 'a', notify: ['alpha'] },
        { name: 'b', notify: ['beta'] },
      ],
      recipients: { alpha: null, beta: null },
    })
    s.silence(20, { monitors: ['a'] })
      .goes('internal', 'a/')
      .pass(10)
      .goes('nothing', 'a/')
      .until(19)
    expect(s.goes('internal', 'b/').until(50).said).toEqual(['21 failing > beta', '35 failing > alpha'])
    expect(s.why('withheld')).toContain('20 (silence) a silence has ended: the probes that it covered run once more first')
  })
  test('the end of a silence within a longer one changes nothing', () => {
    const s = new Story().silence(60).pass(1).silence(20).runs('FFF').until(50)
    expect(s.why('withheld')).toHaveLength(1)
  })

  type Told = Partial<PastSilence> | undefined
  const drill = { reason: 'a drill', by: 'anna' }
  test.for<[string, (s: Story) => Story, readonly Told[]]>([
    [
      'that ended: the next email says when, why and by whom, and that the failure began during it',
      (s) => s.silence(60).goes('internal').until(90),
      [{ ...drill, from: at(0), endedAt: at(60), until: at(60), began: 'during' }],
    ],
    [
      'that was lifted: the next email says that as well',
      (s) => s.silence(60).goes('internal').until(20).lift().until(30),
      [{ endedAt: at(20), until: at(60), began: 'during' }],
    ],
    [
      'in a failure that was known: the next reminder says so, and the one after it does not',
      (s) => s.goes('internal').pass(10).silence(300).until(560),
      [undefined, { endedAt: at(310), began: 'before' }, undefined],
    ],
    ['that ended before the failure began is not mentioned', (s) => s.silence(5).pass(5).goes('internal').pass(9), [undefined]],
    ['that was taken back before it began', (s) => s.silence(60, {}, 30).lift().goes('internal').pass(9), [undefined]],
    [
      'over another account is not mentioned, neither while it lasts nor after it',
      (s) =>
        s
          .silence(5, { accounts: ['111111111102'] })
          .goes('internal', '101')
          .pass(9),
      [undefined],
    ],
    [
      'that is the last of several that ended is the one mentioned',
      (s) => s.silence(60).pass(1).silence(20).goes('internal').until(90),
      [{ endedAt: at(60) }],
    ],
    [
      'does not change what the recovery says',
      (s) => s.silence(60).goes('internal').until(90).goes('ok').until(99),
      [{ endedAt: at(60) }, undefined],
    ],
  ])('a silence %s', ([, play, told]) => {
    const { mails } = play(new Story(both))
    expect(mails.map(({ facts }) => facts.silence)).toEqual(told.map((one) => one && expect.objectContaining(one)))
  })
  test('an acknowledged incident has neither reminders nor escalation', () => {
    const s = new Story({ recipients: { oncall: null, manager: 30 }, monitors: [{ notify: ['oncall', 'manager'] }] }).runs('FFF')
    s.ack(s.incident().id).until(10 * HOURS)
    expect(s.runs('oo').said).toEqual(['2 failing > oncall', '601 recovered > oncall'])
  })
})

describe('restart: nothing is lost, and gaps in our watch are named', () => {
  test.for<Row>([
    ['nothing is announced twice', (s) => s.runs('FFF').away(60).pass(60), ['2 failing > oncall']],
    [
      'nothing is forgotten: the recovery is emailed',
      (s) => s.runs('FFF').away(60).runs('oo'),
      ['2 failing > oncall', '64 recovered > oncall'],
    ],
    ['what was explained stays so until a fresh run is judged', (s) => s.aws(posted(0)).runs('FFF').away(60).pass(30), []],
    [
      'a reminder that fell due is sent with the first run',
      (s) =>
        s
          .runs('FFF')
          .away(5 * HOURS)
          .goes('internal')
          .pass(1),
      ['2 failing > oncall', '303 reminder > oncall'],
    ],
    [
      'not before it',
      (s) =>
        s
          .runs('FFF')
          .away(5 * HOURS)
          .goes('nothing')
          .pass(15),
      ['2 failing > oncall'],
    ],
    [
      'but after `blindAfter` at the latest',
      (s) =>
        s
          .runs('FFF')
          .away(5 * HOURS)
          .goes('nothing')
          .pass(16),
      ['2 failing > oncall', '318 reminder > oncall'],
    ],
    [
      'every probe of the incident runs before an email is sent',
      (s) =>
        s
          .runs('FFF')
          .away(5 * HOURS)
          .goes('internal')
          .goes('nothing', 'ListRegions')
          .pass(5),
      ['2 failing > oncall'],
    ],
    ['a gap ends an undecided streak', (s) => s.runs('FF').away(30).runs('F'), []],
    ['which starts again after it', (s) => s.runs('FF').away(30).runs('FFF'), ['34 failing > oncall']],
    ['an absence of five minutes is no gap', (s) => s.runs('FF').away(4).runs('F'), ['6 failing > oncall']],
    [
      'it was ok in the meantime, and nobody saw it',
      (s) =>
        s
          .runs('FFF')
          .away(8 * HOURS)
          .runs('oo'),
      ['2 failing > oncall', '484 recovered > oncall'],
    ],
    [
      'after a restart, the event that was emailed is gone for one probe and back before the other has run: no email',
      (s) =>
        s
          .goes('internal')
          .pass(5)
          .aws(posted(5))
          .pass(5)
          .away(60)
          .goes('nothing', 'ListRegions')
          .aws()
          .pass(2)
          .aws(posted(5))
          .pass(2)
          .goes('internal')
          .pass(5),
      ['2 failing > oncall', '5 now-explained > oncall'],
    ],
  ])('%s', plays({ monitors: [{ operations: ['GetContactInformation', 'ListRegions'] }] }))
  test('a first email waits for a run of every probe, too', () => {
    const s = new Story({ policy: { waitMs: 10 * MIN }, monitors: [{ operations: ['GetContactInformation', 'ListRegions'] }] })
    s.goes('internal').pass(5).away(60).goes('nothing', 'ListRegions').pass(10)
    expect(s.said).toEqual([])
    expect(s.why('withheld').at(-1)).toBe('65 (restart) every probe of the incident runs once more before anything is sent')
    expect(s.goes('internal').pass(1).said).toEqual(['75 failing > oncall'])
  })
  test('the email names the gap, and says between which times the failure began', () => {
    const s = new Story().runs('oo').away(30).runs('FFF')
    const [mail] = s.mails
    expect(mail?.facts.incident).toMatchObject({ onset: at(32), lastOkAt: at(1) })
    expect(mail?.facts.probes[0]?.gap).toEqual({ from: at(1), to: at(32), why: 'Alibi was not running' })
  })
})

describe('grouping: one outage, one thread', () => {
  const two: SetupGiven = { monitors: [{ name: 'a' }, { name: 'b' }] }
  test.for<Row>([
    [
      'probes of any monitor join',
      (s) => s.goes('internal', 'a/').pass(10).goes('internal', 'b/').pass(5),
      ['2 failing > oncall', '12 wider > oncall'],
    ],
    [
      'whose onset lies within joinWithin of the newest onset',
      (s) => s.goes('internal', 'a/').pass(30).goes('internal', 'b/').pass(5),
      ['2 failing > oncall', '32 wider > oncall'],
    ],
    [
      'a later onset opens one of its own',
      (s) => s.goes('internal', 'a/').pass(31).goes('internal', 'b/').pass(5),
      ['2 failing > oncall', '33 failing > oncall'],
    ],
    [
      'so does another family',
      (s) => s.goes('internal', 'a/').pass(5).goes('denied', 'b/').pass(5),
      ['2 failing > oncall', '7 misconfigured > oncall'],
    ],
    [
      'it closes once, when all have recovered',
      (s) => s.goes('internal').pass(10).goes('ok', 'a/').pass(10).goes('ok').pass(10),
      ['2 failing > oncall', '21 recovered > oncall'],
    ],
  ])('%s', plays(two))
  test('another partition has an incident of its own', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', partition: 'aws-cn', region: 'cn-northwest-1' }] })
    s.goes('internal').pass(3)
    expect(s.incidents().map((is) => is.partition)).toEqual(['aws', 'aws-cn'])
    expect(s.said).toEqual(['2 failing > oncall', '2 failing > oncall'])
  })
  test('explained in one partition is not explained in another', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', partition: 'aws-cn', region: 'cn-northwest-1' }] })
    s.aws(posted(0)).goes('internal').pass(5)
    expect(s.said).toEqual(['2 failing > oncall'])
    expect(s.mails[0]?.facts.incident?.partition).toBe('aws-cn')
  })
  test('each recipient is notified of the probes of the monitors that notify them', () => {
    const s = new Story({
      monitors: [
        { name: 'a', notify: ['oncall', 'alpha'] },
        { name: 'b', notify: ['oncall', 'beta'] },
        { name: 'c', notify: ['gamma'] },
      ],
      recipients: { oncall: null, alpha: null, beta: null, gamma: null },
    })
    s.goes('internal', 'a/').goes('internal', 'b/').pass(3)
    expect(s.said).toEqual(['2 failing > oncall', '2 failing > alpha', '2 failing > beta'])
    expect(s.mails.map((mail) => mail.facts.probes.map((probe) => probe.monitor))).toEqual([['a', 'b'], ['a'], ['b']])
  })
  test('a recipient whose monitor joins later is notified then, the others only when it is wider', () => {
    const s = new Story({
      monitors: [
        { name: 'a', operations: ['GetContactInformation', 'ListRegions'], notify: ['alpha'] },
        { name: 'b', notify: ['beta'] },
      ],
      recipients: { alpha: null, beta: null },
    })
    s.goes('internal', 'a/').pass(10).goes('internal', 'b/').pass(5).goes('ok').pass(3)
    expect(s.said).toEqual(['2 failing > alpha', '12 failing > beta', '16 recovered > alpha', '16 recovered > beta'])
  })
  describe('wider', () => {
    const accounts = Array.from({ length: 12 }, (_, i) => String(100 + i).repeat(4))
    const fleet: SetupGiven = { monitors: [{ accounts, operations: ['GetContactInformation'] }] }
    const ours = posted(5, { scope: 'ACCOUNT_SPECIFIC', owners: accounts })
    const fail = (s: Story, count: number) => {
      for (const account of accounts.slice(0, count)) s.goes('internal', account)
      return s
    }
    test.for<Row>([
      [
        'when the failing probes have doubled',
        (s) => fail(fail(s, 2).pass(10), 4).pass(5),
        ['2 failing > oncall', '12 wider > oncall'],
      ],
      ['not when they have not', (s) => fail(fail(s, 2).pass(10), 3).pass(5), ['2 failing > oncall']],
      [
        'twice, a quarter of an hour apart',
        (s) => fail(fail(fail(s, 2).pass(10), 4).pass(15), 8).pass(5),
        ['2 failing > oncall', '12 wider > oncall', '27 wider > oncall'],
      ],
      [
        'not sooner: only when the quarter of an hour is over',
        (s) => fail(fail(fail(s, 2).pass(10), 4).pass(5), 8).pass(20),
        ['2 failing > oncall', '12 wider > oncall', '27 wider > oncall'],
      ],
      [
        'counted from the last email of any kind',
        (s) => fail(fail(fail(s, 2).until(10), 3).until(15).aws(ours).until(20).aws().until(36), 4).until(45),
        ['2 failing > oncall', '15 now-explained > oncall', '35 still-failing > oncall'],
      ],
      [
        'not while AWS explains it',
        (s) => fail(fail(s, 2).until(5).aws(ours).until(10), 8).pass(5),
        ['2 failing > oncall', '5 now-explained > oncall'],
      ],
    ])('%s', plays(fleet))
  })
  test.for<[string, readonly HealthEvent[], Parameters<Story['asking']>[0], string]>([
    [
      'every failing probe is explained: explained',
      [event(), event({ arn: 'sts', service: 'STS', region: 'eu-central-1' })],
      {},
      'explained',
    ],
    ['one is not: unexplained', [event()], {}, 'unexplained'],
    ['one is undetermined: undetermined', [event({ sources: ['dashboard'] })], { api: 'unavailable' }, 'undetermined'],
  ])('%s', ([, events, states, verdict]) => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', region: 'eu-central-1' }] })
    s.aws(...events)
      .asking(states)
      .goes('internal', 'a/')
      .goes('sts', 'b/')
      .pass(3)
    expect(s.incident().verdict).toBe(verdict)
    expect(s.said).toEqual(verdict === 'explained' ? [] : ['2 failing > oncall'])
  })
  test('a probe that joins an explained incident and is not explained ends the silence', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', region: 'eu-central-1' }] })
    s.aws(event()).goes('internal', 'a/').pass(10).goes('sts', 'b/').pass(5)
    expect(s.said).toEqual(['12 failing > oncall'])
  })
  test('those who were told that AWS explains it get still-failing', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', region: 'eu-central-1' }] })
    s.goes('internal', 'a/').pass(5).aws(event()).pass(5).goes('sts', 'b/').pass(5)
    expect(s.said).toEqual(['2 failing > oncall', '5 now-explained > oncall', '12 still-failing > oncall'])
    expect(s.mails.at(-1)?.facts.reason).toMatch(/^AWS does not explain GetContactInformation \(b\)/)
  })
  test('an explanation that stands without confirmation is not emailed as news', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', region: 'eu-central-1' }] })
    s.aws(event()).goes('internal', 'a/').pass(10).goes('sts', 'b/').until(20).aws().runs('oo', 'b/').until(36)
    expect(s.said, 'explained by an event that is gone, until the extension is over').toEqual([
      '12 failing > oncall',
      '35 still-failing > oncall',
    ])
  })
  test('two explanations that alternate between members do not fill the ledger', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', region: 'eu-central-1' }] })
    s.aws(event({ arn: 'first' }))
      .goes('internal', 'a/')
      .pass(5)
      .aws(event({ arn: 'second' }))
      .pass(5)
      .goes('sts', 'b/')
      .pass(120)
    expect(s.ledger.filter((row) => row.decision === 'verdict').length).toBeLessThan(6)
  })
  test('the width of an outage: an event explains the failure of all accounts, but not of one among many', () => {
    const accounts = ['1', '2', '3', '4'].map((n) => n.repeat(12))
    const alone = new Story({ monitors: [{ accounts }] }).aws(posted(0)).goes('internal', '1111').pass(3)
    expect(alone.said).toEqual(['2 failing > oncall'])
    expect(alone.mails[0]?.facts.probes[0]?.verdict.rejected[0]).toMatchObject({ test: 'width' })
    expect(new Story({ monitors: [{ accounts }] }).aws(posted(0)).goes('internal').pass(3).said).toEqual([])
    const stumbling = new Story({ monitors: [{ accounts }] })
      .aws(posted(0))
      .goes('internal', '1111')
      .goes('ok at the second try', '2222')
    expect(stumbling.pass(3).said, 'not every run of theirs was ok at the first try').toEqual([])
  })
  test('the width of an outage: an account is ok only if all its probes are', () => {
    const others = ['2', '3', '4', '5'].map((n) => n.repeat(12))
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', accounts: others }, { name: 'c', accounts: others }] })
    expect(s.aws(posted(0)).goes('internal', 'a/').goes('ok at the second try', 'b/').pass(5).said).toEqual([])
  })
  test('the width of an outage: another operation does not count', () => {
    const s = new Story({
      monitors: [
        { name: 'a' },
        { name: 'b', accounts: ['2', '3', '4', '5'].map((n) => n.repeat(12)), operations: ['ListRegions'] },
      ],
    })
    expect(s.aws(posted(0)).goes('internal', 'a/').pass(5).said).toEqual([])
  })
  test('the width of an outage: the same account in another monitor is not another account', () => {
    const monitors = ['a', 'b', 'c', 'd'].map((name) => ({ name }))
    expect(new Story({ monitors }).aws(posted(0)).goes('internal', 'a/').pass(5).said).toEqual([])
  })
})

describe('grouping: each recipient has a view of their own', () => {
  /** `a/` fails for alpha, `b/` for beta: in another region, so that what explains the one does not explain the other. */
  const each: SetupGiven = {
    monitors: [
      { name: 'a', notify: ['alpha'] },
      { name: 'b', notify: ['beta'], region: 'eu-central-1' },
    ],
    recipients: { alpha: null, beta: null },
  }
  const elsewhere = posted(0, { arn: 'sts', service: 'STS', region: 'eu-central-1' })
  test.for<Row>([
    [
      'a first email goes to those for whom something is unexplained',
      (s) => s.aws(posted(0)).goes('internal', 'a/').goes('sts', 'b/').pass(60),
      ['2 failing > beta'],
    ],
    [
      'an unexplained probe that joins concerns only those whom its monitor notifies',
      (s) => s.aws(posted(0)).goes('internal', 'a/').pass(20).goes('sts', 'b/').until(60),
      ['22 failing > beta'],
    ],
    [
      'even if the others were told that theirs is explained',
      (s) => s.goes('internal', 'a/').pass(5).aws(posted(0)).pass(5).goes('sts', 'b/').until(60),
      ['2 failing > alpha', '5 now-explained > alpha', '12 failing > beta'],
    ],
    [
      'late-explanation: explained for one while it is not for the other',
      (s) => s.goes('internal', 'a/').goes('sts', 'b/').pass(10).aws(posted(5)).until(60),
      ['2 failing > alpha', '2 failing > beta', '10 now-explained > alpha'],
    ],
    [
      'and then for the other',
      (s) => s.goes('internal', 'a/').goes('sts', 'b/').pass(10).aws(posted(5)).until(20).aws(posted(5), elsewhere).until(60),
      ['2 failing > alpha', '2 failing > beta', '10 now-explained > alpha', '20 now-explained > beta'],
    ],
    [
      'lapsed-explanation: it lapses for those for whom it was explained',
      (s) => s.goes('internal', 'a/').goes('sts', 'b/').pass(10).aws(posted(5)).until(20).aws().until(60),
      ['2 failing > alpha', '2 failing > beta', '10 now-explained > alpha', '35 still-failing > alpha'],
    ],
    [
      'lapsed-explanation: those who were never notified are notified when their explanation lapses',
      (s) => s.aws(posted(0)).goes('internal', 'a/').goes('sts', 'b/').until(20).aws().until(60),
      ['2 failing > beta', '35 failing > alpha'],
    ],
    [
      'hold: the silence ends for those for whom all is explained, whatever the others get meanwhile',
      (s) =>
        s
          .aws(posted(0, { updatedAt: at(300) }))
          .goes('internal', 'a/')
          .goes('sts', 'b/')
          .until(12 * HOURS + 5),
      ['2 failing > beta', '243 reminder > beta', '363 failing > alpha', '484 reminder > beta', '724 still-failing > alpha'],
    ],
    [
      'reminders are for those for whom it is unexplained',
      (s) => s.goes('internal', 'a/').goes('sts', 'b/').pass(10).aws(posted(5)).until(244),
      ['2 failing > alpha', '2 failing > beta', '10 now-explained > alpha', '243 reminder > beta'],
    ],
    [
      'and not for those for whom it is ok by now: they are notified of the end',
      (s) => s.goes('internal', 'a/').goes('sts', 'b/').until(10).goes('ok', 'a/').until(245).goes('ok').pass(2),
      ['2 failing > alpha', '2 failing > beta', '243 reminder > beta', '246 recovered > alpha', '246 recovered > beta'],
    ],
    [
      'wider is not sent to those for whom no more probes fail',
      (s) => s.goes('internal', 'a/').pass(5).goes('sts', 'b/').pass(30),
      ['2 failing > alpha', '7 failing > beta'],
    ],
    [
      'silence: a silence over one postpones what is owed, and the other is notified',
      (s) =>
        s
          .goes('internal', 'a/')
          .goes('sts', 'b/')
          .pass(10)
          .aws(posted(5), elsewhere)
          .pass(5)
          .silence(60, { monitors: ['a'] })
          .aws()
          .until(90),
      [
        '2 failing > alpha',
        '2 failing > beta',
        '10 now-explained > alpha',
        '10 now-explained > beta',
        '30 still-failing > beta',
        '75 still-failing > alpha',
      ],
    ],
    [
      'silence: not even afterwards if the run after the silence was ok',
      (s) =>
        s
          .goes('internal', 'a/')
          .pass(10)
          .aws(posted(5))
          .pass(5)
          .silence(60, { monitors: ['a'] })
          .aws()
          .until(75)
          .runs('oF', 'a/')
          .until(80),
      ['2 failing > alpha', '10 now-explained > alpha', '76 still-failing > alpha'],
    ],
    [
      'silence: a silenced reminder is sent when the silence ends; the others get theirs',
      (s) =>
        s
          .goes('internal', 'a/')
          .goes('sts', 'b/')
          .until(200)
          .silence(60, { monitors: ['a'] })
          .until(265),
      ['2 failing > alpha', '2 failing > beta', '243 reminder > beta', '260 reminder > alpha'],
    ],
  ])('%s', plays(each))
  test('silence: a silence over what is unexplained does not cover the rest', () => {
    const both: SetupGiven = { monitors: [{ name: 'a' }, { name: 'b', region: 'eu-central-1' }] }
    const s = new Story(both).silence(10 * HOURS, { monitors: ['b'] }).aws(posted(0, { updatedAt: at(300) }))
    s.goes('internal', 'a/')
      .goes('sts', 'b/')
      .until(10 * HOURS + 5)
    expect(s.said, 'the hold of the one, and of both when the silence is over').toEqual([
      '363 failing > oncall',
      '604 reminder > oncall',
    ])
  })
  test('the email says what is true of their own probes, and why it is owed to them', () => {
    const s = new Story(each).goes('internal', 'a/').goes('sts', 'b/').pass(10).aws(posted(5)).until(244)
    const said = s.mails.map(({ recipient, facts }) => [recipient, facts.kind, facts.verdict, facts.next?.slice(0, 30)])
    expect(said.slice(2)).toEqual([
      ['alpha', 'now-explained', 'explained', 'if it continues after AWS says'],
      ['beta', 'reminder', 'unexplained', 'a reminder at 2026-03-10 20:03'],
    ])
    expect(s.mails.at(-1)?.facts.incident, 'an event that explained those of others alone').toMatchObject({
      explainedBy: null,
      leadMinutes: null,
    })
    expect(
      s
        .goes('ok')
        .pass(2)
        .mails.slice(-2)
        .map(({ facts }) => [facts.verdict, facts.incident?.explainedBy ?? null]),
    ).toEqual([
      ['explained', posted(5).arn],
      ['unexplained', null],
    ])
  })
  test('the ledger gives a reason of a probe that has the verdict', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b', region: 'eu-central-1' }] })
    s.aws(posted(0)).goes('internal', 'a/').pass(10).goes('sts', 'b/').pass(5)
    expect(s.why('verdict').at(-1)).toMatch(/^12 \(consult\) unexplained: no event of AWS Health explains a failure of STS/)
  })
  test('an email does not mention an episode that they were not notified of', () => {
    const s = new Story().aws(posted(0)).runs('FFFoo').aws().until(20).runs('FFFoo').until(30).runs('FFF')
    expect(s.said.slice(0, 2)).toEqual(['22 failing > oncall', '24 recovered > oncall'])
    expect(s.mails.map(({ facts }) => facts.incident?.reopened)).toEqual([0, 0, 1])
  })
  test('lapsed-explanation: the email waits for those whose explanation ends as well, at most half a minute', () => {
    const six: SetupGiven = { monitors: [{ accounts: ['111111111101', '111111111102', '111111111103'] }] }
    const one = posted(0)
    const s = new Story(six).apart(2000).goes('internal').aws(one).until(20).aws(ended(one, 20)).until(40)
    expect(s.said).toEqual(['36 failing > oncall'])
    expect(s.mails[0]?.facts.probes.map(({ verdict }) => verdict.kind)).toEqual(['unexplained', 'unexplained', 'unexplained'])
    const told = new Story(six).apart(2000).goes('internal').until(10).aws(one).until(20).aws(ended(one, 20)).until(40)
    expect(told.said).toEqual(['2 failing > oncall', '10 now-explained > oncall', '36 still-failing > oncall'])
    expect(told.mails[2]?.facts.probes.map(({ verdict }) => verdict.kind)).toEqual(['unexplained', 'unexplained', 'unexplained'])
    const stuck = new Story(six).apart(2000).goes('internal').aws(one).until(20).aws(ended(one, 20)).until(35)
    expect(stuck.goes('nothing', '103').pass(3).said, 'one that does not run is not waited for').toEqual(['36 failing > oncall'])
  })
  test('wider gathers, too: one email about all that followed at once', () => {
    const four: SetupGiven = { monitors: [{ accounts: ['111111111101', '111111111102', '111111111103', '111111111104'] }] }
    const s = new Story(four).apart(2000).goes('internal', '101').pass(10).goes('internal').pass(20)
    expect(s.said).toEqual(['2 failing > oncall', '12 wider > oncall'])
    expect(s.mails[1]?.facts.reason).toBe('4 probes fail now; 1 did when the last email was sent')
  })
})

describe('blind', () => {
  test.for<Row>([
    [
      'without a conclusive run for `blindAfter`: reported once',
      (s) => s.goes('throttled').pass(30 * HOURS),
      ['15 blind > oncall'],
    ],
    ['not before', (s) => s.goes('throttled').pass(15), []],
    ['whatever the reason: it does not run', (s) => s.pass(5).goes('nothing').until(30), ['19 blind > oncall']],
    [
      'seen again: recovered',
      (s) => s.goes('throttled').pass(20).goes('ok').pass(5),
      ['15 blind > oncall', '20 recovered > oncall'],
    ],
    [
      'seen again, and it fails: both are reported',
      (s) => s.goes('throttled').pass(20).goes('internal').pass(5),
      ['15 blind > oncall', '20 recovered > oncall', '22 failing > oncall'],
    ],
    ['in an open incident its last state stands', (s) => s.runs('FFF').goes('throttled').until(100), ['2 failing > oncall']],
    [
      'and its recovery is emailed when it is seen',
      (s) => s.runs('FFF').goes('throttled').until(100).runs('oo'),
      ['2 failing > oncall', '101 recovered > oncall'],
    ],
    ['after a start it counts from there', (s) => s.pass(5).away(60).goes('nothing').pass(14), []],
    [
      'but one that was ok when last seen is blind',
      (s) => s.runs('FFFo').goes('throttled').until(100),
      ['2 failing > oncall', '18 blind > oncall'],
    ],
    [
      'and both end when it has a conclusive run again',
      (s) => s.runs('FFFo').goes('throttled').until(30).runs('oo'),
      ['2 failing > oncall', '18 blind > oncall', '30 recovered > oncall', '30 recovered > oncall'],
    ],
  ])('%s', plays())
  test('after a start nothing is blind yet, and no incident says so', () => {
    expect(new Story().pass(5).away(60).goes('nothing').pass(14).incidents()).toEqual([])
  })
  test('at least three of its periods', () => {
    const s = new Story({ monitors: [{ periodMs: 10 * MIN }] })
    expect(s.goes('nothing').pass(30).said).toEqual([])
    expect(s.pass(3).said).toEqual(['31 blind > oncall'])
  })
  test('the email says why', () => {
    expect(new Story().goes('throttled').pass(20).mails[0]?.facts.reason).toBe(
      'no conclusive run for 15m (AWS throttles every try)',
    )
    expect(new Story().goes('nothing').pass(20).mails[0]?.facts.reason).toBe('no conclusive run for 15m (it never ran)')
  })
  test('many blind probes are one email', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b' }] })
    expect(s.goes('nothing').pass(30).goes('ok').pass(2).said).toEqual(['16 blind > oncall', '30 recovered > oncall'])
  })
})

describe('offline: the problem is on our side', () => {
  const given: SetupGiven = { recipients: { oncall: null, manager: 30 }, monitors: [{ notify: ['oncall', 'manager'] }] }
  test.for<Row>([
    [
      'three control calls in a row fail: reported once, to those without `after`',
      (s) =>
        s
          .runs('oo')
          .goes('cut off')
          .pass(10 * HOURS),
      ['4 offline > oncall'],
    ],
    ['two are not enough, and the runs do not count', (s) => s.runs('oo').runs('XX').runs('oo').pass(10), []],
    [
      'those who were notified are notified of its end',
      (s) => s.runs('oo').goes('cut off').pass(60).goes('ok').pass(3),
      ['4 offline > oncall', '62 recovered > oncall'],
    ],
    [
      'the first control call that gets through ends it',
      (s) => s.runs('oo').goes('cut off').pass(60).goes('down').pass(2),
      ['4 offline > oncall', '62 recovered > oncall'],
    ],
    [
      'from then on unreachable runs count',
      (s) => s.runs('oo').goes('cut off').pass(60).goes('down').pass(3),
      ['4 offline > oncall', '62 recovered > oncall', '64 failing > oncall'],
    ],
    [
      'no timer fires while it lasts',
      (s) =>
        s
          .runs('FFF')
          .goes('cut off')
          .until(10 * HOURS),
      ['2 failing > oncall', '5 offline > oncall'],
    ],
    [
      'afterwards, they fire after a fresh run',
      (s) =>
        s
          .runs('FFF')
          .goes('cut off')
          .until(5 * HOURS)
          .goes('internal')
          .pass(2),
      [
        '2 failing > oncall',
        '5 offline > oncall',
        '300 recovered > oncall',
        '301 escalated > manager',
        '301 reminder > oncall',
        '301 reminder > manager',
      ],
    ],
    [
      'it does not make a failing probe recover',
      (s) => s.runs('FFF').goes('cut off').until(60).goes('internal').until(70),
      ['2 failing > oncall', '5 offline > oncall', '60 recovered > oncall', '61 escalated > manager'],
    ],
    [
      'nor become blind',
      (s) => s.runs('oo').goes('cut off').until(60).goes('ok').until(70),
      ['4 offline > oncall', '60 recovered > oncall'],
    ],
    ['only the control host is down: AWS answers, so we are online', (s) => s.control('down').runs('oooooooooo'), []],
    ['and that mutes no failure that AWS answers with', (s) => s.control('down').runs('FFF'), ['2 failing > oncall']],
    [
      'control calls made apart from runs count as well',
      (s) => s.runs('o').goes('nothing').control('down').pass(5),
      ['3 offline > oncall'],
    ],
  ])('%s', plays(given))
  test('no explanation lapses while we are offline: nothing was asked, and nothing ran', () => {
    const s = new Story(given)
      .aws(posted(0))
      .runs('FFF')
      .asking(BOTH_DOWN)
      .goes('cut off')
      .until(120)
      .asking({})
      .goes('internal')
      .until(130)
    expect(s.said).toEqual(['5 offline > oncall', '120 recovered > oncall'])
    expect(s.why('verdict')).toHaveLength(1)
  })
  test('being offline is an incident of its own', () => {
    const s = new Story(given).runs('oo').goes('cut off').pass(60).goes('ok').pass(3)
    expect(s.incident()).toMatchObject({ family: 'offline', openedAt: at(2) + 500, state: 'closed' })
  })
})

describe('a control host that was never reached since start', () => {
  test('is reported once as misconfigured, even while AWS itself answers', () => {
    const s = new Story()
    const neverReached = { ...s.connectivity(), everReached: false }
    s.reached(neverReached).control('down').pass(60)
    expect(s.said, 'three failures since AWS first answered').toEqual(['3 misconfigured > oncall'])
    expect(s.mails[0]?.facts.lines[0]).toMatch(/control\.url.* has not been reached/)
  })
  test('mutes nothing: unreachable runs count', () => {
    const s = new Story()
    s.reached({ ...s.connectivity(), everReached: false })
      .goes('cut off')
      .pass(3)
    expect(s.said).toContain('2 failing > oncall')
    expect(s.said.filter((line) => line.includes('offline'))).toEqual([])
  })
})

describe('config-change: what left the configuration', () => {
  const given: SetupGiven = { monitors: [{ name: 'a' }, { name: 'b' }] }
  test.for<Row>([
    [
      'an incident without failing probes left closes with one `dropped` email',
      (s) =>
        s
          .goes('internal', 'a/')
          .pass(5)
          .configure({ monitors: [{ name: 'b' }] })
          .pass(5),
      ['2 failing > oncall', '5 dropped > oncall'],
    ],
    [
      'one that still has a failing probe continues',
      (s) =>
        s
          .goes('internal')
          .pass(5)
          .configure({ monitors: [{ name: 'b' }] })
          .pass(5),
      ['2 failing > oncall'],
    ],
    [
      'if nobody was notified, nobody is',
      (s) =>
        s
          .aws(posted(0))
          .goes('internal', 'a/')
          .pass(5)
          .configure({ monitors: [{ name: 'b' }] })
          .pass(5),
      [],
    ],
    [
      'a recovered probe that leaves is no reason for it: the others recover',
      (s) =>
        s
          .goes('internal')
          .pass(5)
          .runs('oo', 'a/')
          .configure({ monitors: [{ name: 'b' }] })
          .runs('oo'),
      ['2 failing > oncall', '8 recovered > oncall'],
    ],
    [
      'an added recipient is not notified at once',
      (s) =>
        s
          .goes('internal', 'a/')
          .pass(5)
          .configure({
            monitors: [{ name: 'a', notify: ['oncall', 'team'] }, { name: 'b' }],
            recipients: { oncall: null, team: null },
          })
          .pass(5),
      ['2 failing > oncall'],
    ],
    [
      'a removed recipient gets only the end; the one who replaces them is notified at once, because nobody else knows',
      (s) =>
        s
          .goes('internal', 'a/')
          .pass(5)
          .configure({ monitors: [{ name: 'a', notify: ['team'] }, { name: 'b' }], recipients: { team: null } })
          .until(247)
          .goes('ok')
          .pass(2),
      ['2 failing > oncall', '5 failing > team', '246 reminder > team', '248 recovered > oncall', '248 recovered > team'],
    ],
    [
      'changed addresses: follow-ups to the new ones',
      (s) =>
        s
          .goes('internal', 'a/')
          .pass(5)
          .configure({ ...given, addresses: { oncall: ['new@example.com'] } })
          .until(244),
      ['2 failing > oncall', '243 reminder > oncall'],
    ],
    [
      'neither is a recovered probe that leaves just when the last one recovers',
      (s) =>
        s
          .goes('internal')
          .pass(5)
          .runs('oo', 'a/')
          .runs('o', 'b/')
          .configure({ monitors: [{ name: 'b' }] })
          .runs('o'),
      ['2 failing > oncall', '8 recovered > oncall'],
    ],
  ])('%s', plays(given))
})

describe('config-change: a recipient whose last failing probe leaves an incident that continues for others', () => {
  const a = { name: 'a', notify: ['alpha'] }
  const b = { name: 'b', notify: ['beta'] }
  const each: SetupGiven = { monitors: [a, b], recipients: { alpha: null, beta: null } }
  const without = (monitors: readonly MonitorGiven[]): SetupGiven => ({ ...each, monitors })
  const began = ['2 failing > alpha', '2 failing > beta']
  test('is notified that it is no longer watched, and of nothing that concerns only others', () => {
    const s = new Story(each)
      .goes('internal')
      .pass(20)
      .configure(without([b]))
      .until(244)
      .goes('ok')
      .pass(2)
    expect(s.said).toEqual([...began, '20 dropped > alpha', '243 reminder > beta', '245 recovered > beta'])
    const [dropped] = s.mails.filter((mail) => mail.kind === 'dropped')
    expect(dropped?.facts.probes.map((probe) => probe.monitor)).toEqual(['a'])
  })
  test('is notified once, and again if it is watched again and fails', () => {
    const s = new Story(each)
      .goes('internal')
      .pass(20)
      .configure(without([b]))
      .pass(5)
      .configure(each)
      .pass(5)
    expect(s.said).toEqual([...began, '20 dropped > alpha', '25 failing > alpha'])
  })
  test('is not notified if they have another failing probe', () => {
    const c = { name: 'c', notify: ['alpha'] }
    const s = new Story(without([a, b, c]))
      .goes('internal')
      .pass(20)
      .configure(without([b, c]))
      .goes('ok')
      .pass(3)
    expect(s.said).toEqual([...began, '21 recovered > alpha', '21 recovered > beta'])
  })
  test('is not notified if the probe had recovered when it left: they get the end of what they were notified of', () => {
    const s = new Story(each)
      .goes('internal')
      .pass(10)
      .goes('ok', 'a/')
      .pass(10)
      .configure(without([b]))
      .goes('ok')
      .pass(3)
    expect(s.said).toEqual([...began, '21 recovered > alpha', '21 recovered > beta'])
    expect(s.mails[2]?.facts.probes.map((probe) => probe.monitor)).toEqual(['a'])
  })
  test('the last failing probe of one recipient leaves, while another waits for the end of a probe that has recovered', () => {
    const s = new Story(each)
      .goes('internal')
      .pass(10)
      .goes('ok', 'b/')
      .pass(10)
      .configure(without([b]))
      .pass(3)
    expect(s.said).toEqual([...began, '20 dropped > alpha', '20 recovered > beta'])
    expect(s.incident().state).toBe('closed')
  })
  test('a removed recipient is notified of the end of what they were notified of, and not of what concerns others', () => {
    const s = new Story(each).goes('internal').pass(20)
    s.configure({ monitors: [{ name: 'a', notify: ['beta'] }, b], recipients: { beta: null } })
      .goes('ok')
      .pass(3)
    const rises = s.mails.filter((mail) => mail.kind === 'recovered')
    expect(rises.map((mail) => [mail.recipient, mail.facts.probes.map((probe) => probe.monitor)])).toEqual([
      ['alpha', ['a']],
      ['beta', ['a', 'b']],
    ])
  })
})

describe('config-change: who was notified is recorded by address', () => {
  const moved: SetupGiven = { addresses: { oncall: ['new@example.com'] } }
  test('the recovery goes to all addresses that were notified, old and new', () => {
    const s = new Story().runs('FFF').until(20).configure(moved).until(244).runs('oo').until(250).runs('FFFoo')
    const to = s.mails.map((mail) => [mail.kind, mail.to])
    expect(to).toEqual([
      ['failing', ['oncall@example.com']],
      ['reminder', ['new@example.com']],
      ['recovered', ['oncall@example.com', 'new@example.com']],
      ['failing', ['new@example.com']],
      ['recovered', ['new@example.com']],
    ])
  })
  test('an address that was notified only of the failure is notified of the recovery', () => {
    const s = new Story().runs('FFF').until(20).configure(moved).runs('oo')
    expect(s.mails.at(-1)).toMatchObject({ kind: 'recovered', to: ['oncall@example.com'] })
  })
  test('even if the incident changed its family in between', () => {
    const s = new Story().runs('FFF').until(20).configure(moved).runs('DDDoo')
    expect(s.mails.map((mail) => mail.to)).toEqual([
      ['oncall@example.com'],
      ['new@example.com'],
      ['oncall@example.com', 'new@example.com'],
    ])
  })
})

describe('config-change: an added recipient is notified with the next email that is due', () => {
  const team: SetupGiven = { monitors: [{ notify: ['oncall', 'team'] }], recipients: { oncall: null, team: null } }
  const began = '2 failing > oncall'
  const added = (s: Story) => s.runs('FFF').until(20).configure(team)
  test.for<Row>([
    ['a reminder', (s) => added(s).until(244), [began, '243 reminder > oncall', '243 reminder > team']],
    [
      'not with the explanation of what they do not know',
      (s) => added(s).aws(posted(10)).until(60),
      [began, '20 now-explained > oncall'],
    ],
    [
      'the end of an explanation',
      (s) => added(s).aws(posted(10)).until(30).aws().until(60),
      [began, '20 now-explained > oncall', '45 still-failing > oncall', '45 still-failing > team'],
    ],
    [
      'the end of a long suppression',
      (s) =>
        added(s)
          .aws(posted(10, { updatedAt: at(300) }))
          .until(6 * HOURS + 25),
      [began, '20 now-explained > oncall', '381 still-failing > oncall', '381 still-failing > team'],
    ],
    ['not with the end alone', (s) => added(s).runs('oo'), [began, '21 recovered > oncall']],
    [
      'probes that fail from then on are reported to them as usual',
      (s) => {
        s.runs('FFF').until(20)
        const two = { ...team, monitors: [{ notify: ['oncall', 'team'] }, { name: 'b', notify: ['team'] }] }
        return s.configure(two).goes('internal', 'b/').pass(10)
      },
      [began, '22 failing > team'],
    ],
    [
      'at once if no email would be due: there are no reminders',
      (s) =>
        s
          .configure({ policy: { remindEveryMs: 0 } })
          .runs('FFF')
          .until(20)
          .configure({ ...team, policy: { remindEveryMs: 0 } })
          .pass(2),
      [began, '20 failing > team'],
    ],
    [
      'at once if no email would be due: somebody has acknowledged it',
      (s) => {
        added(s).ack(s.incident().id)
        return s.pass(2)
      },
      [began, '20 failing > team'],
    ],
    [
      'at once if nobody who is configured now was notified',
      (s) =>
        s
          .runs('FFF')
          .until(20)
          .configure({ monitors: [{ notify: ['team'] }], recipients: { team: null } })
          .pass(2),
      [began, '20 failing > team'],
    ],
  ])('%s', plays())
})

describe('config-change: an address is not notified of the same thing again under another name', () => {
  const renamed = (to: readonly string[], names = ['team']): SetupGiven => ({
    monitors: [{ notify: names }],
    recipients: Object.fromEntries(['oncall', 'team'].map((name) => [name, null])),
    addresses: { team: to, oncall: names.includes('oncall') ? ['oncall@example.com'] : ['else@example.com'] },
  })
  test('a renamed recipient stays in the thread', () => {
    const s = new Story()
      .runs('FFF')
      .until(20)
      .configure(renamed(['oncall@example.com']))
      .until(244)
      .runs('oo')
    expect(s.said).toEqual(['2 failing > oncall', '243 reminder > team', '245 recovered > team'])
    expect(s.mails.map((mail) => mail.to)).toEqual([['oncall@example.com'], ['oncall@example.com'], ['oncall@example.com']])
    expect(new Set(s.mails.map((mail) => mail.thread)).size).toBe(1)
  })
  test('an address that was added to them is notified with the next email', () => {
    const s = new Story()
      .runs('FFF')
      .until(20)
      .configure(renamed(['oncall@example.com', 'new@example.com']))
      .until(244)
    expect(s.said).toEqual(['2 failing > oncall', '243 reminder > team'])
    expect(s.mails.at(-1)?.to).toEqual(['oncall@example.com', 'new@example.com'])
  })
  test('an address that was not notified is notified', () => {
    const s = new Story()
      .runs('FFF')
      .until(20)
      .configure(renamed(['new@example.com']))
      .pass(3)
    expect(s.said).toEqual(['2 failing > oncall', '20 failing > team'])
  })
  test('a recipient who shares an address with another is notified of what only they are notified of', () => {
    const s = new Story({
      monitors: [{ name: 'a' }, { name: 'b', notify: ['team'] }],
      recipients: { oncall: null, team: null },
      addresses: { team: ['oncall@example.com'] },
    })
    s.goes('internal', 'a/').pass(5).goes('ok', 'a/').goes('internal', 'b/').pass(1).goes('internal').pass(10)
    expect(s.goes('ok', 'a/').pass(10).goes('internal', 'b/').pass(3).said).toContain('7 failing > team')
  })
})

describe('family-change: a changed family', () => {
  test.for<Row>([
    [
      'the last three runs are of another family: one email, of that kind',
      (s) => s.runs('FFFDDD').pass(5),
      ['2 failing > oncall', '5 misconfigured > oncall'],
    ],
    ['two are not enough', (s) => s.runs('FFFDDFF'), ['2 failing > oncall']],
    ['and back again', (s) => s.runs('DDDFFF').pass(5), ['2 misconfigured > oncall', '5 failing > oncall']],
    [
      'those who were notified of either are notified of the recovery, once',
      (s) => s.runs('FFFDDDoo').pass(5),
      ['2 failing > oncall', '5 misconfigured > oncall', '7 recovered > oncall'],
    ],
    [
      'notified of the old one, and the new one is explained: only the recovery is emailed',
      (s) => s.runs('DDD').aws(posted(0)).runs('FFFF').runs('oo'),
      ['2 misconfigured > oncall', '8 recovered > oncall'],
    ],
    [
      'nobody was notified of the old one: the new one is emailed as usual',
      (s) => s.aws(posted(0)).runs('FFFDDDoo'),
      ['5 misconfigured > oncall', '7 recovered > oncall'],
    ],
  ])('%s', plays())
  test('the new one continues the old thread and says what it was before', () => {
    const s = new Story().runs('FFFDDDoo')
    expect(new Set(s.mails.map((mail) => mail.thread)).size).toBe(1)
    expect(new Set(s.mails.map((mail) => mail.incident)).size).toBe(2)
    const [old, other] = s.incidents()
    expect(old).toMatchObject({ state: 'closed', closedAs: 'changed', family: 'outage' })
    expect(s.mails[1]?.facts.incident?.continues).toEqual({ id: old?.id, family: 'outage' })
    expect(other?.seq, 'the sequence goes on, or mails would overtake').toBe(3)
  })
  test('an incident that keeps others stays open and has its own end', () => {
    const s = new Story({ monitors: [{ name: 'a' }, { name: 'b' }] })
    s.goes('internal').pass(3).goes('denied', 'a/').pass(3).goes('ok').pass(2)
    expect(s.said).toEqual(['2 failing > oncall', '5 misconfigured > oncall', '7 recovered > oncall', '7 recovered > oncall'])
  })
  const both: SetupGiven = { monitors: [{ accounts: ['111111111101', '111111111102'] }] }
  test('two that change one after the other within a round are one email, in the old thread', () => {
    const s = new Story(both).apart(2000).goes('internal').pass(5).goes('denied').pass(5).goes('ok').pass(3)
    expect(s.said).toEqual(['2 failing > oncall', '7 misconfigured > oncall', '11 recovered > oncall'])
    expect(new Set(s.mails.map((mail) => mail.thread)).size).toBe(1)
    expect(s.mails[1]?.facts.probes).toHaveLength(2)
    const [old, other] = s.incidents()
    expect(old?.into, 'where it goes on').toEqual([other?.id])
    expect(s.mails[2]).toMatchObject({ past: [{ thread: s.mails[0]?.thread, incident: old?.id }] })
  })
  test('the second changes after the first was emailed: its thread ends in the other one', () => {
    const s = new Story(both).goes('internal').pass(5).goes('denied', '101').pass(5).goes('denied', '102').pass(5)
    expect(s.goes('ok').pass(3).said).toEqual([
      '2 failing > oncall',
      '7 misconfigured > oncall',
      '12 wider > oncall',
      '16 recovered > oncall',
    ])
    const [failing, misconfigured, wider, recovered] = s.mails
    expect(misconfigured?.thread).not.toBe(failing?.thread)
    const past = [{ thread: failing?.thread, incident: failing?.incident }]
    expect(wider).toMatchObject({ thread: misconfigured?.thread, past })
    expect(recovered).toMatchObject({ thread: misconfigured?.thread, past })
    expect(wider?.seq, 'beyond all that went into it').toBeGreaterThan(failing?.seq ?? 0)
    expect(wider?.facts.incident?.continues).toMatchObject({ id: failing?.incident, family: 'outage' })
  })
  test('into one that was closed: the open thread continues, not the one that has ended', () => {
    const s = new Story().runs('DDDoo').runs('FFF').runs('DDDoo')
    expect(s.said.slice(2)).toEqual(['7 failing > oncall', '10 misconfigured > oncall', '12 recovered > oncall'])
    const [ended, , open, again, recovered] = s.mails
    expect(again?.incident, 'it is that incident again').toBe(ended?.incident)
    expect([again?.thread, recovered?.thread]).toEqual([open?.thread, open?.thread])
  })
  test('recipients without a failing probe in the old one continue in the new one, while others keep the old one', () => {
    const s = new Story({
      monitors: [
        { name: 'a', notify: ['alpha'] },
        { name: 'b', notify: ['beta'] },
      ],
      recipients: { alpha: null, beta: null },
    })
    s.goes('internal').pass(5).goes('denied', 'a/').pass(5).goes('ok', 'b/').pass(5)
    expect(s.said.filter((line) => line.includes('alpha'))).toEqual(['2 failing > alpha', '7 misconfigured > alpha'])
    expect(s.said.at(-1), 'alpha is not told that all is well').toBe('11 recovered > beta')
    expect(s.goes('ok').pass(3).said.at(-1)).toBe('16 recovered > alpha')
    expect(new Set(s.mails.filter((mail) => mail.recipient === 'alpha').map((mail) => mail.thread)).size).toBe(1)
  })
  test('a thread that continued in another incident is not resumed by the old one', () => {
    const s = new Story({
      monitors: [
        { name: 'a', notify: ['alpha'] },
        { name: 'b', notify: ['beta'] },
      ],
      recipients: { alpha: null, beta: null },
    })
    s.goes('internal').pass(3).goes('denied', 'b/').pass(5).goes('ok', 'b/').pass(3).goes('internal', 'b/').pass(5)
    const mine = s.mails.filter((mail) => mail.recipient === 'beta')
    expect(mine.map((mail) => mail.kind)).toEqual(['failing', 'misconfigured', 'recovered', 'failing'])
    expect(mine[3]?.incident, 'it is the same incident').toBe(mine[0]?.incident)
    expect(mine[3]?.thread, 'in a thread of its own, for its mails would be numbered like those of the other').toBe(
      mine[3]?.messageId,
    )
  })
  test('it joins an open incident of the other family, and those who were notified of the old one are notified of its end', () => {
    const s = new Story({
      monitors: [
        { name: 'a', notify: ['alpha'] },
        { name: 'b', notify: ['beta'] },
      ],
      recipients: { alpha: null, beta: null },
    })
    s.goes('denied', 'b/').pass(5).goes('internal', 'a/').pass(5).goes('denied', 'a/').pass(5)
    expect(s.said).toEqual(['2 misconfigured > beta', '7 failing > alpha', '12 misconfigured > alpha'])
    expect(s.goes('ok').pass(2).said.slice(3)).toEqual(['16 recovered > beta', '16 recovered > alpha'])
  })
})

test('family-change: an incident whose thread another one has taken over is emailed again in a new thread', () => {
  const s = new Story({
    monitors: [
      { name: 'a', accounts: ['111111111111', '222222222222'] },
      { name: 'b', operations: ['ListRegions'], notify: ['beta'] },
    ],
    recipients: { oncall: null, beta: null },
  })
  s.goes('internal').until(5).goes('denied', 'a/').until(10).goes('internal', '2222').until(20)
  const told = s.mails.filter((mail) => mail.recipient === 'oncall')
  expect(told.map(({ kind, minute }) => `${minute} ${kind}`)).toEqual(['2 failing', '7 misconfigured', '12 failing'])
  const [first, second, third] = told.map(({ thread }) => thread)
  expect(second).toBe(first)
  expect(third).not.toBe(first)
})

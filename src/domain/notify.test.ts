import { describe, expect, test } from 'vitest'
import {
  event,
  failure,
  HOUR,
  incident,
  MIN,
  member,
  NOON,
  POLICY,
  RELEVANCE,
  reading,
  type SetupGiven,
  setup,
} from '../../test/given.ts'
import { Story } from '../../test/story.ts'
import { idPart, messageIdOf, notificationId, subjectFor } from './audience.ts'
import type { Announced } from './decision.ts'
import { NEVER_JUDGED } from './explanation.ts'
import type { Incident, Judgement, Member } from './incident.ts'
import { judge } from './judge.ts'
import { type Caller, MAX_PROBES_IN_FULL, MAX_PROBES_LISTED, MAX_PROBES_NAMED, type MailKind } from './notification.ts'
import { type Backdrop, notificationsFor, plainFacts, probesShown } from './notify.ts'

const SENDER = {
  version: '1.2.3',
  host: 'watch',
  sdk: '3',
  endpoint: 'https://account',
  signingRegion: 'us-east-1',
  caller: null,
  callers: [],
}

function drop(given: SetupGiven = {}, changes: Partial<Backdrop> = {}): Backdrop {
  return {
    setup: setup(given),
    now: NOON,
    readings: new Map(),
    strips: new Map(),
    overrides: [],
    sender: () => SENDER,
    ...changes,
  }
}
function told(is: Incident, kind: MailKind, ...recipients: string[]): Announced {
  const to = recipients.map((recipient) => ({
    recipient,
    to: [`${recipient}@example.com`],
    subject: 'subject',
    root: '<root@example.com>',
    open: true,
    heard: null,
    monitors: [],
    reopened: null,
  }))
  return {
    incident: is,
    announcement: { kind, reason: 'because', rule: 'first-email', seq: is.seq, to, hindsight: [] },
    selfAlert: null,
  }
}
const facts = (is: Incident, backdrop = drop(), kind: MailKind = 'failing') =>
  notificationsFor([told(is, kind, 'oncall')], backdrop)[0]!.facts

describe('the threshold that is named', () => {
  const ruleIn = (family: Incident['family'], given: SetupGiven = {}) =>
    facts(incident({ family, members: [member()] }), drop(given)).monitors[0]?.threshold
  test('is the one by which the probes came into it', () => {
    expect(ruleIn('outage')).toBe('3 of 5 runs fail, wait 0s, reminder every 4h')
    expect(ruleIn('misconfigured')).toBe('3 of 5 runs fail, wait 0s, reminder every 1d')
    expect(ruleIn('blind')).toBe('no result for 15m (policy.blindAfter), reported once')
  })
  test('never says "1 of 1 runs"', () => {
    expect(ruleIn('outage', { monitors: [{ fail: { count: 1, of: 1 } }] })).toBe('one run fails, wait 0s, reminder every 4h')
  })
})

test('an email names the credentials of each of its monitors, and those of several once', () => {
  const caller = (name: string, account: string): Caller => {
    return { monitors: [name], account, arn: `arn:aws:iam::${account}:user/u`, origin: 'the environment' }
  }
  const ACCOUNT: Readonly<Record<string, string>> = { a: '1', b: '2', c: '1', d: '3' }
  const of = (name: string) => caller(name, ACCOUNT[name] ?? '')
  const backdrop = drop(
    { monitors: ['a', 'b', 'c', 'd'].map((name) => ({ name })) },
    { sender: (monitor) => ({ ...SENDER, callers: monitor === null ? [of('a')] : [of(monitor.name)] }) },
  )
  const members = ['a', 'b', 'c'].map((monitor) => member({ monitor, probe: `${monitor}/self/GetContactInformation` }))
  expect(facts(incident({ members }), backdrop).sentBy.callers).toEqual([{ ...of('a'), monitors: ['a', 'c'] }, of('b')])
})

describe('until when AWS explains it', () => {
  const explained = judge(failure(), reading([event()]), {
    policy: POLICY,
    relevance: RELEVANCE,
    peers: () => ({ others: 0, ok: 0 }),
    now: NOON,
  })
  const alibi = { arn: 'arn', confirmedAt: NOON, until: NOON + 15 * MIN, open: true }
  test.for<[string, Partial<Judgement>, number | null]>([
    ['an open event that was just confirmed: that is not known', { verdict: explained, alibi }, null],
    [
      'one that could not be confirmed: as long as it stands',
      { verdict: explained, alibi, carried: 'not asked' },
      NOON + 15 * MIN,
    ],
    ['one that is over: as long as it stands', { verdict: explained, alibi: { ...alibi, open: false } }, NOON + 15 * MIN],
    ['one that explains no longer: until then', { lapsed: { arn: 'arn', at: NOON, cause: 'over', why: 'it ended' } }, NOON],
    ['none: never', {}, null],
  ])('%s', ([, judgement, until]) => {
    const is = incident({ members: [member({ judgement: { ...NEVER_JUDGED, ...judgement } })] })
    expect(facts(is).probes[0]).toMatchObject({ explainedUntil: until, lapsedBy: judgement.lapsed?.cause ?? null })
  })
})

describe('ids that never change', () => {
  test('a notification is named by incident, sequence and recipient', () => {
    expect(notificationId('a3f9000000000001', 3, 'oncall')).toBe('a3f9000000000001.3.oncall')
    expect(messageIdOf('a3f9000000000001.3.oncall', 'example.com')).toBe('<a3f9000000000001.3.oncall@example.com>')
  })
  test('it holds the name of the recipient, in what may stand in a Message-ID', () => {
    const names = ['oncall', 'Oncall', 'on.call', 'on_call-2', 'on', 'Bereitschaft Süd', '值班', 'a'.repeat(64), '\ud800']
    // RFC 5322, atext: an id is made of such words with dots between.
    for (const name of names) expect(idPart(name)).toMatch(/^[\w!#$%&'*+/=?^`{|}~-]+$/)
    expect(new Set(names.map(idPart)).size).toBe(names.length)
    expect(notificationId('a3f9', 1, 'Bereitschaft Süd')).toBe('a3f9.1.Bereitschaft%20S%C3%BCd')
  })
  test('the same decision owes the same notifications, whatever else is known', () => {
    const one = told(incident({ seq: 2 }), 'wider', 'oncall', 'manager')
    const ids = (backdrop: Backdrop) =>
      notificationsFor([one], backdrop).map(({ id, messageId, thread }) => [id, messageId, thread])
    expect(ids(drop({}, { now: NOON + HOUR, readings: new Map([['aws', reading([event()])]]) }))).toEqual(ids(drop()))
  })
  test('a self-alert: by what it is about and since when', () => {
    const note = (since: number) => ({ key: 'health-api:aws', since, text: 'It refuses.' })
    const announcement = {
      kind: 'misconfigured',
      reason: 'It refuses.',
      rule: 'consult',
      seq: 1,
      to: told(incident(), 'test', 'oncall').announcement.to,
      hindsight: [],
    } as const
    const [a, again, later] = [NOON, NOON, NOON + 1].map(
      (since) => notificationsFor([{ incident: null, announcement, selfAlert: note(since) }], drop())[0]!,
    )
    expect(a).toMatchObject({
      incident: null,
      inReplyTo: null,
      kind: 'misconfigured',
      facts: { lines: ['It refuses.'], incident: null },
    })
    expect(a!.id).toMatch(/^self-alert\.health-api%3Aaws\.\d+\.1\.oncall$/)
    expect([again!.id === a!.id, later!.id === a!.id]).toEqual([true, false])
    expect(a!.thread).toBe(a!.messageId)
  })
})

describe('threads', () => {
  test('the first email is the root and replies to nothing; every later one replies to it, in each episode', () => {
    const s = new Story().runs('FFFoo').until(20).runs('FFF')
    const [first, ...later] = s.mails
    expect(first).toMatchObject({ kind: 'failing', inReplyTo: null, thread: first!.messageId })
    expect(later.map((mail) => mail.kind)).toEqual(['recovered', 'failing'])
    for (const mail of later) expect(mail).toMatchObject({ inReplyTo: first!.messageId, thread: first!.messageId })
  })
  test('each recipient has a thread of their own', () => {
    const s = new Story({ recipients: { oncall: null, team: null }, monitors: [{ notify: ['oncall', 'team'] }] }).runs('FFF')
    expect(new Set(s.mails.map((mail) => mail.thread)).size).toBe(2)
  })
  test.for<[string, SetupGiven, string[], string]>([
    ['one monitor', {}, ['main'], '[alibi] main: AWS Account trouble #a3f9'],
    [
      'two monitors that notify them',
      { monitors: [{ name: 'a' }, { name: 'b' }] },
      ['a', 'b'],
      '[alibi] a +1: AWS Account trouble #a3f9',
    ],
    [
      'not those that notify others',
      { monitors: [{ name: 'a', notify: [] }, { name: 'b' }] },
      ['a', 'b'],
      '[alibi] b: AWS Account trouble #a3f9',
    ],
    [
      'none of theirs in it: the monitors that would notify them',
      { monitors: [{ name: 'a', notify: [] }, { name: 'b' }] },
      ['a'],
      '[alibi] b: AWS Account trouble #a3f9',
    ],
  ])('the subject names the monitors, without state, count or time: %s', ([, given, monitors, subject]) => {
    const members = monitors.map((name) => member({ monitor: name, probe: `${name}/1/GetContactInformation` }))
    expect(subjectFor(incident({ members }), 'oncall', setup(given))).toBe(subject)
  })
  test('it names the kind of failure', () => {
    const subjects = (['outage', 'misconfigured', 'offline', 'blind'] as const).map((family) =>
      subjectFor(incident({ family }), 'oncall', setup()),
    )
    expect(new Set(subjects).size).toBe(4)
  })
})

describe('what a recipient is notified of', () => {
  const given: SetupGiven = {
    monitors: [
      { name: 'a', notify: ['alpha', 'oncall'] },
      { name: 'b', notify: ['oncall'] },
    ],
    recipients: { oncall: null, alpha: null },
  }
  const members = ['a', 'b'].map((name, i) =>
    member({ monitor: name, probe: `${name}/1/GetContactInformation`, onset: NOON - i * MIN, lastOkAt: NOON - i * MIN - 5 }),
  )
  const both = notificationsFor([told(incident({ members }), 'failing', 'alpha', 'oncall')], drop(given))
  test('the probes of the monitors that notify them', () => {
    expect(both.map((mail) => mail.facts.probes.map((probe) => probe.monitor))).toEqual([['a'], ['b', 'a']])
    expect(both.map((mail) => mail.facts.monitors.map((monitor) => monitor.name))).toEqual([['a'], ['a', 'b']])
  })
  test('and when their own probes began to fail', () => {
    expect(both.map((mail) => mail.facts.incident?.onset)).toEqual([NOON, NOON - MIN])
    expect(both.map((mail) => mail.facts.incident?.lastOkAt)).toEqual([NOON - 5, NOON - MIN - 5])
  })
  test('in the end those that they were notified of, although their monitors notify them no longer', () => {
    const { incident: is, announcement } = told(incident({ members }), 'recovered', 'alpha')
    const to = announcement.to.map((a) => ({ ...a, monitors: ['b'] }))
    const moved = { ...given, monitors: ['a', 'b'].map((name) => ({ name, notify: ['oncall'] })) }
    const [mail] = notificationsFor([{ incident: is!, announcement: { ...announcement, to }, selfAlert: null }], drop(moved))
    expect(mail?.facts.probes.map((probe) => probe.monitor)).toEqual(['b'])
  })
  test('the onset of this episode, not of one that is over', () => {
    const before = member({ probe: 'old', state: 'recovered', onset: NOON - 5 * HOUR, recoveredAt: NOON - 4 * HOUR })
    const is = incident({ episodeAt: NOON, members: [before, member({ onset: NOON - 2 * MIN })] })
    expect(facts(is).incident?.onset).toBe(NOON - 2 * MIN)
    const over = incident({
      episodeAt: NOON,
      members: [before, member({ state: 'recovered', recoveredAt: NOON + MIN, onset: NOON - 2 * MIN })],
    })
    expect(facts(over).incident?.onset, 'also when it is over').toBe(NOON - 2 * MIN)
  })
})

describe('many probes', () => {
  const explained = { ...NEVER_JUDGED, verdict: { kind: 'explained', by: {} as never, why: '', rejected: [] } } as const
  const of = (probe: string, changes: Partial<Member>) => member({ probe, ...changes })
  test('the most important first: unexplained, recovering, explained, recovered; then what has failed longest', () => {
    const members = [
      of('well', { state: 'recovered', recoveredAt: NOON }),
      of('explained', { judgement: explained }),
      of('recovering', { state: 'recovering' }),
      of('younger', { onset: NOON + MIN }),
      of('failing', {}),
    ]
    expect(facts(incident({ members })).probes.map((probe) => probe.probe)).toEqual([
      'failing',
      'younger',
      'recovering',
      'explained',
      'well',
    ])
  })
  const crowd = Array.from({ length: MAX_PROBES_LISTED + 100 }, (_, i) => of(`p${String(i).padStart(5, '0')}`, {}))
  test('a bounded number in full, a bounded number by name, and how many there are', () => {
    const { probes, others } = facts(incident({ members: crowd }))
    expect(probes).toHaveLength(MAX_PROBES_IN_FULL)
    expect(others.names).toHaveLength(MAX_PROBES_LISTED)
    expect(others.total).toBe(MAX_PROBES_LISTED + 100 - MAX_PROBES_IN_FULL)
    expect(new Set([...probes.map((probe) => probe.probe), ...others.names]).size).toBe(MAX_PROBES_IN_FULL + MAX_PROBES_LISTED)
  })
  test('the strips that have to be looked up are those of the probes in full, each once', () => {
    const news = [told(incident({ members: crowd }), 'failing', 'oncall', 'team')]
    expect(probesShown(news, setup())).toEqual(crowd.slice(0, MAX_PROBES_IN_FULL).map((m) => m.probe))
    const strips = new Map([['p00003', [{ at: NOON, ms: 5, mark: 'ok' as const }]]])
    expect(facts(incident({ members: crowd }), drop({}, { strips })).probes[3]?.strip).toHaveLength(1)
  })
})

describe('the verdict and its sources', () => {
  test('of an outage', () => {
    const readings = new Map([['aws', reading([], NOON, { api: 'unavailable' })] as const])
    expect(facts(incident(), drop({}, { readings }))).toMatchObject({
      verdict: 'undetermined',
      sources: { api: { state: 'unavailable' }, at: NOON },
    })
  })
  test('none, of what is no outage', () => {
    const readings = new Map([['aws', reading([])] as const])
    expect(facts(incident({ family: 'misconfigured' }), drop({}, { readings }))).toMatchObject({ verdict: null, sources: null })
  })
  test('no sources where none was asked yet', () => expect(facts(incident()).sources).toBeNull())
})

describe('when the next email comes', () => {
  const said = { state: 'announced', announcedAt: NOON, lastMailAt: NOON, verdict: 'unexplained' } as const
  const more = 'when at least twice as many probes fail, or when it is over'
  const by = new Story().aws(event()).runs('FFF').incident().members
  test.for<[string, Partial<Incident>, SetupGiven['policy'] & object, string | null]>([
    [
      'unexplained',
      {},
      {},
      `a reminder at 2026-03-10 16:00Z (every 4h) while it lasts, or when AWS publishes an event that explains it, or ${more}`,
    ],
    ['without reminders', {}, { remindEveryMs: 0 }, `when AWS publishes an event that explains it, or ${more}`],
    [
      'misconfigured: AWS will not explain it',
      { family: 'misconfigured' },
      {},
      `a reminder at 2026-03-11 12:00Z (every 1d) while it lasts, or ${more}`,
    ],
    [
      'explained',
      { verdict: 'explained', members: by },
      {},
      'if it continues after AWS says that it is over, or at 2026-03-10 18:00Z if AWS still explains it then, or when it is over',
    ],
    [
      'explained, and silence has no end',
      { verdict: 'explained', members: by },
      { holdAtMostMs: 0 },
      'if it continues after AWS says that it is over, or when it is over',
    ],
    ['blind', { family: 'blind' }, {}, 'when it is over'],
    ['offline', { family: 'offline' }, {}, 'when it is over'],
    ['over', { state: 'closed' }, {}, null],
  ])('%s', ([, changes, policy, expected]) =>
    expect(facts(incident({ ...said, ...changes }), drop({ policy })).next).toBe(expected),
  )
  test('and then it comes', () => {
    const s = new Story().runs('FFF')
    expect(s.mails[0]?.facts.next).toMatch(/^a reminder at 2026-03-10 16:02Z/)
    expect(s.until(244).said.at(-1)).toBe('243 reminder > oncall')
  })
})

test('what every email says: endpoints other than AWS’s own, who sent it, the time zone, the threshold', () => {
  const is = facts(
    incident(),
    drop(
      { monitors: [{ timezone: 'Europe/Berlin', impact: 'No accounts.', runbook: 'https://wiki' }] },
      { overrides: ['AWS_ENDPOINT_URL_ACCOUNT=http://localhost'] },
    ),
  )
  expect(is).toMatchObject({
    overrides: ['AWS_ENDPOINT_URL_ACCOUNT=http://localhost'],
    sentBy: SENDER,
    timezone: 'Europe/Berlin',
  })
  expect(is.monitors[0]).toMatchObject({
    name: 'main',
    impact: 'No accounts.',
    runbook: 'https://wiki',
    threshold: expect.stringContaining('3 of 5'),
  })
})

test('an email that is about no incident', () => {
  const plain = plainFacts({ kind: 'test', reason: 'because', subject: 'subject', lines: ['a', 'b'] }, drop())
  expect(plain).toMatchObject({
    kind: 'test',
    at: NOON,
    reason: 'because',
    subject: 'subject',
    lines: ['a', 'b'],
    incident: null,
    probes: [],
    next: null,
  })
})

test('facts are plain JSON: what is read from disk is what was written', () => {
  for (const mail of new Story().aws(event({ region: 'us-west-2' })).runs('FFFoo').mails) {
    const { minute: _, ...notification } = mail
    expect(JSON.parse(JSON.stringify(notification))).toEqual(notification)
  }
})

describe('names of accounts', () => {
  const members = ['111122223333', '444455556666'].map((account) => member({ account, probe: `m/${account}/ListRegions` }))
  const names = { ofAccounts: new Map([['111122223333', 'payments']]), ofOwn: new Map() }
  const named = (accountNames: typeof names | null) =>
    facts(incident({ members }), drop({}, { setup: { ...setup(), accountNames } })).probes.map(({ accountName }) => accountName)
  test('are in the facts only if they are to be shown', () => {
    expect(named(null)).toEqual([undefined, undefined])
    expect(named(names)).toEqual(['payments', undefined])
  })

  test('of many probes those are known that an email lists', () => {
    const many = Array.from({ length: 1_000 }, (_, n) => {
      const account = String(100_000_000_000 + n)
      return member({ account, probe: `m/${account}/ListRegions` })
    })
    const all = new Map(many.map(({ account }) => [account, `name ${account}`]))
    const { accountNames = {} } = facts(
      incident({ members: many }),
      drop({}, { setup: { ...setup(), accountNames: { ofAccounts: all, ofOwn: new Map() } } }),
    )
    expect(Object.keys(accountNames).length).toBeGreaterThanOrEqual(MAX_PROBES_NAMED)
    expect(Object.keys(accountNames).length).toBeLessThanOrEqual(MAX_PROBES_NAMED + 2)
    expect(accountNames['m/100000000010/ListRegions']).toBe('name 100000000010')
  })
})

import { describe, expect, test } from 'vitest'
import { fakeStore } from '../../test/fakes/store.ts'
import { silence } from '../../test/given.ts'
import {
  incidentOf,
  memberOf,
  monitorOf,
  NOW,
  ONSET,
  owedOf,
  PROBES,
  rowOf,
  SCENES,
  type Scene,
  UNEXPLAINED,
  wellState,
  worldOf,
} from '../../test/wire/web-world.ts'
import type { Incident } from '../domain/incident.ts'
import { HOUR_MS, MINUTE_MS } from '../domain/probe.ts'
import type { Log } from '../ports/log.ts'
import { StoreError } from '../ports/store.ts'
import { overview } from './overview.ts'
import { record } from './record.ts'
import type { Health } from './view.ts'

const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }
const FINE: Health = { ok: true, reasons: [] }

async function seen({ view, disk }: Scene, health = FINE) {
  return overview(view, await record(fakeStore(disk), view, NOW, silent), health, NOW)
}
const scene = (name: string): Scene => SCENES[name]!()
const [first, second] = PROBES

describe('the first screen: is anything wrong, is it AWS, was anyone notified', () => {
  const undecided = wellState(first!, { status: 'undecided', onset: ONSET, recent: [{ at: ONSET, family: 'outage' }] })
  const blindMember = memberOf(second!, {
    kind: 'unexplained',
    why: 'no conclusive run for 20m (AWS throttles every try)',
    rejected: [],
  })
  const unseen = PROBES.map((probe) => wellState(probe, { lastConclusiveAt: null, lastRunAt: null, lastOkAt: null }))

  test.for<[string, () => Scene, Health, string, string, RegExp, RegExp, RegExp]>([
    [
      'everything is ok',
      () => scene('well'),
      FINE,
      'OK',
      'good',
      /^No: all 5 probes are ok\. The last run began 20s ago\.$/,
      /^Nothing needs an explanation/,
      /^Nobody needs to be: no incident is open\.$/,
    ],
    [
      'probes fail and AWS does not explain it',
      () => scene('failing'),
      FINE,
      'FAILING',
      'bad',
      /^3 of 5 probes are failing, since 11:58 UTC \(6m\)\.$/,
      /^Not according to AWS/,
      /^Yes: oncall \(failing 11:59 UTC\)\. If it continues: manager at 12:29 UTC\.$/,
    ],
    [
      'AWS explains it',
      () => scene('suppressed'),
      FINE,
      'EXPLAINED BY AWS',
      'warn',
      /^2 of 5 probes are failing/,
      /^Yes: AWS_ACCOUNT_OPERATIONAL_ISSUE/,
      /^Nobody yet: silent: .*\(rule: suppression\)\. If it continues, an email goes out at 17:58 UTC/,
    ],
    [
      'a probe fails and the email is stuck',
      () => scene('stuck'),
      { ok: false, reasons: ['x'] },
      'FAILING',
      'bad',
      /^1 of 5 probes is failing/,
      /^Unknown/,
      /^Not yet: "failing" to oncall.*5 attempts: 421 4\.3\.2 try later for \(address\)/,
    ],
    [
      'the worst of several incidents makes the headline',
      () => scene('several'),
      FINE,
      'FAILING',
      'bad',
      /^26 of 42 probes are failing.*1 of 42 probes is recovering/,
      /2 more incidents below/,
      /^Yes/,
    ],
    [
      'this host is offline',
      () => scene('offline'),
      FINE,
      'OFFLINE',
      'warn',
      /^This host has reached neither/,
      /^No: this host/,
      /^Not yet: "offline"/,
    ],
    [
      'nothing fails, but Alibi itself is unhealthy',
      () => scene('well'),
      { ok: false, reasons: ['monitor x has not run'] },
      'ALIBI IS UNHEALTHY',
      'bad',
      /^Not with AWS Account/,
      /^Nothing/,
      /./,
    ],
    [
      'a probe is rerun to confirm that it fails',
      () => worldOf({ probes: [undecided] }),
      FINE,
      'CHECKING',
      'plain',
      /^1 failed and is being rerun to confirm/,
      /^Nothing needs an explanation/,
      /./,
    ],
    [
      'nothing has run yet',
      () =>
        worldOf({
          monitors: [monitorOf('production', ['self', '111122223333'], ['GetAccountInformation', 'GetAlternateContact'])],
          probes: unseen,
        }),
      FINE,
      'STARTING',
      'plain',
      /^Unknown: none of 4 probes has run yet/,
      /./,
      /./,
    ],
    [
      'a probe is blind',
      () => worldOf({ incidents: [incidentOf('b', [blindMember], { family: 'blind' })] }),
      FINE,
      'BLIND',
      'warn',
      /^1 of 5 probes has no recent result/,
      /^Unknown: no run/,
      /^Nobody yet\. If it continues: manager at 12:29 UTC\.$/,
    ],
    [
      'the first round is still running',
      () => worldOf({ probes: [wellState(first!, { lastConclusiveAt: null, lastRunAt: null, lastOkAt: null })] }),
      FINE,
      'STARTING',
      'plain',
      /^Not so far: 4 of 5 probes are ok, 1 not run yet\. The last run began 20s ago\.$/,
      /./,
      /./,
    ],
    [
      'one fails while the first round is still running',
      () => worldOf({ probes: [undecided, wellState(second!, { lastConclusiveAt: null, lastRunAt: null, lastOkAt: null })] }),
      FINE,
      'CHECKING',
      'plain',
      /^1 failed and is being rerun to confirm; 1 not run yet\.$/,
      /./,
      /./,
    ],
    [
      'the last results are from days before the start',
      () => {
        const old = NOW - 72 * HOUR_MS
        const world = worldOf({
          probes: PROBES.map((probe) => wellState(probe, { lastConclusiveAt: old, lastRunAt: old, lastOkAt: old })),
        })
        return { ...world, view: { ...world.view, world: { ...world.view.world, freshSince: NOW - 30_000 } } }
      },
      FINE,
      'STARTING',
      'plain',
      /^Not so far: 1 of 5 probes is ok, 4 not run yet/,
      /./,
      /./,
    ],
    [
      'a restart of a minute changes nothing',
      () => {
        const world = worldOf()
        return { ...world, view: { ...world.view, world: { ...world.view.world, freshSince: NOW - 1_000 } } }
      },
      FINE,
      'OK',
      'good',
      /^No: all 5 probes are ok/,
      /./,
      /./,
    ],
    [
      'every probe is recovering',
      () => worldOf({ incidents: [incidentOf('b', [memberOf(first!, UNEXPLAINED, { state: 'recovering' })])] }),
      FINE,
      'RECOVERING',
      'plain',
      /^1 of 5 probes is recovering/,
      /./,
      /./,
    ],
  ])('%s', async ([, make, health, state, tone, wrong, aws, notified]) => {
    const page = await seen(make(), health)
    expect([page.state, page.tone]).toEqual([state, tone])
    const [one, two, three] = page.answers.map(({ answer }) => answer)
    expect(one).toMatch(wrong)
    expect(two).toMatch(aws)
    expect(three).toMatch(notified)
  })
})

test('where nobody was notified the ledger says why, for closed incidents too', async () => {
  const { recent } = await seen(scene('well'))
  expect(recent).toMatchObject([
    { verdict: 'Not explained by AWS', notified: 'Yes: oncall (failing 06:59 UTC, recovered 07:58 UTC).' },
    {
      verdict: expect.stringMatching(
        /^Explained by AWS_ACCOUNT_OPERATIONAL_ISSUE; AWS first posted 47 min after our first failure/,
      ),
      notified: expect.stringMatching(/^Nobody: silent: AWS_ACCOUNT_OPERATIONAL_ISSUE/),
    },
  ])
})

test('no probe is called ok while this host is offline', async () => {
  const page = await seen(scene('offline'))
  expect(page.monitors.flatMap((monitor) => monitor.probes.map((probe) => probe.status))).toEqual(
    Array.from({ length: 5 }, () => 'not judged'),
  )
})

test('refused and retried emails are shown, without addresses', async () => {
  const { mails, warnings } = await seen(scene('stuck'), { ok: false, reasons: ['mail x was refused'] })
  expect(mails).toMatchObject([
    { kind: 'failing', to: 'oncall', state: 'retrying', error: '421 4.3.2 try later for (address)' },
    { kind: 'escalated', to: 'manager', state: 'refused', tone: 'bad', error: '550 5.1.1 (address): no such user' },
  ])
  expect(warnings).toEqual([
    'Alibi is unhealthy: mail x was refused.',
    'Custom endpoints are in use: AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4010. This page reports on those, not on AWS.',
    'Since 11:04 UTC: The AWS Health API refuses to answer: no support plan.',
  ])
})

test('silences say until when and why, acknowledgements since when and by whom', async () => {
  const { view, disk } = scene('failing')
  const scope = { monitors: ['staging'], operations: ['ListRegions'] }
  const now = silence({ at: NOW - HOUR_MS, until: NOW + HOUR_MS, reason: 'moving house', scope })
  const over = { ...now, until: NOW - 1, reason: 'is over' }
  const removed = { ...now, endedAt: NOW - 1, reason: 'was taken back' }
  const window = { from: NOW + 2 * HOUR_MS, until: NOW + 3 * HOUR_MS }
  const later = silence({ id: 'l', at: NOW - HOUR_MS, ...window, reason: 'kim@example.com', by: 'jo@example.com' })
  const acks = new Map([['a3f9c0de51b27764', { incident: 'a3f9c0de51b27764', at: NOW - MINUTE_MS, reason: 'Kim is on it' }]])
  const page = await seen({
    view: { ...view, world: { ...view.world, silences: [later, now, over, removed], acks } },
    disk,
    put: () => {},
  })
  expect(page.silences.rows).toEqual([
    {
      id: 's',
      what: 'monitor staging, operation ListRegions',
      isInForce: true,
      tone: 'warn',
      from: '11:04 UTC',
      until: '13:04 UTC (1h left)',
      reason: 'moving house',
      by: 'anna',
    },
    {
      id: 'l',
      what: 'every monitor',
      isInForce: false,
      tone: 'plain',
      from: '14:04 UTC',
      until: '15:04 UTC (for 1h)',
      reason: '(address)',
      by: '(address)',
    },
  ])
  expect(page.incidents[0]?.acknowledged).toBe('At 12:03 UTC: Kim is on it. No more reminders or escalation.')
})

test('each source is shown with the age of its answer, and why it could not be asked', async () => {
  const { sources } = await seen(scene('stuck'))
  expect(sources).toMatchObject([
    { name: 'AWS Health API', state: 'refuses to answer', age: '25s ago', detail: 'SubscriptionRequiredException' },
    { name: 'Public AWS Health Dashboard', state: 'could not be asked', detail: 'HTTP 503' },
    { name: 'Control host', state: 'answered', age: '4m ago' },
  ])
})

test('without the database it says what is missing and shows the rest', async () => {
  const { view, disk } = scene('failing')
  const store = fakeStore(disk)
  store.failAll(new StoreError('disk I/O error', { fatal: false }))
  const page = overview(view, await record(store, view, NOW, silent), FINE, NOW)
  expect(page.state).toBe('FAILING')
  expect(page.warnings.join()).toContain('disk I/O error')
  expect(page.answers[2]?.answer).toBe('Unknown: the database cannot be read.')
  expect(page.incidents[0]?.notified).toBe('Unknown: the database cannot be read.')
})

test('lists are bounded, and the rest is counted', async () => {
  const probes = monitorOf(
    'wide',
    Array.from({ length: 1_000 }, (_, n) => String(100000000000 + n)),
    ['ListRegions'],
  )
  const incidents = Array.from({ length: 13 }, (_, n) =>
    incidentOf(
      `id${n}`,
      probes.probes.slice(n * 50, n * 50 + 50).map((probe) => memberOf(probe, UNEXPLAINED)),
    ),
  )
  const page = await seen(worldOf({ monitors: [probes], incidents }))
  expect(page.incidents).toHaveLength(10)
  expect(page.moreIncidents).toBe(3)
  expect(page.incidents[0]?.probes).toHaveLength(10)
  expect(page.incidents[0]?.moreProbes).toBe(40)
  expect(page.monitors[0]?.probes).toHaveLength(12)
  expect(page.monitors[0]?.more).toBe('and 638 more, all failing')
  expect(page.monitors[0]?.cells).toMatchObject({ count: 1_000, more: null })
})

describe('more open incidents than the page has room for', () => {
  const monitor = monitorOf(
    'wide',
    Array.from({ length: 40 }, (_, n) => String(100000000000 + n)),
    ['ListRegions'],
  )
  const one = (n: number, over: Partial<Incident>, onset = ONSET) =>
    incidentOf(`id${String(n).padStart(2, '0')}`, [memberOf(monitor.probes[n]!, UNEXPLAINED, { onset })], over)
  const explained = Array.from({ length: 12 }, (_, n) => one(n, { verdict: 'explained', openedAt: NOW - n * MINUTE_MS }))

  test('an unexplained incident comes first, even if it is the oldest; the answer covers all of them', async () => {
    const worst = one(30, { openedAt: NOW - 5 * HOUR_MS }, NOW - 6 * HOUR_MS)
    const first = one(31, { verdict: 'explained', openedAt: NOW - 7 * HOUR_MS }, NOW - 8 * HOUR_MS)
    const page = await seen(worldOf({ monitors: [monitor], incidents: [...explained, worst, first] }))
    expect([page.state, page.tone]).toEqual(['FAILING', 'bad'])
    expect(page.incidents[0]?.id).toBe('id30')
    expect(page.incidents).toHaveLength(10)
    expect(page.moreIncidents).toBe(4)
    expect(page.answers[0]?.answer).toBe('14 of 40 probes are failing, since 04:04 UTC (8h).')
  })

  test('of equally bad ones those with the most failing probes come first, then the newest', async () => {
    const large = incidentOf(
      'large',
      monitor.probes.slice(20, 25).map((probe) => memberOf(probe, UNEXPLAINED)),
      { openedAt: NOW - 9 * HOUR_MS },
    )
    const small = Array.from({ length: 11 }, (_, n) => one(n, { openedAt: NOW - n * MINUTE_MS }))
    const { incidents } = await seen(worldOf({ monitors: [monitor], incidents: [...small, large] }))
    expect(incidents.map(({ id }) => id)).toEqual(['large', ...small.slice(0, 9).map(({ id }) => id)])
  })

  test('closed incidents are listed, however many are open', async () => {
    const open = Array.from({ length: 25 }, (_, n) => one(n, { openedAt: NOW - n * MINUTE_MS }))
    const over = incidentOf('over', [], { state: 'closed', closedAs: 'recovered', openedAt: NOW - HOUR_MS, closedAt: NOW })
    const { recent } = await seen(worldOf({ monitors: [monitor], incidents: [...open, over] }))
    expect(recent.map(({ id }) => id)).toEqual(['over'])
  })

  test('a failing monitor shows its last hour, however many come before it in the configuration', async () => {
    const many = Array.from({ length: 45 }, (_, n) =>
      monitorOf(`m${n}`, ['self'], ['ListRegions', 'GetPrimaryEmail', 'GetContactInformation']),
    )
    const last = many.at(-1)!.probes[0]!
    const incident = incidentOf('last', [memberOf(last, UNEXPLAINED)])
    const { monitors } = await seen(worldOf({ monitors: many, incidents: [incident] }))
    expect(monitors[0]).toMatchObject({ name: 'm44', tone: 'bad', hour: { said: expect.stringContaining('failed runs') } })
  })

  test('a refused email is shown, however many others are waiting', async () => {
    const world = worldOf()
    const waiting = Array.from({ length: 30 }, (_, n) =>
      owedOf(`i${n}`, 'oncall', 'failing', { state: n === 29 ? 'refused' : 'retrying', deliveredAt: null }, ONSET + n),
    )
    world.put([], waiting)
    const { mails, moreMails } = await seen(world)
    expect([mails.length, moreMails, mails.at(-1)?.state]).toEqual([20, 10, 'refused'])
  })
})

test.for<[number, number, string]>([
  [1, 0, '1 failed and is being rerun to confirm.'],
  [20, 0, '20 failed and are being rerun to confirm.'],
  [380, 0, '380 failed but are below the threshold: 20 of them are being rerun now, the others run on schedule.'],
  [5, 20, '5 failed but are below the threshold: they run again on schedule.'],
])('of %i that failed once, beside %i that fail, only those that are rerun are said to be', async ([checking, failing, said]) => {
  const monitor = monitorOf(
    'wide',
    Array.from({ length: 400 }, (_, n) => String(100000000000 + n)),
    ['ListRegions'],
  )
  const [sick, unsure] = [monitor.probes.slice(0, failing), monitor.probes.slice(failing, failing + checking)]
  const world = worldOf({
    monitors: [monitor],
    incidents:
      failing === 0
        ? []
        : [
            incidentOf(
              'a',
              sick.map((probe) => memberOf(probe, UNEXPLAINED)),
            ),
          ],
    probes: unsure.map((probe) =>
      wellState(probe, { status: 'undecided', onset: NOW - MINUTE_MS, recent: [{ at: ONSET, family: 'outage' }] }),
    ),
  })
  const { answers } = await seen(world)
  expect(answers[0]?.answer.replace(/^.*; /, '')).toBe(said)
})

test('of a long ledger the newest rows are read, oldest first', async () => {
  const openedAt = NOW - 400 * HOUR_MS
  const incident = incidentOf('long', [], { openedAt })
  const { disk, put, view } = worldOf({ incidents: [incident] })
  put(
    Array.from({ length: 400 }, (_, n) => rowOf('long', openedAt + n * HOUR_MS, 'withheld', `row ${n}`)),
    [owedOf('long', 'oncall', 'failing')],
  )
  const { rows } = await record(fakeStore(disk), view, NOW, silent)
  expect(rows.get('long')?.map(({ reason }) => reason)).toEqual(Array.from({ length: 300 }, (_, n) => `row ${n + 100}`))
})

describe('what was withheld, and why', () => {
  const row = (minutesAgo: number, reason: string) =>
    rowOf('77aa000000000001', NOW - minutesAgo * MINUTE_MS, 'withheld', reason, 'suppression')
  const answer = (page: Awaited<ReturnType<typeof seen>>) => page.answers[3]?.answer

  test.for<[string, number, string]>([
    ['nothing', 0, 'Nothing in the last day.'],
    ['once', 1, '1 decision to stay silent in the last day, the latest at 12:03 UTC: silent for reason 1.'],
    ['often', 20, '20 decisions to stay silent in the last day, the latest at 12:03 UTC: silent for reason 1.'],
    [
      'too often for the whole day to be searched',
      900,
      '360 decisions to stay silent in the last six hours, the latest at 12:03 UTC: silent for reason 1.',
    ],
  ])('%s: counted, the newest first, and no more than fifteen reasons', async ([, count, said]) => {
    const world = worldOf()
    world.put(
      Array.from({ length: count }, (_, n) => row(count - n, `silent for reason ${count - n}`)),
      [],
    )
    const page = await seen(world)
    expect(answer(page)).toBe(said)
    const { groups = [], more = 0 } = page.withheld ?? {}
    expect(groups.map(({ reason }) => reason)).toEqual(
      Array.from({ length: Math.min(15, count) }, (_, n) => `silent for reason ${n + 1}`),
    )
    expect(more).toBe(Math.max(0, Math.min(360, count) - 15))
  })

  test('three silences are not hidden among forty others: they come first, and what is alike is counted', async () => {
    const world = worldOf()
    const told = Array.from({ length: 40 }, (_, n) =>
      rowOf(
        `aa${n}`,
        NOW - n * MINUTE_MS,
        'withheld',
        'already notified; a reminder every 4h while it stays unexplained',
        'reminder',
      ),
    )
    const wait = [3, 9].map((ago) =>
      rowOf('cc', NOW - ago * MINUTE_MS, 'withheld', `policy.wait: AWS may speak until 12:${ago + 10} UTC`, 'first-email'),
    )
    const silent = [row(61, 'silent: an event'), row(90, 'silent: an event'), row(200, 'silent: another event')]
    world.put(
      [...told, ...wait, ...silent].toSorted((a, b) => a.at - b.at),
      [],
    )
    const page = await seen(world)
    expect(page.withheld?.groups.map(({ count, at, reason, rule }) => [count, at, reason, rule])).toEqual([
      [2, '10:34 UTC to 11:03 UTC', 'silent: an event', 'suppression'],
      [1, '08:44 UTC', 'silent: another event', 'suppression'],
      [2, '11:55 UTC to 12:01 UTC', 'policy.wait: AWS may speak until 12:13 UTC', 'first-email'],
      [40, '11:25 UTC to 12:04 UTC', 'already notified; a reminder every 4h while it stays unexplained', 'reminder'],
    ])
    const last = page.withheld?.groups.at(-1)
    expect([last?.incidents.map(({ id }) => id), last?.moreIncidents]).toEqual([['aa0', 'aa1', 'aa2'], 37])
    expect(answer(page)).toBe('3 decisions to stay silent in the last day, the latest at 11:03 UTC: silent: an event.')
  })

  test('where nobody was kept in the dark it says so', async () => {
    const world = worldOf()
    world.put([rowOf('x', NOW, 'withheld', 'the other probes of these monitors have not run yet', 'first-email')], [])
    expect(answer(await seen(world))).toBe(
      'No alert was silenced in the last day. The latest decision to wait, at 12:04 UTC: the other probes of these monitors have not run yet.',
    )
  })

  test('the worst open incident answers, after the silences where its recipients had been notified', async () => {
    const world = scene('failing')
    const told = 'Already notified; a reminder every 4h while it stays unexplained (rule: reminder).'
    expect(answer(await seen(world))).toBe(told)
    world.put([row(30, 'silent: an event')], [])
    expect(answer(await seen(world))).toBe(
      `1 decision to stay silent in the last day, the latest at 11:34 UTC: silent: an event. ${told}`,
    )
  })

  test('no addresses, and no other decisions', async () => {
    const world = worldOf()
    world.put([row(1, 'told to <a@example.com> already'), rowOf('x', NOW, 'mailed', 'failing')], [])
    const page = await seen(world)
    expect(page.withheld?.groups.map(({ reason }) => reason)).toEqual(['told to (address) already'])
  })
})

import { describe, expect, test } from 'vitest'
import { fakeStore } from '../../test/fakes/store.ts'
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

describe('the first screen: is something wrong, is it AWS, was anyone told', () => {
  const undecided = wellState(first!, { standing: 'undecided', onset: ONSET, recent: [{ at: ONSET, family: 'outage' }] })
  const blindMember = memberOf(second!, {
    kind: 'unexplained',
    why: 'no conclusive run for 20m (AWS throttles every try)',
    rejected: [],
  })
  const unseen = PROBES.map((probe) => wellState(probe, { lastConclusiveAt: null, lastRunAt: null, lastOkAt: null }))

  test.for<[string, () => Scene, Health, string, string, RegExp, RegExp, RegExp]>([
    [
      'all is well',
      () => scene('well'),
      FINE,
      'WELL',
      'good',
      /^No: all 5 probes are well\. The last run began 20s ago\.$/,
      /^Nothing fails/,
      /^There is nothing to tell/,
    ],
    [
      'it fails, and AWS has no alibi',
      () => scene('failing'),
      FINE,
      'FAILING',
      'bad',
      /^3 of 5 probes fail, since 11:58 UTC \(6m\)\.$/,
      /no alibi/,
      /^Yes: oncall \(failing 11:59 UTC\)\. If it goes on: manager at 12:29 UTC\.$/,
    ],
    [
      'AWS explains it',
      () => scene('suppressed'),
      FINE,
      'EXPLAINED BY AWS',
      'warn',
      /^2 of 5 probes fail/,
      /^Yes: AWS_ACCOUNT_OPERATIONAL_ISSUE/,
      /^Nobody yet: silent: .*\(rule: suppression\)\. If it lasts, a mail at 17:58 UTC/,
    ],
    [
      'it fails and the mail is stuck',
      () => scene('stuck'),
      { ok: false, reasons: ['x'] },
      'FAILING',
      'bad',
      /^1 of 5 probes fails/,
      /^Not known/,
      /^Not yet: the mail "failing" to oncall.*5 attempts: 421 4\.3\.2 try later for \(address\)/,
    ],
    [
      'of several the worst speaks',
      () => scene('several'),
      FINE,
      'FAILING',
      'bad',
      /^26 of 42 probes fail.*1 of 42 probes is recovering/,
      /2 more incidents below/,
      /^Yes/,
    ],
    [
      'this host is cut off',
      () => scene('offline'),
      FINE,
      'OFFLINE',
      'warn',
      /^This host reaches neither/,
      /^No: this host/,
      /^Not yet: the mail "offline"/,
    ],
    [
      'nothing fails, and Alibi is unwell itself',
      () => scene('well'),
      { ok: false, reasons: ['monitor x has not run'] },
      'ALIBI IS UNWELL',
      'bad',
      /^Not with AWS Account/,
      /^Nothing/,
      /./,
    ],
    [
      'a probe is run again to make sure',
      () => worldOf({ probes: [undecided] }),
      FINE,
      'CHECKING',
      'plain',
      /^1 failed and is run again/,
      /^Nothing fails/,
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
      /^Not known yet: none of 4 probes has run/,
      /./,
      /./,
    ],
    [
      'a probe cannot be judged',
      () => worldOf({ incidents: [incidentOf('b', [blindMember], { family: 'blind' })] }),
      FINE,
      'BLIND',
      'warn',
      /^1 of 5 probes cannot be judged/,
      /^Not known: no run/,
      /^Nobody yet\. If it goes on: manager at 12:29 UTC\.$/,
    ],
    [
      'the first round is not over',
      () => worldOf({ probes: [wellState(first!, { lastConclusiveAt: null, lastRunAt: null, lastOkAt: null })] }),
      FINE,
      'STARTING',
      'plain',
      /^Not so far: 4 of 5 probes are well, 1 not run yet\. The last run began 20s ago\.$/,
      /./,
      /./,
    ],
    [
      'one fails while the first round is not over',
      () => worldOf({ probes: [undecided, wellState(second!, { lastConclusiveAt: null, lastRunAt: null, lastOkAt: null })] }),
      FINE,
      'CHECKING',
      'plain',
      /^1 failed and is run again to make sure; 1 probe not run yet\.$/,
      /./,
      /./,
    ],
    [
      'what is known is from days before the start',
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
      /^Not so far: 1 of 5 probes are well, 4 not run yet/,
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
      'WELL',
      'good',
      /^No: all 5 probes are well/,
      /./,
      /./,
    ],
    [
      'everything is coming back',
      () => worldOf({ incidents: [incidentOf('b', [memberOf(first!, UNEXPLAINED, { state: 'recovering' })])] }),
      FINE,
      'RECOVERING',
      'plain',
      /^1 of 5 probes is recovering/,
      /./,
      /./,
    ],
  ])('%s', async ([, make, health, state, tone, wrong, aws, told]) => {
    const page = await seen(make(), health)
    expect([page.state, page.tone]).toEqual([state, tone])
    const [one, two, three] = page.answers.map(({ answer }) => answer)
    expect(one).toMatch(wrong)
    expect(two).toMatch(aws)
    expect(three).toMatch(told)
  })
})

test('where nobody was told the ledger says why, for closed incidents too', async () => {
  const { recent } = await seen(scene('well'))
  expect(recent).toMatchObject([
    { verdict: 'Not explained by AWS', told: 'Yes: oncall (failing 06:59 UTC, recovered 07:58 UTC).' },
    {
      verdict: expect.stringMatching(
        /^Explained by AWS_ACCOUNT_OPERATIONAL_ISSUE; AWS first posted 47 min after our first failure/,
      ),
      told: expect.stringMatching(/^Nobody: silent: AWS reports/),
    },
  ])
})

test('cut off ourselves, no probe is called well', async () => {
  const page = await seen(scene('offline'))
  expect(page.monitors.flatMap((monitor) => monitor.probes.map((probe) => probe.standing))).toEqual(
    Array.from({ length: 5 }, () => 'not judged'),
  )
})

test('a refused mail and one that is tried again are shown, without addresses', async () => {
  const { mails, warnings } = await seen(scene('stuck'), { ok: false, reasons: ['mail x was refused'] })
  expect(mails).toMatchObject([
    { kind: 'failing', to: 'oncall', state: 'retrying', error: '421 4.3.2 try later for (address)' },
    { kind: 'escalated', to: 'manager', state: 'refused', tone: 'bad', error: '550 5.1.1 (address): no such user' },
  ])
  expect(warnings).toEqual([
    'Alibi is unwell: mail x was refused.',
    'Not AWS’s own endpoints: AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4010. What this page says is about those.',
    'Since 11:04 UTC: The AWS Health API refuses to answer: no support plan.',
  ])
})

test('silences and acks say until when, and at whose word', async () => {
  const { view, disk } = scene('failing')
  const silence = { id: 's', at: NOW - HOUR_MS, until: NOW + HOUR_MS, reason: 'moving house', monitor: 'staging', endedAt: null }
  const over = { ...silence, until: NOW - 1, reason: 'is over' }
  const acks = new Map([['a3f9c0de51b27764', { incident: 'a3f9c0de51b27764', at: NOW - MINUTE_MS, reason: 'Kim is on it' }]])
  const page = await seen({ view: { ...view, world: { ...view.world, silences: [silence, over], acks } }, disk, put: () => {} })
  expect(page.warnings).toEqual(['Silenced until 13:04 UTC: monitor staging: moving house.'])
  expect(page.incidents[0]?.acked).toBe('Somebody knows since 12:03 UTC, so reminders and escalation rest: Kim is on it.')
})

test('how we know: each source with its age, and why it could not be asked', async () => {
  const { sources } = await seen(scene('stuck'))
  expect(sources).toMatchObject([
    { name: 'AWS Health API', state: 'refuses to answer', age: '25s ago', detail: 'SubscriptionRequiredException' },
    { name: 'Public dashboard', state: 'could not be asked', detail: 'HTTP 503' },
    { name: 'Control host', state: 'reached', age: '4m ago' },
  ])
})

test('without the database it says what it lacks, and the rest is there', async () => {
  const { view, disk } = scene('failing')
  const store = fakeStore(disk)
  store.failAll(new StoreError('disk I/O error', { fatal: false }))
  const page = overview(view, await record(store, view, NOW, silent), FINE, NOW)
  expect(page.state).toBe('FAILING')
  expect(page.warnings.join()).toContain('disk I/O error')
  expect(page.answers[2]?.answer).toBe('Not known: the database cannot be read.')
  expect(page.incidents[0]?.told).toBe('Not known: the database cannot be read.')
})

test('what is shown is bounded, and counted beyond', async () => {
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
  expect(page.monitors[0]?.more).toBe('and 988 more')
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

  test('the oldest is the only one that fails unexplained: it leads the page, and since when is told of all', async () => {
    const worst = one(30, { openedAt: NOW - 5 * HOUR_MS }, NOW - 6 * HOUR_MS)
    const first = one(31, { verdict: 'explained', openedAt: NOW - 7 * HOUR_MS }, NOW - 8 * HOUR_MS)
    const page = await seen(worldOf({ monitors: [monitor], incidents: [...explained, worst, first] }))
    expect([page.state, page.tone]).toEqual(['FAILING', 'bad'])
    expect(page.incidents[0]?.id).toBe('id30')
    expect(page.incidents).toHaveLength(10)
    expect(page.moreIncidents).toBe(4)
    expect(page.answers[0]?.answer).toBe('14 of 40 probes fail, since 04:04 UTC (8h).')
  })

  test('of as bad ones those with most failing probes come first, then the newest', async () => {
    const large = incidentOf(
      'large',
      monitor.probes.slice(20, 25).map((probe) => memberOf(probe, UNEXPLAINED)),
      { openedAt: NOW - 9 * HOUR_MS },
    )
    const small = Array.from({ length: 11 }, (_, n) => one(n, { openedAt: NOW - n * MINUTE_MS }))
    const { incidents } = await seen(worldOf({ monitors: [monitor], incidents: [...small, large] }))
    expect(incidents.map(({ id }) => id)).toEqual(['large', ...small.slice(0, 9).map(({ id }) => id)])
  })

  test('closed ones are listed, however many are open', async () => {
    const open = Array.from({ length: 25 }, (_, n) => one(n, { openedAt: NOW - n * MINUTE_MS }))
    const over = incidentOf('over', [], { state: 'closed', closedAs: 'recovered', openedAt: NOW - HOUR_MS, closedAt: NOW })
    const { recent } = await seen(worldOf({ monitors: [monitor], incidents: [...open, over] }))
    expect(recent.map(({ id }) => id)).toEqual(['over'])
  })

  test('a monitor that fails has its last hour, however many stand before it in the configuration', async () => {
    const many = Array.from({ length: 45 }, (_, n) =>
      monitorOf(`m${n}`, ['self'], ['ListRegions', 'GetPrimaryEmail', 'GetContactInformation']),
    )
    const last = many.at(-1)!.probes[0]!
    const incident = incidentOf('last', [memberOf(last, UNEXPLAINED)])
    const { monitors } = await seen(worldOf({ monitors: many, incidents: [incident] }))
    expect(monitors[0]).toMatchObject({ name: 'm44', tone: 'bad', hour: { said: expect.stringContaining('failed runs') } })
  })

  test('a refused mail is shown, however many others wait', async () => {
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
  [1, 0, '1 failed and is run again to make sure.'],
  [20, 0, '20 failed and are run again to make sure.'],
  [380, 0, '380 failed and may fail again: 20 of them are run again now, the others on schedule.'],
  [5, 20, '5 failed and may fail again: they run again on schedule.'],
])(
  'of %i that failed once, behind %i that fail, no more are said to be run again than are',
  async ([checking, failing, said]) => {
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
        wellState(probe, { standing: 'undecided', onset: NOW - MINUTE_MS, recent: [{ at: ONSET, family: 'outage' }] }),
      ),
    })
    const { answers } = await seen(world)
    expect(answers[0]?.answer.replace(/^.*; /, '')).toBe(said)
  },
)

test('of a long ledger the newest rows are taken, oldest first', async () => {
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

describe('what was not told, and why', () => {
  const row = (minutesAgo: number, reason: string) =>
    rowOf('77aa000000000001', NOW - minutesAgo * MINUTE_MS, 'withheld', reason, 'suppression')
  const answer = (page: Awaited<ReturnType<typeof seen>>) => page.answers[3]?.answer

  test.for<[string, number, string, string]>([
    ['nothing', 0, 'Nothing was kept back in the last day.', ''],
    ['once', 1, '1 decision not to mail in the last day, the last at 12:03 UTC: silent for reason 1.', ''],
    [
      'often',
      20,
      '20 decisions not to mail in the last day, the last at 12:03 UTC: silent for reason 1.',
      '5 more in the last day',
    ],
    [
      'so often that not all of a day is looked through',
      900,
      '360 decisions not to mail in the last six hours, the last at 12:03 UTC: silent for reason 1.',
      '345 more in the last six hours',
    ],
  ])('%s', async ([, count, said, more]) => {
    const world = worldOf()
    world.put(
      Array.from({ length: count }, (_, n) => row(count - n, `silent for reason ${count - n}`)),
      [],
    )
    const page = await seen(world)
    expect(answer(page)).toBe(said)
    const { silences } = page
    expect(silences === null || silences.more === 0 ? '' : `${silences.more} more in ${silences.within}`).toBe(more)
    expect(silences?.rows.map(({ reason }) => reason)).toEqual(
      Array.from({ length: Math.min(15, count) }, (_, n) => `silent for reason ${n + 1}`),
    )
  })

  test('the reason of the worst open incident comes first', async () =>
    expect(answer(await seen(scene('failing')))).toBe(
      'Already told; a reminder each 4h while it lasts unexplained (rule: reminder).',
    ))

  test('nobody’s address, and nothing that is not a line of the ledger', async () => {
    const world = worldOf()
    world.put([row(1, 'told to <a@example.com> already'), rowOf('x', NOW, 'mailed', 'failing')], [])
    const page = await seen(world)
    expect(page.silences?.rows.map(({ reason }) => reason)).toEqual(['told to (address) already'])
  })
})

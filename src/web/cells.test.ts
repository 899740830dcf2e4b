import { expect, test } from 'vitest'
import { fakeStore, newDisk } from '../../test/fakes/store.ts'
import {
  failedRun,
  incidentOf,
  memberOf,
  monitorOf,
  NOW,
  type Scene,
  UNEXPLAINED,
  wellState,
  worldOf,
} from '../../test/wire/web-world.ts'
import { HOUR_MS, MINUTE_MS, type Monitor } from '../domain/probe.ts'
import type { Log } from '../ports/log.ts'
import { overview } from './overview.ts'
import { renderOverview } from './page.tsx'
import { record } from './record.ts'

const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

async function seen({ view, disk }: Scene) {
  return overview(view, await record(fakeStore(disk), view, NOW, silent), { ok: true, reasons: [] }, NOW)
}

function wide(count: number, name = 'wide'): Monitor {
  const accounts = Array.from({ length: count }, (_, n) => String(100000000000 + n))
  return monitorOf(name, accounts, ['ListRegions', 'GetPrimaryEmail'])
}

/** As if a run a while ago had failed and had been followed by ok ones. */
function withFailureAgo(at: Scene, probe: string, ms: number): Scene {
  const startedAt = NOW - ms
  const hour = Math.floor(startedAt / HOUR_MS) * HOUR_MS
  const runs = at.disk.runs.get(hour) ?? new Map()
  runs.set(`${probe} ${startedAt}`, { outcome: failedRun(probe, startedAt), incident: null })
  at.disk.runs.set(hour, runs)
  const probes = new Map(at.view.world.probes)
  probes.set(probe, { ...probes.get(probe)!, lastUncleanAt: startedAt })
  return { ...at, view: { ...at.view, world: { ...at.view.world, probes } } }
}

test('a cell per probe, by operation, in the order of the configuration', async () => {
  const { monitors } = await seen(worldOf({ monitors: [wide(20)] }))
  const [row] = monitors
  expect(row?.probes).toEqual([])
  expect(row?.cells.lines.map(({ operation, cells }) => [operation, cells.length])).toEqual([
    ['ListRegions', 20],
    ['GetPrimaryEmail', 20],
  ])
  const [first, second] = row?.cells.lines[0]?.cells ?? []
  expect([first, second?.label]).toEqual([
    {
      label: '0000',
      word: 'ok',
      said: '100000000000: ok; last hour: 1 minute inconclusive',
      slots: expect.arrayContaining(['ok', 'inconclusive']),
    },
    '0001',
  ])
})

test('a probe that fails is in the table with its details, and its cell says so too', async () => {
  const monitor = wide(20)
  const bad = monitor.probes[6]!
  const { monitors } = await seen(worldOf({ monitors: [monitor], incidents: [incidentOf('a', [memberOf(bad, UNEXPLAINED)])] }))
  expect(monitors[0]?.probes).toMatchObject([{ account: '100000000003', operation: 'ListRegions', status: 'failing' }])
  const cells = monitors[0]?.cells.lines[0]?.cells
  expect(cells?.[3]).toMatchObject({
    word: 'failing',
    said: expect.stringMatching(/^100000000003: failing; last hour: \d+ minutes with failed runs/),
  })
  expect(cells?.filter(({ word }) => word === 'failing')).toHaveLength(1)
})

test('the hour behind a cell is read wherever something in it was not ok, and is said in words', async () => {
  const monitor = wide(200)
  const probe = monitor.probes[333]!
  const at = withFailureAgo(worldOf({ monitors: [monitor] }), probe.id, 31 * MINUTE_MS)
  const { monitors } = await seen(at)
  const { lines, notes } = monitors[0]!.cells
  const cell = lines[1]?.cells[166]
  expect(cell?.said).toMatch(/^100000000166: ok; last hour: 1 minute with failed runs, the latest at 11:33 UTC/)
  expect(cell?.slots.map((slot) => slot === 'failed')).toEqual(Array.from({ length: 12 }, (_, n) => n === 5))
  expect(notes.some((note) => note.startsWith('GetPrimaryEmail for 100000000166: 1 minute with failed runs'))).toBe(true)
})

test('what went wrong more than an hour ago is not of the last hour', async () => {
  const monitor = wide(200)
  const probe = monitor.probes[333]!
  const { monitors } = await seen(withFailureAgo(worldOf({ monitors: [monitor] }), probe.id, 61 * MINUTE_MS))
  expect(monitors[0]?.cells.lines[1]?.cells[166]).toMatchObject({ said: '100000000166: ok', slots: [] })
})

test('more probes than there is room for: those that are not ok have cells, the rest is counted', async () => {
  const monitor = wide(1_500)
  const bad = monitor.probes.at(-1)!
  const [row] = (await seen(worldOf({ monitors: [monitor], incidents: [incidentOf('a', [memberOf(bad, UNEXPLAINED)])] })))
    .monitors
  expect(row?.cells).toMatchObject({ count: 1_000, more: 'and 2000 more, all ok' })
  expect(row?.cells.lines[1]?.cells.at(-1)).toMatchObject({ word: 'failing' })
})

test('the page stays below 1.5 MB with 10,000 probes, however long their names and however bad their hour', async () => {
  const long = 'an-operation-or-a-monitor-with-a-very-long-name'.repeat(3)
  const monitors = Array.from({ length: 250 }, (_, n) =>
    monitorOf(
      `${n}-${long}`,
      Array.from({ length: 10 }, (_, k) => String(100000000000 + n * 10 + k)),
      ['ListRegions', 'GetPrimaryEmail', 'GetContactInformation', 'GetAccountInformation'],
    ),
  )
  const failing = monitors.slice(0, 60).flatMap(({ probes }) => probes.slice(0, 20))
  const probes = monitors
    .slice(60)
    .flatMap((one) => one.probes.map((probe) => wellState(probe, { lastUncleanAt: NOW - MINUTE_MS })))
  const open = Array.from({ length: 60 }, (_, n) =>
    incidentOf(
      `i${n}`,
      failing.slice(n * 20, n * 20 + 20).map((probe) => memberOf(probe, UNEXPLAINED)),
    ),
  )
  const { view } = worldOf({ monitors, incidents: open })
  const states = new Map([...view.world.probes, ...probes.map((state) => [state.probe, state] as const)])
  const big = { ...view, world: { ...view.world, probes: states } }
  const marks = Array.from({ length: 60 }, (_, n) => ({
    at: NOW - n * MINUTE_MS,
    ms: 1_234,
    mark: n % 2 === 0 ? ('failed' as const) : ('inconclusive' as const),
  }))
  const strips = new Map(monitors.flatMap((one) => one.probes.map(({ id }) => [id, marks] as const)))
  const known = await record(fakeStore(newDisk()), big, NOW, silent)
  const page = overview(big, { ...known, strips }, { ok: true, reasons: [] }, NOW)
  expect([...states.keys()]).toHaveLength(10_000)
  expect(page.monitors.reduce((sum, { cells }) => sum + cells.count, 0)).toBe(1_000)
  const html = renderOverview(page, 'live')
  expect(html.length).toBeLessThan(1_500_000)
})

test('the names of accounts stand beside their ids, escaped, and only if they are to be shown', async () => {
  const scene = worldOf({ monitors: [wide(2)] })
  const ofAccounts = new Map([['100000000001', '<b>payments</b>']])
  const setup = { ...scene.view.setup, accountNames: { ofAccounts, ofOwn: new Map() } }
  const named = await seen({ ...scene, view: { ...scene.view, setup } })
  expect(named.monitors[0]?.cells.lines[0]?.cells.map(({ label, said }) => [label, said.split(':')[0]])).toEqual([
    ['0000', '100000000000'],
    ['0001', '100000000001 “<b>payments</b>”'],
  ])
  const html = renderOverview(named, 'live')
  expect(html).toContain('&lt;b&gt;payments&lt;/b&gt;')
  expect(html).not.toContain('<b>payments')
  expect(JSON.stringify(await seen(scene))).not.toContain('payments')
})

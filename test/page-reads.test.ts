import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { openStore } from '../src/adapters/sqlite/store.ts'
import type { Incident } from '../src/domain/incident.ts'
import type { Log } from '../src/ports/log.ts'
import type { Store } from '../src/ports/store.ts'
import { record } from '../src/web/record.ts'
import { NOTHING } from './store-contract.ts'
import { EXPLAINED, incidentOf, memberOf, monitorOf, NOW, worldOf } from './wire/web-world.ts'

/*
 * What a list of incidents costs does not depend on how many probes are in them: an outage of a thousand accounts is megabytes of
 * members, and a page is made on the thread that runs the probes.
 */

const directory = mkdtempSync(join(tmpdir(), 'alibi-reads-'))
const stores: Store[] = []
afterAll(async () => {
  for (const store of stores) await store.close()
  rmSync(directory, { recursive: true })
})

const silent: Log = { error() {}, warn() {}, info() {}, debug() {} }
const MONITOR = monitorOf(
  'wide',
  Array.from({ length: 60 }, (_, n) => String(100000000000 + n)),
  ['ListRegions'],
)
const { view } = worldOf()

/** A database with so many closed incidents of so many probes each. */
async function opened(incidents: number, probes: number): Promise<Store> {
  const store = await openStore({ path: join(directory, `${stores.length}.db`) })
  stores.push(store)
  const closed = Array.from({ length: incidents }, (_, n): Incident => {
    const members = MONITOR.probes
      .slice(0, probes)
      .map((probe) => memberOf(probe, EXPLAINED, { state: 'recovered', recoveredAt: NOW }))
    return incidentOf(`id${n}`, members, { state: 'closed', closedAs: 'recovered', closedAt: NOW })
  })
  await store.commit({ ...NOTHING, incidents: closed })
  return store
}

/** How many documents are parsed meanwhile. */
async function parsed(work: () => Promise<unknown>): Promise<number> {
  const parse = vi.spyOn(JSON, 'parse')
  try {
    await work()
    return parse.mock.calls.length
  } finally {
    parse.mockRestore()
  }
}

describe.each<[string, (store: Store) => Promise<unknown>]>([
  ['the status page', (store) => record(store, view, NOW, silent)],
  ['the listing of `alibi incidents` and /api/incidents', (store) => store.incidents(1_000)],
  ['the patterns of `alibi incidents --patterns` and the digest', (store) => store.patterns(1_000)],
])('%s', (_, read) => {
  test('reads the same of narrow and of wide incidents', async () => {
    const narrow = await opened(12, 1)
    const wide = await opened(12, 60)
    const documents = await parsed(() => read(narrow))
    expect(documents).toBeGreaterThan(0)
    expect(await parsed(() => read(wide))).toBe(documents)
  })
})

test('the status page reads the same of few closed incidents and of many', async () => {
  const few = await opened(10, 2)
  const many = await opened(80, 2)
  const page = (store: Store) => () => record(store, view, NOW, silent)
  expect(await parsed(page(many))).toBe(await parsed(page(few)))
})

import { describe, expect, test } from 'vitest'
import { newDisk } from '../../test/fakes/store.ts'
import type { Discovery } from '../config/config.ts'
import { HOUR_MS, MINUTE_MS } from '../domain/probe.ts'
import type { Listing } from '../ports/organization.ts'
import { virtualClock } from '../simulate/clock.ts'
import { memoryStore } from '../simulate/store.ts'
import {
  AccountDiscovery,
  accountsOf,
  firstWaitMs,
  fitting,
  type Known,
  keyOf,
  learn,
  nextWaitMs,
  reportOf,
} from './account-discovery.ts'

const T0 = Date.UTC(2026, 10, 22)
const CALLER = '123456789012'
const A = '111122223333'
const B = '444455556666'
const DISCOVERY: Discovery = {
  ...{ monitor: 'all', ous: null, exclude: [], everyMs: HOUR_MS, atMost: 10 },
  calls: [{ operation: 'GetAccountInformation', parameter: null }],
}
const CREDENTIALS = { profile: null, roleArn: null, externalId: null, sessionName: null }
const good = (...accounts: string[]): Listing => ({ ok: true, caller: CALLER, accounts, left: 0 })
const BAD: Listing = { ok: false, why: 'AWS throttled the listing (TooManyRequestsException)' }

/** A roster over a store that outlives it, an organization that gives these listings, the last for ever, and what it told. */
function world(listings: readonly Listing[], options: { disk?: ReturnType<typeof newDisk>; discovery?: Discovery | null } = {}) {
  const clock = virtualClock(T0)
  const disk = options.disk ?? newDisk()
  const store = memoryStore(disk)
  const told: (readonly [string, string | null])[] = []
  const log: string[] = []
  const say = (message: string, fields = {}) => void log.push(`${message} ${JSON.stringify(fields)}`)
  const seen = { asked: 0, changes: 0 }
  const discovery = options.discovery === undefined ? DISCOVERY : options.discovery
  const roster = new AccountDiscovery({
    discoveries: discovery === null ? [] : [discovery],
    monitors: [{ name: 'all', partition: 'aws', credentials: CREDENTIALS }],
    store,
    organization: { list: async () => listings[Math.min(seen.asked++, listings.length - 1)] ?? BAD },
    clock,
    random01: () => 0,
    log: { error: say, warn: say, info: say, debug: say },
    changed: () => void seen.changes++,
    selfAlert: async (key, text) => void told.push([key, text]),
  })
  const stop = new AbortController()
  const begin = async () => {
    await roster.open()
    void roster.watch(stop.signal)
    await clock.advance(0)
  }
  return { clock, disk, store, told, log, seen, roster, stop, begin, found: () => roster.found().get('all') }
}

describe('account discovery', () => {
  test('lists at the start, then every `every`, and reports when the accounts have changed', async () => {
    const w = world([good(A, CALLER), good(A, CALLER), good(A, B, CALLER)])
    await w.begin()
    expect([w.found(), w.seen]).toEqual([[A, 'self'], { asked: 1, changes: 1 }])
    await w.clock.advance(HOUR_MS)
    expect(w.seen).toEqual({ asked: 2, changes: 1 })
    await w.clock.advance(HOUR_MS)
    expect([w.found(), w.seen]).toEqual([[A, B, 'self'], { asked: 3, changes: 2 }])
    w.stop.abort()
    await w.clock.advance(10 * HOUR_MS)
    expect(w.seen.asked).toBe(3)
  })

  test('knows after a restart what was listed before, and asks nobody while it is fresh', async () => {
    const before = world([good(A, CALLER)])
    await before.begin()
    before.stop.abort()
    const after = world([good(A, CALLER)], { disk: before.disk })
    await after.roster.open()
    expect(after.found()).toEqual([A, 'self'])
    await after.begin()
    await after.clock.advance(HOUR_MS - MINUTE_MS)
    expect(after.seen).toEqual({ asked: 0, changes: 0 })
    await after.clock.advance(MINUTE_MS)
    expect(after.seen).toEqual({ asked: 1, changes: 0 })
  })

  describe('names of accounts', () => {
    const NAMED: Discovery = { ...DISCOVERY, named: true }
    const called = (names: Readonly<Record<string, string>>): Listing => ({ ...good(A, CALLER), names }) as Listing
    const shown = ({ roster }: ReturnType<typeof world>) => [...roster.names().ofAccounts, ...roster.names().ofOwn]

    test('are known after a restart, and a new one is a change', async () => {
      const w = world([called({ [A]: 'payments', [CALLER]: 'management' }), called({ [A]: 'billing' })], { discovery: NAMED })
      await w.begin()
      expect(shown(w)).toEqual(
        [
          [CALLER, 'management'],
          [A, 'payments'],
          ['all', 'management'],
        ].toSorted(),
      )
      const after = world([BAD], { disk: w.disk, discovery: NAMED })
      await after.roster.open()
      expect(after.roster.names().ofAccounts.get(A)).toBe('payments')
      await w.clock.advance(HOUR_MS)
      expect(shown(w)).toEqual([[A, 'billing']])
      expect(w.seen).toEqual({ asked: 2, changes: 2 })
    })

    test('are never logged', async () => {
      const w = world([called({ [A]: 'payments' }), BAD], { discovery: NAMED })
      await w.begin()
      await w.clock.advance(5 * HOUR_MS)
      expect(w.log.join()).not.toContain('payments')
    })

    test('are listed at once where a list without them is fresh', async () => {
      const before = world([good(A)])
      await before.begin()
      const after = world([called({ [A]: 'payments' })], { disk: before.disk, discovery: NAMED })
      await after.begin()
      expect(shown(after)).toEqual([[A, 'payments']])
    })

    test.for<[string, Discovery | null]>([
      ['no names are wanted any more', DISCOVERY],
      ['the monitor discovers nothing any more', null],
    ])('are forgotten when %s', async ([, discovery]) => {
      const before = world([called({ [A]: 'payments' })], { discovery: NAMED })
      await before.begin()
      const kept = async ({ store }: typeof before) => (await store.recall(keyOf('all'))) ?? ''
      expect(await kept(before)).toContain('payments')
      const after = world([BAD], { disk: before.disk, discovery })
      await after.roster.open()
      expect(await kept(after)).not.toContain('payments')
      expect(await kept(after)).toContain(A)
      expect(shown(after)).toEqual([])
    })

    test('that cannot be read on the disk are none', async () => {
      const before = world([called({ [A]: 'payments' })], { discovery: NAMED })
      await before.begin()
      const doc = JSON.parse((await before.store.recall(keyOf('all'))) ?? '')
      const names = { [A]: 'pay\u202Ements\u0007 \n x', [B]: 7, '12': 'short', [CALLER]: '\u200B' }
      await before.store.remember(keyOf('all'), JSON.stringify({ ...doc, names }))
      const after = world([BAD], { disk: before.disk, discovery: NAMED })
      await after.roster.open()
      expect(shown(after)).toEqual([[A, 'pay ments x']])
    })
  })

  test('a list of other units does not count', async () => {
    const before = world([good(A)])
    await before.begin()
    const after = world([good(B)], { disk: before.disk, discovery: { ...DISCOVERY, ous: ['ou-ab12-cd34ef56'] } })
    await after.roster.open()
    expect(after.found()).toEqual([])
  })

  test('an account that is excluded later is left out without a new listing', async () => {
    const before = world([good(A, B, CALLER)])
    await before.begin()
    const after = world([BAD], { disk: before.disk, discovery: { ...DISCOVERY, exclude: [A, CALLER] } })
    await after.roster.open()
    expect(after.found()).toEqual([B])
  })

  test('a failed listing keeps the last list and is retried soon; if failures last they are reported, and so is their end', async () => {
    const w = world([good(A), ...Array<Listing>(12).fill(BAD), good(A)])
    await w.begin()
    await w.clock.advance(HOUR_MS)
    const texts = () => w.told.filter(([, text]) => text !== null)
    expect([w.found(), w.seen.asked, texts()]).toEqual([[A], 2, []])
    await w.clock.advance(MINUTE_MS)
    expect(w.seen.asked).toBe(3)
    await w.clock.advance(3 * HOUR_MS - 2 * MINUTE_MS)
    expect(texts()).toEqual([])
    await w.clock.advance(2 * HOUR_MS)
    expect(texts()[0]?.[0]).toBe('organization:all')
    expect(texts()[0]?.[1]).toMatch(
      /^Monitor all discovers .* the list of 1 accounts from 2026-11-22T.* stays in force: AWS throttled/,
    )
    expect(w.found()).toEqual([A])
    await w.clock.advance(12 * HOUR_MS)
    expect(w.told.at(-1)).toEqual(['organization:all', null])
  })

  test('failures that last over restarts are reported as well', async () => {
    const before = world([BAD])
    await before.begin()
    before.stop.abort()
    const after = world([BAD], { disk: before.disk })
    await after.clock.advance(4 * HOUR_MS)
    await after.begin()
    expect(after.told.at(-1)?.[1]).toContain('none of its accounts are monitored')
  })

  test('a monitor that no longer discovers its accounts is not reported', async () => {
    const before = world([BAD])
    await before.begin()
    const after = world([], { disk: before.disk, discovery: null })
    await after.begin()
    expect(after.told).toEqual([['organization:all', null]])
  })

  test.for(['no JSON', '[]', 'null', '{"accounts":["x"]}'])('%s in the store counts as nothing', async (text) => {
    const w = world([good(A)])
    await w.store.remember(keyOf('all'), text)
    await w.store.remember('organization', text)
    await w.roster.open()
    expect(w.found()).toEqual([])
  })
})

const KNOWN: Known = { scope: '', caller: CALLER, accounts: [A, B, CALLER], listedAt: T0, failingSince: null }

test('the account of the credentials is `self`, and can be excluded by its id or as `self`', () => {
  expect(accountsOf(KNOWN, DISCOVERY)).toEqual([A, B, 'self'])
  expect(accountsOf(KNOWN, { ...DISCOVERY, exclude: [A, 'self'] })).toEqual([B])
  expect(accountsOf(KNOWN, { ...DISCOVERY, exclude: [B, CALLER] })).toEqual([A])
})

test('a list of more accounts than may be probed does not count', () => {
  expect(fitting(good(A, B), { ...DISCOVERY, atMost: 2 })).toEqual(good(A, B))
  expect(fitting(good(A, B), { ...DISCOVERY, atMost: 1, exclude: [B] })).toEqual(good(A, B))
  expect(fitting(good(A, B), { ...DISCOVERY, atMost: 1 })).toEqual({
    ok: false,
    why: expect.stringContaining('at most 1 accounts fit'),
  })
})

test('a failure begins with the first failed listing in a row, and a good one ends it', () => {
  const failing = learn(learn(KNOWN, BAD, T0 + 1), BAD, T0 + 2)
  expect(failing).toEqual({ ...KNOWN, failingSince: T0 + 1 })
  expect(learn(failing, BAD, T0 - 5).failingSince).toBe(T0 - 5)
  expect(learn(failing, good(A), T0 + 3)).toEqual({ ...KNOWN, accounts: [A], listedAt: T0 + 3, failingSince: null })
})

test.for<[string, number, number, boolean]>([
  ['three times an hour', HOUR_MS, 3 * HOUR_MS, false],
  ['longer than that', HOUR_MS, 3 * HOUR_MS + 1, true],
  ['three times five minutes, which is less than an hour', 5 * MINUTE_MS, 16 * MINUTE_MS, false],
  ['longer than an hour', 5 * MINUTE_MS, HOUR_MS + 1, true],
])('a listing that failed for %s', ([, everyMs, forMs, isTold]) => {
  expect(reportOf({ ...KNOWN, failingSince: T0 }, { ...DISCOVERY, everyMs }, T0 + forMs) !== null).toBe(isTold)
})

test.for<[string, Partial<Known>, number, number]>([
  ['never listed', { listedAt: null }, T0, 0],
  ['listed just now', {}, T0, HOUR_MS],
  ['listed long ago', {}, T0 + 2 * HOUR_MS, 0],
  ['the last one failed', { failingSince: T0 }, T0 + 1, 0],
  ['listed in what is the future since the clock was set', {}, T0 - 1, 0],
])('the first listing, %s', ([, some, now, waitMs]) => expect(firstWaitMs({ ...KNOWN, ...some }, HOUR_MS, now)).toBe(waitMs))

test.for<[number, number, number]>([
  [0, 0, HOUR_MS],
  [0, 1, 1.1 * HOUR_MS],
  [1, 0, MINUTE_MS],
  [3, 0, 4 * MINUTE_MS],
  [7, 0, HOUR_MS],
  [1e9, 0, HOUR_MS],
])('after %i failures in a row and at chance %f it waits %f ms', ([failures, random01, waitMs]) =>
  expect(nextWaitMs(HOUR_MS, failures, random01)).toBeCloseTo(waitMs),
)

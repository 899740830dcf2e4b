import { expect, test } from 'vitest'
import { NOON, RELEVANCE } from '../../test/given.ts'
import type { Member } from './incident.ts'
import { type Call, MINUTE_MS, type Monitor, type Probe, probeId } from './probe.ts'
import { setupOf } from './setup.ts'
import { newProbeState, type ProbeState } from './state.ts'
import { widthOf } from './width.ts'

const CONTACT: Call = { operation: 'GetContactInformation', parameter: null }
const REGIONS: Call = { operation: 'ListRegions', parameter: null }
const A = '111111111111'
const B = '222222222222'
const C = '333333333333'

const probe = (account: string, call = CONTACT, monitor = 'm'): Probe => ({
  ...{ id: probeId(monitor, account, call), monitor, account, call },
})

/** A monitor that runs every minute, if nothing else is said. */
function widthFor(
  failing: readonly Probe[],
  others: readonly (readonly [Probe, Partial<ProbeState> | null])[],
  { periodMs = MINUTE_MS, partition = 'aws' }: Partial<Monitor> = {},
) {
  const probes = [...failing, ...others.map(([one]) => one)]
  const names = [...new Set(probes.map(({ monitor }) => monitor))]
  const setup = setupOf({
    monitors: names.map((name) => {
      const own = probes.filter(({ monitor }) => monitor === name)
      return { name, partition, periodMs, spreadMs: 0, probes: own, notify: [] } as unknown as Monitor
    }),
    recipients: [],
    policy: {} as never,
    health: { relevance: RELEVANCE },
    mail: { domain: 'example.com' },
  })
  const states = new Map<string, ProbeState>(
    others.flatMap(([{ id }, state]) => (state === null ? [] : [[id, { ...newProbeState(id, NOON), ...state }]])),
  )
  const members = failing.map(({ id, monitor }) => ({ probe: id, monitor, onset: NOON }) as Member)
  const accountOf = ({ account }: Probe, { name }: Monitor) => (account === 'self' ? `self@${name}` : account)
  return widthOf(members, { setup, states, now: NOON + 10 * MINUTE_MS, accountOf })
}

const fresh: Partial<ProbeState> = { status: 'ok', lastRunAt: NOON + 9 * MINUTE_MS }
const NONE = { ok: 0, alsoFailing: 0, unknown: 0 }

test('of a single account there is nothing to say', () => {
  expect(widthFor([probe(A)], [[probe(A, REGIONS), fresh]])).toBeNull()
})

test('another operation of another account is no comparison', () => {
  expect(widthFor([probe(A)], [[probe(B, REGIONS), fresh]])).toBeNull()
})

test.for<[string, Partial<ProbeState> | null, object]>([
  ['was ok in a fresh run', fresh, { ok: 1 }],
  ['was ok only before the failure began', { status: 'ok', lastRunAt: NOON - 1 }, { unknown: 1 }],
  ['has not run for longer than three periods', { status: 'ok', lastRunAt: NOON + 4 * MINUTE_MS }, { unknown: 1 }],
  ['was throttled in its last run', { ...fresh, inconclusive: 'throttled' }, { unknown: 1 }],
  ['has failed, which is not decided yet', { ...fresh, status: 'undecided' }, { unknown: 1 }],
  ['has never run', { status: 'ok', lastRunAt: null }, { unknown: 1 }],
  ['is not known at all', null, { unknown: 1 }],
  ['fails, which another email reports', { ...fresh, status: 'failing' }, { alsoFailing: 1 }],
  ['is only recovering', { ...fresh, status: 'recovering' }, { alsoFailing: 1 }],
])('another account that %s', ([, state, counted]) => {
  expect(widthFor([probe(A)], [[probe(B), state]])).toEqual({ accounts: 2, failing: 1, operations: 1, ...NONE, ...counted })
})

test('a run is fresh for as long as three periods', () => {
  const hourly = { periodMs: 60 * MINUTE_MS }
  const since = { status: 'ok', lastRunAt: NOON } as const
  expect(widthFor([probe(A)], [[probe(B), since]], hourly)).toMatchObject({ ok: 1 })
  expect(widthFor([probe(A)], [[probe(B), since]])).toMatchObject({ ok: 0, unknown: 1 })
})

test('an account counts once, as its worst operation', () => {
  const failing = [probe(A), probe(A, REGIONS)]
  const others = [
    [probe(B), fresh],
    [probe(B, REGIONS), { ...fresh, inconclusive: 'throttled' }],
    [probe(C), { ...fresh, status: 'failing' }],
    [probe(C, REGIONS), fresh],
  ] as const
  expect(widthFor(failing, others)).toEqual({ accounts: 3, failing: 1, operations: 2, ok: 0, alsoFailing: 1, unknown: 1 })
})

test('of an account that two monitors probe, one fresh run is enough to know, and a failure counts', () => {
  const stale = { status: 'ok', lastRunAt: null } as const
  const twice = (one: Partial<ProbeState>, other: Partial<ProbeState>) =>
    widthFor(
      [probe(A)],
      [
        [probe(B), one],
        [probe(B, CONTACT, 'n'), other],
      ],
    )
  expect(twice(stale, fresh)).toMatchObject({ accounts: 2, ok: 1, unknown: 0 })
  expect(twice(fresh, stale)).toMatchObject({ accounts: 2, ok: 1, unknown: 0 })
  expect(twice(fresh, { ...fresh, status: 'failing' })).toMatchObject({ accounts: 2, ok: 0, alsoFailing: 1 })
})

test('accounts of other credentials are others', () => {
  expect(widthFor([probe('self')], [[probe('self', CONTACT, 'n'), fresh]])).toMatchObject({ accounts: 2, failing: 1, ok: 1 })
})

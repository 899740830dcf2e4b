import { expect, test } from 'vitest'
import { countedMembers, incident, MIN, NOON, run, setup } from '../../test/given.ts'
import { decide } from '../domain/decide.ts'
import { evidenceOf } from './evidence.ts'
import { LiveWorld } from './live-world.ts'

test('a decision about a hundred runs of a wide incident looks at its members as often as one about a single run', () => {
  const ids = Array.from({ length: 2_000 }, (_, i) => `main/${100_000_000_000 + i}/GetContactInformation`)
  const accounts = ids.map((id) => id.split('/')[1] ?? '')
  const watched = setup({ monitors: [{ accounts }] })
  const decided = (runs: number) => {
    const { members, reads } = countedMembers(ids)
    const open = incident({ members, state: 'announced', announcedAt: NOON })
    const loaded = { probes: [], incidents: [open], selfAlerts: [], connectivity: null, lastAlive: null }
    const world = new LiveWorld(loaded, ids, null, NOON)
    for (const id of ids) {
      const state = world.probes.get(id)
      if (state !== undefined) world.probes.set(id, { ...state, status: 'failing', onset: NOON, incident: open.id })
    }
    const outcomes = ids.slice(-runs).map((id) => run(id, NOON + MIN, 'internal'))
    const input = {
      ...{ now: NOON + MIN, outcomes, controls: [], readings: new Map(), newlyRead: new Set<never>(), timers: false },
      ...{ selfAlerts: [], owners: () => [], newId: () => 'new' },
    }
    const before = { ...world, silences: [], acks: new Map(), lostUntil: null }
    const decision = decide(before, input, watched)
    expect(decision.incidents[0]?.members.filter(({ lastRunAt }) => lastRunAt === NOON + MIN)).toHaveLength(runs)
    expect(
      members.every(({ lastRunAt }) => lastRunAt === NOON),
      'the world itself stays as it was',
    ).toBe(true)
    expect(evidenceOf(outcomes, decision, world).every(({ incident: id }) => id === open.id)).toBe(true)
    return reads()
  }
  const [one, hundred] = [decided(1), decided(100)]
  expect(hundred - one).toBeLessThan(ids.length)
})

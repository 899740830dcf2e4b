import { expect, test } from 'vitest'
import type { Incident } from '../domain/incident.ts'
import type { ProbeState, World } from '../domain/state.ts'
import type { Clock } from '../ports/time.ts'
import type { FinishedRun } from './finished-run.ts'
import { GATHER_MS, RunGathering } from './run-gathering.ts'

const never = new AbortController().signal
const runOf = (i: number) => ({ outcome: { probe: `p${i}` }, begun: 0 }) as FinishedRun

/** A clock that stands still until it is told to go on. */
function standing() {
  const sleepers: { ms: number; wake: () => void }[] = []
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      sleepers.push({ ms, wake: resolve })
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  return { clock: { sleep } as Clock, sleepers }
}

function gatheringOf(members: number) {
  const incident = { id: 'i', state: 'announced', members: Array.from({ length: members }) } as unknown as Incident
  const probes = new Map(Array.from({ length: 500 }, (_, i) => [`p${i}`, { incident: 'i' } as ProbeState] as const))
  const world = { probes, incidents: new Map([['i', incident]]) } as unknown as World
  const decisions: number[] = []
  const { clock, sleepers } = standing()
  const decide = async (runs: readonly FinishedRun[]) => void decisions.push(runs.length)
  return { gathering: new RunGathering({ clock, world: () => world, decide }), decisions, sleepers }
}

test('runs of a wide incident are decided on together, after a second at most', async () => {
  const { gathering, decisions, sleepers } = gatheringOf(500)
  const submitted = Array.from({ length: 30 }, (_, i) => gathering.submit(runOf(i), never))
  await Promise.resolve()
  expect(decisions).toEqual([])
  expect(sleepers.map(({ ms }) => ms)).toEqual([GATHER_MS])
  sleepers[0]?.wake()
  await Promise.all(submitted)
  expect(decisions).toEqual([30])
})

test.for([
  [500, 100],
  [1_000, 100],
  [4_000, 400],
])('once enough of them wait, they are decided on at once: of %i members, %i', async ([members = 0, enough = 0]) => {
  const { gathering, decisions } = gatheringOf(members)
  await Promise.all(Array.from({ length: enough }, (_, i) => gathering.submit(runOf(i), never)))
  expect(decisions).toEqual([enough])
})

test('so are the runs of all other probes: each decision looks at all members, whoever ran', async () => {
  const { gathering, decisions, sleepers } = gatheringOf(500)
  const submitted = [0, 600, 601].map((i) => gathering.submit(runOf(i), never))
  sleepers[0]?.wake()
  await Promise.all(submitted)
  expect(decisions).toEqual([3])
})

test('a later run of a probe is told to wait for the one that is being gathered, and for no other', async () => {
  const { gathering, decisions, sleepers } = gatheringOf(500)
  const submitted = gathering.submit(runOf(600), never)
  expect(gathering.earlierOf('p0')).toBeNull()
  const earlier = gathering.earlierOf('p600')?.then(() => decisions.length)
  sleepers[0]?.wake()
  expect(await earlier).toBe(1)
  await submitted
  expect(gathering.earlierOf('p600')).toBeNull()
})

test('a run of an incident that is not wide waits for nobody', async () => {
  const { gathering, decisions, sleepers } = gatheringOf(10)
  await Promise.all([0, 1, 2].map((i) => gathering.submit(runOf(i), never)))
  expect(decisions).toEqual([1, 1, 1])
  expect(sleepers).toEqual([])
})

test('an orderly stop does not wait for further runs', async () => {
  const { gathering, decisions } = gatheringOf(500)
  const submitted = gathering.submit(runOf(0), never)
  await gathering.idle()
  await submitted
  expect(decisions).toEqual([1])
})

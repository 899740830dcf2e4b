import { expect, test } from 'vitest'
import type { PostgresFleet } from '../adapters/postgres/fleet.ts'
import type { Claim } from '../ports/fleet.ts'
import { virtualClock } from '../simulate/clock.ts'
import { FleetStorage } from './fleet-storage.ts'

const never = new AbortController().signal

/** A machine that leads, the signals of its term, and what ends its claim. */
async function leading() {
  const clock = virtualClock(0)
  const [lost, resigned] = [new AbortController(), new AbortController()]
  const claim = { lost: lost.signal, resigned: resigned.signal, release: async () => {} }
  const fleet = { clock, lead: async () => claim as unknown as Claim, reaches: () => {} }
  const storage = new FleetStorage(fleet as unknown as PostgresFleet, 'here', 'one')
  const { stop, kill } = storage.term({ stop: never, kill: never })
  await storage.lock()
  return { clock, lost, resigned, now: () => [stop.aborted, kill.aborted] }
}

test('a leader that hands the lead on begins nothing new, and what is under way has two seconds', async () => {
  const { clock, resigned, now } = await leading()
  resigned.abort('a newer version is there')
  await clock.advance(1_900)
  expect(now()).toEqual([true, false])
  await clock.advance(200)
  expect(now()).toEqual([true, true])
})

test('a leader that has lost the lead stores and sends nothing more, also if it was handing it on', async () => {
  for (const isResigning of [false, true]) {
    const { clock, lost, resigned, now } = await leading()
    if (isResigning) resigned.abort('a newer version is there')
    await clock.advance(100)
    expect(now()).toEqual([isResigning, false])
    lost.abort('another machine has taken it')
    expect(now()).toEqual([true, true])
  }
})

import { expect, test } from 'vitest'
import type { Probe } from '../../domain/probe.ts'
import { virtualClock } from '../../simulate/clock.ts'
import { Bell } from './bell.ts'
import { CallDealer } from './dealer.ts'
import type { Presence } from './register.ts'
import type { AskedTask } from './tasks.ts'

const MACHINE = { version: '1', config: 'same', serves: true, reaches: true, ageMs: 0 } as const

test('what a machine was asked for that is not heard of is taken back before its caller moves: it may wake up any time', async () => {
  const clock = virtualClock(0)
  const over = new AbortController()
  const other: Presence & { ageMs: number } = { ...MACHINE, name: 'two', instance: 'two' }
  const asked = new Map<string, AskedTask>()
  const moved: string[] = []
  const dealer = new CallDealer({
    callers: {
      presences: async () => new Map([['two', { ...other }]]),
      holders: async () => new Map([['a', 'two']]),
      async move(moves) {
        for (const { caller, instance } of moves) moved.push(`${caller} to ${instance}, with ${asked.size} asked of two`)
      },
    },
    tasks: {
      forgetOthers: async () => {},
      ask: async (_term, tasks) => {
        for (const task of tasks) asked.set(task.id, task)
      },
      async collect(_term, withdrawn) {
        for (const id of withdrawn) asked.delete(id)
        return new Map([...asked.keys()].map((id) => [id, null]))
      },
    },
    register: {
      instance: 'one',
      self: { name: 'one', host: 'one', version: '1', config: () => 'same' },
      reaches: true,
      rivalIn: () => null,
    },
    ...{ clock, bell: new Bell(clock), term: 'first', isLive: () => true, giveWay: () => {}, over: over.signal },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    trouble: { say() {} },
  })
  dealer.deal(['a'])
  await clock.advance(100)
  const task = { caller: 'a', probe: { id: 'p' } as Probe, limitMs: 60_000 }
  const run = dealer.run(task, () => Promise.reject(new Error('it is not ours yet')), over.signal).catch(String)
  await clock.advance(1_000)
  expect(asked.size).toBe(1)
  other.ageMs = 10_001
  await clock.advance(3_000)
  expect(await run).toContain('the machine that was asked for it is gone')
  expect(moved).toEqual(['a to one, with 0 asked of two'])
  over.abort()
})

import { expect, test } from 'vitest'
import type { Machine, Members } from '../ports/fleet.ts'
import { differencesOf, machinesJson, machinesShown } from './machines.ts'

const T0 = Date.UTC(2026, 10, 27, 12)
const machine = (name: string, over: Partial<Machine> = {}): Machine => ({
  ...{
    name,
    host: `${name}.example`,
    version: '1.0.0',
    config: 'a',
    startedAt: T0,
    seenAt: T0,
    skewMs: 0,
    callers: 0,
    reaches: true,
  },
  ...over,
})
const members = (...machines: Machine[]): Members => ({
  me: 'south',
  machines,
  leader: { name: 'north', since: T0, takeovers: 1 },
  refused: 0,
})

test('machines are named with what they do', () => {
  const known = members(machine('north', { callers: 1 }), machine('south', { callers: 2 }))
  expect(machinesShown(known)).toBe(
    'north leads and makes the calls of 1 caller, south makes the calls of 2 callers (this machine); 1 takeover so far',
  )
  expect(machinesShown(members(machine('north', { callers: 3 }), machine('south')))).toBe(
    'north leads and makes the calls of 3 callers, south stands by (this machine); 1 takeover so far',
  )
  const nobody = { ...members(machine('north'), machine('south')), leader: null }
  expect(machinesShown(nobody)).toBe('north stands by, south stands by (this machine); nobody leads')
  expect(machinesJson(known)).toMatchObject({
    machine: 'south',
    leads: false,
    leader: { name: 'north', since: '2026-11-27T12:00:00.000Z', takeovers: 1 },
    machines: [
      { name: 'north', callers: 1 },
      { name: 'south', callers: 2 },
    ],
  })
})

test('what they do not agree on is said by name: configuration, version and clock', () => {
  expect(differencesOf(members(machine('north'), machine('south', { skewMs: 4_000 })))).toEqual([])
  const other = { config: 'b', version: '2.0.0', skewMs: -420_000 }
  expect(differencesOf(members(machine('north'), machine('south', other), machine('west')))).toEqual([
    'south: the configuration is another one than on north',
    "south: Alibi's version is another one than on north",
    "south: the clock is 420 s behind the database's",
  ])
  expect(differencesOf(members(machine('north', { reaches: null }), machine('south', { reaches: false })))).toEqual([
    'south: AWS cannot be reached from there',
  ])
})

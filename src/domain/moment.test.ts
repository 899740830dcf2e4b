import { expect, test } from 'vitest'
import { type Moment, setBetween } from './moment.ts'

const SECOND = 1_000
const HOUR = 3_600_000
const THEN: Moment = { boot: 'a', uptime: 10 * HOUR, awake: 9 * HOUR }
const later = (uptime: number, awake = uptime): Moment => ({ ...THEN, uptime: THEN.uptime + uptime, awake: THEN.awake + awake })

test.for<[string, number, Moment | null, number | null]>([
  ['time passed, and no clock was set', HOUR, later(HOUR), 0],
  ['a second of drift is not a clock that was set', HOUR + SECOND, later(HOUR), 0],
  ['set back by three hours, an hour ago or just now', -2 * HOUR, later(HOUR), -3 * HOUR],
  ['set ahead by three hours', 4 * HOUR, later(HOUR), 3 * HOUR],
  ['the machine slept: time passed', 5 * HOUR, later(5 * HOUR, HOUR), 0],
  ['the machine slept, and the clock was set', 8 * HOUR, later(5 * HOUR, HOUR), 3 * HOUR],
  ['the machine was booted', HOUR, { ...later(HOUR), boot: 'b' }, null],
  ['the uptime restarted with the container', 5 * HOUR, later(-9 * HOUR, 5 * HOUR), null],
  ['the uptime restarted with the container, and is longer than it was', 50 * HOUR, later(HOUR, 50 * HOUR), null],
  ['a machine without such clocks', HOUR, null, null],
])('%s', ([, wall, moment, by]) => {
  expect(setBetween({ at: 1_000, moment: THEN }, { at: 1_000 + wall, moment })).toBe(by)
})

test('without a moment there is nothing to compare', () => {
  expect(setBetween({ at: 1_000 }, { at: 2_000, moment: THEN })).toBeNull()
})

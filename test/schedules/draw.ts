import { type Change, zoneOf } from '../../src/schedule/zone.ts'
import type { Dice } from '../history/dice.ts'

const FROM = Date.UTC(2025, 0, 1)
const TO = Date.UTC(2029, 0, 1) - 1
const HOUR = 3_600_000

/** One change of the clocks of a zone. */
export type Night = Readonly<{ zone: string; change: Change }>

/** Every change of the clocks, from 2025 to 2028, of these zones. */
export function nightsOf(zones: readonly string[]): readonly Night[] {
  return zones.flatMap((zone) =>
    zoneOf(zone)
      .changes(FROM, TO)
      .map((change) => ({ zone, change })),
  )
}

/** A schedule that has something to do with that night, more often than not. */
export function drawSchedule(dice: Dice, { change }: Night): string {
  const wall = new Date(change.at + Math.min(change.before, change.after))
  const some = (from: number, to: number) => Array.from({ length: dice.between(2, 4) }, () => dice.between(from, to)).join(',')
  const range = (from: number, to: number) => `${dice.between(from, to)}-${dice.between(from, to)}`
  const minute = dice.weighted<() => string>([
    [2, () => '*'],
    [4, () => `*/${dice.pick([2, 5, 7, 10, 15, 20, 29, 30, 31, 45, 59, 90])}`],
    [5, () => `${dice.between(0, 59)}`],
    [2, () => dice.pick(['0', '15', '29', '30', '31', '45', '59'])],
    [2, () => some(0, 59)],
    [1, () => range(0, 59)],
  ])()
  const hour = dice.weighted<() => string>([
    [7, () => '*'],
    [4, () => `${(wall.getUTCHours() + dice.between(23, 26)) % 24}`],
    [1, () => `*/${dice.between(1, 5)}`],
    [1, () => some(0, 23)],
    [2, () => range(0, 23)],
  ])()
  const day = dice.weighted<() => string>([
    [24, () => '* * *'],
    [2, () => `* * ${wall.getUTCDay()}`],
    [1, () => `* * ${range(0, 6)}`],
    [1, () => `${wall.getUTCDate()} * ?`],
    [1, () => `${wall.getUTCDate()} ${wall.getUTCMonth() + 1} ${wall.getUTCDay()}`],
    [1, () => `* * ${wall.getUTCDay()}#${Math.ceil(wall.getUTCDate() / 7)}`],
    [1, () => `* * ${wall.getUTCDay()}L`],
    [1, () => `${wall.getUTCDate()}W * *`],
    [1, () => `* * ${new Date(wall.getTime() + 6 * HOUR).getUTCDay()}`],
  ])()
  const second = dice.weighted<() => string>([
    [12, () => ''],
    [1, () => '30 '],
    [1, () => '*/20 '],
    [1, () => '0,45 '],
  ])()
  return dice.chance(0.03) ? dice.pick(['@hourly', '@daily', '@weekly']) : `${second}${minute} ${hour} ${day}`
}

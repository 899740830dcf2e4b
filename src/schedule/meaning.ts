import type { ParsedFields } from 'node-cron'

/** Values that are written out; of more than that their number is given. */
const MAX_LISTED = 6
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}
/** The fields that count up and start again. */
const UNITS = [
  { name: 'second', size: 60, per: 'minute' },
  { name: 'minute', size: 60, per: 'hour' },
  { name: 'hour', size: 24, per: 'day' },
] as const

/**
 * What a cron expression means to node-cron 4.6, in words, wherever somebody who knows another cron may expect something else: days of the month and
 * of the week that must both match, ranges that wrap around, steps that start again, and what is no plain number. Nothing where there is no surprise.
 */
export function meaningOf(expression: string, fields: ParsedFields): readonly string[] {
  const text = expression.trim()
  const macro = MACROS[text.toLowerCase()]
  if (macro !== undefined) return [`${text} is ${macro}`]
  const words = text.split(/\s+/)
  const written = words.length === 5 ? ['0', ...words] : words
  const found = UNITS.flatMap((unit, n) => {
    const word = written[n] ?? '*'
    return [...wraps(word, unit, fields[unit.name].length), ...steps(word, unit, fields[unit.name])]
  })
  const days = daysOf(fields)
  return days === null ? found : [...found, days]
}

type Unit = (typeof UNITS)[number]

/** `50-10`: more than the few values that it seems to be. */
function wraps(word: string, { name, per, size }: Unit, count: number): readonly string[] {
  return [...word.matchAll(/(?:^|,)(\d+)-(\d+)/g)].flatMap(([, from = '', to = '']) =>
    Number(from) > Number(to) ? [`${from}-${to} wraps around: ${count} ${name}s of each ${per}, out of ${size}`] : [],
  )
}

function steps(word: string, { name, per, size }: Unit, values: readonly number[]): readonly string[] {
  const step = Number(/^\*\/(\d+)$/.exec(word)?.[1] ?? 1)
  if (step >= size) return [`${word} is once each ${per}, at ${name} 0`]
  if (size % step === 0) return []
  return [`${word} begins anew each ${per}: ${name}s ${listed(values.map(String))}`]
}

function daysOf({ dayOfMonth, dayOfWeek }: ParsedFields): string | null {
  const isEachDate = dayOfMonth.length === 31
  const isEachWeekday = dayOfWeek.length === 7
  const hasSpecial = [...dayOfMonth, ...dayOfWeek].some((day) => typeof day !== 'number')
  if (isEachDate && isEachWeekday) return null
  if (!hasSpecial && (isEachDate || isEachWeekday)) return null
  const dates = isEachDate ? null : `on ${listed(dayOfMonth.map(dateName))} of the month`
  const weekdays = isEachWeekday ? null : listed(dayOfWeek.map(weekdayName), 'or')
  if (dates === null) return `on ${weekdays}`
  if (weekdays === null) return dates
  return `${dates}, if it is ${weekdays}; both must match`
}

function dateName(day: number | string): string {
  if (typeof day === 'number') return `the ${ordinal(day)}`
  if (day === 'L') return 'the last day'
  if (day === 'LW') return 'the last working day'
  const [, nearest] = /^(\d+)W$/.exec(day) ?? []
  if (nearest !== undefined) return `the working day nearest to the ${ordinal(Number(nearest))}`
  const [, before] = /^L-(\d+)$/.exec(day) ?? []
  return before === undefined ? day : `the last day but ${before}`
}

function weekdayName(day: number | string): string {
  if (typeof day === 'number') return `a ${weekday(day)}`
  const [, name, nth] = /^(\d)#(\d)$/.exec(day) ?? []
  if (name !== undefined) return `the ${ordinal(Number(nth))} ${weekday(Number(name))} of the month`
  const [, last] = /^(\d)L$/.exec(day) ?? []
  return last === undefined ? day : `the last ${weekday(Number(last))} of the month`
}

function weekday(day: number): string {
  return WEEKDAYS[day % 7] ?? String(day)
}

function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n}${ending}`
}

function listed(all: readonly string[], word = 'and'): string {
  if (all.length > MAX_LISTED) return `${all.slice(0, MAX_LISTED - 1).join(', ')} and ${all.length - MAX_LISTED + 1} more`
  const [last = ''] = all.slice(-1)
  return all.length < 2 ? last : `${all.slice(0, -1).join(', ')} ${word} ${last}`
}

import { expect, test } from 'vitest'
import type { StripMark } from '../domain/notification.ts'
import { MINUTE_MS } from '../domain/probe.ts'
import { grouped, strip } from './strip.ts'

const AT = Date.UTC(2026, 2, 4, 12, 4, 33)
const run = (minutesAgo: number, mark: StripMark['mark'], second = 0): StripMark => ({
  at: AT - minutesAgo * MINUTE_MS + second * 1_000,
  ms: 1,
  mark,
})
const drawn = (marks: readonly StripMark[]) => strip(marks, AT).map(({ from, cells, to }) => `${from} ${cells.trimEnd()} ${to}`)

test.for<[string, readonly StripMark[], readonly string[]]>([
  ['no run at all: no strip', [], []],
  ['a run of long ago does not show', [run(61, 'failed')], []],
  ['nor one that is still to come', [run(-2, 'failed')], []],
  ['the present minute stands at the right end', [run(0, 'failed')], ['11:05  11:34', `11:35 ${' '.repeat(29)}x 12:04`]],
  ['the first minute of the hour at the left end', [run(59, 'ok')], ['11:05 · 11:34', '11:35  12:04']],
  [
    'the worst run of a minute tells it',
    [run(59, 'ok'), run(59, 'inconclusive', 2), run(58, 'failed'), run(58, 'ok', 3)],
    ['11:05 ?x 11:34', '11:35  12:04'],
  ],
  ['a time that is none is passed over', [{ at: Number.NaN, ms: 1, mark: 'failed' }], []],
])('%s', ([, marks, rows]) => expect(drawn(marks)).toEqual(rows))

test('an hour that goes over midnight has its times and no date', () => {
  const midnight = Date.UTC(2026, 2, 5, 0, 20)
  expect(strip([{ at: midnight, ms: 1, mark: 'ok' }], midnight).map(({ from, to }) => [from, to])).toEqual([
    ['23:21', '23:50'],
    ['23:51', '00:20'],
  ])
})

test('neighbours of a kind are taken together', () => {
  expect(grouped('··x  ?')).toEqual([
    { cell: '·', length: 2 },
    { cell: 'x', length: 1 },
    { cell: ' ', length: 2 },
    { cell: '?', length: 1 },
  ])
})

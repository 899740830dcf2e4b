import { expect, test } from 'vitest'
import { parseConfig } from '../config/file.ts'
import { gapText, nextText, scheduleNotes, schedulesOf, scheduleWarnings } from './schedule-notes.ts'

const FILE = `
monitors:
  - { name: minutely, schedule: "* * * * *", timezone: Europe/Berlin }
  - { name: nightly, schedule: "30 2 * * *", timezone: Europe/Berlin }
  - { name: fridays, schedule: "0 0 13 * 5" }
  - { name: wrapped, schedule: "10-5 * * * *" }
digest: { schedule: "30 2 * * 0" }
recipients: { oncall: { to: [oncall@example.com] } }
mail: { from: alibi@example.com }
`

test('of the schedules: when each runs next, the longest gap, what may surprise, and nothing where nothing does', async () => {
  const loaded = await parseConfig(FILE, 'alibi.yaml', {}, { cwd: '/' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  const all = schedulesOf(loaded.config, Date.UTC(2026, 10, 27, 12))
  expect(all.map((one) => [one.what, nextText(one), gapText(one)])).toEqual([
    ['monitor minutely', '2026-11-27 12:01Z', '1m'],
    ['monitor nightly', '2026-11-28 01:30Z', '1d'],
    ['monitor fridays', '2027-08-13 00:00Z', '427d'],
    ['monitor wrapped', '2026-11-27 12:01Z', '5m'],
    ['digest', '2026-11-29 01:30Z', '7d'],
  ])
  expect(scheduleWarnings(all)).toEqual([
    'monitor fridays ("0 0 13 * 5"): up to 427d pass between two runs, next at 2027-08-13 00:00Z',
    'monitor wrapped ("10-5 * * * *"): up to 5m pass between two runs, usually 1m, next at 2026-11-27 12:01Z',
  ])
  const skips = 'clocks in Europe/Berlin skip a time that it names; it runs when they are set ahead, at 2027-03-28 01:00Z'
  const repeats =
    'clocks in Europe/Berlin are set back at 2027-10-31 01:00Z, so that a time it names comes twice; it runs the first time only'
  expect(scheduleNotes(all)).toEqual([
    `monitor nightly ("30 2 * * *"): ${skips}`,
    `monitor nightly ("30 2 * * *"): ${repeats}`,
    'monitor fridays ("0 0 13 * 5"): on the 13th of the month, if it is a Friday; both must match',
    'monitor wrapped ("10-5 * * * *"): 10-5 wraps around: 56 minutes of each hour, out of 60',
    `digest ("30 2 * * 0"): ${skips}`,
    `digest ("30 2 * * 0"): ${repeats}`,
  ])
})

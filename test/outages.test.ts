import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatFaults } from '../src/config/fault.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { play } from '../src/simulate/play.ts'
import { storyText } from '../src/simulate/report.ts'

const files = globSync('config/scenarios/outages/*.yaml').sort()

test.for(['2020-06-12', '2020-11-25', '2021-06-18', '2021-12-07', '2025-10-20'])('%s is told', (day) => {
  expect(files.filter((file) => file.includes(day))).not.toEqual([])
})

/** Real outages of AWS, as facts: what Alibi does in each. */
test.for(files)('%s', async (file) => {
  const parsed = parseScenario(readFileSync(file, 'utf8'), file)
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults, file))
  expect(parsed.scenario.expectations.some(({ what }) => what === 'mails')).toBe(true)
  const played = await play(parsed.scenario)
  expect(played.passed ? '' : storyText(played)).toBe('')
})

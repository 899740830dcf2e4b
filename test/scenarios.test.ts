import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatFaults } from '../src/config/fault.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { play } from '../src/simulate/play.ts'
import { storyText } from '../src/simulate/report.ts'

/** Stories of what once went wrong, each named after what it shows. Those that users learn from stand in config/scenarios. */
const files = globSync('test/scenarios/*.yaml').sort()

test('there are scenarios to play', () => expect(files.length).toBeGreaterThan(0))

test.for(files)('%s', async (file) => {
  const parsed = parseScenario(readFileSync(file, 'utf8'), file)
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults, file))
  const played = await play(parsed.scenario)
  expect(played.passed ? '' : storyText(played)).toBe('')
})

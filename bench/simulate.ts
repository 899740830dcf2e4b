import { parseScenario } from '../src/simulate/parse.ts'
import { type PlayOptions, play } from '../src/simulate/play.ts'
import type { Scenario } from '../src/simulate/scenario.ts'
import type { Bench } from './bench.ts'
import { rounded } from './figure.ts'

const DAY_MIN = 1_440
/** One in so many days. */
const OUTAGE_EVERY_DAYS = 18
const OUTAGE_MIN = 45

/** A long story of one probe that runs every minute, with some outages: as it is played, and with each run of it played. */
export const simulate: Bench = async ({ size, say }) => {
  const { yearDays, wholeDays } = size.simulate
  await cpuMsOf(storyOf(1), {})
  const year = await cpuMsOf(storyOf(yearDays), {})
  say(`${yearDays} days: ${Math.round(year)} ms of CPU`)
  const part = await cpuMsOf(storyOf(wholeDays), {})
  const whole = await cpuMsOf(storyOf(wholeDays), { isWhole: true })
  return [
    { name: 'simulateMs', what: `simulate ${yearDays} days of minutes, CPU`, value: Math.round(year), unit: 'ms' },
    {
      name: 'simulateRatio',
      what: `simulate ${wholeDays} days: with leaps against every run played`,
      value: rounded(part / whole, 3),
      unit: '×',
      note: `${Math.round(part)} ms and ${Math.round(whole)} ms of CPU`,
    },
  ]
}

function storyOf(days: number): Scenario {
  const outages = Math.max(1, Math.round(days / OUTAGE_EVERY_DAYS))
  const events = Array.from({ length: outages }, (_, i) => {
    const at = Math.round(((i + 0.5) * days * DAY_MIN) / outages)
    return `  - { at: ${at}m, account: 503-html }\n  - { at: ${at + OUTAGE_MIN}m, account: ok }`
  })
  const text = `title: long\nstart: 2026-01-01T00:00:00Z\nlength: ${days}d\nevents:\n${events.join('\n')}\nexpect: [{ mails: ${2 * outages} }]\n`
  const parsed = parseScenario(text, 'long.yaml')
  if (!parsed.ok) throw new Error(parsed.faults[0]?.message)
  return parsed.scenario
}

/** @throws {Error} if the story does not go as expected */
async function cpuMsOf(scenario: Scenario, options: PlayOptions): Promise<number> {
  const before = process.cpuUsage()
  const { failures } = await play(scenario, options)
  if (failures[0] !== undefined) throw new Error(`${failures[0].expected}: ${failures[0].found}`)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

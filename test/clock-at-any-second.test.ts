import { describe, expect, test } from 'vitest'
import { formatFaults } from '../src/config/fault.ts'
import type { MailKind } from '../src/domain/notification.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { play } from '../src/simulate/play.ts'
import type { Happening, Scenario } from '../src/simulate/scenario.ts'
import { LONG } from './long.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** A jump makes every probe of an open incident run once more before any email: this is how much later one may come. */
const LATER_AT_MOST = 90 * SECOND
/** Seven has no factor in common with a minute's seconds, so that odd and even ones, and those just after a fire, have their turn. */
const STEP = 7

const head = 'title: t\nstart: 2026-03-02T12:00:00Z\n'

/** Stories in which no time that AWS gave decides: then the clock makes no difference, whenever it is set and how far. */
const STORIES: Readonly<Record<string, Readonly<{ around: number; mayDie?: false; yaml: string }>>> = {
  'a streak, a threshold, a mail that waits, an event that comes and vanishes': {
    around: 10 * MINUTE + 20 * SECOND,
    yaml: `${head}length: 1h10m
events:
  - { at: 5m, smtp: down }
  - { at: 10m, account: InternalServerException }
  - { at: 11m30s, smtp: up }
  - { at: 20m, health: publish, event: { id: iam, service: IAM, region: us-east-1, text: x } }
  - { at: 30m, health: withdraw, id: iam }
  - { at: 1h, account: ok }
`,
  },
  'runs that last long, while AWS explains them; then nobody can be asked': {
    around: 20 * MINUTE,
    yaml: `${head}length: 1h
config: { policy: { holdAtMost: 4h } }
events:
  - { at: 5m, health: publish, event: { id: iam, service: IAM, region: us-east-1, text: x } }
  - { at: 10m, account: timeout }
  - { at: 25m, health: unavailable }
  - { at: 25m, dashboard: unavailable }
  - { at: 50m, account: ok }
`,
  },
  'a wait that ends, reminders, recovery': {
    around: 19 * MINUTE + 30 * SECOND,
    yaml: `${head}length: 1h40m
config: { policy: { wait: 10m, remindEvery: 30m }, recipients: { oncall: { to: [oncall@example.com] }, boss: { to: [boss@example.com], after: 15m } } }
events:
  - { at: 10m, account: reset }
  - { at: 1h30m, account: ok }
`,
  },
  'a silence that was asked for, an acknowledgement, a fire of an hourly schedule': {
    // Not at the very moment of the fire: the clock that leaps over it has no such fire.
    around: 59 * MINUTE + 30.5 * SECOND,
    mayDie: false,
    yaml: `${head}length: 2h30m
config:
  policy: { remindEvery: 20m }
  monitors: [{ name: m, spread: 0s }, { name: hourly, spread: 0s, schedule: "0 * * * *", operations: [ListRegions], fail: 2 }]
events:
  - { at: 5m, silence: { for: 20m, reason: drill } }
  - { at: 10m, account: { operation: GetAccountInformation, answer: InternalServerException } }
  - { at: 30m, ack: last }
  - { at: 58m, silence: { monitor: hourly, for: 15m, reason: drill } }
  - { at: 59m, account: { operation: ListRegions, answer: timeout } }
  - { at: 2h, account: ok }
`,
  },
  'our own network, for twenty minutes': {
    around: 15 * MINUTE,
    yaml: `${head}length: 50m
events:
  - { at: 10m, network: down }
  - { at: 30m, network: up }
  - { at: 40m, account: InternalServerException }
`,
  },
}

function scenarioOf(yaml: string): Scenario {
  const parsed = parseScenario(yaml, 'story')
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults, 'story'))
  return parsed.scenario
}

async function mailsOf(scenario: Scenario): Promise<readonly Readonly<{ kind: MailKind; at: number }>[]> {
  const { delivered, failures } = await play(scenario)
  expect(failures).toEqual([])
  return delivered.filter(({ again }) => !again).map(({ kind, at }) => ({ kind, at }))
}

type Way = Readonly<{ what: string; byMs: number; diesAfter: number | null }>
const WAYS: readonly Way[] = [
  { what: 'set ahead by three hours', byMs: 3 * HOUR, diesAfter: null },
  { what: 'set back by three hours', byMs: -3 * HOUR, diesAfter: null },
  { what: 'set ahead by three hours, and Alibi dies at once', byMs: 3 * HOUR, diesAfter: SECOND },
  { what: 'set back by three hours, and Alibi dies at once', byMs: -3 * HOUR, diesAfter: SECOND },
  { what: 'set back by three hours, and Alibi dies soon after', byMs: -3 * HOUR, diesAfter: 31 * SECOND },
]

function happeningsOf({ byMs, diesAfter }: Way, at: number): readonly Happening[] {
  const jump: Happening = { at, deed: { verb: 'clock', byMs } }
  if (diesAfter === null) return [jump]
  const death = at + diesAfter
  return [
    jump,
    { at: death, deed: { verb: 'daemon', order: 'kill' } },
    { at: death + 5 * SECOND, deed: { verb: 'daemon', order: 'start' } },
  ]
}

describe.for(Object.entries(STORIES))('%s', ([, { around, mayDie, yaml }]) => {
  const scenario = scenarioOf(yaml)
  const ways = WAYS.filter(({ diesAfter }) => diesAfter === null || mayDie !== false)
  test.for(ways)('the clock is $what, at any second of a minute', { timeout: 120_000 }, async (way) => {
    const plain = await mailsOf(scenario)
    expect(plain.length).toBeGreaterThan(0)
    for (let second = 0; second < 60; second += LONG && way.diesAfter === null ? 1 : STEP) {
      const at = around + second * SECOND
      const happenings = [...scenario.happenings, ...happeningsOf(way, at)].toSorted((a, b) => a.at - b.at)
      const mails = await mailsOf({ ...scenario, happenings })
      const when = `set at +${at / SECOND}s`
      expect(
        mails.map(({ kind }) => kind),
        when,
      ).toEqual(plain.map(({ kind }) => kind))
      for (const [i, mail] of mails.entries()) {
        const late = mail.at - (plain[i]?.at ?? 0)
        expect(Math.abs(late), `${when}: ${mail.kind}`).toBeLessThanOrEqual(LATER_AT_MOST)
      }
    }
  })
})

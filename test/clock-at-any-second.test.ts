import { describe, expect, test } from 'vitest'
import { formatFaults } from '../src/config/fault.ts'
import type { MailKind } from '../src/domain/notification.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { play } from '../src/simulate/play.ts'
import type { Scenario } from '../src/simulate/scenario.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** A jump makes every probe of an open incident run once more before anything is said: so much later a mail may come. */
const LATER_AT_MOST = 90 * SECOND

const head = 'title: t\nstart: 2026-03-02T12:00:00Z\n'

/** Stories in which no time that AWS gave decides: then the clock makes no difference, whenever it is set and how far. */
const STORIES: Readonly<Record<string, Readonly<{ around: number; yaml: string }>>> = {
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

describe.for(Object.entries(STORIES))('%s', ([, { around, yaml }]) => {
  const scenario = scenarioOf(yaml)
  test.for([3 * HOUR, -3 * HOUR])('the clock is set by %i ms, at any second of a minute', async (byMs) => {
    const plain = await mailsOf(scenario)
    expect(plain.length).toBeGreaterThan(0)
    for (let second = 0; second < 60; second++) {
      const at = around + second * SECOND
      const happenings = [...scenario.happenings, { at, deed: { verb: 'clock' as const, byMs } }].toSorted((a, b) => a.at - b.at)
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

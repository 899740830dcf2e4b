// Leaping over what is quiet makes no difference: each drawn story is played with leaps and run by run. `LEAPS=1000` draws more.
import { expect, test } from 'vitest'
import { formatFaults } from '../src/config/fault.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { type PlayOptions, play } from '../src/simulate/play.ts'
import type { Scenario } from '../src/simulate/scenario.ts'
import { Dice } from './history/dice.ts'

const STORIES = Number(process.env['LEAPS'] ?? 3)
/** A digest falls due just before the story could leap. */
const LATE_DIGEST = 30
const HOURS = 14

const MONITORS = [
  '{ name: a, spread: 0s }',
  '{ name: a, spread: 0s, accounts: ["111111111101", "111111111102", "111111111103"] }',
  '{ name: a, spread: 0s, schedule: "*/2 * * * *" }, { name: b, spread: 0s, schedule: "30 */2 * * * *", operations: [ListRegions] }',
  '{ name: a, spread: 0s }, { name: b, spread: 0s, schedule: "7-59/20 * * * *", operations: [ListRegions] }',
  '{ name: a, spread: 0s, schedule: "*/2 8-16 * * *" }',
  '{ name: a, spread: 0s, fail: { count: 2, of: 5 } }, { name: b, spread: 0s, operations: [ListRegions], recover: 5 }',
  '{ name: a, spread: 0s }, { name: b, schedule: "*/5 * * * *", spread: 20s, operations: [ListRegions] }',
]
const POLICIES = ['{}', '{ wait: 10m, lookback: 3h }', '{ blindAfter: 40m }', '{ reopenWithin: 2h, remindEvery: 1h }']
const DIGESTS = ['', 'digest: { schedule: "17 */5 * * *", to: [oncall] }']
const HEALTH = ['{}', '{ idleEvery: 6m }', '{ api: false, idleEvery: 40m }', '{ dashboard: false }']

/** Something that happens, and what ends it, some minutes later. */
const TROUBLES: readonly (readonly [string, string])[] = [
  ['account: InternalServerException', 'account: ok'],
  ['account: timeout', 'account: ok'],
  ['account: AccessDeniedException', 'account: ok'],
  ['account: { operation: GetAccountInformation, answer: 503-html }', 'account: ok'],
  ['account: "429"', 'account: ok'],
  ['network: down', 'network: up'],
  ['smtp: down', 'smtp: up'],
  ['health: unavailable', 'health: ok'],
  ['health: subscription-required', 'health: ok'],
  ['dashboard: unavailable', 'dashboard: ok'],
  ['disk: full', 'disk: ok'],
  ['daemon: kill', 'daemon: start'],
  ['daemon: stop', 'daemon: start'],
  ['clock: +2h', 'clock: -50m'],
  ['silence: { for: 1h, reason: planned }', 'account: InternalServerException'],
  ['health: publish, event: { id: iam, service: IAM, region: us-east-1, text: Errors }', 'health: close, id: iam'],
  ['health: publish, event: { id: org, service: ORGANIZATIONS, region: us-east-1, text: Errors }', 'account: timeout'],
]

/** Troubles of up to an hour, with hours between them. */
function drawn(seed: number): Scenario {
  const dice = new Dice(seed)
  const second = () => dice.between(0, 59)
  const events: string[] = []
  for (let at = dice.between(0, 400); at < (HOURS - 1) * 60; at += dice.between(60, 600)) {
    const [begin, end] = dice.pick(TROUBLES).map((deed) => deed.replace(/id: (\w+)/, `id: $1-${events.length}`))
    const ends = at + dice.between(1, 60)
    events.push(`{ at: ${at}m${second()}s, ${begin} }`, `{ at: ${ends}m${second()}s, ${end} }`)
    at = ends
    if (end === 'account: ok') continue
    at += dice.between(1, 30)
    events.push(`{ at: ${at}m${second()}s, account: ok }`)
  }
  const source = [
    `title: drawn from ${seed}`,
    `start: 2026-10-25T0${dice.between(0, 9)}:${dice.pick(['00:00', '12:00', '29:47'])}Z`,
    `length: ${HOURS}h`,
    'config:',
    `  monitors: [${dice.pick(MONITORS)}]`,
    `  policy: ${dice.pick(POLICIES)}`,
    `  health: ${dice.pick(HEALTH)}`,
    ...[dice.pick(DIGESTS)].filter((line) => line !== '').map((line) => `  ${line}`),
    'events:',
    ...events.map((event) => `  - ${event}`),
    'expect: [{ mails: 0 }]',
  ].join('\n')
  const parsed = parseScenario(source, `drawn-${seed}.yaml`)
  if (!parsed.ok) throw new Error(`${formatFaults(parsed.faults, 'drawn')}\n${source}`)
  return parsed.scenario
}

/** The whole story, and into how many steps it was divided: every leap makes them fewer. */
async function told(scenario: Scenario, options: PlayOptions) {
  let steps = 0
  const onProgress = () => {
    steps += 1
  }
  const { delivered, timeline, failures, omitted } = await play(scenario, { ...options, onProgress })
  const emails = delivered.map(({ at, kind, mail, to, again }) => ({ at, kind, to, again, mail }))
  return { steps, story: { emails, timeline, failures, omitted } }
}

test('drawn stories are the same with leaps and without', { timeout: 60_000 + STORIES * 10_000 }, async () => {
  const steps = { leaping: 0, whole: 0 }
  const seeds = [LATE_DIGEST, ...Array.from({ length: STORIES }, (_, i) => i + 1)]
  for (const seed of seeds) {
    const scenario = drawn(seed)
    const whole = await told(scenario, { isWhole: true })
    const leaping = await told(scenario, {})
    expect(leaping.story, `seed ${seed}`).toEqual(whole.story)
    steps.leaping += leaping.steps
    steps.whole += whole.steps
  }
  expect(steps.leaping, 'they leap').toBeLessThan(0.9 * steps.whole)
})

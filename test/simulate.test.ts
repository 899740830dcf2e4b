import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { formatFaults } from '../src/config/fault.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { play } from '../src/simulate/play.ts'
import { failureText, storyText } from '../src/simulate/report.ts'
import type { Scenario } from '../src/simulate/scenario.ts'

const files = globSync('config/scenarios/*.yaml').sort()

function scenarioOf(source: string, file: string): Scenario {
  const parsed = parseScenario(source, file)
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults, file))
  return parsed.scenario
}

test('there are scenarios to play', () => expect(files.length).toBeGreaterThanOrEqual(12))

describe('config/scenarios', () => {
  test.for(files)('%s', async (file) => {
    const scenario = scenarioOf(readFileSync(file, 'utf8'), file)
    expect(
      scenario.expectations.some(({ what }) => what === 'mails'),
      'it counts the mails',
    ).toBe(true)
    const played = await play(scenario)
    expect(played.passed ? '' : storyText(played)).toBe('')
  })
})

/** The shortest story with an email in it, and expectations that are wrong in one way each. */
const story = (expectation: string, events = '') => `
title: wrong
start: 2026-03-02T12:00:00Z
length: 1h
events:
  - { at: 1m, health: publish, event: { id: far, service: IAM, region: eu-west-1, text: trouble } }
  - { at: 10m, account: InternalServerException }
${events}
expect:
  - ${expectation}
`

describe('an expectation that is not met is shown with what happened instead', () => {
  test.for<[string, string, string]>([
    ['a mail too early', '{ mail: failing, between: [20m, 30m] }', 'failing came at +00:10:4'],
    ['a mail of another kind', '{ mail: blind, between: [10m, 30m] }', 'no mail of this kind: failing at +00:10:4'],
    ['a mail to somebody else', '{ mail: failing, between: [10m, 30m], to: boss@example.com }', 'only to oncall@example.com'],
    [
      'a mail that says something else',
      '{ mail: failing, between: [10m, 30m], contains: a flood }',
      'does not contain that: "FAILING',
    ],
    ['one mail too many', '{ mails: 0 }', '1 mail: failing at +00:10:4'],
    ['one mail too few', '{ mails: 2 }', '1 mail: failing at +00:10:4'],
    ['a mail where there should be none', '{ no-mail: { between: [10m, 11m] } }', '1 mail: failing at +00:10:4'],
    ['another verdict', '{ verdict: explained, at: 20m }', 'is unexplained'],
    ['a verdict on nothing', '{ verdict: explained, at: 5m }', 'no incident of an outage is open then'],
    ['an incident that is not there', '{ incident: open, at: 5m }', 'no incident is open then'],
    ['an incident that lasts', '{ incident: closed, at: 20m }', 'is announced'],
    ['a silence that is none', '{ suppressed: { by: far, between: [11m, 20m] } }', 'is announced (unexplained)'],
    ['a silence before it began', '{ suppressed: { by: far, between: [5m, 20m] } }', 'no incident is open at +00:05:00'],
  ])('%s', async ([, expectation, found]) => {
    const played = await play(scenarioOf(story(expectation), 'wrong.yaml'))
    expect(played.passed).toBe(false)
    expect(played.failures).toHaveLength(1)
    expect(played.failures[0]?.found).toContain(found)
    const [where] = failureText(played.failures[0]!, 'wrong.yaml')
    expect(where).toBe('  wrong.yaml:10')
    expect(storyText(played)).toContain('✗ failed: 1 expectation, 1 mail')
  })

  test('a silence that ends too early', async () => {
    const silent = story(
      '{ suppressed: { by: near, between: [12m, 50m] } }',
      '  - { at: 2m, health: publish, event: { id: near, service: IAM, region: us-east-1 } }\n  - { at: 20m, health: close, id: near }',
    )
    const played = await play(scenarioOf(silent, 'wrong.yaml'))
    expect(played.failures.map(({ found }) => found)).toEqual([
      expect.stringMatching(/^at \+00:36:\S+ #\w{4} is announced \(unexplained\)$/),
    ])
  })

  test('an acknowledgement of nothing', async () => {
    const played = await play(scenarioOf(story('{ mails: 1 }', '  - { at: 5m, ack: last }'), 'later.yaml'))
    expect(played.failures.map((failure) => failure.found)).toEqual(['no incident is open'])
  })
})

test('the same scenario is played the same way each time', async () => {
  const file = 'config/scenarios/flapping.yaml'
  const [one, other] = [
    await play(scenarioOf(readFileSync(file, 'utf8'), file)),
    await play(scenarioOf(readFileSync(file, 'utf8'), file)),
  ]
  expect(storyText(one)).toBe(storyText(other))
})

test('an email that was accepted but not recorded arrives twice, under one Message-ID, and counts once', async () => {
  const file = 'config/scenarios/killed-between-mail-and-record.yaml'
  const { delivered } = await play(scenarioOf(readFileSync(file, 'utf8'), file))
  expect(delivered.map(({ kind, again }) => [kind, again])).toEqual([
    ['failing', false],
    ['failing', true],
    ['recovered', false],
  ])
  expect(delivered[1]?.mail.messageId).toBe(delivered[0]?.mail.messageId)
})

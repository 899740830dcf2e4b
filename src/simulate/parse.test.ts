import { describe, expect, test } from 'vitest'
import { formatFaults } from '../config/fault.ts'
import { parseScenario } from './parse.ts'

const HEAD = 'title: t\nstart: 2026-03-02T12:00:00Z\nlength: 1h\n'

function faultsOf(source: string): string {
  const parsed = parseScenario(source, 's.yaml')
  return parsed.ok ? '' : formatFaults(parsed.faults, 's.yaml')
}

function scenarioOf(source: string) {
  const parsed = parseScenario(source, 's.yaml')
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults, 's.yaml'))
  return parsed.scenario
}

/** What is wrong, the file, and the line that says so. */
const FAULTS: readonly (readonly [string, string, string])[] = [
  ['an empty file', '', 's.yaml:1:1  the file is empty: a scenario needs `title`, `start` and `length`'],
  ['no mapping', '- a\n', 's.yaml:1:1  expected a mapping with `title`, `start`, `length`, `events`, `expect`'],
  [
    'no length',
    'title: t\nstart: 2026-03-02T12:00:00Z\n',
    's.yaml:1:1  length: required: expected a duration such as `9m`, `2h44m` or `30s`',
  ],
  ['a length without a unit', HEAD.replace('1h', '60'), 's.yaml:3:9  length: a duration needs a unit; did you mean `60s`?'],
  ['a length of years', HEAD.replace('1h', '900d'), 's.yaml:3:9  length: expected a duration from 1ms to 366d, found `900d`'],
  [
    'a start without a zone',
    HEAD.replace('00Z', '00'),
    's.yaml:2:8  start: expected a time such as `2025-10-20T06:40:00Z`, found `2026-03-02T12:00:00`',
  ],
  ['a misspelt key', `${HEAD}evnets: []\n`, 's.yaml:4:1  evnets: unknown key; did you mean `events`?'],
  [
    'a section of the configuration',
    `${HEAD}mail: { subject: stateful }\n`,
    's.yaml:4:1  mail: unknown key; it belongs in `config`',
  ],
  ['a key of such a section', `${HEAD}holdAtMost: 1h\n`, 's.yaml:4:1  holdAtMost: unknown key; it belongs in `config.policy`'],
  [
    'a section of the configuration within another',
    `${HEAD}config:\n  policy: { mail: { subject: stateful } }\n`,
    's.yaml:5:13  policy.mail: unknown key; it belongs in `config`',
  ],
  [
    'the same in a changed one',
    `${HEAD}events:\n  - { at: 1m, reload: { policy: { attempts: 2 } } }\n`,
    's.yaml:5:35  policy.attempts: unknown key; it belongs in `events[0].reload.monitors[]`',
  ],
  [
    'a misspelt answer',
    `${HEAD}events:\n  - { at: 9m, account: InternalServerExeption }\n`,
    's.yaml:5:24  events[0].account: expected one of `ok`, `InternalServerException`, `500`, `503-html`, `200-garbage`, `timeout`, `reset`, `refused`, `429`, `AccessDeniedException`, `ValidationException`, `ResourceNotFoundException`, `ExpiredTokenException`, `sts-500`, `no-such-name`, `bad-certificate`, `proxy-407`, or `{ operation, account, answer }`, found `InternalServerExeption`; did you mean `InternalServerException`?',
  ],
  [
    'a misspelt verb',
    `${HEAD}events:\n  - { at: 9m, acount: ok }\n`,
    's.yaml:5:15  events[0].acount: unknown key; did you mean `account`?',
  ],
  [
    'nothing that happens',
    `${HEAD}events:\n  - { at: 9m }\n`,
    's.yaml:5:5  events[0]: nothing happens here: expected `account`, `service`, `health`, `dashboard`, `queue`, `network`, `smtp`, `disk`, `daemon`, `reload`, `clock`, `silence` or `ack`',
  ],
  [
    'two things at once',
    `${HEAD}events:\n  - { at: 9m, account: ok, smtp: up }\n`,
    's.yaml:5:28  events[0].smtp: only one thing happens in an event, and `account` is here already',
  ],
  [
    'a verdict after the end',
    `${HEAD}expect:\n  - { verdict: explained, at: 70m }\n`,
    's.yaml:5:31  expect[0].at: `70m`: it is outside the story, which lasts 1h (make `length` longer)',
  ],
  [
    'before the story',
    `${HEAD}events:\n  - { at: 2026-03-02T11:00:00Z, account: ok }\n`,
    's.yaml:5:11  events[0].at: `2026-03-02T11:00:00Z`: it is outside the story, which lasts 1h',
  ],
  [
    'a silence over a monitor that is not there',
    `${HEAD}events:\n  - { at: 20m, silence: { monitor: defualt, for: 1h, reason: we know } }\n`,
    's.yaml:5:36  events[0].silence.monitor: `defualt`: there is no monitor of this name then; did you mean `default`?',
  ],
  [
    'a silence over a monitor that is not there any more',
    `${HEAD}events:\n  - { at: 5m, reload: { monitors: [{ name: m }] } }\n  - { at: 20m, silence: { monitor: default, for: 1h, reason: we know } }\n`,
    's.yaml:6:36  events[1].silence.monitor: `default`: there is no monitor of this name then',
  ],
  [
    'a silence over accounts of which one is not there',
    `${HEAD}events:\n  - { at: 20m, silence: { account: [self, "111122223333"], for: 1h, reason: we know } }\n`,
    's.yaml:5:43  events[0].silence.account[1]: `111122223333`: no probe asks for this account then',
  ],
  [
    'a silence over an operation that nobody calls',
    `${HEAD}events:\n  - { at: 20m, silence: { operation: GetContactInfo, for: 1h, reason: we know } }\n`,
    's.yaml:5:38  events[0].silence.operation: `GetContactInfo`: no probe calls this operation then; did you mean `GetContactInformation`?',
  ],
  [
    'a silence that covers nothing',
    `${HEAD}config: { monitors: [{ name: a }, { name: b, accounts: ["111122223333"] }] }\nevents:\n  - { at: 20m, silence: { monitor: a, account: "111122223333", for: 1h, reason: we know } }\n`,
    's.yaml:6:16  events[0].silence: it would cover nothing: no probe matches all of it then',
  ],
  [
    'a silence that begins before it is ordered',
    `${HEAD}events:\n  - { at: 20m, silence: { from: 10m, for: 1h, reason: we know } }\n`,
    's.yaml:5:33  events[0].silence.from: `10m`: this time is in the past; without it, the silence begins at once',
  ],
  [
    'a silence without an end that anybody will see',
    `${HEAD}events:\n  - { at: 20m, silence: { for: 1000h, reason: we know } }\n`,
    's.yaml:5:32  events[0].silence.for: expected a duration of at most 30d, found `1000h`',
  ],
  [
    'an answer to a call that nobody makes',
    `${HEAD}events:\n  - { at: 9m, account: { operation: ListRegions, answer: ok } }\n`,
    's.yaml:5:37  events[0].account.operation: `ListRegions`: no probe makes this call: expected `GetContactInformation`',
  ],
  [
    'an answer for an account that nobody asks for',
    `${HEAD}events:\n  - { at: 9m, account: { account: "111122223333", answer: ok } }\n`,
    's.yaml:5:35  events[0].account.account: `111122223333`: no probe asks for this account: expected `self`',
  ],
  [
    'an update of nothing',
    `${HEAD}events:\n  - { at: 1m, health: publish, event: { id: big, service: IAM } }\n  - { at: 9m, health: update, id: bug }\n`,
    's.yaml:6:35  events[1].id: `bug`: no event of this id was published before; did you mean `big`?',
  ],
  [
    'an event without a service',
    `${HEAD}events:\n  - { at: 1m, health: publish, event: { id: big } }\n`,
    's.yaml:5:39  events[0].event: it needs its `service`',
  ],
  [
    'an event twice',
    `${HEAD}events:\n  - { at: 1m, health: publish, event: { id: big, service: IAM } }\n  - { at: 2m, health: publish, event: { id: big, service: IAM } }\n`,
    's.yaml:6:45  events[1].event.id: `big`: an event of this id was published before',
  ],
  [
    'a start of what runs',
    `${HEAD}events:\n  - { at: 1m, daemon: start }\n`,
    's.yaml:5:23  events[0].daemon: `start`: the daemon is running already',
  ],
  [
    'a second kill',
    `${HEAD}events:\n  - { at: 1m, daemon: kill }\n  - { at: 2m, daemon: kill }\n`,
    's.yaml:6:23  events[1].daemon: `kill`: the daemon is not running',
  ],
  [
    'a jump nowhere',
    `${HEAD}events:\n  - { at: 1m, clock: 3h }\n`,
    's.yaml:5:22  events[0].clock: expected a jump such as `+3h` or `-20m`, found `3h`',
  ],
  [
    'an account that YAML took for a number',
    `${HEAD}events:\n  - { at: 1m, account: { account: 111122223333, answer: ok } }\n`,
    's.yaml:5:35  events[0].account.account: expected `self` or twelve digits in quotes, found `111122223333`',
  ],
  [
    'a mail without a span',
    `${HEAD}expect:\n  - { mail: failing }\n`,
    's.yaml:5:5  expect[0]: `mail` needs `between`: when it is delivered',
  ],
  [
    'an unknown mail',
    `${HEAD}expect:\n  - { mail: faling, between: [1m, 2m] }\n`,
    's.yaml:5:13  expect[0].mail: expected one of `failing`, `wider`, `escalated`, `reminder`, `now-explained`, `still-failing`, `recovered`, `flapping`, `dropped`, `blind`, `misconfigured`, `offline`, `digest`, `test`, found `faling`; did you mean `failing`?',
  ],
  [
    'a span backwards',
    `${HEAD}expect:\n  - { mail: failing, between: [2m, 1m] }\n`,
    's.yaml:5:31  expect[0].between: it ends before it begins',
  ],
  [
    'a span of one',
    `${HEAD}expect:\n  - { mail: failing, between: [2m] }\n`,
    's.yaml:5:31  expect[0].between: expected two moments such as `[9m, 12m]`, found a list',
  ],
  [
    'a silence by nothing',
    `${HEAD}expect:\n  - { suppressed: { by: big, between: [1m, 2m] } }\n`,
    's.yaml:5:25  expect[0].suppressed.by: `big`: no event of this id is published',
  ],
  ['a verdict at no time', `${HEAD}expect:\n  - { verdict: explained }\n`, 's.yaml:5:5  expect[0]: `verdict` needs an `at`'],
  [
    'a fault of the configuration',
    `${HEAD}config:\n  policy: { wiat: 5m }\n`,
    's.yaml:5:13  policy.wiat: unknown key; did you mean `wait`?',
  ],
  [
    'a fault of a changed configuration',
    `${HEAD}events:\n  - { at: 1m, reload: { policy: { wait: 5 } } }\n`,
    's.yaml:5:41  policy.wait: a duration needs a unit; did you mean `5s`?',
  ],
]

describe('a fault is one line with its place and advice', () => {
  test.for(FAULTS)('%s', ([, source, expected]) =>
    expect(faultsOf(source).replace(/(\d {2})(?:config|events\[\d\]\.reload)\./, '$1')).toBe(expected),
  )

  test('all of them at once, in the order of the file', () => {
    const source = `${HEAD}events:\n  - { at: 1m, daemon: start }\n  - { at: 2m, health: close, id: x }\nexpect:\n  - { verdict: explained }\n`
    expect(faultsOf(source).split('\n')).toHaveLength(3)
  })
})

describe('what a scenario says', () => {
  test('without a configuration, the simulator’s own is used', () => {
    const { config } = scenarioOf(HEAD)
    expect(config.monitors.map(({ name, spreadMs, schedule }) => ({ name, spreadMs, schedule }))).toEqual([
      { name: 'default', spreadMs: 0, schedule: '* * * * *' },
    ])
    expect(config.monitors[0]?.probes.map(({ id }) => id)).toEqual(['default/self/GetContactInformation'])
    expect(config.recipients).toEqual([{ name: 'oncall', to: ['oncall@example.com'], afterMs: null }])
    expect(config.policy.holdAtMostMs).toBe(6 * 3_600_000)
  })

  test('mappings are merged, a list replaces a list', () => {
    const { config } = scenarioOf(
      `${HEAD}config:\n  recipients: { boss: { to: [boss@example.com] } }\n  monitors: [{ name: other }]\n`,
    )
    expect(config.recipients.map(({ name }) => name)).toEqual(['oncall', 'boss'])
    expect(config.monitors.map(({ name, spreadMs }) => [name, spreadMs])).toEqual([['other', 10_000]])
  })

  test('moments are durations since the start, or times, and are sorted', () => {
    const { happenings } = scenarioOf(
      `${HEAD}events:\n  - { at: 2026-03-02T12:30:00Z, smtp: down }\n  - { at: 9m, account: 429 }\n`,
    )
    expect(happenings).toEqual([
      { at: 540_000, deed: { verb: 'account', answer: '429', operation: null, account: null } },
      { at: 1_800_000, deed: { verb: 'smtp', state: 'down' } },
    ])
  })

  test('what would happen after the end is left out, with a note; an email may be expected later than the end', () => {
    const { notes } = scenarioOf(
      `${HEAD}events:\n  - { at: 70m, account: ok }\nexpect:\n  - { mail: failing, between: [50m, 70m] }\n`,
    )
    expect(notes).toEqual(['1 event left out: after the end'])
  })

  test("played with the user's configuration, its own is ignored, with a note", () => {
    const own = scenarioOf(HEAD).config
    const parsed = parseScenario(`${HEAD}config: { policy: { wait: 5m } }\n`, 's.yaml', { own })
    expect(parsed.ok && parsed.scenario.config).toBe(own)
    expect(parsed.ok && parsed.scenario.notes).toEqual(['played with your own configuration: its `config` is ignored'])
  })

  test('a silence for a monitor that the user does not have is left out, with a note; answers to calls that nobody makes do no harm', () => {
    const own = scenarioOf(HEAD).config
    const config = 'config: { monitors: [{ name: m, accounts: ["111122223333"] }] }'
    const silence = '{ at: 5m, silence: { monitor: m, for: 1h, reason: we know } }'
    const ofAccount = '{ at: 5m, silence: { account: "111122223333", for: 1h, reason: we know } }'
    const answer = '{ at: 9m, account: { account: "111122223333", answer: ok } }'
    const source = `${HEAD}${config}\nevents:\n  - ${silence}\n  - ${ofAccount}\n  - ${answer}\n`
    expect(scenarioOf(source).happenings.map(({ deed }) => deed.verb)).toEqual(['silence', 'silence', 'account'])
    const parsed = parseScenario(source, 's.yaml', { own })
    expect(parsed.ok && parsed.scenario.happenings.map(({ deed }) => deed.verb)).toEqual(['account'])
    expect(parsed.ok && parsed.scenario.notes.slice(1)).toEqual([
      '1 silence left out: for a monitor that your configuration does not have',
      '1 silence left out: for a probe that your configuration does not have',
    ])
  })
})

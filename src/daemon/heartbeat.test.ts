import { expect, test } from 'vitest'
import type { HealthReading, SourceState } from '../domain/outage.ts'
import { MINUTE_MS, type Partition } from '../domain/probe.ts'
import { MailError, type Mailer } from '../ports/mailer.ts'
import { virtualClock } from '../simulate/clock.ts'
import { HeartbeatLoop } from './heartbeat.ts'

const START = Date.UTC(2026, 2, 4, 12)

/** A heart on a virtual clock, with everything that it listens to in the test's hands. */
function patient(mail: string | null = null) {
  const clock = virtualClock(START)
  const stop = new AbortController()
  const world = {
    beats: [] as (readonly string[])[],
    warnings: [] as string[],
    takes: null as string | null,
    reasons: [] as readonly string[],
    mail,
    mailHangs: false,
    dashboard: 'answered' as SourceState['state'],
    lives: true,
  }
  const mailer: Mailer = {
    send: () => Promise.reject(new Error('nothing is sent here')),
    async verify(signal) {
      if (world.mailHangs) await clock.sleep(Number.MAX_SAFE_INTEGER, signal)
      if (world.mail !== null) throw new MailError(world.mail, { permanent: false, uncertain: false })
      return 'well'
    },
    close: async () => {},
  }
  const source = (state: SourceState['state']): SourceState => ({
    state,
    at: null,
    events: 0,
    skipped: 0,
    detail: state === 'answered' ? '' : 'HTTP 503',
  })
  let reading: HealthReading | null = null
  const log = { error: (m: string) => world.warnings.push(m), warn: (m: string) => world.warnings.push(m), info() {}, debug() {} }
  const heart = new HeartbeatLoop({
    heartbeat: {
      async beat(reasons) {
        world.beats.push(reasons)
        return world.takes
      },
    },
    everyMs: MINUTE_MS,
    clock,
    log,
    mailers: [mailer],
    partitions: ['aws'],
    idleEveryMs: 15 * MINUTE_MS,
    askingMs: 10_000,
    readings: () => new Map<Partition, HealthReading>(reading === null ? [] : [['aws', reading]]),
    reasons: async () => world.reasons,
  })
  const done = heart.run(stop.signal)
  return {
    world,
    clock,
    async minutes(n: number) {
      for (let i = 0; i < n; i++) {
        if (world.lives) {
          heart.cycled()
          heart.wrote()
        }
        if (clock.elapsed() % (5 * MINUTE_MS) === 0)
          reading = {
            partition: 'aws',
            at: clock.now(),
            events: [],
            sources: { api: source('off'), dashboard: source(world.dashboard) },
          }
        await clock.advance(MINUTE_MS)
      }
      return world.beats.at(-1)
    },
    async end() {
      stop.abort()
      await clock.advance(0)
      await done
    },
  }
}

test('a ping is sent once in each interval while Alibi works, and none after the stop', async () => {
  const { world, minutes, end, clock } = patient()
  await minutes(60)
  expect(world.beats).toEqual(Array.from({ length: 61 }, () => []))
  await end()
  await clock.advance(60 * MINUTE_MS)
  expect(world.beats).toHaveLength(61)
  expect(world.warnings).toEqual([])
})

test('a main loop that hangs is reported, and so is its recovery', async () => {
  const { world, minutes, end } = patient()
  await minutes(2)
  world.lives = false
  expect(await minutes(3)).toEqual(['the main loop has not completed a cycle for 4m', 'the database could not be written for 4m'])
  world.lives = true
  expect(await minutes(1)).toEqual([])
  await end()
})

test('AWS Health that has not answered for longer than two of its intervals is reported', async () => {
  const { world, minutes, end } = patient()
  await minutes(6)
  world.dashboard = 'unavailable'
  expect(await minutes(29)).toEqual([])
  expect(await minutes(5)).toEqual([expect.stringMatching(/^AWS Health \(aws\) has not answered for 3\dm: HTTP 503$/)])
  world.dashboard = 'answered'
  expect(await minutes(6)).toEqual([])
  await end()
})

test('a mail server that never worked is reported at once, one that did after a quarter of an hour', async () => {
  const never = patient('535 login refused for oncall@example.com')
  expect(await never.minutes(2)).toEqual(['the mail server could not be used since the start: 535 login refused for (address)'])
  await never.end()

  const { world, minutes, end } = patient()
  await minutes(6)
  world.mail = '421 later'
  expect(await minutes(12)).toEqual([])
  expect(await minutes(6)).toEqual([expect.stringMatching(/^the mail server could not be used for 1\dm: 421 later$/)])
  world.mail = null
  expect(await minutes(2)).toEqual([])
  await end()
})

test('a mail server that hangs does not delay a ping', async () => {
  const { world, minutes, end } = patient()
  world.mailHangs = true
  await minutes(10)
  expect(world.beats.length).toBeGreaterThanOrEqual(9)
  await end()
})

test('a clock that is set causes no report', async () => {
  const { world, minutes, clock, end } = patient()
  await minutes(2)
  clock.jump(5 * 60 * MINUTE_MS)
  expect(await minutes(2)).toEqual([])
  clock.jump(-9 * 60 * MINUTE_MS)
  expect(await minutes(2)).toEqual([])
  expect(world.warnings).toEqual([])
  await end()
})

test('a problem with the other side is logged once, and again when it changes', async () => {
  const { world, minutes, end } = patient()
  world.takes = 'HTTP 404'
  await minutes(20)
  expect(world.warnings).toEqual(['heartbeat ping rejected'])
  world.reasons = ['monitor a has not run for 9m']
  await minutes(20)
  expect(world.warnings).toEqual([
    'heartbeat ping rejected',
    'heartbeat ping rejected',
    'heartbeat reports that Alibi does not work',
  ])
  await end()
})

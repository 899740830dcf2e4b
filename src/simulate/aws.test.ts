import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import type { SourceAnswer } from '../domain/outage.ts'
import type { Outcome } from '../domain/probe.ts'
import type { HealthSource } from '../ports/health.ts'
import type { Answer } from './answers.ts'
import { virtualDashboard, virtualHealthApi, virtualProber } from './aws.ts'
import { virtualClock } from './clock.ts'
import { lifeOn, mortal } from './life.ts'
import { simulatorsConfig } from './merged.ts'
import { World } from './world.ts'

const START = Date.UTC(2026, 2, 2, 12)
const never = new AbortController().signal
const config: Config = simulatorsConfig(START)

function stage() {
  const clock = virtualClock(START)
  const world = new World(() => START + clock.elapsed())
  const life = lifeOn(clock)
  const prober = virtualProber(world, { config, life, random01: () => 0.5, calls: { count: 0, control: null }, ran: () => {} })
  const soon = async <T>(asked: Promise<T>): Promise<T> => {
    await clock.advance(60_000)
    return asked
  }
  const run = (): Promise<Outcome> => soon(prober.run(config.monitors[0]!.probes[0]!, never))
  const ask = (source: HealthSource | null): Promise<SourceAnswer> =>
    soon(source!.ask(clock.now(), clock.now() - 7 * 3_600_000, never))
  return { clock, world, life, prober, run, ask, soon }
}

/** The table of failure kinds in docs/rules.md. */
test.for<[Answer, Outcome['result'], Outcome['kind'], number]>([
  ['ok', 'ok', null, 1],
  ['ResourceNotFoundException', 'ok', null, 1],
  ['InternalServerException', 'failed', 'internal', 3],
  ['500', 'failed', 'internal', 3],
  ['503-html', 'failed', 'internal', 3],
  ['200-garbage', 'failed', 'internal', 3],
  ['sts-500', 'failed', 'internal', 3],
  ['timeout', 'failed', 'unreachable', 3],
  ['reset', 'failed', 'unreachable', 3],
  ['refused', 'failed', 'unreachable', 3],
  ['no-such-name', 'failed', 'unreachable', 3],
  ['bad-certificate', 'failed', 'unreachable', 3],
  ['proxy-407', 'failed', 'unreachable', 3],
  ['AccessDeniedException', 'failed', 'denied', 3],
  ['ValidationException', 'failed', 'invalid', 3],
  ['ExpiredTokenException', 'failed', 'credentials', 3],
  ['429', 'inconclusive', 'throttled', 3],
])('%s comes to %s %s after %i tries', async ([answer, result, kind, tries]) => {
  const { world, run } = stage()
  world.apply({ verb: 'account', answer, operation: null, account: null })
  const outcome = await run()
  expect([outcome.result, outcome.kind, outcome.tries.length]).toEqual([result, kind, tries])
  expect(outcome.control?.reached ?? null).toBe(kind === 'unreachable' ? true : null)
})

test('STS fails in its own region, and Account in its own', async () => {
  const { world, run } = stage()
  world.apply({ verb: 'account', answer: 'sts-500', operation: null, account: null })
  expect((await run()).tries[0]).toMatchObject({ service: 'STS', region: 'us-west-2' })
  world.apply({ verb: 'account', answer: '500', operation: null, account: null })
  expect((await run()).tries[0]).toMatchObject({ service: 'ACCOUNT', region: 'us-east-1' })
})

test('without a network nothing gets through, not even the control call', async () => {
  const { world, run, ask, life } = stage()
  world.apply({ verb: 'network', up: false })
  expect(await run()).toMatchObject({ kind: 'unreachable', control: { reached: false } })
  expect(await ask(virtualHealthApi(world, config, 'aws', life))).toMatchObject({ state: 'unavailable' })
})

test('an answer for one account is for that account only, until an answer for all replaces it', () => {
  const { world } = stage()
  const probe = { id: '', monitor: 'm', account: '111111111101', call: { operation: 'ListRegions', parameter: null } } as const
  world.apply({ verb: 'account', answer: '500', operation: null, account: '111111111101' })
  expect([world.answerTo(probe), world.answerTo({ ...probe, account: 'self' })]).toEqual(['500', 'ok'])
  world.apply({ verb: 'account', answer: 'ok', operation: null, account: null })
  expect(world.answerTo(probe)).toBe('ok')
})

test('both sources show an event, each what it knows; a service that leaves the list has recovered', async () => {
  const { world, ask, life, clock } = stage()
  const [api, dashboard] = [virtualHealthApi(world, config, 'aws', life), virtualDashboard(world, config, 'aws', life)]
  const event = { service: 'MULTIPLE_SERVICES', region: 'us-east-1', text: 'first', impacted: ['account', 'IAM'] }
  world.apply({ verb: 'publish', id: 'big', event })
  await clock.advance(60_000)
  const updatedAt = world.now()
  world.apply({ verb: 'update', id: 'big', event: { text: 'second', impacted: ['iam'] } })
  const code = 'AWS_MULTIPLE_SERVICES_OPERATIONAL_ISSUE'
  const common = {
    arn: world.board.arnOf('big'),
    code,
    status: 'open',
    startedAt: START,
    updatedAt,
    endedAt: null,
    category: 'issue',
    scope: 'PUBLIC',
  }
  expect(await ask(api)).toMatchObject({ events: [{ ...common, text: 'second', impacted: null, sources: ['api'] }] })
  const impacted = [
    { key: 'account', resolvedAt: updatedAt },
    { key: 'iam', resolvedAt: null },
  ]
  expect(await ask(dashboard)).toMatchObject({ events: [{ ...common, text: 'first\nsecond', impacted, sources: ['dashboard'] }] })
  world.apply({ verb: 'close', id: 'big', event: {} })
  expect(await ask(dashboard)).toMatchObject({ events: [{ status: 'closed' }] })
  world.apply({ verb: 'withdraw', id: 'big' })
  expect(await ask(api)).toMatchObject({ state: 'answered', events: [] })
})

test('an API that refuses is asked again only after a day; the dashboard does not show events of one account', async () => {
  const { world, ask, life, clock } = stage()
  const api = virtualHealthApi(world, config, 'aws', life)
  world.apply({ verb: 'api', state: 'subscription-required' })
  expect(await ask(api)).toMatchObject({ state: 'refused' })
  world.apply({ verb: 'api', state: 'ok' })
  world.apply({ verb: 'publish', id: 'ours', event: { service: 'ACCOUNT', region: 'us-east-1', scope: 'ACCOUNT_SPECIFIC' } })
  expect(await ask(api)).toMatchObject({ state: 'refused' })
  await clock.advance(24 * 3_600_000)
  expect(await ask(api)).toMatchObject({ state: 'answered', events: [{ scope: 'ACCOUNT_SPECIFIC', owners: ['self@chain||'] }] })
  expect(await ask(virtualDashboard(world, config, 'aws', life))).toMatchObject({ events: [] })
})

test('a process that was killed never gets an answer, and writes nothing', async () => {
  const { clock, life } = stage()
  const heard: string[] = []
  void life.sleep(1_000, never).then(() => heard.push('slept'))
  const port = mortal({ write: async () => void heard.push('written') }, life)
  await port.write()
  life.end()
  void port.write()
  void life.sleep(0, never).then(() => heard.push('slept'))
  await clock.advance(5_000)
  expect(heard).toEqual(['written'])
})

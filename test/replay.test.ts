/*
 * The public dashboard's polls of twenty months, as they were recorded: events appear, are edited, dated anew, dated ahead of
 * now, withdrawn, come back; five polls had an empty body. A probe fails on and off all the while, and is judged each minute
 * by the real reader, reading and incident code.
 */
import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { chance } from '../bench/verdicts/chance.ts'
import { type Poll, readPolls } from '../bench/verdicts/polls.ts'
import { runOf, Watch } from '../bench/verdicts/watch.ts'
import { dashboard } from '../src/adapters/aws/dashboard.ts'
import type { Incident } from '../src/domain/incident.ts'
import type { LedgerRow } from '../src/domain/ledger.ts'
import type { HealthReading, SourceAnswer } from '../src/domain/outage.ts'
import { HOUR_MS, type Instant, MINUTE_MS } from '../src/domain/probe.ts'
import { admit, join, type Memory, NOTHING_HELD } from '../src/domain/reading.ts'
import type { Setup } from '../src/domain/setup.ts'
import { httpAnswer } from './fakes/http-answer.ts'
import { setup } from './given.ts'

const FILE = '../shared/data/dashboard-polls-2020-11-to-2022-06.jsonl.gz'
/** The dashboard is asked so often, and at each recorded change. */
const ASKED_EVERY_MS = 15 * MINUTE_MS
/** It is watched so long after everything has gone; stretches in which it says nothing for longer are left out. */
const AFTERWARDS_MS = HOUR_MS

/** What a probe went through. */
type Course = {
  minutes: number
  /** Times that the verdict, or what it is owed to, was another than a minute before. */
  flips: number
  explained: number
  unexplained: number
  undetermined: number
  /** What changed without a word in the ledger. */
  untold: string[]
  ledger: number
}

const SERVICES = [
  'EC2',
  'KINESIS',
  'CLOUDWATCH',
  'EVENTS',
  'COGNITO',
  'ECS',
  'EKS',
  'ELB',
  'DYNAMODB',
  'MANAGEMENTCONSOLE',
  'IAM',
]

describe.skipIf(!existsSync(FILE))(`the recorded polls (skipped where ${FILE} is not there)`, () => {
  let polls: readonly Poll[] = []
  beforeAll(() => {
    polls = readPolls(FILE)
  })

  test('hold every kind of surprise', () => {
    const kinds = polls.flatMap((poll) => poll.news)
    const count = (kind: Poll['news'][number]) => kinds.filter((one) => one === kind).length
    expect(count('empty')).toBe(5)
    for (const kind of ['edited', 're-dated', 'future', 'withdrawn', 'returned'] as const)
      expect(count(kind), kind).toBeGreaterThan(0)
  })

  test.for<[string, Setup, { explained: number; flips: number }]>([
    ['by the rules as they are', setup(), { explained: 20, flips: 2 }],
    [
      'if everything in us-east-1 were related, so that explanations come and go',
      related(setup(), [...SERVICES, 'MULTIPLE_SERVICES']),
      { explained: 3_000, flips: 50 },
    ],
  ])('no verdict flips without an entry in the ledger, %s', { timeout: 120_000 }, async ([, rules, atLeast]) => {
    const course = await live(polls, rules)
    expect(course.untold).toEqual([])
    expect(course.minutes).toBeGreaterThan(70_000)
    expect(course.explained).toBeGreaterThan(atLeast.explained)
    expect(course.flips).toBeGreaterThan(atLeast.flips)
    expect(course.unexplained).toBeGreaterThan(1_000)
    expect(course.ledger, 'it grows with what happens, not with time').toBeLessThan(course.minutes / 10)
  })
})

function related(is: Setup, services: readonly string[]): Setup {
  return { ...is, relevance: { ...is.relevance, related: services } }
}

/** Lives through all polls, minute by minute. */
async function live(polls: readonly Poll[], rules: Setup): Promise<Course> {
  const course: Course = { minutes: 0, flips: 0, explained: 0, unexplained: 0, undetermined: 0, untold: [], ledger: 0 }
  const random = chance(7)
  let index = 0
  while (index < polls.length) {
    const first = polls.findIndex((poll, i) => i >= index && poll.arns.length > 0)
    if (first === -1) break
    const gone = polls.findIndex((poll, i) => i > first && poll.news[0] !== 'empty' && poll.arns.length === 0 && stays(polls, i))
    const last = gone === -1 ? polls.length - 1 : gone
    await stretch(polls.slice(Math.max(0, first - 1), last + 1), rules, random, course)
    index = last + 1
  }
  return course
}

/** It says nothing for longer than it is watched for. */
function stays(polls: readonly Poll[], i: number): boolean {
  const next = polls[i + 1]
  return next === undefined || next.at - (polls[i]?.at ?? 0) > AFTERWARDS_MS
}

async function stretch(polls: readonly Poll[], rules: Setup, random: () => number, course: Course): Promise<void> {
  const from = Math.max(polls[0]?.at ?? 0, (polls[1]?.at ?? 0) - HOUR_MS)
  const until = (polls.at(-1)?.at ?? 0) + AFTERWARDS_MS
  const watch = new Watch(rules, from)
  const [probe] = [...rules.probes.keys()]
  if (probe === undefined) throw new Error('there is a probe')
  let memory: Memory = NOTHING_HELD
  let said: SourceAnswer | null = null
  let reading: HealthReading | null = null
  let [poll, askedAt] = [-1, 0]
  let [ok, turnsAt] = [true, from + 3 * MINUTE_MS]
  for (let at = from; at <= until; at += MINUTE_MS) {
    const now = polls.findLastIndex((one) => one.at <= at)
    if (now !== poll || at - askedAt >= ASKED_EVERY_MS || said === null) {
      said = await asked(polls[now]?.body ?? new Uint8Array([0x5b, 0x5d]), at)
      ;[poll, askedAt] = [now, at]
    }
    const answer: SourceAnswer = said.state === 'off' ? said : { ...said, at }
    const admitted = admit(memory, answer)
    memory = admitted.memory
    if (reading === null || askedAt === at || reading.sources.dashboard.state !== admitted.answer.state)
      reading = join({ api: { state: 'off', why: 'no support plan' }, dashboard: admitted.answer }, 'aws', at)
    watch.read({ ...reading, at })
    if (at >= turnsAt) {
      ok = !ok
      turnsAt = at + Math.ceil((ok ? 3 + random() * 60 : 10 + random() * 300) * MINUTE_MS)
    }
    minute(watch, probe, at, ok, course)
  }
}

function minute(watch: Watch, probe: string, at: Instant, ok: boolean, course: Course): void {
  const before = new Map(watch.incidents().map((is) => [is.id, is]))
  const decision = watch.decide(at + 1_000, [runOf(probe, at, ok)])
  course.minutes += 1
  course.ledger += decision.ledger.length
  for (const is of watch.incidents()) {
    const was = before.get(is.id)
    if (is.state !== 'closed') course[is.verdict] += 1
    if (was === is) continue
    const rows = decision.ledger.filter((row) => row.incident === is.id)
    const changed = was === undefined ? 'opened' : was.state !== is.state ? `${was.state} → ${is.state}` : flip(was, is)
    if (changed === null) continue
    if (was !== undefined && flip(was, is) !== null) course.flips += 1
    if (!rows.some(tells)) course.untold.push(`${new Date(at).toISOString()} ${changed}`)
  }
}

function tells({ decision, reason }: LedgerRow): boolean {
  return ['opened', 'reopened', 'verdict', 'withheld', 'mailed', 'closed'].includes(decision) && reason.length > 10
}

/** Another verdict, or one that is owed to another event. */
function flip(was: Incident, is: Incident): string | null {
  const [a, b] = [owedTo(was), owedTo(is)]
  return a === b ? null : `${a} → ${b}`
}

function owedTo({ members, verdict }: Incident): string {
  const by = members.map((member) => member.judgement.verdict).find((one) => one.kind === 'explained')
  return by?.kind === 'explained' && verdict === 'explained' ? by.by.arn : verdict
}

/** As the real adapter reads what came over the wire. */
async function asked(body: Uint8Array, now: Instant): Promise<SourceAnswer> {
  const url = 'https://health.aws.amazon.com/public/currentevents'
  const source = dashboard({ url, timeoutMs: 5_000, ask: async () => httpAnswer(body) })
  return source.ask(now, now, new AbortController().signal)
}

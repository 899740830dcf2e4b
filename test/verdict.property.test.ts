/* Foreign answers, through the real readers to the verdict: what holds whatever AWS, or somebody in its place, may say. */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { dashboard } from '../src/adapters/aws/dashboard.ts'
import { apiEvent, dashboardEvent } from '../src/adapters/aws/health-answer.ts'
import { judge } from '../src/domain/judge.ts'
import type { HealthEvent, SourceAnswer } from '../src/domain/outage.ts'
import { ACCOUNT_REGION } from '../src/domain/policy.ts'
import type { Partition } from '../src/domain/probe.ts'
import { join } from '../src/domain/reading.ts'
import type { Verdict } from '../src/domain/verdict.ts'
import { httpAnswer } from './fakes/http-answer.ts'
import { failure, HOUR, MIN, NOON, POLICY, RELEVANCE } from './given.ts'

const LAW = { policy: POLICY, relevance: RELEVANCE }
const OFF: SourceAnswer = { state: 'off', why: 'not configured' }
const NOBODY = () => ({ others: 0, ok: 0 })
const NEW_ARN = 'arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/AWS_IAM_OPERATIONAL_ISSUE_A5508_C0E97449FDD'
const OLD_ARN = 'arn:aws:health:us-east-1::event/AWS_IAM_OPERATIONAL_ISSUE_1485912991457'
const seconds = (at: number) => Math.floor(at / 1000)

/** Elements that explain a failure at noon, as both sources write them. */
const shown = {
  arn: NEW_ARN,
  date: String(seconds(NOON - 30 * MIN)),
  region_name: 'N. Virginia',
  status: '2',
  service: 'iam',
  summary: 'Increased error rates',
  event_log: [
    { summary: 'Increased error rates', message: 'We look for the cause.', status: 2, timestamp: seconds(NOON - 30 * MIN) },
  ],
}
const described = {
  arn: NEW_ARN,
  service: 'IAM',
  eventTypeCode: 'AWS_IAM_OPERATIONAL_ISSUE',
  eventTypeCategory: 'issue',
  eventScopeCode: 'PUBLIC',
  region: 'us-east-1',
  startTime: seconds(NOON - 30 * MIN),
  lastUpdatedTime: seconds(NOON - 10 * MIN),
  statusCode: 'open',
}

function answered(events: readonly (HealthEvent | null)[]): SourceAnswer {
  return { state: 'answered', at: NOON, events: events.filter((e) => e !== null), skipped: 0, detail: '' }
}

function verdictOn(api: SourceAnswer, board: SourceAnswer, partition: Partition = 'aws'): Verdict {
  const reading = join({ api, dashboard: board }, partition, NOON)
  return judge(failure({ region: ACCOUNT_REGION[partition] }), reading, { ...LAW, peers: NOBODY, now: NOON })
}

async function served(body: Uint8Array): Promise<SourceAnswer> {
  const url = 'https://health.aws.amazon.com/public/currentevents'
  const source = dashboard({ url, timeoutMs: 5_000, ask: async () => httpAnswer(body) })
  return source.ask(NOON, NOON - 7 * HOUR, new AbortController().signal)
}

function utf16(text: string): Buffer {
  return Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
}

test('what is damaged below explains while it is whole', async () => {
  expect(verdictOn(OFF, await served(utf16(JSON.stringify([shown])))).kind).toBe('explained')
  expect(verdictOn(answered([apiEvent(described, NOON, [])]), OFF).kind).toBe('explained')
})

describe('fuzzed answers never throw and never explain', () => {
  test('any bytes', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        expect(verdictOn(OFF, await served(bytes)).kind).not.toBe('explained')
      }),
    ))

  test('any JSON, alone or in a list', () =>
    fc.assert(
      fc.asyncProperty(fc.json(), fc.boolean(), async (json, list) => {
        expect(verdictOn(OFF, await served(utf16(list ? `[${json}]` : json))).kind).not.toBe('explained')
      }),
    ))

  test('an answer that is cut off anywhere', () => {
    const whole = utf16(JSON.stringify([shown]))
    return fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (cut) => {
        expect((await served(whole.subarray(0, cut))).state).toBe('unavailable')
      }),
    )
  })

  const notAnArn = fc.oneof(
    fc.anything().filter((value) => typeof value !== 'string'),
    fc.string(),
    fc.constantFrom(
      '__proto__',
      NEW_ARN.toUpperCase(),
      NEW_ARN.replace('arn:aws:health', 'arn:aws:iam'),
      NEW_ARN.replace('::event', ':123456789012:event'),
      ` ${NEW_ARN}`,
      `${NEW_ARN}\n`,
      NEW_ARN.replace('us-east-1', 'eu-south-2'),
    ),
  )
  const notATime = fc.constantFrom<unknown>(
    null,
    '',
    'soon',
    -1,
    0,
    1e18,
    '9'.repeat(17),
    Number.NaN,
    Infinity,
    true,
    [],
    {},
    '20 October',
    '2025-10-20',
    '0x68f5dd00',
    seconds(NOON + 30 * 24 * HOUR),
  )
  const anything = fc.oneof(fc.anything(), fc.constantFrom<unknown>(null, '', '0', [], {}, 'closed', 'PUBLIC', NOON, 'global'))
  const bored = <T extends object>(whole: T, keys: readonly (keyof T & string)[]) =>
    fc.dictionary(fc.constantFrom(...keys), anything).map((odd) => ({ ...whole, ...odd }))

  test('an element of the dashboard without a sane ARN or date, whatever else it says', () =>
    fc.assert(
      fc.property(
        bored(shown, ['region_name', 'status', 'service', 'summary', 'event_log']),
        notAnArn,
        notATime,
        (element, arn, date) => {
          expect(verdictOn(OFF, answered([dashboardEvent({ ...element, arn }, NOON)])).kind).not.toBe('explained')
          expect(verdictOn(OFF, answered([dashboardEvent({ ...element, date }, NOON)])).kind).not.toBe('explained')
        },
      ),
      { numRuns: 500 },
    ))

  test('an event of the API that is none of ours in one way, whatever else it says', () =>
    fc.assert(
      fc.property(
        bored(described, ['lastUpdatedTime', 'statusCode']),
        fc.oneof(
          notAnArn.filter((arn) => typeof arn !== 'string' || !arn.startsWith('arn:aws:health:eu')).map((arn) => ({ arn })),
          notATime.map((startTime) => ({ startTime })),
          fc.constantFrom<object>(
            { region: 'eu-south-2' },
            { service: 'EC2' },
            { eventTypeCategory: 'scheduledChange' },
            { eventTypeCategory: 'accountNotification' },
            { eventTypeCategory: 'Issue' },
            { eventTypeCode: 'AWS_IAM_SOMETHING' },
            { eventTypeCode: 'AWS_RISK_IAM_QUARANTINE' },
            { eventScopeCode: 'ACCOUNT_SPECIFIC' },
            { eventScopeCode: 'NONE' },
            { statusCode: 'upcoming' },
            { statusCode: 'closed', endTime: seconds(NOON - 16 * MIN), lastUpdatedTime: seconds(NOON - 16 * MIN) },
          ),
        ),
        (event, odd) => {
          expect(verdictOn(answered([apiEvent({ ...event, ...odd }, NOON, ['999900001111'])]), OFF).kind).not.toBe('explained')
        },
      ),
      { numRuns: 500 },
    ))
})

describe('times in any zone give the same verdict', () => {
  const minutes = fc.integer({ min: -30 * 60, max: 8 * 60 })
  const offset = fc.integer({ min: -14 * 60, max: 14 * 60 })
  const zone = process.env['TZ']
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })

  test('as epoch seconds, milliseconds, or written in a zone; and wherever this host stands', () => {
    const seen = new Set<Verdict['kind']>()
    fc.assert(
      fc.property(
        minutes,
        minutes,
        fc.option(minutes),
        offset,
        fc.constantFrom('UTC', 'Asia/Kolkata', 'America/St_Johns'),
        (start, update, end, zoned, host) => {
          const event = (as: (at: number) => unknown) =>
            apiEvent(
              {
                ...described,
                startTime: as(NOON + start * MIN),
                lastUpdatedTime: as(NOON + update * MIN),
                ...(end === null ? {} : { endTime: as(NOON + end * MIN), statusCode: 'closed' }),
              },
              NOON,
              [],
            )
          process.env['TZ'] = 'UTC'
          const verdict = verdictOn(answered([event(seconds)]), OFF)
          seen.add(verdict.kind)
          process.env['TZ'] = host
          for (const as of [seconds, (at: number) => at, (at: number) => new Date(at), (at: number) => written(at, zoned)])
            expect(verdictOn(answered([event(as)]), OFF)).toEqual(verdict)
        },
      ),
      { numRuns: 300 },
    )
    expect([...seen].sort()).toEqual(['explained', 'unexplained'])
  })

  /** ISO 8601 with an offset in minutes. */
  function written(at: number, minutesEast: number): string {
    const two = (n: number) => String(n).padStart(2, '0')
    const east = Math.abs(minutesEast)
    const local = new Date(at + minutesEast * MIN).toISOString().slice(0, 19)
    return `${local}${minutesEast < 0 ? '-' : '+'}${two(Math.floor(east / 60))}:${two(east % 60)}`
  }
})

describe('one event in both sources is one event', () => {
  test.for<[string, string]>([
    ['the new shape of an ARN', NEW_ARN],
    ['the old shape', OLD_ARN],
  ])('%s: the later update says how it stands, and both are named', ([, arn]) => {
    const open = apiEvent({ ...described, arn }, NOON, [])
    const over = dashboardEvent({ ...shown, arn, status: '0', end_time: String(seconds(NOON - 5 * MIN)) }, NOON)
    const reading = join({ api: answered([open]), dashboard: answered([over]) }, 'aws', NOON)
    expect(reading.events).toHaveLength(1)
    const both = { sources: ['api', 'dashboard'], service: 'IAM', scope: 'PUBLIC', region: 'us-east-1' }
    expect(reading.events[0]).toMatchObject({ ...both, status: 'closed', endedAt: NOON - 5 * MIN })
    const again = apiEvent({ ...described, arn, lastUpdatedTime: seconds(NOON - MIN) }, NOON, [])
    expect(join({ api: answered([again]), dashboard: answered([over]) }, 'aws', NOON).events).toMatchObject([
      { ...both, status: 'open' },
    ])
  })

  test('a new start, other words, a return: the ARN stays, and so does the explanation', () => {
    const forms = [
      shown,
      { ...shown, date: String(seconds(NOON - 3 * HOUR)) },
      { ...shown, summary: 'Other words', status: '1' },
      shown,
    ]
    const by = forms
      .map((form) => verdictOn(OFF, answered([dashboardEvent(form, NOON)])))
      .map((v) => v.kind === 'explained' && v.by.arn)
    expect(by).toEqual(forms.map(() => NEW_ARN))
  })
})

describe('each partition has its own Account endpoint', () => {
  const PARTITIONS = Object.keys(ACCOUNT_REGION) as Partition[]
  const at = (region: string, service = 'ACCOUNT') =>
    apiEvent(
      {
        ...described,
        arn: `arn:aws:health:${region}::event/${service}/AWS_${service}_OPERATIONAL_ISSUE/AWS_${service}_OPERATIONAL_ISSUE_1_2`,
        region,
        service,
        eventTypeCode: `AWS_${service}_OPERATIONAL_ISSUE`,
      },
      NOON,
      [],
    )

  test.for(PARTITIONS)('%s: an event there explains, one in the others’ regions never does', (partition) => {
    for (const service of ['ACCOUNT', 'IAM']) {
      expect(verdictOn(answered([at(ACCOUNT_REGION[partition], service)]), OFF, partition).kind).toBe('explained')
      const others = PARTITIONS.filter((other) => other !== partition).map((other) => at(ACCOUNT_REGION[other], service))
      expect(verdictOn(answered(others), OFF, partition).kind).toBe('unexplained')
    }
  })
})

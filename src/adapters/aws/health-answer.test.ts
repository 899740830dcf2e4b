import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HealthEvent } from '../../domain/outage.ts'
import { MAX_EVENT_TEXT } from '../../domain/reading.ts'
import { decode } from './dashboard.ts'
import { apiEvent, categoryOf, dashboardEvent, instantOf, mostlyReadable, oneLine, parseArn, plainText } from './health-answer.ts'

const T = Date.UTC(2026, 10, 22, 12)
const MIN = 60_000
const DAY = 24 * 60 * MIN
const seconds = (at: number) => at / 1_000

const BIG = 'arn:aws:health:us-east-1::event/MULTIPLE_SERVICES/AWS_MULTIPLE_SERVICES_OPERATIONAL_ISSUE/X_1'
test.for<[unknown, ReturnType<typeof parseArn>]>([
  [BIG, { partition: 'aws', region: 'us-east-1', service: 'MULTIPLE_SERVICES', code: 'AWS_MULTIPLE_SERVICES_OPERATIONAL_ISSUE' }],
  [
    'arn:aws-cn:health:global::event/IAM/AWS_IAM_API_ISSUE/1',
    { partition: 'aws-cn', region: 'global', service: 'IAM', code: 'AWS_IAM_API_ISSUE' },
  ],
  [
    'arn:aws:health:::event/IAM/AWS_IAM_API_ISSUE/1',
    { partition: 'aws', region: null, service: 'IAM', code: 'AWS_IAM_API_ISSUE' },
  ],
  ['arn:aws:health:global::event/event-1485912991457', { partition: 'aws', region: 'global', service: null, code: null }],
  [
    'arn:aws:health:us-east-1::event/AWS_EC2_OPERATIONAL_ISSUE_1484933886',
    { partition: 'aws', region: 'us-east-1', service: null, code: 'AWS_EC2_OPERATIONAL_ISSUE' },
  ],
  ['arn:aws:ec2:us-east-1::event/A/B/C', null],
  ['arn:aws:health:us-east-1:111122223333:event/A/B/C', null],
  ['arn:aws:health:us-east-1::event/', null],
  [`${BIG}\n`, null],
  [BIG.padEnd(2_000, 'x'), null],
  [null, null],
  [{}, null],
])('parseArn %#', ([value, arn]) => expect(parseArn(value)).toEqual(arn))

test.for<[string, unknown, number | null]>([
  ['seconds', seconds(T), T],
  ['seconds as a string', String(seconds(T)), T],
  ['seconds with a fraction', seconds(T) + 0.5, T + 500],
  ['milliseconds', T, T],
  ['milliseconds as a string', String(T), T],
  ['an ISO time', '2026-11-22T12:00:00.000Z', T],
  ['a few days ahead', seconds(T + 6 * DAY), T + 6 * DAY],
  ['far ahead', seconds(T + 8 * DAY), null],
  ['long before AWS spoke', 0, null],
  ['a negative number', -seconds(T), null],
  ['no number', 'tomorrow', null],
  ['no time at all', null, null],
  ['NaN', Number.NaN, null],
  ['infinity', Number.POSITIVE_INFINITY, null],
  ['a date of January 1970 by mistake of the unit', seconds(T) / 1_000, null],
])('%s is an instant or none', ([, value, at]) => expect(instantOf(value, T)).toBe(at))

test.for<[string, HealthEvent['category']]>([
  ['AWS_IAM_OPERATIONAL_ISSUE', 'issue'],
  ['AWS_STS_API_ISSUE', 'issue'],
  ['AWS_IAM_OPERATIONAL_NOTIFICATION', 'accountNotification'],
  ['AWS_EC2_INSTANCE_MAINTENANCE_SCHEDULED', 'scheduledChange'],
  ['AWS_RISK_IAM_QUARANTINE', 'unknown'],
  ['UNKNOWN', 'unknown'],
])('the code %s is of the category %s', ([code, category]) => expect(categoryOf(code)).toBe(category))

test.for<[string, unknown, string]>([
  [
    'tags go, breaks stay',
    '<div><span class="y"> 3:55 PM</span>&nbsp;We are<br/>looking.</div><p>Done.</p>',
    '3:55 PM We are\nlooking.\nDone.',
  ],
  ['entities are decoded once', '&lt;b&gt; &amp;amp; &#39;x&#x27; &unknown;', "<b> &amp; 'x' &unknown;"],
  ['what only looks like a tag stays', 'errors < 5 % and > 1 %', 'errors < 5 % and > 1 %'],
  ['control characters and marks of direction go', 'a\u0000b\u202ec\u200bd\u0007', 'abcd'],
  ['points beyond Unicode stay as they were', '&#x110000; &#9999999;', '&#x110000; &#9999999;'],
  ['half of a pair is made whole', 'a\ud800b', 'a\ufffdb'],
  ['no text is none', { a: 1 }, ''],
])('%s', ([, value, text]) => expect(plainText(value)).toBe(text))

test('a line holds no key and no login', () => {
  const line = oneLine('GET https://user:pass@host/\nkey AKIAIOSFODNN7EXAMPLE and ASIAY34FZKBOKMUTVV7A')
  expect(line).toBe('GET https://[login]@host/ key [key] and [key]')
  expect(oneLine('x'.repeat(999))).toHaveLength(200)
})

test.for<[number, number, boolean]>([
  [0, 0, true],
  [9, 1, true],
  [8, 1, false],
  [0, 1, false],
  [90, 10, true],
  [89, 10, false],
])('%i read and %i not: readable enough? %j', ([read, skipped, enough]) => expect(mostlyReadable(read, skipped)).toBe(enough))

describe('an element of DescribeEvents', () => {
  const raw = {
    arn: 'arn:aws:health:global::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/1',
    service: 'IAM',
    eventTypeCode: 'AWS_IAM_OPERATIONAL_ISSUE',
    eventTypeCategory: 'issue',
    eventScopeCode: 'PUBLIC',
    region: 'global',
    startTime: seconds(T - 60 * MIN),
    lastUpdatedTime: seconds(T - 5 * MIN) + 0.25,
    statusCode: 'open',
  }
  test.for<[string, Record<string, unknown>, Partial<HealthEvent> | null]>([
    ['is read', {}, { status: 'open', startedAt: T - 60 * MIN, updatedAt: T - 5 * MIN + 250, endedAt: null, owners: [] }],
    ['has its owners if it was sent to one account', { eventScopeCode: 'ACCOUNT_SPECIFIC' }, { owners: ['me'] }],
    ['without a region has that of its ARN', { region: undefined }, { region: 'global' }],
    [
      'without service and code has those of its ARN',
      { service: 7, eventTypeCode: null },
      { service: 'IAM', code: 'AWS_IAM_OPERATIONAL_ISSUE' },
    ],
    ['of an unknown category is so', { eventTypeCategory: 'rumour' }, { category: 'unknown' }],
    ['of an unknown scope has none', { eventScopeCode: 'SOME' }, { scope: 'NONE', owners: [] }],
    ['of an unknown status without an end is open', { statusCode: 'paused' }, { status: 'open' }],
    [
      'of an unknown status that has ended is closed',
      { statusCode: 'paused', endTime: seconds(T - MIN) },
      { status: 'closed', endedAt: T - MIN },
    ],
    [
      'that is closed without an end ended with its last update',
      { statusCode: 'closed' },
      { status: 'closed', endedAt: T - 5 * MIN + 250 },
    ],
    ['that is closed has not ended ahead of now', { statusCode: 'closed', endTime: seconds(T + DAY) }, { endedAt: T }],
    [
      'that lies ahead stays so',
      { statusCode: 'upcoming', startTime: seconds(T + DAY) },
      { status: 'upcoming', startedAt: T + DAY },
    ],
    ['was not updated ahead of now', { lastUpdatedTime: seconds(T + DAY) }, { updatedAt: T }],
    ['without an update was updated when it began', { lastUpdatedTime: 'x' }, { updatedAt: T - 60 * MIN }],
    ['without a start is given up', { startTime: undefined }, null],
    ['without an ARN is given up', { arn: 'x' }, null],
  ])('%s', ([, changes, expected]) => {
    const event = apiEvent({ ...raw, ...changes }, T, ['me'])
    if (expected === null) expect(event).toBeNull()
    else expect(event).toMatchObject(expected)
  })
})

describe('an element of the dashboard', () => {
  const log = (...minutesAgo: number[]) =>
    minutesAgo.map((m) => ({ summary: 'Errors', message: `${m} minutes ago`, status: 1, timestamp: seconds(T - m * MIN) }))
  const raw = {
    date: String(seconds(T - 60 * MIN)),
    arn: BIG,
    region_name: 'N. Virginia',
    status: '3',
    service: 'multipleservices-us-east-1',
    summary: 'Errors',
    event_log: log(60, 30),
    impacted_services: { account: { current: '3' }, 'STS-us-east-1': { current: '0' } },
    impacted_service_status_changes: [
      { service: 'sts-us-east-1', current_status: '3', timestamp: T - 55 * MIN },
      { service: 'sts-us-east-1', current_status: '0', timestamp: T - 20 * MIN },
    ],
  }
  const old = { arn: 'arn:aws:health:global::event/event-1485912991457', region_name: null, service: 'iam' }
  test.for<[string, Record<string, unknown>, Partial<HealthEvent> | null]>([
    [
      'is read',
      {},
      {
        service: 'MULTIPLE_SERVICES',
        region: 'us-east-1',
        category: 'issue',
        scope: 'PUBLIC',
        status: 'open',
        startedAt: T - 60 * MIN,
        endedAt: null,
        updatedAt: T - 20 * MIN,
        text: 'Errors: 60 minutes ago\nErrors: 30 minutes ago',
        impacted: [
          { key: 'account', resolvedAt: null },
          { key: 'sts-us-east-1', resolvedAt: T - 20 * MIN },
        ],
      },
    ],
    ['of status 0 ended with its last update', { status: '0' }, { status: 'closed', endedAt: T - 30 * MIN }],
    ['of status 0 as a number too', { status: 0 }, { status: 'closed' }],
    ['with an end ended then', { end_time: String(seconds(T - 10 * MIN)) }, { status: 'closed', endedAt: T - 10 * MIN }],
    ['with an end ahead of now is still open', { end_time: String(seconds(T + 10 * MIN)) }, { status: 'open', endedAt: null }],
    ['with an end in another unit has it too', { end_time: T - 10 * MIN }, { status: 'closed', endedAt: T - 10 * MIN }],
    [
      'all of whose services are well is closed',
      { impacted_services: { account: { current: 0 }, iam: { current: '0' } } },
      { status: 'closed', endedAt: T - 20 * MIN },
    ],
    ['without impacted services does not know them', { impacted_services: undefined }, { status: 'open', impacted: null }],
    ['with an empty list of them knows it', { impacted_services: {} }, { status: 'open', impacted: [] }],
    [
      'that is closed has no service unwell',
      { status: '0', impacted_services: { account: { current: '3' } } },
      { impacted: [{ key: 'account', resolvedAt: T - 20 * MIN }] },
    ],
    [
      'that starts ahead of now is open',
      { date: String(seconds(T + 180 * MIN)) },
      { status: 'open', startedAt: T + 180 * MIN, updatedAt: T },
    ],
    [
      'with a log out of order is put in order',
      { event_log: log(30, 60) },
      { text: 'Errors: 60 minutes ago\nErrors: 30 minutes ago' },
    ],
    ['with a log that is no list has its summary', { event_log: 'x' }, { text: 'Errors' }],
    [
      'with odd entries keeps the others',
      { event_log: [null, 7, { message: 'a' }, ...log(30)] },
      { text: 'a\nErrors: 30 minutes ago' },
    ],
    ['without a region name has the ARN’s', { region_name: null }, { region: 'us-east-1' }],
    ['of the old kind has the service of its key', { ...old, service: 'ec2-eu-west-1' }, { service: 'EC2', code: 'UNKNOWN' }],
    [
      'without a region in its ARN has that of its key',
      { arn: 'arn:aws:health:::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/1', service: 'ec2-eu-west-1' },
      { region: 'eu-west-1' },
    ],
    ['of the old kind is global', old, { service: 'IAM', region: 'global', category: 'unknown' }],
    [
      'without any region whose key has none is global',
      { arn: 'arn:aws:health:::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/1', service: 'iam', region_name: '' },
      { region: 'global' },
    ],
    [
      'without a region in ARN and key, yet with a name, is in none that is known',
      { arn: 'arn:aws:health:::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/1', service: 'iam', region_name: 'Atlantis' },
      { region: null },
    ],
    [
      'of any length has a bounded text: the newest',
      { event_log: [{ message: 'a'.repeat(50_000) }, ...log(1)] },
      { text: expect.stringMatching(/^a+\nErrors: 1 minutes ago$/) },
    ],
    ['without a date is given up', { date: 'soon' }, null],
    ['without an ARN is given up', { arn: undefined }, null],
  ])('%s', ([, changes, expected]) => {
    const event = dashboardEvent({ ...raw, ...changes }, T)
    if (expected === null) expect(event).toBeNull()
    else expect(event).toMatchObject(expected)
    expect(event?.text.length ?? 0).toBeLessThanOrEqual(MAX_EVENT_TEXT)
  })
})

describe('whatever is there', () => {
  const odd = fc.oneof(
    fc.anything(),
    fc.constantFrom<unknown>(BIG, '0', 0, seconds(T), String(T), null, [], {}, 'iam', '__proto__'),
  )
  const entries = (keys: readonly string[]) => fc.record(Object.fromEntries(keys.map((key) => [key, odd])), { requiredKeys: [] })
  const known = fc.record(
    {
      arn: fc.constant(BIG),
      date: fc.oneof(fc.constant(String(seconds(T))), odd),
      startTime: fc.oneof(fc.constant(seconds(T)), odd),
      endTime: odd,
      end_time: odd,
      lastUpdatedTime: odd,
      status: odd,
      statusCode: odd,
      region: odd,
      region_name: odd,
      service: odd,
      summary: odd,
      event_log: fc.oneof(odd, fc.array(entries(['summary', 'message', 'timestamp']))),
      impacted_services: fc.oneof(odd, fc.dictionary(fc.string(), entries(['current']))),
      impacted_service_status_changes: fc.oneof(odd, fc.array(entries(['service', 'current_status', 'timestamp']))),
    },
    { requiredKeys: ['arn'] },
  )
  test('reading an element never throws, and what comes out is sane', () =>
    fc.assert(
      fc.property(fc.oneof(odd, known), (value) => {
        for (const event of [apiEvent(value, T, []), dashboardEvent(value, T)]) {
          if (event === null) continue
          expect(Number.isFinite(event.startedAt) && Number.isFinite(event.updatedAt)).toBe(true)
          expect(event.updatedAt).toBeLessThanOrEqual(T)
          expect(event.text.length).toBeLessThanOrEqual(MAX_EVENT_TEXT)
          expect(event.service).toMatch(/^[A-Z0-9_-]+$/)
          if (event.status === 'closed') expect(event.endedAt).toBeLessThanOrEqual(T)
        }
      }),
      { numRuns: 1_000 },
    ))

  test('any bytes are decoded, and JSON in UTF-16 of either order, with or without a mark, comes out as it was', () =>
    fc.assert(
      fc.property(fc.uint8Array(), fc.json(), (bytes, json) => {
        expect(typeof decode(bytes)).toBe('string')
        const text = `[${json}]`
        const little = Buffer.from(text, 'utf16le')
        const marked = Buffer.from(`\ufeff${text}`, 'utf16le')
        for (const body of [little, marked, Buffer.from(little).swap16(), Buffer.from(marked).swap16(), Buffer.from(text)]) {
          expect(decode(body)).toBe(text.toWellFormed())
        }
      }),
    ))
})

const SHARED = join(import.meta.dirname, '../../../../shared/data')

describe.skipIf(!existsSync(SHARED))('recorded answers (skipped: ../shared/data is not here)', () => {
  test('every element of today’s dashboard is read', () => {
    const file = join(SHARED, 'dashboard-shapes/currentevents_2026-06_vscarpenter-Barometer.json')
    const elements = JSON.parse(readFileSync(file, 'utf8')) as unknown[]
    const events = elements.map((element) => dashboardEvent(element, T))
    expect(events).toMatchObject([
      { region: 'me-central-1', service: 'MULTIPLE_SERVICES', status: 'open', category: 'issue', startedAt: 1_772_369_485_000 },
      {
        region: 'me-south-1',
        service: 'MULTIPLE_SERVICES',
        status: 'open',
        impacted: [{ key: 's3-me-south-1', resolvedAt: null }],
      },
    ])
  })

  test('every event of the recorded DescribeEvents is read', () => {
    const folder = join(SHARED, 'health-api')
    const files = readdirSync(folder).map((name) => join(folder, name, 'health.DescribeEvents_1.json'))
    // cloud-custodian's recorder writes a time as its parts; on the wire it is epoch seconds.
    const wire = (
      _: string,
      value: { __class__?: string; year: number; month: number; day: number; hour: number; minute: number; second: number },
    ) =>
      value?.__class__ === 'datetime'
        ? Date.UTC(value.year, value.month - 1, value.day, value.hour, value.minute, value.second) / 1_000
        : value
    const elements = files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8'), wire).data.events as unknown[])
    expect(elements.length).toBeGreaterThan(3)
    const events = elements.map((element) => apiEvent(element, T, []))
    expect(events).not.toContain(null)
    expect(events.map((event) => event?.service)).toEqual(expect.arrayContaining(['IAM', 'BILLING', 'EBS', 'EC2']))
    expect(events.find((event) => event?.service === 'IAM')).toMatchObject({
      code: 'AWS_IAM_OPERATIONAL_ISSUE',
      status: 'closed',
      category: 'issue',
    })
  })
})

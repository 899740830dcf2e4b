import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HealthEvent } from '../../domain/outage.ts'
import type { QueueContent } from '../../domain/queue-message.ts'
import { MAX_BODY_LENGTH, readMessage } from './eventbridge.ts'

const T = Date.UTC(2026, 10, 22, 12)
const MIN = 60_000
const ARN = 'arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/AWS_IAM_OPERATIONAL_ISSUE_1'
const date = (at: number) => new Date(at).toUTCString()

type Fields = Readonly<Record<string, unknown>>
function envelope(changes: Fields = {}, detail: Fields | null = {}): Fields {
  const own = {
    eventArn: ARN,
    service: 'IAM',
    eventTypeCode: 'AWS_IAM_OPERATIONAL_ISSUE',
    eventTypeCategory: 'issue',
    eventScopeCode: 'PUBLIC',
    communicationId: '01b0993207d81a09dcd552ebd1e633e36cf1f09a-1',
    startTime: date(T - 30 * MIN),
    lastUpdatedTime: date(T - 10 * MIN),
    statusCode: 'open',
    eventRegion: 'us-east-1',
    eventDescription: [{ language: 'en_US', latestDescription: 'More calls fail than should.' }],
    affectedAccount: '111122223333',
    page: '1',
    totalPages: '1',
  }
  return {
    version: '0',
    id: 'abc',
    'detail-type': 'AWS Health Event',
    source: 'aws.health',
    account: '111122223333',
    time: new Date(T - 9 * MIN).toISOString(),
    region: 'us-west-2',
    resources: [],
    ...changes,
    ...(detail === null ? {} : { detail: { ...own, ...detail } }),
  }
}

const read = (changes: Fields = {}, detail: Fields | null = {}) =>
  readMessage(JSON.stringify(envelope(changes, detail)), 'aws', T)
function eventIn(content: QueueContent): HealthEvent {
  expect(content).toMatchObject({ kind: 'event' })
  return (content as Extract<QueueContent, { kind: 'event' }>).event
}

test('an event is read, with its region from eventRegion and not from the envelope', () => {
  expect(read()).toEqual({
    kind: 'event',
    toldAt: T - 9 * MIN,
    event: {
      arn: ARN,
      service: 'IAM',
      region: 'us-east-1',
      code: 'AWS_IAM_OPERATIONAL_ISSUE',
      category: 'issue',
      scope: 'PUBLIC',
      status: 'open',
      startedAt: T - 30 * MIN,
      endedAt: null,
      updatedAt: T - 10 * MIN,
      text: 'More calls fail than should.',
      impacted: null,
      sources: ['queue'],
      owners: [],
    },
  })
})

test.for<[string, Fields, Fields, Partial<HealthEvent>]>([
  ['closed with an end', {}, { statusCode: 'closed', endTime: date(T - MIN) }, { status: 'closed', endedAt: T - MIN }],
  ['an end that lies behind us, whatever the status says', {}, { endTime: date(T - MIN) }, { status: 'open', endedAt: T - MIN }],
  ['an end and no status', {}, { endTime: date(T - MIN), statusCode: undefined }, { status: 'closed', endedAt: T - MIN }],
  ['without lastUpdatedTime the time of the envelope counts', {}, { lastUpdatedTime: undefined }, { updatedAt: T - 9 * MIN }],
  ['without eventRegion the ARN says where it is', {}, { eventRegion: undefined }, { region: 'us-east-1' }],
  [
    'neither eventRegion nor a region in the ARN: unknown, whatever the envelope says',
    {},
    { eventRegion: undefined, eventArn: 'arn:aws:health:::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/1' },
    { region: null },
  ],
  ['without eventScopeCode it has no scope', {}, { eventScopeCode: undefined }, { scope: 'NONE', owners: [] }],
  [
    'an account-specific event belongs to the affected account, not to who listens',
    { account: '999900001111' },
    { eventScopeCode: 'ACCOUNT_SPECIFIC', affectedAccount: '444455556666' },
    { owners: ['444455556666'] },
  ],
  [
    'an older account-specific event belongs to the account that it was sent to',
    {},
    { eventScopeCode: 'ACCOUNT_SPECIFIC', affectedAccount: undefined },
    { owners: ['111122223333'] },
  ],
  [
    'an affected account that is none belongs to nobody',
    {},
    { eventScopeCode: 'ACCOUNT_SPECIFIC', affectedAccount: 'all' },
    { owners: [] },
  ],
  ['a date without the name of the day', {}, { startTime: '22 Nov 2026 11:30:00 GMT' }, { startedAt: T - 30 * MIN }],
  ['a date with the wrong name of the day', {}, { startTime: 'Mon, 22 Nov 2026 11:30:00 GMT' }, { startedAt: T - 30 * MIN }],
  ['an ISO date', {}, { startTime: new Date(T - 30 * MIN).toISOString() }, { startedAt: T - 30 * MIN }],
  [
    'the English text of several',
    {},
    {
      eventDescription: [
        { language: 'de_DE', latestDescription: 'Nein' },
        { language: 'en_US', latestDescription: '<p>Yes</p>' },
      ],
    },
    { text: 'Yes' },
  ],
  ['no text at all', {}, { eventDescription: 'none' }, { text: '' }],
])('%s', ([, changes, detail, expected]) => expect(eventIn(read(changes, detail))).toMatchObject(expected))

test.for<[string, Fields, Fields | null, QueueContent['kind'], string]>([
  ['an abuse report', { 'detail-type': 'AWS Health Abuse Event' }, {}, 'beside', 'abuse'],
  [
    'a call of the Health API',
    { 'detail-type': 'AWS API Call via CloudTrail' },
    { eventName: 'DescribeEvents' },
    'beside',
    'CloudTrail',
  ],
  ['a scheduled change', {}, { eventTypeCategory: 'scheduledChange' }, 'beside', 'scheduled'],
  ['one announced months ahead', {}, { statusCode: 'upcoming', startTime: date(T + 90 * 24 * 60 * MIN) }, 'beside', 'scheduled'],
  ['a type of detail that is not known', { 'detail-type': 'AWS Health Event v2' }, {}, 'unreadable', 'AWS Health Event v2'],
  ['an ARN that is none', {}, { eventArn: 'arn:aws:s3:::bucket' }, 'unreadable', 'arn:aws:s3:::bucket'],
  ['no ARN', {}, { eventArn: undefined }, 'unreadable', 'missing'],
  ['a start that is none', {}, { startTime: 'yesterday' }, 'unreadable', 'yesterday'],
  ['no detail', {}, null, 'unreadable', 'no detail'],
  ['an event of another service', { source: 'aws.ec2' }, {}, 'foreign', 'aws.ec2'],
  ['an event of our own making', { source: 'aws.health.test' }, {}, 'foreign', 'aws.health.test'],
  ['no source', { source: undefined }, {}, 'foreign', 'no event of EventBridge'],
  ['wrapped by SNS', { source: undefined, Type: 'Notification', Message: '{}' }, null, 'foreign', 'SNS'],
  ['a notification of S3', { source: undefined, Records: [] }, null, 'foreign', 'another service'],
  ['another partition', {}, { eventArn: ARN.replace('arn:aws:', 'arn:aws-cn:') }, 'foreign', 'aws-cn'],
])('%s is no event: %s', ([, changes, detail, kind, why]) => {
  const content = read(changes, detail)
  expect(content).toMatchObject({ kind, why: expect.stringContaining(why) })
})

describe('whatever a message holds', () => {
  test.for(['', 'null', '[]', '"text"', '{', '{"source":"aws.health"', '\u0000', '1e999'])('%j is not from AWS Health', (body) =>
    expect(readMessage(body, 'aws', T).kind).toBe('foreign'),
  )

  test('one that is too long is not read', () =>
    expect(readMessage('x'.repeat(MAX_BODY_LENGTH + 1), 'aws', T)).toMatchObject({ kind: 'foreign' }))

  test('a reason shows no escape sequence, no key, and is short', () => {
    const { why } = read({ source: `\u001b[31m AKIAIOSFODNN7EXAMPLE ${'x'.repeat(500)}` }) as { why: string }
    for (const hidden of ['\u001b', 'AKIAIOSFODNN7EXAMPLE']) expect(why).not.toContain(hidden)
    expect(why.length).toBeLessThan(160)
  })

  test('it never throws, and what it takes for an event has an ARN and sane times', () =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('eventArn', 'startTime', 'endTime', 'statusCode', 'eventDescription'), fc.jsonValue()),
        (odd) => {
          const content = read({}, odd)
          if (content.kind !== 'event') return
          expect(content.event.arn).toMatch(/^arn:aws:health:/)
          expect(content.event.startedAt).toBeGreaterThan(Date.UTC(2010))
          expect(content.event.updatedAt).toBeLessThanOrEqual(T)
        },
      ),
    ))
})

import type { Instant, Partition } from '../../domain/probe.ts'
import type { QueueContent } from '../../domain/queue-message.ts'
import { MAX_EVENT_TEXT } from '../../domain/reading.ts'
import { apiEvent, instantOf, oneLine, parseArn, plainText, recordOf } from './health-answer.ts'

/** Longest body that is read: SQS carries no longer one. */
export const MAX_BODY_LENGTH = 1024 * 1024
/** Translations of a description that are looked at. */
const MAX_LANGUAGES = 50

const HEALTH = 'aws.health'

/**
 * Reads a message that an EventBridge rule has put into a queue (docs: AWS Health events Amazon EventBridge schema). The
 * event's region is in `detail.eventRegion`; the envelope's `region` says only where the message was delivered.
 * @param partition that of the queue: events of another one are none of ours
 */
export function readMessage(body: string, partition: Partition, now: Instant): QueueContent {
  if (body.length > MAX_BODY_LENGTH) return foreign(`it is longer than ${MAX_BODY_LENGTH} characters`)
  const envelope = recordOf(parsed(body))
  if (envelope === null) return foreign('it is not a JSON object')
  const { source } = envelope
  if (source !== HEALTH) return foreign(whoseIs(envelope))
  const type = envelope['detail-type']
  if (typeof type === 'string' && type.endsWith('via CloudTrail')) return beside('CloudTrail tells of a call of the Health API')
  if (type === 'AWS Health Abuse Event') return beside('an abuse report')
  if (type !== 'AWS Health Event') return unreadable(`its detail-type is ${shown(type)}`)
  const detail = recordOf(envelope['detail'])
  return detail === null ? unreadable('it has no detail') : readDetail(detail, envelope, { partition, now })
}

type Place = Readonly<{ partition: Partition; now: Instant }>

function readDetail(
  detail: Readonly<Record<string, unknown>>,
  envelope: Readonly<Record<string, unknown>>,
  { partition, now }: Place,
): QueueContent {
  const arn = parseArn(detail['eventArn'])
  if (arn === null) return unreadable(`its eventArn is ${shown(detail['eventArn'])}`)
  if (arn.partition !== partition) return foreign(`it is of partition ${arn.partition}`)
  // Announced weeks ahead: its times are none that an outage could have.
  const isScheduled = detail['eventTypeCategory'] === 'scheduledChange' || detail['statusCode'] === 'upcoming'
  const told = instantOf(envelope['time'], now)
  const event = apiEvent(
    {
      arn: detail['eventArn'],
      service: detail['service'],
      eventTypeCode: detail['eventTypeCode'],
      eventTypeCategory: detail['eventTypeCategory'],
      eventScopeCode: detail['eventScopeCode'],
      region: detail['eventRegion'],
      statusCode: detail['statusCode'],
      startTime: timeOf(detail['startTime']),
      endTime: timeOf(detail['endTime']),
      lastUpdatedTime: instantOf(timeOf(detail['lastUpdatedTime']), now) ?? told,
    },
    now,
    ownersOf(detail, envelope),
  )
  if (event === null) {
    return isScheduled
      ? beside('a scheduled change')
      : { ...unreadable(`its startTime is ${shown(detail['startTime'])}`), arn: detail['eventArn'] as string }
  }
  if (event.category === 'scheduledChange') return beside('a scheduled change')
  return { kind: 'event', event: { ...event, text: textOf(detail['eventDescription']), sources: ['queue'] }, toldAt: told ?? now }
}

/** `Thu, 26 Jan 2023 13:19:03 GMT` in epoch milliseconds; anything else as it is. The name of the day may be wrong, or missing. */
function timeOf(value: unknown): unknown {
  const isDate = typeof value === 'string' && /^(?:[A-Z][a-z]{2},? )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(value)
  return isDate ? Date.parse(value) : value
}

/** In an organization, the envelope's account is the one that receives the message, and another one is affected. */
function ownersOf(detail: Readonly<Record<string, unknown>>, envelope: Readonly<Record<string, unknown>>): readonly string[] {
  const account = detail['affectedAccount'] ?? envelope['account']
  return typeof account === 'string' && /^\d{12}$/.test(account) ? [account] : []
}

function textOf(value: unknown): string {
  const all = (Array.isArray(value) ? value.slice(0, MAX_LANGUAGES) : []).map(recordOf).filter((one) => one !== null)
  const english = all.find((one) => typeof one['language'] === 'string' && one['language'].startsWith('en'))
  const chosen: Readonly<Record<string, unknown>> | undefined = english ?? all[0]
  return plainText(chosen?.['latestDescription']).slice(-MAX_EVENT_TEXT)
}

/** Why it is not from AWS Health, with what may be wrong. */
function whoseIs(envelope: Readonly<Record<string, unknown>>): string {
  const { source, Type, Records } = envelope
  if (Type === 'Notification') return 'it came by SNS: let the rule put its events into the queue itself'
  if (Array.isArray(Records)) return 'it is a notification of another service'
  return source === undefined ? 'it is no event of EventBridge' : `it is from ${shown(source)}, not from ${HEALTH}`
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? `"${oneLine(value.slice(0, 200)).slice(0, 80)}"`
    : value === undefined
      ? 'missing'
      : 'not text'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const foreign = (why: string): QueueContent => ({ kind: 'foreign', why })
const beside = (why: string): QueueContent => ({ kind: 'beside', why })
const unreadable = (why: string) => ({ kind: 'unreadable' as const, why })

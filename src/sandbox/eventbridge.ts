import { createHash } from 'node:crypto'
import type { HealthEvent } from '../domain/outage.ts'
import type { Instant } from '../domain/probe.ts'

/** An event as EventBridge is to tell it. Times in epoch milliseconds. */
export type Told = Readonly<{
  arn: string
  service: string
  code: string
  category: HealthEvent['category']
  scope: HealthEvent['scope']
  /** Where the trouble is. */
  region: string
  startedAt: Instant
  updatedAt: Instant
  endedAt: Instant | null
  text: string
}>

export type Delivery = Readonly<{
  /** The account that the rule is in. */
  account: string
  /** The member account that is affected, where an organization's administrator listens; default: the rule's own. */
  affected?: string
  /** The region that the message was delivered to; default: that of the event, or us-east-1 for `global`. */
  deliveredTo?: string
  /** The copy that AWS sends to the other region. */
  isBackup?: boolean
  page?: number
  pages?: number
  /** When it was handed to EventBridge; default: the event's last update. */
  at?: Instant
}>

/** The message that a rule for `aws.health` puts into a queue: RFC 1123 dates within the detail, everything a string. */
export function healthMessage(told: Told, delivery: Delivery): string {
  const { arn, service, code, category, scope, region, startedAt, updatedAt, endedAt, text } = told
  const { account, affected, isBackup = false, page = 1, pages = 1, at = updatedAt } = delivery
  // The same for every copy and page of one word of AWS's.
  const communication = hash(`${arn} ${updatedAt}`).slice(0, 40)
  return JSON.stringify({
    version: '0',
    id: uuid(hash(`${arn} ${updatedAt} ${JSON.stringify(delivery)}`)),
    'detail-type': 'AWS Health Event',
    source: 'aws.health',
    account,
    time: new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region: delivery.deliveredTo ?? (region === 'global' ? 'us-east-1' : region),
    resources: [],
    detail: {
      eventArn: arn,
      service,
      eventTypeCode: code,
      eventTypeCategory: category,
      eventScopeCode: scope,
      communicationId: `${communication}-${page}`,
      startTime: date(startedAt),
      ...(endedAt === null ? {} : { endTime: date(endedAt) }),
      lastUpdatedTime: date(updatedAt),
      statusCode: endedAt === null ? 'open' : 'closed',
      eventRegion: region,
      eventDescription: [{ language: 'en_US', latestDescription: text }],
      affectedAccount: affected ?? account,
      page: String(page),
      totalPages: String(pages),
      backupEvent: String(isBackup),
    },
  })
}

function date(at: Instant): string {
  return new Date(at).toUTCString()
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function uuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

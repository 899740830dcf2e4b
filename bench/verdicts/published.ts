import { readMessage } from '../../src/adapters/aws/eventbridge.ts'
import { apiEvent, dashboardEvent, plainText } from '../../src/adapters/aws/health-answer.ts'
import type { HealthEvent } from '../../src/domain/outage.ts'
import { partitionOf } from '../../src/domain/policy.ts'
import type { Instant } from '../../src/domain/probe.ts'
import { decideMessage, type KeptEvent } from '../../src/domain/queue-message.ts'
import { healthMessage } from '../../src/sandbox/eventbridge.ts'
import type { Entry, Post, Whole } from './history.ts'

/** Something AWS published, in today's terms. */
export type Published = Readonly<{
  arn: string
  /** Service code, such as `MULTIPLE_SERVICES`. */
  service: string
  region: string
  /** The dashboard's key, such as `multipleservices-us-east-1`. */
  key: string
  summary: string
  /** Oldest first, at least one. */
  posts: readonly Post[]
  /** When the last post said that it was over; `null`: it was never said. */
  closedAt: Instant | null
  /** The dashboard's keys of what it lists as impacted; `null`: no list. */
  impacted: readonly string[] | null
  /** It is never closed nor taken away, as two of March 2026 were not. */
  stays?: true
}>

/** AWS closes with one of these; a last post without them leaves the event open until it is taken away. */
const OVER = /resolved|operating normally|recovered|\bbetween\b.{0,120}\bexperienced\b|completed/i

export function publishedOf(entry: Entry, n: number): Published {
  const { service, region, posts, summary } = entry
  const code = service === 'multipleservices' ? 'MULTIPLE_SERVICES' : service.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
  return published(code, service, region, n, summary, posts, closing(summary, posts))
}

/** @param listed whether the dashboard's list of impacted services is known; the history has none */
export function publishedWhole(whole: Whole, n: number, listed: boolean): Published {
  const { region, firstPost, lastPost, entries } = whole
  const all = entries.flatMap((entry) => entry.posts).toSorted((a, b) => a.at - b.at)
  // What was posted of one service or two before is in the first post of the whole.
  const posts = all.map((post) => ({ ...post, at: Math.max(post.at, firstPost) }))
  const keys = [...new Set(entries.map((entry) => `${entry.service}-${region}`))]
  const is = published('MULTIPLE_SERVICES', 'multipleservices', region, n, 'Increased Error Rates', posts, lastPost)
  return listed ? { ...is, impacted: keys } : is
}

function published(
  service: string,
  slug: string,
  region: string,
  n: number,
  summary: string,
  posts: readonly Post[],
  closedAt: Instant | null,
): Published {
  const partition = region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
  const code = `AWS_${service}_OPERATIONAL_ISSUE`
  const id = `${code}_${n.toString(16).toUpperCase().padStart(5, '0')}_${(posts[0]?.at ?? 0).toString(16).toUpperCase()}`
  const arn = `arn:${partition}:health:${region}::event/${service}/${code}/${id}`
  const key = region === 'global' ? slug : `${slug}-${region}`
  return { arn, service, region, key, summary, posts, closedAt, impacted: null }
}

function closing(summary: string, posts: readonly Post[]): Instant | null {
  const last = posts.at(-1)
  return last !== undefined && (OVER.test(last.text) || summary.startsWith('[RESOLVED]')) ? last.at : null
}

/** As the public dashboard shows it at a moment, read by Alibi's own reader. */
export function inDashboard(is: Published, now: Instant): HealthEvent | null {
  const posts = is.posts.filter((post) => post.at <= now)
  const over = is.closedAt !== null && is.closedAt <= now
  const status = over ? '0' : '1'
  return dashboardEvent(
    {
      date: seconds(is.posts[0]?.at ?? 0),
      arn: is.arn,
      region_name: is.region === 'global' ? null : is.region,
      status,
      service: is.key,
      summary: `${over ? '[RESOLVED] ' : ''}${is.summary.replace(/^\[RESOLVED\]\s*/, '')}`,
      event_log: posts.map((post, i) => ({
        summary: is.summary,
        message: post.text,
        status: over && i === posts.length - 1 ? 0 : 1,
        timestamp: Math.floor(post.at / 1_000),
      })),
      ...(is.impacted === null
        ? {}
        : {
            impacted_services: Object.fromEntries(
              is.impacted.map((key) => [key, { service_name: key, current: status, max: '2' }]),
            ),
          }),
      ...(over ? { end_time: seconds(is.closedAt ?? 0) } : {}),
    },
    now,
  )
}

/** As DescribeEvents and DescribeEventDetails answer, read by Alibi's own reader. */
export function inApi(is: Published, now: Instant): HealthEvent | null {
  const latest = is.posts.findLast((post) => post.at <= now)
  const over = is.closedAt !== null && is.closedAt <= now
  const event = apiEvent(
    {
      arn: is.arn,
      service: is.service,
      eventTypeCode: `AWS_${is.service}_OPERATIONAL_ISSUE`,
      eventTypeCategory: 'issue',
      eventScopeCode: 'PUBLIC',
      region: is.region,
      startTime: (is.posts[0]?.at ?? 0) / 1_000,
      lastUpdatedTime: (latest?.at ?? 0) / 1_000,
      ...(over ? { endTime: (is.closedAt ?? 0) / 1_000 } : {}),
      statusCode: over ? 'closed' : 'open',
    },
    now,
    [],
  )
  return event === null ? null : { ...event, text: plainText(latest?.text ?? '') }
}

/** As the queue has it when each post has come by EventBridge: read, and kept, by Alibi's own code. */
export function inQueue(is: Published, now: Instant): HealthEvent {
  const posts = is.posts.filter((post) => post.at <= now)
  const known = kept.get(is)?.[posts.length]
  if (known !== undefined) return known
  let event: KeptEvent | undefined
  for (const post of posts) {
    const content = readMessage(messageOf(is, post), partitionOf(is.region), post.at)
    event = decideMessage(content, event, post.at).kept ?? event
  }
  if (event === undefined) throw new Error('an event that was converted from the history cannot be read from a queue')
  const forms = kept.get(is) ?? []
  forms[posts.length] = event.event
  kept.set(is, forms)
  return event.event
}

/** By the number of posts. */
const kept = new WeakMap<Published, HealthEvent[]>()

function messageOf(is: Published, post: Post): string {
  const over = is.closedAt !== null && is.closedAt <= post.at
  return healthMessage(
    {
      arn: is.arn,
      service: is.service,
      code: `AWS_${is.service}_OPERATIONAL_ISSUE`,
      category: 'issue',
      scope: 'PUBLIC',
      region: is.region,
      startedAt: is.posts[0]?.at ?? 0,
      updatedAt: post.at,
      endedAt: over ? is.closedAt : null,
      text: post.text,
    },
    { account: '111122223333' },
  )
}

function seconds(at: Instant): string {
  return String(Math.floor(at / 1_000))
}

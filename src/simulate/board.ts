import type { HealthEvent, Impact, Source } from '../domain/outage.ts'
import { DAY_MS, type Instant } from '../domain/probe.ts'
import type { EventFields } from './scenario.ts'

/** The public dashboard shows closed events for about this long. */
const DASHBOARD_KEEPS_MS = DAY_MS

type Posted = {
  arn: string
  service: string
  region: string | null
  category: HealthEvent['category']
  code: string
  scope: HealthEvent['scope']
  /** Oldest first. */
  texts: readonly string[]
  impacted: readonly Impact[] | null
  startedAt: Instant
  updatedAt: Instant
  endedAt: Instant | null
  in: readonly Source[]
}

/** What AWS has published, and how each source shows it. */
export class HealthBoard {
  private readonly posted = new Map<string, Posted>()
  private readonly arns = new Map<string, string>()
  private readonly isQueued: boolean

  /** @param isQueued EventBridge reports what AWS publishes, unless an event says otherwise */
  constructor(isQueued: boolean) {
    this.isQueued = isQueued
  }

  publish(id: string, event: EventFields & Readonly<{ service: string }>, now: Instant): void {
    const { service, region = null, category = 'issue', scope = 'PUBLIC', text, impacted, start = now, updated = now } = event
    const code = event.code ?? `AWS_${service}_OPERATIONAL_ISSUE`
    const arn = `arn:aws:health:${region ?? ''}::event/${service}/${code}/${code}_${id}`
    this.arns.set(id, arn)
    this.posted.set(id, {
      arn,
      service,
      region,
      category,
      code,
      scope,
      texts: text === undefined ? [] : [text],
      impacted: impacted === undefined ? null : impacted.map((key) => ({ key: key.toLowerCase(), resolvedAt: null })),
      startedAt: start,
      updatedAt: updated,
      endedAt: null,
      // The public dashboard does not show what was sent to one account.
      in: event.in ?? [
        ...(scope === 'PUBLIC' ? (['api', 'dashboard'] as const) : (['api'] as const)),
        ...(this.isQueued ? ['queue' as const] : []),
      ],
    })
  }

  update(id: string, event: EventFields, now: Instant): void {
    const was = this.posted.get(id)
    if (was === undefined) return
    this.posted.set(id, {
      ...was,
      service: event.service ?? was.service,
      region: event.region ?? was.region,
      category: event.category ?? was.category,
      code: event.code ?? was.code,
      scope: event.scope ?? was.scope,
      texts: event.text === undefined ? was.texts : [...was.texts, event.text],
      impacted: event.impacted === undefined ? was.impacted : impactedNow(was.impacted ?? [], event.impacted, now),
      startedAt: event.start ?? was.startedAt,
      updatedAt: event.updated ?? now,
      in: event.in ?? was.in,
    })
  }

  close(id: string, event: EventFields, now: Instant): void {
    this.update(id, event, now)
    const was = this.posted.get(id)
    if (was === undefined) return
    const impacted = was.impacted?.map((impact) => ({ ...impact, resolvedAt: impact.resolvedAt ?? now })) ?? null
    this.posted.set(id, { ...was, impacted, endedAt: now })
  }

  withdraw(id: string): void {
    this.posted.delete(id)
  }

  arnOf(id: string): string {
    return this.arns.get(id) ?? id
  }

  idOf(arn: string): string | null {
    return [...this.arns].find(([, known]) => known === arn)?.[0] ?? null
  }

  /** What DescribeEvents answers: everything open, and what was updated since then. @param owners who received the events that are not public */
  inApi(now: Instant, since: Instant, owners: readonly string[]): readonly HealthEvent[] {
    return [...this.posted.values()]
      .filter((event) => event.in.includes('api') && (event.endedAt === null || event.updatedAt >= since))
      .map((event) => ({
        ...inFull(event, now),
        sources: ['api'],
        owners: event.scope === 'ACCOUNT_SPECIFIC' ? owners : [],
      }))
  }

  /** What EventBridge reports of an event; `null` if it reports nothing. */
  forQueue(id: string, now: Instant): HealthEvent | null {
    const event = this.posted.get(id)
    if (event === undefined || !event.in.includes('queue')) return null
    return {
      ...inFull(event, now),
      sources: ['queue'],
      owners: [],
    }
  }

  /** What the public dashboard shows: it states neither category nor scope. */
  inDashboard(now: Instant): readonly HealthEvent[] {
    return [...this.posted.values()]
      .filter((event) => event.in.includes('dashboard') && (event.endedAt === null || now - event.endedAt <= DASHBOARD_KEEPS_MS))
      .map((event) => ({
        ...common(event, now),
        category: categoryOf(event.code),
        scope: 'PUBLIC',
        status: event.endedAt === null ? 'open' : 'closed',
        text: event.texts.join('\n'),
        impacted: event.impacted,
        sources: ['dashboard'],
        owners: [],
      }))
  }
}

function common(event: Posted, now: Instant) {
  const { arn, service, region, code, startedAt } = event
  const endedAt = event.endedAt === null ? null : Math.min(event.endedAt, now)
  return { arn, service, region, code, startedAt, endedAt, updatedAt: Math.min(event.updatedAt, now) }
}

/** As the API and EventBridge report it: the newest text only, and no list of impacted services. */
function inFull(event: Posted, now: Instant) {
  const { category, scope, texts } = event
  return { ...common(event, now), category, scope, status: status(event, now), text: texts.at(-1) ?? '', impacted: null }
}

function status(event: Posted, now: Instant): HealthEvent['status'] {
  if (event.endedAt !== null) return 'closed'
  return event.category === 'scheduledChange' && event.startedAt > now ? 'upcoming' : 'open'
}

/** As in adapters/aws/health-answer.ts. */
function categoryOf(code: string): HealthEvent['category'] {
  if (code.endsWith('_ISSUE')) return 'issue'
  if (code.endsWith('_INVESTIGATION')) return 'investigation'
  if (code.endsWith('_NOTIFICATION')) return 'accountNotification'
  return /_(SCHEDULED|SCHEDULED_CHANGE|MAINTENANCE|PLANNED_LIFECYCLE_EVENT)$/.test(code) ? 'scheduledChange' : 'unknown'
}

/** A service that is no longer in the list has recovered by now. */
function impactedNow(was: readonly Impact[], keys: readonly string[], now: Instant): readonly Impact[] {
  const current = new Set(keys.map((key) => key.toLowerCase()))
  const left = was.filter(({ key }) => !current.has(key)).map((impact) => ({ ...impact, resolvedAt: impact.resolvedAt ?? now }))
  return [...left, ...[...current].map((key) => ({ key, resolvedAt: null }))]
}

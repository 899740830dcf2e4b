import {
  DescribeAffectedAccountsForOrganizationCommand,
  DescribeEventsForOrganizationCommand,
  DescribeHealthServiceStatusForOrganizationCommand,
  type HealthClient,
  type OrganizationEventFilter,
} from '@aws-sdk/client-health'
import { THROTTLE_PAUSE_MS } from '../../domain/backoff.ts'
import type { HealthEvent } from '../../domain/outage.ts'
import { DAY_MS, type Instant } from '../../domain/probe.ts'
import { DeadlineError, within } from '../stall.ts'
import type { ClockOffset } from './clock-offset.ts'
import { apiEvent } from './health-answer.ts'
import { isThrottling, nameOf, type Patience, reasonOf, refusalOf, send } from './health-call.ts'

/** A view that is off, or not ours to use, is left alone for this long. */
const OFF_FOR_MS = DAY_MS
const PAGE_SIZE = 100
const MAX_PAGES = 5
/** Events whose accounts are asked for in one go, and forms of events whose accounts are remembered. */
const MAX_EVENTS_TRACED = 50
const MAX_REMEMBERED = 500

/** Names of errors by which the view is refused to us, including the one for an account outside an organization. */
const NOT_FOR_US: ReadonlySet<string> = new Set(['ValidationException', 'UnknownOperationException', 'InvalidParameterException'])

export type MemberEvents = Readonly<{
  /** Account-specific events of member accounts, with the accounts that received them as owners. */
  events: readonly HealthEvent[]
  /** Why they could not be had, or not all; `null` when they could. */
  why: string | null
}>

type Question = Readonly<{
  client: HealthClient
  now: Instant
  since: Instant
  signal: AbortSignal
  patience: Patience
  /** Bounds the whole of it: it is only a part of a reading. */
  withinMs: number
}>
type Where = Readonly<{ services: readonly (readonly string[])[]; regions: readonly (readonly string[])[] }>

/**
 * The organization view of AWS Health: what it sent to single member accounts. The management account, or a delegated
 * administrator, sees it where the view is enabled. Best effort: without it, such events explain nothing, and an email is sent.
 * While it throttles, what it said last stands as long as that is younger than `cacheForMs`.
 */
export class OrganizationView {
  private readonly cacheForMs: number
  private offSince: Instant | null = null
  private said: Readonly<{ at: Instant; events: readonly HealthEvent[] }> | null = null
  private readonly accounts = new Map<string, readonly string[]>()

  constructor(cacheForMs: number) {
    this.cacheForMs = cacheForMs
  }

  async ask(question: Question, where: Where): Promise<MemberEvents> {
    const { now, signal, withinMs, patience } = question
    if (this.offSince !== null && now >= this.offSince && now - this.offSince < OFF_FOR_MS) return { events: [], why: OFF }
    this.offSince = null
    const traced: HealthEvent[] = []
    try {
      const found = await within(withinMs, signal, (bound) => this.trace({ ...question, signal: bound }, where, traced))
      this.said = { at: now, events: traced }
      const cut = found - traced.length
      return { events: traced, why: cut > 0 ? `${cut} events of member accounts were left out` : null }
    } catch (error) {
      if (signal.aborted) throw error
      if (refusalOf(error) !== null || NOT_FOR_US.has(nameOf(error))) {
        this.offSince = now
        this.said = null
        return { events: [], why: OFF }
      }
      const throttles = isThrottling(error) || (error instanceof DeadlineError && patience.throttled !== null)
      // What was traced by now counts in any case: the next question goes on from there.
      if (!throttles) return { events: traced, why: `the organization view could not be asked: ${reasonOf(error)}` }
      return { events: [...traced, ...this.stillSaid(now, traced)], why: 'the organization view throttles' }
    }
  }

  /** What was said last, as far as that is fresh enough and nothing newer is known of it. */
  private stillSaid(now: Instant, newer: readonly HealthEvent[]): readonly HealthEvent[] {
    if (this.said === null || now < this.said.at || now - this.said.at >= this.cacheForMs) return []
    return this.said.events.filter(({ arn }) => !newer.some((event) => event.arn === arn))
  }

  /** Adds the events with their accounts, the newest first; says how many there are. */
  private async trace(question: Question, where: Where, into: HealthEvent[]): Promise<number> {
    const found = new Map<string, HealthEvent>()
    for (const filter of filtersOf(where, question.since)) await this.list(filter, question, found)
    const specific = [...found.values()].toSorted((a, b) => b.updatedAt - a.updatedAt)
    for (const event of specific.slice(0, MAX_EVENTS_TRACED))
      into.push({ ...event, owners: await this.accountsOf(event, question) })
    return specific.length
  }

  private async list(
    filter: OrganizationEventFilter,
    { client, now, signal, patience }: Question,
    found: Map<string, HealthEvent>,
  ): Promise<void> {
    let nextToken: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const input = { filter, maxResults: PAGE_SIZE, ...(nextToken === undefined ? {} : { nextToken }) }
      const { events, nextToken: next } = await send(client, new DescribeEventsForOrganizationCommand(input), signal, patience)
      for (const element of Array.isArray(events) ? events.slice(0, PAGE_SIZE) : []) {
        const event = apiEvent(element, now, [])
        // Public ones are in DescribeEvents as well; theirs is everybody's account.
        if (event?.scope === 'ACCOUNT_SPECIFIC') found.set(event.arn, event)
      }
      if (typeof next !== 'string' || next === '') return
      nextToken = next
    }
  }

  private async accountsOf(event: HealthEvent, { client, signal, patience }: Question): Promise<readonly string[]> {
    const key = `${event.arn} ${event.updatedAt}`
    const known = this.accounts.get(key)
    if (known !== undefined) return known
    const accounts = new Set<string>()
    let nextToken: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const input = { eventArn: event.arn, maxResults: PAGE_SIZE, ...(nextToken === undefined ? {} : { nextToken }) }
      const { affectedAccounts, nextToken: next } = await send(
        client,
        new DescribeAffectedAccountsForOrganizationCommand(input),
        signal,
        patience,
      )
      for (const account of Array.isArray(affectedAccounts) ? affectedAccounts.slice(0, PAGE_SIZE) : []) {
        if (typeof account === 'string' && /^\d{12}$/.test(account)) accounts.add(account)
      }
      if (typeof next !== 'string' || next === '') break
      nextToken = next
    }
    if (this.accounts.size >= MAX_REMEMBERED) this.accounts.clear()
    const all = [...accounts]
    this.accounts.set(key, all)
    return all
  }
}

/** Filters differ from DescribeEvents': times are single ranges, not lists (client-health, OrganizationEventFilter). */
function filtersOf({ services, regions }: Where, since: Instant): readonly OrganizationEventFilter[] {
  const when: OrganizationEventFilter[] = [{ eventStatusCodes: ['open'] }, { lastUpdatedTime: { from: new Date(since) } }]
  return regions.flatMap((r) => services.flatMap((s) => when.map((time) => ({ ...time, services: [...s], regions: [...r] }))))
}

const OFF = 'the organization view is not enabled, or not for these credentials: events sent to member accounts are not seen'

/** Whether the organization view is there: only `off` is a word of AWS's; `refused` and `unavailable` leave it open. */
export type OrganizationStatus = Readonly<{ state: 'enabled' | 'off' | 'refused' | 'unavailable'; detail: string }>

/** For `check --live`. Never rejects. */
export async function organizationViewStatus(
  client: HealthClient,
  clockOffset: ClockOffset,
  signal: AbortSignal,
): Promise<OrganizationStatus> {
  try {
    const { healthServiceAccessStatusForOrganization: status } = await send(
      client,
      new DescribeHealthServiceStatusForOrganizationCommand({}),
      signal,
      { pauseMs: THROTTLE_PAUSE_MS, clockOffset, throttled: null },
    )
    return status === 'ENABLED' ? { state: 'enabled', detail: 'enabled' } : { state: 'off', detail: 'not enabled' }
  } catch (error) {
    const refusal = refusalOf(error)
    return refusal === null ? { state: 'unavailable', detail: reasonOf(error) } : { state: 'refused', detail: refusal }
  }
}

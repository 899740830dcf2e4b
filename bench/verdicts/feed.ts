import type { HealthEvent, HealthReading, SourceAnswer } from '../../src/domain/outage.ts'
import { DAY_MS, HOUR_MS, type Instant } from '../../src/domain/probe.ts'
import { admit, join, type Memory, NOTHING_HELD } from '../../src/domain/reading.ts'
import { inApi, inDashboard, inQueue, type Published } from './published.ts'

/** The dashboard goes on showing what was closed, and what was never closed, for about so long. */
const DASHBOARD_KEEPS_MS = DAY_MS
/** What the Health API is asked for beside what is open: all that was updated within `lookback`. */
const API_KEEPS_MS = 7 * HOUR_MS
/** What the queue has brought of an event that was never closed is kept at least so long. */
const QUEUE_KEEPS_MS = 30 * DAY_MS

/** Which sources Alibi asks: what a support plan gives, what everybody has, and what everybody can have. */
export type Mix = 'API and dashboard' | 'dashboard' | 'dashboard and queue'

/** What the sources hold at any moment of ten years. */
export class Feed {
  private readonly all: readonly Published[]
  private readonly edges: readonly Instant[]
  private readonly known = new Map<number, Readonly<{ api: readonly HealthEvent[]; dashboard: readonly HealthEvent[] }>>()
  private readonly queued = new Map<number, readonly HealthEvent[]>()
  private readonly readings = new Map<string, HealthReading>()

  constructor(all: readonly Published[]) {
    this.all = all
    const edges = all.flatMap((is) => [
      ...is.posts.map((post) => post.at),
      lastOf(is) + API_KEEPS_MS,
      goneFromDashboard(is),
      goneFromQueue(is),
    ])
    this.edges = [...new Set(edges)].filter(Number.isFinite).sort((a, b) => a - b)
  }

  /** One asking of the sources, with what is remembered of them; the same between two changes but for its time. */
  read(memory: Memories, now: Instant, mix: Mix): Readonly<{ reading: HealthReading; memory: Memories }> {
    const segment = this.segmentOf(now)
    const held = this.heldIn(segment)
    const api = admit(memory.api, mix === 'API and dashboard' ? answered(held.api, now, 'health.us-east-1.amazonaws.com') : OFF)
    const dashboard = admit(memory.dashboard, answered(held.dashboard, now, 'health.aws.amazon.com'))
    const queue = admit(memory.queue, mix === 'dashboard and queue' ? answered(this.queuedIn(segment), now, 'alibi-health') : OFF)
    const key = `${mix} ${segment} ${api.answer.state} ${dashboard.answer.state} ${queue.answer.state}`
    const answers = { api: api.answer, dashboard: dashboard.answer, queue: queue.answer }
    const reading = this.readings.get(key) ?? join(answers, 'aws', now)
    this.readings.set(key, reading)
    return { reading: { ...reading, at: now }, memory: { api: api.memory, dashboard: dashboard.memory, queue: queue.memory } }
  }

  /** Apart, for most readings have no part of it. */
  private queuedIn(segment: number): readonly HealthEvent[] {
    const at = this.edges[segment] ?? 0
    const known = this.queued.get(segment)
    if (known !== undefined) return known
    const held = this.all.filter((is) => (is.posts[0]?.at ?? 0) <= at && at < goneFromQueue(is)).map((is) => inQueue(is, at))
    this.queued.set(segment, held)
    return held
  }

  private segmentOf(now: Instant): number {
    let [low, high] = [0, this.edges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.edges[middle] ?? 0) <= now) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  private heldIn(segment: number) {
    const known = this.known.get(segment)
    if (known !== undefined) return known
    const at = this.edges[segment] ?? 0
    const posted = this.all.filter((is) => (is.posts[0]?.at ?? 0) <= at)
    const held = {
      api: readable(posted.filter((is) => at < goneFromApi(is)).map((is) => inApi(is, at))),
      dashboard: readable(posted.filter((is) => at < goneFromDashboard(is)).map((is) => inDashboard(is, at))),
    }
    this.known.set(segment, held)
    return held
  }
}

const OFF: SourceAnswer = { state: 'off', why: 'not asked here' }

export type Memories = Readonly<{ api: Memory; dashboard: Memory; queue: Memory }>
export const NO_MEMORIES: Memories = { api: NOTHING_HELD, dashboard: NOTHING_HELD, queue: NOTHING_HELD }

function answered(events: readonly HealthEvent[], at: Instant, detail: string): SourceAnswer {
  return { state: 'answered', at, events, skipped: 0, detail }
}

function readable(events: readonly (HealthEvent | null)[]): readonly HealthEvent[] {
  if (events.includes(null)) throw new Error('an event that was converted from the history cannot be read')
  return events.filter((event) => event !== null)
}

function lastOf(is: Published): Instant {
  return is.posts.at(-1)?.at ?? 0
}

/** What was never closed vanishes a day after its last post, unless it is meant to stay for ever. */
function goneFromApi(is: Published): Instant {
  if (is.stays === true) return Number.POSITIVE_INFINITY
  return lastOf(is) + (is.closedAt === null ? DASHBOARD_KEEPS_MS : API_KEEPS_MS)
}

/** What was never closed stays for as long as it is kept: whether it has become stale the judge has to say. */
function goneFromQueue(is: Published): Instant {
  if (is.stays === true) return Number.POSITIVE_INFINITY
  return lastOf(is) + (is.closedAt === null ? QUEUE_KEEPS_MS : API_KEEPS_MS)
}

function goneFromDashboard(is: Published): Instant {
  return is.stays === true ? Number.POSITIVE_INFINITY : lastOf(is) + DASHBOARD_KEEPS_MS
}

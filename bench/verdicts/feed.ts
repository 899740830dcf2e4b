import type { HealthEvent, HealthReading, SourceAnswer } from '../../src/domain/outage.ts'
import { DAY_MS, HOUR_MS, type Instant } from '../../src/domain/probe.ts'
import { admit, join, type Memory, NOTHING_HELD } from '../../src/domain/reading.ts'
import { inApi, inDashboard, type Published } from './published.ts'

/** The dashboard goes on showing what was closed, and what was never closed, for about so long. */
const DASHBOARD_KEEPS_MS = DAY_MS
/** What the Health API is asked for beside what is open: all that was updated within `lookback`. */
const API_KEEPS_MS = 7 * HOUR_MS

/** What both sources hold at any moment of ten years. */
export class Feed {
  private readonly all: readonly Published[]
  private readonly edges: readonly Instant[]
  private readonly known = new Map<number, Readonly<{ api: readonly HealthEvent[]; dashboard: readonly HealthEvent[] }>>()
  private readonly readings = new Map<string, HealthReading>()

  constructor(all: readonly Published[]) {
    this.all = all
    const edges = all.flatMap((is) => [...is.posts.map((post) => post.at), lastOf(is) + API_KEEPS_MS, goneFromDashboard(is)])
    this.edges = [...new Set(edges)].filter(Number.isFinite).sort((a, b) => a - b)
  }

  /** One asking of both sources, with what is remembered of them; the same between two changes but for its time. */
  read(memory: Memories, now: Instant): Readonly<{ reading: HealthReading; memory: Memories }> {
    const segment = this.segmentOf(now)
    const held = this.heldIn(segment)
    const api = admit(memory.api, answered(held.api, now, 'health.us-east-1.amazonaws.com'))
    const dashboard = admit(memory.dashboard, answered(held.dashboard, now, 'health.aws.amazon.com'))
    const key = `${segment} ${api.answer.state} ${dashboard.answer.state}`
    const reading = this.readings.get(key) ?? join({ api: api.answer, dashboard: dashboard.answer }, 'aws', now)
    this.readings.set(key, reading)
    return { reading: { ...reading, at: now }, memory: { api: api.memory, dashboard: dashboard.memory } }
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

export type Memories = Readonly<{ api: Memory; dashboard: Memory }>
export const NO_MEMORIES: Memories = { api: NOTHING_HELD, dashboard: NOTHING_HELD }

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

function goneFromDashboard(is: Published): Instant {
  return is.stays === true ? Number.POSITIVE_INFINITY : lastOf(is) + DASHBOARD_KEEPS_MS
}

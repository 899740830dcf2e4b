import type { HealthReading } from '../../src/domain/outage.ts'
import type { Instant } from '../../src/domain/probe.ts'
import type { Mix } from './feed.ts'

/** What a policy is told after each run of the failing probe. */
export type Seen = Readonly<{
  at: Instant
  failed: boolean
  /** The threshold was reached, and it is not well again. */
  failing: boolean
  onset: Instant
  reading: HealthReading
}>

export type Mails = Readonly<{ firstAt: Instant | null; count: number }>

/** A simple policy: given what is seen, would it mail of trouble now? Who was told of trouble is told of its end, where it is ever told. */
type Simple = Readonly<{ eachRun: boolean; speaks: (seen: Seen) => boolean }>

export const POLICIES = {
  everyFailure: { eachRun: true, speaks: () => true },
  threshold: { eachRun: false, speaks: (seen) => seen.failing },
  anyOpenEvent: {
    eachRun: false,
    speaks: ({ failing, reading }) => failing && !reading.events.some((event) => event.status === 'open'),
  },
  accountOnly: {
    eachRun: false,
    speaks: ({ failing, reading, onset }) =>
      failing && !reading.events.some((e) => e.status === 'open' && e.service === 'ACCOUNT' && e.startedAt <= onset),
  },
} as const satisfies Record<string, Simple>

/** Alibi with other sources than those that a support plan gives. */
export const MIXES = { alibiDashboard: 'dashboard', alibiQueue: 'dashboard and queue' } as const satisfies Record<string, Mix>
export const MIXED = Object.keys(MIXES) as readonly (keyof typeof MIXES)[]

/** What one replay says of. */
export type Played = 'alibi' | keyof typeof POLICIES
export type PolicyName = Played | keyof typeof MIXES
export const SIMPLE = Object.keys(POLICIES) as readonly (keyof typeof POLICIES)[]

/** How a simple policy goes through one failure. */
export class Follower {
  private readonly policy: Simple
  private firstAt: Instant | null = null
  private count = 0
  private told = false

  constructor(name: keyof typeof POLICIES) {
    this.policy = POLICIES[name]
  }

  see(seen: Seen): void {
    const { eachRun, speaks } = this.policy
    if (seen.failed && (eachRun || !this.told) && speaks(seen)) {
      this.firstAt ??= seen.at
      this.count += 1
      this.told = true
    }
    if (this.told && !eachRun && !seen.failed && !seen.failing) {
      this.count += 1
      this.told = false
    }
  }

  mails(): Mails {
    return { firstAt: this.firstAt, count: this.count }
  }
}

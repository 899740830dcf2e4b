import type { Config } from '../config/config.ts'
import { shownUrl } from '../config/endpoints.ts'
import { controlEveryMs } from '../domain/cadence.ts'
import type { Instant } from '../domain/probe.ts'
import type { Log } from '../ports/log.ts'
import type { Prober } from '../ports/prober.ts'
import type { Clock } from '../ports/time.ts'
import type { Background } from './background.ts'
import type { Engine } from './engine.ts'

export type ControlCallsDeps = Readonly<{
  config: Pick<Config, 'control' | 'health'>
  prober: Pick<Prober, 'control'>
  engine: Engine
  background: Background
  clock: Clock
  log: Log
  kill: AbortSignal
}>

/** Makes the control calls that no run asks for: rarely while everything is ok, often while we are `offline`. */
export class ControlCalls {
  private readonly deps: ControlCallsDeps
  private lastAt: Instant | null = null

  constructor(deps: ControlCallsDeps) {
    this.deps = deps
  }

  /** When the next one is due. */
  due(): Instant {
    const { config, engine } = this.deps
    const { connectivity } = engine.world()
    const last = Math.max(connectivity.lastAt ?? 0, this.lastAt ?? 0)
    return last + controlEveryMs(connectivity, config.health.idleEveryMs)
  }

  /** Starts one if it is due. */
  poll(now: Instant): void {
    if (now < this.due()) return
    this.lastAt = now
    this.deps.background.startOnce('control', () => this.call(), 'failed to judge a control call')
  }

  /** The clock was set: when the last one was made is not known any more. */
  forget(): void {
    this.lastAt = null
  }

  private async call(): Promise<void> {
    const { config, prober, engine, clock, log, kill } = this.deps
    const begun = clock.monotonic()
    const answer = await prober.control(kill)
    if (kill.aborted) return
    if (!answer.reached) log.warn('control call failed', { url: shownUrl(config.control.url), why: answer.detail })
    await engine.look({ controlCalls: [{ answer, begun }] })
  }
}

import { CONTROL_RETRY_MS, controlEveryMs } from '../domain/cadence.ts'
import { advanceConnectivity, blame } from '../domain/connectivity.ts'
import type { ControlAnswer, Outcome } from '../domain/probe.ts'
import { INITIAL_CONNECTIVITY } from '../domain/state.ts'
import type { Prober } from '../ports/prober.ts'
import type { Clock } from '../ports/time.ts'
import { Wakeup } from './wakeup.ts'

/**
 * Whether this machine reaches AWS, by the calls that it has made itself and by the same test as `offline`. Where several machines
 * share a store, one that is cut off says nothing about AWS while another one reaches it.
 */
export class Reach {
  private readonly tell: (reaches: boolean) => void
  private connectivity = INITIAL_CONNECTIVITY
  /** `null`: nobody knows yet. */
  private reaches: boolean | null = null
  /** The next control call is due sooner. */
  private readonly lost = new Wakeup()

  /** @param tell hears of each change */
  constructor(tell: (reaches: boolean) => void) {
    this.tell = tell
  }

  get isCutOff(): boolean {
    return this.reaches === false
  }

  /**
   * Notes a run. Runs share control calls: an answer that came before the run began says nothing about the network since, so that
   * another one is asked for.
   * @returns the outcome as it is to be judged
   */
  async judge(outcome: Outcome, prober: Pick<Prober, 'control'>, signal: AbortSignal): Promise<Outcome> {
    const { kind, control, startedAt } = outcome
    const isOld = kind === 'unreachable' && control?.reached === true && control.at < startedAt
    const judged = isOld ? { ...outcome, control: await prober.control(signal) } : outcome
    if (!signal.aborted) this.noteRun(judged)
    return judged
  }

  private noteRun(outcome: Outcome): void {
    this.connectivity = advanceConnectivity(this.connectivity, { controls: [], outcomes: [outcome], readings: [] })
    const isAnswered = outcome.control?.reached === true || outcome.tries.some(({ status }) => status !== null)
    if (isAnswered) this.set(true)
    else if (blame(outcome, this.connectivity).kind === 'offline') this.set(false)
  }

  noteControl(answer: ControlAnswer): void {
    this.connectivity = advanceConnectivity(this.connectivity, { controls: [answer], outcomes: [], readings: [] })
    if (answer.reached) this.set(true)
    else if (this.connectivity.offlineSince !== null) this.set(false)
  }

  /** Makes control calls, as often as a machine that is alone would, until the signal aborts. */
  async watch(prober: Pick<Prober, 'control'>, clock: Clock, { idleEveryMs, signal }: Watching): Promise<void> {
    while (!signal.aborted) {
      const answer = await prober.control(signal)
      if (signal.aborted) return
      this.noteControl(answer)
      await this.lost.wait(clock, this.isCutOff ? CONTROL_RETRY_MS : controlEveryMs(this.connectivity, idleEveryMs), signal)
    }
  }

  private set(reaches: boolean): void {
    if (this.reaches === reaches) return
    this.reaches = reaches
    if (!reaches) this.lost.nudge()
    this.tell(reaches)
  }
}

type Watching = Readonly<{
  /** How often while everything is ok. */
  idleEveryMs: number
  signal: AbortSignal
}>

import type { Clock } from '../../ports/time.ts'

/** How long somebody waits who hears of everything, and who has to look for it. */
export type Pauses = Readonly<{ heardMs: number; unheardMs: number }>

/** What was heard proves for so long that the next thing will be heard as well. A machine proves it with each sign of life. */
const PROVEN_MS = 8_000
const RUNG = 'rung'

/**
 * Wakes whoever waits for what another machine writes. Nothing depends on it but how soon that is noticed: where rings do not
 * arrive, everybody looks more often.
 */
export class Bell {
  private readonly clock: Clock
  private readonly ears = new Map<string, Set<Ear>>()
  private provenAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.clock = clock
  }

  get isHeard(): boolean {
    return this.clock.monotonic() - this.provenAt < PROVEN_MS
  }

  /** A ring of our own has come back to us. */
  prove(): void {
    this.provenAt = this.clock.monotonic()
  }

  /** The line is gone: nothing that is rung from now on is heard, and something may have been missed. */
  doubt(): void {
    this.provenAt = Number.NEGATIVE_INFINITY
    for (const ears of this.ears.values()) for (const ear of ears) ear.hear()
  }

  ring(topic: string): void {
    for (const ear of this.ears.get(topic) ?? []) ear.hear()
  }

  /** From now on no ring about this is missed, until the signal aborts. */
  attend(topic: string, over: AbortSignal): Ear {
    const ear = new Ear(this, this.clock)
    const ears = this.ears.get(topic) ?? new Set()
    this.ears.set(topic, ears.add(ear))
    const leave = () => {
      ears.delete(ear)
      if (ears.size === 0) this.ears.delete(topic)
    }
    over.addEventListener('abort', leave, { once: true })
    return ear
  }
}

/** Waits for the rings about one topic. */
export class Ear {
  private readonly bell: Bell
  private readonly clock: Clock
  private isRung = false
  private woken: AbortController | null = null

  constructor(bell: Bell, clock: Clock) {
    this.bell = bell
    this.clock = clock
  }

  hear(): void {
    this.isRung = true
    this.woken?.abort(RUNG)
  }

  /** Resolves at a ring (also one that came since the last wait), after that time, or when the signal aborts. */
  async wait({ heardMs, unheardMs }: Pauses, signal: AbortSignal): Promise<void> {
    if (!this.isRung && !signal.aborted) {
      const woken = new AbortController()
      const end = () => woken.abort(RUNG)
      signal.addEventListener('abort', end, { once: true })
      this.woken = woken
      await this.clock.sleep(this.bell.isHeard ? heardMs : unheardMs, woken.signal)
      this.woken = null
      signal.removeEventListener('abort', end)
    }
    this.isRung = false
  }
}

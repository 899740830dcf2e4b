type Clocked = { config: { systemClockOffset: number } }

/** AWS refuses a signature that is dated five minutes off; the SDK speaks of skew from four on. */
const SKEWED_MS = 4 * 60_000

/**
 * How far AWS's clock is ahead of ours, as the SDK learns it from the Date of each answer, refusals too. Every client of the
 * SDK learns it for itself, and one that is made for a single call never profits. Here the clients of the process share what
 * any of them has learnt, so that the next signature is dated right, whoever makes it.
 */
export class ClockOffset {
  ms = 0

  shared<C extends object>(client: C): C {
    const { config } = client as C & Clocked
    Object.defineProperty(config, 'systemClockOffset', {
      enumerable: true,
      get: () => this.ms,
      set: (ms: number) => {
        this.ms = ms
      },
    })
    return client
  }

  /** Asks once more, at once, where the refusal itself has told that our clock is off. */
  async corrected<T>(ask: () => Promise<T>): Promise<T> {
    const before = this.ms
    try {
      return await ask()
    } catch (error) {
      if (Math.abs(this.ms - before) < SKEWED_MS) throw error
      return await ask()
    }
  }
}

/** Chance that can be thrown again: everything about a history follows from its seed. */
export class Dice {
  private state: number

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.state = Math.imul(seed + 1, 0x9e3779b1) >>> 0
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  readonly random = (): number => {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  chance(p: number): boolean {
    return this.random() < p
  }

  /** A whole number of `step`s from `from` to `to`. */
  between(from: number, to: number, step = 1): number {
    return from + Math.floor(this.random() * (Math.floor((to - from) / step) + 1)) * step
  }

  /** Waiting time until something that happens once in `mean` on average; never more than six times that. */
  wait(mean: number): number {
    return Math.round(Math.min(6 * mean, -Math.log(1 - this.random()) * mean))
  }

  pick<T>(from: readonly T[]): T {
    const one = from[Math.floor(this.random() * from.length)]
    if (one === undefined) throw new Error('nothing to pick from')
    return one
  }

  /** One of several, each as likely as its weight says. */
  weighted<T>(from: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.random() * from.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of from) {
      left -= weight
      if (left < 0) return value
    }
    return this.pick(from)[1]
  }
}

/** Work that the main loop starts and does not wait for. */
export class Background {
  private readonly failed: (message: string, cause: unknown) => void
  private readonly running = new Set<Promise<unknown>>()
  private readonly keys = new Set<string>()

  constructor(failed: (message: string, cause: unknown) => void) {
    this.failed = failed
  }

  /** @param failure what to report if the work fails, such as `failed to save delivery status` */
  start(work: Promise<unknown>, failure: string): void {
    const guarded: Promise<unknown> = work
      .catch((cause) => this.failed(failure, cause))
      .finally(() => this.running.delete(guarded))
    this.running.add(guarded)
  }

  /** Does nothing while work of the same key is running. */
  startOnce(key: string, work: () => Promise<void>, failure: string): void {
    if (this.keys.has(key)) return
    this.keys.add(key)
    this.start(
      work().finally(() => this.keys.delete(key)),
      failure,
    )
  }

  /** Resolves when everything that is running now has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.running)
  }
}

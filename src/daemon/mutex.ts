/** Does one piece of work at a time, in the order in which it was handed over. */
export class Mutex {
  private last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const next = this.last.then(work)
    this.last = next.catch(() => {})
    return next
  }
}

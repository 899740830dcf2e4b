/** Remembers what takes long to make, for a bounded number of keys: if there are more, it starts again empty. */
export class Memo<K, V> {
  readonly #max: number
  readonly #made = new Map<K, V>()

  constructor(max: number) {
    this.#max = max
  }

  /** @throws {unknown} what `make` throws; nothing is remembered then */
  of(key: K, make: () => V): V {
    const known = this.#made.get(key)
    if (known !== undefined || this.#made.has(key)) return known as V
    const made = make()
    if (this.#made.size >= this.#max) this.#made.clear()
    this.#made.set(key, made)
    return made
  }
}

import { nameOfThrown } from '../domain/thrown.ts'

/**
 * Probes whose last run ended in an internal error, while it was made or while it was decided on. Nobody monitors what they
 * should monitor, so `/healthz` says so for as long as it lasts.
 */
export class Faults {
  /** By monitor and probe: the name of the error. */
  private readonly found = new Map<string, Map<string, string>>()

  /** @returns whether this is news: no other probe's runs end in this error already */
  add(monitor: string, probe: string, thrown: unknown): boolean {
    const name = nameOfThrown(thrown)
    const isNews = ![...this.found.values()].some((probes) => [...probes.values()].includes(name))
    const probes = this.found.get(monitor) ?? new Map<string, string>()
    this.found.set(monitor, probes.set(probe, name))
    return isNews
  }

  /** A run of this probe was made and decided on. */
  clear(monitor: string, probe: string): void {
    const probes = this.found.get(monitor)
    if (probes?.delete(probe) === true && probes.size === 0) this.found.delete(monitor)
  }

  /** One line per monitor. */
  reasons(): readonly string[] {
    return [...this.found].map(([monitor, probes]) => {
      const [first = ['', '']] = probes
      const more = probes.size === 1 ? '' : ` and ${probes.size - 1} more`
      return `monitor ${monitor}: runs end in an internal error of Alibi (${first[0]}: ${first[1]}${more}); see the log`
    })
  }
}

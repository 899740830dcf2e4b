import type { LedgerRow } from '../domain/ledger.ts'
import { decisiveTry, type Outcome } from '../domain/probe.ts'

/** Lines that are kept of a story. Further ones are only counted. */
const MAX_LINES = 20_000

/** `world`: what the scenario does. `daemon`: its process. `log`: its warnings and errors. */
export type LineKind = 'world' | 'daemon' | 'run' | 'decision' | 'mail' | 'log'

export type Line = {
  /** Milliseconds of true time since the start. */
  readonly at: number
  readonly kind: LineKind
  readonly mark: string
  readonly text: string
  /** How many similar lines followed, and when the last of them did. */
  more: number
  until: number
}

/** Decisions that say the same about one probe after another. */
const OF_EACH_PROBE: ReadonlySet<LedgerRow['decision']> = new Set(['joined', 'recovered', 'moved'])

/** The story as it is printed: what happened, what was decided and why. Repetitions are counted. */
export class Timeline {
  readonly lines: Line[] = []
  private readonly since: () => number
  /** The line on which a probe's runs are counted as long as their results are the same. */
  private readonly ofProbe = new Map<string, { key: string; line: Line | null }>()
  private last: { key: string; line: Line } | null = null
  private left = 0

  /** @param since milliseconds of true time since the start */
  constructor(since: () => number) {
    this.since = since
  }

  /** Lines that there was no room for. */
  get omitted(): number {
    return this.left
  }

  world(text: string): void {
    this.add('world', '▸', text)
  }

  daemon(text: string): void {
    this.add('daemon', '■', text)
  }

  mail(text: string): void {
    this.add('mail', '✉', text)
  }

  log(text: string): void {
    this.add('log', '!', text, `log ${text.replace(/\d+/g, '#')}`)
  }

  /** A finished run: a line if its result differs from the previous one, otherwise only counted. */
  run(outcome: Outcome): void {
    const last = decisiveTry(outcome)
    const what =
      outcome.result === 'ok'
        ? 'ok'
        : `${last?.error ?? outcome.kind}${outcome.result === 'failed' ? '' : ` (inconclusive: ${outcome.kind})`}`
    const key = `run ${what}`
    const was = this.ofProbe.get(outcome.probe)
    if (was?.key === key) {
      this.again(was.line)
      return
    }
    // A probe that is ok from the start is no news.
    const news = was !== undefined || outcome.result !== 'ok'
    const mark = outcome.result === 'ok' ? '✓' : outcome.result === 'failed' ? '✗' : '?'
    const tries = outcome.tries.length === 1 ? '' : ` (${outcome.tries.length} tries)`
    const line = news ? this.add('run', mark, `${outcome.probe}  ${what}${tries}`, key) : null
    this.ofProbe.set(outcome.probe, { key, line })
  }

  /** So many further runs of a probe had the same result as its last one. */
  runsAgain(probe: string, runs: number): void {
    const line = this.ofProbe.get(probe)?.line ?? null
    if (line !== null) line.more += runs
  }

  decision(row: LedgerRow): void {
    const { decision, incident, probe, rule, reason } = row
    const of = incident === null ? '' : ` #${incident.slice(0, 4)}`
    const by = rule === null ? '' : ` (${rule})`
    const who = probe === null ? '' : ` ${probe}:`
    const key = OF_EACH_PROBE.has(decision) ? `decision ${decision} ${incident}` : undefined
    this.add('decision', '●', `${decision}${of}${by}${who} ${reason}`, key)
  }

  private add(kind: LineKind, mark: string, text: string, key?: string): Line | null {
    if (key !== undefined && this.last?.key === key) {
      this.again(this.last.line)
      return this.last.line
    }
    if (this.lines.length >= MAX_LINES) {
      this.left += 1
      return null
    }
    const at = this.since()
    const line: Line = { at, kind, mark, text, more: 0, until: at }
    this.lines.push(line)
    this.last = { key: key ?? '', line }
    return line
  }

  private again(line: Line | null): void {
    if (line === null) return
    line.more += 1
    line.until = this.since()
  }
}

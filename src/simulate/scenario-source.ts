import { durationText } from '../config/duration.ts'
import type { Fault } from '../config/fault.ts'
import { withFound } from '../config/found.ts'
import type { Path, Tree } from '../config/tree.ts'
import { HOUR_MS, type Instant } from '../domain/probe.ts'
import type { Moment, Span } from './scenario.ts'

type Story = Readonly<{ file: string; start: Instant; lengthMs: number }>

/** A scenario file that is being read: where its values are, when its story begins and ends, and what is wrong with it. */
export class ScenarioSource {
  readonly tree: Tree
  readonly file: string
  readonly start: Instant
  readonly lengthMs: number
  readonly faults: Fault[]

  constructor(tree: Tree, { file, start, lengthMs }: Story, faults: Fault[]) {
    this.tree = tree
    this.file = file
    this.start = start
    this.lengthMs = lengthMs
    this.faults = faults
  }

  /** Adds a fault. @param at whether the key or its value is wrong */
  fault(path: Path, message: string, at: 'key' | 'value' = 'value'): null {
    this.faults.push(this.tree.fault(path, at === 'key' ? message : withFound(message, path, this.tree), at))
    return null
  }

  sinceStart(moment: Moment): number {
    return 'since' in moment ? moment.since : moment.instant - this.start
  }

  /** A moment within the story, in milliseconds since its start. */
  within(moment: Moment, path: Path): number {
    const since = this.sinceStart(moment)
    if (since < 0 || since > this.lengthMs) {
      const isJustAfter = since > this.lengthMs && since < this.lengthMs + HOUR_MS
      const advice = isJustAfter ? ' (make `length` longer)' : ''
      this.fault(path, `it is outside the story, which lasts ${durationText(this.lengthMs)}${advice}`)
    }
    return since
  }

  /** A moment from the start on. What happens after the end is left out, with a note: a story is often cut short. */
  notBefore(moment: Moment, path: Path): number {
    const since = this.sinceStart(moment)
    return since < 0 ? this.within(moment, path) : since
  }

  /** The end may be after the story's own: an expected email may also come later. */
  span(given: Readonly<{ from: Moment; to: Moment }>, path: Path): Span {
    const span = { from: this.within(given.from, [...path, 0]), to: this.sinceStart(given.to) }
    if (span.to < span.from) this.fault(path, 'it ends before it begins')
    return span
  }
}

import { counted } from '../domain/counted.ts'
import { inWords } from '../domain/duration.ts'
import type { StripMark } from '../domain/notification.ts'
import { HOUR_MS, type Instant, MINUTE_MS } from '../domain/probe.ts'
import { clockTime } from './phrase.ts'

export type Minute = StripMark['mark'] | 'none'

/** The last hour of a monitor, minute by minute: how its runs went, and how long they took. */
export type Hour = Readonly<{
  /** The worst run of each minute, oldest first. */
  minutes: readonly Minute[]
  /** The longest run of each minute; `null` where there was none. */
  longestMs: readonly (number | null)[]
  /** In words, what was not ok; `null` if all that ran was. */
  trouble: string | null
  /** All of it in words, for screen readers. */
  said: string
  /** Its begin and end as shown. */
  from: string
  to: string
  /** The median and the longest run in words; `null` where there was no run. */
  latency: string | null
}>

const MINUTES = HOUR_MS / MINUTE_MS
const WORSE: readonly Minute[] = ['none', 'ok', 'inconclusive', 'failed']

/** @param marks of all probes of the monitor together, in any order */
export function hourOf(marks: readonly StripMark[], now: Instant): Hour {
  const start = Math.floor(now / MINUTE_MS) * MINUTE_MS + MINUTE_MS - HOUR_MS
  const minutes: Minute[] = Array.from({ length: MINUTES }, () => 'none')
  const longestMs: (number | null)[] = Array.from({ length: MINUTES }, () => null)
  const times: number[] = []
  for (const { at, ms, mark } of marks) {
    const minute = Math.floor((at - start) / MINUTE_MS)
    const was = minutes[minute]
    if (was === undefined) continue
    if (WORSE.indexOf(mark) > WORSE.indexOf(was)) minutes[minute] = mark
    longestMs[minute] = Math.max(longestMs[minute] ?? 0, ms)
    times.push(ms)
  }
  const latency = latencyOf(times)
  const trouble = troubleIn(minutes, start, now)
  return {
    minutes,
    longestMs,
    trouble,
    said: `Last hour: ${[...(trouble === null ? [] : [trouble]), ...restOf(minutes)].join(', ')}${latency === null ? '' : `; ${latency}`}.`,
    from: clockTime(start, now),
    to: clockTime(now, now),
    latency,
  }
}

export function worstOf(minutes: readonly Minute[]): Minute {
  return minutes.reduce((worst, one) => (WORSE.indexOf(one) > WORSE.indexOf(worst) ? one : worst), 'none')
}

function troubleIn(minutes: readonly Minute[], start: Instant, now: Instant): string | null {
  const [failed, inconclusive] = [countIn(minutes, 'failed'), countIn(minutes, 'inconclusive')]
  const lastFailedAt = start + minutes.lastIndexOf('failed') * MINUTE_MS
  const found = [
    ...(failed > 0 ? [`${counted(failed, 'minute')} with failed runs, the latest at ${clockTime(lastFailedAt, now)}`] : []),
    ...(inconclusive > 0 ? [`${counted(inconclusive, 'minute')} inconclusive`] : []),
  ]
  return found.length === 0 ? null : found.join(', ')
}

function restOf(minutes: readonly Minute[]): readonly string[] {
  const [ok, none] = [countIn(minutes, 'ok'), countIn(minutes, 'none')]
  return [...(ok > 0 ? [`${counted(ok, 'minute')} ok`] : []), ...(none > 0 ? [`${counted(none, 'minute')} without a run`] : [])]
}

function countIn(minutes: readonly Minute[], mark: Minute): number {
  return minutes.filter((one) => one === mark).length
}

function latencyOf(times: readonly number[]): string | null {
  const sorted = times.toSorted((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)]
  const longest = sorted.at(-1)
  return median === undefined || longest === undefined ? null : `median run ${shown(median)}, longest ${shown(longest)}`
}

function shown(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}ms` : ms < 10_000 ? `${(ms / 1_000).toFixed(1)}s` : inWords(ms)
}

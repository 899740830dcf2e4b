import { inWords } from '../domain/duration.ts'
import type { StripMark } from '../domain/notification.ts'
import { HOUR_MS, type Instant, MINUTE_MS } from '../domain/probe.ts'
import { clockTime, counted } from './phrase.ts'

export type Minute = StripMark['mark'] | 'none'

/** The last hour of a monitor, minute by minute: how its runs went, and how long they took. */
export type Hour = Readonly<{
  /** The worst run of each minute, the oldest first. */
  minutes: readonly Minute[]
  /** The longest run of each minute; `null` where there was none. */
  longestMs: readonly (number | null)[]
  /** The whole in one sentence, for who cannot see it. */
  said: string
  /** Begin and end as shown. */
  from: string
  to: string
  /** Typical and longest run in words; `null` where there was no run. */
  latency: string | null
}>

const MINUTES = HOUR_MS / MINUTE_MS
const WORSE: readonly Minute[] = ['none', 'ok', 'inconclusive', 'failed']

/** @param marks of all probes of the monitor together, in any order */
export function hourOf(marks: readonly StripMark[], now: Instant): Hour {
  const end = Math.floor(now / MINUTE_MS) * MINUTE_MS + MINUTE_MS
  const start = end - HOUR_MS
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
  times.sort((a, b) => a - b)
  const typical = times[Math.floor((times.length - 1) / 2)]
  const longest = times.at(-1)
  const latency =
    typical === undefined || longest === undefined ? null : `a run takes ${shown(typical)}, the longest took ${shown(longest)}`
  const of = (mark: Minute) => minutes.filter((one) => one === mark).length
  const parts = [
    of('failed') > 0
      ? `${counted(of('failed'), 'minute')} with failed runs, the last at ${clockTime(lastOf('failed'), now)}`
      : '',
    of('inconclusive') > 0 ? `${counted(of('inconclusive'), 'minute')} unclear` : '',
    of('ok') > 0 ? `${counted(of('ok'), 'minute')} ok` : '',
    of('none') > 0 ? `${counted(of('none'), 'minute')} without a run` : '',
  ].filter((part) => part !== '')
  function lastOf(mark: Minute): Instant {
    return start + minutes.lastIndexOf(mark) * MINUTE_MS
  }
  return {
    minutes,
    longestMs,
    said: `The last hour: ${parts.join(', ')}${latency === null ? '' : `; ${latency}`}.`,
    from: clockTime(start, now),
    to: clockTime(now, now),
    latency,
  }
}

function shown(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}ms` : ms < 10_000 ? `${(ms / 1_000).toFixed(1)}s` : inWords(ms)
}

import { durationText } from './duration.ts'

/** What bounds a run. Durations are in milliseconds. */
export type RunLimits = Readonly<{ attempts: number; timeoutMs: number; backoffMs: number }>

/** The longest that a run can take: every try times out, and jitter shortens no pause. */
export function longestRunMs(limits: RunLimits): number {
  return limits.attempts * limits.timeoutMs + backoffs(limits).reduce((sum, pause) => sum + pause, 0)
}

/** `18s (3 tries of 5s, pauses of 1s + 2s)` */
export function longestRunText(limits: RunLimits): string {
  const { attempts, timeoutMs, backoffMs } = limits
  const tries = attempts === 1 ? '1 try' : `${attempts} tries`
  const pauses = backoffMs === 0 ? [] : backoffs(limits)
  const sum = pauses.length === 0 ? '' : `, pauses of ${pauses.map(durationText).join(' + ')}`
  return `${durationText(longestRunMs(limits))} (${tries} of ${durationText(timeoutMs)}${sum})`
}

function backoffs({ attempts, backoffMs }: RunLimits): readonly number[] {
  return Array.from({ length: Math.max(0, attempts - 1) }, (_, index) => backoffMs * 2 ** index)
}

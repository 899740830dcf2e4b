import type { Monitor } from '../domain/probe.ts'
import { type QuotaRow, quotaRows } from '../domain/quota.ts'
import { readSchedule } from './schedule.ts'

/** Calls a second by caller and operation, against AWS's quotas: what `check` prints. */
export function quotas(config: Readonly<{ monitors: readonly Monitor[] }>): readonly QuotaRow[] {
  return quotaRows(
    config.monitors.map((monitor) => {
      const schedule = readSchedule(monitor.schedule)
      return { monitor, shortestGapMs: schedule.ok ? schedule.gaps.shortestMs : monitor.periodMs }
    }),
  )
}

/** One sentence for each quota that the schedules cannot keep. */
export function quotaWarnings(rows: readonly QuotaRow[]): readonly string[] {
  return rows.flatMap(({ operation, partition, probes, callsPerSecond, quota, fits }) => {
    if (fits || quota === null) return []
    const rate = Math.round(callsPerSecond * 100) / 100
    return [
      `${operation}: ${probes} probes make ${rate} calls a second; AWS allows a caller ${quota.perSecond} (partition ${partition}): run them less often`,
    ]
  })
}

import { MINUTE_MS, type Monitor } from '../domain/probe.ts'
import { type QuotaRow, quotaRows, SCHEDULED_SHARE } from '../domain/quota.ts'
import { readSchedule } from '../schedule/calendar.ts'
import { durationText } from './duration.ts'

/** Calls per second by caller and operation, compared with AWS's quotas, as `check` prints them. */
export function quotas(config: Readonly<{ monitors: readonly Monitor[] }>): readonly QuotaRow[] {
  return quotaRows(
    config.monitors.map((monitor) => {
      const schedule = readSchedule(monitor.schedule)
      return { monitor, shortestGapMs: schedule.ok ? schedule.calendar.gaps.shortestMs : monitor.periodMs }
    }),
  )
}

/** Operations that may be called several times for an account, with different parameters. */
const BY_PARAMETER: ReadonlySet<string> = new Set(['GetAlternateContact', 'GetRegionOptStatus'])

/** A warning for every quota that the schedules exceed, with how long a round takes at the quota and at the scheduled share of it. */
export function quotaWarnings(rows: readonly QuotaRow[]): readonly string[] {
  return rows.flatMap(({ operation, partition, probes, callsPerSecond, quota, fits }) => {
    if (fits || quota === null) return []
    const what = BY_PARAMETER.has(operation) || probes === 1 ? 'probe' : 'account'
    const many = `${numberText(probes)} ${what}${probes === 1 ? '' : 's'} × ${operation}`
    const isClose = callsPerSecond < quota.perSecond + 0.1
    const shortest = (perSecond: number) => numberText(Math.ceil(probes / perSecond))
    const needs = numberText(isClose ? Math.ceil(callsPerSecond * 100) / 100 : Math.round(callsPerSecond * 10) / 10)
    const where = partition === 'aws' ? '' : ` in partition ${partition}`
    return [
      `${many} every ${gapText(Math.round((1000 * probes) / callsPerSecond))} needs ${needs} calls/s, but AWS allows ${quota.perSecond}/s${where}: a round takes at least ${shortest(quota.perSecond)} s (${shortest(quota.perSecond * SCHEDULED_SHARE)} s with room for repeated runs)`,
    ]
  })
}

function gapText(ms: number): string {
  return ms === MINUTE_MS ? 'minute' : ms === 60 * MINUTE_MS ? 'hour' : durationText(ms)
}

function numberText(value: number): string {
  return value.toLocaleString('en-US')
}

import { HOUR_MS } from '../../domain/probe.ts'
import type { Store, StoredOutcome } from '../../ports/store.ts'
import { type Call, copy, type Disk } from './disk.ts'

/** Keeps runs. One that is known already may only gain an incident. */
export function addRuns(disk: Disk, outcomes: readonly StoredOutcome[]): void {
  for (const stored of copy(outcomes)) {
    const { probe, startedAt } = stored.outcome
    const hour = hourOf(startedAt)
    const runs = disk.runs.get(hour) ?? new Map<string, StoredOutcome>()
    const key = `${probe} ${startedAt}`
    runs.set(key, { outcome: stored.outcome, incident: stored.incident ?? runs.get(key)?.incident ?? null })
    disk.runs.set(hour, runs)
  }
}

export function runsOn(disk: Disk, call: Call): Pick<Store, 'sweep' | 'strip' | 'runs' | 'counts' | 'hours'> {
  const runsFrom = (since: number) => [...disk.runs].flatMap(([hour, runs]) => (hour + HOUR_MS > since ? [...runs.values()] : []))
  /** No hour on disk is older, as far as is known: a story sweeps every minute, and hardly ever finds anything. */
  let oldestHour = Number.NEGATIVE_INFINITY
  return {
    sweep: call((before, limit) => {
      const oldRuns: [string, StoredOutcome][] = []
      for (const [hour, kept] of disk.runs) {
        if (hour >= before.runs) continue
        for (const run of kept) if (run[1].incident === null && run[1].outcome.startedAt < before.runs) oldRuns.push(run)
      }
      const runs = oldRuns.slice(0, limit)
      for (const [key, { outcome }] of runs) {
        const hour = hourOf(outcome.startedAt)
        const at = `${outcome.probe} ${hour}`
        const was = disk.hours.get(at) ?? { probe: outcome.probe, hour, ok: 0, failed: 0, inconclusive: 0, sumMs: 0, maxMs: 0 }
        const ms = outcome.endedAt - outcome.startedAt
        const sum = { ...was, sumMs: was.sumMs + ms, maxMs: Math.max(was.maxMs, ms) }
        disk.hours.set(at, { ...sum, [outcome.result]: was[outcome.result] + 1 })
        oldestHour = Math.min(oldestHour, hour)
        const left = disk.runs.get(hour)
        left?.delete(key)
        if (left?.size === 0) disk.runs.delete(hour)
      }
      const oldHours = oldestHour < before.hours ? [...disk.hours].filter(([, sum]) => sum.hour < before.hours) : []
      const hours = oldHours.slice(0, limit - runs.length)
      for (const [key] of hours) disk.hours.delete(key)
      if (oldHours.length === hours.length && oldestHour < before.hours)
        oldestHour = [...disk.hours.values()].reduce((oldest, { hour }) => Math.min(oldest, hour), Number.POSITIVE_INFINITY)
      disk.readings = disk.readings.filter((kept) => kept.until >= before.hours)
      return oldRuns.length - runs.length + oldHours.length - hours.length
    }),
    strip: call((probe, since) =>
      runsFrom(since)
        .filter(({ outcome }) => outcome.probe === probe && outcome.startedAt >= since)
        .sort(byBegin)
        .map(({ outcome }) => ({ at: outcome.startedAt, ms: outcome.endedAt - outcome.startedAt, mark: outcome.result })),
    ),
    runs: call((incident, limit) =>
      runsFrom(0)
        .filter((run) => run.incident === incident)
        .sort(byBegin)
        .slice(-limit)
        .map((run) => run.outcome),
    ),
    counts: call((incident) => ({
      ledger: disk.ledger.filter((row) => row.incident === incident).length,
      runs: runsFrom(0).filter((run) => run.incident === incident).length,
    })),
    hours: call((probe, since) =>
      [...disk.hours.values()].filter((sum) => sum.probe === probe && sum.hour + HOUR_MS > since).sort((a, b) => a.hour - b.hour),
    ),
  }
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS
}

function byBegin(a: StoredOutcome, b: StoredOutcome): number {
  return a.outcome.startedAt - b.outcome.startedAt || (a.outcome.probe < b.outcome.probe ? -1 : 1)
}

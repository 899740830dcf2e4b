import type { StripMark } from '../domain/notification.ts'
import { HOUR_MS, type Instant, MINUTE_MS } from '../domain/probe.ts'
import { hhmm } from './times.ts'

/** `·` ok, `x` failed, `?` inconclusive, blank: no run in that minute. */
type Cell = '·' | 'x' | '?' | ' '

/** Half an hour, one character a minute: thirty fit on a phone, sixty would not. */
export type StripRow = Readonly<{ from: string; to: string; cells: string }>

export const LEGEND = 'Last hour by the minute: · ok, x failed, ? inconclusive, blank no run'

const CELL: Readonly<Record<StripMark['mark'], Cell>> = { ok: '·', failed: 'x', inconclusive: '?' }
const WORSE: readonly Cell[] = [' ', '·', '?', 'x']
const ROW_MS = 30 * MINUTE_MS

/** The last hour, minute by minute, each minute shown by its worst run. Empty without a run in that hour. */
export function strip(marks: readonly StripMark[], at: Instant): readonly StripRow[] {
  const end = Math.floor(at / MINUTE_MS) * MINUTE_MS + MINUTE_MS
  const start = end - HOUR_MS
  const cells: Cell[] = Array.from({ length: HOUR_MS / MINUTE_MS }, () => ' ')
  for (const { at: when, mark } of marks) {
    const minute = Math.floor((when - start) / MINUTE_MS)
    const was = cells[minute]
    if (was === undefined) continue
    if (WORSE.indexOf(CELL[mark]) > WORSE.indexOf(was)) cells[minute] = CELL[mark]
  }
  if (cells.every((cell) => cell === ' ')) return []
  return [start, start + ROW_MS].map((from) => {
    const first = (from - start) / MINUTE_MS
    return {
      // Never with a date, even across midnight: it is always the last hour.
      from: clock(from),
      to: clock(from + ROW_MS - MINUTE_MS),
      cells: cells.slice(first, first + ROW_MS / MINUTE_MS).join(''),
    }
  })
}

function clock(at: Instant): string {
  return hhmm(at, at)
}

/** Equal characters side by side, as groups: `xxx··` has two. */
export function grouped(cells: string): readonly Readonly<{ cell: string; length: number }>[] {
  const found: { cell: string; length: number }[] = []
  for (const cell of cells) {
    const last = found.at(-1)
    if (last?.cell === cell) last.length += 1
    else found.push({ cell, length: 1 })
  }
  return found
}

import type { Logger } from 'node-cron'
import { parse, schedule } from 'node-cron'
import type { Log } from '../ports/log.ts'
import type { ScheduledTask, Ticker } from '../ports/time.ts'

/** A fire that is late by no more (the event loop was busy) still happens; one that is later counts as missed. */
const LATE_MS = 10_000
/** How often the wall clock is compared with the monotonic one, while anything is scheduled. */
const WATCH_MS = 1_000
/** The two differ by this much since last looked at: the clock was set, or the machine slept. */
const JUMP_MS = 2_000

/**
 * Schedules by node-cron, one of its tasks for each of ours.
 *
 * node-cron arms one timer for the next time of the schedule. A timer runs on the monotonic clock, which stands still while
 * the machine sleeps, and node-cron looks at the wall clock only when it fires. So by itself it would be silent for three
 * hours when the clock is set back by three hours, would wake up late from a suspend by what was left of the timer, and
 * would walk through every time in between when the clock is set ahead (42 µs each: twenty minutes for a clock that leaps
 * from 1970). Hence the watch: it compares both clocks each second, and has every task planned anew after a jump.
 */
export function createTicker(log: Log): Ticker {
  const planned = new Set<() => void>()
  let watch: NodeJS.Timeout | null = null
  let offset = 0

  function look(): void {
    const now = clockOffset()
    const jump = now - offset
    offset = now
    if (Math.abs(jump) < JUMP_MS) return
    log.warn('the clock jumped or the machine slept: schedules are planned anew', { byMs: Math.round(jump) })
    for (const replan of planned) replan()
  }

  function add(replan: () => void): void {
    planned.add(replan)
    if (watch !== null) return
    offset = clockOffset()
    watch = setInterval(look, WATCH_MS)
    watch.unref()
  }

  function remove(replan: () => void): void {
    planned.delete(replan)
    if (planned.size > 0 || watch === null) return
    clearInterval(watch)
    watch = null
  }

  return {
    schedule(task) {
      let running: Promise<void> | null = null
      let stopped = false
      /** The time of a fire that waits out its random delay. */
      let delayed: number | null = null
      let tellsMissed = false

      /** Once for each stretch, with its first time: a busy minute on a schedule of seconds is one thing to tell. */
      function missed(at: number): void {
        if (tellsMissed || stopped) return
        tellsMissed = true
        queueMicrotask(() => {
          tellsMissed = false
        })
        guarded(log, task, () => task.missed(at))
      }
      const overlapped = (at: number) => guarded(log, task, () => task.overlapped(at))

      async function fire(at: number): Promise<void> {
        delayed = null
        // node-cron forgets what still runs when a task is planned anew.
        if (running !== null) return overlapped(at)
        running = task.fire(at)
        try {
          await running
        } finally {
          running = null
        }
      }

      const cron = schedule(task.cron, (context) => fire(context.date.getTime()), {
        name: task.name,
        timezone: zoneFor(task.cron, task.timezone),
        noOverlap: true,
        maxRandomDelay: task.spreadMs,
        missedExecutionTolerance: LATE_MS,
        suppressMissedWarning: true,
        logger: loggerFor(log, task),
      })
      cron.on('execution:started', (context) => {
        delayed = context.date.getTime()
      })
      cron.on('execution:missed', (context) => missed(context.date.getTime()))
      cron.on('execution:overlap', (context) => overlapped(context.date.getTime()))

      let expected = nextOf(cron)
      cron.on('execution:finished', () => {
        expected = nextOf(cron)
      })

      function replan(): void {
        const lost = delayed ?? expected
        delayed = null
        void cron.stop()
        void cron.start()
        expected = nextOf(cron)
        if (lost !== null && lost < Date.now()) missed(lost)
      }
      add(replan)

      return {
        async stop() {
          if (!stopped) {
            stopped = true
            remove(replan)
            void cron.destroy()
          }
          await running?.catch(() => {}) // The logger was told.
        },
        next: () => (stopped ? null : nextOf(cron)),
      }
    },
  }
}

const clockOffset = () => Date.now() - performance.now()

/**
 * node-cron 4.6 leaves out the hour that is repeated at the end of summer time: a schedule for each minute would be silent
 * from 02:00 to 03:00 one night a year. A schedule for every hour of every day means the same times in UTC, and has no such
 * night, if its zone differs from UTC by whole hours or it names every minute.
 */
function zoneFor(cron: string, timezone: string): string {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parse(cron)
  const always = hour.length === 24 && dayOfMonth.length === 31 && month.length === 12 && new Set(dayOfWeek).size >= 7
  return always && (minute.length === 60 || inWholeHours(timezone)) ? 'Etc/UTC' : timezone
}

/** Whether the zone's offset is of whole hours in winter and in summer. */
function inWholeHours(timezone: string): boolean {
  const minute = new Intl.DateTimeFormat('en', { timeZone: timezone, minute: 'numeric' })
  const year = new Date().getUTCFullYear()
  return [0, 6].every((month) => minute.format(Date.UTC(year, month, 15)) === '0')
}

function nextOf(cron: { getNextRun(): Date | null }): number | null {
  try {
    return cron.getNextRun()?.getTime() ?? null
  } catch {
    return null // No such day within a hundred years.
  }
}

function guarded(log: Log, task: ScheduledTask, tell: () => void): void {
  try {
    tell()
  } catch (error) {
    log.error('a schedule could not tell what happened to it', { monitor: task.name, error })
  }
}

/** node-cron would print lines of its own. What it warns of (overlaps, misses) reaches us as events. */
function loggerFor(log: Log, task: ScheduledTask): Logger {
  const say = (level: 'error' | 'debug') => (message: string | Error, error?: Error) =>
    log[level](level === 'error' ? 'a scheduled run failed' : 'node-cron', {
      monitor: task.name,
      ...(message instanceof Error ? { error: message } : { detail: message, ...(error === undefined ? {} : { error }) }),
    })
  return { error: say('error'), warn: say('debug'), info: say('debug'), debug: say('debug') }
}

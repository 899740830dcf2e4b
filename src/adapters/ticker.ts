import { type Logger, type ScheduledTask as NodeCronTask, schedule } from 'node-cron'
import type { Log } from '../ports/log.ts'
import type { ScheduledTask, Ticker } from '../ports/time.ts'
import { readSchedule } from '../schedule/calendar.ts'
import { Firing, LATE_MS } from '../schedule/firing.ts'
import type { Fire } from '../schedule/planner.ts'

/** How often the wall clock is compared with the monotonic one, while anything is scheduled. */
const WATCH_MS = 1_000
/** The two differ by this much since last looked at: the clock was set, or the machine slept. */
const JUMP_MS = 2_000

/**
 * Runs schedules by one node-cron task that beats once a minute for all of them, or once for each second of the minute that
 * any of them names. Whether a schedule is due at a beat, its planner says, as it does wherever anybody asks. (Planned by
 * node-cron itself, a schedule would be silent for one pass of a repeated hour, and for a day when its time is skipped.)
 *
 * node-cron arms one timer for the next beat. A timer runs on the monotonic clock, which stands still while the machine
 * sleeps, and node-cron looks at the wall clock only when it fires. So by itself it would be silent for three hours when the
 * clock is set back by three hours, and would walk through every beat in between when it is set ahead (42 µs each: twenty
 * minutes for a clock that leaps from 1970). Hence the watch: it compares both clocks each second, and has everything planned
 * afresh after a jump.
 */
export function createTicker(log: Log): Ticker {
  /** With the seconds of the minute at which each can be due. */
  const firings = new Map<Firing, readonly number[]>()
  const look = () => {
    for (const firing of firings.keys()) firing.look()
  }
  const beat = beatOf(log, look)
  const watch = watchOf((byMs) => {
    log.warn('the clock jumped or the machine slept: schedules are planned anew', { byMs })
    beat.restart()
    for (const firing of firings.keys()) firing.replan()
  })
  function arrange(): void {
    beat.at([...firings.values()].flat())
    watch.keep(firings.size > 0)
    look() // A beat that fell due in this very moment is not among those to come.
  }

  return {
    schedule(given) {
      const task = guarded(given, log)
      const firing = new Firing(task, { now: Date.now, after, random01: Math.random, due: (fire) => explain(fire, task, log) })
      firings.set(firing, secondsOf(task))
      arrange()
      return {
        async stop() {
          const stopped = firing.stop()
          if (firings.delete(firing)) arrange()
          await stopped
        },
        next: () => firing.next(),
      }
    },
  }
}

/** Clocks are set on the minute, and what that skips is due then. */
function secondsOf({ cron }: ScheduledTask): readonly number[] {
  const reading = readSchedule(cron)
  return reading.ok ? [0, ...reading.calendar.fields.second] : []
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** node-cron, at these seconds of each minute. */
function beatOf(log: Log, look: () => void) {
  let seconds = ''
  let task: NodeCronTask | null = null
  return {
    at(wanted: readonly number[]): void {
      const list = [...new Set(wanted)].sort((a, b) => a - b).join(',')
      if (list === seconds) return
      seconds = list
      void task?.destroy()
      task = null
      if (list === '') return
      task = schedule(`${list} * * * * *`, look, {
        timezone: 'Etc/UTC',
        missedExecutionTolerance: LATE_MS,
        suppressMissedWarning: true,
        logger: loggerFor(log),
      })
      task.on('execution:missed', look)
    },
    restart(): void {
      void task?.stop()
      void task?.start()
    },
  }
}

/** Reports by how much the wall clock jumped against the monotonic one. */
function watchOf(jumped: (byMs: number) => void) {
  let timer: NodeJS.Timeout | null = null
  let offset = 0
  const offsetNow = () => Date.now() - performance.now()
  function compare(): void {
    const now = offsetNow()
    const jump = now - offset
    offset = now
    if (Math.abs(jump) >= JUMP_MS) jumped(Math.round(jump))
  }
  return {
    keep(wanted: boolean): void {
      if (wanted === (timer !== null)) return
      if (timer !== null) clearInterval(timer)
      timer = wanted ? setInterval(compare, WATCH_MS) : null
      timer?.unref()
      offset = offsetNow()
    },
  }
}

/** Why a schedule runs at a time that it does not name. */
function explain({ at, why }: Fire, task: ScheduledTask, log: Log): void {
  if (why === 'named') return
  log.info('the clocks of its time zone were set: a schedule runs now', {
    monitor: task.name,
    at: new Date(at).toISOString(),
    why:
      why === 'skipped'
        ? 'they were set over the time that it names'
        : 'its next time would make a longer pause than it ever has',
  })
}

/** A task that can neither throw nor reject: the log says what went wrong. */
function guarded(task: ScheduledTask, log: Log): ScheduledTask {
  const told = (tell: (at: number) => void) => (at: number) => {
    try {
      tell(at)
    } catch (error) {
      log.error('a schedule could not tell what happened to it', { monitor: task.name, error })
    }
  }
  return {
    ...task,
    async fire(at) {
      try {
        await task.fire(at)
      } catch (error) {
        log.error('a scheduled run failed', { monitor: task.name, error })
      }
    },
    missed: told(task.missed),
    overlapped: told(task.overlapped),
  }
}

/** node-cron would print lines of its own. */
function loggerFor(log: Log): Logger {
  const say = (level: 'error' | 'debug') => (message: string | Error, error?: Error) =>
    log[level](level === 'error' ? 'the schedules could not be looked at' : 'node-cron', {
      ...(message instanceof Error ? { error: message } : { detail: message, ...(error === undefined ? {} : { error }) }),
    })
  return { error: say('error'), warn: say('debug'), info: say('debug'), debug: say('debug') }
}

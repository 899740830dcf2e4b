import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { createLogger, format, transports } from 'winston'
import type { Config } from '../config/config.ts'
import type { Env } from '../config/endpoints.ts'
import type { Log } from '../ports/log.ts'
import { cloudWatch } from './cloudwatch.ts'
import { filesOf, type LogFile, openLogFile } from './log-file.ts'
import type { Level, LogRecord } from './log-record.ts'
import { jsonLine, logRecord, prettyLine } from './log-record.ts'
import { tighten } from './modes.ts'
import type { Outlet } from './outlet.ts'
import { createRedaction } from './redaction.ts'

export type LogConfig = Config['log']

export type ClosableLog = Log & {
  /** A configuration that was read again: another level, other secrets. Where the log goes stays. */
  change(config: Pick<LogConfig, 'level'>, secrets: readonly string[]): void
  /** Lets go of the log file, which somebody has moved away: the next line goes to a new one under its name. */
  reopen(): void
  /** Resolves when what was logged is written, or after two seconds. */
  close(): Promise<void>
}

export type LogOptions = Readonly<{
  /** Values that must not be seen: wherever one stands in a message or a field, `[secret]` does instead. */
  secrets: readonly string[]
  /** For CloudWatch Logs: the way out, and where credentials are looked for. */
  outlet?: Outlet
  env?: Env
  /** Default: the process's own. */
  stdout?: Writable & { isTTY?: boolean }
  now?: () => number
}>

const LEVELS = { error: 0, warn: 1, info: 2, debug: 3 } as const satisfies Record<Level, number>
/** What may wait for a slow reader of stdout; lines beyond it are dropped, and counted in the next one that is not. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024
/** After a failure the log file is opened again at the first line that comes this much later. */
const REOPEN_MS = 60_000
const CLOSE_MS = 2_000
/**
 * A write to a pipe or a file blocks, and costs more than making the line: beyond so many lines in so long, they go out together, and those of
 * the next time from the first on.
 */
const LINES_AT_ONCE = 5
const GATHER_MS = 250

/** The record rides on winston's info, made before winston sees it. */
type Info = { record: LogRecord }
/** Each transport makes its own line; winston's default would make one more, of everything, for nobody. */
const asItIs = format((info) => info)
const lines = (line: (record: LogRecord) => string) => format.printf((info) => line((info as unknown as Info).record))

/**
 * Logs to stdout, and if they are configured to a file that is rotated each day and by size and to CloudWatch Logs. Nothing that goes wrong with
 * either is thrown at whoever logs: a reader of stdout that went away is passed over, and a file that fails is told on
 * stdout and opened again a minute later.
 */
export function createLog(config: LogConfig, options: LogOptions): ClosableLog {
  const stdout = options.stdout ?? process.stdout
  const now = options.now ?? Date.now
  let redaction = createRedaction(options.secrets)
  let dropped = 0
  let closed = false
  let file: LogFile | null = null
  let reopenAt = Number.NEGATIVE_INFINITY

  const pretty = config.format === 'pretty' || (config.format === null && stdout.isTTY === true)
  const colour = stdout.isTTY === true ? coloured : undefined
  stdout.on('error', () => {}) // EPIPE: nobody reads any more. The daemon watches on.
  const burst = gathering(stdout)
  const logger = createLogger({
    levels: LEVELS,
    level: config.level,
    format: asItIs(),
    exitOnError: false,
    transports: [
      new transports.Stream({
        stream: stdout,
        eol: '\n',
        format: lines(pretty ? (record) => prettyLine(record, colour) : jsonLine),
      }),
    ],
  })
  logger.on('error', () => {})
  const cloud =
    config.cloudwatch === null
      ? null
      : cloudWatch({
          wanted: config.cloudwatch,
          ...(options.outlet === undefined ? {} : { outlet: options.outlet }),
          ...(options.env === undefined ? {} : { env: options.env }),
          failed: (why) =>
            write('error', 'CloudWatch Logs takes no lines: they go to stdout, and some megabytes of them are kept for it', {
              group: config.cloudwatch?.group,
              why,
              next: 'it is tried again, at least each minute',
            }),
          recovered: (lost) => write('info', 'CloudWatch Logs takes lines again', { linesLost: lost }),
        })
  if (cloud !== null) logger.add(new transports.Stream({ stream: cloud.stream, eol: '\n', format: lines(jsonLine) }))

  function openFile(wanted: NonNullable<LogConfig['file']>): void {
    try {
      const closed = tighten(filesOf(wanted.path))
      const opened = openLogFile(wanted, lines(jsonLine), fileFailed)
      file = opened
      logger.add(opened.transport)
      if (closed.length > 0) write('warn', 'other users could read or write log files', { files: closed })
    } catch (error) {
      fileFailed(error)
    }
  }

  function fileFailed(error: unknown): void {
    if (file !== null) logger.remove(file.transport)
    file = null
    reopenAt = now() + REOPEN_MS
    write('error', 'the log file failed: lines go to stdout alone, and it is opened again in a minute', {
      path: config.file?.path,
      error,
    })
  }

  function write(level: Level, message: string, fields?: Record<string, unknown>): void {
    if (closed || LEVELS[level] > LEVELS[logger.level as Level]) return
    try {
      if (stdout.writableLength > MAX_WAITING_BYTES) {
        dropped++
        return
      }
      if (config.file !== null && file === null && now() >= reopenAt) openFile(config.file)
      const lost = dropped === 0 ? fields : { ...fields, linesDroppedBefore: dropped }
      dropped = 0
      burst.line()
      logger.log({ level, message: '', record: logRecord({ at: now(), level, message, fields: lost }, redaction) })
    } catch {
      // Whoever logs has something better to do than to handle this.
    }
  }

  return {
    error: (message, fields) => write('error', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    info: (message, fields) => write('info', message, fields),
    debug: (message, fields) => write('debug', message, fields),
    change({ level }, secrets) {
      logger.level = level
      redaction = createRedaction(secrets)
    },
    reopen() {
      if (file !== null) logger.remove(file.transport)
      file = null
      reopenAt = Number.NEGATIVE_INFINITY
    },
    async close() {
      if (closed) return
      closed = true
      burst.close()
      await withinDeadline(ended(logger).then(() => Promise.all([drained(stdout), file?.finish(), cloud?.finish()])))
    },
  }
}

/** Holds back what is written to `stream` while lines come thick and fast; `line` is called with each before it is written. */
function gathering(stream: Writable): { line(): void; close(): void } {
  let lines = 0
  let timer: NodeJS.Timeout | null = null
  let corked = false
  const cork = () => {
    corked = true
    stream.cork()
    process.on('exit', uncork) // Also after an exception that nobody caught.
  }
  const uncork = () => {
    if (!corked) return
    corked = false
    process.off('exit', uncork)
    stream.uncork()
  }
  const flush = () => {
    uncork()
    const isBusy = lines > LINES_AT_ONCE
    lines = 0
    timer = isBusy ? setTimeout(flush, GATHER_MS) : null
    if (isBusy) cork()
  }
  return {
    line() {
      timer ??= setTimeout(flush, GATHER_MS)
      lines++
      if (lines > LINES_AT_ONCE && !corked) cork()
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      uncork()
    },
  }
}

function coloured(level: Level, text: string): string {
  const style = ({ error: 'red', warn: 'yellow', info: 'green', debug: 'gray' } as const)[level]
  return styleText(style, text, { validateStream: false })
}

function ended(logger: { end(): unknown; once(event: 'finish', listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => {
    logger.once('finish', () => resolve())
    logger.end()
  })
}

function drained(stream: Writable): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return Promise.resolve()
  return new Promise((resolve) => void stream.write('', () => resolve()))
}

async function withinDeadline(work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, CLOSE_MS)
  await Promise.race([promise, work])
  clearTimeout(timer)
}

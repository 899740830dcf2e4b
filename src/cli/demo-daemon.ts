import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { EXIT } from './exit.ts'
import { PROGRAM } from './version.ts'

const MAX_LINES_KEPT = 2_000

/** A line of the daemon's JSON log. */
export type LogLine = Readonly<Record<string, unknown>>

export type DemoDaemon = Readonly<{
  pid: number | undefined
  /** The last lines of its output. */
  tail: () => string
  /**
   * Resolves with the n-th matching log line from now on. Rejects if the daemon ends first, or if `waitFor` gives up.
   * @param what what the demo waits for, for the error message
   */
  logLine: (what: string, matches: (line: LogLine) => boolean, n?: number) => Promise<LogLine>
  /** Stops it if it still runs, writes its log to a file, and returns its exit code. */
  stop: () => Promise<number>
}>

type Options = Readonly<{
  configFile: string
  logFile: string
  endpoints: Readonly<Record<string, string>>
  /** Rejects when the demo has to end, naming what it waited for. */
  giveUp: (what: string) => Promise<never>
}>

/** Runs the real daemon as a child process. */
export function startDemoDaemon({ configFile, logFile, endpoints, giveUp }: Options): DemoDaemon {
  const { PATH, HOME, TZ } = process.env
  const inherited = Object.fromEntries(Object.entries({ PATH, HOME, TZ }).filter(([, value]) => value !== undefined))
  const child = spawn(process.execPath, [PROGRAM, 'run', '--config', configFile], {
    env: { ...inherited, ...endpoints },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const listeners = new Set<(line: LogLine) => void>()
  const exited = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : EXIT.internal))
  const take = (text: string) => {
    lines.push(text)
    if (lines.length > MAX_LINES_KEPT) lines.shift()
    const line = parsed(text)
    if (line !== null) for (const listener of [...listeners]) listener(line)
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take)

  return {
    pid: child.pid,
    tail: () => lines.slice(-15).join('\n'),
    logLine(what, matches, n = 1) {
      const { promise, resolve } = Promise.withResolvers<LogLine>()
      let count = 0
      const listener = (line: LogLine) => {
        if (!matches(line)) return
        count += 1
        if (count === n) resolve(line)
      }
      listeners.add(listener)
      const died = exited.then((code) => {
        throw new Error(`the daemon ended with exit code ${code} while the demo waited for ${what}`)
      })
      return Promise.race([promise, died, giveUp(what)]).finally(() => listeners.delete(listener))
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const code = await exited
      await writeFile(logFile, `${lines.join('\n')}\n`)
      return code
    },
  }
}

function parsed(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as LogLine) : null
  } catch {
    return null
  }
}

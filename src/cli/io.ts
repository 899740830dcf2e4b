import { homedir } from 'node:os'
import { printError } from '../adapters/standard-streams.ts'
import type { Config } from '../config/config.ts'
import type { Env } from '../config/endpoints.ts'
import { formatFaults } from '../config/fault.ts'
import { type Loaded, loadConfig } from '../config/file.ts'
import { visibleLines } from '../domain/visible.ts'
import { EXIT, Exit } from './exit.ts'
import { fold } from './table.ts'

const MIN_COLUMNS = 40
const DEFAULT_COLUMNS = 80

/** What a command knows of the process it runs in. */
export type Io = Readonly<{
  out: (text: string) => void
  err: (text: string) => void
  env: Env
  isTty: boolean
  /** Writes to standard error unchanged: for moving the cursor, never for text from outside. Default: `err`. */
  raw?: (text: string) => void
  /** Width of the terminal; `null` if the output is no terminal: then a table has one line per row, however long. */
  columns: number | null
}>

export const processIo: Io = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: printError,
  env: { ...home(), ...process.env },
  isTty: process.stdout.isTTY === true,
  columns: process.stdout.isTTY === true ? Math.max(MIN_COLUMNS, process.stdout.columns || DEFAULT_COLUMNS) : null,
}

/** Output may end up on a terminal even through a pipe, so text from outside must not move its cursor or start a line. */
export function guarded(io: Io): Io {
  return {
    ...io,
    out: (text) => io.out(visibleLines(text)),
    err: (text) => io.err(visibleLines(text)),
    raw: io.raw ?? io.err,
  }
}

/** Without HOME the SDK looks for its shared files in the home directory that the system knows; so do we. */
function home(): Readonly<Record<string, string>> {
  try {
    return { HOME: homedir() }
  } catch {
    return {} // A user who is not in the system's user database.
  }
}

/** Prints prose, folded to the width of the terminal. */
export function say(io: Io, text: string): void {
  io.out(fold(text, io.columns))
}

export type ConfigOptions = Readonly<{ config: string }>
export type JsonOptions = Readonly<{ json?: boolean }>
export type ListOptions = ConfigOptions & JsonOptions

/** The configuration. @throws {Exit} 78 with all its faults */
export async function configured({ config: file }: ConfigOptions, io: Io): Promise<Config> {
  return configOf(await loadConfig(file, io.env), file)
}

/** @throws {Exit} 78 */
export function configOf(loaded: Loaded, file: string): Config {
  if (loaded.ok) return loaded.config
  throw new Exit(EXIT.config, formatFaults(loaded.faults, file))
}

/** Prints rows as JSON with `--json`, else as text, or a sentence if there are none. */
export function list(
  io: Io,
  { json }: JsonOptions,
  rows: readonly unknown[],
  { text, none }: Readonly<{ text: () => string; none: string }>,
): void {
  if (json === true) io.out(JSON.stringify(rows, null, 2))
  else io.out(rows.length === 0 ? none : text())
}

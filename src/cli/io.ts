import { homedir } from 'node:os'
import { printError } from '../adapters/standard-streams.ts'
import type { Config } from '../config/config.ts'
import { formatFaults } from '../config/fault.ts'
import { type Loaded, loadConfig } from '../config/file.ts'
import { visibleLines } from '../domain/visible.ts'
import { EXIT, Exit } from './exit.ts'
import { fold } from './table.ts'

const MIN_COLUMNS = 40
const DEFAULT_COLUMNS = 80

/** What a verb knows of the process it runs in. */
export type Io = Readonly<{
  out: (text: string) => void
  err: (text: string) => void
  env: Readonly<Record<string, string | undefined>>
  isTty: boolean
  /** Writes to standard error as it is: for moves of the cursor, never with what others wrote. Left out: as `err`. */
  raw?: (text: string) => void
  /** Width of the terminal; `null` where there is none: what is piped has a row a line, as wide as it likes. */
  columns: number | null
}>

export const processIo: Io = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: printError,
  env: { ...home(), ...process.env },
  isTty: process.stdout.isTTY === true,
  columns: process.stdout.isTTY === true ? Math.max(MIN_COLUMNS, process.stdout.columns || DEFAULT_COLUMNS) : null,
}

/** What is printed is read by terminals, also behind a pipe: whatever others wrote into it moves no cursor and turns no line. */
export function guarded(io: Io): Io {
  return {
    ...io,
    out: (text) => io.out(visibleLines(text)),
    err: (text) => io.err(visibleLines(text)),
    raw: io.raw ?? io.err,
  }
}

/** Without HOME the SDK looks for its shared files where the system says that this user is at home; so do we. */
function home(): Readonly<Record<string, string>> {
  try {
    return { HOME: homedir() }
  } catch {
    return {} // A user whom the system does not know.
  }
}

/** Says something to a person, folded to the width of the terminal. */
export function say(io: Io, text: string): void {
  io.out(fold(text, io.columns))
}

export type Common = Readonly<{ config: string }>
export type Listing = Common & Readonly<{ json?: boolean }>

/** The configuration, or every fault of it in one go. @throws {Exit} 78 */
export async function configured({ config: file }: Common, io: Io): Promise<Config> {
  return configOf(await loadConfig(file, io.env), file)
}

/** @throws {Exit} 78 */
export function configOf(loaded: Loaded, file: string): Config {
  if (loaded.ok) return loaded.config
  throw new Exit(EXIT.config, formatFaults(loaded.faults, file))
}

/** For listings: machines get JSON, people get the table or a sentence when there is nothing. */
export function list(io: Io, json: boolean | undefined, rows: readonly unknown[], shown: () => string, none: string): void {
  if (json === true) io.out(JSON.stringify(rows, null, 2))
  else io.out(rows.length === 0 ? none : shown())
}

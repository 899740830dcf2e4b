import type { Config } from '../config/config.ts'
import { formatFaults } from '../config/fault.ts'
import { loadConfig } from '../config/file.ts'
import { EXIT, Exit } from './exit.ts'

/** What a verb knows of the process it runs in. */
export type Io = Readonly<{
  out: (text: string) => void
  err: (text: string) => void
  env: Readonly<Record<string, string | undefined>>
  isTty: boolean
}>

export const processIo: Io = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  env: process.env,
  isTty: process.stdout.isTTY === true,
}

export type Common = Readonly<{ config: string }>
export type Listing = Common & Readonly<{ json?: boolean }>

/** The configuration, or every fault of it in one go. @throws {Exit} 78 */
export async function configured({ config: file }: Common, io: Io): Promise<Config> {
  const loaded = await loadConfig(file, io.env)
  if (loaded.ok) return loaded.config
  throw new Exit(EXIT.config, formatFaults(loaded.faults, file))
}

/** For listings: machines get JSON, people get the table or a sentence when there is nothing. */
export function list(io: Io, json: boolean | undefined, rows: readonly unknown[], shown: () => string, none: string): void {
  if (json === true) io.out(JSON.stringify(rows, null, 2))
  else io.out(rows.length === 0 ? none : shown())
}

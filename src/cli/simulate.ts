import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileMailer, fileName } from '../adapters/maildir.ts'
import { writeWhole } from '../adapters/whole-file.ts'
import type { Config } from '../config/config.ts'
import { formatFaults } from '../config/fault.ts'
import { readText } from '../config/read-text.ts'
import { visible } from '../domain/visible.ts'
import { parseScenario } from '../simulate/parse.ts'
import { type Played, play } from '../simulate/play.ts'
import { storyJson, storyText } from '../simulate/report.ts'
import type { Scenario } from '../simulate/scenario.ts'
import { EXIT, Exit } from './exit.ts'
import { configured, type Io } from './io.ts'
import { writingTo } from './output-directory.ts'
import { VERSION } from './version.ts'

const MAX_SCENARIO_BYTES = 1024 * 1024
/** A scenario that takes less time shows no progress. */
const PROGRESS_AFTER_MS = 1_000
const PROGRESS_EVERY_MS = 200
/** A limit for one scenario; one of a thousand accounts takes half a minute. */
const MAX_PLAY_MS = 15 * 60_000

export type SimulateOptions = Readonly<{ config?: string; json?: boolean; mails?: string }>

/**
 * Plays scenario files. Returns 0 if every expectation was met, else 1.
 * @throws {Exit} 64 without a file, 69 if emails cannot be written, 78 for a faulty file
 */
export async function runSimulate(files: readonly string[], options: SimulateOptions, io: Io): Promise<number> {
  if (files.length === 0) throw new Exit(EXIT.usage, 'expected a scenario file, such as config/scenarios/aws-speaks-late.yaml')
  const own = options.config === undefined ? undefined : await configured({ config: options.config }, io)
  const scenarios = await readAll(files, own)
  const played: Played[] = []
  for (const [i, scenario] of scenarios.entries()) {
    const show = progress(scenarios.length === 1 ? scenario.title : `${i + 1} of ${scenarios.length}: ${scenario.title}`, io)
    const until = performance.now() + MAX_PLAY_MS
    const isPatient = () => performance.now() < until
    const one = await play(scenario, { version: VERSION, onProgress: show.update, isPatient }).finally(show.clear)
    played.push(one)
    if (options.mails !== undefined) {
      const directory = scenarios.length === 1 ? options.mails : join(options.mails, nameOf(scenario))
      await writingTo(directory, () => writeMails(one, directory))
    }
    if (options.json !== true) io.out(storyText(one))
  }
  if (options.json === true) {
    const all = played.map(storyJson)
    io.out(JSON.stringify(all.length === 1 ? all[0] : all, null, 2))
  } else if (played.length > 1) io.out(summary(played))
  return played.every((one) => one.passed) ? EXIT.ok : EXIT.unexplained
}

/** All scenarios. @throws {Exit} 78 with every fault of every file */
async function readAll(files: readonly string[], own: Config | undefined): Promise<readonly Scenario[]> {
  const faults: string[] = []
  const scenarios: Scenario[] = []
  for (const file of files) {
    const read = await sourceOf(file)
    const parsed = read.ok
      ? parseScenario(read.source, file, own === undefined ? {} : { own })
      : { ok: false as const, faults: [{ line: 1, column: 1, path: '', message: read.why }] }
    if (parsed.ok) scenarios.push(parsed.scenario)
    else faults.push(formatFaults(parsed.faults, file))
  }
  if (faults.length > 0) throw new Exit(EXIT.config, faults.join('\n'))
  return scenarios
}

async function sourceOf(file: string): Promise<Readonly<{ ok: true; source: string }> | Readonly<{ ok: false; why: string }>> {
  const read = await readText(file, MAX_SCENARIO_BYTES)
  return read.ok ? { ok: true, source: read.text } : { ok: false, why: `the scenario ${read.why}` }
}

/** Writes every email as it would have been sent, and its text in a second file. */
async function writeMails({ scenario, delivered }: Played, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const mailer = fileMailer({ directory, from: scenario.config.mail.from })
  const { signal } = new AbortController()
  for (const { mail, again } of delivered) {
    if (again) continue
    await mailer.send(mail, signal)
    await writeWhole(join(directory, fileName(mail).replace(/\.eml$/, '.txt')), `Subject: ${mail.subject}\n\n${mail.text}`, false)
  }
}

function nameOf(scenario: Scenario): string {
  return basename(scenario.file).replace(/\.ya?ml$/, '')
}

function summary(played: readonly Played[]): string {
  const failed = played.filter((one) => !one.passed)
  const all = `${played.length} scenarios: ${played.length - failed.length} passed`
  return failed.length === 0 ? all : `${all}, ${failed.length} failed: ${failed.map(({ scenario }) => scenario.file).join(', ')}`
}

/** Shows the progress of a long scenario on one line of the terminal, and removes that line in the end. */
function progress(title: string, io: Io) {
  const startedAt = performance.now()
  let shownAt: number | null = null
  const lineBack = '\u001b[1A\u001b[2K'
  const raw = io.raw ?? io.err
  return {
    update(share: number): void {
      const now = performance.now()
      if (!io.isTty || now - startedAt < PROGRESS_AFTER_MS || (shownAt !== null && now - shownAt < PROGRESS_EVERY_MS)) return
      raw(`${shownAt === null ? '' : lineBack}playing ${Math.floor(share * 100)} %  ${visible(title)}`)
      shownAt = now
    },
    clear(): void {
      if (shownAt !== null) raw(`${lineBack}\u001b[1A`)
    },
  }
}

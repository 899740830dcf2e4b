/*
 * `npm run test:mutants [-- PART OF A NAME]`: plants faults, one at a time, and prints which invariant of the histories notices.
 * Exits 1 if a fault goes unnoticed, or, before planting any, if a fault no longer finds the source text that it replaces.
 * `SEEDS`: histories per fault (default 60).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MUTANTS, type Mutant, type Survey, unplaced } from './mutants.ts'

const MOST_MS = 30 * 60_000
const { SEEDS = '60' } = process.env
const wanted = process.argv.slice(2).join(' ')

function survey(name: string): Survey | null {
  const file = join(directory, 'survey.json')
  rmSync(file, { force: true })
  const arguments_ = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/mutants/vitest.config.ts']
  const env = { ...process.env, MUTANT: name, SEEDS, SURVEY: file }
  const { status, stdout, stderr } = spawnSync(process.execPath, arguments_, { env, encoding: 'utf8', timeout: MOST_MS })
  if (status === 0) return JSON.parse(readFileSync(file, 'utf8')) as Survey
  console.error(`${stdout}${stderr}`.split('\n').slice(-40).join('\n'))
  return null
}

/** How many tests of a file fail with the fault, and of how many; `null` if they could not be run. */
function failuresOf(name: string, heldBy: string): Readonly<{ failed: number; of: number }> | null {
  const file = join(directory, 'tests.json')
  rmSync(file, { force: true })
  const arguments_ = ['run', '--config', 'test/mutants/vitest.config.ts', '--reporter=json', `--outputFile=${file}`]
  const env = { ...process.env, MUTANT: name, HELD_BY: heldBy }
  const options = { env, encoding: 'utf8', timeout: MOST_MS } as const
  const { stdout, stderr } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', ...arguments_], options)
  try {
    const { numFailedTests, numTotalTests } = JSON.parse(readFileSync(file, 'utf8'))
    return { failed: numFailedTests, of: numTotalTests }
  } catch {
    console.error(`${stdout}${stderr}`.split('\n').slice(-40).join('\n'))
    return null
  }
}

/** The faults that cannot be planted because the code has changed since they were written, one line each. */
function stale(mutants: readonly Mutant[]): readonly string[] {
  return mutants.flatMap((mutant) => {
    const source = existsSync(mutant.file) ? readFileSync(mutant.file, 'utf8') : ''
    return unplaced(mutant, source).map((wrong) => `${mutant.name}: ${wrong}`)
  })
}

const cannotBePlanted = stale(MUTANTS)
if (cannotBePlanted.length > 0) {
  console.error('These faults do not fit the code any more; bring test/mutants/mutants.ts up to date:')
  for (const line of cannotBePlanted) console.error(`- ${line}`)
  process.exit(1)
}

const directory = mkdtempSync(join(tmpdir(), 'alibi-mutants-'))
let unnoticed = 0
try {
  const sound = survey('')
  if (sound === null || sound.failing > 0) {
    console.error('the histories fail even without a fault:', sound?.examples.slice(0, 5))
    process.exitCode = 1
  }
  console.log('| fault | noticed by | histories |\n| --- | --- | --- |')
  for (const { name, heldBy } of MUTANTS.filter((one) => one.name.includes(wanted))) {
    if (heldBy !== undefined) {
      const held = failuresOf(name, heldBy)
      if (held === null || held.failed === 0) unnoticed += 1
      console.log(`| ${name} | \`${heldBy}\` | ${held === null ? '?' : `${held.failed} of its ${held.of} tests`} |`)
      continue
    }
    const found = survey(name)
    const by = Object.entries(found?.invariants ?? {}).sort(([, a], [, b]) => b - a)
    const named = by.slice(0, 3).map(([invariant, times]) => `${invariant} (${times})`)
    if (found === null || found.failing === 0) unnoticed += 1
    console.log(
      `| ${name} | ${named.join('; ') || '**nothing**'} | ${found === null ? '?' : `${found.failing} / ${found.seeds}`} |`,
    )
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
if (unnoticed > 0) process.exitCode = 1

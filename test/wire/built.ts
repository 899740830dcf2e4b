import { execFile } from 'node:child_process'
import { glob, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BUILD_MS = 120_000

/** Builds `dist` when it is missing or older than what it is made of. Types are the business of `npm run types`. */
export default async function built(): Promise<void> {
  const made = await changedAt(`${ROOT}/dist/main.js`)
  const changed = await newest(['package.json', 'tsconfig.json', 'scripts/*.ts', 'src/**/*.{ts,tsx}'])
  if (made > changed) return
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: ROOT, timeout: BUILD_MS })
}

async function newest(patterns: readonly string[]): Promise<number> {
  let last = 0
  for await (const file of glob(patterns, { cwd: ROOT })) {
    if (!/\.test\.tsx?$/.test(file)) last = Math.max(last, await changedAt(`${ROOT}/${file}`))
  }
  return last
}

async function changedAt(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}

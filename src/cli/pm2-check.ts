import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Env } from '../config/endpoints.ts'
import { readText } from '../config/read-text.ts'
import { GRACE_MS } from '../daemon/session.ts'
import { type Finding, failed, passed } from './finding.ts'
import { isAlibi, pm2Home } from './pm2.ts'

const PM2_TIMEOUT_MS = 10_000
const MAX_PM2_OUTPUT = 8 * 1024 * 1024
const MAX_PID_BYTES = 64
const MAX_ECOSYSTEM_BYTES = 64 * 1024
/** pm2's kill_timeout if none is set. */
const DEFAULT_KILL_TIMEOUT_MS = 1_600

/** pm2's kill_timeout has to be longer than the daemon may take to stop. Asks the running pm2, else reads ecosystem.config.js. */
export async function pm2Checks(env: Env, directory: string): Promise<readonly Finding[]> {
  const running = await killTimeoutOfPm2(env)
  if (running !== null) return [killTimeoutFinding('pm2', running)]
  const planned = await killTimeoutOfFile(join(directory, 'ecosystem.config.js'))
  return planned === null ? [] : [killTimeoutFinding('pm2 (ecosystem.config.js)', planned)]
}

export function killTimeoutFinding(what: string, killTimeoutMs: number): Finding {
  const detail = `it kills Alibi ${killTimeoutMs} ms after asking it to stop, which may take ${GRACE_MS} ms`
  if (killTimeoutMs > GRACE_MS) return passed(what, detail)
  return failed(what, detail, `set kill_timeout to ${GRACE_MS * 1.5}, as ecosystem.config.js does`)
}

/** Asks pm2 only if it is running, since asking would start it. `null` if it is not, or does not run Alibi. */
async function killTimeoutOfPm2(env: Env): Promise<number | null> {
  try {
    const pid = await readText(join(pm2Home(env), 'pm2.pid'), MAX_PID_BYTES)
    process.kill(pid.ok && /^\d+\s*$/.test(pid.text) ? Number(pid.text) : Number.NaN, 0)
    const { stdout } = await promisify(execFile)('pm2', ['jlist', '--silent'], {
      env: { ...env },
      timeout: PM2_TIMEOUT_MS,
      maxBuffer: MAX_PM2_OUTPUT,
    })
    return killTimeoutIn(stdout)
  } catch {
    return null // No pm2, or none that answers: nothing to check.
  }
}

/** From the output of `pm2 jlist`: one line of JSON, which may follow messages of pm2. */
export function killTimeoutIn(output: string): number | null {
  const apps: unknown = JSON.parse(output.slice(output.indexOf('[{')))
  if (!Array.isArray(apps)) return null
  for (const app of apps as readonly Record<string, unknown>[]) {
    const env = app['pm2_env'] as Record<string, unknown> | undefined
    if (!isAlibi(app['name'], env?.['pm_exec_path'])) continue
    const timeout = env?.['kill_timeout']
    return typeof timeout === 'number' ? timeout : DEFAULT_KILL_TIMEOUT_MS
  }
  return null
}

/** From the text of ecosystem.config.js, which is not run. */
export async function killTimeoutOfFile(path: string): Promise<number | null> {
  const read = await readText(path, MAX_ECOSYSTEM_BYTES)
  if (!read.ok || !/\balibi\b/.test(read.text)) return null
  const digits = /kill_timeout:\s*([\d_]+)/.exec(read.text)?.[1]
  return digits === undefined ? DEFAULT_KILL_TIMEOUT_MS : Number(digits.replaceAll('_', ''))
}

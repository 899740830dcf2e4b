import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { exposed } from '../adapters/modes.ts'
import type { Env } from '../config/endpoints.ts'
import { AWS_KEYS } from '../config/warnings.ts'

/** One application, as pm2 dumps it. */
type App = Readonly<Record<string, unknown>>

/** What `pm2 save` writes, and the copy of the previous one that it keeps. */
const DUMPS = ['dump.pm2', 'dump.pm2.bak']
const MAX_DUMP_BYTES = 16 * 1024 * 1024

export function pm2Home(env: Env): string {
  return env['PM2_HOME'] ?? join(env['HOME'] ?? '/', '.pm2')
}

/** Whether an application of pm2 is Alibi, whatever its name. */
export function isAlibi(name: unknown, script: unknown): boolean {
  return name === 'alibi' || /\balibi\b.*main\.js$/.test(String(script ?? ''))
}

/**
 * Warnings about secrets that pm2 has saved: it writes the whole environment of a process, in plain text, to files that every
 * user of this machine may read.
 * @param secrets secret values of the configuration
 */
export function savedSecrets(env: Env, secrets: readonly string[]): readonly string[] {
  const isSecret = ([name, value]: readonly [string, unknown]) =>
    typeof value === 'string' && value !== '' && (AWS_KEYS.includes(name) || secrets.includes(value))
  return exposed(DUMPS.map((file) => join(pm2Home(env), file))).flatMap(({ path, mode }) => {
    const names = appsIn(path)
      .flatMap((app) => Object.entries(app).filter(isSecret))
      .map(([name]) => name)
    const all = [...new Set(names)]
    return all.length === 0
      ? []
      : [`${path} contains ${all.join(' and ')} in plain text, and other users may read it (mode ${mode}): ${REMEDY}`]
  })
}

const REMEDY =
  'remove them from the environment, restart Alibi with `pm2 delete` and `pm2 start`, run `pm2 save` twice (pm2 keeps the previous file), and rotate AWS keys'

/** Alibi's applications in a dump; none if it cannot be read. */
function appsIn(path: string): readonly App[] {
  try {
    const stat = statSync(path)
    if (!stat.isFile() || stat.size > MAX_DUMP_BYTES) return []
    const apps: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (!Array.isArray(apps)) return []
    return (apps as readonly unknown[]).flatMap((app) => {
      if (typeof app !== 'object' || app === null) return []
      const { env, ...rest } = app as App
      return isAlibi(rest['name'], rest['pm_exec_path']) ? [{ ...(typeof env === 'object' ? env : {}), ...rest }] : []
    })
  } catch {
    return [] // Unreadable, or no dump.
  }
}

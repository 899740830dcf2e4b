import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { exposed } from '../adapters/modes.ts'
import { AWS_KEYS } from '../config/compose.ts'

type Env = Readonly<Record<string, string | undefined>>
/** One application, as pm2 prints it (`pm2_env`) and as it dumps it. */
type App = Readonly<Record<string, unknown>>

/** What `pm2 save` writes, and what it keeps of the time before. */
const DUMPS = ['dump.pm2', 'dump.pm2.bak']
const MAX_DUMP_BYTES = 16 * 1024 * 1024

export function pm2Home(env: Env): string {
  return env['PM2_HOME'] ?? join(env['HOME'] ?? '/', '.pm2')
}

/** Whether pm2 means Alibi, under whatever name. */
export function isAlibi(name: unknown, script: unknown): boolean {
  return name === 'alibi' || /\balibi\b.*main\.js$/.test(String(script ?? ''))
}

/**
 * Sentences about secrets that pm2 has saved: it keeps the whole environment of a process, in clear, in files that every user
 * of this machine may read.
 * @param secrets values of the configuration that nobody may see
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
      : [`${path} holds ${all.join(' and ')} in clear, for every user to read (mode ${mode}): ${REMEDY}`]
  })
}

const REMEDY =
  'take them out of the environment, start Alibi anew with `pm2 delete` and `pm2 start`, run `pm2 save` twice (the file before is kept), and give AWS other keys'

/** Alibi's applications in a dump; none where it cannot be read. */
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
    return [] // Not ours to read, or no dump: then it tells us nothing.
  }
}

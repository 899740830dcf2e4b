import { expect, test } from 'vitest'
import { GRACE_MS } from '../daemon/session.ts'
import { killTimeoutFinding, killTimeoutIn, killTimeoutOfFile } from './pm2-check.ts'

const app = (name: string, env: object) => ({ name, pid: 7, pm2_env: { pm_exec_path: `/srv/${name}/index.js`, ...env } })
const printed = (...apps: readonly object[]) => `[PM2] some noise\n${JSON.stringify(apps)}\n`

test.for<[string, string, number | null]>([
  ['found by name', printed(app('other', { kill_timeout: 1 }), app('alibi', { kill_timeout: 15_000 })), 15_000],
  ['found by script', printed(app('watch', { kill_timeout: 9_000, pm_exec_path: '/srv/alibi/dist/main.js' })), 9_000],
  ['pm2’s default if none is set', printed(app('alibi', {})), 1_600],
  ['none for other applications', printed(app('other', { kill_timeout: 1 })), null],
])('kill_timeout of pm2, %s', ([, text, ms]) => expect(killTimeoutIn(text)).toBe(ms))

test.for<[number, boolean]>([
  [1_600, false],
  [GRACE_MS, false],
  [GRACE_MS + 1, true],
  [15_000, true],
])('a kill_timeout of %i ms is long enough: %s', ([ms, ok]) => {
  const finding = killTimeoutFinding('pm2', ms)
  expect(finding.ok).toBe(ok)
  expect(finding.fix === null).toBe(ok)
})

test('the kill_timeout in ecosystem.config.js is read without running the file, and is long enough', async () => {
  const ms = await killTimeoutOfFile('ecosystem.config.js')
  expect(ms).toBe(15_000)
  expect(killTimeoutFinding('file', ms ?? 0).ok).toBe(true)
  expect(await killTimeoutOfFile('package.json')).toBe(1_600)
  expect(await killTimeoutOfFile('nowhere.js')).toBeNull()
})

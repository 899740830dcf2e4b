import { expect, test } from 'vitest'
import { GRACE_MS } from './run.ts'
import { killTimeoutIn, killTimeoutOfFile, pm2Finding } from './surroundings.ts'

const app = (name: string, env: object) => ({ name, pid: 7, pm2_env: { pm_exec_path: `/srv/${name}/index.js`, ...env } })
const printed = (...apps: readonly object[]) => `[PM2] some noise\n${JSON.stringify(apps)}\n`

test.for<[string, string, number | null]>([
  ['by its name', printed(app('other', { kill_timeout: 1 }), app('alibi', { kill_timeout: 15_000 })), 15_000],
  ['by its script', printed(app('watch', { kill_timeout: 9_000, pm_exec_path: '/srv/alibi/dist/main.js' })), 9_000],
  ['where nothing is said it is pm2’s own', printed(app('alibi', {})), 1_600],
  ['others are none of our business', printed(app('other', { kill_timeout: 1 })), null],
])('kill_timeout of pm2, %s', ([, text, ms]) => expect(killTimeoutIn(text)).toBe(ms))

test.for<[number, boolean]>([
  [1_600, false],
  [GRACE_MS, false],
  [GRACE_MS + 1, true],
  [15_000, true],
])('pm2 that kills after %i ms: %s', ([ms, ok]) => {
  const finding = pm2Finding('pm2', ms)
  expect(finding.ok).toBe(ok)
  expect(finding.fix === null).toBe(ok)
})

test('what ecosystem.config.js says is read without running it, and is more than the grace', async () => {
  const ms = await killTimeoutOfFile('ecosystem.config.js')
  expect(ms).toBe(15_000)
  expect(pm2Finding('file', ms ?? 0).ok).toBe(true)
  expect(await killTimeoutOfFile('package.json')).toBe(1_600)
  expect(await killTimeoutOfFile('nowhere.js')).toBeNull()
})

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { savedSecrets } from './pm2.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'alibi-pm2-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const SECRET = 'wJalrXUtnFEMI/invented'
const app = (name: string, more: object) => ({ name, pm_exec_path: `/srv/${name}/index.js`, ...more })

function dump(apps: unknown, mode = 0o644, file = 'dump.pm2'): void {
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, file), typeof apps === 'string' ? apps : JSON.stringify(apps))
  chmodSync(join(home, file), mode)
}

describe('secrets that pm2 has saved', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKIAINVENTED', AWS_SECRET_ACCESS_KEY: SECRET }

  test.for<[string, unknown, number, string | null]>([
    ['keys', [app('alibi', keys)], 0o644, 'AWS_SECRET_ACCESS_KEY'],
    [
      'keys, under another application name',
      [app('watch', { ...keys, pm_exec_path: '/srv/alibi/dist/main.js' })],
      0o644,
      'AWS_SECRET_ACCESS_KEY',
    ],
    [
      'a session token',
      [app('alibi', { ...keys, AWS_SESSION_TOKEN: 'x' })],
      0o640,
      'AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN',
    ],
    ['keys in its `env`', [app('alibi', { env: keys })], 0o644, 'AWS_SECRET_ACCESS_KEY'],
    ['a secret of the configuration', [app('alibi', { SMTP_PASSWORD: 'hunter22' })], 0o644, 'SMTP_PASSWORD'],
    ['nothing secret', [app('alibi', { PATH: '/bin', AWS_SECRET_ACCESS_KEY: '' })], 0o644, null],
    ['keys of another application', [app('shop', keys)], 0o644, null],
    ['keys that no other user may read', [app('alibi', keys)], 0o600, null],
    ['no JSON', 'no JSON', 0o644, null],
    ['no list', { name: 'alibi', ...keys }, 0o644, null],
  ])('%s', ([, apps, mode, names]) => {
    dump(apps, mode)
    const said = savedSecrets({ PM2_HOME: home }, ['hunter22'])
    if (names === null) return expect(said).toEqual([])
    expect(said).toEqual([expect.stringContaining(`${home}/dump.pm2 contains ${names} in plain text`)])
    expect(said.join()).toContain(`mode 0${mode.toString(8)}`)
    expect(said.join()).not.toMatch(/invented|hunter22/)
  })

  test('the previous dump as well', () => {
    dump([app('alibi', {})])
    dump([app('alibi', keys)], 0o644, 'dump.pm2.bak')
    expect(savedSecrets({ PM2_HOME: home }, [])).toEqual([expect.stringContaining('dump.pm2.bak contains AWS_SECRET_ACCESS_KEY')])
  })
})

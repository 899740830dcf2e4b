import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { GRACE_MS } from '../../src/daemon/session.ts'
import { DEADLINE_MS, end, ROOT, type Stage, stage, until } from './daemon-process.ts'

const PM2 = join(ROOT, 'node_modules/pm2/bin/pm2')
/** Starting pm2's own daemon, and a stop that takes its whole grace. */
const COMMAND_MS = 40_000
/** `listen_timeout` in ecosystem.config.js. */
const LISTEN_TIMEOUT_MS = 30_000

type App = Readonly<{
  name: string
  pid: number
  pm2_env: Readonly<{ status: string; exit_code?: number; restart_time: number; node_version: string; exec_mode: string }>
}>

/** The Node under which the tests run; and the machine's own, where it is older than what Alibi needs. */
const NODES = [process.execPath, '/usr/bin/node'].filter(
  (node) => existsSync(node) && (node === process.execPath || majorOf(node) < 24),
)

function majorOf(node: string): number {
  return Number(execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0])
}

/** A pm2 of its own: it knows nothing of any other on this machine. */
function pm2(on: Stage, node: string) {
  const home = join(on.directory, 'pm2')
  const env = { ...on.env, PM2_HOME: home, ALIBI_CONFIG: on.config, PM2_DISABLE_VERSION_CHECK: 'true' }
  const run = async (...args: string[]) => {
    const ended = await end(
      spawn(node, [PM2, ...args], { env, cwd: on.directory, stdio: ['ignore', 'pipe', 'pipe'] }),
      COMMAND_MS,
    )
    return `${ended.out}${ended.err}`
  }
  return {
    run,
    async app(name = 'alibi'): Promise<App | undefined> {
      const [line = '[]'] = (await run('jlist')).split('\n').filter((text) => text.startsWith('[{') || text === '[]')
      return (JSON.parse(line) as App[]).find((app) => app.name === name)
    },
    /** How pm2 saw it end, each time. */
    async ends(): Promise<readonly string[]> {
      const text = await readFile(join(home, 'pm2.log'), 'utf8')
      return [...text.matchAll(/exited with code \[(.*?)\] via signal \[(.*?)\]/g)].map(([, code, signal]) => `${code} ${signal}`)
    },
    log: () => readFile(join(home, 'logs/alibi-out.log'), 'utf8'),
    errors: () => readFile(join(home, 'logs/alibi-error.log'), 'utf8'),
    [Symbol.asyncDispose]: async () => void (await run('kill')),
  }
}

const ECOSYSTEM = join(ROOT, 'ecosystem.config.js')

test.for(NODES)('pm2 on %s starts, reloads, restarts and stops it, and nothing is forgotten or said twice', async (node) => {
  await using on = await stage()
  await using daemon = pm2(on, node)

  const began = performance.now()
  await daemon.run('start', ECOSYSTEM)
  // `pm2 start` comes back when the daemon has said that it is ready: not before, and not because it was tired of waiting.
  expect(performance.now() - began).toBeLessThan(LISTEN_TIMEOUT_MS)
  expect(await daemon.log()).toContain('"message":"ready"')
  const first = await daemon.app()
  expect(first?.pm2_env).toMatchObject({ status: 'online', exec_mode: 'fork_mode', restart_time: 0 })
  expect((await on.get('/healthz')).status).toBe(200)

  on.sandbox.answer({}, 'InternalServerException')
  await on.mailbox.waitFor((mail) => mail.headers['x-alibi-kind'] === 'failing', DEADLINE_MS)
  await until('the mail on disk', async () => (await daemon.log()).includes('"message":"mail delivered"'))
  const open = await on.incidents()
  expect(open).toMatchObject([{ state: 'announced' }])

  await daemon.run('reload', 'alibi')
  const second = await daemon.app()
  expect(second?.pm2_env.status).toBe('online')
  expect(second?.pid).not.toBe(first?.pid)
  expect(await on.incidents()).toEqual(open)

  await daemon.run('restart', 'alibi')
  const third = await daemon.app()
  expect(third?.pm2_env).toMatchObject({ status: 'online', restart_time: 2 })
  on.sandbox.answer({}, 'ok')
  await on.mailbox.waitFor((mail) => mail.headers['x-alibi-kind'] === 'recovered', DEADLINE_MS)
  expect(on.mailbox.mails.map((mail) => mail.headers['x-alibi-kind'])).toEqual(['failing', 'recovered'])

  await daemon.run('stop', 'alibi')
  expect((await daemon.app())?.pm2_env).toMatchObject({ status: 'stopped', exit_code: 0 })
  const log = (await daemon.log()).trimEnd().split('\n')
  expect(log.filter((line) => line.includes('"message":"ready"'))).toHaveLength(3)
  expect(log.filter((line) => line.includes('"message":"stopped"'))).toHaveLength(3)
  expect(log.at(-1)).toContain('"message":"stopped"')
  expect(await daemon.errors()).toBe('')
  // A SIGKILL after `kill_timeout` would say `0 SIGKILL`.
  expect(await daemon.ends()).toEqual(['0 SIGINT', '0 SIGINT', '0 SIGINT'])

  await daemon.run('delete', 'alibi')
  expect(await daemon.app()).toBeUndefined()
})

test("an upgrade by startOrReload applies the ecosystem file's settings, which a restart does not", async () => {
  await using on = await stage()
  await using daemon = pm2(on, process.execPath)
  const { apps } = (await import(ECOSYSTEM)) as { apps: readonly Record<string, unknown>[] }
  const old = { ...apps[0], node_args: ['--max-semi-space-size=2'], kill_timeout: 12_000, args: ['run', '--config', on.config] }
  const file = join(on.directory, 'old.config.cjs')
  await writeFile(file, `module.exports = ${JSON.stringify({ apps: [old] })}`)
  await daemon.run('start', file)
  await daemon.run('restart', 'alibi')
  expect((await daemon.app())?.pm2_env).toMatchObject({ kill_timeout: 12_000, node_args: ['--max-semi-space-size=2'] })
  await daemon.run('startOrReload', ECOSYSTEM)
  const { kill_timeout, node_args } = apps[0] ?? {}
  expect((await daemon.app())?.pm2_env).toMatchObject({ status: 'online', kill_timeout, node_args })
  expect((await on.get('/healthz')).status).toBe(200)
})

test('a faulty configuration leaves it stopped under pm2: no restart makes it better', async () => {
  await using on = await stage()
  await using daemon = pm2(on, process.execPath)
  await writeFile(on.config, 'monitors: []\n')
  await daemon.run('start', ECOSYSTEM)
  // Another that fails, with the same back-off: when it was started again, so would ours have been.
  const script = join(on.directory, 'other.cjs')
  await writeFile(script, 'process.exit(70)')
  await daemon.run('start', script, '--name', 'other', '--interpreter', process.execPath, '--exp-backoff-restart-delay', '1000')
  await until('the other to be started again', async () => ((await daemon.app('other'))?.pm2_env.restart_time ?? 0) >= 2)
  expect(await daemon.app()).toMatchObject({ pid: 0, pm2_env: { exit_code: 78, restart_time: 0 } })
  expect(await daemon.errors()).toContain(`${on.config}:1:`)
})

test('pm2 waits longer than the daemon takes to stop', async () => {
  const { apps } = (await import(ECOSYSTEM)) as {
    apps: readonly { kill_timeout: number; listen_timeout: number; instances: number; exec_mode: string }[]
  }
  expect(apps).toHaveLength(1)
  expect(apps[0]).toMatchObject({ instances: 1, exec_mode: 'fork', listen_timeout: LISTEN_TIMEOUT_MS })
  expect(apps[0]?.kill_timeout).toBeGreaterThan(GRACE_MS + 2_000)
})

test('a daemon that was killed is started again, and goes on where it was', async () => {
  await using on = await stage()
  await using daemon = pm2(on, process.execPath)
  await daemon.run('start', ECOSYSTEM)
  const first = await daemon.app()
  on.sandbox.answer({}, 'InternalServerException')
  await on.mailbox.waitFor((mail) => mail.headers['x-alibi-kind'] === 'failing', DEADLINE_MS)
  process.kill(first?.pid ?? 0, 'SIGKILL')
  await until('another start', async () => (await daemon.log()).split('"message":"ready"').length === 3)
  on.sandbox.answer({}, 'ok')
  const recovered = await on.mailbox.waitFor((mail) => mail.headers['x-alibi-kind'] === 'recovered', DEADLINE_MS)
  expect(recovered.headers['in-reply-to']).toBe(on.mailbox.mails[0]?.messageId)
  expect(new Set(on.mailbox.mails.map((mail) => mail.messageId)).size).toBe(2)
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { end, isRun, MAIN, ROOT, type Stage, stage, until } from '../wire/daemon-process.ts'

/*
 * Node opens its debugger on a port of this machine for whoever sends SIGUSR1, and many a recipe for log rotation does. It
 * says `Debugger listening on …` when that happens.
 */

const DEBUGGER = /debugger/i
const { apps } = (await import(join(ROOT, 'ecosystem.config.js'))) as { apps: readonly { node_args: readonly string[] }[] }
const NODE_OPTIONS = /^Environment="NODE_OPTIONS=(.*)"$/m.exec(readFileSync('config/systemd/alibi.service', 'utf8'))?.[1] ?? ''

const logged = (on: Stage) => `log: { file: { path: "${join(on.directory, 'log/alibi.log')}" } }`

async function begun(on: Stage, env: Record<string, string> = {}) {
  await on.configure({ more: logged(on) })
  const daemon = on.daemon(env)
  await daemon.ready()
  return { daemon, file: join(on.directory, 'log/alibi.log') }
}

test.for<NodeJS.Signals>(['SIGUSR1', 'SIGUSR2'])('%s reopens the log file, and opens no debugger', async (signal) => {
  await using on = await stage()
  const { daemon, file } = await begun(on)
  const dated = `${file}.${new Date().toISOString().slice(0, 10)}`
  await until('the log file', () => existsSync(dated))
  await rename(dated, `${dated}.moved`)
  daemon.kill(signal)
  expect(await daemon.line('it reopened its log', ({ message }) => message === 'log files reopened')).toMatchObject({
    signal,
    path: file,
  })
  await daemon.next('runs go on', isRun('ok'), 2)
  const lines = readFileSync(file, 'utf8')
  expect(lines).toContain('"message":"log files reopened"')
  expect(lines).toContain('"message":"run"')
  expect(readFileSync(`${dated}.moved`, 'utf8')).not.toContain('log files reopened')
  daemon.kill('SIGTERM')
  expect((await daemon.exited).code).toBe(0)
  expect(daemon.printed()).not.toMatch(DEBUGGER)
})

/** Whether a process holds SIGUSR1 back, as one that was started with --disable-sigusr1 does from its first milliseconds on. */
function holdsBack(pid: number): boolean {
  const mask = /^SigBlk:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return (BigInt(`0x${mask}`) & (1n << BigInt(constants.signals.SIGUSR1 - 1))) !== 0n
}

test('as systemd starts it, SIGUSR1 opens no debugger while it starts either', async () => {
  await using on = await stage()
  const child = spawn(process.execPath, [MAIN, 'run', '--config', on.config], {
    env: { ...on.env, NODE_OPTIONS },
    cwd: on.directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = end(child)
  await until('Node is there', () => holdsBack(child.pid ?? 0))
  const often = setInterval(() => child.kill('SIGUSR1'), 1)
  try {
    await until('it runs', async () => (await on.get('/healthz').catch(() => null))?.status === 200)
  } finally {
    clearInterval(often)
  }
  child.kill('SIGTERM')
  const { code, err } = await ended
  expect(code).toBe(0)
  expect(err).not.toMatch(DEBUGGER)
})

test('as systemd starts it, SIGUSR2 still reopens the log file', async () => {
  await using on = await stage()
  const { daemon } = await begun(on, { NODE_OPTIONS })
  daemon.kill('SIGUSR1') // Node holds it back.
  daemon.kill('SIGUSR2')
  const line = await daemon.line('it reopened its log', ({ message }) => message === 'log files reopened')
  expect(line['signal']).toBe('SIGUSR2')
  expect(daemon.printed()).not.toMatch(DEBUGGER)
})

test('a command opens no debugger either, and continues', async () => {
  await using on = await stage()
  const child = spawn(process.execPath, [MAIN, 'demo'], { env: on.env, cwd: on.directory, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = end(child)
  await once(child.stdout, 'data')
  child.kill('SIGUSR1')
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  expect((await ended).err).not.toMatch(DEBUGGER)
})

describe('what starts it switches the debugger of Node off', () => {
  test('pm2', () => expect(apps[0]?.node_args).toContain('--disable-sigusr1'))
  test('systemd', () => expect(NODE_OPTIONS.split(' ')).toContain('--disable-sigusr1'))
})

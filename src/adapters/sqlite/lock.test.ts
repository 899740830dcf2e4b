import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HeldError, lock } from './lock.ts'

let directory: string
let path: string
const children: ChildProcess[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alibi-lock-'))
  path = join(directory, 'alibi.db')
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** A real process that takes the lock, says what came of it, and then stays until it is killed. */
async function another(): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    const { lock } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'lock.ts')).href)})
    try { lock(${JSON.stringify(path)}); console.log('taken') } catch (error) { console.log(error.name + ': ' + error.message) }
    setInterval(() => {}, 60_000)`
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [chunk] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, said: chunk.toString().trim() }
}

test('a second process is refused, with the name of the holder; kill -9 frees it at once', async () => {
  const first = await another()
  expect(first.said).toBe('taken')
  expect(() => lock(path)).toThrow(`${path} is held by process ${first.child.pid} on ${hostname()}, since `)
  const second = await another()
  expect(second.said).toContain(`HeldError: ${path} is held by process ${first.child.pid} on `)

  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const held = lock(path)
  expect((await another()).said).toContain(`process ${process.pid} on `)
  held.release()
  expect((await another()).said).toBe('taken')
})

test('within one process too, until it is released', () => {
  const held = lock(path, Date.UTC(2026, 0, 1))
  const refused = catching(() => lock(path))
  expect(refused).toBeInstanceOf(HeldError)
  expect(refused).toMatchObject({ holder: { pid: process.pid, host: hostname(), since: '2026-01-01T00:00:00.000Z' } })
  expect(() => lock(path)).toThrow('is held by')
  held.release()
  held.release()
  lock(path).release()
})

test.for<[string, string]>([
  ['no JSON', 'not JSON'],
  ['too long', ' '.repeat(10_000)],
  ['of another shape', '{"pid":"1","host":"h","since":"now"}'],
  ['of a process that is gone', `{"pid":4194304,"host":${JSON.stringify(hostname())},"since":"2026-01-01T00:00:00Z"}`],
])('a note that is %s names nobody, and hides nothing', ([, note]) => {
  const held = lock(path)
  writeFileSync(`${path}.holder`, note)
  expect(() => lock(path)).toThrow('another process, which has not said its name yet')
  held.release()
})

test.for<[string, string, () => string]>([
  ['a link to the file', 'there.db', () => linked(join(directory, 'there.db'), 'link.db')],
  ['a relative link', 'there.db', () => linked('there.db', 'link.db')],
  ['a link to its directory', 'there.db', () => join(linked(directory, 'link'), 'there.db')],
  ['a link to a file that is not there yet', 'later.db', () => linked(join(directory, 'later.db'), 'link.db')],
  [
    'a link to a directory that is not there yet',
    'later/later.db',
    () => join(linked(join(directory, 'later'), 'link'), 'later.db'),
  ],
])('a database has one lock, also by %s', ([, name, link]) => {
  writeFileSync(join(directory, 'there.db'), '')
  const [itself, other] = [join(directory, name), link()]
  for (const [first, second] of [
    [other, itself],
    [itself, other],
  ] as const) {
    const held = lock(first)
    expect(() => lock(second)).toThrow(`${second} is held by process ${process.pid}`)
    held.release()
  }
})

test('where no database can be, nothing is left behind', () => {
  mkdirSync(path)
  expect(() => lock(path)).toThrow(`${path} is a directory`)
  expect(readdirSync(directory)).toEqual(['alibi.db'])
})

test("a holder's host is shown without anything that could forge a line", () => {
  const held = lock(path)
  writeFileSync(`${path}.holder`, JSON.stringify({ pid: 7, host: 'a\nb\u001b[31m', since: '2026-01-01T00:00:00Z' }))
  expect(() => lock(path)).toThrow('process 7 on ab31m, since 2026-01-01T00:00:00.000Z')
  held.release()
})

test('its files belong to their user alone, and the note goes with the lock', () => {
  const before = process.umask(0)
  try {
    const held = lock(path)
    expect(statSync(`${path}.lock`).mode & 0o777).toBe(0o600)
    expect(statSync(`${path}.holder`).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(`${path}.holder`, 'utf8'))).toMatchObject({ pid: process.pid })
    held.release()
    expect(() => statSync(`${path}.holder`)).toThrow('ENOENT')
  } finally {
    process.umask(before)
  }
})

test('a place that cannot be written is named', () => {
  writeFileSync(join(directory, 'file'), '')
  expect(() => lock(join(directory, 'file', 'alibi.db'))).toThrow('set storage.path')
})

function linked(target: string, name: string): string {
  const link = join(directory, name)
  symlinkSync(target, link)
  return link
}

function catching(work: () => unknown): unknown {
  try {
    return work()
  } catch (cause) {
    return cause
  }
}

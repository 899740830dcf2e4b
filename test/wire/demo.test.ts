import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import PostalMime from 'postal-mime'
import { expect, test } from 'vitest'
import { end, MAIN, until } from './daemon-process.ts'

/** What the demo promises. */
const AT_MOST_MS = 90_000

async function scratch(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'alibi-demo-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

function demo(keep: string) {
  // The demo must not use the AWS settings of the user's environment.
  const env = { PATH: process.env['PATH'], AWS_PROFILE: 'nobody', AWS_ENDPOINT_URL_ACCOUNT: 'http://127.0.0.1:1' }
  return spawn(process.execPath, [MAIN, 'demo', '--keep', keep], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}

test('the demo plays its story and leaves three emails of one thread', { timeout: AT_MOST_MS + 5_000 }, async () => {
  await using directory = await scratch()
  const ended = await end(demo(directory.path), AT_MOST_MS)
  expect(ended).toMatchObject({ code: 0, err: '' })
  for (const said of [
    'All is well',
    'No email',
    'Emails so far: 0',
    'AWS has no alibi',
    '│ FAILING',
    'EXPLAINED BY AWS',
    'RECOVERED',
    'three emails',
  ]) {
    expect(ended.out).toContain(said)
  }
  const [story = ''] = await readdir(directory.path)
  const left = join(directory.path, story)
  expect(ended.out).toContain(left)
  expect((await readdir(left)).filter((name) => !/^alibi\.(db|sent)/.test(name)).sort()).toEqual([
    '1-failing.eml',
    '2-now-explained.eml',
    '3-recovered.eml',
    'alibi.yaml',
    'daemon.log',
  ])
  expect(((await stat(left)).mode & 0o777).toString(8)).toBe('700')
  const mails = await Promise.all(
    ['1-failing', '2-now-explained', '3-recovered'].map(async (name) =>
      PostalMime.parse(await readFile(join(left, `${name}.eml`))),
    ),
  )
  expect(mails.map((mail) => mail.inReplyTo)).toEqual([undefined, mails[0]?.messageId, mails[0]?.messageId])
})

test('an interrupted demo stops its daemon', async () => {
  await using directory = await scratch()
  const child = demo(directory.path)
  const pid = Promise.withResolvers<number>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, found] = /The daemon runs \(process (\d+)\)/.exec(line) ?? []
    if (found !== undefined) pid.resolve(Number(found))
  })
  const ended = end(child)
  void ended.then(({ err }) => pid.reject(new Error(`it ended before its daemon ran: ${err}`)))
  const daemon = await pid.promise
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 70, err: expect.stringContaining('interrupted') })
  await until('the daemon to be gone', () => !isAlive(daemon))
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

import { execFileSync, spawn } from 'node:child_process'
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { AS_PLAIN_USER, giveToPlainUser, isOpenToPlainUser } from '../plain-user.ts'
import { type Ended, end, MAIN, ROOT, type Stage, stage } from './daemon-process.ts'

const CLOSED_TO_OTHERS =
  isOpenToPlainUser(process.execPath) && isOpenToPlainUser(MAIN) ? null : `${ROOT} is closed to a plain user`

/** What writes. The daemon would never end by itself: it must not start. */
const SOME: readonly (readonly string[])[] = [['run'], ['silence', 'add', '--for', '1h', '--reason', 'planned']]
const ALL: typeof SOME = [
  ...SOME,
  ['silence', 'remove', '1a2b3c4d'],
  ['ack', '00000000'],
  ['outbox', 'retry', '--all'],
  ['outbox', 'drop', '--all'],
]

function asPlainUser(on: Stage, args: readonly string[]): Promise<Ended> {
  return end(
    spawn(process.execPath, [MAIN, ...args, '--config', on.config], {
      ...{ env: on.env, cwd: on.directory, stdio: ['ignore', 'pipe', 'pipe'] as const },
      ...AS_PLAIN_USER,
    }),
  )
}

/** A daemon has run and was stopped. */
async function begun(on: Stage): Promise<void> {
  giveToPlainUser(on.directory)
  const child = spawn(process.execPath, [MAIN, 'run', '--config', on.config], {
    ...{ env: on.env, cwd: on.directory, stdio: ['ignore', 'pipe', 'pipe'] as const },
    ...AS_PLAIN_USER,
  })
  const ended = end(child)
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"message":"ready"')) break
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 0, err: '' })
}

/** A small file system of its own, until it is disposed of; `null` where the tests may not make one. */
async function mounted(directory: string): Promise<Disposable | null> {
  await mkdir(directory, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0777', 'tmpfs', directory], { stdio: 'ignore' })
  } catch {
    return null
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', directory]) }
}

/** Leaves no byte free. */
async function fill(directory: string): Promise<void> {
  for (const size of [65_536, 4_096, 1])
    for (let i = 0; i < 20; i++) await writeFile(join(directory, `fill-${size}-${i}`), Buffer.alloc(size)).catch(() => {})
}

test.for<[string, boolean, (on: Stage) => Promise<unknown>, RegExp]>([
  ['mode 0400', false, (on) => chmod(on.database, 0o400), /alibi\.db cannot be written: make the file/],
  ['mode 0000', false, (on) => chmod(on.database, 0), /alibi\.db cannot be opened: make the file/],
  [
    'a directory of mode 0500',
    false,
    (on) => chmod(dirname(on.database), 0o500),
    /alibi\.db\S* cannot be written: make the file/,
  ],
  ['a read-only file system', true, async (on) => execFileSync('mount', ['-o', 'remount,ro', dirname(on.database)]), /read-only/],
  ['a full disk', true, (on) => fill(dirname(on.database)), /the disk is full: free some space/],
])(
  'a database that cannot be written ends each verb that writes with 69 and one line: %s',
  async ([how, isApart, close, says], { skip }) => {
    if (CLOSED_TO_OTHERS !== null) skip(CLOSED_TO_OTHERS)
    await using on = await stage()
    using apart = isApart ? await mounted(dirname(on.database)) : null
    if (isApart && apart === null) skip('no file system can be mounted here')
    await begun(on)
    await close(on)
    try {
      for (const args of how === 'mode 0400' ? ALL : SOME) {
        const { code, out, err } = await asPlainUser(on, args)
        expect({ args, code, out }).toEqual({ args, code: 69, out: '' })
        expect(err).toMatch(says)
        expect(err.trimEnd().split('\n')).toHaveLength(1)
      }
    } finally {
      await chmod(dirname(on.database), 0o700).catch(() => {})
    }
  },
)

test('a directory that cannot be made ends `run` with 69 and one line', async ({ skip }) => {
  if (CLOSED_TO_OTHERS !== null) skip(CLOSED_TO_OTHERS)
  await using on = await stage()
  giveToPlainUser(on.directory)
  await rm(dirname(on.database), { recursive: true, force: true })
  await chmod(on.directory, 0o555)
  try {
    const { code, out, err } = await asPlainUser(on, ['run'])
    expect({ code, out, err }).toEqual({
      code: 69,
      out: '',
      err: expect.stringMatching(/^\S+alibi\.db\S* cannot be created .*\n$/),
    })
    expect(await readdir(on.directory)).toEqual(['alibi.yaml'])
  } finally {
    await chmod(on.directory, 0o700)
  }
})

test('`check --live` says that the file cannot be written', async ({ skip }) => {
  if (CLOSED_TO_OTHERS !== null) skip(CLOSED_TO_OTHERS)
  await using on = await stage()
  await begun(on)
  await chmod(on.database, 0o400)
  const { code, out } = await asPlainUser(on, ['check', '--live'])
  expect(code).toBe(69)
  expect(out).toMatch(/EACCES[^\n]*alibi\.db/)
})

import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRun, stage } from '../wire/daemon-process.ts'

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('a database and log files that were restored with loose modes are closed at start, and that is said once', async () => {
  await using on = await stage()
  const logs = join(on.directory, 'log')
  await on.configure({ more: `log: { file: { path: "${join(logs, 'alibi.log')}" } }` })
  const first = on.daemon()
  await first.ready()
  await first.line('a run', isRun('ok'))
  first.kill('SIGKILL') // The write-ahead log stays.
  await first.exited
  const data = join(on.directory, 'data')
  const files = () => [data, logs].flatMap((place) => readdirSync(place).map((name) => join(place, name)))
  writeFileSync(join(logs, 'alibi.log.2020-01-01'), 'old\n')
  for (const file of files()) chmodSync(file, 0o666)

  const second = on.daemon()
  await second.ready()
  expect(
    await second.line('the database', ({ message }) => message === 'other users could read or write the database'),
  ).toMatchObject({
    level: 'warn',
    files: expect.arrayContaining([{ path: on.database, mode: '0666', isOurs: true, stays: null }]),
  })
  await second.line('the log files', ({ message }) => message === 'other users could read or write log files')
  await second.line('a run', isRun('ok'))
  expect(files().filter((file) => modeOf(file) !== '600')).toEqual([])
  expect(second.lines.filter(({ message }) => String(message).startsWith('other users'))).toHaveLength(2)
})

test('a directory that everybody may write to is warned of', async () => {
  await using on = await stage()
  mkdirSync(join(on.directory, 'data'))
  chmodSync(join(on.directory, 'data'), 0o777)
  const daemon = on.daemon()
  await daemon.ready()
  expect(daemon.printed()).toMatch(/every user of this machine may write to .*data/)
})

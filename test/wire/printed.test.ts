import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Daemon, type Ended, type Stage, stage } from './daemon-process.ts'

const JSON_LOG = 'log: { format: json }'

/** Has `script` run in the daemon, from a moment at which it has begun. */
async function within(on: Stage, script: string): Promise<Record<string, string>> {
  const file = join(on.directory, 'within.mjs')
  await writeFile(file, script)
  return { NODE_OPTIONS: `--import=${file}` }
}

/** Each line of both streams; it throws where one is no JSON. */
function records({ out, err }: Ended): readonly Readonly<Record<string, unknown>>[] {
  const lines = [...out.split('\n'), ...err.split('\n')].filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

async function stopped(daemon: Daemon): Promise<Ended> {
  await daemon.ready()
  daemon.kill('SIGTERM')
  return daemon.exited
}

const CHATTER = `
  process.emitWarning('of Node', { type: 'DeprecationWarning', code: 'DEP0' })
  console.warn('of a library:\\n  two lines, hunter2secret')
  console.log('to standard output %d', 1)
  console.error(new Error('with a stack'))
  process.stderr.write('without an end')
  process.stdout.write(Buffer.from('as bytes'))`

test('`log.format: json` makes every line of both streams JSON, whoever prints it, without secrets', async () => {
  const mail = (port: number) => `smtp: { host: 127.0.0.1, port: ${port}, security: none, user: u, password: hunter2secret }`
  await using on = await stage()
  await on.configure({ more: JSON_LOG, mail: mail(on.mailbox.port) })
  // Right away, when the configuration is not read yet, and later.
  const env = await within(on, `setImmediate(() => {${CHATTER}}); setTimeout(() => {${CHATTER}}, 500)`)
  const daemon = on.daemon(env)
  await daemon.line('the later chatter', () => daemon.printed().split('as bytes').length > 2)
  const ended = await stopped(daemon)
  expect(ended.code).toBe(0)
  const all = records(ended)
  for (const record of all) expect(record).toMatchObject({ time: expect.any(String), level: expect.any(String) })
  const said = all.map(({ level, message }) => `${level} ${message}`)
  const twice = [
    'warn DeprecationWarning: of Node',
    'warn of a library:',
    'warn   two lines, [secret]',
    'info to standard output 1',
    'warn Error: with a stack',
    'warn without an end',
    'info as bytes',
  ]
  for (const line of twice) expect([line, said.filter((one) => one === line).length]).toEqual([line, 2])
  expect(`${ended.out}${ended.err}`).not.toContain('hunter2secret')
})

test('without it, what others print stays as it is', async () => {
  await using on = await stage()
  const { out, err } = await stopped(on.daemon(await within(on, `setImmediate(() => {${CHATTER}})`)))
  expect(err).toMatch(/\(node:\d+\) \[DEP0\] DeprecationWarning: of Node$/m)
  expect(err).toContain('of a library:\n  two lines, hunter2secret\n')
  expect(out).toContain('to standard output 1\n')
})

test.for([
  ['thrown', "throw new TypeError('by nobody caught')"],
  ['rejected', "void Promise.reject(new TypeError('by nobody caught'))"],
])('an error that is %s and that nobody catches is a line of the log, and ends the daemon with 70', async ([, how]) => {
  await using on = await stage()
  await on.configure({ more: JSON_LOG })
  const daemon = on.daemon(await within(on, `process.on('SIGWINCH', () => { ${how} })`))
  await daemon.ready()
  daemon.kill('SIGWINCH')
  const ended = await daemon.exited
  expect(ended).toMatchObject({ code: 70, signal: null, err: '' })
  expect(records(ended).at(-1)).toMatchObject({
    level: 'error',
    message: 'internal error: Alibi exits',
    error: { name: 'TypeError', message: 'by nobody caught', stack: expect.stringContaining('within.mjs') },
  })
})

test('what ends the start is JSON too: one line for each fault, and one for a database that cannot be had', async () => {
  await using on = await stage()
  await on.configure({ more: `${JSON_LOG}\nnobody: 1`, policy: '{ wait: soon }' })
  const faulty = await on.alibi('run')
  expect([faulty.code, records(faulty)]).toEqual([
    78,
    [
      { time: expect.any(String), level: 'error', message: expect.stringMatching(/alibi\.yaml:\d+:\d+ +policy\.wait: /) },
      { time: expect.any(String), level: 'error', message: expect.stringMatching(/alibi\.yaml:\d+:\d+ +nobody: /) },
    ],
  ])
  await on.configure({ more: JSON_LOG, storage: `{ path: ${on.directory} }` })
  const closed = await on.alibi('run')
  expect([closed.code, records(closed)]).toEqual([
    69,
    [{ time: expect.any(String), level: 'error', message: expect.stringContaining('is a directory') }],
  ])
})

import { afterEach, expect, test } from 'vitest'
import { type Stage, stage, until } from '../wire/daemon-process.ts'
import { asSuperuser, freshSchema } from './schema.ts'

const after: (() => unknown)[] = []
afterEach(async () => {
  for (const end of after.splice(0).toReversed()) await end()
})

async function shown(on: Stage): Promise<readonly string[]> {
  const [incident] = await on.incidents()
  const id = String(incident?.['id'])
  const said: string[] = []
  for (const args of [['incidents'], ['explain', id], ['outbox', 'list'], ['silence', 'list']]) {
    const { code, out } = await on.alibi(...args, '--json')
    expect([args, code]).toEqual([args, 0])
    said.push(out)
  }
  return said
}

test('an SQLite database is moved whole: what every command says of it is the same before and after', async () => {
  const { url, schema, drop } = freshSchema()
  after.push(drop)
  const on = await stage()
  after.push(() => on[Symbol.asyncDispose]())
  const daemon = on.daemon()
  await daemon.ready()
  on.sandbox.answer({}, 'InternalServerException')
  await until('the first email', () => on.mailbox.mails.length > 0)
  await on.mailbox.setMode('deferring')
  on.sandbox.answer({}, 'ok')
  await until('it to be over', async () => (await on.incidents())[0]?.['state'] === 'closed')
  await on.alibi('silence', 'add', '--for', '2h', '--reason', 'a move')

  const storage = `{ postgres: { url: "${url}", schema: ${schema} } }`
  await on.configure({ storage })
  const running = await on.alibi('migrate', '--from', on.database)
  expect([running.code, running.err]).toEqual([69, expect.stringMatching(/is held by process/)])
  daemon.kill('SIGTERM')
  await daemon.exited

  await on.configure({})
  const before = await shown(on)
  await on.configure({ storage })
  const moved = await on.alibi('migrate', '--from', on.database)
  expect([moved.code, moved.err]).toEqual([0, ''])
  expect(moved.out).toMatch(/rows of .* are in the schema/)
  expect(await shown(on)).toEqual(before)
  const again = await on.alibi('migrate', '--from', on.database)
  expect([again.code, again.err]).toEqual([69, expect.stringMatching(/already: nothing was moved/)])

  const next = on.daemon()
  await next.ready()
  await next.next('a run', ({ message }) => message === 'run')
  next.kill('SIGTERM')
  expect((await next.exited).code).toBe(0)
  expect((await on.incidents()).length).toBe(1)
  const { rows } = await asSuperuser(url, (client) => client.query(`SELECT count(*)::int AS n FROM "${schema}".runs`))
  expect(rows[0].n).toBeGreaterThan(2)
})

test.each([
  ['a file that is not there', ['--from', 'nowhere.db'], 64, /there is no file/],
  ['nothing to move', [], 64, /required option/],
])('%s is a fault of usage', async (_, args, code, says) => {
  const { url, schema } = freshSchema()
  const on = await stage({ storage: `{ postgres: { url: "${url}", schema: ${schema} } }` })
  after.push(() => on[Symbol.asyncDispose]())
  const ended = await on.alibi('migrate', ...args)
  expect([ended.code, ended.err]).toEqual([code, expect.stringMatching(says)])
})

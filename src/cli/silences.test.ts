import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../adapters/sqlite/store.ts'
import { loadConfig } from '../config/file.ts'
import { keyOf, scopeOf } from '../daemon/account-discovery.ts'
import { main } from './program.ts'

/* `alibi silence` beside a database in a file, with monitors of several accounts, operations and regions. */

const place = mkdtempSync(join(tmpdir(), 'alibi-silences-'))
afterAll(() => rmSync(place, { recursive: true }))
const config = join(place, 'alibi.yaml')
const database = join(place, 'alibi.db')
writeFileSync(
  config,
  `storage: { path: "${database}" }
mail: { from: a@b.example, directory: mails }
recipients: { oncall: { to: [a@b.example] } }
monitors:
  - name: production
    accounts: ["111122223333", "444455556666"]
    operations: [GetContactInformation, { GetAlternateContact: { type: SECURITY } }]
  - name: tables
    regions: [eu-west-1, eu-central-1]
    operations: [{ "dynamodb:DescribeTable": { input: { TableName: orders } } }]
`,
)

async function alibi(...args: string[]) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const env = { HOME: place, SUDO_USER: 'anna' }
  const named = args.includes('--config') ? args : [...args, '--config', config]
  const code = await main(named, { out: say, err: say, env, isTty: false, columns: null })
  return { code, said: said.join('\n') }
}

const add = (...options: string[]) => alibi('silence', 'add', '--for', '2h', '--reason', 'db move', ...options)
const listed = async () => JSON.parse((await alibi('silence', 'list', '--json')).said) as Record<string, unknown>[]

beforeEach(async () => {
  rmSync(database, { force: true })
  await (await openStore({ path: database })).close()
})

test.for<[options: string[], what: string, covers: string]>([
  [[], 'every monitor', 'covers 6 probes: production/111122223333/GetContactInformation'],
  [['--monitor', 'production'], 'monitor production', 'covers 4 probes: '],
  [['--monitor', 'production', 'tables'], 'monitors production and tables', 'covers 6 probes: '],
  [['--monitor', 'production', '--monitor', 'tables'], 'monitors production and tables', 'covers 6 probes: '],
  [['--account', '111122223333'], 'account 111122223333', 'covers 2 probes: '],
  [['--account', 'self'], 'account self', 'covers 2 probes: tables/self/'],
  [['--operation', 'GetAlternateContact'], 'operation GetAlternateContact', 'covers 2 probes: '],
  [['--operation', 'GetAlternateContact SECURITY'], 'operation GetAlternateContact SECURITY', 'covers 2 probes: '],
  [['--operation', 'dynamodb:DescribeTable', '--region', 'eu-west-1'], 'region eu-west-1', 'covers 1 probe: '],
  [
    ['--monitor', 'production', '--account', '444455556666', '--operation', 'GetContactInformation'],
    'monitor production, account 444455556666, operation GetContactInformation',
    'covers 1 probe: production/444455556666/GetContactInformation.',
  ],
])('%j covers what it names, and says so', async ([options, what, covers]) => {
  const { code, said } = await add(...options)
  expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining(covers) })
  expect(said).toContain(`${what} until `)
  expect(said).toContain('(db move; by anna)')
})

test.for<[options: string[], expected: string]>([
  [['--monitor', 'prodction'], '--monitor: there is no monitor prodction; did you mean production?'],
  [['--monitor', 'x'], '--monitor: there is no monitor x: the configuration has production, tables'],
  [['--monitor', '*'], '--monitor: there is no monitor *: the configuration has production, tables'],
  [['--account', '111122223334'], '--account: no probe asks for the account 111122223334; did you mean 111122223333?'],
  [['--account', ''], '--account: no probe asks for the account : the configuration has 111122223333, 444455556666, self'],
  [
    ['--operation', 'GetContactInfomation'],
    '--operation: no probe calls the operation GetContactInfomation; did you mean GetContactInformation?',
  ],
  [
    ['--operation', 'describetable'],
    '--operation: no probe calls the operation describetable; did you mean dynamodb:DescribeTable?',
  ],
  [['--region', 'eu-west-2'], '--region: no probe calls another service in the region eu-west-2; did you mean eu-west-1?'],
  [
    ['--monitor', 'tables', '--account', '111122223333'],
    'no probe matches all of these options, so that the silence would cover nothing',
  ],
  [['--from', '22:00'], '--from 22:00: expected a time with its zone, such as 2026-03-02T22:00:00Z'],
  [['--from', '2026-03-02T22:00:00'], '--from 2026-03-02T22:00:00: expected a time with its zone'],
  [['--from', '2020-01-01T00:00:00Z'], 'this time is in the past'],
  [['--from', '2999-01-01T00:00:00Z'], 'expected a time within the next 366d'],
  [['--by', '\u200b'], '--by: expected a name of at most 100 characters'],
])('%j is refused with one clear error, and nothing is silenced', async ([options, expected]) => {
  expect(await add(...options)).toEqual({ code: 64, said: expect.stringContaining(expected) })
  expect(await listed()).toEqual([])
})

describe('a planned silence', () => {
  const from = new Date(Math.ceil(Date.now() / 60_000) * 60_000 + 24 * 3_600_000).toISOString()
  const until = new Date(Date.parse(from) + 2 * 3_600_000).toISOString()

  test('is listed as planned, with its beginning, its end, its scope and who ordered it', async () => {
    const { code, said } = await add('--from', from, '--account', '111122223333', '--by', 'kim')
    expect([code, said]).toEqual([0, expect.stringMatching(/: account 111122223333 from .* until .* \(db move; by kim\)/)])
    expect(await listed()).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{8}$/),
        monitor: null,
        status: 'planned',
        at: expect.any(String),
        from,
        until,
        scope: { monitors: [], accounts: ['111122223333'], operations: [], regions: [] },
        reason: 'db move',
        by: 'kim',
      },
    ])
    expect((await alibi('silence', 'list')).said).toMatch(/account 111122223333 +planned, begins in /)
  })

  test('begins at the same time whatever the zone it was given in', async () => {
    const inDelhi = `${new Date(Date.parse(from) + 5.5 * 3_600_000).toISOString().slice(0, 19)}+05:30`
    await add('--from', inDelhi)
    expect(await listed()).toMatchObject([{ from, until }])
  })

  test('can be taken back before it begins', async () => {
    await add('--from', from)
    const [{ id } = {}] = await listed()
    expect(await alibi('silence', 'remove', String(id))).toEqual({
      code: 0,
      said: `Silence ${id} is taken back: it does not begin.`,
    })
    expect(await listed()).toEqual([])
  })
})

test('a silence that is in force can be ended early, once', async () => {
  await add()
  const [{ id } = {}] = await listed()
  const remove = () => alibi('silence', 'remove', String(id))
  expect(await remove()).toEqual({ code: 0, said: expect.stringContaining(`Silence ${id} has ended.`) })
  expect(await remove()).toEqual({ code: 64, said: expect.stringContaining(`there is no silence ${id} in force or planned`) })
})

test('a silence from now on is listed as in force; its monitor, where it is one, has a key of its own', async () => {
  await add('--monitor', 'production')
  expect(await listed()).toMatchObject([{ status: 'in force', monitor: 'production', by: 'anna' }])
})

describe('accounts that are discovered', () => {
  const discovering = join(place, 'discovering.yaml')
  const head = readFileSync(config, 'utf8').split('monitors:')[0] ?? ''
  writeFileSync(discovering, `${head}monitors: [{ name: all, accounts: { organization: {} } }]\n`)
  const silenced = () => add('--account', '111122223333', '--config', discovering)

  test('are not known before they were listed, which the error says', async () => {
    expect(await silenced()).toEqual({
      code: 64,
      said: '--account: no probe asks for the account 111122223333; the accounts of all are not listed yet',
    })
  })

  test('are known once the daemon has listed them', async () => {
    const loaded = await loadConfig(discovering, { HOME: place })
    if (!loaded.ok) throw new Error('this configuration is good')
    const [discovery] = loaded.config.discoveries
    const scope = scopeOf(discovery!, loaded.config.monitors[0])
    const store = await openStore({ path: database })
    const known = { scope, caller: '999900001111', accounts: ['111122223333'], listedAt: 1, failingSince: null }
    await store.remember(keyOf('all'), JSON.stringify(known))
    await store.close()
    expect(await silenced()).toEqual({ code: 0, said: expect.stringContaining('covers 1 probe: all/111122223333/') })
  })
})

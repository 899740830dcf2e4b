import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { openBeside, openPostgresStore } from '../../src/adapters/postgres/store.ts'
import { type Store, StoreError } from '../../src/ports/store.ts'
import { aNotification, anIncident, anOutcome, aRow, NOTHING, T0 } from '../store-contract.ts'
import { type FaultyLine, startProxy } from './proxy.ts'
import { asSuperuser, freshSchema } from './schema.ts'

const after: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of after.splice(0).toReversed()) await end()
})

function place() {
  const fresh = freshSchema()
  after.push(fresh.drop)
  return fresh
}
async function opened(url: string, schema: string, poolSize = 3): Promise<Store> {
  const store = await openPostgresStore({ url, schema, poolSize })
  after.push(() => store.close())
  return store
}
async function proxied(): Promise<Readonly<{ proxy: FaultyLine; store: Store; schema: string; url: string }>> {
  const { url, schema } = place()
  const proxy = await startProxy(url)
  after.push(() => proxy.close())
  return { proxy, store: await opened(proxy.url, schema), schema, url }
}
const faultOf = async (work: Promise<unknown>): Promise<StoreError> => {
  const thrown = await work.then(
    () => null,
    (cause: unknown) => cause,
  )
  expect(thrown).toBeInstanceOf(StoreError)
  return thrown as StoreError
}
const opening = { ...NOTHING, incidents: [anIncident('a3f9')], notifications: [aNotification('n')] }

describe('a commit whose answer was lost', () => {
  test('may have been committed: it is uncertain, and nothing is written before the state was loaded again', async () => {
    const { proxy, store } = await proxied()
    const sprung = proxy.swallowAnswerToCommit('INSERT INTO incidents')
    const fault = await faultOf(store.commit(opening))
    await sprung
    expect(fault).toMatchObject({ uncertain: true, fatal: false })
    for (const write of [
      () => store.commit(NOTHING),
      () => store.settle([], [aRow('later')]),
      () => store.alive({ at: T0 }),
      () => store.remember('key', 'value'),
    ]) {
      expect(await faultOf(write())).toMatchObject({ uncertain: true })
    }
    expect(
      (await store.load(0)).incidents.map(({ id }) => id),
      'it had been committed',
    ).toEqual(['a3f9'])
    await store.commit({ ...NOTHING, ledger: [aRow('after')] })
    expect((await store.ledger({}, 10)).map(({ reason }) => reason)).toEqual(['after'])
  })

  test('of a settlement is uncertain too', async () => {
    const { proxy, store } = await proxied()
    await store.commit(opening)
    const sprung = proxy.swallowAnswerToCommit('UPDATE copies')
    const fault = await faultOf(store.settle([{ id: 'n', address: 'oncall@example.com', state: 'sending' }], []))
    await sprung
    expect(fault.uncertain).toBe(true)
    expect((await store.load(0)).incidents).toHaveLength(1)
    expect((await store.owed(1))[0]?.state).toBe('sending')
  })
})

test('a line that is cut in the middle of a transaction is a fault that passes: nothing was written, and the next call works', async () => {
  const { proxy, store, schema, url } = await proxied()
  await store.commit(opening)
  await asSuperuser(url, async (other) => {
    await other.query('BEGIN')
    await other.query(`SELECT 1 FROM "${schema}".incidents WHERE id = 'a3f9' FOR UPDATE`)
    const waiting = faultOf(store.commit({ ...opening, ledger: [aRow('cut')] }))
    await expect
      .poll(async () => (await other.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).rowCount)
      .toBe(1)
    proxy.cut()
    expect(await waiting).toMatchObject({ uncertain: false, fatal: false })
    await other.query('ROLLBACK')
  })
  expect(await store.ledger({}, 10)).toEqual([])
  await store.commit({ ...opening, ledger: [aRow('again')] })
  expect(await store.ledger({}, 10)).toHaveLength(1)
})

test('a run whose clock jumped while it lasted can be stored, however long it seems', async () => {
  const { url, schema } = place()
  const store = await opened(url, schema)
  const year = 366 * 86_400_000
  const outcome = { ...anOutcome('p', T0), endedAt: T0 + year }
  await store.commit({ ...NOTHING, outcomes: [{ outcome, incident: null }] })
  expect(await store.strip('p', 0)).toEqual([{ at: T0, ms: year, mark: 'ok' }])
  expect(await store.sweep({ runs: T0 + 1, hours: 0 }, 10)).toBe(0)
  expect((await store.hours('p', 0))[0]?.maxMs).toBe(year)
})

test('what a mail server replied is stored, whatever characters are in it', async () => {
  const { url, schema } = place()
  const store = await opened(url, schema)
  await store.commit(opening)
  await store.settle([{ id: 'n', address: 'oncall@example.com', state: 'retrying', error: '4\0 \ud800 🦊' }], [])
  expect((await store.owed(1))[0]?.error).toBe('4\ufffd \ufffd 🦊')
})

test('one failed run that is kept twice in one change, with its incident and without, is one run of the incident', async () => {
  const { url, schema } = place()
  const store = await opened(url, schema)
  const outcome = anOutcome('p', T0, 'failed')
  const outcomes = [
    { outcome, incident: 'a3f9' },
    { outcome, incident: null },
  ]
  await store.commit({ ...NOTHING, outcomes })
  expect(await store.runs('a3f9', 10)).toEqual([outcome])
})

describe('the schema', () => {
  test('is made once, however many machines start at the same time', async () => {
    const { url, schema } = place()
    const stores = await Promise.all(Array.from({ length: 4 }, () => opened(url, schema, 1)))
    for (const store of stores) expect((await store.load(0)).incidents).toEqual([])
  })

  test('of another program, or of a newer Alibi, is left alone', async () => {
    const { url, schema } = place()
    await asSuperuser(url, (client) => client.query(`CREATE SCHEMA "${schema}"; CREATE TABLE "${schema}".theirs (id int)`))
    expect(await faultOf(openPostgresStore({ url, schema, poolSize: 1 }))).toMatchObject({
      fatal: true,
      message: expect.stringContaining('tables of another program'),
    })
    const newer = place()
    await opened(url, newer.schema)
    await asSuperuser(url, (client) => client.query(`UPDATE "${newer.schema}".meta SET doc = '99' WHERE key = 'version'`))
    expect((await faultOf(openPostgresStore({ url, schema: newer.schema, poolSize: 1 }))).message).toMatch(
      /newer Alibi \(version 99/,
    )
  })

  test('is neither made nor changed by a command', async () => {
    const { url, schema } = place()
    expect(await openBeside({ url, schema, poolSize: 1 }, systemClock)).toBeNull()
    const { rowCount } = await asSuperuser(url, (client) =>
      client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]),
    )
    expect(rowCount).toBe(0)
  })

  test('keeps its ledger: no row is changed or removed', async () => {
    const { url, schema } = place()
    const store = await opened(url, schema)
    await store.settle([], [aRow('opened')])
    for (const sql of [`UPDATE "${schema}".ledger SET at = 0`, `DELETE FROM "${schema}".ledger`, `TRUNCATE "${schema}".ledger`])
      await expect(asSuperuser(url, (client) => client.query(sql))).rejects.toThrow('kept for ever')
  })

  test('orders its keys by their bytes, whatever the locale of the database', async () => {
    const { url, schema } = place()
    const store = await opened(url, schema)
    const ids = ['a', 'B', 'é', 'z', '_']
    await store.commit({ ...NOTHING, incidents: ids.map((id) => anIncident(id)) })
    expect((await store.incidents(10)).map(({ id }) => id)).toEqual(['é', 'z', 'a', '_', 'B'])
  })
})

describe('a database that cannot be used', () => {
  test('is named without its password', async () => {
    const url = new URL(freshSchema().url)
    url.password = 'planted-secret'
    url.pathname = '/missing'
    const fault = await faultOf(openPostgresStore({ url: url.href, schema: 'alibi', poolSize: 1 }))
    expect(fault.message).toMatch(/does not exist: create it, or correct storage\.postgres\.url/)
    url.port = '1'
    const away = await faultOf(openPostgresStore({ url: url.href, schema: 'alibi', poolSize: 1 }))
    expect(away.message).toMatch(/cannot be reached \(connect ECONNREFUSED/)
    expect(`${fault.message} ${away.message}`).not.toContain('planted-secret')
  })

  test('says that its encoding is another one', async () => {
    const { url } = freshSchema()
    const name = `latin_${Date.now()}`
    await asSuperuser(url, (client) =>
      client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`),
    )
    after.push(() => asSuperuser(url, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`)))
    const other = new URL(url)
    other.pathname = `/${name}`
    expect((await faultOf(openPostgresStore({ url: other.href, schema: 'alibi', poolSize: 1 }))).message).toMatch(
      /encoded in LATIN1/,
    )
  })
})

test('the daemon notices what a command has written beside it, and ignores its own writes', async () => {
  const { url, schema } = place()
  const store = await opened(url, schema)
  const stop = new AbortController()
  after.push(async () => stop.abort())
  let noticed = 0
  store.watch(() => {
    noticed += 1
  }, stop.signal)
  const verb = await openBeside({ url, schema, poolSize: 1 }, systemClock)
  after.push(async () => verb?.store.close())
  await store.alive({ at: T0 })
  await expect
    .poll(async () => {
      await verb?.store.addAck({ incident: 'a3f9', at: T0, reason: null })
      return noticed
    })
    .toBeGreaterThan(0)
})

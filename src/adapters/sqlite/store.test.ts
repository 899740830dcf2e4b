import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { silence } from '../../../test/given.ts'
import { asPlainUser } from '../../../test/plain-user.ts'
import { aMember, aNotification, anIncident, anOutcome, aRow, NOTHING, storeContract, T0 } from '../../../test/store-contract.ts'
import type { Member } from '../../domain/incident.ts'
import type { Store, StoredOutcome } from '../../ports/store.ts'
import { StoreError } from '../../ports/store.ts'
import { APPLICATION_ID, MIGRATIONS, migrate, versionOf } from './migrations.ts'
import { databaseExists } from './open.ts'
import { openStore } from './store.ts'

let directory: string
let path: string
const opened: Store[] = []
const open = async (options: Partial<Parameters<typeof openStore>[0]> = {}) => {
  const store = await openStore({ path, ...options })
  opened.push(store)
  return store
}
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alibi-store-'))
  path = join(directory, 'data', 'alibi.db')
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  rmSync(directory, { recursive: true, force: true })
})

storeContract('SQLite', async () => {
  const store = await open()
  return { store, reopen: () => open(), dispose: async () => {} }
})

const fault = async (promise: Promise<unknown>): Promise<StoreError> => {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(StoreError)
  return error as StoreError
}
const raw = <T>(work: (db: DatabaseSync) => T): T => {
  const db = new DatabaseSync(path)
  try {
    return work(db)
  } finally {
    db.close()
  }
}

describe('files', () => {
  test('belong to their user alone, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      const store = await open()
      await store.alive({ at: T0 })
      expect(statSync(join(directory, 'data')).mode & 0o777).toBe(0o700)
      expect(readdirSync(join(directory, 'data')).sort()).toEqual(['alibi.db', 'alibi.db-shm', 'alibi.db-wal'])
      for (const file of readdirSync(join(directory, 'data'))) {
        expect([file, statSync(join(directory, 'data', file)).mode & 0o777]).toEqual([file, 0o600])
      }
    } finally {
      process.umask(before)
    }
  })

  test('a database exists once a daemon has begun it, and not before', async () => {
    expect(databaseExists(path)).toBe(false)
    mkdirSync(join(directory, 'data'))
    writeFileSync(path, '')
    expect(databaseExists(path)).toBe(false)
    await open()
    expect(databaseExists(path)).toBe(true)
  })

  test('what is no database exists, so that opening it says what is wrong', () => {
    mkdirSync(join(directory, 'data'))
    writeFileSync(path, 'no database '.repeat(1_000))
    expect(databaseExists(path)).toBe(true)
  })
})

describe('beside the daemon', () => {
  test('a reader sees what is committed while the daemon goes on writing, and cannot write', async () => {
    const daemon = await open()
    const reader = await open({ readOnly: true })
    await daemon.commit({ ...NOTHING, incidents: [anIncident('a')] })
    expect(await reader.incidents(10)).toHaveLength(1)
    const error = await fault(reader.alive({ at: T0 }))
    expect(error.message).toContain('cannot be written')
    await daemon.commit({ ...NOTHING, incidents: [anIncident('b')] })
    expect(await reader.incidents(10)).toHaveLength(2)
  })

  test('a reader reads when no daemon runs', async () => {
    const daemon = await open()
    await daemon.commit({ ...NOTHING, incidents: [anIncident('a')] })
    await daemon.close()
    const reader = await open({ readOnly: true })
    expect(await reader.incidents(10)).toHaveLength(1)
  })

  test('the daemon sees what a command has written beside it', async () => {
    const daemon = await open()
    await daemon.commit({ ...NOTHING, notifications: [aNotification('n')] })
    const verb = await open({ beside: true })
    await verb.settle([{ id: 'n', address: 'oncall@example.com', state: 'dropped' }], [aRow('dropped by hand')])
    expect(await daemon.owed(10)).toEqual([])
  })

  test.for([{ readOnly: true }, { beside: true }])('%j neither creates nor migrates', async (options) => {
    expect((await fault(open(options))).message).toContain('no database')
    expect(existsSync(path)).toBe(false)
    await open()
    raw((db) => db.exec('PRAGMA user_version = 0'))
    const error = await fault(open(options))
    expect(error.message).toContain('older Alibi')
    expect(raw(versionOf)).toBe(0)
  })

  test('a writer that never ends is waited for a while, then named as busy, and the next commit works', async () => {
    const store = await open({ busyMs: 1 })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const error = await fault(store.alive({ at: T0 }))
    expect(error).toMatchObject({ fatal: false, message: expect.stringContaining('busy') })
    other.exec('ROLLBACK')
    other.close()
    await store.alive({ at: T0 + 1 })
    expect((await store.load(0)).lastAlive).toEqual({ at: T0 + 1 })
  })
})

describe('faults', () => {
  test('a full disk undoes the whole commit; when there is space again the next one works', async () => {
    await (await open()).close()
    const store = await open({ maxPages: raw((db) => Number(db.prepare('PRAGMA page_count').get()?.['page_count'])) + 10 })
    const change = {
      ...NOTHING,
      incidents: [anIncident('a')],
      outcomes: [{ outcome: anOutcome('new-probe', T0), incident: null }],
      notifications: Array.from({ length: 50 }, (_, i) => aNotification(`n${i}`, { recipient: 'x'.repeat(2_000) })),
    }
    const first = await fault(store.commit({ ...change, ledger: [aRow('x'.repeat(100_000))] }))
    expect(first).toMatchObject({ fatal: false, message: `${path}: the disk is full: free some space` })
    expect(await store.incidents(1)).toEqual([])
    expect(await store.owed(1)).toEqual([])
    await store.commit({ ...change, notifications: [] })
    expect(await store.strip('new-probe', 0)).toHaveLength(1)
    await store.close()
    const roomy = await open()
    await roomy.commit(change)
    expect(await roomy.owed(100)).toHaveLength(50)
  })

  test('a damaged file is fatal and says what to do', async () => {
    const store = await open()
    await store.commit({ ...NOTHING, incidents: Array.from({ length: 200 }, (_, i) => anIncident(`i${i}`)) })
    await store.close()
    const size = statSync(path).size
    raw(() => {}) // Folds a left-over log in.
    const damaged = Buffer.alloc(size, 0xa5)
    writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, 100), damaged.subarray(100)]))
    const error = await fault(open().then((again) => again.load(0)))
    expect(error.fatal).toBe(true)
    expect(error.message).toMatch(/damaged|not a database/)
    expect(error.message).toContain('move it away')
  })

  test('a file that is no database is fatal and is left as it was', async () => {
    mkdirSync(join(directory, 'data'))
    writeFileSync(path, 'Dear diary, '.repeat(500))
    const error = await fault(open())
    expect(error).toMatchObject({ fatal: true, message: expect.stringContaining('is not a database') })
    expect(statSync(path).size).toBe(12 * 500)
  })

  test("another program's database is refused and left as it was", async () => {
    mkdirSync(join(directory, 'data'))
    raw((db) => db.exec('CREATE TABLE theirs (x); PRAGMA user_version = 1'))
    const error = await fault(open())
    expect(error).toMatchObject({ fatal: true, message: expect.stringContaining('another program') })
    expect(raw((db) => db.prepare('PRAGMA journal_mode').get()?.['journal_mode'])).toBe('delete')
  })

  test('a database of a newer Alibi is refused in one sentence', async () => {
    await (await open()).close()
    raw((db) => db.exec('PRAGMA user_version = 99'))
    const error = await fault(open())
    expect(error.fatal).toBe(true)
    expect(error.message).toMatch(/newer Alibi \(schema 99, this one knows up to \d+\)/)
    expect(error.message).not.toContain('\n')
  })

  test('a document that cannot be read is fatal', async () => {
    const store = await open()
    await store.commit({ ...NOTHING, incidents: [anIncident('a')] })
    raw((db) => db.exec(`UPDATE incidents SET doc = '{"id":'`))
    expect((await fault(store.load(0))).fatal).toBe(true)
  })

  test('a file that was removed in use is noticed at the checkpoint', async () => {
    const store = await open()
    await store.checkpoint()
    rmSync(path)
    expect(await fault(store.checkpoint())).toMatchObject({
      fatal: true,
      message: expect.stringContaining('removed or replaced'),
    })
  })

  test('a directory that is a file is named', async () => {
    writeFileSync(join(directory, 'data'), '')
    const error = await fault(open())
    expect(error.message).toContain('set storage.path')
  })

  test.for([{}, { beside: true }])(
    'a file that may not be written is named at once, not at the first commit: %j',
    async (options) => {
      await (await open()).close()
      chmodSync(path, 0o400)
      const error = await asPlainUser(directory, () => fault(open(options)))
      expect(error.message).toContain('cannot be written')
    },
  )

  test('that it can be written is found out without a change that anybody sees', async () => {
    const store = await open()
    await store.commit({ ...NOTHING, incidents: [anIncident('a')] })
    await store.close()
    const before = raw((db) => [versionOf(db), db.prepare('SELECT count(*) AS n FROM incidents').get()])
    await (await open()).close()
    expect(raw((db) => [versionOf(db), db.prepare('SELECT count(*) AS n FROM incidents').get()])).toEqual(before)
  })

  test('the ledger is written once: neither changed nor deleted, not even by hand', async () => {
    const store = await open()
    await store.commit({ ...NOTHING, ledger: [aRow('opened')] })
    expect(() => raw((db) => db.exec("UPDATE ledger SET doc = '{}'"))).toThrow('written once')
    expect(() => raw((db) => db.exec('DELETE FROM ledger'))).toThrow('kept for ever')
  })
})

describe('migrations', () => {
  const steps = ['CREATE TABLE a (x)', 'CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)']
  test('a step that fails leaves the database at the step before, whole', () => {
    mkdirSync(join(directory, 'data'))
    raw((db) => {
      expect(() => migrate(db, path, steps)).toThrow('nowhere')
      expect(versionOf(db)).toBe(1)
      expect(db.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'a' }])
      migrate(db, path, [steps[0]!, 'CREATE TABLE b (x)'])
      expect(versionOf(db)).toBe(2)
    })
  })

  test('the file says whose it is and which version', async () => {
    await (await open()).close()
    raw((db) => {
      expect(db.prepare('PRAGMA application_id').get()).toEqual({ application_id: APPLICATION_ID })
      expect(versionOf(db)).toBe(MIGRATIONS.length)
    })
  })
})

describe('of the members of an incident only those are written that have changed', () => {
  /** Counts in the file itself: each row that is written or deleted, by whatever statement. */
  const COUNTING = `CREATE TABLE touched (place INTEGER);
    CREATE TRIGGER count_put AFTER INSERT ON members BEGIN INSERT INTO touched VALUES (new.place); END;
    CREATE TRIGGER count_set AFTER UPDATE ON members BEGIN INSERT INTO touched VALUES (new.place); END;
    CREATE TRIGGER count_gone AFTER DELETE ON members BEGIN INSERT INTO touched VALUES (old.place); END;`
  const touched = () =>
    raw((db) => {
      const places = db
        .prepare('SELECT place FROM touched')
        .all()
        .map(({ place }) => Number(place))
      db.exec('DELETE FROM touched')
      return places
    })
  const members = Array.from({ length: 1_000 }, (_, i) => aMember(`p${i}`))

  test('one of a thousand, one more, one less', async () => {
    const store = await open()
    const commit = (all: readonly Member[]) => store.commit({ ...NOTHING, incidents: [anIncident('a3f9', { members: all })] })
    await commit(members)
    raw((db) => db.exec(COUNTING))
    await commit(members)
    expect(touched()).toEqual([])
    const changed = members.with(500, { ...(members[500] as Member), state: 'recovered' })
    await commit(changed)
    expect(touched()).toEqual([500])
    await commit([...changed, aMember('new')])
    expect(touched()).toEqual([1_000])
    await commit(changed.slice(1))
    expect(touched().sort()).toEqual([0, 1_000])
  })

  test('what was rolled back counts as not written', async () => {
    const store = await open()
    await store.commit({ ...NOTHING, incidents: [anIncident('a3f9', { members: members.slice(0, 3) })] })
    const changed = anIncident('a3f9', {
      members: members.slice(0, 3).map((member) => ({ ...member, state: 'recovered' as const })),
    })
    const broken = { ...NOTHING, incidents: [changed], outcomes: [{ outcome: anOutcome('p', Number.NaN), incident: null }] }
    await expect(store.commit(broken)).rejects.toThrow()
    expect((await store.incident('a3f9'))?.members).toEqual(members.slice(0, 3))
    await store.commit({ ...NOTHING, incidents: [changed] })
    expect(await store.incident('a3f9')).toEqual(changed)
  })
})

describe('the rejected events of the members of an incident', () => {
  const rejectedBy = (reading: number) =>
    Array.from({ length: 20 }, (_, i) => ({ arn: `arn:${i}`, code: 'C', region: null, test: 'place', why: `reading ${reading}` }))
  const membersBy = (reading: number, count = 1_000): Member[] =>
    Array.from({ length: count }, (_, i) => {
      const verdict = { kind: 'unexplained', why: 'none fits', rejected: rejectedBy(reading) }
      return aMember(`p${i}`, { judgement: { verdict } as unknown as Member['judgement'] })
    })
  const lists = () =>
    raw((db) =>
      db
        .prepare('SELECT doc FROM rejected_events')
        .all()
        .map(({ doc }) => JSON.parse(String(doc))[0].why),
    )

  test('are kept once for each reading by which members were judged, and are read as they were', async () => {
    const store = await open()
    const put = (members: readonly Member[]) => store.commit({ ...NOTHING, incidents: [anIncident('a3f9', { members })] })
    await put(membersBy(1))
    expect(lists()).toEqual(['reading 1'])
    const half = [...membersBy(2, 500), ...membersBy(1).slice(500)]
    await put(half)
    expect(lists()).toEqual(['reading 1', 'reading 2'])
    expect((await store.incident('a3f9'))?.members).toEqual(half)
    await put(membersBy(2))
    expect(lists(), 'a list that no member has any more is gone').toEqual(['reading 2'])
    await store.close()
    const again = await open()
    const loaded = (await again.load(0)).incidents[0]
    expect(loaded?.members).toEqual(membersBy(2))
    expect(loaded?.members[0]?.judgement.verdict.rejected).toBe(loaded?.members[999]?.judgement.verdict.rejected)
    await again.commit({ ...NOTHING, incidents: [anIncident('a3f9', { members: membersBy(3, 3) })] })
    expect(lists()).toEqual(['reading 3'])
  })

  test('of a write that was rolled back nothing is remembered', async () => {
    const store = await open()
    const broken = { outcome: anOutcome('p', Number.NaN), incident: null }
    const incidents = [anIncident('a3f9', { members: membersBy(1, 3) })]
    await expect(store.commit({ ...NOTHING, incidents, outcomes: [broken] })).rejects.toThrow()
    expect(lists()).toEqual([])
    await store.commit({ ...NOTHING, incidents })
    expect((await store.incident('a3f9'))?.members).toEqual(membersBy(1, 3))
  })
})

test('ok runs outside of an incident are kept without a document', async () => {
  const store = await open()
  const outcomes = [
    { outcome: anOutcome('p', T0), incident: null },
    { outcome: anOutcome('p', T0 + 1, 'failed'), incident: null },
  ]
  await store.commit({ ...NOTHING, outcomes })
  expect(raw((db) => db.prepare('SELECT doc IS NULL AS bare FROM runs ORDER BY at').all())).toEqual([{ bare: 1 }, { bare: 0 }])
})

test('a run takes no more bytes than its numbers and its request id, and is in one place only', async () => {
  const store = await open()
  const probes = Array.from({ length: 100 }, (_, i) => `p${i}`)
  const minutes = 100
  const runOf = (probe: string, at: number): StoredOutcome => {
    const outcome = anOutcome(probe, at)
    const tries = outcome.tries.map((one) => ({ ...one, requestId: randomUUID() }))
    return { outcome: { ...outcome, tries }, incident: null }
  }
  for (let i = 0; i < minutes; i++)
    await store.commit({ ...NOTHING, outcomes: probes.map((probe, n) => runOf(probe, T0 + i * 60_000 + n)) })
  const bytes = raw((db) => {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    return Number(db.prepare("SELECT sum(pgsize) AS n FROM dbstat WHERE name LIKE '%runs%'").get()?.['n'])
  })
  // Half of what it took with ids as text and an index of its own: 87.
  expect(bytes / (probes.length * minutes)).toBeLessThan(44)
  const first = runOf('p0', T0)
  await store.commit({ ...NOTHING, incidents: [anIncident('a3f9')], outcomes: [{ ...first, incident: 'a3f9' }] })
  expect(await store.runs('a3f9', 10)).toEqual([first.outcome])
  expect(await store.strip('p0', 0)).toHaveLength(minutes)
})

test('a request id that is no UUID is kept as it is', async () => {
  const store = await open()
  const outcome = anOutcome('p', T0)
  const withId = (requestId: string, at: number) => ({
    outcome: { ...outcome, startedAt: at, tries: outcome.tries.map((one) => ({ ...one, requestId })) },
    incident: null,
  })
  const id = '0e9d3f52-7c1a-4b9e-8f00-0123456789ab'
  await store.commit({ ...NOTHING, outcomes: [withId(id, T0), withId('EXAMPLE123', T0 + 1)] })
  const stored = raw((db) => db.prepare('SELECT typeof(request_id) AS type, hex(request_id) AS hex FROM runs ORDER BY at').all())
  expect(stored[0]).toEqual({ type: 'blob', hex: id.replaceAll('-', '').toUpperCase() })
  expect(stored[1]).toMatchObject({ type: 'text' })
})

describe('a sweep', () => {
  /** How often a statement was executed meanwhile. */
  async function executed(work: () => Promise<unknown>): Promise<number> {
    const spies = (['all', 'get', 'run'] as const).map((method) => vi.spyOn(StatementSync.prototype, method))
    try {
      await work()
      return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  }
  const runsOf = (count: number, at: number): StoredOutcome[] =>
    Array.from({ length: count }, (_, i) => ({ outcome: anOutcome(`p${i}`, at), incident: null }))

  test('takes a few statements a step, however many probes there are, and looks at each of them', async () => {
    const store = await open()
    await store.commit({ ...NOTHING, outcomes: runsOf(3_500, T0) })
    const before = { runs: T0, hours: 0 }
    const steps: number[] = []
    let left = 1
    for (; left > 0 && steps.length < 10; ) {
      steps.push(
        await executed(async () => {
          left = await store.sweep(before, 500)
        }),
      )
    }
    expect(steps).toHaveLength(8)
    for (const statements of steps) expect(statements).toBeLessThanOrEqual(4)
  })

  test('lets the event loop turn between two steps', async () => {
    const store = await open()
    let turns = 0
    const turn = () => {
      turns += 1
      immediate = setImmediate(turn)
    }
    let immediate = setImmediate(turn)
    for (let i = 0; i < 5; i++) await store.sweep({ runs: T0, hours: 0 }, 500)
    clearImmediate(immediate)
    expect(turns).toBeGreaterThanOrEqual(4)
  })

  test('takes a few statements a step also where every probe has old runs', async () => {
    const store = await open()
    await store.commit({ ...NOTHING, outcomes: runsOf(1_200, T0) })
    let left = 1
    let steps = 0
    for (; left > 0 && steps < 20; steps++) {
      const statements = await executed(async () => {
        left = await store.sweep({ runs: T0 + 1, hours: 0 }, 500)
      })
      expect(statements).toBeLessThanOrEqual(6)
    }
    expect(left).toBe(0)
    expect(raw((db) => db.prepare('SELECT count(*) AS n FROM runs').get())).toEqual({ n: 0 })
    expect(raw((db) => db.prepare('SELECT sum(ok) AS n FROM hours').get())).toEqual({ n: 1_200 })
  })
})

test('each call is reported with how long it blocked the event loop', async () => {
  const calls: [string, number][] = []
  const store = await open({ observe: (method, ms) => calls.push([method, ms]) })
  await store.commit(NOTHING)
  await store.sweep({ runs: 0, hours: 0 }, 1)
  expect(calls.map(([method]) => method)).toEqual(['commit', 'sweep'])
  expect(calls.every(([, ms]) => ms > 0)).toBe(true)
})

test('kill -9 in the middle of writing and sweeping loses nothing that was acknowledged, and leaves nothing by halves', async () => {
  const url = (file: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, file)).href)
  const script = `
    const { openStore } = await import(${url('store.ts')})
    const { change, at } = JSON.parse(process.argv[1])
    const store = await openStore({ path: ${JSON.stringify(path)} })
    for (let i = 0; ; i++) {
      const id = 'i' + i
      await store.commit({
        ...change,
        incidents: [{ ...change.incidents[0], id }],
        notifications: [{ ...change.notifications[0], id }],
        outcomes: change.outcomes.map((o, n) => ({ ...o, outcome: { ...o.outcome, startedAt: at + i * 1000 + n } })),
      })
      await store.sweep({ runs: at + i * 1000 - 5_000, hours: 0 }, 2)
      console.log(i)
    }`
  // The rows come as JSON: what makes them imports vitest, which a plain process cannot.
  const change = {
    ...NOTHING,
    incidents: [anIncident('i')],
    notifications: [aNotification('n')],
    ledger: [aRow('opened')],
    outcomes: [0, 1, 2].map((n) => ({ outcome: anOutcome('p', T0 + n), incident: null })),
  }
  const args = ['--no-warnings', '--input-type=module', '-e', script, JSON.stringify({ change, at: T0 })]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  for await (const chunk of child.stdout) {
    said += String(chunk)
    if (said.split('\n').length > 40) break
  }
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const acknowledged = Number(said.trim().split('\n').at(-2)) + 1

  const store = await open()
  const incidents = (await store.incidents(100_000)).length
  expect(incidents).toBeGreaterThanOrEqual(acknowledged)
  expect(await store.owed(100_000)).toHaveLength(incidents)
  expect(await store.ledger({}, 100_000)).toHaveLength(incidents)
  const summed = (await store.hours('p', 0)).reduce((sum, hour) => sum + hour.ok, 0)
  expect(summed).toBeGreaterThan(0)
  expect(summed + (await store.strip('p', 0)).length).toBe(3 * incidents)
  expect(raw((db) => db.prepare('PRAGMA integrity_check').get())).toEqual({ integrity_check: 'ok' })
})

test('the daemon notices what a command has written beside it, and ignores its own writes', async () => {
  const daemon = await open()
  const verb = await open({ beside: true })
  const stop = new AbortController()
  let told = 0
  const noticed = new Promise<void>((resolve) => {
    daemon.watch(() => {
      told += 1
      resolve()
    }, stop.signal)
  })
  await daemon.alive({ at: T0 })
  await verb.addSilence(silence({ at: T0 }))
  await noticed
  expect(told).toBe(1)
  stop.abort()
})

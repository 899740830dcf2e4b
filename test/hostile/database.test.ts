import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../../src/adapters/sqlite/store.ts'
import type { HealthEvent, HealthReading } from '../../src/domain/outage.ts'
import { MINUTE_MS } from '../../src/domain/probe.ts'
import type { Store } from '../../src/ports/store.ts'
import { StoreError } from '../../src/ports/store.ts'
import { event, NOON, reading } from '../given.ts'
import { aMember, anIncident, aRow, NOTHING } from '../store-contract.ts'

/* A database that somebody else has written into, and one into which a hostile dashboard would write. */

let directory: string
let path: string
let store: Store
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'alibi-hostile-'))
  path = join(directory, 'alibi.db')
  store = await openStore({ path })
})
afterEach(async () => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

async function tampered(work: (db: DatabaseSync) => void): Promise<void> {
  await store.close()
  const db = new DatabaseSync(path)
  try {
    work(db)
  } finally {
    db.close()
  }
}

const refused = (message: RegExp) =>
  expect.objectContaining({ name: 'StoreError', fatal: true, message: expect.stringMatching(message) })

describe('what acts by itself is refused before it is asked', () => {
  const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)'
  test.for<[string, string]>([
    [
      'a view in the place of a table that never ends',
      `PRAGMA foreign_keys = OFF; DROP TABLE members; CREATE VIEW members AS ${ENDLESS} SELECT i AS doc, i AS incident, i AS place FROM n`,
    ],
    ['a view beside the tables', `CREATE VIEW other AS ${ENDLESS} SELECT i FROM n`],
    [
      'a trigger that never ends',
      `CREATE TRIGGER slow AFTER INSERT ON meta BEGIN INSERT INTO acks (incident, at) ${ENDLESS} SELECT i, i FROM n; END`,
    ],
    [
      'one of our triggers that does something else',
      'DROP TRIGGER ledger_is_kept; CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT 1; END',
    ],
    ['a virtual table', 'DROP TABLE acks; CREATE VIRTUAL TABLE acks USING fts5(incident, at, reason, moment)'],
  ])('%s', async ([, sql]) => {
    await tampered((db) => db.exec(sql))
    for (const options of [{ path, readOnly: true }, { path, beside: true }, { path }])
      await expect(openStore(options)).rejects.toEqual(refused(/which Alibi has not put there: restore a backup$/))
  })

  test('an index or a table of somebody’s own is not ours to refuse', async () => {
    await tampered((db) => db.exec('CREATE TABLE notes (text TEXT); CREATE INDEX by_decision ON ledger (decision)'))
    store = await openStore({ path })
    expect(await store.incidents(1)).toEqual([])
  })
})

describe('a row that Alibi did not write', () => {
  const incident = (doc: string) => (db: DatabaseSync) =>
    db
      .prepare(
        "INSERT INTO incidents (id, state, family, partition, opened_at, doc) VALUES ('a', 'announced', 'outage', 'aws', 1, ?)",
      )
      .run(doc)
  const good = JSON.stringify(anIncident('a', { openedAt: 1 }))
  const member = (doc: string) => (db: DatabaseSync) => {
    incident(good)(db)
    db.prepare("INSERT INTO members (incident, place, doc) VALUES ('a', 0, ?)").run(doc)
  }
  test.for<[string, (db: DatabaseSync) => void]>([
    ['is no JSON', incident('{')],
    ['is no object', incident('7')],
    ['is null', incident('null')],
    ['is a list', incident('[]')],
    ['is nested a million deep', incident('['.repeat(1_000_000) + ']'.repeat(1_000_000))],
    ['has no fields', incident('{}')],
    ['opened beyond all time', incident(JSON.stringify({ ...anIncident('a'), openedAt: 1e300 }))],
    ['closed at a word', incident(JSON.stringify({ ...anIncident('a'), closedAt: 'soon' }))],
    ['has an id of two megabytes', incident(JSON.stringify({ ...anIncident('a'), id: 'a'.repeat(2_000_000) }))],
    ['is longer than any of ours', incident(JSON.stringify({ ...anIncident('a'), x: 'a'.repeat(33 * 1024 * 1024) }))],
    ['has a member that is no object', member('7')],
    [
      'has a member whose onset is no number',
      member('{"probe": "p", "monitor": "m", "state": "failing", "onset": [], "evidence": []}'),
    ],
  ])('%s', async ([, work]) => {
    await tampered(work)
    store = await openStore({ path, readOnly: true })
    await expect(store.incidents(10)).rejects.toEqual(
      refused(/^the database holds a document that (?:cannot be read|is not as Alibi writes it): restore a backup$/),
    )
    await expect(store.load(0)).rejects.toBeInstanceOf(StoreError)
  })

  test('a row of the ledger of a year that does not exist', async () => {
    await tampered((db) =>
      db
        .prepare('INSERT INTO ledger (at, decision, doc) VALUES (1, ?, ?)')
        .run('opened', JSON.stringify({ ...aRow('x'), at: -1e300 })),
    )
    store = await openStore({ path, readOnly: true })
    await expect(store.ledger({}, 10)).rejects.toEqual(refused(/is not as Alibi writes it/))
  })

  test('forms of events that rest on each other in a circle are read as they are', async () => {
    const form = (base: number) =>
      JSON.stringify({ ...event(), text: undefined, delta: { base, head: 5, tail: 0, text: 'x', sameImpacted: true } })
    await tampered((db) => {
      db.prepare('INSERT INTO event_forms VALUES (1, ?, ?, 1, ?)').run('arn', 'a', form(2))
      db.prepare('INSERT INTO event_forms VALUES (2, ?, ?, 2, ?)').run('arn', 'b', form(1))
    })
    store = await openStore({ path, readOnly: true })
    expect(await store.eventHistory('arn', 10)).toHaveLength(2)
  })
})

test('a list of very wide open incidents ends earlier, and still holds the newest', async () => {
  const members = Array.from({ length: 20_000 }, (_, i) => aMember(`p${i}`, { evidence: [] }))
  for (let i = 0; i < 4; i++) {
    const id = `wide${i}`
    await store.commit({
      ...NOTHING,
      incidents: [anIncident(id, { openedAt: NOON + i, members })],
    })
  }
  expect((await store.incidents(1_000)).map(({ id }) => id)).toEqual(['wide3', 'wide2', 'wide1'])
})

describe('what AWS Health says is kept as far as it has changed', () => {
  const sizeOf = () => statSync(path).size + statSync(`${path}-wal`).size
  const arn = (i: number) => `arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/${i}`
  const commit = (events: readonly HealthEvent[], at: number): Promise<void> => {
    const readings: readonly HealthReading[] = [reading(events, at)]
    return store.commit({ ...NOTHING, readings })
  }

  test('each of a hundred events says a sentence more with each reading: that sentence is kept, and each form is read whole', async () => {
    const story = 'We are investigating increased error rates. '.repeat(200)
    const eventsAt = (poll: number) =>
      Array.from({ length: 100 }, (_, i) =>
        event({
          arn: arn(i),
          updatedAt: NOON + poll,
          text: `${story}${'More. '.repeat(poll)}`,
          impacted: [{ key: 'iam', resolvedAt: null }],
        }),
      )
    await commit(eventsAt(0), NOON)
    await store.checkpoint()
    const first = sizeOf()
    for (let poll = 1; poll <= 15; poll++) await commit(eventsAt(poll), NOON + poll * MINUTE_MS)
    await store.checkpoint()
    expect(sizeOf() - first, 'fifteen readings take less than two whole ones would').toBeLessThan(2 * first)
    for (const poll of [0, 1, 7, 15])
      expect((await store.readingAt('aws', NOON + poll * MINUTE_MS))?.reading.events).toEqual(eventsAt(poll))
    expect((await store.eventHistory(arn(3), 100)).map(({ event: { text } }) => text.length)).toEqual(
      Array.from({ length: 16 }, (_, poll) => story.length + 6 * poll),
    )
  })

  test('a dashboard that changes wholly with each reading does not fill the disk, and the reading says what is left out', async () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz'
    for (let poll = 0; poll < 12; poll++) {
      const text = `${letters[poll]}${letters[poll + 1]}`.repeat(1_000)
      await commit(
        Array.from({ length: 900 }, (_, i) => event({ arn: arn(poll * 1_000 + i), text: `${i}${text}` })),
        NOON + poll * MINUTE_MS,
      )
    }
    await store.checkpoint()
    expect(sizeOf()).toBeLessThan(24 * 1024 * 1024)
    const last = await store.readingAt('aws', NOON + 60 * MINUTE_MS)
    expect(last?.reading.sources.dashboard.detail).toMatch(/\d+ of the events are not kept: too much has changed within a day$/)
    await commit([event({ arn: arn(1), text: 'Another day.' })], NOON + 24 * 60 * MINUTE_MS)
    expect((await store.readingAt('aws', NOON + 24 * 60 * MINUTE_MS))?.reading.events.map(({ text }) => text)).toEqual([
      'Another day.',
    ])
  })
})

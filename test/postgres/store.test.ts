import { afterEach, describe, expect, test } from 'vitest'
import { openPostgresStore } from '../../src/adapters/postgres/store.ts'
import type { Member } from '../../src/domain/incident.ts'
import type { Store } from '../../src/ports/store.ts'
import { aMember, anIncident, NOTHING, storeContract } from '../store-contract.ts'
import { asSuperuser, freshSchema } from './schema.ts'

storeContract('PostgreSQL', async () => {
  const { url, schema, drop } = freshSchema()
  const opened: Store[] = []
  const open = async () => {
    const store = await openPostgresStore({ url, schema, poolSize: 3 })
    opened.push(store)
    return store
  }
  return {
    store: await open(),
    reopen: open,
    dispose: async () => {
      for (const store of opened) await store.close()
      await drop()
    },
  }
})

describe('the rejected events of the members of an incident', () => {
  const { url, schema, drop } = freshSchema()
  const opened: Store[] = []
  const open = async () => {
    const store = await openPostgresStore({ url, schema, poolSize: 1 })
    opened.push(store)
    return store
  }
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close()
    await drop()
  })
  const rows = async (sql: string) =>
    (
      (await asSuperuser(url, (client) => client.query(`SET search_path = "${schema}"; ${sql}`))) as unknown as {
        rows: unknown[]
      }[]
    )[1]?.rows
  const membersBy = (reading: number, count: number): Member[] =>
    Array.from({ length: count }, (_, i) => {
      const rejected = Array.from({ length: 20 }, (_, n) => ({ arn: `arn:${n}`, code: 'C', why: `reading ${reading}: \u0000` }))
      return aMember(`p${i}`, { judgement: { verdict: { kind: 'unexplained', why: 'none', rejected } } } as unknown as Member)
    })

  test('are kept once for each reading by which members were judged', async () => {
    const store = await open()
    const put = (members: readonly Member[]) => store.commit({ ...NOTHING, incidents: [anIncident('a3f9', { members })] })
    await put(membersBy(1, 100))
    expect(await rows('SELECT list, length(doc) > 800 AS long FROM rejected_events')).toEqual([{ list: 0, long: true }])
    await put([...membersBy(2, 50), ...membersBy(1, 100).slice(50)])
    expect(await rows('SELECT list FROM rejected_events ORDER BY list')).toEqual([{ list: 0 }, { list: 1 }])
    await put(membersBy(2, 100))
    expect(await rows('SELECT list FROM rejected_events'), 'a list that no member has any more is gone').toEqual([{ list: 1 }])
    expect(await rows('SELECT max(length(doc)) < 800 AS short FROM members')).toEqual([{ short: true }])
  })

  test('leave the documents of members when a schema of an older Alibi is brought up to date', async () => {
    const members = membersBy(1, 3)
    const incident = anIncident('a3f9', { members })
    const store = await open()
    await store.commit({ ...NOTHING, incidents: [incident] })
    const asBefore = members
      .map((member, i) => `UPDATE members SET doc = '${JSON.stringify(member)}' WHERE place = ${i}`)
      .join('; ')
    await rows(`${asBefore}; DROP TABLE rejected_events; ALTER TABLE members DROP COLUMN rejected;
      UPDATE meta SET doc = '3' WHERE key = 'version'`)
    const next = await open()
    const read = await next.incident('a3f9')
    expect(read).toEqual(incident)
    expect(read?.members[0]?.judgement.verdict.rejected).toBe(read?.members[2]?.judgement.verdict.rejected)
    expect(await rows('SELECT rejected, length(doc) < 800 AS short FROM members')).toEqual(
      members.map(() => ({ rejected: 0, short: true })),
    )
    expect(await rows('SELECT count(*)::int AS n FROM rejected_events')).toEqual([{ n: 1 }])
  })
})

import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { openFleet, type PostgresFleet } from '../../src/adapters/postgres/fleet.ts'
import type { Self } from '../../src/adapters/postgres/register.ts'
import type { Probe } from '../../src/domain/probe.ts'
import type { Claim } from '../../src/ports/fleet.ts'
import { StoreError } from '../../src/ports/store.ts'
import { anIncident, anOutcome, NOTHING } from '../store-contract.ts'
import { startProxy } from './proxy.ts'
import { asSuperuser, freshSchema } from './schema.ts'
import { SILENT_LOG } from './silent-log.ts'

/* Most of these wait for a take-over: they wait side by side. */

type Schema = ReturnType<typeof staged>

/** A schema for as long as a test lasts, with everything that joins it. */
function staged() {
  const held = new AsyncDisposableStack()
  const { url, schema, drop } = freshSchema()
  held.defer(drop)
  return { url, schema, held, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

async function joined(
  { schema, held, ...on }: Schema,
  name: string,
  { url = on.url, ...over }: Partial<Self & { url: string }> = {},
): Promise<PostgresFleet> {
  const machine = { name, host: `${name}.example`, version: '1', config: () => 'same', ...over }
  const fleet = await openFleet({ url, schema, poolSize: 3, machine, clock: systemClock, log: SILENT_LOG })
  held.defer(() => fleet.close())
  return fleet
}
const opening = (id: string) => ({ ...NOTHING, incidents: [anIncident(id)] })
const forEver = new AbortController().signal
const leads = async (fleet: PostgresFleet): Promise<Claim> => {
  const claim = await fleet.lead(forEver)
  if (claim === null) throw new Error('nobody leads')
  return claim
}

test.concurrent('one leads, and hands on within two seconds when it stops', async () => {
  await using on = staged()
  const [one, two] = [await joined(on, 'one'), await joined(on, 'two')]
  const first = await leads(one)
  await first.store.commit(opening('a3f9'))
  expect(await two.members()).toMatchObject({
    machines: [{ name: 'one' }, { name: 'two' }],
    leader: { name: 'one', takeovers: 0 },
  })
  const waiting = leads(two)
  const began = performance.now()
  await first.release()
  const second = await waiting
  expect(performance.now() - began).toBeLessThan(2_000)
  expect((await second.store.load(0)).incidents.map(({ id }) => id)).toEqual(['a3f9'])
  expect((await one.members()).leader).toMatchObject({ name: 'two', takeovers: 1 })
  const fault = await first.store.commit(opening('b')).catch((cause: unknown) => cause)
  expect(fault).toBeInstanceOf(StoreError)
  expect(fault).toMatchObject({ uncertain: true, message: expect.stringContaining('another machine leads') })
  expect(first.lost.aborted).toBe(true)
  expect((await second.store.incidents(9)).map(({ id }) => id)).toEqual(['a3f9'])
  await second.release()
})

test.concurrent('one that cannot be heard of any more sends nothing from then on, and another takes over; what it writes later is not stored', async ({
  expect,
}) => {
  await using on = staged()
  const line = await startProxy(on.url)
  on.held.defer(() => line.close())
  const one = await joined(on, 'one', { url: line.url })
  const two = await joined(on, 'two')
  const first = await leads(one)
  expect(first.isLive()).toBe(true)
  line.blackHole()
  const began = performance.now()
  const second = await leads(two)
  expect(first.isLive(), 'it has stopped to send before anybody else may').toBe(false)
  expect(performance.now() - began).toBeLessThan(15_000)
  expect((await two.members()).leader).toMatchObject({ name: 'two', takeovers: 1 })
  line.heal()
  await expect.poll(() => first.lost.aborted).toBe(true)
  await expect(first.store.commit(opening('late'))).rejects.toMatchObject({ uncertain: true })
  expect(await second.store.incidents(9)).toEqual([])
  await second.release()
})

test.concurrent('a lost answer to a commit ends the claim: what was decided is loaded under the next one', async () => {
  await using on = staged()
  const line = await startProxy(on.url)
  on.held.defer(() => line.close())
  const one = await joined(on, 'one', { url: line.url })
  const claim = await leads(one)
  const sprung = line.swallowAnswerToCommit('INSERT INTO incidents')
  await expect(claim.store.commit(opening('a3f9'))).rejects.toMatchObject({ uncertain: true })
  await sprung
  expect(claim.lost.aborted).toBe(true)
  await claim.release()
  const again = await leads(one)
  expect((await again.store.load(0)).incidents.map(({ id }) => id)).toEqual(['a3f9'])
  await again.release()
})

test.concurrent('a leader that is blocked in the middle of a transaction keeps no other machine out', async () => {
  await using on = staged()
  const line = await startProxy(on.url)
  on.held.defer(() => line.close())
  const one = await joined(on, 'one', { url: line.url })
  const two = await joined(on, 'two')
  const first = await leads(one)
  // From here on nothing passes: the transaction has begun, and the fence's row is locked.
  const held = line.holdAt('INSERT INTO incidents')
  const stuck = first.store.commit(opening('stuck')).catch(() => {})
  await held
  const began = performance.now()
  const second = await leads(two)
  expect(performance.now() - began).toBeLessThan(15_000)
  line.heal()
  await stuck
  expect(await second.store.incidents(9)).toEqual([])
  await second.release()
})

test.concurrent('of machines that stand by, one with another version or configuration is asked for nothing, and another one is', async ({
  expect,
}) => {
  await using on = staged()
  const one = await joined(on, 'one')
  const claim = await leads(one)
  const made: string[] = []
  const standBy = async (name: string, over: Partial<Self> = {}) => {
    const fleet = await joined(on, name, over)
    const hand = fleet.serve(async ({ id }) => {
      made.push(name)
      return anOutcome(id, 1)
    })
    on.held.defer(async () => hand[Symbol.asyncDispose]())
  }
  await standBy('older', { version: '0' })
  await standBy('different', { config: () => 'another' })
  await standBy('same')
  const callers = ['first', 'second', 'third', 'fourth']
  const call = { operation: 'GetContactInformation', parameter: null } as const
  const run = (caller: string) => {
    const probe: Probe = { id: `${caller}/self/GetContactInformation`, monitor: caller, account: 'self', call }
    const own = async () => {
      made.push('one')
      return anOutcome(probe.id, 1)
    }
    return claim.dealer.run({ caller, probe, limitMs: 60_000 }, own, forEver)
  }
  claim.dealer.deal(callers)
  await expect
    .poll(async () => {
      made.length = 0
      await Promise.all(callers.map(run))
      return made.toSorted()
    })
    .toEqual(['one', 'one', 'same', 'same'])
  await claim.release()
})

/** Two machines on one schema, and what makes a run on the one that does not lead. */
async function handing(on: Schema) {
  const [one, two] = [await joined(on, 'one'), await joined(on, 'two')]
  on.held.use(two.serve(async ({ id }) => anOutcome(id, 0)))
  const { dealer, release } = await leads(one)
  on.held.defer(release)
  dealer.deal(['a', 'b'])
  while ((await two.members()).machines.find(({ name }) => name === 'two')?.callers !== 1) await setTimeout(50)
  return (id: string) => {
    const task = { caller: 'b', probe: { id } as Probe, limitMs: 60_000 }
    return dealer.run(task, () => Promise.reject(new Error('it was dealt to the other machine')), forEver)
  }
}

test.concurrent('a run that another machine makes comes back', async ({ expect }) => {
  await using on = staged()
  const run = await handing(on)
  for (const id of ['p1', 'p2']) expect(await run(id)).toMatchObject({ probe: id, result: 'ok' })
})

test.concurrent('a run that another machine makes comes back after the connections were cut by which machines wake each other', async ({
  expect,
}) => {
  await using on = staged()
  const run = await handing(on)
  const cut = await asSuperuser(on.url, (client) =>
    client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = $1', [`LISTEN "${on.schema}"`]),
  )
  expect(cut.rowCount).toBe(2)
  expect(await run('p1')).toMatchObject({ probe: 'p1', result: 'ok' })
})

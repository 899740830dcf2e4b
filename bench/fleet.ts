import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { systemClock } from '../src/adapters/clock.ts'
import { openFleet, type PostgresFleet } from '../src/adapters/postgres/fleet.ts'
import { openPostgresStore } from '../src/adapters/postgres/store.ts'
import { openStore } from '../src/adapters/sqlite/store.ts'
import type { Probe } from '../src/domain/probe.ts'
import type { Log } from '../src/ports/log.ts'
import type { Store } from '../src/ports/store.ts'
import { startPostgres } from '../test/postgres/server.ts'
import { type Bench, configuration, databaseOf, type Ground } from './bench.ts'
import { cpuMs } from './child.ts'
import { type Daemon, startDaemonProcess } from './daemon.ts'
import { type Figure, median, quantile, rounded } from './figure.ts'
import { NOTHING, okRun } from './store.ts'

const COMMITS = 200
const FLUSHES = 10
const FLUSHED = 1_000
const PER_SECOND = 170
const SECONDS = 6
/** A machine that held no callers looks once a second what it is asked for. */
const WARM_UP_SECONDS = 3
const TAKE_OVERS = 3
const MINUTE_MS = 60_000
const TAKEN_WITHIN_MS = 60_000
const LOOK_MS = 50
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** What several machines cost beside one: a commit, a run that another machine makes, a machine at rest, and the time without a leader. */
export const fleet: Bench = async (ground) => {
  const server = await startPostgres()
  try {
    const stored = await storing(ground, server.url)
    ground.say('commits done')
    const handed = await handing(server.url)
    ground.say('hand-over done')
    return [...stored, ...handed, ...(await living(ground, server.url))]
  } finally {
    await server.stop()
  }
}

/** Small commits and large ones, in turn on both stores. */
async function storing({ directory }: Ground, url: string): Promise<readonly Figure[]> {
  const stores = {
    sqlite: await openStore({ path: join(directory, 'commits.db') }),
    postgres: await openPostgresStore({ url, schema: 'commits', poolSize: 5 }),
  }
  const took = { sqlite: { one: [] as number[], many: [] as number[] }, postgres: { one: [] as number[], many: [] as number[] } }
  const commit = async (store: Store, many: number, at: number) => {
    const outcomes = Array.from({ length: many }, (_, n) => ({ outcome: okRun(`p${n}`, at), incident: null }))
    const began = performance.now()
    await store.commit({ ...NOTHING, outcomes })
    return performance.now() - began
  }
  for (let i = 0; i < COMMITS; i++) {
    for (const name of ['sqlite', 'postgres'] as const) took[name].one.push(await commit(stores[name], 1, i * MINUTE_MS))
  }
  for (let i = COMMITS; i < COMMITS + FLUSHES; i++) {
    for (const name of ['sqlite', 'postgres'] as const) took[name].many.push(await commit(stores[name], FLUSHED, i * MINUTE_MS))
  }
  for (const store of Object.values(stores)) await store.close()
  const ratio = (size: 'one' | 'many') => median(took.postgres[size]) / median(took.sqlite[size])
  const note = (size: 'one' | 'many') =>
    `${rounded(median(took.postgres[size]), 1)} ms and ${rounded(median(took.sqlite[size]), 1)} ms`
  return [
    {
      name: 'fleetCommitRatio',
      what: 'a commit on PostgreSQL, compared with SQLite',
      value: rounded(ratio('one'), 2),
      unit: '',
      atMost: 3,
      note: note('one'),
    },
    {
      name: 'fleetFlushRatio',
      what: `a commit of ${FLUSHED.toLocaleString('en')} runs on PostgreSQL, compared with SQLite`,
      value: rounded(ratio('many'), 2),
      unit: '',
      note: note('many'),
    },
  ]
}

/** Runs that the leader asks of another machine, which has the outcome at once: what is left is the way there and back. */
async function handing(url: string): Promise<readonly Figure[]> {
  const open = (name: string) =>
    openFleet({
      url,
      schema: 'handing',
      poolSize: 5,
      machine: { name, host: name, version: '1.0.0', config: () => 'bench' },
      clock: systemClock,
      log: SILENT,
    })
  const [leading, other] = [await open('one'), await open('two')]
  await using _hand = other.serve(async (probe) => okRun(probe.id, Date.now()))
  const claim = await leading.lead(new AbortController().signal)
  if (claim === null) throw new Error('nobody leads')
  // With two callers each machine gets one: the one that is not ours is measured.
  claim.dealer.deal(['a', 'b'])
  const caller = await callerOfOther(leading)
  let took: number[] = []
  const run = async (n: number) => {
    const began = performance.now()
    const task = { caller, probe: { id: `p${n}` } as Probe, limitMs: MINUTE_MS }
    await claim.dealer.run(
      task,
      () => {
        throw new Error('it was dealt to the other machine')
      },
      new AbortController().signal,
    )
    took.push(performance.now() - began)
  }
  const running: Promise<void>[] = []
  for (let n = 0; n < PER_SECOND * (WARM_UP_SECONDS + SECONDS); n++) {
    if (n === PER_SECOND * WARM_UP_SECONDS) {
      await Promise.all(running)
      took = []
    }
    running.push(run(n))
    await setTimeout(1_000 / PER_SECOND)
  }
  await Promise.all(running)
  await claim.release()
  for (const machine of [other, leading]) await machine.close()
  const figure = (of: string, q: number, atMost?: number): Figure => ({
    name: 'fleetHandOverMs',
    of,
    what: `a run made by another machine: the way there and back, ${of}`,
    value: rounded(quantile(took, q), 0),
    unit: 'ms',
    ...(atMost !== undefined && { atMost }),
    note: `${PER_SECOND} runs a second`,
  })
  return [figure('p50', 0.5), figure('p99', 0.99, 250)]
}

async function callerOfOther(leading: PostgresFleet): Promise<string> {
  for (let waited = 0; waited < TAKEN_WITHIN_MS; waited += LOOK_MS) {
    const { machines } = await leading.members()
    if (machines.find(({ name }) => name === 'two')?.callers === 1) {
      // Callers are dealt in their order, beginning with the leader.
      return 'b'
    }
    await setTimeout(LOOK_MS)
  }
  throw new Error('no caller was dealt to the other machine')
}

type Told = Readonly<{ name: string; takeovers: number }>

/** Two daemons at rest; then the one that leads is killed, several times. */
async function living(ground: Ground, url: string): Promise<readonly Figure[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const leader = async (): Promise<Told | null> => {
    const { rows } = await client.query<{ doc: string }>(`SELECT doc FROM living.meta WHERE key = 'leader'`)
    return rows[0] === undefined ? null : (JSON.parse(String(rows[0].doc)) as Told)
  }
  const transactions = async () => {
    const { rows } = await client.query<{ count: string }>(
      'SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = current_database()',
    )
    return Number(rows[0]?.count)
  }
  const env = { ...ground.doors.endpoints, AWS_ACCESS_KEY_ID: 'AKIABENCH', AWS_SECRET_ACCESS_KEY: 'secret' }
  const files = new Map<string, string>()
  for (const name of ['one', 'two']) files.set(name, await fileOf(ground, name, url))
  const daemons = new Map<string, Daemon>()
  const start = async (name: string) => daemons.set(name, await startDaemonProcess(files.get(name) ?? '', env))
  try {
    for (const name of files.keys()) await start(name)
    await setTimeout(2_000)
    const before = { transactions: await transactions(), cpu: await cpuOf(daemons), at: performance.now() }
    await setTimeout(ground.size.idleMs)
    const ms = performance.now() - before.at
    const cpu = (await cpuOf(daemons)).map((one, i) => ((one - (before.cpu[i] ?? 0)) * MINUTE_MS) / ms)
    const perSecond = ((await transactions()) - before.transactions) / (ms / 1_000)
    ground.say('idle done')
    const gaps: number[] = []
    for (let i = 0; i < TAKE_OVERS; i++) {
      const led = await leader()
      if (led === null) throw new Error('nobody leads')
      const killed = performance.now()
      process.kill(daemons.get(led.name)?.pid ?? 0, 'SIGKILL')
      while (((await leader())?.takeovers ?? 0) === led.takeovers) {
        if (performance.now() - killed > TAKEN_WITHIN_MS) throw new Error('nobody took the lead')
        await setTimeout(LOOK_MS)
      }
      gaps.push((performance.now() - killed) / 1_000)
      ground.say(`take-over ${i + 1}: ${rounded(gaps.at(-1) ?? 0, 1)} s`)
      await start(led.name)
    }
    return [
      {
        name: 'fleetIdleCpu',
        what: 'CPU of two machines at rest, each',
        value: rounded(Math.max(...cpu), 0),
        unit: 'ms/min',
        atMost: 294,
        note: 'the higher one',
      },
      {
        name: 'fleetIdleTransactions',
        what: 'transactions of two machines at rest, together',
        value: rounded(perSecond, 1),
        unit: '/s',
      },
      {
        name: 'fleetTakeOverSeconds',
        what: 'time without a leader after a kill, longest',
        value: rounded(Math.max(...gaps), 1),
        unit: 's',
        atMost: 15,
        note: `of ${TAKE_OVERS}`,
      },
    ]
  } finally {
    for (const daemon of daemons.values()) await daemon[Symbol.asyncDispose]()
    await client.end()
  }
}

async function cpuOf(daemons: ReadonlyMap<string, Daemon>): Promise<readonly number[]> {
  return Promise.all([...daemons.values()].map(({ pid }) => cpuMs(pid)))
}

async function fileOf(ground: Ground, name: string, url: string): Promise<string> {
  const file = await configuration(ground, `fleet-${name}`, [['schedule: "0 0 1 1 *"', 'operations: [ListRegions]']])
  const text = await readFile(file, 'utf8')
  const shared = text.replace(
    `{ path: "${databaseOf(ground, `fleet-${name}`)}" }`,
    `{ postgres: { url: "${url}", schema: living } }`,
  )
  await writeFile(file, `${shared}machine: { name: ${name} }\n`)
  return file
}

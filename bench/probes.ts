import { DatabaseSync } from 'node:sqlite'
import { accountsOf, type Bench, configuration, databaseOf } from './bench.ts'
import { residentMb, startChild } from './child.ts'
import { type Figure, median, quantile, rounded } from './figure.ts'
import type { Lap } from './lap.ts'

/** Calls under way at the same time, of either kind: more of a round are never fired at once (`FIRED_AT_ONCE`). */
const AT_ONCE = 10
/** Laps of either kind that only warm up. */
const WARM_UP = 5
const RUNS_A_DAY = 1_440
/** Node's own default on a 64-bit machine, in place of what pm2 starts Alibi with. */
const ROOMY = ['--max-semi-space-size=16']
export const DATABASE = 'probes'

/** What a probe costs beside the bare call, and what many of them leave in memory and on disk. */
export const probes: Bench = async (ground) => {
  const { size, doors, say, standIn } = ground
  const accounts = accountsOf(size.accounts)
  // As many monitors as it takes, fired one after another: each waits for the last run of the one before it.
  const monitors = Array.from({ length: accounts.length / AT_ONCE }, (_, i) => accounts.slice(i * AT_ONCE, (i + 1) * AT_ONCE))
  const file = await configuration(
    ground,
    DATABASE,
    monitors.map((ids) => [`accounts: [${ids.map((id) => `"${id}"`).join(', ')}]`]),
  )
  const database = databaseOf(ground, DATABASE)
  const args = [JSON.stringify(accounts), String(AT_ONCE)]
  await using bare = startChild('bare', { args, env: doors.endpoints })
  await using roomy = startChild('bare', { args, env: doors.endpoints, nodeArgs: ROOMY })
  const nodeArgs = ['--expose-gc', ...(process.env['BENCH_NODE_ARGS']?.split(' ') ?? [])]
  await using alibi = startChild('watched', { args: [file], env: doors.endpoints, nodeArgs })
  const lap = {
    bare: (rounds = size.bareRounds) => bare.ask<Lap>('lap', { rounds }),
    roomy: (rounds = size.bareRounds) => roomy.ask<Lap>('lap', { rounds }),
    alibi: (rounds = size.rounds) => alibi.ask<Lap>('lap', { rounds }),
  }

  const laps: { bare: Lap; alibi: Lap; roomy: Lap }[] = []
  let bytesBefore = 0
  const warmUp = Math.min(WARM_UP, size.laps - 1)
  for (let i = 0; i < size.laps; i++) {
    // In turns: whatever the machine does besides meets the first and the second of a pair alike.
    const both =
      i % 2 === 0 ? { bare: await lap.bare(), alibi: await lap.alibi() } : { alibi: await lap.alibi(), bare: await lap.bare() }
    const roomyLap = await lap.roomy()
    if (i === 0) bytesBefore = onDisk(database).bytes
    if (i >= warmUp) laps.push({ ...both, roomy: roomyLap })
    say(
      `lap ${i + 1} of ${size.laps}${i < warmUp ? ' (warming up)' : ''}: bare ${perProbe(both.bare).toFixed(3)} ms, Alibi ${perProbe(both.alibi).toFixed(3)} ms of CPU a probe`,
    )
  }
  const made = size.laps * size.rounds * size.accounts
  const flooded = await residentMb(alibi.pid)
  await alibi.ask('collect')
  const held = await residentMb(alibi.pid)
  const runLines = alibi.lines()
  await alibi.stop()
  await bare.stop()
  await roomy.stop()

  const { runs, ok, bytes } = onDisk(database)
  if (runs !== made) throw new Error(`${made} probes were made, and ${runs} outcomes are on disk`)
  if (ok !== made) throw new Error(`${made - ok} of ${made} probes were not ok: the stand-in or this machine is in trouble`)
  if (runLines < made) throw new Error(`${made} probes were made, and only ${runLines} lines were logged`)
  const asked = await standIn.ask<number>('asked')
  const expected = made + 2 * size.laps * size.bareRounds * size.accounts
  if (asked !== expected) throw new Error(`${expected} calls should have been made, and ${asked} were`)

  const ratios = laps.map((pair) => perProbe(pair.alibi) / perProbe(pair.bare))
  const later = made - size.rounds * size.accounts
  const figures: Figure[] = [
    {
      name: 'cpuMsPerProbe',
      of: 'bare',
      what: 'CPU per call, bare SDK loop',
      value: rounded(median(laps.map((pair) => perProbe(pair.bare))), 4),
      unit: 'ms',
    },
    {
      name: 'cpuMsPerProbe',
      of: 'alibi',
      what: 'CPU per probe, Alibi',
      value: rounded(median(laps.map((pair) => perProbe(pair.alibi))), 4),
      unit: 'ms',
    },
    {
      name: 'cpuMsPerProbe',
      of: 'bareRoomy',
      what: 'CPU per call, bare SDK loop with more memory',
      value: rounded(median(laps.map((trio) => perProbe(trio.roomy))), 4),
      unit: 'ms',
      note: "with Node's own young generation, four times as large as Alibi's",
    },
    {
      name: 'cpuRatio',
      what: 'Alibi against the bare loop',
      value: rounded(median(ratios), 3),
      unit: '×',
      atMost: 0.8,
      note: `same flags, median of ${ratios.length} pairs, middle half ${quantile(ratios, 0.25).toFixed(3)} to ${quantile(ratios, 0.75).toFixed(3)}`,
    },
    {
      name: 'probesPerSecond',
      what: 'probes a second, one process',
      value: Math.round(median(laps.map(({ alibi: { probes: n, wallMs } }) => (n / wallMs) * 1_000))),
      unit: '',
      note: `${AT_ONCE} at once`,
    },
    { name: 'outcomesOnDisk', what: 'outcomes on disk', value: runs, unit: '', note: `of ${made.toLocaleString('en')} probes` },
    {
      name: 'bytesPerProbeDay',
      what: 'database per probe and day',
      value: Math.round(((bytes - bytesBefore) / later) * RUNS_A_DAY),
      unit: 'B',
      note: 'a run each minute',
    },
    {
      name: 'rssMb',
      of: 'afterProbes',
      what: 'resident memory after the probes',
      value: rounded(held, 1),
      unit: 'MB',
      atMost: 130,
      note: `after ${made.toLocaleString('en')} probes of ${size.accounts.toLocaleString('en')} accounts and a collection: what is held`,
    },
    {
      name: 'rssMb',
      of: 'flooded',
      what: 'resident memory under the flood',
      value: rounded(flooded, 1),
      unit: 'MB',
      note: 'before that collection: mostly garbage of the last seconds',
    },
  ]
  return figures
}

function perProbe({ cpuMs, probes: n }: Lap): number {
  return cpuMs / n
}

/** As another process sees it: what is committed. */
export function onDisk(path: string): { runs: number; ok: number; bytes: number } {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const counted = db.prepare('SELECT count(*) AS runs, coalesce(sum(result = 0), 0) AS ok FROM runs').get()
    const pages = Number(Object.values(db.prepare('PRAGMA page_count').get() ?? {})[0])
    const pageSize = Number(Object.values(db.prepare('PRAGMA page_size').get() ?? {})[0])
    return { runs: Number(counted?.['runs']), ok: Number(counted?.['ok']), bytes: pages * pageSize }
  } finally {
    db.close()
  }
}

/*
 * `npm run soak [-- DAYS]`: days of minutes for fifty probes in virtual time, over a real database, with an incident each day.
 * Prints memory and what is kept, and ends with 1 if either grows when it should not.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openStore } from '../src/adapters/sqlite/store.ts'
import { formatFaults } from '../src/config/fault.ts'
import { parseScenario } from '../src/simulate/parse.ts'
import { play } from '../src/simulate/play.ts'

const ACCOUNTS = 25
const OPERATIONS = ['GetContactInformation', 'ListRegions'] as const
const PROBES = ACCOUNTS * OPERATIONS.length
const RUNS_A_DAY = PROBES * 24 * 60
/** The default of `storage.keep.runs`. */
const KEPT_DAYS = 7
const MB = 1024 * 1024
/** What the heap may gain between the middle and the end. */
const HEAP_MAY_GAIN_MB = 24
const TROUBLE_MINUTES = 25

type Sample = Readonly<{
  day: number
  heapMb: number
  rssMb: number
  runs: number
  ofIncidents: number
  hours: number
  ledger: number
  mails: number
  fileMb: number
}>

/** An incident a day, at another hour each; AWS explains every third. */
function story(days: number): string {
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => `"${String(100_000_000_000 + i)}"`)
  const events = Array.from({ length: days }, (_, day) => {
    const at = day * 1_440 + ((day * 7) % 20) * 60 + 90
    const known = day % 3 === 0
    const event = `event: { id: e${day}, service: IAM, region: us-east-1, text: Increased error rates. }`
    return [
      known ? `  - { at: ${at - 5}m, health: publish, ${event} }` : '',
      `  - { at: ${at}m, account: InternalServerException }`,
      `  - { at: ${at + TROUBLE_MINUTES}m, account: ok }`,
      known ? `  - { at: ${at + TROUBLE_MINUTES + 5}m, health: close, id: e${day} }` : '',
    ]
  })
  return `
title: a soak
start: 2026-01-01T00:00:00Z
length: ${days}d
config:
  monitors: [{ name: all, spread: 0s, accounts: [${accounts.join(', ')}], operations: [${OPERATIONS.join(', ')}] }]
events:
${events
  .flat()
  .filter((line) => line !== '')
  .join('\n')}
expect: []
`
}

const days = Number(process.argv[2] ?? 30)
const parsed = parseScenario(story(days), 'soak')
if (!parsed.ok) throw new Error(formatFaults(parsed.faults, 'soak'))
// In memory where that can be: what a sync costs is `npm run bench`'s business, and there are four a minute for a month.
const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'alibi-soak-'))
const path = join(directory, 'alibi.db')
const samples: Sample[] = []
let slowestMs = 0

try {
  await using held = new AsyncDisposableStack()
  const store = await openStore({
    path,
    observe: (_method, ms) => {
      slowestMs = Math.max(slowestMs, ms)
    },
  })
  held.defer(() => store.close())
  const beside = new DatabaseSync(path, { readOnly: true })
  held.defer(() => beside.close())
  const count = (sql: string) => Number(beside.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.['n'] ?? 0)

  const sample = (day: number) => {
    globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    const one: Sample = {
      day,
      heapMb: heapUsed / MB,
      rssMb: rss / MB,
      runs: count('runs'),
      ofIncidents: count('incident_runs'),
      hours: count('hours'),
      ledger: count('ledger'),
      mails: count('notifications'),
      fileMb: statSync(path).size / MB,
    }
    samples.push(one)
    const columns = [
      one.day,
      one.heapMb.toFixed(1),
      one.rssMb.toFixed(0),
      one.runs,
      one.ofIncidents,
      one.hours,
      one.ledger,
      one.mails,
      one.fileMb.toFixed(1),
    ]
    console.log(columns.map((column) => String(column).padStart(12)).join(''))
  }

  console.log(`${days} days of minutes for ${PROBES} probes, an incident of ${TROUBLE_MINUTES} minutes each day`)
  console.log(
    ['day', 'heap MB', 'RSS MB', 'runs', 'of incidents', 'hours', 'ledger', 'mails', 'file MB']
      .map((title) => title.padStart(13))
      .join('')
      .slice(1),
  )
  const began = performance.now()
  sample(0)
  const every = Math.max(1, Math.round(days / 6))
  await play(parsed.scenario, {
    rig: (deps) => ({ ...deps, store }),
    onProgress: (share) => {
      const day = share * days
      if (day >= (samples.at(-1)?.day ?? 0) + every || share === 1) sample(Math.round(day * 100) / 100)
    },
  })
  console.log(
    `played in ${((performance.now() - began) / 1000).toFixed(0)} s; the longest that the store kept the event loop: ${slowestMs.toFixed(1)} ms`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}

const faults: string[] = []
const last = samples.at(-1)
const middle = samples.find(({ day }) => day >= days / 2)
if (last === undefined || middle === undefined) throw new Error('nothing was measured')
if (days > KEPT_DAYS + 1 && last.runs > RUNS_A_DAY * (KEPT_DAYS + 0.1))
  faults.push(`${last.runs} plain runs are kept, more than ${KEPT_DAYS} days of them`)
if (last.hours > PROBES * 24 * (days + 1)) faults.push(`${last.hours} hourly sums for ${PROBES} probes and ${days} days`)
if (last.heapMb > middle.heapMb + HEAP_MAY_GAIN_MB)
  faults.push(`the heap grew from ${middle.heapMb.toFixed(1)} to ${last.heapMb.toFixed(1)} MB in the second half`)
// What is kept for ever may grow: sums, and incidents with their runs. Beyond that the file is as large as its seven days.
const forEverMb =
  ((last.hours - middle.hours) * 100 +
    (last.ofIncidents - middle.ofIncidents) * 1_500 +
    (last.ledger - middle.ledger) * 10_000 +
    (last.mails - middle.mails) * 60_000) /
  MB
if (days > 2 * KEPT_DAYS && last.fileMb > middle.fileMb * 1.1 + forEverMb)
  faults.push(`the file grew from ${middle.fileMb.toFixed(1)} to ${last.fileMb.toFixed(1)} MB in the second half`)
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1

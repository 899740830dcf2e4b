import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Child } from './child.ts'
import type { Figure } from './figure.ts'
import type { Doors } from './stand-in.ts'

/** How much of everything. */
export type Size = Readonly<{
  /** Accounts of the one monitor, each with one probe. */
  accounts: number
  laps: number
  /** How often each account is probed in a lap, and by the bare loop. */
  rounds: number
  bareRounds: number
  outages: number
  starts: number
  /** Pairs of starts of two builds, in turn. */
  pairs: number
  events: number
  judgements: number
  /** Probes a minute whose cost is watched for a round each, and how long nothing is done afterwards. */
  loads: readonly number[]
  idleMs: number
  /** Probes of a round, how often there is one, and how many are measured. */
  paced: Readonly<{ probes: number; everyMs: number; rounds: number }>
  /** Closed incidents behind the page. */
  closed: number
  /** The length of a long story, and of one that is played with and without leaps. */
  simulate: Readonly<{ yearDays: number; wholeDays: number }>
  /** Accounts that fail at once: each number is an outage of its own. */
  wide: readonly number[]
  /** Accounts that fail once a minute, and for how many minutes. */
  minutely: Readonly<{ accounts: number; minutes: number }>
  /** Accounts that fail at once, for the calls to AWS Health. */
  outage: readonly number[]
}>

/** 100,000 probes; laps of both kinds in turn, so that what else the machine does meets both. */
export const FULL: Size = {
  accounts: 1_000,
  laps: 50,
  rounds: 2,
  bareRounds: 2,
  outages: 7,
  starts: 5,
  pairs: 3,
  events: 10_000,
  judgements: 50,
  loads: [10, 100, 1_000, 10_000],
  idleMs: 15_000,
  paced: { probes: 1_000, everyMs: 60_000, rounds: 5 },
  closed: 200,
  simulate: { yearDays: 365, wholeDays: 60 },
  wide: [1_000, 2_000, 4_000, 10_000],
  minutely: { accounts: 1_000, minutes: 5 },
  outage: [1, 100, 1_000],
}
/** To see that everything runs: its figures say nothing. */
export const QUICK: Size = {
  accounts: 100,
  laps: 3,
  rounds: 2,
  bareRounds: 2,
  outages: 1,
  starts: 1,
  pairs: 1,
  events: 1_000,
  judgements: 3,
  loads: [10, 100],
  idleMs: 2_000,
  paced: { probes: 100, everyMs: 20_000, rounds: 1 },
  closed: 5,
  simulate: { yearDays: 10, wholeDays: 5 },
  wide: [50, 100],
  minutely: { accounts: 100, minutes: 1 },
  outage: [1, 100],
}

/** What every bench is given. */
export type Ground = Readonly<{
  size: Size
  directory: string
  standIn: Child
  doors: Doors
  /** Another checkout, built, whose figures are wanted beside ours. */
  beside?: string
  say: (text: string) => void
}>

export type Bench = (ground: Ground) => Promise<readonly Figure[]>

/** Twelve digits each, in quotes: a thousand member accounts. */
export function accountsOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => String(100_000_000_000 + i))
}

/** Writes a configuration that reaches nothing but the stand-in. Each monitor, and `policy`, are lines of YAML. */
export async function configuration(
  ground: Ground,
  name: string,
  monitors: readonly (readonly string[])[],
  policy = '{}',
): Promise<string> {
  const { directory, doors } = ground
  const webPort = await freePort()
  const file = join(directory, `${name}.yaml`)
  const lines = [
    'monitors:',
    ...monitors.flatMap((monitor, i) => [`  - name: bench-${i}`, ...monitor.map((line) => `    ${line}`)]),
    `policy: ${policy}`,
    `health: { dashboard: { url: "${doors.url}/public/currentevents" } }`,
    `control: { url: "${doors.url}/" }`,
    'recipients: { oncall: { to: [oncall@example.com] } }',
    `mail: { from: "Alibi <alibi@example.com>", maxPerHour: 1000, smtp: { host: 127.0.0.1, port: ${doors.smtpPort}, security: none } }`,
    `storage: { path: "${databaseOf(ground, name)}" }`,
    'log: { level: info, format: json }',
    `web: { listen: "127.0.0.1:${webPort}" }`,
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  webPorts.set(file, webPort)
  return file
}

const webPorts = new Map<string, number>()
/** Where the page of this configuration is. */
export function pageOf(file: string): string {
  return `http://127.0.0.1:${webPorts.get(file) ?? 0}`
}

export function databaseOf({ directory }: Ground, name: string): string {
  return join(directory, `${name}.db`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

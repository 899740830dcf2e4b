import type { Config } from '../config/config.ts'
import { instantOf } from '../config/instant.ts'
import { utc } from '../domain/duration.ts'
import { judge } from '../domain/judge.ts'
import type { HealthReading, SourceState } from '../domain/outage.ts'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import { credentialsKey } from '../domain/probe.ts'
import { dated } from '../domain/shown.ts'
import type { Verdict } from '../domain/verdict.ts'
import { wire } from '../wire.ts'
import { reader } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import { configured, type Io, type Listing } from './io.ts'
import { quietDesk } from './quiet.ts'
import { page, table } from './table.ts'
import { VERSION } from './version.ts'

/**
 * What AWS Health says now, and what of it would explain an Account failure that began this moment. `--at` asks the record
 * instead: what was known then, and what it would have explained.
 */
export async function health(options: Listing & Readonly<{ at?: string }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  if (options.at !== undefined) return asItWas(options.at, options, config, io)
  await using wired = wire(config, io.env, VERSION)
  const { signal } = new AbortController()
  await wired.identities.refresh(signal)
  const desk = quietDesk(wired, config)
  const answers: { reading: HealthReading; verdict: Verdict }[] = []
  for (const [partition] of wired.sources) {
    const reading = await desk.read(partition, 0, signal)
    const now = wired.clock.now()
    const first = config.monitors.find((monitor) => monitor.partition === partition)
    const probe = first?.probes[0]
    const owners = first === undefined || probe === undefined ? [] : wired.owners(probe, first)
    const verdict = verdictOf(config, reading, owners, now)
    answers.push({ reading, verdict })
  }
  if (options.json === true) io.out(JSON.stringify(answers.map(shown), null, 2))
  else io.out(answers.map((answer) => told(answer, io.columns)).join('\n\n'))
  const asked = answers.some(({ reading }) => Object.values(reading.sources).some((source) => source.state === 'answered'))
  return asked ? EXIT.well : EXIT.unreachable
}

/** Of the record: nothing is asked, nothing is judged but what was known then. */
async function asItWas(time: string, options: Listing, config: Config, io: Io): Promise<number> {
  const at = instantOf(time)
  if (at === null) throw new Exit(EXIT.usage, `--at ${time}: expected a time with its zone, such as 2025-10-20T07:15:00Z`)
  const partitions = [...new Set(config.monitors.map((monitor) => monitor.partition))]
  const answers: { reading: HealthReading; verdict: Verdict }[] = []
  const store = await reader(config)
  try {
    for (const partition of partitions) {
      const kept = await store.readingAt(partition, at)
      if (kept === null) continue
      // What was said went on being said until `until`: that is how old the knowledge was then.
      const reading = { ...kept.reading, at: Math.min(at, kept.until) }
      const first = config.monitors.find((monitor) => monitor.partition === partition)
      const owners = first === undefined ? [] : [`self@${credentialsKey(first.credentials)}`]
      answers.push({ reading, verdict: verdictOf(config, reading, owners, at) })
    }
  } finally {
    await store.close()
  }
  if (options.json === true) io.out(JSON.stringify(answers.map(shown), null, 2))
  else if (answers.length === 0) io.out(`Nothing was read of AWS Health at or before ${utc(at)}.`)
  else io.out(answers.map((answer) => told(answer, io.columns, at)).join('\n\n'))
  return EXIT.well
}

function verdictOf(config: Config, reading: HealthReading, owners: readonly string[], at: number): Verdict {
  const failure = {
    kind: 'internal',
    service: 'ACCOUNT',
    region: ACCOUNT_REGION[reading.partition],
    onset: at,
    at,
    owners,
  } as const
  return judge(
    failure,
    reading,
    { policy: config.policy, relevance: config.health.relevance },
    () => ({ others: 0, well: 0 }),
    at,
  )
}

function shown({ reading, verdict }: { reading: HealthReading; verdict: Verdict }) {
  const { partition, at, sources } = reading
  return dated({ partition, at, sources, events: reading.events.map(({ text: _, ...event }) => event), verdict })
}

function told({ reading, verdict }: { reading: HealthReading; verdict: Verdict }, columns: number | null, then?: number): string {
  const lines = [
    `AWS Health, partition ${reading.partition}, ${utc(reading.at)}`,
    `  Health API: ${source(reading.sources.api)}`,
    `  dashboard:  ${source(reading.sources.dashboard)}`,
  ]
  if (reading.events.length > 0) {
    const rows = reading.events.map((event) => [
      event.code,
      event.status,
      event.region ?? '-',
      utc(event.startedAt),
      event.sources.join('+'),
    ])
    lines.push('', 'Events', table(['event', 'status', 'region', 'first post', 'seen in'], rows, columns))
  }
  const when = then === undefined ? 'now would be' : `that began ${utc(then)} would have been`
  lines.push('', `A failure of Account ${when} ${verdict.kind}: ${verdict.why}`)
  const misses = verdict.rejected.map((miss) => [miss.code, miss.region ?? '-', miss.test, miss.why])
  if (misses.length > 0) lines.push('', 'Near misses', table(['event', 'region', 'test', 'why not'], misses, columns))
  return page(lines, columns)
}

function source(state: SourceState): string {
  const count =
    state.state === 'answered'
      ? `answered, ${state.events === 1 ? '1 event' : `${state.events} events`}${state.skipped > 0 ? `, ${state.skipped} unreadable` : ''}`
      : state.state
  return state.detail === '' ? count : `${count} (${state.detail})`
}

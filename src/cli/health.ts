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
import { configured, type Io, type ListOptions } from './io.ts'
import { page, table } from './table.ts'
import { unloggedHealthReader } from './unlogged-health-reader.ts'
import { VERSION } from './version.ts'

/** What AWS Health said about one partition, and the verdict on a failure of Account that began at that moment. */
type Answer = Readonly<{ reading: HealthReading; verdict: Verdict }>

/** Shows what AWS Health says now, or with `--at` what was known at some moment, from the record. */
export async function health(options: ListOptions & Readonly<{ at?: string }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  if (options.at === undefined) return current(config, options, io)
  const at = instantOf(options.at)
  if (at === null) throw new Exit(EXIT.usage, `--at ${options.at}: expected a time with its zone, such as 2025-10-20T07:15:00Z`)
  return recorded(config, at, options, io)
}

async function current(config: Config, options: ListOptions, io: Io): Promise<number> {
  await using wired = wire(config, io.env, VERSION)
  const { signal } = new AbortController()
  await wired.identities.refresh(signal)
  const reader = unloggedHealthReader(wired, config)
  const answers: Answer[] = []
  for (const [partition] of wired.sources) {
    const reading = await reader.read(partition, 0, signal)
    const first = config.monitors.find((monitor) => monitor.partition === partition)
    const probe = first?.probes[0]
    const owners = first === undefined || probe === undefined ? [] : wired.owners(probe, first)
    answers.push({ reading, verdict: verdictOf(config, reading, owners, wired.clock.now()) })
  }
  if (options.json === true) io.out(JSON.stringify(answers.map(answerJson), null, 2))
  else io.out(answers.map((answer) => answerText(answer, io.columns)).join('\n\n'))
  const hasAnswered = answers.some(({ reading }) => Object.values(reading.sources).some(({ state }) => state === 'answered'))
  return hasAnswered ? EXIT.ok : EXIT.unavailable
}

/** Asks nobody: the database has what AWS Health said then. */
async function recorded(config: Config, at: number, options: ListOptions, io: Io): Promise<number> {
  const partitions = [...new Set(config.monitors.map((monitor) => monitor.partition))]
  const answers: Answer[] = []
  const store = await reader(config)
  try {
    for (const partition of partitions) {
      const kept = await store.readingAt(partition, at)
      if (kept === null) continue
      // AWS Health went on saying the same until `until`, so that is how old this knowledge was at that moment.
      const reading = { ...kept.reading, at: Math.min(at, kept.until) }
      const first = config.monitors.find((monitor) => monitor.partition === partition)
      const owners = first === undefined ? [] : [`self@${credentialsKey(first.credentials)}`]
      answers.push({ reading, verdict: verdictOf(config, reading, owners, at) })
    }
  } finally {
    await store.close()
  }
  if (options.json === true) io.out(JSON.stringify(answers.map(answerJson), null, 2))
  else if (answers.length === 0) io.out(`AWS Health had not been read by ${utc(at)}.`)
  else io.out(answers.map((answer) => answerText(answer, io.columns, at)).join('\n\n'))
  return EXIT.ok
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
  return judge(failure, reading, {
    policy: config.policy,
    relevance: config.health.relevance,
    peers: () => ({ others: 0, ok: 0 }),
    now: at,
  })
}

function answerJson({ reading, verdict }: Answer) {
  const { partition, at, sources } = reading
  return dated({ partition, at, sources, events: reading.events.map(({ text: _, ...event }) => event), verdict })
}

/** @param then the moment that was asked for; left out: now */
function answerText({ reading, verdict }: Answer, columns: number | null, then?: number): string {
  const lines = [
    `AWS Health, partition ${reading.partition}, ${utc(reading.at)}`,
    `  Health API: ${sourceText(reading.sources.api)}`,
    `  dashboard:  ${sourceText(reading.sources.dashboard)}`,
    ...(reading.sources.queue === undefined ? [] : [`  queue:      ${sourceText(reading.sources.queue)}`]),
  ]
  if (reading.events.length > 0) {
    const rows = reading.events.map((event) => [
      event.code,
      event.status,
      event.region ?? '-',
      utc(event.startedAt),
      event.sources.join('+'),
    ])
    lines.push('', 'Events', table(['event', 'status', 'region', 'first post', 'source'], rows, columns))
  }
  const would = then === undefined ? 'now would be' : `that began ${utc(then)} would have been`
  lines.push('', `A failure of Account ${would} ${verdict.kind}: ${verdict.why}`)
  const rejections = verdict.rejected.map((event) => [event.code, event.region ?? '-', event.test, event.why])
  if (rejections.length > 0) lines.push('', 'Rejected events', table(['event', 'region', 'test', 'reason'], rejections, columns))
  return page(lines, columns)
}

function sourceText({ state, detail, ...counts }: SourceState): string {
  const text =
    state === 'answered'
      ? `answered, ${counts.events === 1 ? '1 event' : `${counts.events} events`}${counts.skipped > 0 ? `, ${counts.skipped} unreadable` : ''}`
      : state
  return detail === '' ? text : `${text} (${detail})`
}

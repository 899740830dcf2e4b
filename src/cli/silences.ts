import { randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { DURATION, parseDuration } from '../config/duration.ts'
import { instantOf } from '../config/instant.ts'
import { type NamedScope, readScope, type UnknownName } from '../config/silence-scope.ts'
import { counted } from '../domain/counted.ts'
import { inWords, iso, utc } from '../domain/duration.ts'
import type { Instant, Probe } from '../domain/probe.ts'
import { type Scope, scopeShown } from '../domain/scope.ts'
import { endOfSilence, isInForce, MAX_SILENCE_MS, type Silence, whyNotFrom } from '../domain/silence.ts'
import { asExit, reader, writing } from './database.ts'
import { lastListed, withDiscovered } from './discovered-accounts.ts'
import { EXIT, Exit } from './exit.ts'
import { silenceMeant, unknownSilence } from './given-id.ts'
import { type ConfigOptions, configured, type Io, type ListOptions, list, say } from './io.ts'
import { operatorOf } from './operator.ts'
import { reasonOf } from './reason.ts'
import { table } from './table.ts'

export type SilenceOptions = ConfigOptions & NamedScope & Readonly<{ for: string; from?: string; reason: string; by?: string }>

/** Probes, or names in an error, that are listed; the rest are counted. */
const MAX_LISTED = 5

/** Withholds alerts for a while, from now on or as planned, about some probes or all (`silence`). */
export async function silenceAdd(options: SilenceOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const ms = DURATION.test(options.for) ? parseDuration(options.for) : null
  if (ms === null || ms <= 0 || ms > MAX_SILENCE_MS)
    throw new Exit(EXIT.usage, `--for ${options.for}: expected a duration such as 2h, at most ${inWords(MAX_SILENCE_MS)}`)
  const planned = options.from === undefined ? null : plannedFor(options.from)
  const reason = reasonOf(options.reason)
  const by = operatorOf(options.by, io)
  const { scope, probes } = await covered(options, config)
  const silence = await writing(config, async (store, clock) => {
    const at = clock.now()
    const from = planned ?? at
    const why = whyNotFrom(from, at)
    if (why !== null) throw new Exit(EXIT.usage, `--from ${options.from}: ${why}`)
    const id = randomBytes(4).toString('hex')
    const added: Silence = { id, at, moment: clock.moment(), from, until: from + ms, scope, reason, by, endedAt: null }
    await store.addSilence(added)
    return added
  })
  const from = planned === null ? '' : ` from ${utc(silence.from)}`
  say(io, `silence ${silence.id}: ${scopeShown(scope)}${from} until ${utc(silence.until)} (${silence.reason}; by ${by})`)
  say(io, `It covers ${counted(probes.length, 'probe')}: ${listed(probes.map(({ id }) => id))}.`)
  say(io, 'Probes continue to run. Those who were already notified still learn of recoveries and explanations.')
  return EXIT.ok
}

function plannedFor(given: string): Instant {
  const from = instantOf(given)
  if (from === null) throw new Exit(EXIT.usage, `--from ${given}: expected a time with its zone, such as 2026-03-02T22:00:00Z`)
  return from
}

/** What the options name, and which probes that are. @throws {Exit} 64 where it is none */
async function covered(
  { monitor, account, operation, region }: NamedScope,
  config: Config,
): Promise<Readonly<{ scope: Scope; probes: readonly Probe[] }>> {
  const discovered = await lastListed(config)
  const read = readScope({ monitor, account, operation, region }, withDiscovered(config, discovered).monitors, false)
  if (read.result === 'covers') return read
  const unlisted = discovered.filter(({ listedAt }) => listedAt === null).map((one) => one.monitor)
  const note = unlisted.length === 0 ? '' : `; the accounts of ${unlisted.join(', ')} are not listed yet`
  if (read.result === 'unknown') throw new Exit(EXIT.usage, `${unknownName(read.unknown)}${note}`)
  throw new Exit(EXIT.usage, `no probe matches all of these options, so that the silence would cover nothing${note}`)
}

const HAS_NAME = {
  monitor: 'there is no monitor',
  account: 'no probe asks for the account',
  operation: 'no probe calls the operation',
  region: 'no probe calls another service in the region',
} as const

function unknownName({ key, name, meant, known }: UnknownName): string {
  const has = known.length === 0 ? '' : `: the configuration has ${listed(known)}`
  return `--${key}: ${HAS_NAME[key]} ${name}${meant === null ? has : `; did you mean ${meant}?`}`
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_LISTED
  return more > 1 ? `${names.slice(0, MAX_LISTED).join(', ')} and ${more} more` : names.join(', ')
}

/** Lists the silences that are in force or planned. */
export async function silenceList(options: ListOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const now = Date.now()
  const left = (await silencesOf(config, now)).filter((silence) => endOfSilence(silence) > now)
  const rows = left.map((silence) => {
    const { id, at, from, until, scope, reason, by } = silence
    // For who reads a silence of one monitor, or of all.
    const monitor = scope.monitors.length === 1 ? (scope.monitors[0] ?? null) : null
    const status = isInForce(silence, now) ? 'in force' : 'planned'
    return { id, monitor, status, at: iso(at), from: iso(from), until: iso(until), scope, reason, by }
  })
  const text = () =>
    table(
      ['id', 'silenced', 'status', 'from', 'until', 'reason', 'by'],
      left.map((silence) => [
        silence.id,
        scopeShown(silence.scope),
        isInForce(silence, now)
          ? `in force, ends in ${inWords(silence.until - now)}`
          : `planned, begins in ${inWords(silence.from - now)}`,
        utc(silence.from),
        utc(silence.until),
        silence.reason,
        silence.by,
      ]),
      io.columns,
    )
  list(io, options, rows, { text, none: 'There are no silences in force or planned.' })
  return EXIT.ok
}

async function silencesOf(config: Config, now: number): Promise<readonly Silence[]> {
  const store = await reader(config)
  try {
    return await store.silences(now).catch(asExit)
  } finally {
    await store.close()
  }
}

/** Ends a silence early, or takes back one that is planned. */
export async function silenceRemove(given: string, options: ConfigOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const unknown = unknownSilence(given)
  const { id, begun } = await writing(
    config,
    async (store, clock) => {
      const now = clock.now()
      const silences = await store.silences(now)
      const id = silenceMeant(
        given,
        silences.map((one) => one.id),
      )
      const silence = silences.find((one) => one.id === id)
      if (silence === undefined || !(await store.endSilence(id, now))) throw new Exit(EXIT.usage, unknown)
      return { id, begun: silence.from <= now }
    },
    unknown,
  )
  if (begun) say(io, `Silence ${id} has ended. What is still failing is reported after its next run.`)
  else say(io, `Silence ${id} is taken back: it does not begin.`)
  return EXIT.ok
}

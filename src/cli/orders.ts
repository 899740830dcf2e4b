import { randomBytes } from 'node:crypto'
import { systemClock } from '../adapters/clock.ts'
import { openStore } from '../adapters/sqlite/store.ts'
import type { Config } from '../config/config.ts'
import { DURATION, parseDuration } from '../config/duration.ts'
import { inWords, iso, utc } from '../domain/duration.ts'
import { addressee, isOpen } from '../domain/mailing.ts'
import type { Owed } from '../domain/notification.ts'
import { endOfSilence, MAX_SILENCE_MS, type Silence } from '../domain/silence.ts'
import { foreign } from '../email/foreign.ts'
import type { Store } from '../ports/store.ts'
import { asExit, isBegun, noDatabase, notKnown, reader } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import { type Common, configured, type Io, type Listing, list, say } from './io.ts'
import { table } from './table.ts'

const MAX_REASON = 300

/**
 * Opens the daemon's database beside it, to write into. The daemon notices within seconds.
 * @param unknown says that what is named is not there: before there is a database nothing is
 * @throws {Exit}
 */
async function beside<T>(config: Config, work: (store: Store) => Promise<T>, unknown?: string): Promise<T> {
  if (!isBegun(config)) throw unknown === undefined ? new Exit(EXIT.unreachable, noDatabase(config)) : notKnown(unknown, config)
  const store = await openStore({ path: config.storage.path, beside: true }).catch(asExit)
  try {
    return await work(store).catch(asExit)
  } finally {
    await store.close()
  }
}

export type SilenceOptions = Common & Readonly<{ for: string; reason: string; monitor?: string }>

/** Withholds mails about a monitor, or about all, for a while and for a reason (`silence`). */
export async function silenceAdd(options: SilenceOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const ms = DURATION.test(options.for) ? parseDuration(options.for) : null
  if (ms === null || ms <= 0 || ms > MAX_SILENCE_MS)
    throw new Exit(EXIT.usage, `--for ${options.for}: expected a duration such as 2h, at most ${inWords(MAX_SILENCE_MS)}`)
  const monitor = knownMonitor(config, options.monitor)
  const at = systemClock.now()
  const silence: Silence = {
    id: randomBytes(4).toString('hex'),
    at,
    moment: systemClock.moment(),
    until: at + ms,
    reason: reasonOf(options.reason),
    monitor,
    endedAt: null,
  }
  await beside(config, (store) => store.addSilence(silence))
  say(io, `silence ${silence.id}: ${monitor ?? 'every monitor'} until ${utc(silence.until)} (${silence.reason})`)
  say(io, 'Probing and judging go on; recoveries and explanations are still told to those who know of the trouble.')
  return EXIT.well
}

function knownMonitor(config: Config, name: string | undefined): string | null {
  if (name === undefined) return null
  if (config.monitors.some((monitor) => monitor.name === name)) return name
  throw new Exit(
    EXIT.usage,
    `there is no monitor ${name}: the configuration has ${config.monitors.map((m) => m.name).join(', ')}`,
  )
}

function reasonOf(text: string): string {
  const reason = foreign(text, text.length)
  if (reason === '' || reason.length > MAX_REASON)
    throw new Exit(EXIT.usage, `--reason: expected a sentence of at most ${MAX_REASON} characters`)
  return reason
}

/** The silences that last. */
export async function silenceList(options: Listing, io: Io): Promise<number> {
  const config = await configured(options, io)
  const now = Date.now()
  const all = await silencesOf(config, now)
  const lasting = all.filter((silence) => endOfSilence(silence) > now)
  const rows = lasting.map(({ id, monitor, at, until, reason }) => ({
    id,
    monitor,
    at: iso(at),
    until: iso(until),
    reason,
  }))
  const shown = () =>
    table(
      ['id', 'monitor', 'until', 'ends in', 'reason'],
      lasting.map((s) => [s.id, s.monitor ?? 'every monitor', utc(s.until), inWords(s.until - now), s.reason]),
      io.columns,
    )
  list(io, options.json, rows, shown, 'Nothing is silenced.')
  return EXIT.well
}

async function silencesOf(config: Config, now: number): Promise<readonly Silence[]> {
  const store = await reader(config)
  try {
    return await store.silences(now).catch(asExit)
  } finally {
    await store.close()
  }
}

/** Takes a silence back before its end. */
export async function silenceRemove(id: string, options: Common, io: Io): Promise<number> {
  const config = await configured(options, io)
  const unknown = `there is no silence ${id} that still lasts: \`alibi silence list\` shows them`
  const ended = await beside(config, (store) => store.endSilence(id, Date.now()), unknown)
  if (!ended) throw new Exit(EXIT.usage, unknown)
  say(io, `silence ${id} is over: what is due then is told after a fresh run`)
  return EXIT.well
}

/** Says that somebody knows of an incident: no reminders and no escalation until it closes. */
export async function ack(id: string, options: Common & Readonly<{ reason?: string }>, io: Io): Promise<number> {
  const config = await configured(options, io)
  const reason = options.reason === undefined ? null : reasonOf(options.reason)
  const unknown = `there is no incident ${id}: \`alibi incidents\` shows them`
  const acknowledge = async (store: Store) => {
    const found = await store.incident(id)
    if (found === null) throw new Exit(EXIT.usage, unknown)
    if (found.state === 'closed') throw new Exit(EXIT.usage, `incident ${id} is closed`)
    await store.addAck({ incident: id, at: systemClock.now(), moment: systemClock.moment(), reason })
    return found
  }
  const incident = await beside(config, acknowledge, unknown)
  say(io, `incident ${incident.id}: no more reminders and no escalation until it closes; its growth and its end are still told`)
  return EXIT.well
}

export type OutboxOptions = Common & Readonly<{ all?: boolean }>

/** Tries mails again at once that were refused or wait. */
export async function outboxRetry(ids: readonly string[], options: OutboxOptions, io: Io): Promise<number> {
  return outboxSet(ids, options, io, 'retried', () => ({ state: 'retrying', nextAt: Date.now() }))
}

/** Gives mails up: they stay in the ledger as dropped by hand. */
export async function outboxDrop(ids: readonly string[], options: OutboxOptions, io: Io): Promise<number> {
  return outboxSet(ids, options, io, 'dropped', () => ({ state: 'dropped', error: 'dropped by hand' }))
}

async function outboxSet(
  ids: readonly string[],
  options: OutboxOptions,
  io: Io,
  done: string,
  change: () => Partial<Pick<Owed, 'state' | 'nextAt' | 'error'>>,
): Promise<number> {
  const config = await configured(options, io)
  if (ids.length === 0 && options.all !== true)
    throw new Exit(EXIT.usage, 'name the mails by their ids (`alibi outbox list` shows them), or say --all')
  const notOwed = (unknown: readonly string[]) => `not owed: ${unknown.join(', ')}: \`alibi outbox list\` shows what is`
  const set = async (store: Store) => {
    const all = (await store.outbox()).filter(isOpen)
    const unknown = ids.filter((id) => !all.some((one) => one.notification.id === id))
    if (unknown.length > 0) throw new Exit(EXIT.usage, notOwed(unknown))
    // What is on its way at this moment is the courier's: it says itself what became of it.
    const chosen = (options.all === true ? all : all.filter((one) => ids.includes(one.notification.id))).filter(
      (one) => one.state !== 'sending',
    )
    const rows = chosen.map((one) => ({
      at: Date.now(),
      incident: one.notification.incident,
      probe: null,
      decision: 'ordered' as const,
      rule: null,
      reason: `${one.notification.kind} to ${addressee(one)} ${done} by hand`,
      evidence: { id: one.notification.id, addresses: [one.address] },
    }))
    await store.settle(
      chosen.map(({ notification: { id }, address }) => ({ id, address, ...change() })),
      rows,
    )
    return chosen
  }
  const owed = await beside(config, set, ids.length === 0 ? undefined : notOwed(ids))
  say(
    io,
    owed.length === 0
      ? 'Nothing is owed.'
      : owed.map((one) => `${one.notification.id} (${one.notification.kind} to ${addressee(one)}) ${done}`).join('\n'),
  )
  return EXIT.well
}

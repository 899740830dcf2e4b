import { randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { DURATION, parseDuration } from '../config/duration.ts'
import { inWords, iso, utc } from '../domain/duration.ts'
import { endOfSilence, MAX_SILENCE_MS, type Silence } from '../domain/silence.ts'
import { asExit, reader, writing } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import { type ConfigOptions, configured, type Io, type ListOptions, list, say } from './io.ts'
import { monitorNamed } from './monitor-named.ts'
import { reasonOf } from './reason.ts'
import { table } from './table.ts'

export type SilenceOptions = ConfigOptions & Readonly<{ for: string; reason: string; monitor?: string }>

/** Withholds alerts for a while, for one monitor or for all (`silence`). */
export async function silenceAdd(options: SilenceOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const ms = DURATION.test(options.for) ? parseDuration(options.for) : null
  if (ms === null || ms <= 0 || ms > MAX_SILENCE_MS)
    throw new Exit(EXIT.usage, `--for ${options.for}: expected a duration such as 2h, at most ${inWords(MAX_SILENCE_MS)}`)
  const monitor = options.monitor === undefined ? null : monitorNamed(config, options.monitor).name
  const reason = reasonOf(options.reason)
  const silence = await writing(config, async (store, clock) => {
    const at = clock.now()
    const id = randomBytes(4).toString('hex')
    const added: Silence = { id, at, moment: clock.moment(), until: at + ms, reason, monitor, endedAt: null }
    await store.addSilence(added)
    return added
  })
  say(io, `silence ${silence.id}: ${monitor ?? 'every monitor'} until ${utc(silence.until)} (${silence.reason})`)
  say(io, 'Probes continue to run. Those who were already notified still learn of recoveries and explanations.')
  return EXIT.ok
}

/** Lists the silences in force. */
export async function silenceList(options: ListOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const now = Date.now()
  const inForce = (await silencesOf(config, now)).filter((silence) => endOfSilence(silence) > now)
  const rows = inForce.map(({ id, monitor, at, until, reason }) => ({
    id,
    monitor,
    at: iso(at),
    until: iso(until),
    reason,
  }))
  const text = () =>
    table(
      ['id', 'monitor', 'until', 'ends in', 'reason'],
      inForce.map((silence) => [
        silence.id,
        silence.monitor ?? 'every monitor',
        utc(silence.until),
        inWords(silence.until - now),
        silence.reason,
      ]),
      io.columns,
    )
  list(io, options, rows, { text, none: 'There are no silences in force.' })
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

/** Ends a silence early. */
export async function silenceRemove(id: string, options: ConfigOptions, io: Io): Promise<number> {
  const config = await configured(options, io)
  const unknown = `there is no silence ${id} in force: see \`alibi silence list\``
  const ended = await writing(config, (store, clock) => store.endSilence(id, clock.now()), unknown)
  if (!ended) throw new Exit(EXIT.usage, unknown)
  say(io, `Silence ${id} has ended. What is still failing is reported after its next run.`)
  return EXIT.ok
}

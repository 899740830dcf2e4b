import { setTimeout as sleep } from 'node:timers/promises'
import { accountsOf, type Bench, configuration } from './bench.ts'
import { startChild } from './child.ts'
import { type Figure, median, rounded } from './figure.ts'
import type { Lap } from './lap.ts'

const MAX_RATIO = 1.05
/** Rounds in which both processes only warm up. */
const WARM_UP = 1
/** A round is watched from a moment before it begins. */
const LEAD_MS = 500

/**
 * What a probe costs at the pace of a schedule, beside a bare loop that makes the same calls at the same pace and at the same time.
 * At full speed much of the cost is shared by calls that end together; here hardly any is.
 */
export const paced: Bench = async (ground) => {
  const { size, doors, say } = ground
  const { probes, everyMs, rounds } = size.paced
  const accounts = accountsOf(probes)
  const schedule = everyMs === 60_000 ? '0 * * * * *' : `*/${everyMs / 1_000} * * * * *`
  const monitor = [`schedule: "${schedule}"`, 'spread: 0s', `accounts: [${accounts.map((id) => `"${id}"`).join(', ')}]`]
  const file = await configuration(ground, 'paced', [monitor])
  await using bare = startChild('bare', { args: [JSON.stringify(accounts), '50'], env: doors.endpoints })
  await using alibi = startChild('watched', { args: [file, 'scheduled'], env: doors.endpoints })
  const since = () => alibi.ask<Readonly<{ cpuMs: number; lates: readonly number[] }>>('since')
  await since()
  const ratios: number[] = []
  const perProbe: { alibi: number; bare: number }[] = []
  for (let i = 0; i < WARM_UP + rounds; i++) {
    await sleep(everyMs - ((Date.now() + LEAD_MS) % everyMs))
    const before = await since()
    const [lap] = await Promise.all([
      // A round of a schedule takes half its period (`stepOfRound`).
      bare.ask<Lap>('paced', { overMs: everyMs / 2, inMs: everyMs - 1_000 }),
      sleep(everyMs - 1_000),
    ])
    const after = await since()
    const begun = after.lates.length
    if (begun !== probes) throw new Error(`of ${probes} runs ${begun} began in round ${i + 1}`)
    if (i < WARM_UP) continue
    const both = { alibi: (after.cpuMs - before.cpuMs) / probes, bare: lap.cpuMs / probes }
    perProbe.push(both)
    ratios.push(both.alibi / both.bare)
    say(
      `round ${i + 1 - WARM_UP} of ${rounds}: bare ${both.bare.toFixed(3)} ms, Alibi ${both.alibi.toFixed(3)} ms of CPU a probe`,
    )
  }
  await alibi.stop()
  await bare.stop()
  const figures: Figure[] = [
    {
      name: 'paced',
      of: 'cpuRatio',
      what: `Alibi against the bare loop, ${probes} probes every ${everyMs / 1_000} s`,
      value: rounded(median(ratios), 3),
      unit: '×',
      atMost: MAX_RATIO,
      note: `same flags, same time, median of ${ratios.length} rounds`,
    },
    {
      name: 'paced',
      of: 'alibiMs',
      what: 'CPU per paced probe, Alibi',
      value: rounded(median(perProbe.map((both) => both.alibi)), 3),
      unit: 'ms',
    },
    {
      name: 'paced',
      of: 'bareMs',
      what: 'CPU per paced call, bare SDK loop',
      value: rounded(median(perProbe.map((both) => both.bare)), 3),
      unit: 'ms',
    },
  ]
  return figures
}

import { accountsOf, type Bench, configuration } from './bench.ts'
import { startChild } from './child.ts'
import { median, rounded } from './figure.ts'
import type { Lap } from './lap.ts'
import type { Front } from './tls-front.ts'

const AT_ONCE = 10
const LAPS = 20
/** Laps of either kind that only warm up. */
const WARM_UP = 3

/** What a probe costs beside the bare call, as in `probes`, but over TLS as to AWS itself. */
export const tls: Bench = async (ground) => {
  const { size, doors, directory, say } = ground
  const accounts = accountsOf(size.accounts)
  const monitors = Array.from({ length: accounts.length / AT_ONCE }, (_, i) => {
    const ids = accounts.slice(i * AT_ONCE, (i + 1) * AT_ONCE)
    return [`accounts: [${ids.map((id) => `"${id}"`).join(', ')}]`]
  })
  const file = await configuration(ground, 'tls', monitors)
  await using front = startChild('tls-front', { args: [directory, doors.url] })
  const { url, authority } = await front.ask<Front>('front')
  const env = { ...doors.endpoints, AWS_ENDPOINT_URL_ACCOUNT: url, NODE_EXTRA_CA_CERTS: authority }
  await using bare = startChild('bare', { args: [JSON.stringify(accounts), String(AT_ONCE)], env })
  await using alibi = startChild('watched', { args: [file], env })
  const lapOf = {
    bare: () => bare.ask<Lap>('lap', { rounds: size.bareRounds }),
    alibi: () => alibi.ask<Lap>('lap', { rounds: size.rounds }),
  }
  const laps = Math.min(size.laps, LAPS)
  const ratios: number[] = []
  for (let i = 0; i < laps; i++) {
    const both =
      i % 2 === 0
        ? { bare: await lapOf.bare(), alibi: await lapOf.alibi() }
        : { alibi: await lapOf.alibi(), bare: await lapOf.bare() }
    const [ours, theirs] = [both.alibi.cpuMs / both.alibi.probes, both.bare.cpuMs / both.bare.probes]
    if (i >= Math.min(WARM_UP, laps - 1)) ratios.push(ours / theirs)
    say(`lap ${i + 1} of ${laps}: bare ${theirs.toFixed(3)} ms, Alibi ${ours.toFixed(3)} ms of CPU a probe`)
  }
  await alibi.stop()
  await bare.stop()
  await front.stop()
  return [
    {
      name: 'tlsCpuRatio',
      what: 'Alibi against the bare loop, over TLS',
      value: rounded(median(ratios), 3),
      unit: '×',
      atMost: 0.8,
      note: `same flags, median of ${ratios.length} pairs`,
    },
  ]
}

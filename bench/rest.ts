import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, configuration, type Ground } from './bench.ts'
import { anonymousMb, cpuMs, residentMb } from './child.ts'
import { startDaemonProcess, THIS_CHECKOUT } from './daemon.ts'
import { type Figure, median, rounded } from './figure.ts'

/** After a start the clients are loaded, AWS Health is read, and a little later V8 gives back what the start left behind. */
const SETTLED_MS = 25_000
const MINUTE_MS = 60_000

type AtRest = Readonly<{ startCpu: number; resident: number; anonymous: number; idleCpu: number }>
type Row = Readonly<{ key: keyof AtRest; name: string; what: string; unit: string; digits: number; atMost: number }>

/** The aims are ratios to the build of another checkout. */
const ROWS: readonly Row[] = [
  { key: 'startCpu', name: 'startCpu', what: 'CPU from start to ready', unit: 'ms', digits: 0, atMost: 0.6 },
  { key: 'resident', name: 'restingMb', what: 'resident memory at rest', unit: 'MB', digits: 1, atMost: 0.85 },
  { key: 'anonymous', name: 'restingAnonymousMb', what: 'the anonymous part of it', unit: 'MB', digits: 1, atMost: 0.65 },
  { key: 'idleCpu', name: 'restingCpu', what: 'CPU of a daemon at rest', unit: 'ms/min', digits: 0, atMost: 0.35 },
]

/** One probe that does not run: what the daemon needs to start and to be there. With `--beside`, another build in turn with this one. */
export const rest: Bench = async (ground) => {
  // A database each: the older of two builds does not know the other's.
  const monitors = [['schedule: "0 0 1 1 *"', 'operations: [GetAccountInformation]']]
  const [file, fileBeside] = [await configuration(ground, 'rest', monitors), await configuration(ground, 'rest-beside', monitors)]
  const ours: AtRest[] = []
  const theirs: AtRest[] = []
  for (let i = 0; i < ground.size.pairs; i++) {
    if (ground.beside !== undefined) theirs.push(await atRest(ground, fileBeside, ground.beside))
    ours.push(await atRest(ground, file, THIS_CHECKOUT))
    ground.say(`${i + 1} of ${ground.size.pairs}: ${JSON.stringify({ ours: ours.at(-1), theirs: theirs.at(-1) })}`)
  }
  return ROWS.flatMap((row) => figuresOf(row, ours, theirs))
}

async function atRest({ doors, size }: Ground, file: string, checkout: string): Promise<AtRest> {
  await using daemon = await startDaemonProcess(file, doors.endpoints, checkout)
  const startCpu = await cpuMs(daemon.pid)
  await sleep(SETTLED_MS)
  const before = await cpuMs(daemon.pid)
  await sleep(size.idleMs)
  const idleCpu = (((await cpuMs(daemon.pid)) - before) * MINUTE_MS) / size.idleMs
  const [resident, anonymous] = [await residentMb(daemon.pid), await anonymousMb(daemon.pid)]
  await daemon.stop()
  return { startCpu, resident, anonymous, idleCpu }
}

function figuresOf(
  { key, name, what, unit, digits, atMost }: Row,
  ours: readonly AtRest[],
  theirs: readonly AtRest[],
): readonly Figure[] {
  const of = (all: readonly AtRest[]) => rounded(median(all.map((one) => one[key])), digits)
  const figure: Figure = { name, of: 'now', what, value: of(ours), unit, note: `median of ${ours.length}` }
  if (theirs.length === 0) return [figure]
  const ratios = ours.map((one, i) => one[key] / (theirs[i]?.[key] ?? Number.NaN))
  return [
    { ...figure, note: `${of(theirs)} ${unit} in the other build, medians of ${ours.length}` },
    { name, of: 'ratio', what: `${what}, compared with the other build`, value: rounded(median(ratios), 2), unit: '×', atMost },
  ]
}

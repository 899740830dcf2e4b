import { accountsOf, type Bench, configuration, databaseOf, type Ground } from './bench.ts'
import { type Child, cpuMs, residentMb, startChild } from './child.ts'
import { startDaemonProcess } from './daemon.ts'
import { type Figure, median, rounded } from './figure.ts'
import type { Lap } from './lap.ts'
import { EC2, OTHERS } from './other-services.ts'
import { onDisk } from './probes.ts'

const ACCOUNTS = 50
const REGIONS = 3
const LAPS = 8
/** Laps of each kind that only warm up. */
const WARM_UP = 2
const MAX_START_RATIO = 1.3

/** Of Account, all that can be asked of the credentials' own account. */
const OF_ACCOUNT = [
  'GetAccountInformation',
  'GetAlternateContact: { type: SECURITY }',
  'GetContactInformation',
  'GetGovCloudAccountInformation',
  'GetPrimaryEmailUpdateStatus',
  'GetRegionOptStatus: { region: af-south-1 }',
  'ListRegions',
]
/** One monitor for each account, with a role in it: no other service can be asked from outside. */
const KINDS = [
  { of: 'account', what: 'Account only', calls: OF_ACCOUNT },
  { of: 'nine', what: 'nine services', calls: OTHERS.map(({ call }) => call) },
  { of: 'ten', what: 'ten services, EC2 among them', calls: [...OTHERS, ...EC2].map(({ call }) => call) },
] as const
type Kind = (typeof KINDS)[number]
type Measured = { kind: Kind; file: string; cpuPerProbe: number[]; startMs: number[]; startCpuMs: number[]; rssMb: number }

/** What other services cost beside Account alone: CPU per probe, memory, and the start. All kinds take turns. */
export const services: Bench = async (ground) => {
  const env = { ...ground.doors.endpoints, AWS_ENDPOINT_URL: ground.doors.url }
  const all: Measured[] = []
  for (const kind of KINDS)
    all.push({ kind, file: await fileOf(ground, kind), cpuPerProbe: [], startMs: [], startCpuMs: [], rssMb: 0 })
  await probing(all, env, ground)
  for (let i = 0; i < ground.size.starts; i++) {
    for (const one of all) {
      await using daemon = await startDaemonProcess(one.file, env)
      one.startMs.push(daemon.readyMs)
      one.startCpuMs.push(await cpuMs(daemon.pid))
      await daemon.stop()
    }
    ground.say(
      `start ${i + 1}: ${all.map(({ kind, startMs }) => `${kind.what} ${Math.round(startMs.at(-1) ?? 0)} ms`).join(', ')}`,
    )
  }
  return figuresOf(all)
}

async function fileOf(ground: Ground, { of, calls }: Kind): Promise<string> {
  const regions = of === 'account' ? [] : [`regions: [${['eu-west-1', 'us-east-1', 'us-west-2'].slice(0, REGIONS).join(', ')}]`]
  const monitors = accountsOf(ACCOUNTS).map((account) => [
    // Whoever runs them says when.
    'schedule: "0 0 1 1 *"',
    ...regions,
    `credentials: { roleArn: "arn:aws:iam::${account}:role/alibi" }`,
    'operations:',
    ...calls.map((call) => `  - ${call}`),
  ])
  return configuration(ground, `services-${of}`, monitors)
}

async function probing(all: readonly Measured[], env: Record<string, string>, ground: Ground): Promise<void> {
  const { size, say } = ground
  const nodeArgs = ['--expose-gc']
  const children: Child[] = all.map(({ file }) => startChild('watched', { args: [file], env, nodeArgs }))
  await using held = new AsyncDisposableStack()
  for (const child of children) held.use(child)
  for (let i = 0; i < Math.min(LAPS, size.laps) + WARM_UP; i++) {
    for (const [index, one] of all.entries()) {
      const lap = await children[index]?.ask<Lap>('lap', { rounds: 1 })
      if (lap !== undefined && i >= WARM_UP) one.cpuPerProbe.push(lap.cpuMs / lap.probes)
    }
    say(
      `lap ${i + 1}: ${all.map(({ kind, cpuPerProbe }) => `${kind.what} ${cpuPerProbe.at(-1)?.toFixed(3) ?? '–'} ms`).join(', ')}`,
    )
  }
  for (const [index, one] of all.entries()) {
    const child = children[index]
    if (child === undefined) continue
    await child.ask('collect')
    one.rssMb = await residentMb(child.pid)
    await child.stop()
    const { runs, ok } = onDisk(databaseOf(ground, `services-${one.kind.of}`))
    if (ok !== runs) throw new Error(`${runs - ok} of ${runs} probes were not ok, ${one.kind.what}`)
  }
}

function figuresOf(all: readonly Measured[]): readonly Figure[] {
  const [account] = all
  const row = (of: string, what: string, value: number, unit: string, more: Partial<Figure> = {}): Figure => ({
    name: 'services',
    of,
    what,
    value: rounded(value, 3),
    unit,
    ...more,
  })
  const each = (key: 'cpuPerProbe' | 'startMs' | 'startCpuMs', what: string) =>
    all.map(({ kind, [key]: values }) => row(`${key}.${kind.of}`, `${what}, ${kind.what}`, median(values), 'ms'))
  const ratios = all.slice(1).flatMap((one) => {
    const to = (key: 'startMs' | 'startCpuMs') => median(one[key].map((ms, i) => ms / (account?.[key][i] ?? Number.NaN)))
    return [
      row(`startRatio.${one.kind.of}`, `start against Account only, ${one.kind.what}`, to('startMs'), '×', {
        atMost: MAX_START_RATIO,
        note: `median of ${one.startMs.length} pairs`,
      }),
      row(`startCpuRatio.${one.kind.of}`, `CPU of the start against Account only, ${one.kind.what}`, to('startCpuMs'), '×'),
    ]
  })
  const rss = all.map(({ kind, rssMb }) => row(`rssMb.${kind.of}`, `resident memory, ${kind.what}`, rssMb, 'MB'))
  return [
    ...each('cpuPerProbe', 'CPU per probe'),
    ...rss,
    ...each('startMs', 'start until ready'),
    ...each('startCpuMs', 'CPU of the start'),
    ...ratios,
  ]
}

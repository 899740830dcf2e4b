import { accountsOf, type Bench, configuration, type Ground } from './bench.ts'
import { residentMb, startChild } from './child.ts'
import { exponentOf, type Figure, median, rounded } from './figure.ts'
import type { Lap } from './lap.ts'
import type { Turn } from './stand-in.ts'

/** Rounds until the threshold, and while everything fails. */
const COUNT = 2
const LAPS = 5
/** Accounts for which the aims are stated, and the most for which the email is to be there in time. */
const AIMED = 1_000
const MAX_RSS_MB = 150
const MAX_MAIL_MS = 5_000
const MAX_EXPONENT = 0.1

type Outage = Readonly<{ accounts: number; toldMs: number; well: number; failing: number; rssMb: number }>

/** An outage of every account at once: what a run costs while all of them are members of one incident, and when the mail is there. */
export const wide: Bench = async (ground) => {
  const outages: Outage[] = []
  for (const accounts of ground.size.wide) outages.push(await outageOf(ground, accounts))
  const told = outages.at(-1)
  const aimed = outages.find(({ accounts }) => accounts === AIMED) ?? outages[0]
  if (told === undefined || aimed === undefined) return []
  const each = (figure: (one: Outage) => Omit<Figure, 'of'>) =>
    outages.map((one): Figure => ({ of: String(one.accounts), ...figure(one) }))
  return [
    ...each(({ accounts, toldMs }) => ({
      name: 'wideMs',
      what: `${many(accounts)} accounts fail: first failed call to 250`,
      value: toldMs,
      unit: 'ms',
      atMost: MAX_MAIL_MS,
      note: `${COUNT} rounds of calls in it, and the 5 s between two readings of AWS Health`,
    })),
    {
      name: 'cpuMsPerRun',
      of: 'well',
      what: 'CPU per run while all is well',
      value: rounded(aimed.well, 4),
      unit: 'ms',
      note: `${many(aimed.accounts)} accounts`,
    },
    ...each(({ accounts, failing }) => ({
      name: 'cpuMsPerFailingRun',
      what: `CPU per run while ${many(accounts)} accounts fail`,
      value: rounded(failing, 4),
      unit: 'ms',
      note: 'each is decided, judged and written with its document',
    })),
    ...(outages.length < 2
      ? []
      : [
          {
            name: 'cpuMsPerFailingRun',
            of: 'exponent',
            what: 'CPU per failing run, exponent',
            value: rounded(exponentOf(outages.map(({ accounts, failing }) => [accounts, failing])), 2),
            unit: '',
            atMost: MAX_EXPONENT,
            note: '0 is flat, 1 grows as the accounts do',
          },
        ]),
    ...each(({ accounts, rssMb }) => ({
      name: 'rssMbFailing',
      what: `resident memory while ${many(accounts)} accounts fail`,
      value: rounded(rssMb, 1),
      unit: 'MB',
      ...(accounts === AIMED ? { atMost: MAX_RSS_MB } : {}),
    })),
  ]
}

function many(count: number): string {
  return count.toLocaleString('en')
}

async function outageOf(ground: Ground, count: number): Promise<Outage> {
  const { doors, standIn, say } = ground
  const accounts = accountsOf(count).map((id) => `"${id}"`)
  const monitor = [
    `accounts: [${accounts.join(', ')}]`,
    'spread: 0s',
    'attempts: 1',
    `fail: { count: ${COUNT}, of: ${COUNT} }`,
    // What fails is run again by the parent alone.
    'schedule: "*/10 * * * *"',
    'retryInterval: 9m',
    'recheckEvery: 9m',
  ]
  const file = await configuration(ground, `wide-${count}`, [monitor])
  await using alibi = startChild('watched', { args: [file], env: doors.endpoints })
  const lap = async (rounds = 1) => await alibi.ask<Lap>('lap', { rounds })
  const perRun = ({ cpuMs, probes }: Lap) => cpuMs / probes
  const mail = (answer: Turn['answer'], kind: string) => standIn.ask<number>('turn', { answer, mail: kind } satisfies Turn)
  await lap(LAPS)
  const well = perRun(await lap(LAPS))
  const told = mail('InternalServerException', 'failing')
  await lap(COUNT)
  const toldMs = await told
  const failing: number[] = []
  for (let i = 0; i < LAPS; i++) failing.push(perRun(await lap()))
  const rssMb = await residentMb(alibi.pid)
  const over = mail('ok', 'recovered')
  await lap(COUNT)
  await over
  await alibi.stop()
  const outage = { accounts: count, toldMs, well, failing: median(failing), rssMb }
  say(
    `${many(count)} accounts fail at once: ${JSON.stringify(outage, (_, value) => (typeof value === 'number' ? rounded(value, 2) : value))}`,
  )
  return outage
}

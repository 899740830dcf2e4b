import { accountsOf, type Bench, configuration } from './bench.ts'
import { residentMb, startChild } from './child.ts'
import { median, rounded } from './figure.ts'
import type { Lap } from './lap.ts'
import type { Turn } from './stand-in.ts'

/** Rounds until the threshold, and while everything fails. */
const COUNT = 2
const LAPS = 5

/** An outage of every account at once: what a run costs while all of them are members of one incident, and when the mail is there. */
export const wide: Bench = async (ground) => {
  const { size, doors, standIn, say } = ground
  const accounts = accountsOf(size.accounts).map((id) => `"${id}"`)
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
  const file = await configuration(ground, 'wide', [monitor])
  await using alibi = startChild('watched', { args: [file], env: doors.endpoints })
  const lap = async (rounds = 1) => await alibi.ask<Lap>('lap', { rounds })
  const perRun = ({ cpuMs, probes }: Lap) => cpuMs / probes
  const mail = (answer: Turn['answer'], kind: string) => standIn.ask<number>('turn', { answer, mail: kind } satisfies Turn)
  await lap(LAPS)
  const well = perRun(await lap(LAPS))
  const told = mail('InternalServerException', 'failing')
  await lap(COUNT)
  const toldMs = await told
  say(`${size.accounts} accounts fail at once: mailed ${toldMs} ms after the first failed`)
  const failing: number[] = []
  for (let i = 0; i < LAPS; i++) failing.push(perRun(await lap()))
  const rssMb = await residentMb(alibi.pid)
  const over = mail('ok', 'recovered')
  await lap(COUNT)
  await over
  await alibi.stop()
  return [
    {
      name: 'wideMs',
      what: 'all accounts fail: first failed call to 250',
      value: toldMs,
      unit: 'ms',
      note: `${size.accounts.toLocaleString('en')} accounts, ${COUNT} rounds of calls in it, and the 5 s between two readings of AWS Health`,
    },
    {
      name: 'cpuMsPerRun',
      of: 'well',
      what: 'CPU per run while all is well',
      value: rounded(well, 4),
      unit: 'ms',
    },
    {
      name: 'cpuMsPerRun',
      of: 'failing',
      what: 'CPU per run while all accounts fail',
      value: rounded(median(failing), 4),
      unit: 'ms',
      note: 'each is decided, judged and written with its document',
    },
    { name: 'rssMb', of: 'allFailing', what: 'resident memory while all accounts fail', value: rounded(rssMb, 1), unit: 'MB' },
  ]
}

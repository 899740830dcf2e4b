import { setTimeout as sleep } from 'node:timers/promises'
import { accountsOf, type Bench, configuration, type Ground } from './bench.ts'
import { cpuMs, residentMb, startChild } from './child.ts'
import { startDaemonProcess, THIS_CHECKOUT } from './daemon.ts'
import { exponentOf, type Figure, median, rounded } from './figure.ts'
import type { Lap } from './lap.ts'
import type { Doors, Turn } from './stand-in.ts'

/** Rounds until the threshold, and while everything fails. */
const COUNT = 2
const LAPS = 5
/** Accounts for which the aims are stated, and the most for which the email is to be there in time. */
const AIMED = 1_000
const MAX_RSS_MB = 150
const MAX_MAIL_MS = 5_000
const MAX_EXPONENT = 0.1
/** Accounts of one caller: AWS allows it to ask for as many in half a minute. */
const OF_A_CALLER = 250
const LOOK_EVERY_MS = 10_000

/** Until the 250: from the first failed call, from the beginning of the round that reaches the threshold, and from its last call. */
type Outage = Readonly<{
  accounts: number
  toldMs: number
  thresholdMs: number
  endedMs: number
  well: number
  failing: number
  rssMb: number
}>

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
    ...each(({ accounts, thresholdMs }) => ({
      name: 'wideFromThresholdMs',
      what: `${many(accounts)} accounts fail: first threshold to 250`,
      value: thresholdMs,
      unit: 'ms',
      note: 'the second round is in it, for half a minute at most',
    })),
    ...each(({ accounts, endedMs }) => ({
      name: 'wideFromLastCallMs',
      what: `${many(accounts)} accounts fail: last call of the second round to 250`,
      value: endedMs,
      unit: 'ms',
      note: 'what Alibi adds to the calls',
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
      name: 'rssMbFlooded',
      what: `resident memory while ${many(accounts)} accounts fail, as fast as calls can be made`,
      value: rounded(rssMb, 1),
      unit: 'MB',
    })),
    ...(await inLife(ground)),
  ]
}

type Minutes = Readonly<{ rssMb: number; cpuMs: number }>

/** The product with a thousand accounts that fail once a minute. With `--beside`, another build does the same beside it. */
async function inLife(ground: Ground): Promise<readonly Figure[]> {
  const builds = ground.beside === undefined ? [THIS_CHECKOUT] : [THIS_CHECKOUT, ground.beside]
  const [ours, theirs] = await Promise.all(builds.map((checkout, i) => minutesOf(ground, checkout, `wide-${i}`)))
  if (ours === undefined) return []
  const { accounts } = ground.size.minutely
  const [memory, cpu] = [`resident memory while ${many(accounts)} accounts fail once a minute`, 'CPU per run of them']
  const beside = (unit: string, value: number | undefined) =>
    value === undefined ? {} : { note: `${rounded(value, 2)} ${unit} in the other build` }
  return [
    {
      name: 'rssMbFailing',
      what: memory,
      value: rounded(ours.rssMb, 1),
      unit: 'MB',
      atMost: MAX_RSS_MB,
      ...beside('MB', theirs?.rssMb),
    },
    {
      name: 'cpuMsPerFailingRun',
      of: 'minutely',
      what: cpu,
      value: rounded(ours.cpuMs, 2),
      unit: 'ms',
      ...beside('ms', theirs?.cpuMs),
    },
  ]
}

async function minutesOf(ground: Ground, checkout: string, name: string): Promise<Minutes> {
  const { accounts, minutes } = ground.size.minutely
  await using standIn = startChild('stand-in')
  const doors = await standIn.ask<Doors>('doors')
  const ids = accountsOf(accounts)
  const callers = Array.from({ length: Math.ceil(accounts / OF_A_CALLER) }, (_, i) =>
    ids.slice(i * OF_A_CALLER, (i + 1) * OF_A_CALLER),
  )
  const monitors = callers.map((own) => [
    `accounts: [${own.map((id) => `"${id}"`).join(', ')}]`,
    `credentials: { roleArn: "arn:aws:iam::${own[0]}:role/alibi" }`,
    'operations: [GetContactInformation]',
    'spread: 0s',
    'attempts: 1',
    `fail: { count: ${COUNT}, of: ${COUNT} }`,
    'schedule: "* * * * *"',
  ])
  const file = await configuration({ ...ground, doors }, name, monitors)
  await using alibi = await startDaemonProcess(file, doors.endpoints, checkout)
  await alibi.runs(2 * accounts)
  const told = standIn.ask<number>('turn', { answer: 'InternalServerException', mail: 'failing' } satisfies Turn)
  await told
  const runs = accounts * minutes
  const before = await cpuMs(alibi.pid)
  let isOver = false
  const made = alibi.runs(runs).then(() => {
    isOver = true
  })
  let rssMb = 0
  while (!isOver) {
    await Promise.race([made, sleep(LOOK_EVERY_MS)])
    rssMb = Math.max(rssMb, await residentMb(alibi.pid))
  }
  const perRun = ((await cpuMs(alibi.pid)) - before) / runs
  ground.say(`${many(accounts)} accounts fail once a minute (${checkout}): ${rounded(rssMb, 1)} MB, ${rounded(perRun, 2)} ms`)
  await alibi.stop()
  await standIn.stop()
  return { rssMb, cpuMs: perRun }
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
  const began = performance.now()
  const told = mail('InternalServerException', 'failing')
  // One after the other, as a schedule would make them: what one left behind is done before the next one begins.
  for (let i = 1; i < COUNT; i++) await lap()
  const lastMs = performance.now() - began
  const { wallMs } = await lap()
  const toldMs = await told
  const thresholdMs = rounded(toldMs - lastMs, 0)
  const endedMs = rounded(thresholdMs - wallMs, 0)
  const failing: number[] = []
  for (let i = 0; i < LAPS; i++) failing.push(perRun(await lap()))
  const rssMb = await residentMb(alibi.pid)
  const over = mail('ok', 'recovered')
  await lap(COUNT)
  await over
  await alibi.stop()
  const outage = { accounts: count, toldMs, thresholdMs, endedMs, well, failing: median(failing), rssMb }
  say(
    `${many(count)} accounts fail at once: ${JSON.stringify(outage, (_, value) => (typeof value === 'number' ? rounded(value, 2) : value))}`,
  )
  return outage
}

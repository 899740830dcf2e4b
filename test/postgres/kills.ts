/*
 * `npm run kills:fleet [-- FAULTS SEED]`: two daemons on one PostgreSQL, each by a way of its own, and something goes wrong at a
 * random moment of one outage after another. Each outage must be one incident, and each email come under one Message-ID.
 */
import { join } from 'node:path'
import type { Mailbox } from '../../src/sandbox/mailbox.ts'
import { Dice } from '../history/dice.ts'
import { type Daemon, DEADLINE_MS, until } from '../wire/daemon-process.ts'
import { type FleetStage, fleetStage, PROFILES, TWO_CALLERS } from './fleet-stage.ts'
import { type FaultyLine, startProxy } from './proxy.ts'
import { type PostgresServer, startPostgres } from './server.ts'
import { type WrongClock, wrongClock } from './wrong-clock.ts'

/** No fault comes later than this after the outage has begun or ended. */
const ANY_MOMENT_MS = 4_000
const FAULTS = [
  'kill',
  'term',
  'stop 5',
  'stop 13',
  'stop 60',
  'cut',
  'black hole',
  'no AWS',
  'restart the database',
  'swallow an answer',
  'set the clock',
] as const
type Fault = (typeof FAULTS)[number]

/** AWS refuses signatures that are off by more than five minutes; a clock that is so far off is not taken for one that drifts. */
const CLOCKS_MS = [-7 * 60_000, 0, 7 * 60_000]
const CLOCK_ROUGH_MS = 3_000

type Machine = Readonly<{
  name: string
  start: () => Promise<Daemon>
  line: FaultyLine
  aws: FaultyLine
  clock: WrongClock | null
  /** How far its clock is off, as the machine itself finds by the database's. */
  clockOffset: () => Promise<number>
}> & { daemon: Daemon; clockMs: number }

/** What the faults are inflicted on. */
type Scene = Readonly<{ fleet: FleetStage; machines: readonly Machine[]; postgres: PostgresServer; dice: Dice }>

type FleetKillings = Readonly<{
  faults: ReadonlyMap<Fault, number>
  outages: number
  mails: number
  repeats: number
  /** The kinds of other emails: `wider` where one caller was seen to fail later than the other. */
  others: readonly string[]
  wrong: readonly string[]
}>

/** Lives through outages until so many things have gone wrong. */
export async function fleetKillings(most: number, seed: number, tell: (text: string) => void = () => {}): Promise<FleetKillings> {
  const dice = new Dice(seed)
  await using held = new AsyncDisposableStack()
  const postgres = await startPostgres()
  held.defer(() => postgres.stop())
  const fleet = await fleetStage(postgres.url, 'alibi')
  const { on } = fleet
  held.use(on)
  const smtp = `{ host: 127.0.0.1, port: ${on.mailbox.port}, security: none }`
  // More than `rate-limit` would let through in an hour.
  await fleet.configure({ ...TWO_CALLERS, mail: `maxPerHour: 1000\n  smtp: ${smtp}` })
  const wrong: string[] = []
  const machines: Machine[] = []
  for (const name of ['north', 'south']) machines.push(await machineOn(fleet, name, { postgres, held, wrong }))
  const isClockSettable = machines.every(({ clock }) => clock !== null)
  if (!isClockSettable) tell('libfaketime is not installed: no clock is set wrong')
  const drawn = FAULTS.filter((fault) => fault !== 'set the clock' || isClockSettable)
  const faults = new Map<Fault, number>()
  const scene = { fleet, machines, postgres, dice }
  let outages = 0
  const phase = async (answer: 'ok' | 'InternalServerException', kind: string) => {
    on.sandbox.answer({}, answer)
    await sleep(dice.between(0, ANY_MOMENT_MS))
    const machine = dice.pick(machines)
    const fault = dice.pick(drawn)
    const what = `${fault} on ${machine.name} during an outage's ${kind === 'failing' ? 'begin' : 'end'}`
    const ended = await inflict(fault, machine, scene)
    faults.set(fault, (faults.get(fault) ?? 0) + 1)
    await until(`an email ${kind} after ${what}`, () => mailsOf(fleet, kind).size > outages, 3 * DEADLINE_MS)
    await ended()
    tell(`${sum(faults.values())}: ${what}; clocks ${machines.map(({ clockMs }) => `${clockMs / 60_000} min`).join(', ')}`)
  }
  try {
    while (sum(faults.values()) < most) {
      // Longer than an incident can be opened again.
      await sleep(2_000)
      await phase('InternalServerException', 'failing')
      await phase('ok', 'recovered')
      // A caller whose machine was away all the while knows of no end, and its next failure is still the same outage.
      const since = Date.now()
      await until('both callers to be well', () => PROFILES.every((profile) => callsOf(fleet, profile, since) >= 3), DEADLINE_MS)
      outages += 1
    }
    await until('nothing to be owed', () => nothingOwed(fleet), 3 * DEADLINE_MS)
  } catch (cause) {
    for (const { name, daemon } of machines) tell(`${name} said at last:\n${daemon.printed().split('\n').slice(-60).join('\n')}`)
    throw cause
  }
  const { mails } = on.mailbox
  const ids = mails.map(({ messageId }) => messageId)
  const others = mails.map((mail) => mail.headers['x-alibi-kind'] ?? 'no kind').filter((kind) => !KINDS.includes(kind))
  return {
    ...{ faults, outages, others, mails: ids.length, repeats: ids.length - new Set(ids).size },
    wrong: [...wrong, ...(await faultsOf(fleet, outages))],
  }
}

const KINDS = ['failing', 'recovered']

/** What is wrong after so many outages. */
async function faultsOf(fleet: FleetStage, outages: number): Promise<readonly string[]> {
  const incidents = await fleet.on.incidents()
  const [failing, recovered] = KINDS.map((kind) => mailsOf(fleet, kind))
  const answered = new Set([...(recovered ?? new Map()).values()].map((mail) => mail.headers['in-reply-to']))
  const alone = [...(failing ?? new Map()).keys()].filter((id) => !answered.has(id))
  return [
    ...(incidents.length === outages ? [] : [`${outages} outages became ${incidents.length} incidents`]),
    ...KINDS.flatMap((kind) => {
      const { size } = mailsOf(fleet, kind)
      return size === outages ? [] : [`${size} emails ${kind} of ${outages} outages`]
    }),
    ...alone.map((id) => `no recovery is in the thread of ${id}`),
  ]
}

/** The emails of a kind, each once, by its Message-ID. */
function mailsOf({ on }: FleetStage, kind: string): ReadonlyMap<string, Mailbox['mails'][number]> {
  const mails = on.mailbox.mails.filter((mail) => mail.headers['x-alibi-kind'] === kind)
  return new Map(mails.map((mail) => [mail.messageId, mail]))
}

type Around = Readonly<{ postgres: PostgresServer; held: AsyncDisposableStack; wrong: string[] }>

/** Starts a machine that has ways of its own to PostgreSQL and to AWS, and a clock of its own where libfaketime is installed. */
async function machineOn(fleet: FleetStage, name: string, { postgres, held, wrong }: Around): Promise<Machine> {
  const line = await startProxy(postgres.url)
  held.defer(() => line.close())
  const aws = await startProxy(fleet.on.sandbox.url)
  held.defer(() => aws.close())
  const clock = wrongClock(join(fleet.on.directory, `${name}.clock`))
  const ways = { database: line.url, aws: aws.url.replace(/\/$/, ''), env: clock?.env ?? {} }
  const staged = await fleet.machine(name, ways)
  const start = async () => {
    const daemon = await staged.start()
    // One that finds no database at its start ends, and pm2 starts it again: that is not what is looked at here.
    await daemon.ready()
    void daemon.exited.then(({ code, signal }) => {
      if (code !== 0 && signal !== 'SIGKILL') wrong.push(`${name} ended by itself (${code ?? signal})`)
    })
    return daemon
  }
  const clockOffset = async () => {
    const { machines } = JSON.parse((await staged.get('/healthz')).body) as Members
    return machines?.find((one) => one.name === name)?.clockOffsetMs ?? Number.NaN
  }
  return { name, start, line, aws, clock, clockOffset, daemon: await start(), clockMs: 0 }
}

type Members = Readonly<{ machines?: readonly Readonly<{ name: string; clockOffsetMs: number }>[] }>

/** @returns what brings the machine back afterwards */
async function inflict(fault: Fault, machine: Machine, { postgres, dice }: Scene): Promise<() => Promise<void>> {
  const { daemon, line, aws } = machine
  const again = async () => {
    await daemon.exited
    machine.daemon = await machine.start()
  }
  switch (fault) {
    case 'kill':
      daemon.kill('SIGKILL')
      return again
    case 'term':
      daemon.kill('SIGTERM')
      return again
    case 'stop 5':
    case 'stop 13':
    case 'stop 60':
      daemon.kill('SIGSTOP')
      await sleep(Number(fault.slice(5)) * 1000)
      daemon.kill('SIGCONT')
      return async () => {}
    case 'cut':
      line.cut()
      return async () => {}
    case 'black hole':
      line.blackHole()
      return async () => line.heal()
    case 'no AWS':
      aws.blackHole()
      return async () => aws.heal()
    case 'restart the database':
      await postgres.restart()
      return async () => {}
    case 'swallow an answer': {
      // Where nothing of the kind is written, nothing is swallowed.
      void line.swallowAnswerToCommit('INSERT INTO notifications')
      return async () => {}
    }
    case 'set the clock': {
      // It stays so, through what else goes wrong and the starts that follow, until it is drawn again.
      machine.clockMs = dice.pick(CLOCKS_MS.filter((ms) => ms !== machine.clockMs))
      machine.clock?.set(machine.clockMs)
      return () =>
        until(`the clock of ${machine.name} to be ${machine.clockMs} ms off`, async () => {
          return Math.abs((await machine.clockOffset()) - machine.clockMs) < CLOCK_ROUGH_MS
        })
    }
  }
}

function callsOf({ on }: FleetStage, profile: string, since: number): number {
  const key = new RegExp(`Credential=AKIA[A-Z]+${profile}/`, 'i')
  return on.sandbox.received().filter(({ at, headers }) => at >= since && key.test(headers.authorization ?? '')).length
}

async function nothingOwed({ on }: FleetStage): Promise<boolean> {
  const { code, out } = await on.alibi('outbox', 'list', '--json')
  return code === 0 && (JSON.parse(out) as unknown[]).length === 0
}

function sum(counts: Iterable<number>): number {
  return [...counts].reduce((all, count) => all + count, 0)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

if (import.meta.main) {
  const [faults = '200', seed = '1'] = process.argv.slice(2)
  const began = performance.now()
  const report = await fleetKillings(Number(faults), Number(seed), (line) =>
    console.log(`${((performance.now() - began) / 1000).toFixed(0)} s  ${line}`),
  )
  console.log([...report.faults].map(([fault, times]) => `${fault}: ${times}`).join(', '))
  if (report.others.length > 0) console.log(`other emails: ${report.others.join(', ')}`)
  console.log(
    `${sum(report.faults.values())} faults over ${report.outages} outages: ${report.mails} emails, ${report.repeats} of them repeats under a Message-ID that had come before`,
  )
  for (const one of report.wrong) console.error(one)
  if (report.wrong.length > 0) process.exitCode = 1
}

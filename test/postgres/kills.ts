/*
 * `npm run kills:fleet [-- FAULTS SEED]`: two daemons on one PostgreSQL, each by a way of its own, and something goes wrong at a
 * random moment of one outage after another. Each outage must be one incident, and each email come under one Message-ID.
 */
import { Dice } from '../history/dice.ts'
import { type Daemon, DEADLINE_MS, until } from '../wire/daemon-process.ts'
import { type FleetStage, fleetStage, PROFILES } from './fleet-stage.ts'
import { type FaultyLine, startProxy } from './proxy.ts'
import { type PostgresServer, startPostgres } from './server.ts'

const POLICY = '{ extension: 1s, joinWithin: 30s, reopenWithin: 1s }'
/** Two callers, so that both machines call. */
const MONITOR = (profile: string) => `
  - name: ${profile}
    schedule: "* * * * * *"
    spread: 0s
    credentials: { profile: ${profile} }
    operations: [GetContactInformation]
    attempts: 1
    timeout: 900ms
    retryInterval: 1s
    recheckEvery: 1s`
/** No fault comes later than this after the outage has begun or ended. */
const ANY_MOMENT_MS = 4_000
const FAULTS = [
  'kill',
  'stop 5',
  'stop 13',
  'cut',
  'black hole',
  'restart the database',
  'swallow an answer',
  'term',
  'no AWS',
] as const
type Fault = (typeof FAULTS)[number]

type Machine = { readonly start: () => Promise<Daemon>; readonly line: FaultyLine; readonly aws: FaultyLine; daemon: Daemon }
type FleetKillings = Readonly<{ faults: number; outages: number; mails: number; repeats: number; wrong: readonly string[] }>

/** Lives through outages until so many things have gone wrong. */
export async function fleetKillings(most: number, seed: number, tell: (text: string) => void = () => {}): Promise<FleetKillings> {
  const dice = new Dice(seed)
  await using held = new AsyncDisposableStack()
  const postgres = await startPostgres()
  held.defer(() => postgres.stop())
  const fleet = await fleetStage(postgres.url, 'alibi')
  held.use(fleet.on)
  const smtp = `{ host: 127.0.0.1, port: ${fleet.on.mailbox.port}, security: none }`
  // More than `rate-limit` would let through in an hour.
  const monitors = PROFILES.map(MONITOR).join('')
  await fleet.configure({ monitors, policy: POLICY, mail: `maxPerHour: 1000\n  smtp: ${smtp}` })
  const machines: Machine[] = []
  for (const name of ['north', 'south']) {
    const line = await startProxy(postgres.url)
    held.defer(() => line.close())
    const aws = await startProxy(fleet.on.sandbox.url)
    held.defer(() => aws.close())
    const machine = await fleet.machine(name, { database: line.url, aws: aws.url.replace(/\/$/, '') })
    const start = async () => {
      const daemon = await machine.start()
      // One that finds no database at its start ends, and pm2 starts it again: that is not what is looked at here.
      await daemon.ready()
      return daemon
    }
    machines.push({ start, line, aws, daemon: await start() })
  }
  const { on } = fleet
  const count = (kind: string) =>
    new Set(on.mailbox.mails.filter((mail) => mail.headers['x-alibi-kind'] === kind).map(({ messageId }) => messageId)).size
  let faults = 0
  let outages = 0
  const phase = async (answer: 'ok' | 'InternalServerException', kind: string) => {
    on.sandbox.answer({}, answer)
    await sleep(dice.between(0, ANY_MOMENT_MS))
    const machine = dice.pick(machines)
    const fault = dice.pick(FAULTS)
    const ended = await inflict(fault, machine, postgres)
    faults += 1
    await until(`an email ${kind} after ${fault}`, () => count(kind) > outages, 3 * DEADLINE_MS)
    await ended()
    tell(`${faults}: ${fault} during an outage's ${kind === 'failing' ? 'begin' : 'end'}`)
  }
  while (faults < most) {
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
  const ids = on.mailbox.mails.map(({ messageId }) => messageId)
  const incidents = await on.incidents()
  const wrong = [
    ...(incidents.length === outages ? [] : [`${outages} outages became ${incidents.length} incidents`]),
    ...['failing', 'recovered'].flatMap((kind) =>
      count(kind) === outages ? [] : [`${count(kind)} emails ${kind} of ${outages} outages`],
    ),
  ]
  return { faults, outages, mails: ids.length, repeats: ids.length - new Set(ids).size, wrong }
}

/** @returns what brings the machine back afterwards */
async function inflict(fault: Fault, machine: Machine, postgres: PostgresServer): Promise<() => Promise<void>> {
  const { daemon, line, aws } = machine
  const again = async () => {
    if (daemon === machine.daemon) await daemon.exited
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

if (import.meta.main) {
  const [faults = '200', seed = '1'] = process.argv.slice(2)
  const report = await fleetKillings(Number(faults), Number(seed), (line) => console.log(line))
  console.log(
    `${report.faults} faults over ${report.outages} outages: ${report.mails} emails, ${report.repeats} of them repeats under a Message-ID that had come before`,
  )
  for (const one of report.wrong) console.error(one)
  if (report.wrong.length > 0) process.exitCode = 1
}

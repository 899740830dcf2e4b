/*
 * `npm run gaps:fleet [-- TIMES SEED]`: two daemons on one PostgreSQL, and the one that leads is killed or stopped so many times, in
 * turn. For how long was no run kept? A leader that was stopped wakes up when another one leads, and must not go on.
 */
import pg from 'pg'
import { Dice } from '../history/dice.ts'
import { type Daemon, type Line, until } from '../wire/daemon-process.ts'
import { type FleetStage, fleetStage, PROFILES, TWO_CALLERS } from './fleet-stage.ts'
import { startPostgres } from './server.ts'

/** The schedule is one run a second. */
const LONGEST_GAP_MS = 15_000
/** Any moment between two signs of life of the leader. */
const ANY_MOMENT_MS = 4_000
const SCHEMA = 'alibi'

type Machine = Readonly<{ name: string; start: () => Promise<Daemon>; callers: () => Promise<readonly number[]> }> & {
  daemon: Daemon
}
type Turn = Readonly<{ gapMs: number; ledAfterMs: number; wrong: readonly string[] }>
/** Both machines, the one that leads first. */
type Scene = Readonly<{ fleet: FleetStage; leader: Machine; other: Machine; kept: Kept }>
/** When the runs began that were kept since then, of each probe. */
type Kept = (since: number) => Promise<readonly (readonly number[])[]>

const leads = ({ message }: Line) => message === 'this machine leads'
/** What only a leader does. */
const isLeaders = ({ message }: Line) => ['this machine leads', 'decision', 'mail delivered'].includes(String(message))

/** Takes the leader away so many times. @returns what each time brought */
async function gaps(times: number, seed: number, tell: (text: string) => void): Promise<readonly Turn[]> {
  const dice = new Dice(seed)
  await using held = new AsyncDisposableStack()
  const postgres = await startPostgres()
  held.defer(() => postgres.stop())
  const fleet = await fleetStage(postgres.url, SCHEMA)
  held.use(fleet.on)
  const smtp = `{ host: 127.0.0.1, port: ${fleet.on.mailbox.port}, security: none }`
  await fleet.configure({ ...TWO_CALLERS, mail: `maxPerHour: 1000\n  smtp: ${smtp}` })
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  held.defer(() => client.end())
  const kept: Kept = async (since) => {
    const { rows } = await client.query<{ probe: number; at: string }>(
      `SELECT probe, at FROM ${SCHEMA}.runs WHERE at >= $1 ORDER BY at`,
      [since],
    )
    return [...Map.groupBy(rows, ({ probe }) => probe).values()].map((runs) => runs.map(({ at }) => Number(at)))
  }
  let [leader, other] = [await machineOn(fleet, 'north'), await machineOn(fleet, 'south')]
  const turns: Turn[] = []
  for (let i = 0; i < times; i++) {
    await until('each machine to call for one of them', async () => (await leader.callers()).join() === '1,1')
    await new Promise((resolve) => setTimeout(resolve, dice.between(0, ANY_MOMENT_MS)))
    const scene = { fleet, leader, other, kept }
    const turn = i % 2 === 0 ? await killed(scene) : await stopped(scene)
    const what = i % 2 === 0 ? 'killed' : 'stopped'
    const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
    tell(
      `${i + 1}: ${leader.name} is ${what}: ${other.name} leads after ${seconds(turn.ledAfterMs)}; longest gap ${seconds(turn.gapMs)}`,
    )
    turns.push(turn)
    ;[leader, other] = [other, leader]
  }
  return turns
}

async function machineOn(fleet: FleetStage, name: string): Promise<Machine> {
  const staged = await fleet.machine(name)
  const start = async () => {
    const daemon = await staged.start()
    await daemon.ready()
    return daemon
  }
  const callers = async () => {
    const { machines } = JSON.parse((await staged.get('/healthz')).body) as { machines?: readonly { callers: number }[] }
    return (machines ?? []).map((one) => one.callers)
  }
  return { name, start, callers, daemon: await start() }
}

async function killed({ leader, other, kept }: Scene): Promise<Turn> {
  const at = Date.now()
  const next = other.daemon.next('the lead', leads)
  leader.daemon.kill('SIGKILL')
  await next
  const ledAfterMs = Date.now() - at
  const gapMs = await longestGap(kept, at)
  await leader.daemon.exited
  leader.daemon = await leader.start()
  return { gapMs, ledAfterMs, wrong: [] }
}

/** An outage begins while the leader is stopped, and ends after it woke up: it may not have a hand in either. */
async function stopped({ fleet: { on }, leader, other, kept }: Scene): Promise<Turn> {
  const { daemon } = leader
  const mails = on.mailbox.mails.length
  const at = Date.now()
  const next = other.daemon.next('the lead', leads)
  daemon.kill('SIGSTOP')
  await next
  const ledAfterMs = Date.now() - at
  const gapMs = await longestGap(kept, at)
  on.sandbox.answer({}, 'InternalServerException')
  await until('the first email', () => on.mailbox.mails.length > mails)
  const lines = daemon.lines.length
  const over = daemon.next('that it leads no more', ({ message }) => message === 'the lead is given up')
  daemon.kill('SIGCONT')
  await over
  on.sandbox.answer({}, 'ok')
  await until('the recovery', () => on.mailbox.mails.length > mails + 1)
  const sent = on.mailbox.mails.slice(mails).map((mail) => mail.headers['x-alibi-kind'])
  const did = daemon.lines.slice(lines).filter(isLeaders)
  return {
    ...{ gapMs, ledAfterMs },
    wrong: [
      ...did.map(({ message }) => `${leader.name} woke up, and its log says "${message}"`),
      ...(sent.join() === 'failing,recovered' ? [] : [`the emails of one outage: ${sent.join(', ')}`]),
    ],
  }
}

/** How long no run of a probe was kept, from shortly before this moment until runs of all probes are kept again. */
async function longestGap(kept: Kept, at: number): Promise<number> {
  const since = at - 5_000
  const again = Date.now()
  await until('runs of both callers to be kept', async () => {
    const runs = await kept(again)
    return runs.length === PROFILES.length && runs.every((one) => one.length >= 3)
  })
  const gapsOf = (runs: readonly number[]) => runs.slice(1).map((run, i) => run - (runs[i] ?? run))
  return Math.max(...(await kept(since)).flatMap(gapsOf))
}

const [times = '20', seed = '1'] = process.argv.slice(2)
const turns = await gaps(Number(times), Number(seed), (line) => console.log(line))
const longest = Math.max(...turns.map(({ gapMs }) => gapMs))
const within = turns.filter(({ gapMs }) => gapMs <= LONGEST_GAP_MS).length
console.log(`${within} of ${turns.length} gaps within ${LONGEST_GAP_MS / 1000} s; the longest: ${(longest / 1000).toFixed(1)} s`)
const wrong = turns.flatMap((turn) => turn.wrong)
for (const one of wrong) console.error(one)
if (within < turns.length || wrong.length > 0) process.exitCode = 1

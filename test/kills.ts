/*
 * `npm run kills [-- KILLS SEED]`: the daemon as a real process, against the sandbox, killed with SIGKILL at random moments all
 * through one incident after another. Every email must arrive, and none under a second Message-ID.
 */
import { Dice } from './history/dice.ts'
import { type Daemon, DEADLINE_MS, type Line, type Stage, stage, until } from './wire/daemon-process.ts'

/** Kills while it fails, and again while it is well: an incident's whole life lies under fire. */
const KILLS_A_PHASE = 4
/** No kill comes later than this after a start, of those that aim at nothing. */
const ANY_MOMENT_MS = 3_000
const AIMED_WITHIN_MS = 40
const POLICY = '{ extension: 1s, joinWithin: 30s, reopenWithin: 1s }'

export type Killings = Readonly<{ kills: number; incidents: number; mails: number; repeats: number; faults: readonly string[] }>

/** Lives through incidents until the daemon has been killed so often. */
export async function killings(most: number, seed: number, tell: (line: string) => void = () => {}): Promise<Killings> {
  const dice = new Dice(seed)
  await using on = await stage({ policy: POLICY })
  const smtp = `{ host: 127.0.0.1, port: ${on.mailbox.port}, security: none }`
  // More than `rate-limit` would let through in an hour.
  await on.configure({ policy: POLICY, mail: `maxPerHour: 1000\n  smtp: ${smtp}` })
  let kills = 0
  let rounds = 0
  const count = (kind: string) =>
    new Set(on.mailbox.mails.filter((mail) => kindOf(mail) === kind).map((mail) => mail.messageId)).size

  async function underFire(kind: string): Promise<void> {
    const before = count(kind)
    for (let i = 0; i < KILLS_A_PHASE && kills < most; i++) {
      const daemon = on.daemon()
      await someMoment(daemon, dice)
      daemon.kill('SIGKILL')
      await daemon.exited
      kills += 1
    }
    const daemon = on.daemon()
    await until(`a mail ${kind}`, () => count(kind) > before, 2 * DEADLINE_MS)
    await until('every mail to be recorded', () => nothingOwed(on))
    daemon.kill('SIGKILL')
    await daemon.exited
  }

  while (kills < most) {
    on.sandbox.answer({}, 'InternalServerException')
    await underFire('failing')
    on.sandbox.answer({}, 'ok')
    await underFire('recovered')
    rounds += 1
    tell(`${kills} kills, ${rounds} incidents, ${on.mailbox.mails.length} mails`)
  }
  const ids = on.mailbox.mails.map((mail) => mail.messageId)
  const repeats = ids.length - new Set(ids).size
  return { kills, incidents: rounds, mails: ids.length, repeats, faults: await faultsOf(on, rounds) }
}

/** Some moment of a process's life: any at all, or just after something was decided, sent or run. */
async function someMoment(daemon: Daemon, dice: Dice): Promise<void> {
  const aims: readonly (readonly [string, (line: Line) => boolean])[] = [
    ['a decision', ({ message }) => message === 'decision'],
    ['a mail', ({ message }) => message === 'mail delivered'],
    ['a run', ({ message }) => message === 'run'],
    ['the start', ({ message }) => message === 'ready'],
  ]
  const aim = dice.chance(0.5) ? dice.pick(aims) : null
  const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))
  if (aim === null) return pause(dice.between(0, ANY_MOMENT_MS))
  const [what, fits] = aim
  // What is aimed at need not come.
  await Promise.race([daemon.line(what, fits).then(undefined, () => {}), pause(ANY_MOMENT_MS)])
  await pause(dice.between(0, AIMED_WITHIN_MS))
}

async function nothingOwed(on: Stage): Promise<boolean> {
  const { code, out } = await on.alibi('outbox', 'list', '--json')
  return code === 0 && (JSON.parse(out) as unknown[]).length === 0
}

async function faultsOf(on: Stage, rounds: number): Promise<readonly string[]> {
  const faults: string[] = []
  const incidents = await on.incidents()
  if (incidents.length < rounds) faults.push(`${rounds} times all failed, and there are ${incidents.length} incidents`)
  const perNotification = Map.groupBy(on.mailbox.mails, (mail) => `${mail.headers['x-alibi-incident']} ${kindOf(mail)}`)
  for (const [what, mails] of perNotification) {
    const ids = new Set(mails.map((mail) => mail.messageId))
    if (ids.size > 1) faults.push(`${what} came under ${ids.size} Message-IDs: ${[...ids].join(' ')}`)
  }
  for (const { id, state } of incidents) {
    if (state !== 'closed') faults.push(`incident ${String(id)} is still ${String(state)}`)
    for (const kind of ['failing', 'recovered'])
      if (!perNotification.has(`${String(id)} ${kind}`)) faults.push(`of incident ${String(id)} no mail ${kind} has come`)
  }
  return faults
}

function kindOf(mail: Stage['mailbox']['mails'][number]): string {
  return mail.headers['x-alibi-kind'] ?? ''
}

if (import.meta.main) {
  const [most = '200', seed = '1'] = process.argv.slice(2)
  const report = await killings(Number(most), Number(seed), (line) => console.log(line))
  console.log(
    `${report.kills} kills over ${report.incidents} incidents: ${report.mails} mails, ${report.repeats} of them repeats under a Message-ID that had come before`,
  )
  for (const fault of report.faults) console.error(fault)
  if (report.faults.length > 0) process.exitCode = 1
}

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { isRun, type Line, until } from '../wire/daemon-process.ts'
import { type FleetStage, fleetStage, keyOf, PROFILES } from './fleet-stage.ts'
import { startProxy } from './proxy.ts'
import { freshSchema } from './schema.ts'

const after: (() => unknown)[] = []
afterEach(async () => {
  for (const end of after.splice(0).toReversed()) await end()
})

/** What AWS allows one caller of this operation. */
const [PER_SECOND, BURST] = [3, 3]
const MONITOR = (profile: string) => `
  - name: ${profile}
    schedule: "* * * * * *"
    spread: 0s
    credentials: { profile: ${profile} }
    accounts: ["111122223333", "111122223334", "111122223335", "111122223336"]
    operations: [GetAccountInformation]
    attempts: 1
    timeout: 900ms`

async function staged(): Promise<FleetStage> {
  const { url, schema, drop } = freshSchema()
  after.push(drop)
  const fleet = await fleetStage(url, schema)
  after.push(() => fleet.on[Symbol.asyncDispose]())
  await fleet.configure({ monitors: PROFILES.map(MONITOR).join('') })
  return fleet
}

/** Calls of a profile, each with the machine that made it. */
function calls({ on }: FleetStage, profile: string): readonly Readonly<{ at: number; machine: string }>[] {
  return on.sandbox.received({ operation: 'GetAccountInformation' }).flatMap(({ at, headers }) => {
    const machine = ['one', 'two'].find((name) => headers.authorization?.includes(`Credential=${keyOf(name, profile)}/`))
    return machine === undefined ? [] : [{ at, machine }]
  })
}
const lastCaller = (fleet: FleetStage, profile: string) => calls(fleet, profile).at(-1)?.machine
const mostInASecond = (all: readonly Readonly<{ at: number }>[]) =>
  Math.max(...all.map(({ at }) => all.filter((other) => other.at >= at && other.at < at + 1_000).length))
const moved = (to: string) => (line: Line) => line['message'] === 'the calls of a caller move' && line['to'] === to

test('two callers are dealt to two machines, and an outage is seen from both; one that is stopped loses its caller and does not call when it wakes; nor does one whose configuration differs; quotas hold throughout', async () => {
  const fleet = await staged()
  const { on } = fleet
  const [one, two] = [await fleet.machine('one'), await fleet.machine('two')]
  const first = await one.start()
  await first.ready()
  const second = await two.start()
  await second.ready()
  await until('each machine to call for one of them', () => {
    const [a, b] = PROFILES.map((profile) => lastCaller(fleet, profile))
    return a !== b && a !== undefined && b !== undefined
  })
  const [ofTwo, ofOne] = lastCaller(fleet, 'first') === 'two' ? PROFILES : PROFILES.toReversed()
  if (ofTwo === undefined || ofOne === undefined) throw new Error('no profiles')
  expect(JSON.parse((await two.get('/healthz')).body).machines).toMatchObject([{ callers: 1 }, { callers: 1 }])
  expect((await two.get('/metrics')).body).toMatch(/^alibi_callers_held 1$/m)
  await first.next('runs of both, decided by the leader', (line) => isRun('ok')(line) && String(line['probe']).startsWith(ofTwo))

  on.sandbox.answer({}, 'InternalServerException')
  await until('the first email', () =>
    on.mailbox.mails.some(({ text }) => text.replaceAll(/\s+/g, ' ').includes('Seen from: 2 of 2 machines: one, two')),
  )
  on.sandbox.answer({}, 'ok')
  await until('the recovery', () => on.mailbox.mails.at(-1)?.headers['x-alibi-kind'] === 'recovered')
  const mails = on.mailbox.mails.length

  const stoppedAt = performance.now()
  second.kill('SIGSTOP')
  await first.next('its caller to move', moved('one'))
  expect(performance.now() - stoppedAt).toBeLessThan(15_000)
  await until('the calls to go on', () => lastCaller(fleet, ofTwo) === 'one')
  const before = calls(fleet, ofTwo).length
  const back = first.next('the caller to move back', moved('two'))
  second.kill('SIGCONT')
  await back
  const meanwhile = calls(fleet, ofTwo).slice(before)
  // The calls of the one end before those of the other begin.
  const order = meanwhile.map(({ machine }) => machine).join(' ')
  expect(order).toMatch(/^(?:one ?)*(?:two ?)*$/)
  await until('it to call again', () => lastCaller(fleet, ofTwo) === 'two')

  const movesAgain = first.next('its caller to move', moved('one'))
  const config = join(on.directory, 'two', 'alibi.yaml')
  await writeFile(config, (await readFile(config, 'utf8')).replace('extension: 2s', 'extension: 3s'))
  second.kill('SIGHUP')
  await movesAgain
  await until('the calls to go on', () => lastCaller(fleet, ofTwo) === 'one')
  const { machines } = JSON.parse((await one.get('/healthz')).body)
  expect(machines, 'a machine with another configuration hands over nothing').toMatchObject([{ callers: 2 }, { callers: 0 }])

  const killedAt = performance.now()
  first.kill('SIGKILL')
  await second.next('a run for whom the other called', (line) => isRun('ok')(line) && String(line['probe']).startsWith(ofOne))
  expect(performance.now() - killedAt).toBeLessThan(15_000)
  for (const profile of PROFILES) expect(mostInASecond(calls(fleet, profile))).toBeLessThanOrEqual(BURST + PER_SECOND)
  expect(on.mailbox.mails).toHaveLength(mails)
})

test('a machine that cannot reach AWS gives its callers and the lead back without an alert; if none can, they are offline once', async () => {
  const fleet = await staged()
  const { on } = fleet
  const started = async (name: string) => {
    const line = await startProxy(on.sandbox.url)
    after.push(() => line.close())
    const machine = await fleet.machine(name, { aws: line.url.replace(/\/$/, '') })
    const daemon = await machine.start()
    await daemon.ready()
    return { line, machine, daemon }
  }
  const [one, two] = [await started('one'), await started('two')]
  const callers = () => PROFILES.map((profile) => lastCaller(fleet, profile))
  await until('both to call', () => new Set(callers()).size === 2 && !callers().includes(undefined))
  const moves = one.daemon.next('the caller to move', moved('one'))
  two.line.blackHole()
  await moves
  await until('one to call for both', () => callers().every((machine) => machine === 'one'))
  expect(JSON.parse((await one.machine.get('/healthz')).body).machines).toMatchObject([
    { name: 'one', reachesAws: true, callers: 2 },
    { name: 'two', reachesAws: false, callers: 0 },
  ])
  const back = one.daemon.next('the caller to move back', moved('two'))
  two.line.heal()
  await back

  one.line.blackHole()
  await two.daemon.line('the lead', ({ message }) => message === 'this machine leads')
  await until('two to call for both', () => callers().every((machine) => machine === 'two'))
  expect(on.mailbox.mails).toEqual([])

  two.line.blackHole()
  await until('the email', () => on.mailbox.mails.length > 0, 90_000)
  one.line.heal()
  two.line.heal()
  await until('its end', () => on.mailbox.mails.length > 1, 90_000)
  expect(on.mailbox.mails.map((mail) => mail.headers['x-alibi-kind'])).toEqual(['offline', 'recovered'])
})

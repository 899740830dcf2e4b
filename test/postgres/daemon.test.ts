import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { answerKey } from '../../src/web/answer-key.ts'
import { isDecision, isRun, type Line, until } from '../wire/daemon-process.ts'
import { type FleetStage, fleetStage } from './fleet-stage.ts'
import { freshSchema } from './schema.ts'

const after: (() => unknown)[] = []
afterEach(async () => {
  for (const end of after.splice(0).toReversed()) await end()
})

async function staged(): Promise<FleetStage> {
  const { url, schema, drop } = freshSchema()
  after.push(drop)
  const fleet = await fleetStage(url, schema)
  after.push(() => fleet.on[Symbol.asyncDispose]())
  return fleet
}
const leads = (line: Line) => line['message'] === 'this machine leads'
const kinds = ({ on }: FleetStage) => on.mailbox.mails.map((mail) => mail.headers['x-alibi-kind'])

test('the leader is killed in the middle of an outage: another goes on within 15 s, with the same incident and the same thread', async () => {
  const fleet = await staged()
  const { on } = fleet
  const [one, two] = [await fleet.machine('one'), await fleet.machine('two')]
  const first = await one.start()
  await first.ready()
  const second = await two.start()
  await second.ready()
  expect(second.lines.some(leads)).toBe(false)
  on.sandbox.answer({}, 'InternalServerException')
  await until('the first email', () => kinds(fleet).includes('failing'))
  expect(JSON.parse((await two.get('/healthz')).body)).toMatchObject({
    ...{ ok: true, reasons: [], machine: 'two', leads: false, leader: { name: 'one', takeovers: 0 } },
    machines: [{ name: 'one' }, { name: 'two' }],
  })
  const [open] = await on.incidents()
  const page = async () => (await two.get('/')).body
  expect(await page()).toContain('one leads and makes the calls of 1 caller, two stands by (this machine); 0 takeovers so far')
  await until('the page to show what the leader has stored', async () =>
    (await page()).includes(`incidents/${String(open?.['id'])}`),
  )
  const metrics = (await two.get('/metrics')).body
  expect(metrics).toMatch(/^alibi_leader 0$/m)
  expect(metrics).toMatch(/^alibi_machines 2$/m)

  const killedAt = performance.now()
  first.kill('SIGKILL')
  await second.line('the lead', leads)
  await second.next('a run', isRun('failed'))
  expect(performance.now() - killedAt).toBeLessThan(15_000)
  on.sandbox.answer({}, 'ok')
  await until('the recovery', () => kinds(fleet).includes('recovered'))
  expect(kinds(fleet)).toEqual(['failing', 'recovered'])
  const incidents = await on.incidents()
  expect(incidents).toMatchObject([{ state: 'closed' }])
  const [failing, recovered] = on.mailbox.mails
  expect(recovered?.headers['in-reply-to']).toBe(failing?.messageId)
  expect(second.lines.filter(isDecision('opened'))).toEqual([])

  const third = await one.start()
  await third.ready()
  const askedAt = performance.now()
  second.kill('SIGTERM')
  await third.line('the lead', leads)
  expect(performance.now() - askedAt).toBeLessThan(5_000)
  expect((await second.exited).code).toBe(0)
})

test('a leader that is stopped and wakes up writes and sends nothing any more', async () => {
  const fleet = await staged()
  const { on } = fleet
  const first = await (await fleet.machine('one')).start()
  await first.ready()
  const second = await (await fleet.machine('two')).start()
  await second.ready()
  first.kill('SIGSTOP')
  await second.line('the lead', leads)
  on.sandbox.answer({}, 'InternalServerException')
  await until('the first email', () => kinds(fleet).includes('failing'))
  const before = first.lines.length
  first.kill('SIGCONT')
  await first.line('that it is over', ({ message }) => message === 'the lead is given up')
  on.sandbox.answer({}, 'ok')
  await until('the recovery', () => kinds(fleet).includes('recovered'))
  expect(kinds(fleet)).toEqual(['failing', 'recovered'])
  expect(first.lines.slice(before).filter(({ message }) => message === 'decision' || message === 'mail delivered')).toEqual([])
  expect(await on.incidents()).toHaveLength(1)
})

test('a machine that stands by takes the answer to an email and a changed configuration', async () => {
  const fleet = await staged()
  const { on } = fleet
  const token = 'a-token-that-is-long-enough-for-anybody'
  await fleet.configure({
    web: `{ listen: "127.0.0.1:${on.port}", token: "${token}", url: "https://alibi.example.com/" }`,
  })
  const [one, two] = [await fleet.machine('one'), await fleet.machine('two')]
  const first = await one.start()
  await first.ready()
  const second = await two.start()
  await second.ready()
  on.sandbox.answer({}, 'InternalServerException')
  await until('the first email', () => kinds(fleet).includes('failing'))
  const [incident] = await on.incidents()
  const id = String(incident?.['id'])
  const answer = answerKey(token, { incident: id, recipient: 'oncall', until: Date.now() + 3_600_000 })
  expect(await two.post(`/incidents/${id}/answer`, { answer, do: 'ack' })).toBe(303)
  const explained = await on.alibi('explain', id)
  expect(explained.out).toMatch(/acknowledged by oncall, by the link of an email/)

  const path = join(on.directory, 'two', 'alibi.yaml')
  await writeFile(path, (await readFile(path, 'utf8')).replace('extension: 2s', 'extension: 3s'))
  second.kill('SIGHUP')
  await second.line('the change', ({ message }) => message === 'configuration reloaded')
  const configs = async () => {
    const { machines } = JSON.parse((await one.get('/healthz', token)).body) as { machines: { config: string }[] }
    return new Set(machines.map(({ config }) => config)).size
  }
  await until('the leader to hear of it', async () => (await configs()) === 2)
})

test('every command works against it', async () => {
  const fleet = await staged()
  const { on } = fleet
  const empty = await on.alibi('incidents')
  expect([empty.code, empty.err]).toEqual([69, expect.stringMatching(/there is nothing of Alibi in the schema/)])
  const daemon = await (await fleet.machine('one')).start()
  await daemon.ready()
  on.sandbox.answer({}, 'InternalServerException')
  await until('the first email', () => kinds(fleet).includes('failing'))
  const [incident] = await on.incidents()
  const id = String(incident?.['id'])
  const works = async (args: readonly string[], says: RegExp) => {
    const { code, out, err } = await on.alibi(...args)
    expect([args.join(' '), code, err]).toEqual([args.join(' '), 0, ''])
    expect(out).toMatch(says)
  }
  await works(['explain', id], /failing/)
  await works(['explain', id, '--json'], new RegExp(id))
  await works(['incidents', '--patterns'], /GetContactInformation/)
  await works(['outbox', 'list'], /no queued emails/)
  await works(['ack', id, '--reason', 'on it'], /is acknowledged/)
  await works(['silence', 'add', '--for', '2h', '--reason', 'drill'], /every monitor until/)
  await works(['silence', 'list'], /drill/)
  await works(['health', '--at', new Date(Date.now()).toISOString()], /AWS Health/)
  await works(['check'], /PostgreSQL at 127\.0\.0\.1/)
  const live = await on.alibi('check', '--live')
  expect(live.out).toMatch(/PostgreSQL \d+\.\d+.*one transaction in/)
  await daemon.next('the order', ({ message }) => message === 'run')
  const missing = await on.alibi('explain', 'ffffffffffffffff')
  expect(missing.code).toBe(64)
})

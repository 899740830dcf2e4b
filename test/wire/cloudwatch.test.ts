import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { cloudWatch, MAX_WAITING_BYTES } from '../../src/adapters/cloudwatch.ts'
import { createLog } from '../../src/adapters/log.ts'
import { LogsStandIn } from '../../src/sandbox/logs.ts'

let wanted = { group: '/alibi', stream: 'host-7', region: 'eu-west-1', endpoint: '' }
const DEADLINE_MS = 15_000
let aws = new LogsStandIn(['/alibi'])
const server = createServer((req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => aws.handle(req, Buffer.concat(chunks).toString(), res) || res.writeHead(404).end())
})

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  wanted = { ...wanted, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAINVENTED'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'invented'
})
afterEach(() => {
  aws = new LogsStandIn(['/alibi'])
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function until(what: string, holds: () => boolean) {
  const end = performance.now() + DEADLINE_MS
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${DEADLINE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function logged() {
  const told: string[] = []
  const cloud = cloudWatch({
    wanted,
    flushMs: 10,
    failed: (why) => told.push(`failed: ${why}`),
    recovered: (lost) => told.push(`recovered, ${lost} lost`),
  })
  return { told, ...cloud, say: (...lines: readonly string[]) => lines.forEach((line) => void cloud.stream.write(`${line}\n`)) }
}
const texts = () => aws.messages.map(({ message }) => message)

test('the stream is made when it is missing, and lines come in order, in batches', async () => {
  const { say, finish, told } = logged()
  const lines = Array.from({ length: 3_000 }, (_, at) => `{"line":${at},"pad":"${'x'.repeat(300)}"}`)
  say(...lines)
  await until('all lines', () => texts().length === lines.length)
  expect(texts()).toEqual(lines)
  expect(new Set(aws.messages.map(({ stream }) => stream))).toEqual(new Set(['/alibi/host-7']))
  expect(aws.calls.slice(0, 3)).toEqual(['PutLogEvents', 'CreateLogStream', 'PutLogEvents'])
  expect(aws.calls.length).toBeLessThan(8)
  expect(told).toEqual([])
  await finish()
})

test('a group that is missing is not made, and said once', async () => {
  aws = new LogsStandIn([])
  const { say, finish, told } = logged()
  say('one', 'two')
  await until('two attempts', () => aws.calls.length >= 4)
  expect(aws.calls.every((call) => call === 'PutLogEvents' || call === 'CreateLogStream')).toBe(true)
  expect(told).toEqual([expect.stringMatching(/^failed: ResourceNotFoundException/)])
  aws.there.add('/alibi')
  await until('the lines', () => texts().length === 2)
  await until('the word', () => told.length === 2)
  expect(told[1]).toBe('recovered, 0 lost')
  await finish()
})

test('an outage loses the oldest lines, and says how many', async () => {
  aws.mode = 'failing'
  const { say, finish, told } = logged()
  say('first')
  await until('a failure', () => told.length === 1)
  const line = 'y'.repeat(10_000)
  const many = Math.ceil(MAX_WAITING_BYTES / 10_000) + 100
  for (let at = 0; at < many; at++) say(`${at} ${line}`)
  aws.mode = 'up'
  await until('the last line', () => texts().some((text) => text.startsWith(`${many - 1} `)))
  await until('the word', () => told.length === 2)
  expect(texts()).not.toContain('first')
  const lost = Number(/recovered, (\d+) lost/.exec(told[1] ?? '')?.[1])
  expect(lost).toBeGreaterThanOrEqual(100)
  expect(texts().length).toBe(many + 1 - lost)
  await finish()
})

test('what is left when it ends goes out; an outage is not waited out', async () => {
  const well = logged()
  well.say('last words')
  await well.finish()
  expect(texts()).toEqual(['last words'])

  aws.mode = 'hanging'
  const hung = logged()
  hung.say('lost')
  await until('a call', () => aws.calls.length > 2)
  await hung.finish()
  expect(texts()).toEqual(['last words'])
})

test('a clock that is set back keeps no batch from going out', async () => {
  const { say, finish, told } = logged()
  const real = Date.now
  say('before')
  Date.now = () => real() - 3_600_000
  say('after')
  Date.now = real
  await until('both', () => texts().length === 2)
  expect(texts()).toEqual(['after', 'before'])
  expect(told).toEqual([])
  await finish()
})

test('the log itself: lines go to stdout and to CloudWatch, without secrets, and an outage is one line on stdout', async () => {
  aws.mode = 'denied'
  let out = ''
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      out += String(chunk)
      done()
    },
  })
  const log = createLog({ level: 'info', format: 'json', file: null, cloudwatch: wanted }, { secrets: ['hunter22'], stdout })
  log.info('one', { password: 'hunter22' })
  await until('the fault', () => out.includes('CloudWatch Logs takes no lines'))
  log.info('two')
  aws.mode = 'up'
  await until('all', () => texts().some((text) => text.includes('CloudWatch Logs takes no lines')))
  await until('the word', () => out.includes('CloudWatch Logs takes lines again'))
  await log.close()
  expect(out.match(/CloudWatch Logs takes no lines/g)).toHaveLength(1)
  expect(texts().map((text) => (JSON.parse(text) as { message: string }).message)).toEqual(
    expect.arrayContaining(['one', 'two', 'CloudWatch Logs takes lines again']),
  )
  expect(`${out}${texts().join()}`).not.toContain('hunter22')
})

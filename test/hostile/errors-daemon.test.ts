import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { DEADLINE_MS, stage } from '../wire/daemon-process.ts'

/* The real daemon, whose AWS answers with errors that no schema foresees: the outage is told all the same. */

/** Answers every request with a 500 of this body, of whatever path; its address. */
async function failing(body: string, over: (close: () => void) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      response.writeHead(500, { 'content-type': 'application/json' })
      response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  over(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.for<[string, string]>([
  ['a number', '{"__type": "InternalServerException", "message": 7}'],
  ['an object that is no text', '{"__type": "InternalServerException", "message": {"toString": null}}'],
])(
  'Account’s and AWS Health’s errors have a message that is %s',
  { timeout: 3 * DEADLINE_MS },
  async ([, answer], { onTestFinished }) => {
    const url = await failing(answer, onTestFinished)
    await using on = await stage()
    const daemon = on.daemon({ AWS_ENDPOINT_URL_ACCOUNT: url, AWS_ENDPOINT_URL_HEALTH: url })
    await daemon.ready()
    const told = await daemon.line(
      'an email of the failure',
      (line) => line['message'] === 'mail delivered' && line['kind'] === 'failing',
    )
    expect(told).toMatchObject({ kind: 'failing' })
    const run = await daemon.line('a failed run', (line) => line['message'] === 'run' && line['kind'] === 'internal')
    expect(run).toMatchObject({ error: 'InternalServerException', status: 500 })
    expect(daemon.lines.filter((line) => line['level'] === 'error')).toEqual([])
  },
)

test.for<[string, string]>([
  ['combining marks in no order', '\u0315\u0300'.repeat(10_000)],
  ['one letter, and a title that is nearly all of it', 'a'.repeat(60_000)],
  ['names of regions that begin', 'US East (N. Virginia '.repeat(2_000)],
])(
  'a dashboard whose events are %s keeps nobody from being told, nor from asking how we are',
  { timeout: 3 * DEADLINE_MS },
  async ([, text], { onTestFinished }) => {
    const url = await failing('{"__type": "InternalServerException", "message": "Internal server error"}', onTestFinished)
    const code = 'AWS_EC2_OPERATIONAL_ISSUE'
    const events = Array.from({ length: 60 }, (_, i) => ({
      arn: `arn:aws:health:global::event/EC2/${code}/${code}_${i}`,
      date: Date.now() / 1_000 - 600,
      service: 'ec2',
      status: 1,
      summary: `${text.slice(0, 39_000)}b`,
      event_log: [{ timestamp: Date.now() / 1_000 - 600, message: text }],
    }))
    const board = createServer((_, response) => response.end(JSON.stringify(events)))
    await new Promise<void>((resolve) => board.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void board.close())
    const dashboard = `http://127.0.0.1:${(board.address() as AddressInfo).port}/`
    await using on = await stage({ health: `{ cacheFor: 1s, dashboard: { url: "${dashboard}" } }` })
    const daemon = on.daemon({ AWS_ENDPOINT_URL_ACCOUNT: url })
    await daemon.ready()
    const told = daemon.line(
      'an email of the failure',
      (line) => line['message'] === 'mail delivered' && line['kind'] === 'failing',
    )
    await daemon.line('a reading', (line) => line['message'] === 'AWS Health read')
    for (let i = 0; i < 5; i++) expect((await on.get('/healthz')).status).toBeLessThan(504)
    await told
  },
)

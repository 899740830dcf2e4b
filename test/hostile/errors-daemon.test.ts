import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEADLINE_MS, stage } from '../wire/daemon-process.ts'

/* The real daemon, whose AWS answers with errors that no schema foresees: the outage is told all the same. */

/** Answers every request so, of whatever path. */
let body = ''
let server: Server
let url = ''
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      response.writeHead(500, { 'content-type': 'application/json' })
      response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

test.for<[string, string]>([
  ['a number', '{"__type": "InternalServerException", "message": 7}'],
  ['an object that is no text', '{"__type": "InternalServerException", "message": {"toString": null}}'],
])('Account’s and AWS Health’s errors have a message that is %s', { timeout: 3 * DEADLINE_MS }, async ([, answer]) => {
  body = answer
  await using on = await stage()
  const daemon = on.daemon({ AWS_ENDPOINT_URL_ACCOUNT: url, AWS_ENDPOINT_URL_HEALTH: url })
  await daemon.ready()
  const told = await daemon.line(
    'an email of the failure',
    (line) => line['message'] === 'mail delivered' && line['kind'] === 'failing',
  )
  expect(told).toMatchObject({ kind: 'failing' })
  const run = await daemon.line('a failed run', (line) => line['message'] === 'run' && line['outcome'] === 'failed')
  expect(run).toMatchObject({ kind: 'internal', error: 'InternalServerException', status: 500 })
  expect(daemon.lines.filter((line) => line['level'] === 'error')).toEqual([])
})

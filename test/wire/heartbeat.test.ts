import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { httpHeartbeat } from '../../src/adapters/heartbeat.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listener(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const heard: { method: string; url: string; body: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += String(chunk)
    heard.push({ method: req.method ?? '', url: req.url ?? '', body, headers: req.headers })
    answer(req, res)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { heard, port: (server.address() as AddressInfo).port }
}

const NEVER = new AbortController().signal
const SECRET = 'dont-tell-4711'

test('GET when all is well, POST of the reasons to /fail when not', async () => {
  const { heard, port } = await listener((_, res) => res.end('OK'))
  const { beat } = httpHeartbeat({ url: `http://127.0.0.1:${port}/${SECRET}?rid=7`, secrets: ['hunter22'] })
  expect(await beat([], NEVER)).toBeNull()
  expect(await beat(['the disk is full', 'password hunter22 refused', 'x'.repeat(9_000)], NEVER)).toBeNull()
  expect(heard).toMatchObject([
    { method: 'GET', url: `/${SECRET}?rid=7`, body: '' },
    { method: 'POST', url: `/${SECRET}/fail?rid=7` },
  ])
  expect(heard[1]?.body).toMatch(/^the disk is full\npassword \[secret\] refused\nx+$/)
  expect(heard[1]?.body).toHaveLength(4_000)
})

test('user and password go into the header, where they belong', async () => {
  const { heard, port } = await listener((_, res) => res.end())
  const { beat } = httpHeartbeat({ url: `http://me:p%40ss@127.0.0.1:${port}/up/`, secrets: [] })
  expect(await beat(['no'], NEVER)).toBeNull()
  expect(heard[0]).toMatchObject({ url: '/up/fail', headers: { authorization: `Basic ${btoa('me:p@ss')}` } })
})

test.for<[string, (res: ServerResponse) => void, RegExp]>([
  ['404', (res) => void res.writeHead(404).end(), /^HTTP 404$/],
  ['500 with a body without end', (res) => void res.writeHead(500).write('x'.repeat(100_000)), /^HTTP 500$/],
  ['a redirect', (res) => void res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), /^HTTP 302$/],
  ['silence', () => {}, /^no answer in time$/],
  ['a line that is cut', (res) => void res.destroy(), /^it cannot be reached \(\w+\)$/],
])('%s is said, without the address', async ([, answer, said]) => {
  const { heard, port } = await listener((_, res) => answer(res))
  const { beat } = httpHeartbeat({ url: `http://127.0.0.1:${port}/${SECRET}`, secrets: [], deadlineMs: 500 })
  const why = await beat([], NEVER)
  expect(why).toMatch(said)
  expect(why).not.toContain(SECRET)
  expect(heard).toHaveLength(1)
})

test.for<[string, number, string, RegExp | null]>([
  ['OK', 200, 'OK', null],
  ['nothing', 200, '', null],
  ['OK, as JSON', 200, '{"ok":true,"msg":"OK"}', null],
  ['thanks', 202, 'Got it (and thanks)', null],
  ['a page', 200, `<html>${'x'.repeat(100_000)}</html>`, null],
  ['an address that it does not know', 200, 'OK (not found)', /did not take it: OK \(not found\)$/],
  ['one line more', 200, 'OK (not found)\n', /did not take it: OK \(not found\)$/],
  ['too many beats', 200, 'OK (rate limited)', /did not take it: OK \(rate limited\)$/],
  ['no, as JSON', 200, '{"ok":false,"msg":"Monitor not found or not active."}', /Monitor not found or not active/],
  ['no, with our address', 200, `OK (no check ${SECRET})`, /did not take it: OK \(no check \[secret\]\)$/],
])('an answer that says %s', async ([, status, body, said]) => {
  const { port } = await listener((_, res) => void res.writeHead(status).end(body))
  const { beat } = httpHeartbeat({ url: `http://127.0.0.1:${port}/${SECRET}`, secrets: [] })
  for (const reasons of [[], ['the disk is full']]) {
    const why = await beat(reasons, NEVER)
    if (said === null) expect(why).toBeNull()
    else expect(why).toMatch(said)
  }
})

test('an answer without an end is an answer', async () => {
  const { port } = await listener((_, res) => void res.writeHead(200).write('O'))
  const { beat } = httpHeartbeat({ url: `http://127.0.0.1:${port}/x`, secrets: [], deadlineMs: 300 })
  expect(await beat([], NEVER)).toBeNull()
})

test('nobody there, and given up', async () => {
  const { beat } = httpHeartbeat({ url: `http://127.0.0.1:1/${SECRET}`, secrets: [] })
  expect(await beat([], NEVER)).toMatch(/^it cannot be reached \(\w*\)$/)
  expect(await beat([], AbortSignal.abort())).toBe('given up')
})

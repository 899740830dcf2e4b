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

test('nobody there, and given up', async () => {
  const { beat } = httpHeartbeat({ url: `http://127.0.0.1:1/${SECRET}`, secrets: [] })
  expect(await beat([], NEVER)).toMatch(/^it cannot be reached \(\w*\)$/)
  expect(await beat([], AbortSignal.abort())).toBe('given up')
})

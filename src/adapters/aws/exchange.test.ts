import { once } from 'node:events'
import http, { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { exchange, headersOf, isPlain } from './exchange.ts'

const base = { method: 'POST', protocol: 'http:', hostname: '127.0.0.1', path: '/x', query: {}, headers: {}, body: '{}' }

async function serving(
  answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): Promise<{ port: number; agent: http.Agent }> {
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = new http.Agent({ keepAlive: true })
  onTestFinished(() => {
    agent.destroy()
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, agent }
}

test.for<[string, object, boolean]>([
  ['a text', {}, true],
  ['bytes', { body: new Uint8Array(2) }, true],
  ['nothing', { body: undefined }, true],
  ['a stream', { body: Readable.from(['x']) }, false],
  ['a query', { query: { list: 'y' } }, false],
  ['a fragment', { fragment: 'z' }, false],
  ['a user', { username: 'u', password: 'p' }, false],
  ['a body that waits for a go-ahead', { headers: { Expect: '100-continue' } }, false],
])('a request with %s', ([, over, plain]) => {
  expect(isPlain({ ...base, ...over })).toBe(plain)
})

test.for<[string, string | Uint8Array | undefined]>([
  ['text', '{"ä":1}'],
  ['bytes', new Uint8Array([0, 255, 7])],
  ['no bytes', new Uint8Array(0)],
  ['nothing', undefined],
])('the server gets %s as it is, and the headers', async ([, body]) => {
  const sent =
    Promise.withResolvers<Readonly<{ url: string | undefined; method: string | undefined; mark: unknown; body: string }>>()
  const { port, agent } = await serving(async (request, response) => {
    const chunks: Buffer[] = await request.toArray()
    sent.resolve({
      url: request.url,
      method: request.method,
      mark: request.headers['x-mark'],
      body: Buffer.concat(chunks).toString('hex'),
    })
    response.writeHead(202, { 'set-cookie': ['a=1', 'b=2'] }).end()
  })
  const length = String(body === undefined ? 0 : Buffer.byteLength(body))
  const answer = await exchange({ ...base, port, headers: { 'x-mark': '7', 'content-length': length }, body }, agent)
  answer.resume()
  const hex = typeof body === 'string' ? Buffer.from(body).toString('hex') : Buffer.from(body ?? []).toString('hex')
  expect(await sent.promise).toEqual({ url: '/x', method: 'POST', mark: '7', body: hex })
  expect([answer.statusCode, headersOf(answer)['set-cookie']]).toEqual([202, 'a=1,b=2'])
})

test('what is aborted is not sent, and what was sent is ended', async () => {
  const came = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const { port, agent } = await serving((request) => {
    came.resolve()
    request.socket.once('close', () => ended.resolve())
  })
  const early = AbortSignal.abort('early')
  await expect(exchange({ ...base, port }, agent, early)).rejects.toMatchObject({ name: 'AbortError', cause: 'early' })
  const end = new AbortController()
  const asked = exchange({ ...base, port }, agent, end.signal)
  await came.promise
  end.abort('late')
  await expect(asked).rejects.toMatchObject({ name: 'AbortError', cause: 'late' })
  await ended.promise
})

test('a broken line is named as the SDK names it, and keeps the code of Node', async () => {
  const { port, agent } = await serving((request) => void request.socket.destroy())
  await expect(exchange({ ...base, port }, agent)).rejects.toMatchObject({ name: 'TimeoutError', code: 'ECONNRESET' })
})

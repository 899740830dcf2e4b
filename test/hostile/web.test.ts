import { connect, type Socket } from 'node:net'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { Log } from '../../src/ports/log.ts'
import { virtualClock } from '../../src/simulate/clock.ts'
import { MAX_CONNECTIONS, MAX_UNANSWERED } from '../../src/web/connections.ts'
import { startWeb } from '../../src/web/server.ts'
import { fakeStore } from '../fakes/store.ts'
import { NOW, SCENES } from '../wire/web-world.ts'

/** The page's server, asked by clients that mean harm or do not know better: over real sockets, byte by byte. */

const cleanup: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end()
})

/** What the server said to its log, from `warn` upwards. */
type Started = Readonly<{ port: number; said: string[]; asked: () => number }>

async function start(listen: Readonly<{ hosts?: string[]; token?: string; held?: Promise<void> }> = {}): Promise<Started> {
  const scene = SCENES['failing']!()
  const said: string[] = []
  let asked = 0
  const loud = (message: string) => void said.push(message)
  const log: Log = { error: loud, warn: loud, info: () => {}, debug: () => {} }
  const web = await startWeb({
    listen: { host: '127.0.0.1', port: 0, hosts: listen.hosts ?? [], token: listen.token ?? null },
    log,
    reader: fakeStore(scene.disk),
    health: async () => {
      asked++
      await listen.held
      return { ok: true, reasons: [] }
    },
    view: () => scene.view,
    clock: virtualClock(NOW),
  })
  cleanup.push(() => web.close())
  return { port: web.address()?.port ?? 0, said, asked: () => asked }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
    cleanup.push(() => void socket.destroy())
  })
}

/** Everything that comes back until the server closes, which it must. A reset counts as closing. */
async function exchange(port: number, bytes: string, andEnd = false): Promise<string> {
  const socket = await open(port)
  return new Promise((resolve) => {
    let got = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1')
    })
    socket.on('close', () => resolve(got))
    socket.write(bytes, 'latin1')
    if (andEnd) socket.end()
  })
}

const head = (target: string, host: string, more = '') =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)

describe('a request that no address can be made of gets 4xx, and no line in the log', () => {
  const TARGETS: readonly (readonly [string, string, number])[] = [
    ['a backslash in the path', '/incidents\\x', 400],
    ['nothing but a backslash', '/\\', 400],
    ['a backslash that would name another host', '/\\evil.example/x', 400],
    ['two slashes', '//evil.example/x', 404],
    ['a percent sign that stands for nothing', '/%', 404],
    ['half a character', '/incidents/%E0%A4%A', 404],
    ['a zero byte in disguise', '/incidents/%00', 404],
    ['dots that lead upwards', '/../../etc/passwd', 404],
    ['the same in disguise', '/%2e%2e/%2e%2e/etc/passwd', 404],
    ['a whole address', 'http://127.0.0.1/', 400],
    ['another scheme', 'file:///etc/passwd', 400],
    ['a star', '*', 400],
    ['brackets of an IPv6 address', '/[::1', 404],
    ['signs that nobody leaves as they are', '/"<>^`{|}', 404],
    ['bytes beyond ASCII', '/\u00e4\u00ff', 400],
    ['a fragment', '/#x', 200],
    ['many parts', `/${'a/'.repeat(4_000)}`, 404],
    ['a backslash in the query', '/healthz?a=\\', 200],
  ]
  test.for(TARGETS)('%s', async ([, target, status]) => {
    const { port, said } = await start()
    expect([statusOf(await exchange(port, head(target, `127.0.0.1:${port}`))), said]).toEqual([status, []])
  })

  const HOSTS: readonly (readonly [string, string, number])[] = [
    ['an IPv4 address written as IPv6', '[::ffff:127.0.0.1]:PORT', 403],
    ['the same in hexadecimal', '[::ffff:7f00:1]:PORT', 403],
    ['fewer numbers than four', '127.1:PORT', 403],
    ['one number', '2130706433:PORT', 403],
    ['octal numbers', '0177.0.0.1:PORT', 403],
    ['every address', '0.0.0.0:PORT', 403],
    ['a port of six digits', '127.0.0.1:0PORT', 403],
    ['a port that there is not', 'alibi.example.com:99999', 400],
    ['a port of no number', 'alibi.example.com:http', 403],
    ['a user', 'user@127.0.0.1:PORT', 403],
    ['a backslash', '127.0.0.1:PORT\\', 403],
    ['a zone', '[fe80::1%25eth0]:PORT', 403],
    ['a bracket too few', '[::1:PORT', 403],
    ['a name of web.hosts that ends in a number', 'a.1:PORT', 200],
  ]
  test.for(HOSTS)('asked for by %s', async ([, name, status]) => {
    const { port, said } = await start({ hosts: ['alibi.example.com', 'a.1'] })
    expect([statusOf(await exchange(port, head('/healthz', name.replace('PORT', String(port))))), said]).toEqual([status, []])
  })

  test('whatever stands in path, Host and headers, nobody is answered with 5xx and the log stays silent', async () => {
    const { port, said } = await start({ hosts: ['alibi.example.com', 'a.1', '1'] })
    const byte = fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code))
    const odd = fc.constantFrom('\\', '%', '//', '..', '%2f', '[', ']', '@', ':', '?', '#', '\u00ff', 'a')
    const text = fc.array(fc.oneof(byte, odd), { maxLength: 12 }).map((parts) => parts.join(''))
    const host = fc.oneof(
      fc.constantFrom(`127.0.0.1:${port}`, 'alibi.example.com', '1', 'a.1'),
      fc.tuple(fc.constantFrom('alibi.example.com', 'a.1', '[::1]', ''), text).map((parts) => parts.join(':')),
    )
    const cookie = text.map((value) => `Cookie: alibi=${value}\r\n`)
    await fc.assert(
      fc.asyncProperty(text, host, cookie, async (target, name, more) => {
        expect(statusOf(await exchange(port, head(`/${target}`, name, more)))).toBeLessThan(500)
        expect(said).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

describe('silent and slow clients', () => {
  /** Holds so many connections, each with these first bytes; resolves to those that the server has closed. */
  async function crowd(port: number, count: number, bytes: string): Promise<Set<Socket>> {
    const closed = new Set<Socket>()
    for (let i = 0; i < count; i++) {
      const socket = await open(port)
      socket.on('error', () => {})
      socket.on('close', () => closed.add(socket))
      if (bytes !== '') socket.write(bytes)
      socket.pause()
    }
    return closed
  }

  const SILENT: readonly (readonly [string, (port: number) => string])[] = [
    ['that say nothing', () => ''],
    ['that stop in the middle of a line', () => 'GET / HT'],
    ['that never end their headers', (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: `],
    ['that keep the connection after their answer', (port) => `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`],
    ['that do not read the page', (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`],
    ['that are refused', () => 'GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n'],
  ]
  test.for(SILENT)('three times as many as there is room for, %s, keep nobody from /healthz', async ([, bytes]) => {
    const { port, said } = await start()
    await crowd(port, 3 * MAX_CONNECTIONS, bytes(port))
    expect(statusOf(await exchange(port, head('/healthz', `127.0.0.1:${port}`)))).toBe(200)
    expect(said).toEqual([])
  })

  test('whoever waits for an answer keeps the connection; who has kept us waiting longest gives way', async () => {
    const held = Promise.withResolvers<void>()
    const { port, asked } = await start({ held: held.promise })
    const waits = exchange(port, head('/healthz', `127.0.0.1:${port}`))
    await expect.poll(asked).toBe(1)
    const closed = await crowd(port, 2 * MAX_CONNECTIONS, '')
    await expect.poll(() => closed.size).toBe(MAX_CONNECTIONS + 1)
    held.resolve()
    expect(statusOf(await waits)).toBe(200)
  })
})

describe('many requests at once on one connection', () => {
  const one = (port: number, target = '/healthz') => `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`

  test('a few are answered, in their order', async () => {
    const { port } = await start()
    const targets = ['/healthz', '/nothing', '/api/incidents?limit=0']
    const sent = [...targets.map((target) => one(port, target)), head('/', `127.0.0.1:${port}`)]
    const answers = (await exchange(port, sent.join(''))).matchAll(/HTTP\/1\.1 (\d{3}) /g)
    expect([...answers].map(([, status]) => status)).toEqual(['200', '404', '400', '200'])
  })

  test('the next one is begun when the one before is sent', async () => {
    const held = Promise.withResolvers<void>()
    const { port, asked } = await start({ held: held.promise })
    const socket = await open(port)
    socket.write(one(port).repeat(MAX_UNANSWERED))
    await expect.poll(asked).toBe(1)
    // Somebody else is not kept waiting by them, and is answered after they were read.
    expect(statusOf(await exchange(port, head('/nothing', `127.0.0.1:${port}`)))).toBe(404)
    expect(asked()).toBe(1)
    held.resolve()
    await expect.poll(asked).toBe(MAX_UNANSWERED)
  })

  test('who ends their side after sending still gets every answer', async () => {
    const { port, said } = await start()
    const answers = await exchange(port, one(port).repeat(500), true)
    expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(500)
    expect(said).toEqual([])
  })

  test('of thousands a few are read; the others wait for their turn, and get it', async () => {
    const held = Promise.withResolvers<void>()
    const { port, asked, said } = await start({ held: held.promise })
    const answers = exchange(port, one(port).repeat(2_000) + head('/healthz', `127.0.0.1:${port}`))
    await expect.poll(asked).toBe(1)
    expect(statusOf(await exchange(port, head('/nothing', `127.0.0.1:${port}`)))).toBe(404)
    expect(asked()).toBe(1)
    held.resolve()
    expect((await answers).match(/HTTP\/1\.1 200 /g)).toHaveLength(2_001)
    expect(said).toEqual([])
  })
})

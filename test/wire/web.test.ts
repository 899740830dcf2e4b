import { createHash } from 'node:crypto'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { summaryOf } from '../../src/domain/incident-summary.ts'
import { DECISIONS } from '../../src/domain/ledger.ts'
import { MAIL_KINDS } from '../../src/domain/notification.ts'
import type { HealthEvent } from '../../src/domain/outage.ts'
import { FAILURE_KINDS, HOUR_MS } from '../../src/domain/probe.ts'
import { incidentJson } from '../../src/domain/shown.ts'
import type { Log } from '../../src/ports/log.ts'
import { MAIL_RESULTS } from '../../src/ports/meter.ts'
import { StoreError } from '../../src/ports/store.ts'
import { type VirtualClock, virtualClock } from '../../src/simulate/clock.ts'
import { createMetrics, type Metrics } from '../../src/web/metrics.ts'
import { type Health, startWeb, type Web } from '../../src/web/server.ts'
import { type FakeStore, fakeStore } from '../fakes/store.ts'
import {
  ADDRESS,
  ALIBI,
  EXPLAINED,
  failedRun,
  hostileScene,
  incidentOf,
  memberOf,
  NOW,
  ONSET,
  PROBES,
  readingOf,
  SCENES,
  type Scene,
} from './web-world.ts'

type Line = Readonly<{ level: keyof Log; message: string; fields: Record<string, unknown> }>
type Started = Readonly<{ web: Web; clock: VirtualClock; store: FakeStore; lines: Line[]; port: number }>
type Answer = Readonly<{ status: number; headers: IncomingHttpHeaders; body: string }>

const cleanup: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end()
})

async function start(
  scene: Scene = SCENES['failing']!(),
  over: {
    health?: () => Promise<Health>
    hosts?: string[]
    port?: number
    host?: string
    token?: string
    metrics?: Metrics
  } = {},
): Promise<Started> {
  const lines: Line[] = []
  const log =
    (level: keyof Log) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      void lines.push({ level, message, fields })
  const clock = virtualClock(NOW)
  const store = fakeStore(scene.disk)
  const web = await startWeb({
    listen: { host: over.host ?? '127.0.0.1', port: over.port ?? 0, hosts: over.hosts ?? [], token: over.token ?? null },
    ...(over.metrics === undefined ? {} : { metrics: over.metrics }),
    log: { error: log('error'), warn: log('warn'), info: log('info'), debug: log('debug') },
    reader: store,
    health: over.health ?? (async () => ({ ok: true, reasons: [] })),
    view: () => scene.view,
    clock,
  })
  cleanup.push(() => web.close())
  return { web, clock, store, lines, port: web.address()?.port ?? 0 }
}

function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; agent?: Agent } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, agent } = options
    const outgoing = request(
      { host: '127.0.0.1', port, path, method, headers, ...(agent === undefined ? {} : { agent }), timeout: 10_000 },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
        response.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(options.body)
  })
}

/** The answer to exactly these bytes, until the server closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let got = ''
    socket.setTimeout(10_000, () => socket.destroy(new Error('the server did not close')))
    socket.on('data', (chunk) => {
      got += chunk.toString()
    })
    socket.on('close', () => resolve(got))
    socket.on('error', reject)
  })
}

async function taken(): Promise<Server & { port: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(server, { port })
}

describe('GET /healthz', () => {
  test.for<[string, () => Promise<Health>, number, unknown]>([
    ['200 while everything is ok', async () => ({ ok: true, reasons: [] }), 200, { ok: true, reasons: [] }],
    [
      '503 with the reasons',
      async () => ({ ok: false, reasons: ['monitor production has not run for 4m'] }),
      503,
      { ok: false, reasons: ['monitor production has not run for 4m'] },
    ],
    [
      'no address in a reason',
      async () => ({ ok: false, reasons: [`550 <${ADDRESS}>`] }),
      503,
      { ok: false, reasons: ['550 (address)'] },
    ],
    [
      '503 when the health check itself fails',
      async () => Promise.reject(new Error('the disk is gone')),
      503,
      { ok: false, reasons: [expect.stringMatching(/^the health check itself failed/)] },
    ],
  ])('%s', async ([, health, status, body]) => {
    const { port } = await start(undefined, { health })
    const answer = await ask(port, '/healthz')
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/json'])
    expect(JSON.parse(answer.body)).toEqual(body)
  })

  test('503 when the health check takes too long', async () => {
    const asked = Promise.withResolvers<void>()
    const { port, clock } = await start(undefined, { health: stuck(asked) })
    const answer = ask(port, '/healthz')
    await asked.promise
    await clock.advance(10_000)
    expect((await answer).status).toBe(503)
  })
})

describe('GET /api/incidents', () => {
  test('the objects of docs/reference.md, newest first, as many as asked for', async () => {
    const scene = SCENES['well']!()
    const newer = incidentOf('0000000000000003', [memberOf(PROBES[0]!, EXPLAINED)], { openedAt: NOW - HOUR_MS })
    scene.disk.incidents.set(newer.id, newer)
    const { port } = await start(scene)
    const all = JSON.parse((await ask(port, '/api/incidents')).body)
    expect(all.map(({ id }: { id: string }) => id)).toEqual([newer.id, '77aa000000000001', '66bb000000000002'])
    expect(all[0]).toEqual(incidentJson(summaryOf(newer)))
    expect(JSON.parse((await ask(port, '/api/incidents?limit=1')).body)).toEqual([incidentJson(summaryOf(newer))])
  })

  test.for(['0', '-1', '501', '1e2', 'all', '', '1.5', '00001'])('limit=%s is 400', async (limit) => {
    const { port } = await start()
    expect((await ask(port, `/api/incidents?limit=${limit}`)).status).toBe(400)
  })

  test('one incident with members, ledger and emails, without addresses', async () => {
    const { port } = await start()
    const answer = await ask(port, '/api/incidents/a3f9c0de51b27764')
    const story = JSON.parse(answer.body)
    expect(answer.status).toBe(200)
    expect(story).toMatchObject({
      id: 'a3f9c0de51b27764',
      state: 'announced',
      verdict: 'unexplained',
      mails: [{ to: 'oncall', kind: 'failing', state: 'delivered' }],
    })
    expect(story.members).toHaveLength(3)
    expect(story.ledger.map(({ decision }: { decision: string }) => decision)).toEqual([
      'opened',
      'mailed',
      'delivered',
      'withheld',
    ])
    expect(answer.body).not.toContain('@example.com')
  })

  test.for([
    '/api/incidents/0000000000000000',
    `/api/incidents/${'a'.repeat(5_000)}`,
    '/api/incidents/%00',
    '/api/incidents/..%2f..',
    '/api/incidents/x/y',
    '/api/',
    '/nothing',
  ])('%s is 404', async (path) => {
    const { port } = await start()
    const answer = await ask(port, path)
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.body)).toHaveProperty('error')
  })

  test('a database that cannot be read is 500, without details', async () => {
    const { port, store, lines } = await start()
    store.failAll(new StoreError('/srv/alibi/data/alibi.db: disk I/O error', { fatal: false }))
    const answer = await ask(port, '/api/incidents')
    expect([answer.status, answer.body.includes('/srv')]).toEqual([500, false])
    expect(lines).toMatchObject([{ level: 'error', message: 'request failed' }])
  })
})

describe('GET /', () => {
  test('answers in HTML; the policy allows its style and its script and nothing else', async () => {
    const { port } = await start()
    const { status, headers, body } = await ask(port, '/')
    const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? ''
    const script = /<script>([\s\S]*?)<\/script>/.exec(body)?.[1] ?? ''
    const hash = (text: string) => createHash('sha256').update(text).digest('base64')
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=UTF-8'])
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash(style)}'; script-src 'sha256-${hash(script)}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect(body.match(/<script|<\/script/g)).toHaveLength(2)
    expect(body).not.toMatch(/\son\w+=|\sstyle=|https?:\/\/(?!wiki\.example\.com|www\.w3\.org)/i)
    expect(body).toContain('<noscript><meta http-equiv="refresh" content="30"/></noscript>')
    expect(body).toContain('FAILING')
  })

  test('does not refresh itself when asked not to', async () => {
    const { port } = await start()
    expect((await ask(port, '/?refresh=off')).body).not.toMatch(/http-equiv="refresh"|<script/)
  })

  test('comes without the database too, and says so', async () => {
    const { port, store } = await start()
    store.failAll(new StoreError('disk I/O error', { fatal: false }))
    const { status, body } = await ask(port, '/')
    expect(status).toBe(200)
    expect(body).toContain('The database cannot be read')
    expect(body).toContain('FAILING')
  })

  test('shows every scene without addresses', async () => {
    for (const scene of Object.values(SCENES)) {
      const { port } = await start(scene())
      const { status, body } = await ask(port, '/')
      expect([status, body.includes('@example.com')]).toEqual([200, false])
    }
  })

  test('foreign text stays text wherever it is shown', async () => {
    const tags = async (text: string, link: string) => {
      const { port } = await start(hostileScene(text, link))
      const { status, body } = await ask(port, '/')
      expect(status).toBe(200)
      expect(['\u202E', '\u0000'].filter((unseen) => body.includes(unseen))).toEqual([])
      return { body, tags: body.match(/<[^>]*>?/g) }
    }
    const plain = await tags('harmless', 'not a link')
    const hostile = await tags(HOSTILE, 'javascript:alert(1)')
    expect(hostile.tags).toEqual(plain.tags?.map((tag) => tag.replaceAll('harmless', ESCAPED)))
    expect(hostile.body.split('&lt;script').length).toBeGreaterThan(12)
    expect(hostile.body).not.toContain('javascript:')
  })
})

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>\u202E\u0000`
/** As it is written in an attribute (a monitor's name in `aria-label`). */
const ESCAPED = '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;alert(2)&#39;&gt;'

describe('GET /incidents/ID', () => {
  test('shows one incident with its whole history, without addresses', async () => {
    const { port } = await start(SCENES['explained']!())
    const { status, headers, body } = await ask(port, '/incidents/d2d2c0de51b27764')
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=UTF-8'])
    for (const text of ['EXPLAINED BY AWS', '31 min after our first failure', 'now-explained', 'no region', 'rule'])
      expect(body, text).toMatch(new RegExp(text === 'no region' ? 'me-central-1' : text))
    expect(body).not.toContain('@example.com')
  })

  test('shows a closed incident from the database', async () => {
    const { port } = await start(SCENES['well']!())
    const { status, body } = await ask(port, '/incidents/66bb000000000002')
    expect(status).toBe(200)
    expect(body).toContain('CLOSED: RECOVERED')
    expect(body).toContain('Explained by AWS_ACCOUNT_OPERATIONAL_ISSUE; AWS first posted 47 min after our first failure')
  })

  test('shows the event of a closed incident as AWS last described it, now or on record', async () => {
    const closed = '66bb000000000002'
    const text = async (scene: Scene) => (await ask((await start(scene)).port, `/incidents/${closed}`)).body
    const ended: HealthEvent = {
      ...ALIBI,
      ...{ category: 'issue', scope: 'PUBLIC', impacted: null, owners: [], status: 'closed', text: 'It is over.' },
      endedAt: NOW - 2 * HOUR_MS,
    }
    const later = readingOf({}, [ended])
    const known = SCENES['well']!()
    const recorded = SCENES['well']!()
    recorded.disk.readings.push({ since: NOW - HOUR_MS, until: NOW - HOUR_MS, reading: later })
    const seen = await text({ ...known, view: { ...known.view, readings: new Map([['aws', later]]) } })
    for (const body of [seen, await text(recorded)]) {
      expect(body).toContain('ended 10:04 UTC')
      expect(body).toContain('It is over.')
      expect(body).toContain('(closed)')
    }
    const unknown = await text(SCENES['well']!())
    expect(unknown).toContain('open when last seen (12:04 UTC)')
    expect(seen + unknown).not.toContain('still open')
  })

  test('foreign text stays text there as well', async () => {
    const tags = async (text: string, link: string) => {
      const { port } = await start(hostileScene(text, link))
      return (await ask(port, '/incidents/a3f9c0de51b27764')).body.match(/<[^>]*>?/g)
    }
    const plain = await tags('harmless', 'not a link')
    expect(await tags(HOSTILE, 'javascript:alert(1)')).toEqual(plain?.map((tag) => tag.replaceAll('harmless', ESCAPED)))
  })

  test('comes without the database, and says what is missing', async () => {
    const { port, store } = await start(SCENES['failing']!())
    store.failAll(new StoreError('disk I/O error', { fatal: false }))
    const { status, body } = await ask(port, '/incidents/a3f9c0de51b27764')
    expect([status, body.includes('The database cannot be read')]).toEqual([200, true])
  })

  test.for(['/incidents/0000000000000000', `/incidents/${'a'.repeat(5_000)}`, '/incidents/%3Cscript%3E'])(
    '%s is 404',
    async (path) => {
      const { port } = await start()
      const { status, body } = await ask(port, path)
      expect([status, body.includes('<script')]).toEqual([404, false])
    },
  )

  test('the changing part alone is what the script asks for', async () => {
    const { port } = await start()
    for (const path of ['/', '/incidents/a3f9c0de51b27764']) {
      const whole = (await ask(port, path)).body
      const part = (await ask(port, `${path}?part=main`)).body
      expect(part).toMatch(/^<main id="main" data-live="" data-state="FAILING"[\s\S]*<\/main>$/)
      expect(whole).toContain(part)
    }
  })
})

/** What only grows, with its value: counters, and how often something was observed. */
function counted(body: string): ReadonlyMap<string, number> {
  const series = [...body.matchAll(/^(\w+_(?:total|count)(?:\{.*\})?) (\S+)$/gm)]
  return new Map(series.map(([, name = '', value]) => [name, Number(value)]))
}

describe('GET /metrics', () => {
  test('shows what was counted, without accounts and addresses', async () => {
    const metrics = createMetrics()
    cleanup.push(() => metrics.close())
    const probe = PROBES[3]!
    metrics.meter.run(probe, failedRun(probe.id, ONSET))
    metrics.meter.mail('failing', 'delivered')
    metrics.meter.read(SCENES['stuck']!().view.readings.get('aws')!)
    const { port } = await start(SCENES['stuck']!(), { metrics })
    const { status, headers, body } = await ask(port, '/metrics')
    expect([status, headers['content-type']]).toEqual([200, expect.stringContaining('text/plain')])
    for (const line of [
      'alibi_runs_total{monitor="production",service="account",region="us-east-1",operation="GetAlternateContact",outcome="internal"} 1',
      'alibi_mails_total{kind="failing",result="delivered"} 1',
      'alibi_incidents_open{state="announced"} 1',
      'alibi_mails_owed{state="refused"} 1',
      `alibi_mail_oldest_owed_seconds ${(NOW - ONSET - 75_000) / 1000}`,
      'alibi_health_source_up{partition="aws",source="api"} 0',
      'alibi_run_duration_seconds_count{operation="GetAlternateContact"} 1',
      'alibi_notices 1',
      'alibi_healthy 1',
      `alibi_build_info{version="0.1.0",node="${process.version}"} 1`,
    ])
      expect(body.split('\n')).toContain(line)
    expect(body).not.toMatch(/111122223333|@example/)
    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(names.filter((name) => !name?.startsWith('alibi_'))).toEqual([])
  })

  test('every counter begins with 0, since `increase()` does not see the increment with which a series begins', async () => {
    const metrics = createMetrics()
    cleanup.push(() => metrics.close())
    const scene = SCENES['well']!()
    let takeovers = 0
    const leader = () => ({ name: 'here', since: ONSET, takeovers })
    const health = async () => ({
      ok: true,
      reasons: [],
      members: { me: 'here', machines: [], leader: leader(), refused: takeovers },
    })
    const { port } = await start(scene, { metrics, health })
    const before = counted((await ask(port, '/metrics')).body)
    const { meter } = metrics
    for (const kind of MAIL_KINDS) for (const result of MAIL_RESULTS) meter.mail(kind, result)
    for (const decision of DECISIONS) meter.decided(decision)
    for (const verdict of ['explained', 'unexplained', 'undetermined'] as const) meter.judged(verdict)
    for (const probe of scene.view.setup.probes.values()) {
      const failed = failedRun(probe.id, ONSET)
      meter.skipped(probe.monitor)
      meter.run(probe, { ...failed, result: 'ok', kind: null })
      for (const kind of FAILURE_KINDS) meter.run(probe, { ...failed, result: 'failed', kind })
      for (const kind of ['throttled', 'stalled'] as const) meter.run(probe, { ...failed, result: 'inconclusive', kind })
    }
    metrics.observeStore('commit', 1)
    meter.began('production', 3)
    meter.told(3_000)
    takeovers = 1
    const after = counted((await ask(port, '/metrics')).body)
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort())
    expect([...before.values()].filter((value) => value !== 0)).toEqual([])
    expect([...after].filter(([, value]) => value === 0).map(([series]) => series)).toEqual([])
  })

  test('a run that was counted before the first scrape is not forgotten', async () => {
    const metrics = createMetrics()
    cleanup.push(() => metrics.close())
    const probe = PROBES[0]!
    metrics.meter.run(probe, failedRun(probe.id, ONSET))
    const { port } = await start(SCENES['well']!(), { metrics })
    for (const _ of ['first', 'second'])
      expect((await ask(port, '/metrics')).body).toContain(
        `alibi_run_duration_seconds_count{operation="${probe.call.operation}"} 1`,
      )
  })

  test('without the database it shows what it knows, and that the rest is unknown', async () => {
    const metrics = createMetrics()
    cleanup.push(() => metrics.close())
    const { port, store } = await start(undefined, { metrics })
    store.failAll(new StoreError('disk I/O error', { fatal: false }))
    const { status, body } = await ask(port, '/metrics')
    expect([status, /^alibi_mail_oldest_owed_seconds NaN$/im.test(body)]).toEqual([200, true])
  })

  test('is 404 without metrics', async () => {
    const { port } = await start()
    expect((await ask(port, '/metrics')).status).toBe(404)
  })
})

describe('web.token', () => {
  const TOKEN = 'a-token-of-some-length-0123456789'
  const PATHS = ['/', '/healthz', '/api/incidents', '/nothing', '/incidents/a3f9c0de51b27764']

  test('without it nothing is shown, not even which paths exist', async () => {
    const { port, lines } = await start(undefined, { token: TOKEN })
    for (const path of PATHS) {
      const answer = await ask(port, path)
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="Alibi"'])
      expect(answer.body).not.toContain('FAILING')
      expect(answer.body).not.toContain(TOKEN)
    }
    expect(JSON.stringify(lines)).not.toContain(TOKEN)
  })

  test.for<[string, Record<string, string>, string, number]>([
    ['as a Bearer token', { Authorization: `Bearer ${TOKEN}` }, '/healthz', 200],
    ['as a bearer token in lower case', { Authorization: `bearer ${TOKEN}` }, '/healthz', 200],
    ['in part', { Authorization: `Bearer ${TOKEN.slice(0, -1)}` }, '/healthz', 401],
    ['with something after it', { Authorization: `Bearer ${TOKEN}x` }, '/healthz', 401],
    ['as a password', { Authorization: `Basic ${btoa(`x:${TOKEN}`)}` }, '/healthz', 401],
    ['as the cookie itself', { Cookie: `alibi=${TOKEN}` }, '/healthz', 401],
    ['empty', { Authorization: 'Bearer ', Cookie: 'alibi=' }, '/healthz?token=', 401],
    ['wrong in the address', {}, `/?token=${TOKEN}x`, 401],
    ['with a path that names a host', { Authorization: `Bearer ${TOKEN}` }, '//', 400],
  ])('sent %s', async ([, headers, path, status]) => {
    const { port } = await start(undefined, { token: TOKEN })
    expect((await ask(port, path, { headers })).status).toBe(status)
  })

  test.for<[string, string]>([
    ['/', '/'],
    ['/incidents/a3f9c0de51b27764?refresh=off', '/incidents/a3f9c0de51b27764?refresh=off'],
    ['//evil.example/x', '/x'],
    ['/%22%3E%3Cscript%3E?a=%3Cb%3E', '/%22%3E%3Cscript%3E?a=%3Cb%3E'],
  ])('sent once in the address %s it becomes a cookie, and the address loses it', async ([path, onTo]) => {
    const { port, lines } = await start(undefined, { token: TOKEN })
    const first = await ask(port, `${path}${path.includes('?') ? '&' : '?'}token=${TOKEN}`)
    const cookie = first.headers['set-cookie']?.[0] ?? ''
    expect(first.status).toBe(200)
    expect(cookie).toMatch(/^alibi=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/)
    expect(first.body).toContain(`content="0;url=${onTo.replaceAll('&', '&#38;')}"`)
    expect(`${cookie}${first.body}${JSON.stringify(lines)}`).not.toContain(TOKEN)
    const next = await ask(port, '/', { headers: { Cookie: `other=1; ${cookie.split(';')[0]}` } })
    expect([next.status, next.body.includes('FAILING')]).toEqual([200, true])
  })

  test('a program that sends it in the address gets the answer itself, with its status', async () => {
    const health = async () => ({ ok: false, reasons: ['mail is stuck'] })
    const failing = await start(undefined, { health, token: TOKEN })
    const answer = await ask(failing.port, `/healthz?token=${TOKEN}`)
    expect([answer.status, JSON.parse(answer.body)]).toEqual([503, { ok: false, reasons: ['mail is stuck'] }])
    expect(answer.headers['set-cookie']).toBeUndefined()
    const listed = await ask(failing.port, `/api/incidents?limit=1&token=${TOKEN}`)
    expect([listed.status, JSON.parse(listed.body).length]).toEqual([200, 1])
    expect((await ask(failing.port, `/api/nothing?token=${TOKEN}`)).status).toBe(404)
    for (const path of ['/healthz', '/metrics', '/api/incidents']) {
      expect((await ask(failing.port, `${path}?token=${TOKEN}x`)).status).toBe(401)
    }
  })

  test('the Host is checked first: another site learns nothing about the token', async () => {
    const { port } = await start(undefined, { token: TOKEN })
    expect(await raw(port, 'GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 403 /)
  })

  test('beyond loopback there is no page without it; with it, the address that was reached is a valid Host', async () => {
    await expect(start(undefined, { host: '0.0.0.0' })).rejects.toThrow('web.token is required to listen beyond loopback')
    const { port } = await start(undefined, { host: '0.0.0.0', token: TOKEN })
    const line = (host: string) =>
      `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`
    expect(await raw(port, line(`127.0.0.1:${port}`))).toMatch(/^HTTP\/1.1 200 /)
    expect(await raw(port, line(`10.99.0.1:${port}`))).toMatch(/^HTTP\/1.1 403 /)
  })
})

describe('requests that are allowed', () => {
  const SAFE = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
  }

  test.for<[string, string, number]>([
    ['GET', '/', 200],
    ['GET', '/healthz', 200],
    ['GET', '/api/incidents', 200],
    ['GET', '/nothing', 404],
    ['POST', '/', 405],
  ])('%s %s has the security headers', async ([method, path, status]) => {
    const { port } = await start()
    const answer = await ask(port, path, { method })
    expect(answer.status).toBe(status)
    expect(answer.headers).toMatchObject(SAFE)
  })

  test.for(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])('%s is 405 on every path', async (method) => {
    const { port } = await start()
    for (const path of ['/', '/healthz', '/api/incidents/a3f9c0de51b27764', '/nothing']) {
      const answer = await ask(port, path, { method })
      expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD'])
    }
  })

  test.for(['/', '/healthz', '/api/incidents'])('HEAD %s is GET without the body', async (path) => {
    const { port } = await start()
    const [head, get] = [await ask(port, path, { method: 'HEAD' }), await ask(port, path)]
    expect([head.status, head.body, head.headers['content-type']]).toEqual([get.status, '', get.headers['content-type']])
  })

  test.for<[string, string, number]>([
    ['its own address', '127.0.0.1:PORT', 200],
    ['localhost', 'localhost:PORT', 200],
    ['a name in web.hosts', 'alibi.example.com', 200],
    ['a foreign name that was made to point here', 'rebound.example.net:PORT', 403],
    ['another port', '127.0.0.1:1', 403],
    ['no name', '', 403],
  ])('Host: %s', async ([, name, status]) => {
    const { port } = await start(undefined, { hosts: ['alibi.example.com'] })
    const host = name.replace('PORT', String(port))
    for (const line of ['GET /', 'GET /healthz', 'GET /api/incidents', 'POST /']) {
      const got = await raw(port, `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      expect(got).toMatch(new RegExp(`^HTTP/1.1 ${status === 200 && line === 'POST /' ? 405 : status} `))
    }
  })

  test.for<[string, (port: number) => string, number]>([
    ['two Host headers', (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: example.net\r\n\r\n`, 403],
    ['no Host header', () => 'GET / HTTP/1.1\r\n\r\n', 400],
    ['HTTP/1.0 without a Host', () => 'GET / HTTP/1.0\r\n\r\n', 403],
    [
      'a whole URL in place of a path',
      (port) => `GET http://example.net/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
      400,
    ],
    ['a body', (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 1000000\r\n\r\n`, 413],
    ['a chunked body', (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTransfer-Encoding: chunked\r\n\r\n`, 413],
    [
      'a body that waits for 100 Continue',
      (port) => `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
      405,
    ],
    ['endless headers', (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['no HTTP at all', () => 'HELO there\r\n\r\n', 400],
  ])('%s: answered, and the connection ends', async ([, text, status]) => {
    const { port } = await start()
    expect(await raw(port, text(port))).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

describe('the port', () => {
  test('that is taken is logged once, tried every minute, and used once it is free', async () => {
    const other = await taken()
    cleanup.push(() => void other.close())
    const { web, clock, lines } = await start(undefined, { port: other.port })
    expect(web.address()).toBeNull()
    await retried(clock)
    await retried(clock)
    expect(lines).toMatchObject([
      {
        level: 'warn',
        message: 'cannot serve the status page',
        fields: { why: `another process listens on 127.0.0.1:${other.port}` },
      },
    ])
    await new Promise<void>((resolve) => other.close(() => resolve()))
    await clock.advance(60_000)
    await vi.waitFor(() => expect(web.address()?.port).toBe(other.port), { timeout: 10_000 })
    expect((await ask(other.port, '/healthz')).status).toBe(200)
    expect(lines.slice(1)).toMatchObject([{ level: 'info', message: 'status page now available' }])
  })

  test('is released at once, with connections that are kept alive and a pending retry', async () => {
    const agent = new Agent({ keepAlive: true })
    cleanup.push(() => agent.destroy())
    const { web, port } = await start()
    await ask(port, '/healthz', { agent })
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1)
    await web.close()
    await expect(ask(port, '/healthz')).rejects.toThrow('ECONNREFUSED')
    await web.close()

    const other = await taken()
    cleanup.push(() => void other.close())
    const late = await start(undefined, { port: other.port })
    await late.web.close()
    expect(late.clock.pending()).toBe(0)
  })

  test('is released while an answer is being made', async () => {
    const asked = Promise.withResolvers<void>()
    const { web, port } = await start(undefined, { health: stuck(asked) })
    const answer = ask(port, '/healthz')
    const failed = expect(answer).rejects.toThrow()
    await asked.promise
    await web.close()
    await failed
  })
})

/** A health check that says when it is called, and never answers. */
function stuck(asked: PromiseWithResolvers<void>): () => Promise<Health> {
  return () => {
    asked.resolve()
    return new Promise(() => {})
  }
}

/** Lets a minute pass and the attempt that is then made fail: the next sleep has begun. */
async function retried(clock: VirtualClock): Promise<void> {
  await clock.advance(60_000)
  await vi.waitFor(() => expect(clock.pending()).toBe(1), { timeout: 10_000 })
}

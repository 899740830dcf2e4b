import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { takeAnswer } from '../../src/daemon/answers.ts'
import { coveredBy, covers } from '../../src/domain/scope.ts'
import type { Log } from '../../src/ports/log.ts'
import { virtualClock } from '../../src/simulate/clock.ts'
import { memoryStore } from '../../src/simulate/store.ts'
import { answerKey } from '../../src/web/answer-key.ts'
import { startWeb } from '../../src/web/server.ts'
import { NOW, SCENES } from './web-world.ts'

/* What the link of an email allows: the real server, the real answer, a store in memory. */

const TOKEN = 'hunter-hunter-hunter-22'
const cleanup: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of cleanup.splice(0)) await end()
})

const quiet: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

async function world({ takes = true } = {}) {
  const scene = SCENES['failing']!()
  const clock = virtualClock(NOW)
  const store = memoryStore(scene.disk)
  const [incident] = [...scene.view.world.incidents.values()]
  if (incident === undefined) throw new Error('nothing fails in this scene')
  const reread = async () => {}
  const web = await startWeb({
    listen: { host: '127.0.0.1', port: 0, hosts: ['alibi.example.com'], token: TOKEN },
    log: quiet,
    reader: store,
    health: async () => ({ ok: true, reasons: [] }),
    view: () => scene.view,
    clock,
    ...(takes ? { answers: { token: TOKEN, take: (answer) => takeAnswer(answer, { store, clock, reread }) } } : {}),
  })
  cleanup.push(() => web.close())
  const port = web.address()?.port ?? 0
  const key = (over: Partial<Parameters<typeof answerKey>[1]> = {}) =>
    answerKey(TOKEN, { incident: incident.id, recipient: 'oncall', until: NOW + 3_600_000, ...over })
  const path = `/incidents/${incident.id}`
  const post = (fields: Record<string, string>, headers: Record<string, string> = {}, to = `${path}/answer`) =>
    send(port, { method: 'POST', path: to, headers, body: new URLSearchParams(fields).toString() })
  return {
    store,
    setup: scene.view.setup,
    disk: scene.disk,
    clock,
    incident,
    port,
    path,
    key,
    post,
    get: (to: string) => send(port, { method: 'GET', path: to }),
  }
}

type Sent = Readonly<{ method: string; path: string; headers?: Record<string, string>; body?: string }>

function send(port: number, { method, path, headers = {}, body }: Sent): Promise<{ status: number; body: string; to: string }> {
  return new Promise((resolve, reject) => {
    const form = body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': body.length }
    const asking = request({ host: '127.0.0.1', port, path, method, headers: { ...form, ...headers } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text, to: answer.headers.location ?? '' }))
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

describe('a link from an email', () => {
  test('opens its incident with buttons, and nothing else, without the token', async () => {
    const { path, key, get, incident } = await world()
    const page = await get(`${path}?answer=${key()}`)
    expect(page.status).toBe(200)
    expect(page.body).toContain(`action="${incident.id}/answer"`)
    expect(page.body).toContain('Acknowledge')
    expect(page.body).toContain('On record as oncall')
    for (const other of [
      path,
      `/?answer=${key()}`,
      `/api${path}?answer=${key()}`,
      `/metrics?answer=${key()}`,
      `${path}?answer=x`,
    ])
      expect([other, (await get(other)).status]).toEqual([other, 401])
  })

  test('acknowledges once, on record with who and from where, and says so from then on', async () => {
    const { store, incident, path, key, post, get } = await world()
    const done = await post({ answer: key(), do: 'ack' }, { 'X-Forwarded-For': '203.0.113.7' })
    expect([done.status, done.to]).toEqual([303, `../${incident.id}?answer=${key()}`])
    const why = 'oncall, by the link of an email, from 203.0.113.7 (through 127.0.0.1)'
    expect(await store.acks()).toMatchObject([{ incident: incident.id, reason: why }])
    expect((await post({ answer: key(), do: 'ack' })).status).toBe(303)
    expect(await store.acks()).toMatchObject([{ reason: why }])
    const rows = (await store.ledger({ incident: incident.id }, 100)).filter(({ decision }) => decision === 'ordered')
    expect(rows.map(({ reason, rule }) => [reason, rule])).toEqual([[`acknowledged by ${why}`, 'silence']])
    expect((await get(path)).status).toBe(401)
  })

  test.for([
    ['silence-1', 1],
    ['silence-4', 4],
    ['silence-24', 24],
  ] as const)('%s silences what fails in this incident and nothing else, once', async ([order, hours]) => {
    const { store, setup, incident, key, post } = await world()
    for (let twice = 0; twice < 2; twice++) expect((await post({ answer: key(), do: order })).status).toBe(303)
    const silences = await store.silences(0)
    expect(new Set(silences.map(({ until, by }) => [until, by].join(' ')))).toEqual(
      new Set([`${NOW + hours * 3_600_000} oncall`]),
    )
    const probes = [...setup.probes.values()].filter((probe) => silences.some(({ scope }) => covers(scope, coveredBy(probe))))
    const failing = incident.members.filter(({ state }) => state !== 'recovered')
    expect(probes.map(({ id }) => id).toSorted()).toEqual(failing.map(({ probe }) => probe).toSorted())
    const rows = (await store.ledger({ incident: incident.id }, 100)).filter(({ decision }) => decision === 'ordered')
    expect(rows.map(({ reason }) => reason)).toEqual([
      expect.stringContaining(`silenced for ${hours === 24 ? '1d' : `${hours}h`} by oncall`),
    ])
  })

  test.for<[string, (w: Awaited<ReturnType<typeof world>>) => Promise<{ status: number }>, number]>([
    ['without a key', ({ post }) => post({ do: 'ack' }), 403],
    ['with the key of another incident', ({ key, post }) => post({ answer: key({ incident: 'b'.repeat(16) }), do: 'ack' }), 403],
    ['with an expired key', ({ key, post }) => post({ answer: key({ until: NOW - 1_000 }), do: 'ack' }), 403],
    ['with a forged key', ({ key, post }) => post({ answer: `${key().slice(0, -1)}!`, do: 'ack' }), 403],
    ['with the token in place of a key', ({ post }) => post({ answer: TOKEN, do: 'ack' }), 403],
    ['for something else', ({ key, post }) => post({ answer: key(), do: 'delete' }), 400],
    ['from another site', ({ key, post }) => post({ answer: key(), do: 'ack' }, { 'Sec-Fetch-Site': 'cross-site' }), 403],
    ['from a sibling host', ({ key, post }) => post({ answer: key(), do: 'ack' }, { 'Sec-Fetch-Site': 'same-site' }), 403],
    ['from another origin', ({ key, post }) => post({ answer: key(), do: 'ack' }, { Origin: 'https://evil.example' }), 403],
    ['to another name', ({ key, post }) => post({ answer: key(), do: 'ack' }, { Host: 'evil.example' }), 403],
    ['as JSON', ({ key, post }) => post({ answer: key(), do: 'ack' }, { 'Content-Type': 'application/json' }), 415],
    ['with a large body', ({ key, post }) => post({ answer: key(), do: 'ack', more: 'x'.repeat(3_000) }), 413],
    [
      'to an incident that is not there',
      ({ key, post }) =>
        post({ answer: key({ incident: 'b'.repeat(16) }), do: 'ack' }, {}, `/incidents/${'b'.repeat(16)}/answer`),
      404,
    ],
    ['to another path', ({ key, post }) => post({ answer: key(), do: 'ack' }, {}, '/incidents'), 405],
  ])('an answer %s changes nothing', async ([, ask, status]) => {
    const w = await world()
    expect((await ask(w)).status).toBe(status)
    expect([await w.store.acks(), await w.store.silences(0)]).toEqual([[], []])
  })

  test('is nothing where no answers are taken: the page stays read-only', async () => {
    const { path, key, post, get, store } = await world({ takes: false })
    expect([(await post({ answer: key(), do: 'ack' })).status, (await get(`${path}?answer=${key()}`)).status]).toEqual([405, 401])
    expect(await store.acks()).toEqual([])
  })

  test('of an incident that is over changes nothing', async () => {
    const { store, disk, incident, key, post } = await world()
    disk.incidents.set(incident.id, { ...incident, state: 'closed', closedAt: NOW })
    expect((await post({ answer: key(), do: 'ack' })).status).toBe(409)
    expect(await store.acks()).toEqual([])
  })
})

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '../../src/adapters/log.ts'
import { openStore } from '../../src/adapters/sqlite/store.ts'
import { main } from '../../src/cli/program.ts'
import type { Incident } from '../../src/domain/incident.ts'
import type { Facts } from '../../src/domain/notification.ts'
import { visible, visibleLines } from '../../src/domain/visible.ts'
import { SAMPLES } from '../../src/email/samples.ts'
import type { Store } from '../../src/ports/store.ts'
import { virtualClock } from '../../src/simulate/clock.ts'
import { startWeb } from '../../src/web/server.ts'
import { fakeStore } from '../fakes/store.ts'
import { silence } from '../given.ts'
import { hostileScene, NOW } from '../wire/web-world.ts'

/*
 * Whatever others wrote (AWS, a mail server, whoever can write to the database, who calls a verb) is seen on a terminal, and
 * does nothing to it: no escape sequence, no U+009B, no mark that turns the direction of a line.
 */

/** Not `visible`'s own list: by Unicode's names. Line ends and tabs are ours. */
const DOES_SOMETHING = /(?![\n\t])\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]|[\u{e0000}-\u{e007f}]/u
const HOSTILE = 'x\u001b[2J\u001b]0;owned\u0007\u009b31m\u202etxt.exe\u2066\u200f\u061c\u2028\r\n\u0000\u007f\u{e0041}y'

const place = mkdtempSync(join(tmpdir(), 'alibi-terminal-'))
afterAll(() => rmSync(place, { recursive: true }))
const config = join(place, 'alibi.yaml')
const database = join(place, 'alibi.db')

/** `moves` is what was written to move the cursor. */
async function alibi(...args: string[]): Promise<Readonly<{ code: number; said: string; moves: string }>> {
  const said: string[] = []
  const moves: string[] = []
  const say = (text: string) => void said.push(text)
  const raw = (text: string) => void moves.push(text)
  const code = await main(args, { out: say, err: say, raw, env: { HOME: place }, isTty: true, columns: 80 })
  return { code, said: said.join('\n'), moves: moves.join('\n') }
}

function harmless(said: string): void {
  expect(JSON.stringify(DOES_SOMETHING.exec(said)?.[0] ?? null)).toBe('null')
}

const ID = 'a3f9c0de51b27764'

beforeAll(async () => {
  writeFileSync(
    config,
    `storage: { path: "${database}" }\nmail: { from: a@b.example }\nrecipients: { oncall: { to: [a@b.example] } }\n`,
  )
  const { view, disk } = hostileScene(HOSTILE, HOSTILE)
  const store = await openStore({ path: database })
  const incidents = [...disk.incidents.values()].map((incident): Incident => ({ ...incident, partition: 'aws' }))
  const readings = [...view.readings.values()]
  const facts: Facts = { ...SAMPLES.failing, sentBy: { ...SAMPLES.failing.sentBy, caller: HOSTILE, host: HOSTILE } }
  const notifications = [...disk.mails.values()].map(({ notification }) => ({ ...notification, facts }))
  const outcomes = incidents.flatMap(({ id, members }) =>
    members.flatMap(({ evidence }) => evidence.map((outcome) => ({ outcome, incident: id }))),
  )
  await store.commit({
    incidents,
    probes: [...view.world.probes.values()],
    selfAlerts: { set: [...view.world.selfAlerts.values()], cleared: [] },
    connectivity: null,
    ledger: disk.ledger,
    notifications,
    outcomes,
    readings,
  })
  await store.settle(
    notifications.flatMap(({ id, to }) =>
      to.map((address) => ({ id, address, state: 'refused' as const, error: HOSTILE, reply: HOSTILE })),
    ),
    [],
  )
  const scope = { monitors: [HOSTILE], accounts: [HOSTILE], operations: [HOSTILE], regions: [HOSTILE] }
  await store.addSilence(silence({ id: 'h', at: Date.now(), reason: HOSTILE, by: HOSTILE, scope }))
  await store.addAck({ incident: ID, at: Date.now(), reason: HOSTILE })
  await store.close()
})

describe('rows of a database that somebody else wrote', () => {
  const VERBS: readonly (readonly string[])[] = [
    ['incidents'],
    ['incidents', '--patterns'],
    ['explain', ID],
    ['explain', ID, '--support-case'],
    ['outbox', 'list'],
    ['silence', 'list'],
    ['health', '--at', new Date(NOW).toISOString()],
  ]
  test.for(VERBS.flatMap((verb) => [verb, [...verb, '--json']]).map((verb) => [verb.join(' '), verb] as const))(
    'alibi %s',
    async ([, verb]) => {
      const { code, said } = await alibi(...verb, '--config', config)
      expect([code, said]).toEqual([expect.any(Number), expect.stringContaining('txt.exe')])
      expect(code).toBeLessThan(64)
      harmless(said)
      if (verb.includes('--json')) expect(JSON.stringify(JSON.parse(said))).toContain('[2J')
    },
  )
})

describe('what is given on the command line', () => {
  const CALLS: readonly (readonly string[])[] = [
    [HOSTILE],
    ['explain', HOSTILE, '--config', config],
    ['explain', ID, '--config', HOSTILE.replaceAll('\u0000', '')],
    ['check', HOSTILE, '--config', config],
    ['simulate', HOSTILE.replaceAll('\u0000', '')],
    ['health', '--at', HOSTILE, '--config', config],
    ['silence', 'add', '--for', HOSTILE, '--reason', 'r', '--config', config],
    ['silence', 'add', '--for', '2h', '--reason', 'r', '--monitor', HOSTILE, '--config', config],
    ...['--from', '--account', '--operation', '--region'].map((option) => [
      ...['silence', 'add', '--for', '2h', '--reason', 'r', option, HOSTILE, '--config', config],
    ]),
    ['silence', 'remove', HOSTILE, '--config', config],
    ['ack', HOSTILE, '--config', config],
    ['outbox', 'drop', HOSTILE, '--config', config],
    ['mail', 'test', '--to', HOSTILE, '--config', config],
    ['probe', HOSTILE, '--config', config],
  ]
  test.for(CALLS.map((call) => [call.map((word) => (word.includes('owned') ? '…' : word)).join(' '), call] as const))(
    'alibi %s',
    async ([, call]) => {
      const { code, said } = await alibi(...call)
      expect(code).toBeGreaterThanOrEqual(64)
      expect(said).not.toBe('')
      harmless(said)
    },
  )

  async function kept<T>(read: (store: Store) => Promise<T>): Promise<T> {
    const store = await openStore({ path: database, readOnly: true })
    try {
      return await read(store)
    } finally {
      await store.close()
    }
  }

  test('the reason of a silence is kept without them', async () => {
    const { code, said } = await alibi('silence', 'add', '--for', '2h', '--reason', HOSTILE, '--config', config)
    expect(code).toBe(0)
    harmless(said)
    const { reason } = (await kept((store) => store.silences(0))).find(({ id }) => id !== 'h') ?? { reason: '' }
    expect(reason).toMatch(/^x .*txt\.exe.* y$/)
    harmless(reason)
  })

  test('so is that of an acknowledgement', async () => {
    expect((await alibi('ack', ID, '--reason', HOSTILE, '--config', config)).code).toBe(0)
    harmless((await kept((store) => store.acks()))[0]?.reason ?? DOES_SOMETHING.source)
  })

  test('a reason of nothing else is none', async () => {
    const { code } = await alibi('silence', 'add', '--for', '2h', '--reason', '\u202e\u001b\u009b', '--config', config)
    expect(code).toBe(64)
  })
})

describe('what is written into files', () => {
  test('a configuration with them in its values and keys', async () => {
    const path = join(place, 'hostile.yaml')
    writeFileSync(
      path,
      `"k\\u009b31m\\u202e": 1\nmonitors: [{ impact: "\\u202e\\e[2J", name: "\\u202etxt" }]\nmail: { from: "\\u202ea@b.example" }\n`,
    )
    const { code, said } = await alibi('check', '--config', path)
    expect(code).toBe(78)
    harmless(said)
  })

  test('a scenario with them in its title, on a terminal', async () => {
    const path = join(place, 'scenario.yaml')
    writeFileSync(
      path,
      'title: "a\\e[2J\\u009b31m\\u202etxt"\nstart: 2026-01-01T00:00:00Z\nlength: 5m\nevents: []\nexpect: [{ mails: 0 }]\n',
    )
    const { code, said, moves } = await alibi('simulate', path)
    expect([code, said]).toEqual([0, expect.stringMatching(/a.*txt/)])
    harmless(said)
    harmless(moves.replaceAll('\u001b[1A', '').replaceAll('\u001b[2K', ''))
  })
})

test.for(['json', 'pretty'] as const)('the log, as %s, on a terminal and in its file', async (format) => {
  let said = ''
  const stdout = Object.assign(
    new Writable({
      write(chunk, _, done) {
        said += String(chunk)
        done()
      },
    }),
    { isTTY: false },
  )
  const path = join(place, `${format}.log`)
  const log = createLog(
    { level: 'debug', format, cloudwatch: null, file: { path, maxSizeBytes: 1_000_000, keep: 2 } },
    { secrets: [], stdout },
  )
  log.error(`message ${HOSTILE}`, { [HOSTILE]: HOSTILE, list: [HOSTILE], cause: new Error(HOSTILE, { cause: HOSTILE }) })
  await log.close()
  const file = readFileSync(path, 'utf8')
  for (const lines of [said, file]) {
    expect(lines.trimEnd().split('\n')).toHaveLength(1)
    expect(lines).toContain('txt.exe')
    harmless(lines)
  }
})

describe('JSON over HTTP, as curl shows it', () => {
  const ends: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })

  test.for(['/api/incidents', `/api/incidents/${ID}`, '/healthz'])('%s', async (path) => {
    const scene = hostileScene(HOSTILE, HOSTILE)
    const silent = () => {}
    const web = await startWeb({
      listen: { host: '127.0.0.1', port: 0, hosts: [], token: null },
      log: { error: silent, warn: silent, info: silent, debug: silent },
      reader: fakeStore(scene.disk),
      health: async () => ({ ok: false, reasons: [HOSTILE] }),
      view: () => scene.view,
      clock: virtualClock(NOW),
    })
    ends.push(() => web.close())
    const body = await (await fetch(`http://127.0.0.1:${web.address()?.port}${path}`)).text()
    expect(body).toContain('txt.exe')
    harmless(body)
    expect(JSON.stringify(JSON.parse(body))).toContain('\\u001b[2J')
  })
})

test('whatever a text holds: nothing of it does something, and JSON stays the same JSON', () => {
  const odd = fc.constantFrom(...HOSTILE)
  const text = fc.array(fc.oneof(odd, fc.string({ unit: 'binary' })), { maxLength: 30 }).map((parts) => parts.join(''))
  void fc.assert(
    fc.property(text, (given) => {
      harmless(visible(given))
      expect(visible(given)).not.toMatch(/[\n\t]/)
      harmless(visibleLines(given))
      expect(JSON.parse(visible(JSON.stringify({ [given]: given })))).toEqual({ [given]: given })
    }),
  )
})

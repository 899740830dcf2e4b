import { expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import type { Mail } from '../ports/mailer.ts'
import { StoreError } from '../ports/store.ts'
import { virtualClock, virtualTicker } from '../simulate/clock.ts'
import { simulatorsConfig } from '../simulate/merged.ts'
import { memoryStore } from '../simulate/store.ts'
import { type Carried, type Cause, type Equipment, GRACE_MS, type Host, type Reread, Sessions } from './session.ts'

const NOON = Date.parse('2026-03-02T12:00:00Z')
const SECOND = 1_000
const CONFIG = simulatorsConfig(NOON)

/** A process of its own: every probe is ok, or hangs; emails are collected. `events` is what happened, in order. */
function given() {
  const clock = virtualClock(NOON)
  const store = memoryStore()
  const events: string[] = []
  const mails: Mail[] = []
  const logged: string[] = []
  const disk: { config: Reread } = { config: { ok: true, config: CONFIG } }
  const hangs = { now: false }
  const log = { error: note, warn: note, info() {}, debug() {} }
  function note(message: string) {
    logged.push(message)
  }
  const control = async () => ({ at: clock.now(), ms: 1, reached: true, detail: 'HTTP 302' })
  const equip = (_: Config, carried: Carried): Equipment => {
    events.push('equipped')
    return {
      ...{ clock, log, ...carried, random01: () => 0.5, newId: () => 'a'.repeat(16) },
      ticker: virtualTicker(clock),
      prober: {
        control,
        async run({ id: probe }, kill) {
          const startedAt = clock.now()
          if (hangs.now) await clock.sleep(3_600 * SECOND, kill)
          return { probe, startedAt, endedAt: clock.now(), tries: [], control: null, result: 'ok', kind: null }
        },
      },
      mailer: {
        async send(mail) {
          mails.push(mail)
          return mail.envelope.map((address) => ({ address, accepted: true, reply: '250 ok' }))
        },
        verify: async () => '220 ok',
        close: async () => {},
      },
      fallback: null,
      sources: new Map(),
      owners: () => [],
      sender: () => ({ version: '0', host: 'h', sdk: 's', endpoint: 'e', signingRegion: 'us-east-1', caller: null, callers: [] }),
      overrides: [],
      letter: ({ messageId, to, facts, createdAt }) => {
        const text = facts.lines.join('\n')
        return {
          messageId,
          to,
          envelope: to,
          subject: facts.subject,
          text,
          html: null,
          inReplyTo: null,
          headers: {},
          date: createdAt,
        }
      },
      async [Symbol.asyncDispose]() {
        events.push('released')
      },
    }
  }
  const host: Host<Equipment> = {
    ...{ clock, log, random01: () => 0.5, equip },
    lock: async () => ({ [Symbol.dispose]: () => events.push('unlocked') }),
    openStore: async () => ({ ...store, close: async () => void events.push('store closed') }),
    organization: () => null,
    reread: async () => disk.config,
    async serve({ config }) {
      if (config.web === null) return null
      events.push('page opened')
      return { close: async () => void events.push('page closed') }
    },
    began: (_, cause: Cause) => void events.push(cause),
  }
  const stop = new AbortController()
  const kill = new AbortController()
  const sessions = new Sessions(host, { stop: stop.signal, kill: kill.signal })
  const ended = sessions.run(CONFIG)
  const pass = (seconds: number) => clock.advance(seconds * SECOND)
  return { clock, store, events, mails, logged, disk, hangs, sessions, stop, kill, ended, pass }
}

const FAULTY: Reread = { ok: false, faults: 'alibi.yaml:1:1  mail: required' }
const aboutConfig = (mails: readonly Mail[]) => mails.filter(({ text }) => text.includes('alibi.yaml:1:1'))

test('the lock is given up last, when the store is closed', async () => {
  const { events, stop, ended, pass } = given()
  await pass(1)
  stop.abort()
  await pass(1)
  await ended
  expect(events).toEqual(['equipped', 'page opened', 'start', 'released', 'page closed', 'store closed', 'unlocked'])
})

test('a reload ends the session before it begins another one', async () => {
  const { events, sessions, pass } = given()
  await pass(1)
  sessions.reload()
  await pass(1)
  expect(events.filter((event) => !event.startsWith('page'))).toEqual(['equipped', 'start', 'released', 'equipped', 'reload'])
})

test('a reload that is asked for before the first session begins is not forgotten', async () => {
  const { events, sessions, pass } = given()
  sessions.reload()
  await pass(1)
  expect(events.filter((event) => event === 'reload')).toEqual(['reload'])
})

test('the status page stays open over a reload, unless its own configuration changes', async () => {
  const { events, sessions, disk, pass } = given()
  await pass(1)
  for (const config of [CONFIG, { ...CONFIG, web: null }, CONFIG]) {
    disk.config = { ok: true, config }
    sessions.reload()
    await pass(1)
  }
  expect(events.filter((event) => event.startsWith('page'))).toEqual(['page opened', 'page closed', 'page opened'])
})

test('a faulty configuration leaves the session alone and is reported once, and again after a good one', async () => {
  const { events, mails, sessions, disk, pass } = given()
  await pass(1)
  for (const read of [FAULTY, FAULTY, { ok: true, config: CONFIG } as const, FAULTY]) {
    disk.config = read
    sessions.reload()
    await pass(60)
  }
  expect(events.filter((event) => event === 'reload')).toHaveLength(1)
  expect(aboutConfig(mails)).toHaveLength(2)
})

test('a faulty configuration on a full disk does not end the process', async () => {
  const { store, logged, sessions, disk, stop, ended, pass } = given()
  await pass(5)
  store.failAll(new StoreError('disk full', { fatal: false }))
  disk.config = FAULTY
  sessions.reload()
  await pass(5)
  expect(logged).toContain('failed to report the faulty configuration')
  store.failAll(null)
  stop.abort()
  await pass(5)
  await expect(ended).resolves.toBeUndefined()
})

test('what is in flight at the end has a grace, and no longer', async () => {
  const { hangs, stop, ended, pass, events } = given()
  hangs.now = true
  await pass(90)
  stop.abort()
  await pass(GRACE_MS / SECOND - 1)
  expect(events).not.toContain('unlocked')
  await pass(2)
  await ended
  expect(events).toContain('unlocked')
})

test('a second request to stop does not wait for the grace', async () => {
  const { hangs, stop, kill, ended, pass, events } = given()
  hangs.now = true
  await pass(90)
  stop.abort()
  kill.abort()
  await pass(1)
  await ended
  expect(events).toContain('unlocked')
})

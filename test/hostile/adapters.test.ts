import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatFaults } from '../../src/config/fault.ts'
import { AccountDiscovery } from '../../src/daemon/account-discovery.ts'
import type { DaemonDeps } from '../../src/daemon/daemon.ts'
import { messageOfThrown, nameOfThrown, readThrown } from '../../src/domain/thrown.ts'
import { parseScenario } from '../../src/simulate/parse.ts'
import { type Played, play } from '../../src/simulate/play.ts'
import { storyText } from '../../src/simulate/report.ts'

/** Values that an adapter, a library or JavaScript itself may throw, and that bite whoever only reads their `message`. */
const NASTY: Readonly<Record<string, () => unknown>> = {
  'an error': () => new Error('something broke'),
  'a TypeError': () => new TypeError("Cannot read properties of undefined (reading 'x')"),
  nothing: () => undefined,
  null: () => null,
  'a text': () => 'something broke',
  'a number': () => Number.NaN,
  'a bigint': () => 1n,
  'a symbol': () => Symbol('broke'),
  'a function': () => () => {},
  'an object without a prototype': () => Object.create(null),
  'an error whose message is a number': () => Object.assign(new Error(), { message: 7 }),
  'an error whose message is a list': () => Object.assign(new Error(), { message: ['a', 'b'] }),
  'an error whose name is an object': () => Object.assign(new Error('x'), { name: { toString: null } }),
  'an error whose getters throw': () =>
    Object.defineProperties(new Error('x'), {
      message: {
        get: () => {
          throw new Error('not yours to read')
        },
      },
      name: {
        get: () => {
          throw new Error('not yours to read')
        },
      },
      cause: {
        get: () => {
          throw new Error('not yours to read')
        },
      },
    }),
  'an error that is its own cause': () => {
    const error: Error & { cause?: unknown } = new Error('round and round')
    error.cause = error
    return error
  },
  'a proxy that refuses everything': () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('no')
        },
        has: () => {
          throw new Error('no')
        },
        ownKeys: () => {
          throw new Error('no')
        },
        getPrototypeOf: () => {
          throw new Error('no')
        },
      },
    ),
  'an aggregate of nothing': () => new AggregateError([]),
  'an aggregate whose list is no list': () => Object.assign(new AggregateError([]), { errors: 7 }),
}
const anything = fc.oneof(
  fc.constantFrom(...Object.values(NASTY)),
  fc.anything({ withNullPrototype: true }).map((value) => () => value),
)

describe('what was thrown is read without throwing', () => {
  test.for(Object.entries(NASTY))('%s', ([, make]) => {
    const { name, message, code, errors } = readThrown(make())
    expect([typeof name, typeof message, typeof code, Array.isArray(errors)]).toEqual(['string', 'string', 'string', true])
    expect(nameOfThrown(make())).toMatch(/./)
    expect(messageOfThrown(make())).toMatch(/./)
  })

  test('anything at all', () => {
    fc.assert(
      fc.property(anything, (make) => {
        expect(typeof messageOfThrown(make())).toBe('string')
        expect(typeof nameOfThrown(make())).toBe('string')
      }),
    )
  })
})

const STORY = `
title: An outage while our own adapters break
start: 2026-03-02T12:00:00Z
length: 3h
config:
  heartbeat: { url: "https://beat.example/x", every: 1m }
  mail: { fallback: { after: 5m, smtp: { host: second.example, port: 465, security: tls } } }
events:
  - { at: 10m, account: InternalServerException }
  - { at: 150m, account: ok }
expect:
  - { mail: failing, between: [10m, 110m] }
  - { mail: recovered, between: [150m, 3h] }
`
const BREAKS_UNTIL_MS = 100 * 60_000

type Port = 'prober' | 'api' | 'dashboard' | 'mailer' | 'fallback' | 'store' | 'heartbeat'
type Broken = (port: Port, method: string, elapsedMs: number) => Readonly<{ thrown: unknown }> | null

/** Plays the story with a daemon each of whose adapters does what `broken` says instead of what it should. */
async function playBroken(broken: Broken, source = STORY): Promise<Played> {
  const parsed = parseScenario(source, 'broken.yaml')
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults, 'broken.yaml'))
  return play(parsed.scenario, {
    rig: (deps, { elapsed }): DaemonDeps => {
      const wrap = <T extends object>(port: Port, real: T): T =>
        new Proxy(real, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key)
            if (typeof value !== 'function') return value
            return (...given: unknown[]) => {
              const found = broken(port, String(key), elapsed())
              if (found === null) return Reflect.apply(value, target, given)
              // At once or later: an adapter may break either way.
              if (elapsed() % 2 === 0) throw found.thrown
              return Promise.reject(found.thrown)
            }
          },
        })
      return {
        ...deps,
        prober: wrap('prober', deps.prober),
        mailer: wrap('mailer', deps.mailer),
        fallback: deps.fallback && { ...deps.fallback, mailer: wrap('fallback', deps.fallback.mailer) },
        store: wrap('store', deps.store),
        heartbeat: wrap('heartbeat', { beat: async () => null }),
        sources: new Map(
          [...deps.sources].map(([partition, { api, dashboard }]) => [
            partition,
            { api: api && wrap('api', api), dashboard: dashboard && wrap('dashboard', dashboard) },
          ]),
        ),
      }
    },
  })
}

describe('alerts leave although an adapter throws', () => {
  /** Broken for good; of the mailers one at a time, for somebody has to take the mail. The story goes on without the others. */
  const ALWAYS: readonly Readonly<[string, Broken]>[] = [
    ['the Health API', (port) => (port === 'api' ? { thrown: NASTY['an error whose message is a number']?.() } : null)],
    ['the dashboard', (port) => (port === 'dashboard' ? { thrown: NASTY['a proxy that refuses everything']?.() } : null)],
    ['both sources', (port) => (port === 'api' || port === 'dashboard' ? { thrown: undefined } : null)],
    ['the mailer, and the fallback takes over', (port) => (port === 'mailer' ? { thrown: null } : null)],
    ['the heartbeat', (port) => (port === 'heartbeat' ? { thrown: Symbol('beat') } : null)],
    ['the control call', (port, method) => (port === 'prober' && method === 'control' ? { thrown: 7 } : null)],
  ]
  test.for(ALWAYS)('%s, always', async ([, broken]) => {
    const played = await playBroken(broken)
    expect(played.passed ? '' : storyText(played)).toBe('')
  })

  test('whatever is thrown, by any of them, at any time', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anything, { minLength: 1, maxLength: 5 }),
        fc.uniqueArray(fc.constantFrom<Port>('prober', 'api', 'dashboard', 'mailer', 'store', 'heartbeat'), { minLength: 1 }),
        fc.infiniteStream(fc.boolean()),
        async (thrown, ports, dice) => {
          let i = 0
          const played = await playBroken((port, method, at) => {
            // A store that cannot be read at the start ends the process, and so it should. The others are broken now and then.
            const breaks = ports.includes(port) && method !== 'watch' && at > 60_000 && at < BREAKS_UNTIL_MS
            return breaks && dice.next().value === true ? { thrown: thrown[i++ % thrown.length]?.() } : null
          })
          expect(played.passed ? '' : storyText(played)).toBe('')
          const early = played.delivered.filter(({ at }) => at > 10 * 60_000 && at < BREAKS_UNTIL_MS)
          expect(early.length, 'somebody is told before the adapters are mended').toBeGreaterThan(0)
        },
      ),
      { numRuns: 25, seed: 11 },
    )
  })

  test('a prober that always throws: the probe is blind, which is reported', async () => {
    const source = `
title: Every run ends in an internal error
start: 2026-03-02T12:00:00Z
length: 1h
events: []
expect:
  - { mail: blind, between: [15m, 20m], contains: an internal error of Alibi }
  - { mails: 1 }
`
    const played = await playBroken(
      (port, method) => (port === 'prober' && method === 'run' ? { thrown: new TypeError('x') } : null),
      source,
    )
    expect(played.passed ? '' : storyText(played)).toBe('')
    const told = played.timeline.filter(({ text }) => text.includes('run failed'))
    expect(told.length, 'the log has it once, not once a run').toBe(1)
  })
})

test('an organization that throws was not listed, and is listed again', async () => {
  const ending = new AbortController()
  const lines: string[] = []
  let listings = 0
  const roster = new AccountDiscovery({
    discoveries: [{ monitor: 'members', ous: null, exclude: [], everyMs: 60_000, atMost: 10, calls: [] } as never],
    monitors: [],
    store: { recall: async () => null, remember: async () => {} },
    organization: {
      list: () => {
        listings += 1
        if (listings === 3) ending.abort()
        throw NASTY['a proxy that refuses everything']?.()
      },
    },
    clock: { now: () => 0, sleep: async () => {} },
    random01: () => 0,
    log: { error() {}, info() {}, debug() {}, warn: (message, fields) => void lines.push(`${message}: ${fields?.['why']}`) },
    changed: () => {},
    selfAlert: async () => {},
  })
  await roster.open()
  await roster.watch(ending.signal)
  expect(listings).toBe(3)
  expect(lines).toContain('organization could not be listed: an internal error of Alibi: an error without a name')
})

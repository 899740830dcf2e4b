import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createLog, type LogConfig } from './log.ts'

const T0 = Date.UTC(2026, 10, 22, 12)
const JSON_LOG: LogConfig = { level: 'info', format: 'json', file: null, cloudwatch: null }

/** A stdout that keeps what it is given. */
function sink(options: { isTTY?: boolean; stuck?: boolean } = {}) {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, next) {
      text += String(chunk)
      if (options.stuck !== true) next()
    },
  })
  return Object.assign(stream, { isTTY: options.isTTY ?? false, text: () => text, lines: () => text.split('\n').slice(0, -1) })
}

function logging(config: Partial<LogConfig> = {}, secrets: readonly string[] = [], stdout = sink()) {
  const log = createLog({ ...JSON_LOG, ...config }, { secrets, stdout, now: () => T0 })
  return { log, stdout, records: () => stdout.lines().map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('a line', () => {
  test('is JSON: time, level, message, then the fields', () => {
    const { log, stdout } = logging()
    log.info('run', { probe: 'production/self/ListRegions', ms: 12, ok: true, none: null, left: undefined })
    expect(stdout.text()).toBe(
      '{"time":"2026-11-22T12:00:00.000Z","level":"info","message":"run","probe":"production/self/ListRegions","ms":12,"ok":true,"none":null}\n',
    )
  })

  test('below the level is not written, until the level is changed', () => {
    const { log, records } = logging({ level: 'warn' })
    log.info('no')
    log.warn('yes')
    log.change({ level: 'debug' }, [])
    log.debug('now')
    expect(records().map((record) => record['message'])).toEqual(['yes', 'now'])
  })

  test('keeps fields that bear the names of the line itself', () => {
    const { log, records } = logging()
    log.info('real', { message: 'forged', level: 'error', time: 'never' })
    expect(records()).toEqual([
      { time: '2026-11-22T12:00:00.000Z', level: 'info', message: 'real', message_: 'forged', level_: 'error', time_: 'never' },
    ])
  })

  test.for<[string, string]>([
    ['a line feed', 'a\n{"level":"error","message":"forged"}'],
    ['a carriage return', 'a\rb'],
    ['an escape sequence', 'a\u001b[2Jb'],
    ['a C1 control', 'a\u009b2Jb'],
    ['a line separator', 'a\u2028b\u2029c\u0085d'],
  ])('stays one line whatever is in it: %s', ([, text]) => {
    for (const format of ['json', 'pretty'] as const) {
      const { log, stdout } = logging({ format })
      log.warn(text, { [text]: text, error: new Error(text) })
      expect(stdout.text().trimEnd()).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      expect(stdout.lines()).toHaveLength(1)
    }
  })

  test('for people, when asked for or on a terminal', () => {
    const error = new Error('disk full', { cause: new Error('ENOSPC') })
    const { log, stdout } = logging({ format: 'pretty' })
    log.warn('commit failed', { path: 'data/alibi.db', why: 'no space', error, counts: { a: 1 } })
    expect(stdout.text()).toBe(
      '12:00:00.000Z WARN  commit failed path=data/alibi.db why="no space" error="Error: disk full ← Error: ENOSPC" counts={"a":1}\n',
    )
    const terminal = sink({ isTTY: true })
    logging({ format: null }, [], terminal).log.info('here')
    expect(terminal.text()).toBe('12:00:00.000Z \u001b[32mINFO \u001b[39m here\n')
    const pipe = sink()
    logging({ format: null }, [], pipe).log.info('here')
    expect(JSON.parse(pipe.text())).toMatchObject({ message: 'here' })
  })
})

describe('secrets', () => {
  const secret = 'hunter2/ä "quoted"'
  const hidden = (fields: Record<string, unknown>, secrets = [secret]) => {
    const { log, stdout } = logging({}, secrets)
    log.error(`login with ${secrets[0]} failed`, fields)
    return stdout.text()
  }

  test.for<[string, Record<string, unknown>]>([
    ['a field', { text: `x${secret}y` }],
    ['a key', { [secret]: 1 }],
    ['something deep', { a: [{ b: new Map([['c', new Set([secret])]]) }] }],
    ["an error's message and stack", { error: new Error(secret) }],
    ["an error's cause", { error: new Error('a', { cause: new Error('b', { cause: secret }) }) }],
    ['many errors', { error: new AggregateError([new Error(secret)], 'all') }],
    ['an address', { url: new URL(`https://user:${encodeURIComponent(secret)}@example.com/`) }],
    ['JSON', { body: JSON.stringify({ password: secret }) }],
    ['base64', { auth: `PLAIN ${Buffer.from(secret).toString('base64')}` }],
  ])('is not seen in %s', ([, fields]) => {
    const text = hidden(fields)
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain('aHVudGVyMi')
    expect(text.match(/\[secret\]/g)?.length).toBeGreaterThan(1)
  })

  test('a number that is a secret is not seen either', () => {
    expect(hidden({ pin: 91_827_364, port: 587 }, ['91827364'])).toMatch(/"pin":"\[secret\]","port":587/)
  })

  test('of two secrets, one a part of the other, neither shows', () => {
    expect(hidden({ text: 'swordfish1234' }, ['sword', 'swordfish1234'])).toContain('"text":"[secret]"')
  })

  test('a short one is taken out where it stands alone, so that the log stays readable', () => {
    expect(hidden({ a: 'abc', b: 'key=abc;', c: 'abcde' }, ['abc'])).toContain('"a":"[secret]","b":"key=[secret];","c":"abcde"')
  })

  test('an empty one takes nothing out', () => {
    expect(hidden({ text: 'plain' }, ['', ' '])).toContain('"text":"plain"')
  })

  test('a cut never leaves the beginning of one', () => {
    const long = `begin-${'s'.repeat(100)}-end`
    for (let shift = 0; shift < 150; shift += 7) {
      // Those that are taken out make the text shorter: what stood at the first cut may then stand before the second.
      const text = hidden({ text: `${long.repeat(60)}${'x'.repeat(8_147 - 60 * long.length - shift)}${long}` }, [long])
      expect(text).not.toContain('begin-')
      expect(hidden({ text: `${'x'.repeat(4_000 - shift)}${long}` }, [long])).not.toContain('begin-')
    }
  })

  test('a key of several lines is not seen line by line', () => {
    expect(hidden({ line: 'at MIIEvQIBADANBg here' }, ['-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n'])).toContain(
      'at [secret] here',
    )
  })

  test('those of a configuration that was read again count from then on', () => {
    const { log, records } = logging({}, ['old-password'])
    log.change({ level: 'info' }, ['new-password'])
    log.info('old-password new-password')
    expect(records()[0]?.['message']).toBe('old-password [secret]')
  })
})

describe('anything can be logged', () => {
  const circular: Record<string, unknown> = { name: 'self' }
  circular['self'] = circular
  const endless = new Proxy({}, { ownKeys: () => { throw new Error('no') } }) // biome-ignore format: one thing
  const deep = Array.from({ length: 100 }).reduce<unknown>((inner) => ({ inner }), 'bottom')
  const chain = Array.from({ length: 100 }).reduce<Error>((cause, _, i) => new Error(`e${i}`, { cause }), new Error('first'))

  test.for<[string, unknown, unknown]>([
    ['a circle', circular, { name: 'self', self: '[circular]' }],
    ['a getter that throws', { get a() { throw new Error('no') } }, '[unreadable]'], // biome-ignore format: one thing
    ['a proxy that throws', endless, '[unreadable]'],
    ['a big integer', 12n, '12'],
    ['no number', Number.NaN, 'NaN'],
    ['a function', () => {}, '[function]'],
    ['bytes', Buffer.alloc(1_000), '[1000 bytes]'],
    ['a date', new Date(T0), '2026-11-22T12:00:00.000Z'],
    ['no date', new Date(Number.NaN), 'Invalid Date'],
    ['the same twice', [deepless(), deepless()], [{ a: 1 }, { a: 1 }]],
    ['a lone surrogate', '\ud800', '\ud800'],
  ])('%s', ([, value, expected]) => {
    const { log, records } = logging()
    log.info('odd', { value })
    expect(records()[0]?.['value']).toEqual(expected)
  })

  test('an error with its chain, and nothing of what a library hangs on it', () => {
    const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), {
      code: 'ECONNRESET',
      $response: { body: { phoneNumber: '+49 30 1234' } },
    })
    const { log, records, stdout } = logging()
    log.error('failed', { error })
    expect(records()[0]?.['error']).toMatchObject({
      name: 'Error',
      message: 'outer',
      code: 'ECONNRESET',
      stack: expect.stringContaining('log.test.ts'),
      cause: { name: 'TypeError', message: 'inner' },
    })
    expect(stdout.text()).not.toContain('1234')
  })

  test.for<[string, unknown]>([
    ['long text', 'x'.repeat(1_000_000)],
    ['a long list', Array.from({ length: 100_000 }, (_, i) => `item ${i}`)],
    ['many keys', Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, i]))],
    ['depth', deep],
    ['a long chain of causes', chain],
    ['breadth and depth', tree(6)],
    ['many long texts', Array.from({ length: 50 }, () => '\u0001'.repeat(4_000))],
  ])('%s is cut, and says so', ([, value]) => {
    const { log, stdout } = logging()
    log.error('m'.repeat(10_000), { value })
    expect(stdout.text().length).toBeLessThan(64_000)
    expect(stdout.text()).toContain('cut')
    expect(() => JSON.parse(stdout.text())).not.toThrow()
  })
})

test('no more is read of a value than can be written', () => {
  let reads = 0
  const node = (): object =>
    Object.defineProperties(
      {},
      Object.fromEntries(
        Array.from({ length: 20 }, (_, i) => [`key${i}`, { enumerable: true, get: () => (reads++ < 1e5 ? node() : 'leaf') }]),
      ),
    )
  logging().log.info('broad', { value: node() })
  expect(reads).toBeLessThan(1_000)
})

describe('what goes wrong with the log is not thrown at whoever logs', () => {
  test('a reader that went away', async () => {
    const stdout = Object.assign(
      new Writable({ write: (_chunk, _encoding, next) => next(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })) }),
      { isTTY: false },
    )
    const log = createLog(JSON_LOG, { secrets: [], stdout })
    for (let i = 0; i < 100; i++) {
      log.info('on')
      await new Promise(setImmediate)
    }
    await log.close()
  })

  test('a reader that reads no more: lines beyond four megabytes are dropped and counted', async () => {
    const stdout = sink({ stuck: true })
    const { log } = logging({}, [], stdout)
    for (let i = 0; i < 3_000; i++) log.info('on', { text: 'x'.repeat(3_900) })
    expect(stdout.writableLength).toBeLessThan(4.1 * 1024 * 1024)
    vi.spyOn(stdout, 'writableLength', 'get').mockReturnValue(0)
    const written = vi.spyOn(stdout, 'write')
    log.info('again')
    expect(String(written.mock.calls[0]?.[0])).toMatch(/"message":"again","linesDroppedBefore":1\d{3}/)
  })

  test('is written to once for a burst of lines, and each line stays one, in order', async () => {
    const writes: string[] = []
    const stdout = new Writable({
      writev(chunks, next) {
        writes.push(chunks.map(({ chunk }) => String(chunk)).join(''))
        next()
      },
    })
    const log = createLog(JSON_LOG, { secrets: [], stdout })
    for (let i = 0; i < 200; i++) log.info(`line ${i}`)
    await log.close()
    const lines = writes.join('').trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(
      Array.from({ length: 200 }, (_, i) => `line ${i}`),
    )
    expect(writes.length).toBeLessThan(20)
  })

  test('is written to four times a second while lines keep coming, and at once when they are few again', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const writes: number[] = []
    const stdout = new Writable({
      writev(chunks, next) {
        writes.push(chunks.length)
        next()
      },
    })
    const log = createLog(JSON_LOG, { secrets: [], stdout })
    const perSecond = (lines: number) => {
      const before = writes.length
      for (let i = 0; i < lines; i++) {
        log.info('run')
        vi.advanceTimersByTime(1_000 / lines)
      }
      return writes.slice(before)
    }
    perSecond(40)
    expect(perSecond(40)).toEqual([10, 10, 10, 10])
    perSecond(2)
    expect(perSecond(2)).toEqual([1, 1])
    log.info('last')
    expect(writes.at(-1)).toBe(1)
    expect(writes.reduce((sum, lines) => sum + lines)).toBe(85)
  })

  test('has the whole burst also when an exception ends the process', async () => {
    const from = new URL('./log.ts', import.meta.url).href
    const program = `
      const { createLog } = await import(${JSON.stringify(from)})
      const log = createLog(${JSON.stringify(JSON_LOG)}, { secrets: [] })
      for (let i = 0; i < 100; i++) log.info('line')
      setImmediate(() => { throw new Error('on purpose') })`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'ignore'] })
    const exited = once(child, 'close')
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += String(chunk)
    })
    expect((await exited)[0]).toBe(1)
    expect(out.split('\n').filter((line) => line.includes('"message":"line"'))).toHaveLength(100)
  })

  test('after close nothing is written, and close may be called again', async () => {
    const { log, stdout } = logging()
    log.info('last')
    await log.close()
    await log.close()
    log.info('late')
    expect(stdout.lines()).toHaveLength(1)
  })
})

describe('a log file', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'alibi-log-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))
  const path = () => join(directory, 'log', 'alibi.log')
  const filed = (over: Partial<NonNullable<LogConfig['file']>> = {}, now = () => T0) => {
    const stdout = sink()
    const config = { ...JSON_LOG, format: 'pretty' as const, file: { path: path(), maxSizeBytes: 1_000_000, keep: 3, ...over } }
    return { log: createLog(config, { secrets: ['hunter2'], stdout, now }), stdout }
  }

  test('gets the same lines as JSON, without secrets, for its user alone', async () => {
    const { log } = filed()
    for (let i = 0; i < 100; i++) log.info('run', { i, password: 'hunter2' })
    await log.close()
    const records = readFileSync(path(), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line)) // biome-ignore format: a chain
    expect(records).toHaveLength(100)
    expect(records[99]).toMatchObject({ i: 99, password: '[secret]' })
    expect(statSync(path()).mode & 0o777).toBe(0o600)
    expect(statSync(join(directory, 'log')).mode & 0o777).toBe(0o700)
  })

  test('is rotated by size, and only so many are kept', async () => {
    const { log } = filed({ maxSizeBytes: 2_048, keep: 2 })
    for (let i = 0; i < 60; i++) {
      log.info('run', { i, text: 'x'.repeat(200) })
      await vi.waitFor(() => expect(readFileSync(path(), 'utf8')).toContain(`"i":${i},`), { interval: 1, timeout: 5_000 })
    }
    await log.close()
    const files = readdirSync(join(directory, 'log')).filter((name) => /^alibi\.log\.\d/.test(name))
    expect(files).toHaveLength(2)
    expect(readFileSync(path(), 'utf8')).toContain('"i":59')
  })

  const rotated = () => readdirSync(join(directory, 'log')).filter((name) => /^alibi\.log\.\d/.test(name))

  test.for([1, 2, 5])('keeps no more than %i in a burst too, and the newest', async (keep) => {
    const { log } = filed({ maxSizeBytes: 2_048, keep })
    for (let i = 0; i < 600; i++) log.info('run', { i, text: 'x'.repeat(200) })
    await log.close()
    expect(rotated().length).toBeLessThanOrEqual(keep)
    expect(readFileSync(path(), 'utf8')).toContain('"i":599')
  })

  test('keeps no more in one burst after the other, and removes what an earlier process left', async () => {
    mkdirSync(join(directory, 'log'))
    for (let i = 0; i < 20; i++) writeFileSync(join(directory, 'log', `alibi.log.2026-11-0${1 + (i % 9)}.${i}`), 'old')
    writeFileSync(join(directory, 'log', 'alibi.log.mine'), 'not a log file')
    const { log } = filed({ maxSizeBytes: 2_048, keep: 3 })
    for (let burst = 0; burst < 5; burst++) {
      for (let i = 0; i < 100; i++) log.info('run', { i, text: 'x'.repeat(200) })
      await vi.waitFor(() => expect(rotated().length).toBeLessThanOrEqual(3), { interval: 1, timeout: 5_000 })
    }
    await log.close()
    expect(rotated()).toHaveLength(3)
    expect(existsSync(join(directory, 'log', 'alibi.log.mine'))).toBe(true)
  })

  test('that cannot be opened is reported on stdout, and opened a minute later', async () => {
    let now = T0
    writeFileSync(join(directory, 'log'), 'in the way')
    const { log, stdout } = filed({}, () => now)
    log.info('first')
    expect(stdout.lines()).toHaveLength(2)
    expect(stdout.text()).toContain('the log file failed')
    log.info('second')
    rmSync(join(directory, 'log'))
    now += 60_000
    log.info('third')
    await log.close()
    expect(readFileSync(path(), 'utf8').trimEnd().split('\n')).toHaveLength(1)
    expect(stdout.text().match(/the log file failed/g)).toHaveLength(1)
  })

  test.for<[string, string]>([
    ['an event tells of it', 'log'],
    ['the write itself throws', 'log/of/alibi'],
  ])('that fails while it is open does not stop the others, and is reported once: %s', async ([, inside]) => {
    const path = join(directory, inside, 'alibi.log')
    const { log, stdout } = filed({ path, maxSizeBytes: 1_024 })
    log.info('first')
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain('first'))
    rmSync(join(directory, 'log'), { recursive: true })
    writeFileSync(join(directory, 'log'), 'in the way') // The next rotation cannot make its file.
    for (let i = 0; i < 50; i++) {
      log.info('on', { i, text: 'x'.repeat(200) })
      await new Promise(setImmediate)
    }
    await log.close()
    expect(stdout.lines().filter((line) => line.includes(' on '))).toHaveLength(50)
    expect(stdout.lines().filter((line) => line.includes('the log file failed'))).toHaveLength(1)
  })
})

function deepless() {
  return { a: 1 }
}

function tree(depth: number): unknown {
  return depth === 0 ? 'leaf' : Array.from({ length: 12 }, () => tree(depth - 1))
}

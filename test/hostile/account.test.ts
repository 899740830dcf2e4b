import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { accountProber } from '../../src/adapters/aws/account.ts'
import { MAX_MESSAGE_CHARS } from '../../src/adapters/aws/failure.ts'
import type { FailureKind, Monitor, Outcome, Probe } from '../../src/domain/probe.ts'
import type { Clock } from '../../src/ports/time.ts'
import { monitor } from '../given.ts'

/* What the Account endpoint can answer that no schema foresees. Every row is a run that counts, of the kind that the status says. */

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  uptime: () => performance.now(),
  moment: () => null,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
}

type Answer = Readonly<{ status: number; headers?: Readonly<Record<string, string | readonly string[]>>; body: string }>

let answer: Answer = { status: 200, body: '{}' }
const server = createServer((request, response: ServerResponse) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(answer.status, { 'content-type': 'application/json', ...(answer.headers as Record<string, string>) })
    response.end(answer.body)
  })
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
  vi.stubEnv('AWS_PROFILE', undefined)
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => new Promise((resolve) => server.close(resolve)))

/** One run, made again where this machine stood still meanwhile. */
async function runOf(given: Answer, over: Partial<Monitor> = {}): Promise<Outcome> {
  answer = given
  const chain = { profile: null, roleArn: null, externalId: null, sessionName: null }
  const one = monitor({ accounts: ['self'], attempts: 1, timeoutMs: 20_000, credentials: chain, ...over })
  const env = { ...process.env, AWS_ENDPOINT_URL_ACCOUNT: url, AWS_ENDPOINT_URL_STS: url }
  const control = { url: `${url}/control`, timeoutMs: 500 }
  const prober = accountProber({ monitors: [one], control, clock, random01: () => 1, env, version: '0.0.0' })
  try {
    for (let left = 10; ; left--) {
      const outcome = await prober.run(one.probes[0] as Probe, new AbortController().signal)
      if (outcome.kind !== 'stalled' || left === 0) return outcome
    }
  } finally {
    prober.close()
  }
}

/** Written as text: JSON can hold what no JavaScript object can be made to hold by hand. */
const ODD: Readonly<Record<string, string>> = {
  'a number': '7',
  zero: '0',
  'a number beyond all numbers': '1e999',
  true: 'true',
  false: 'false',
  null: 'null',
  'a list': '["a", "b"]',
  'an empty list': '[]',
  'an object': '{"a": 1}',
  'an object whose toString is a number': '{"toString": 7, "valueOf": 7}',
  'an object with a prototype of its own': '{"__proto__": {"length": 1e9}}',
  'very long': JSON.stringify('x'.repeat(200_000)),
  'a lone surrogate': '"\\ud800"',
  'control characters': '"\\u0000\\u001b[31m\\u202e"',
}

function sane(outcome: Outcome): void {
  for (const made of outcome.tries) {
    for (const text of [made.error, made.message, made.requestId, made.apigwId, made.traceId]) {
      if (text === null) continue
      expect(typeof text).toBe('string')
      expect(text.length).toBeLessThanOrEqual(MAX_MESSAGE_CHARS)
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }
    for (const number of [made.at, made.ms, made.status ?? 0, made.skewMs ?? 0]) expect(Number.isFinite(number)).toBe(true)
  }
}

describe('a field of an error that is not what it should be', () => {
  const fields = [
    'message',
    'Message',
    'code',
    '__type',
    'name',
    'cause',
    'errors',
    'stack',
    '$fault',
    '$metadata',
    '$retryable',
    'errcode',
  ]
  const statuses: readonly Readonly<[number, FailureKind]>[] = [
    [500, 'internal'],
    [403, 'denied'],
  ]
  const rows = fields.flatMap((field) => Object.keys(ODD).map((odd) => [field, odd] as const))
  test.for(rows)('%s is %s', async ([field, odd]) => {
    for (const [status, kind] of statuses) {
      const outcome = await runOf({ status, body: `{"${field}": ${ODD[odd]}}` })
      expect([status, outcome.result, outcome.kind]).toEqual([status, 'failed', kind])
      sane(outcome)
    }
  })

  test.for(Object.keys(ODD))('an InternalServerException whose message is %s', async (odd) => {
    const outcome = await runOf({ status: 500, body: `{"__type": "InternalServerException", "message": ${ODD[odd]}}` })
    expect(outcome).toMatchObject({
      result: 'failed',
      kind: 'internal',
      tries: [{ error: 'InternalServerException', status: 500 }],
    })
    sane(outcome)
  })

  test('a `code` in the answer is no code of Node’s: a refusal is no broken line', async () => {
    const outcome = await runOf({
      status: 403,
      body: '{"__type": "AccessDeniedException", "message": "no", "code": "ECONNRESET"}',
    })
    expect(outcome).toMatchObject({ result: 'failed', kind: 'denied', control: null })
  })
})

describe('bodies that are no error at all', () => {
  test.for(Object.keys(ODD))('%s', async (odd) => {
    for (const [status, kind] of [
      [500, 'internal'],
      [200, 'internal'],
      [400, 'invalid'],
    ] as const) {
      const outcome = await runOf({ status, body: ODD[odd] ?? '' })
      const isObject = status === 200 && (ODD[odd] ?? '').startsWith('{')
      expect([status, outcome.kind]).toEqual([status, isObject ? null : kind])
      sane(outcome)
    }
  })

  test.for([
    ['GetContactInformation', 'ContactInformation'],
    ['GetAccountInformation', 'AccountCreatedDate'],
    ['ListRegions', 'Regions'],
  ] as const)('a 200 of %s whose %s is odd is an answer', async ([operation, field]) => {
    for (const odd of Object.values(ODD)) {
      const outcome = await runOf({ status: 200, body: `{"${field}": ${odd}}` }, monitorWith(operation))
      expect([odd.slice(0, 40), outcome.result]).toEqual([odd.slice(0, 40), 'ok'])
      sane(outcome)
    }
  })
})

function monitorWith(operation: 'GetContactInformation' | 'GetAccountInformation' | 'ListRegions'): Partial<Monitor> {
  return { probes: monitor({ accounts: ['self'], operations: [operation] }).probes }
}

describe('headers', () => {
  const ROWS: readonly Readonly<[string, Readonly<Record<string, string | readonly string[]>>]>[] = [
    ['a date beyond what a Date can hold', { date: 'Fri, 31 Dec 999999 23:59:59 GMT' }],
    ['a date of the year 275760', { date: 'Sat, 13 Sep 275760 00:00:00 GMT' }],
    ['a date that is none', { date: '-1e999' }],
    ['a request id of a million letters is not shown', { 'x-amzn-requestid': 'a'.repeat(10_000) }],
    ['a request id with escape codes', { 'x-amzn-requestid': 'a\u00a0b' }],
    ['two request ids', { 'x-amzn-requestid': ['one', 'two'] }],
    ['an error type that is a prototype', { 'x-amzn-errortype': '__proto__' }],
    ['an error type of nothing but signs', { 'x-amzn-errortype': ':::,,,###' }],
    ['an error type of ten thousand letters', { 'x-amzn-errortype': 'E'.repeat(10_000) }],
    ['a content type that is a lie', { 'content-type': 'application/cbor' }],
    ['a time to wait that is no time', { 'retry-after': '1e999' }],
    ['a time to wait of a hundred years', { 'retry-after': '3153600000' }],
  ]
  test.for(ROWS)('%s', async ([, headers]) => {
    const outcome = await runOf({ status: 500, headers, body: '{"message": "Internal server error"}' })
    expect(outcome).toMatchObject({ result: 'failed', kind: 'internal' })
    sane(outcome)
  })
})

describe('STS, asked for a role', () => {
  const credentials = { profile: null, roleArn: 'arn:aws:iam::111122223333:role/prober', externalId: null, sessionName: null }
  const found = (inner: string) =>
    `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>${inner}</Credentials></AssumeRoleResult></AssumeRoleResponse>`
  const key = '<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>'
  const secret = '<SecretAccessKey>wJalrXUtnFEMI</SecretAccessKey>'
  const ROWS: readonly Readonly<[string, string]>[] = [
    ['no credentials at all', found('')],
    ['a key without a secret', found(key)],
    ['a key that is a tree', found(`<AccessKeyId><a>b</a></AccessKeyId>${secret}`)],
    ['two secrets', found(`${key}${secret}${secret}`)],
    ['an end that is no time', found(`${key}${secret}<Expiration>soon</Expiration>`)],
    ['an end beyond what a Date can hold', found(`${key}${secret}<Expiration>+999999-01-01T00:00:00Z</Expiration>`)],
    ['JSON', '{"Credentials": {}}'],
    ['nothing', ''],
    ['XML that does not end', '<AssumeRoleResponse><AssumeRoleResult>'],
    ['an entity that names itself', '<!DOCTYPE a [<!ENTITY a "&a;">]><a>&a;</a>'],
  ]
  test.for(ROWS)('%s', async ([, body]) => {
    const outcome = await runOf({ status: 200, headers: { 'content-type': 'text/xml' }, body }, { credentials })
    expect(outcome.result).toBe('failed')
    expect(outcome.tries[0]?.kind).toMatch(/^(internal|credentials|invalid)$/)
    sane(outcome)
  })
})

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyringError } from '../../src/adapters/aws/credentials.ts'
import { dashboard, MAX_BODY_BYTES } from '../../src/adapters/aws/dashboard.ts'
import { BoundedHandler } from '../../src/adapters/aws/handler.ts'
import { type HealthApiOptions, healthApi, MAX_TEXTS_PER_ASK, REFUSED_FOR_MS } from '../../src/adapters/aws/health-api.ts'
import type { SourceAnswer } from '../../src/domain/outage.ts'
import { admit, join, NOTHING_HELD } from '../../src/domain/reading.ts'
import { type ApiMode, type DashboardMode, HealthStandIn } from '../../src/sandbox/health.ts'

const T = Date.UTC(2026, 10, 22, 12)
const MIN = 60_000
const HOUR = 60 * MIN
const never = new AbortController().signal
const SERVICES = ['ACCOUNT', 'IAM', 'STS', 'ORGANIZATIONS', 'MULTIPLE_SERVICES']

type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => boolean
let now = T
let aws: HealthStandIn
let url: string
/** Looked at before the stand-in; returns whether it answered. */
let first: Handler
let server: ReturnType<typeof createServer>
const open: { close(): void }[] = []

beforeEach(async () => {
  now = T
  first = () => false
  aws = new HealthStandIn({ now: () => now })
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      if (!first(request, body, response) && !aws.handle(request, body, response)) response.writeHead(404).end()
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  for (const one of open.splice(0)) one.close()
  server.closeAllConnections()
  await new Promise((closed) => server.close(closed))
})

function api(changes: Partial<HealthApiOptions> = {}) {
  const source = healthApi({
    partition: 'aws',
    credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }),
    env: { AWS_ENDPOINT_URL_HEALTH: url },
    timeoutMs: 10_000,
    services: SERVICES,
    regions: ['us-east-1'],
    owners: () => ['111122223333', 'self@chain||'],
    ...changes,
  })
  open.push(source)
  return source
}
const board = (changes: Partial<Parameters<typeof dashboard>[0]> = {}) =>
  dashboard({ url: `${url}/public/currentevents`, timeoutMs: 10_000, ...changes })

type Answered = Extract<SourceAnswer, { state: 'answered' }>
async function answered(asking: Promise<SourceAnswer>): Promise<Answered> {
  const answer = await asking
  expect(answer).toMatchObject({ state: 'answered' })
  return answer as Answered
}
const why = (answer: SourceAnswer) => ('why' in answer ? answer.why : `answered: ${answer.detail}`)
const calls = (what: string) => aws.asked.filter((asked) => asked.what === what)

describe('the Health API', () => {
  test('an open event is read with its text', async () => {
    aws.publish({
      id: 'big',
      service: 'IAM',
      region: 'global',
      text: 'Errors <b>in</b> us-east-1 &amp; more',
      start: T - 20 * MIN,
    })
    const { events, skipped, detail, at } = await answered(api().ask(T, T - HOUR, never))
    expect(events).toEqual([
      {
        arn: aws.arnOf('big'),
        service: 'IAM',
        region: 'global',
        code: 'AWS_IAM_OPERATIONAL_ISSUE',
        category: 'issue',
        scope: 'PUBLIC',
        status: 'open',
        startedAt: T - 20 * MIN,
        endedAt: null,
        updatedAt: T,
        text: 'Errors in us-east-1 & more',
        impacted: null,
        sources: ['api'],
        owners: [],
      },
    ])
    expect({ skipped, detail, at }).toEqual({ skipped: 0, detail: url, at: T })
  })

  test('an event that was sent to one account has its owners', async () => {
    aws.publish({ id: 'mine', service: 'IAM', scope: 'ACCOUNT_SPECIFIC' })
    const { events } = await answered(api().ask(T, T - HOUR, never))
    expect(events).toMatchObject([{ scope: 'ACCOUNT_SPECIFIC', owners: ['111122223333', 'self@chain||'] }])
  })

  test('old open events are read, and closed ones that were updated since; not those closed before, nor others’', async () => {
    aws.publish({ id: 'months-old', start: T - 90 * 24 * HOUR, updated: T - 60 * 24 * HOUR })
    now = T - 3 * HOUR
    aws.publish({ id: 'closed-before', start: T - 4 * HOUR })
    aws.close('closed-before')
    aws.publish({ id: 'closed-since', start: T - 4 * HOUR })
    now = T - 5 * MIN
    aws.close('closed-since')
    aws.publish({ id: 'elsewhere', region: 'eu-west-1' })
    aws.publish({ id: 'of-another', service: 'EC2' })
    aws.publish({ id: 'plan', service: 'IAM', category: 'scheduledChange' })
    aws.publish({ id: 'seen-by-the-dashboard-only', in: ['dashboard'] })
    const { events } = await answered(api().ask(T, T - HOUR, never))
    expect(events.map((event) => [event.arn, event.status, event.endedAt])).toEqual([
      [aws.arnOf('months-old'), 'open', null],
      [aws.arnOf('closed-since'), 'closed', T - 5 * MIN],
    ])
  })

  test('questions are split where Health takes ten values only, and joined by ARN', async () => {
    const services = Array.from({ length: 23 }, (_, i) => `SERVICE_${i}`)
    const regions = Array.from({ length: 11 }, (_, i) => `eu-west-${i}`)
    for (const i of [0, 9, 10, 22]) aws.publish({ id: `${i}`, service: `SERVICE_${i}`, region: 'eu-west-10' })
    const { events } = await answered(api({ services, regions }).ask(T, T - HOUR, never))
    expect(events.map((event) => event.service).sort()).toEqual(['SERVICE_0', 'SERVICE_10', 'SERVICE_22', 'SERVICE_9'])
    expect(calls('DescribeEvents')).toHaveLength(3 * 2 * 2)
  })

  test('pages and batches of texts are followed to their end', async () => {
    aws.pageSize = 10
    for (let i = 0; i < 35; i++) aws.publish({ id: `e${i}`, text: `text ${i}` })
    const { events } = await answered(api().ask(T, T - HOUR, never))
    expect(events.map((event) => event.text).sort()).toEqual(Array.from({ length: 35 }, (_, i) => `text ${i}`).sort())
    expect(calls('DescribeEventDetails')).toHaveLength(4)
  })

  test('a text is asked for once for each update, and only so many at a time', async () => {
    for (let i = 0; i < MAX_TEXTS_PER_ASK + 5; i++) aws.publish({ id: `e${i}`, text: `text ${i}` })
    const source = api()
    expect((await answered(source.ask(T, T - HOUR, never))).detail).toContain(
      `without the latest text of 5 of ${MAX_TEXTS_PER_ASK + 5} events`,
    )
    expect((await answered(source.ask(T, T - HOUR, never))).detail).toBe(url)
    const before = calls('DescribeEventDetails').length
    expect(before).toBe(11)
    await answered(source.ask(T, T - HOUR, never))
    expect(calls('DescribeEventDetails')).toHaveLength(before)
    now += MIN
    aws.update({ id: 'e3', text: 'new' })
    const { events } = await answered(source.ask(T + MIN, T - HOUR, never))
    expect(events.find((event) => event.arn === aws.arnOf('e3'))?.text).toBe('text 3\nnew')
    expect(calls('DescribeEventDetails')).toHaveLength(before + 1)
  })

  test('an event whose text cannot be had stays, and the reading says so', async () => {
    aws.publish({ id: 'mute', region: 'global' })
    aws.publish({ id: 'fine', text: 'fine' })
    aws.unknownDetails.add(aws.arnOf('mute'))
    const { events, detail } = await answered(api().ask(T, T - HOUR, never))
    expect(Object.fromEntries(events.map((event) => [event.arn, event.text]))).toEqual({
      [aws.arnOf('mute')]: '',
      [aws.arnOf('fine')]: 'fine',
    })
    expect(detail).toContain('without the latest text of 1 of 2 events')
  })

  const failDetails =
    (type: string): Handler =>
    (request, _, response) => {
      if (!String(request.headers['x-amz-target']).endsWith('DescribeEventDetails')) return false
      response.writeHead(400).end(JSON.stringify({ __type: type, message: 'no' }))
      return true
    }

  test('where texts are denied, events are read without them', async () => {
    aws.publish({ id: 'big', region: 'global' })
    first = failDetails('AccessDeniedException')
    expect(await answered(api().ask(T, T - HOUR, never))).toMatchObject({
      events: [{ text: '' }],
      detail: `${url}, without the latest text of 1 of 1 events (health:DescribeEventDetails is denied)`,
    })
  })

  test('where texts fail, a regional event is read without; a global one, which only its text places, is not', async () => {
    first = failDetails('ServiceUnavailable')
    aws.publish({ id: 'here', region: 'us-east-1' })
    expect((await answered(api().ask(T, T - HOUR, never))).events).toMatchObject([{ text: '' }])
    aws.publish({ id: 'somewhere', region: 'global' })
    expect(await api().ask(T, T - HOUR, never)).toMatchObject({ state: 'unavailable', why: 'ServiceUnavailable: no' })
  })

  test.for<[ApiMode, 'refused' | 'unavailable', string]>([
    ['subscription-required', 'refused', 'support plan'],
    ['denied', 'refused', 'not allowed'],
    ['unavailable', 'unavailable', 'InternalFailure'],
    ['throttled', 'unavailable', 'ThrottlingException'],
    ['hang', 'unavailable', 'no whole answer within 300 ms'],
  ])('%s means %s', async ([mode, state, told]) => {
    aws.publish({ id: 'big' })
    aws.api = mode
    const answer = await api(mode === 'hang' || mode === 'throttled' ? { timeoutMs: 300 } : {}).ask(T, T - HOUR, never)
    expect(answer).toMatchObject({ state, at: T })
    expect(why(answer)).toContain(told)
    if (answer.state !== 'unavailable') return
    expect(answer.heard ?? false, 'somebody answered').toBe(mode !== 'hang')
    expect(answer.throttled ?? false).toBe(mode === 'throttled')
  })

  /** The first so many tries of each call are throttled. */
  const throttling = (tries: number, which: (target: string) => boolean = () => true): Handler => {
    const seen = new Map<string, number>()
    return (request, body, response) => {
      const target = String(request.headers['x-amz-target'])
      if (!which(target)) return false
      const nth = (seen.get(`${target}${body}`) ?? 0) + 1
      seen.set(`${target}${body}`, nth)
      if (nth > tries) return false
      response.writeHead(400).end(JSON.stringify({ __type: 'ThrottlingException', message: 'Rate exceeded' }))
      return true
    }
  }

  test('a call that is throttled is tried again until it passes: an API that lets few calls through is read all the same', async () => {
    aws.publish({ id: 'big', text: 'all of it' })
    first = throttling(4)
    const { events } = await answered(api({ pauseMs: 1 }).ask(T, T - HOUR, never))
    expect(events).toMatchObject([{ text: 'all of it' }])
    expect(aws.asked.map(({ what }) => what)).toEqual(['DescribeEvents', 'DescribeEvents', 'DescribeEventDetails'])
  })

  test('texts that are throttled for too long follow with the next reading, where none of them decides', async () => {
    aws.publish({ id: 'here', text: 'all of it', region: 'us-east-1' })
    first = throttling(1_000, (target) => target.endsWith('DescribeEventDetails'))
    const source = api({ timeoutMs: 1_000, pauseMs: 1 })
    expect(await answered(source.ask(T, T - HOUR, never))).toMatchObject({ events: [{ text: '' }] })
    first = () => false
    expect(await answered(source.ask(T, T - HOUR, never))).toMatchObject({ events: [{ text: 'all of it' }] })
    aws.publish({ id: 'anywhere', region: 'global' })
    first = throttling(1_000, (target) => target.endsWith('DescribeEventDetails'))
    expect(await source.ask(T, T - HOUR, never)).toMatchObject({ state: 'unavailable', throttled: true })
  })

  test('a passing error is tried once more, and no other error', async () => {
    let asked = 0
    first = (_, __, response) => {
      asked += 1
      if (asked > 1) return false
      return !!response.writeHead(503).end()
    }
    await answered(api().ask(T, T - HOUR, never))
    asked = 0
    aws.api = 'denied'
    first = () => {
      asked += 1
      return false
    }
    expect(await api().ask(T, T - HOUR, never)).toMatchObject({ state: 'refused' })
    expect(asked).toBe(1)
  })

  test('a refusal is remembered for a day, and then asked about again', async () => {
    const source = api()
    aws.api = 'subscription-required'
    const refusal = await source.ask(T, T - HOUR, never)
    const before = aws.asked.length
    aws.api = 'ok'
    expect(await source.ask(T + REFUSED_FOR_MS - 1, T, never)).toEqual(refusal)
    expect(aws.asked).toHaveLength(before)
    expect(await source.ask(T + REFUSED_FOR_MS, T, never)).toMatchObject({ state: 'answered' })
  })

  test('errors are not remembered', async () => {
    const source = api()
    aws.api = 'unavailable'
    expect(await source.ask(T, T - HOUR, never)).toMatchObject({ state: 'unavailable' })
    aws.api = 'ok'
    expect(await source.ask(T, T - HOUR, never)).toMatchObject({ state: 'answered' })
  })

  test.for(['ExpiredTokenException', 'UnrecognizedClientException'])(
    'credentials that are refused (%s) are looked for anew',
    async (type) => {
      const given: string[] = []
      const dropped: string[] = []
      const source = api({
        credentials: async () => {
          given.push(`KEY${given.length}`)
          return { accessKeyId: given.at(-1) as string, secretAccessKey: 'secret' }
        },
        drop: ({ accessKeyId }) => dropped.push(accessKeyId),
      })
      first = (_, __, response) => {
        response.writeHead(403).end(JSON.stringify({ __type: type, message: 'refused' }))
        return true
      }
      expect(await source.ask(T, T - HOUR, never)).toMatchObject({
        state: 'unavailable',
        why: `${type}: refused`,
        ours: 'credentials',
      })
      expect(dropped).toEqual(['KEY0'])
      first = () => false
      expect(await source.ask(T, T - HOUR, never)).toMatchObject({ state: 'answered' })
      expect(given).toEqual(['KEY0', 'KEY1'])
    },
  )

  test('credentials that cannot be had are no answer, nor are those that never come', async () => {
    const none = () => Promise.reject(new Error('Could not load credentials from any providers'))
    expect(why(await api({ credentials: none }).ask(T, T - HOUR, never))).toContain('Could not load credentials')
    const hanging = () => new Promise<never>(() => undefined)
    expect(await api({ credentials: hanging, timeoutMs: 200 }).ask(T, T - HOUR, never)).toMatchObject({ state: 'unavailable' })
  })

  test.for<[string, 'provider' | 'STS', number | null, string, boolean]>([
    ['there are none', 'provider', null, 'credentials: Could not load them', true],
    ['STS refuses', 'STS', 403, 'STS in us-east-1: ', true],
    ['STS is in trouble', 'STS', 500, 'STS in us-east-1: ', false],
    ['STS cannot be reached', 'STS', null, 'STS in us-east-1: ', false],
  ])('whose matter it is that credentials cannot be had, and why, once: %s', async ([, who, status, words, ours]) => {
    const cause = Object.assign(new Error('Could not load them'), { name: 'CredentialsProviderError' })
    const answer = status === null ? null : { status, requestId: null, apigwId: null, traceId: null, date: null, body: null }
    const holder = { credentials: { profile: null, roleArn: null, externalId: null, sessionName: null }, stsRegion: 'us-east-1' }
    const none = () => Promise.reject(new KeyringError(cause, { who, answer, heardAt: null }, holder))
    const said = await api({ credentials: none }).ask(T, T - HOUR, never)
    expect(why(said).startsWith(words), why(said)).toBe(true)
    expect(why(said)).not.toMatch(/KeyringError|ProviderError|them.*them/)
    expect('ours' in said).toBe(ours)
  })

  test.for<[string, Handler]>([
    ['a body that stalls', (_, __, response) => !!response.writeHead(200, { 'content-length': 999 }).write('{"events":[')],
    ['an error body that stalls', (_, __, response) => !!response.writeHead(400, { 'content-length': 999 }).write('{"__type":')],
    [
      'a body without end',
      (_, __, response) => {
        response.writeHead(200)
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        }
        response.on('drain', more)
        more()
        return true
      },
    ],
    ['a dropped connection', (request) => !!request.socket.destroy()],
    ['a page of HTML with status 200', (_, __, response) => !!response.end('<html></html>')],
    ['a page of HTML with status 503', (_, __, response) => !!response.writeHead(503).end('<html></html>')],
    ['an empty body', (_, __, response) => !!response.end()],
    ['a list', (_, __, response) => !!response.end('[]')],
    ['no list of events', (_, __, response) => !!response.end('{"events":{}}')],
    ['the same page for ever', (_, __, response) => !!response.end('{"nextToken":"more of the same"}')],
  ])('%s is no answer, in good time', async ([, handler]) => {
    first = handler
    const answer = await api({ timeoutMs: 1_000 }).ask(T, T - HOUR, never)
    expect(answer).toMatchObject({ state: 'unavailable' })
    expect(why(answer)).toMatch(/^[^\n<>]{5,200}$/)
  })

  test('an endless list is cut, and the reading says so', async () => {
    first = (_, body, response) => {
      if (!body.includes('maxResults')) return false
      response.end(JSON.stringify({ events: [], nextToken: 'more' }))
      return true
    }
    expect((await answered(api().ask(T, T - HOUR, never))).detail).toContain('only the newest 2000 events were read')
  })

  test('being stopped ends the question at once', async () => {
    aws.api = 'hang'
    const stop = new AbortController()
    const asking = api().ask(T, T - HOUR, stop.signal)
    stop.abort()
    expect(await asking).toMatchObject({ state: 'unavailable', why: 'abandoned: we are stopping' })
  })

  const good = (i: number) => ({
    arn: `arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/${i}`,
    service: 'IAM',
    startTime: T / 1_000,
    statusCode: 'odd',
    eventTypeCategory: 'new',
    lastUpdatedTime: 'yesterday',
  })
  const says = (events: readonly unknown[]): Handler => {
    return (_, body, response) => {
      if (!body.includes('maxResults')) return false
      response.end(JSON.stringify({ events }))
      return true
    }
  }

  test('an element that cannot be read is counted, odd fields degrade', async () => {
    first = says([{ arn: 'no arn' }, ...Array.from({ length: 9 }, (_, i) => good(i))])
    const { events, skipped, detail } = await answered(api().ask(T, T - HOUR, never))
    expect(events).toHaveLength(9)
    expect(events[0]).toMatchObject({ status: 'open', category: 'unknown', scope: 'NONE', updatedAt: T, region: 'us-east-1' })
    // Two questions are asked of the API, and each holds it.
    expect(skipped).toBe(2)
    expect(detail).toContain('2 of 20 events could not be read')
  })

  test('where more than a tenth cannot be read, it is no answer', async () => {
    first = says([{ arn: 'no arn' }, ...Array.from({ length: 8 }, (_, i) => good(i))])
    expect(await api().ask(T, T - HOUR, never)).toMatchObject({ state: 'unavailable', why: '2 of 18 events cannot be read' })
  })

  test('a filter on services that is turned down is left out from then on', async () => {
    aws.publish({ id: 'iam', service: 'IAM' })
    aws.publish({ id: 'ec2', service: 'EC2' })
    first = (_, body, response) => {
      if (!body.includes('"services"')) return false
      response.writeHead(400).end(JSON.stringify({ __type: 'ValidationException', message: 'no such service' }))
      return true
    }
    const source = api()
    const { events } = await answered(source.ask(T, T - HOUR, never))
    expect(events.map((event) => event.service)).toEqual(['IAM'])
    first = () => false
    aws.asked.length = 0
    await answered(source.ask(T, T - HOUR, never))
    expect(aws.asked.some((asked) => asked.body.includes('"services"'))).toBe(false)
  })

  test('any JSON and any bytes are an answer of some kind, never an exception', async () => {
    const noise = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc
        .record(
          {
            events: fc.array(
              fc.oneof(
                fc.anything(),
                fc.record(
                  {
                    arn: fc.constantFrom('arn:aws:health:us-east-1::event/A/B/C', 'x', 1),
                    startTime: fc.oneof(fc.double(), fc.string(), fc.constant(null)),
                  },
                  { requiredKeys: [] },
                ),
              ),
            ),
            nextToken: fc.oneof(fc.string(), fc.anything()),
            successfulSet: fc.anything(),
            __type: fc.oneof(
              fc.string(),
              fc.constantFrom('AccessDeniedException', 'ValidationException', '__proto__', 'constructor'),
            ),
          },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? ''),
    )
    await fc.assert(
      fc.asyncProperty(noise, fc.constantFrom(200, 400, 403, 404), async (body, status) => {
        first = (_, __, response) => !!response.writeHead(status).end(body)
        const answer = await api({ timeoutMs: 2_000 }).ask(T, T - HOUR, never)
        expect(['answered', 'refused', 'unavailable']).toContain(answer.state)
        if (status !== 200) expect(answer.state).not.toBe('answered')
      }),
      { numRuns: 100 },
    )
  })

  describe('the active region', () => {
    const hosts: string[] = []
    /** Sends what is meant for AWS to the stand-in. */
    class LeadHere extends BoundedHandler {
      override handle(...[request, options]: Parameters<BoundedHandler['handle']>) {
        hosts.push(request.hostname)
        return super.handle(
          Object.assign(request, { protocol: 'http:', hostname: '127.0.0.1', port: Number(new URL(url).port) }),
          options,
        )
      }
    }
    beforeEach(() => {
      hosts.length = 0
    })

    /** Without an override; all of Health's hosts lead to the stand-in, which sees the region that was signed for. */
    const regional = (resolveCname: (name: string) => Promise<readonly string[]>, changes: Partial<HealthApiOptions> = {}) =>
      api({ env: {}, resolveCname, handler: new LeadHere(), ...changes })

    test('the CNAME of the global name says where to ask and what to sign for', async () => {
      const names: string[] = []
      const source = regional(async (name) => {
        names.push(name)
        return ['health.us-east-2.amazonaws.com']
      })
      expect((await answered(source.ask(T, T - HOUR, never))).detail).toBe('us-east-2')
      expect(new Set(aws.asked.map((asked) => asked.region))).toEqual(new Set(['us-east-2']))
      expect(new Set(hosts)).toEqual(new Set(['health.us-east-2.amazonaws.com']))
      await source.ask(T + MIN - 1, T, never)
      expect(names).toEqual(['global.health.amazonaws.com'])
      await source.ask(T + MIN, T, never)
      expect(names).toHaveLength(2)
    })

    test('where it cannot be looked up, the partition’s regions are asked in turn', async () => {
      first = (request, _, response) => {
        if (!String(request.headers.authorization).includes('/us-east-1/')) return false
        response.writeHead(500).end('{"__type":"InternalFailure"}')
        return true
      }
      const answer = await answered(regional(() => Promise.reject(new Error('ETIMEOUT'))).ask(T, T - HOUR, never))
      expect(answer.detail).toBe('us-east-2 (the active region could not be looked up)')
    })

    test('a first region that hangs leaves time for the second', async () => {
      first = (request) => String(request.headers.authorization).includes('/us-east-1/')
      const source = regional(() => Promise.reject(new Error('ETIMEOUT')), { timeoutMs: 2_000 })
      expect((await answered(source.ask(T, T - HOUR, never))).detail).toContain('us-east-2')
    })

    test('when it changes in the middle of a list, the list is started again there', async () => {
      aws.pageSize = 2
      for (let i = 0; i < 5; i++) aws.publish({ id: `e${i}` })
      let region = 'us-east-1'
      first = (_, body) => {
        if (body.includes('nextToken')) region = 'us-east-2'
        return false
      }
      const source = regional(async () => [`health.${region}.amazonaws.com`])
      const { events, detail } = await answered(source.ask(T, T - HOUR, never))
      expect(detail).toBe('us-east-2')
      expect(events).toHaveLength(5)
      const after = aws.asked.slice(aws.asked.findIndex((asked) => asked.region === 'us-east-2'))
      expect(after.every((asked) => asked.region === 'us-east-2')).toBe(true)
      expect(after[0]?.body).not.toContain('nextToken')
    })

    test('when it never comes to rest, that is no answer', async () => {
      aws.pageSize = 2
      for (let i = 0; i < 5; i++) aws.publish({ id: `e${i}` })
      let turn = 0
      const answer = await regional(async () => [`health.us-east-${(turn++ % 2) + 1}.amazonaws.com`]).ask(T, T - HOUR, never)
      expect(answer).toMatchObject({ state: 'unavailable', why: expect.stringContaining('kept changing') })
    })
  })
})

describe('the public dashboard', () => {
  test.for(['utf-16be', 'utf-16le', 'utf-8'] as const)('is read in %s', async (encoding) => {
    aws.encoding = encoding
    aws.publish({ id: 'big', text: 'Zürich – 日本', impacted: ['account', 'sts-us-east-1'], start: T - 20 * MIN })
    now = T + MIN
    aws.update({ id: 'big', text: 'STS is well', impacted: ['account'] })
    const { events, detail } = await answered(board().ask(now, T, never))
    expect(events).toEqual([
      {
        arn: aws.arnOf('big'),
        service: 'MULTIPLE_SERVICES',
        region: 'us-east-1',
        code: 'AWS_MULTIPLE_SERVICES_OPERATIONAL_ISSUE',
        category: 'issue',
        scope: 'PUBLIC',
        status: 'open',
        startedAt: T - 20 * MIN,
        endedAt: null,
        updatedAt: now,
        text: 'AWS MULTIPLE SERVICES OPERATIONAL ISSUE: Zürich – 日本\nAWS MULTIPLE SERVICES OPERATIONAL ISSUE: STS is well',
        impacted: [
          { key: 'account', resolvedAt: null },
          { key: 'sts-us-east-1', resolvedAt: now },
        ],
        sources: ['dashboard'],
        owners: [],
      },
    ])
    expect(detail).toBe(new URL(url).host)
  })

  test('an empty list is an answer, and a closed event has its end', async () => {
    expect(await answered(board().ask(T, T, never))).toMatchObject({ events: [], skipped: 0 })
    aws.publish({ id: 'big', impacted: ['iam'], region: 'global', service: 'IAM' })
    now = T + 9 * MIN
    aws.close('big')
    expect((await answered(board().ask(now, T, never))).events).toMatchObject([
      {
        status: 'closed',
        endedAt: now,
        updatedAt: now,
        region: 'global',
        service: 'IAM',
        impacted: [{ key: 'iam', resolvedAt: now }],
      },
    ])
  })

  test.for<[DashboardMode, string]>([
    ['unavailable', 'it answered 503'],
    ['empty-body', 'the body of its answer is empty'],
    ['html', 'it answered with a page instead of JSON'],
    ['hang', 'no whole answer within 300 ms'],
  ])('%s is no answer: %s', async ([mode, told]) => {
    aws.dashboard = mode
    expect(await board({ timeoutMs: mode === 'hang' ? 300 : 10_000 }).ask(T, T, never)).toEqual({
      state: 'unavailable',
      at: T,
      why: told,
      // Whether somebody out there answered at all, with whatever.
      ...(mode === 'hang' ? {} : { heard: true }),
    })
  })

  const endless: Handler = (_, __, response) => {
    response.writeHead(200)
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(262_144)));
    }
    response.on('drain', more)
    more()
    return true
  }
  const redirect =
    (location: string): Handler =>
    (_, __, response) =>
      !!response.writeHead(302, { location }).end()
  test.for<[string, Handler, string]>([
    [
      'a body that stalls',
      (_, __, response) => !!response.writeHead(200, { 'content-length': 999 }).write('['),
      'no whole answer within 1500 ms',
    ],
    ['too many questions', (_, __, response) => !!response.writeHead(429).end(), 'it answered 429'],
    ['a body without end', endless, `its answer is longer than ${MAX_BODY_BYTES} bytes`],
    ['a dropped connection', (request) => !!request.socket.destroy(), 'socket hang up'],
    ['a redirect to another host', redirect('https://example.com/'), 'it redirects to another host'],
    ['a redirect to another port', redirect('http://127.0.0.1:1/'), 'it redirects to another host'],
    ['a redirect without an address', redirect(''), 'redirect'],
    ['redirects in a circle', redirect('/public/currentevents'), 'it redirects more than 3 times'],
    ['an object', (_, __, response) => !!response.end('{}'), 'its answer is not a list'],
    ['half a list', (_, __, response) => !!response.end('[{}'), 'its answer is not JSON'],
    ['nothing that can be read', (_, __, response) => !!response.end('[1]'), '1 of its 1 events cannot be read'],
    ['too many elements', (_, __, response) => !!response.end(JSON.stringify(Array(1_001).fill(0))), 'more than 1000'],
  ])('%s is no answer', async ([, handler, told]) => {
    first = handler
    const answer = await board({ timeoutMs: 1_500 }).ask(T, T, never)
    expect(answer).toMatchObject({ state: 'unavailable' })
    expect(why(answer)).toContain(told)
    expect('throttled' in answer).toBe(told.endsWith('429'))
  })

  test('a redirect on the same host is followed', async () => {
    first = (request, _, response) =>
      request.url === '/old' ? !!response.writeHead(301, { location: '/public/currentevents' }).end() : false
    expect(await board({ url: `${url}/old` }).ask(T, T, never)).toMatchObject({ state: 'answered' })
  })

  test('a host that cannot be reached is no answer', async () => {
    const answer = await board({ url: 'http://127.0.0.1:1/public/currentevents' }).ask(T, T, never)
    expect(answer).toMatchObject({ state: 'unavailable' })
    expect(why(answer)).toMatch(/ECONNREFUSED|bad port/)
  })

  test.for(['http://health.aws.amazon.com/public/currentevents', 'file:///etc/passwd', 'nonsense', ''])(
    '%j is not asked',
    async (address) => {
      const asked = await board({ url: address, ask: () => Promise.reject(new Error('was asked')) }).ask(T, T, never)
      expect(asked).toMatchObject({ state: 'unavailable', why: 'its address is neither https nor on this machine' })
    },
  )

  test('being stopped ends the question at once', async () => {
    aws.dashboard = 'hang'
    const stop = new AbortController()
    const asking = board().ask(T, T, stop.signal)
    stop.abort()
    expect(await asking).toMatchObject({ state: 'unavailable', why: 'abandoned: we are stopping' })
  })
})

test('both sources tell of one event, and an answer that is suddenly empty is not believed at once', async () => {
  aws.publish({ id: 'big', text: 'Errors', impacted: ['account'] })
  const held = await board().ask(T, T, never)
  const reading = join({ api: await api().ask(T, T - HOUR, never), dashboard: held }, 'aws', T)
  expect(reading.events).toMatchObject([
    { sources: ['api', 'dashboard'], impacted: [{ key: 'account', resolvedAt: null }], scope: 'PUBLIC' },
  ])
  aws.withdraw('big')
  const once = admit(admit(NOTHING_HELD, held).memory, await board().ask(T + MIN, T, never))
  const twice = admit(once.memory, await board().ask(T + 2 * MIN, T, never))
  expect([once.answer.state, twice.answer.state]).toEqual(['unavailable', 'answered'])
})

describe('the organization view', () => {
  const MEMBER = '222233334444'
  const sent = () =>
    aws.publish({
      id: 'ours',
      service: 'IAM',
      region: 'global',
      scope: 'ACCOUNT_SPECIFIC',
      accounts: [MEMBER],
      in: ['api'],
      text: 'about one account',
    })

  test('shows what was sent to member accounts, and to which', async () => {
    aws.organization = true
    sent()
    const answer = await answered(api({ members: true }).ask(now, now - 3_600_000, never))
    expect(answer.events).toMatchObject([{ scope: 'ACCOUNT_SPECIFIC', owners: [MEMBER] }])
    expect(calls('other').map(({ body }) => Object.keys(JSON.parse(body)))).toContainEqual(['eventArn', 'maxResults'])
  })

  test('asks once for the accounts of an event that has not changed', async () => {
    aws.organization = true
    sent()
    const source = api({ members: true })
    await answered(source.ask(now, now - 3_600_000, never))
    const asked = calls('other').filter(({ body }) => body.includes('eventArn')).length
    await answered(source.ask(now + 60_000, now - 3_600_000, never))
    expect(calls('other').filter(({ body }) => body.includes('eventArn'))).toHaveLength(asked)
  })

  test('that is not enabled takes nothing else along, is named, and is left alone for a day', async () => {
    sent()
    aws.publish({ id: 'public', service: 'STS', region: 'us-east-1' })
    const source = api({ members: true })
    const answer = await answered(source.ask(now, now - 3_600_000, never))
    expect(answer.events.map(({ service }) => service)).toEqual(['STS'])
    expect(answer.detail).toContain('organization view is not enabled')
    const asked = calls('other').length
    expect(asked).toBeGreaterThan(0)
    await answered(source.ask(now + 60_000, now - 3_600_000, never))
    expect(calls('other')).toHaveLength(asked)
    await answered(source.ask(now + 25 * 3_600_000, now, never))
    expect(calls('other').length).toBeGreaterThan(asked)
  })

  describe('that throttles', () => {
    const throttled: Handler = (request, _, response) => {
      if (!String(request.headers['x-amz-target']).endsWith('ForOrganization')) return false
      return !!response.writeHead(400).end(JSON.stringify({ __type: 'ThrottlingException', message: 'Rate exceeded' }))
    }

    test('leaves the reading what it is, and stands by what it said as long as that is younger than `cacheFor`', async () => {
      aws.organization = true
      sent()
      aws.publish({ id: 'public', service: 'STS', region: 'us-east-1' })
      const source = api({ members: true, timeoutMs: 1_000, pauseMs: 1, cacheForMs: MIN })
      const services = async (at: number) =>
        (await answered(source.ask(at, at - HOUR, never))).events.map(({ service }) => service).sort()
      expect(await services(T)).toEqual(['IAM', 'STS'])
      first = throttled
      const answer = await answered(source.ask(T + MIN - 1, T, never))
      expect(answer.events.map(({ service }) => service)).toContain('IAM')
      expect(answer.detail).toContain('the organization view throttles')
      expect(await services(T + MIN)).toEqual(['STS'])
      expect(await services(T - 1), 'by a clock that was set back').toEqual(['STS'])
    })

    test('goes on where it was: what was traced already is shown', async () => {
      aws.organization = true
      for (let i = 0; i < 4; i++)
        aws.publish({ id: `e${i}`, service: 'IAM', scope: 'ACCOUNT_SPECIFIC', accounts: [MEMBER], in: ['api'] })
      let left = 2
      first = (request, body, response) => {
        if (!String(request.headers['x-amz-target']).includes('DescribeAffectedAccounts')) return false
        left -= 1
        return left >= 0 ? false : throttled(request, body, response)
      }
      const source = api({ members: true, timeoutMs: 1_000, pauseMs: 1, cacheForMs: MIN })
      const shown = async () => (await answered(source.ask(T, T - HOUR, never))).events.length
      expect(await shown()).toBe(2)
      left = 1
      expect(await shown()).toBe(3)
    })
  })

  test('is not asked where no member account is probed', async () => {
    aws.organization = true
    sent()
    expect((await answered(api().ask(now, now - 3_600_000, never))).events).toEqual([])
    expect(calls('other')).toEqual([])
  })
})

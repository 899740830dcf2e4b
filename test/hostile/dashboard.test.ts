import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dashboard, MAX_BODY_BYTES } from '../../src/adapters/aws/dashboard.ts'
import { apiEvent, dashboardEvent, MAX_ELEMENTS, MAX_IMPACTED } from '../../src/adapters/aws/health-answer.ts'
import { healthApi } from '../../src/adapters/aws/health-api.ts'
import { NEVER_JUDGED, settleJudgement, withFirstEnds } from '../../src/domain/explanation.ts'
import { judge } from '../../src/domain/judge.ts'
import type { HealthEvent, SourceAnswer } from '../../src/domain/outage.ts'
import { join, MAX_ANSWER_TEXT, MAX_EVENT_TEXT } from '../../src/domain/reading.ts'
import { regionsNamed } from '../../src/domain/region.ts'
import { holds } from '../../src/domain/search.ts'
import { httpAnswer } from '../fakes/http-answer.ts'
import { event, failure, MIN, NOON, POLICY, RELEVANCE } from '../given.ts'

/* What AWS Health, or whoever answers in its place, can say: every answer is read within its bounds or counts as no answer. */

const never = new AbortController().signal
const URL_GIVEN = 'https://health.example/public/currentevents'
const SECONDS = NOON / 1_000 - 600

const arn = (i: number) => `arn:aws:health:global::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/AWS_IAM_OPERATIONAL_ISSUE_${i}`
const element = (i: number, changes: object = {}) => ({
  arn: arn(i),
  date: SECONDS,
  service: 'iam',
  status: 1,
  summary: 'Trouble',
  ...changes,
})
const log = (message: string) => ({ event_log: [{ timestamp: SECONDS, summary: 'Update', message }] })
const many = (count: number, make: (i: number) => object) => JSON.stringify(Array.from({ length: count }, (_, i) => make(i)))

async function ask(body: string | Uint8Array): Promise<SourceAnswer> {
  return dashboard({ url: URL_GIVEN, timeoutMs: 60_000, ask: async () => httpAnswer(body) }).ask(NOON, NOON - 7 * 60 * MIN, never)
}

/** A text of hostile shape, as long as it may be in one answer of its size. */
const SHAPES: Readonly<Record<string, string>> = {
  'one letter': 'a',
  'combining marks in no order': '\u0315\u0300',
  'letters that normalize to eighteen': '\ufdfa',
  'voiced marks': '\uff9e\uff9f',
  'spaces and line ends': ' \n',
  'tags that begin': '<a ',
  'entities that begin': '&#x',
  'the begin of a region’s name': 'US East (N. Virginia ',
  'the begin of a region’s code': 'us-east us-east-',
  hyphens: '-',
  'lone surrogates': '\ud800',
  'marks that turn the direction': '\u202e',
  zeros: '\u0000',
}
const filled = (shape: string, length: number) => shape.repeat(Math.floor(length / shape.length))

describe('an answer of the dashboard', () => {
  test.for<[string, string | Uint8Array, RegExp | number]>([
    ['nothing', '', /empty/],
    ['white space', ' \n\t', /empty/],
    ['a page', '<html></html>', /a page instead of JSON/],
    ['half an answer', '[{"arn":', /not JSON/],
    ['a mapping', '{}', /not a list/],
    ['null', 'null', /not a list/],
    ['a number beyond all numbers', '1e999', /not a list/],
    ['lists in lists, a hundred thousand deep', '['.repeat(100_000), /not JSON/],
    ['lists in lists that end', `${'['.repeat(5_000)}${']'.repeat(5_000)}`, /1 of its 1 events cannot be read/],
    ['an empty list', '[]', 0],
    ['a list of nulls', JSON.stringify(Array.from({ length: 100 }, () => null)), /100 of its 100 events/],
    ['a list with holes of every type', '[1, "a", true, null, [], {}]', /6 of its 6/],
    ['one element too many', many(MAX_ELEMENTS + 1, (i) => element(i)), /more than 1000/],
    ['as many elements as there may be', many(MAX_ELEMENTS, (i) => element(i)), MAX_ELEMENTS],
    ['the same event, a thousand times', many(MAX_ELEMENTS, () => element(1)), MAX_ELEMENTS],
    ['one byte too many', `[${' '.repeat(MAX_BODY_BYTES)}`, /longer than/],
    ['UTF-16 that ends within a letter', Uint8Array.of(0xfe, 0xff, 0x00, 0x5b, 0x00), /not JSON/],
    ['bytes that are no text', Uint8Array.from({ length: 1_000 }, (_, i) => (i * 37) % 256), /not JSON/],
    ['a prototype in place of an element', '[{"__proto__": {"arn": "x"}}]', /1 of its 1/],
    [
      'more impacted services than any event has',
      many(20, (i) =>
        element(i, { impacted_services: Object.fromEntries(Array.from({ length: MAX_IMPACTED }, (_, k) => [`s${k}`, {}])) }),
      ),
      /more than 20000 impacted services/,
    ],
    [
      'more text than there may be',
      many(200, (i) => element(i, log('a'.repeat(30_000)))),
      new RegExp(`more than ${MAX_ANSWER_TEXT} characters`),
    ],
  ])('%s', async ([, body, expected]) => {
    const answer = await ask(body)
    if (typeof expected === 'number') expect(answer).toMatchObject({ state: 'answered', events: { length: expected } })
    else expect(answer).toMatchObject({ state: 'unavailable', why: expect.stringMatching(expected) })
  })

  test.for(Object.entries(SHAPES))(
    'forty events of a text of %s are read, joined and judged',
    { timeout: 60_000 },
    async ([, shape]) => {
      const texts = filled(shape, MAX_EVENT_TEXT)
      const answer = await ask(many(40, (i) => element(i, { ...log(texts), summary: texts.slice(0, 10_000) })))
      expect(answer.state).toBe('answered')
      if (answer.state !== 'answered') return
      for (const { text } of answer.events) expect(text.length).toBeLessThanOrEqual(MAX_EVENT_TEXT)
      const both = {
        ...answer,
        events: answer.events.map((one): HealthEvent => ({ ...one, text: `${one.text.slice(1)}x`, sources: ['api'] })),
      }
      const reading = join({ api: both, dashboard: answer }, 'aws', NOON)
      const law = { policy: POLICY, relevance: RELEVANCE }
      const verdict = judge(failure(), reading, { ...law, peers: () => ({ others: 0, ok: 0 }), now: NOON })
      // It is labelled `global`, and names no other region.
      expect(verdict.kind).toBe('explained')
    },
  )

  test('one update of eight megabytes, and a title that is nearly all of it', { timeout: 60_000 }, async () => {
    const title = `${'a'.repeat(40_000)}b`
    const answer = await ask(JSON.stringify([element(1, { summary: title, ...log('a'.repeat(7_500_000)) })]))
    expect(answer).toMatchObject({ state: 'answered', events: [{ text: expect.stringMatching(/^[ab:U]/i) }] })
  })

  test('others have their turn while it is read', { timeout: 60_000 }, async () => {
    let turns = 0
    let isOver = false
    const turn = () => {
      turns += 1
      if (!isOver) setImmediate(turn)
    }
    const texts = filled('<a ', 4_000)
    const answering = ask(
      many(900, (i) => element(i, { event_log: Array.from({ length: 2 }, () => ({ timestamp: SECONDS, message: texts })) })),
    )
    turn()
    const before = turns
    await answering
    isOver = true
    expect(turns - before).toBeGreaterThan(2)
  })
})

describe('work on foreign text grows with the text', () => {
  /** A text that counts how often a letter of it is looked at. */
  const counted = (text: string, count: { looks: number }) =>
    ({
      length: text.length,
      charCodeAt(i: number) {
        count.looks += 1
        return text.charCodeAt(i)
      },
    }) as unknown as string

  test.for<[string, (n: number) => [string, string]]>([
    ['the same letter, and another at the end', (n) => ['a'.repeat(n), `${'a'.repeat(n / 2)}b`]],
    ['the same letter, and another at the begin', (n) => ['a'.repeat(n), `b${'a'.repeat(n / 2)}`]],
    ['periods that nearly fit', (n) => ['abab'.repeat(n / 4), `${'ab'.repeat(n / 8)}aa`]],
    ['two texts that have nothing in common', (n) => ['x'.repeat(n), 'y'.repeat(n / 2)]],
  ])('to look for one text in another: %s', ([, make]) => {
    for (const n of [1_000, 4_000, 16_000]) {
      const [text, part] = make(n)
      const count = { looks: 0 }
      expect(holds(counted(text, count), counted(part, count))).toBe(text.includes(part))
      expect(count.looks).toBeLessThan(6 * (text.length + part.length))
    }
  })

  test('what is normalized holds no run of combining marks, which are put in order in a time of their square', () => {
    const given: string[] = []
    const real = String.prototype.normalize
    const spy = vi.spyOn(String.prototype, 'normalize').mockImplementation(function (this: string, form?: string) {
      given.push(String(this))
      return real.call(this, form)
    })
    try {
      expect(regionsNamed(`S\u0061\u0303o Paulo ${'\u0315\u0300'.repeat(10_000)} Zu\u0308rich`)).toEqual([
        'sa-east-1',
        'eu-central-2',
      ])
      expect(regionsNamed('S\u00e3o Paulo')).toEqual(['sa-east-1'])
    } finally {
      spy.mockRestore()
    }
    expect(given.length).toBe(2)
    for (const text of given) expect(text).not.toMatch(/\p{M}/u)
  })

  test('a text of any length is looked through only as far as it is kept', () => {
    expect(regionsNamed(`${'a '.repeat(50_000)}Stockholm`)).toEqual([])
  })

  test('the text of one event is read once, however many probes fail', () => {
    let reads = 0
    const watched = Object.defineProperty(event({ region: 'global', text: '' }), 'text', {
      enumerable: true,
      get: () => {
        reads += 1
        return 'Trouble in Stockholm'
      },
    })
    const reading = {
      ...join({ api: { state: 'off', why: '' }, dashboard: { state: 'off', why: '' } }, 'aws', NOON),
      events: [watched],
    }
    for (let i = 0; i < 100; i++)
      judge(failure({ onset: NOON - i }), reading, {
        policy: POLICY,
        relevance: RELEVANCE,
        peers: () => ({ others: 0, ok: 0 }),
        now: NOON,
      })
    expect(reads).toBe(1)
    const closed = { ...reading, events: [event({ region: 'global', status: 'closed', endedAt: NOON - MIN, text: 'Trouble' })] }
    const ends = [{ arn: closed.events[0]?.arn ?? '', at: NOON - 2 * MIN }]
    const seen = [1, 2, 3].map(() => withFirstEnds(closed, ends, NOON).events[0])
    expect(new Set(seen).size, 'probes that saw it end together share one event').toBe(1)
  })
})

describe('an event with fields of any type', () => {
  const keys = [
    'arn',
    'date',
    'service',
    'region_name',
    'status',
    'summary',
    'event_log',
    'impacted_services',
    'impacted_service_status_changes',
    'end_time',
    'startTime',
    'endTime',
    'lastUpdatedTime',
    'eventTypeCode',
    'eventTypeCategory',
    'eventScopeCode',
    'statusCode',
    'region',
  ]
  const odd = fc.oneof(
    fc.anything(),
    fc.constantFrom<unknown>(
      Number.NaN,
      Infinity,
      -Infinity,
      -1,
      1e308,
      -1e308,
      8.64e15,
      8.64e15 + 1,
      '1e999',
      '-1',
      '9'.repeat(400),
      '2025-13-45T99:99:99Z',
      '+275760-09-13T00:00:00Z',
      null,
      '',
      0,
      '0',
      [],
      {},
      [[]],
      'closed',
      'PUBLIC',
      'global',
      NOON,
      SECONDS,
    ),
  )
  const anyEvent = fc
    .dictionary(fc.constantFrom(...keys), odd)
    .map((fields) => ({ ...element(1), startTime: SECONDS, ...fields }))

  test('is read, joined, judged and settled without an exception, or given up', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 5 }), fc.array(anyEvent, { maxLength: 5 }), (api, board) => {
        const answered = (events: readonly (HealthEvent | null)[]): SourceAnswer => ({
          ...{ state: 'answered', at: NOON, skipped: 0, detail: '' },
          events: events.filter((one) => one !== null),
        })
        const reading = join(
          {
            api: answered(api.map((one) => apiEvent(one, NOON, []))),
            dashboard: answered(board.map((one) => dashboardEvent(one, NOON))),
          },
          'aws',
          NOON,
        )
        for (const one of reading.events) {
          for (const at of [one.startedAt, one.updatedAt, one.endedAt ?? 0]) expect(Number.isSafeInteger(at)).toBe(true)
          expect([typeof one.text, typeof one.service, typeof one.code]).toEqual(['string', 'string', 'string'])
        }
        const peers = () => ({ others: 0, ok: 0 })
        const judged = judge(failure(), reading, { policy: POLICY, relevance: RELEVANCE, peers, now: NOON })
        const judgement = settleJudgement(NEVER_JUDGED, judged, reading, {
          runAt: NOON,
          extensionMs: POLICY.extensionMs,
          peers,
          now: NOON,
        })
        expect(JSON.parse(JSON.stringify(judgement))).toEqual(judgement)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the Health API', () => {
  let answer: Readonly<{ status: number; body: string }> = { status: 200, body: '{}' }
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(answer.body)
    })
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  async function asked(given: typeof answer): Promise<SourceAnswer> {
    answer = given
    const api = healthApi({
      partition: 'aws',
      credentials: async () => ({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'not a secret' }),
      env: { AWS_ENDPOINT_URL_HEALTH: url },
      timeoutMs: 20_000,
      services: ['ACCOUNT', 'IAM'],
      regions: ['us-east-1'],
      owners: () => [],
    })
    try {
      return await api.ask(NOON, NOON - 7 * 60 * MIN, never)
    } finally {
      api.close()
    }
  }

  const ODD = [
    '7',
    '0',
    'true',
    'null',
    '["a"]',
    '[]',
    '{"a": 1}',
    '{"toString": 7}',
    JSON.stringify('x'.repeat(100_000)),
    '"\\u0000\\u001b[31m"',
  ]
  test.for(['message', 'Message', '__type', 'code', 'name', 'cause', '$metadata', '$fault'])(
    'an error whose %s is odd is a source that could not be asked',
    { timeout: 60_000 },
    async (field) => {
      for (const odd of ODD) {
        const said = await asked({ status: 400, body: `{"__type": "InternalServerException", "${field}": ${odd}}` })
        expect([odd.slice(0, 20), said.state]).toEqual([odd.slice(0, 20), 'unavailable'])
        if (said.state !== 'unavailable') continue
        expect(said.why).toMatch(/./)
        expect(said.why.length).toBeLessThanOrEqual(200)
        expect(said.why).not.toMatch(/\p{Cc}/u)
      }
    },
  )

  test('a refusal whose message is no text is a refusal', async () => {
    const said = await asked({ status: 400, body: '{"__type": "SubscriptionRequiredException", "message": 7}' })
    expect(said).toMatchObject({ state: 'refused', why: expect.stringMatching(/no support plan/) })
  })

  test.for<[string, string]>([
    ['a list', '[]'],
    ['nothing', ''],
    ['events that are no list', '{"events": {"length": 1e9}}'],
    ['events of every type', '{"events": [1, "a", null, [], {}]}'],
    ['a token that never ends', `{"events": [], "nextToken": ${JSON.stringify('t'.repeat(5_000))}}`],
    ['a token that is no text', '{"events": [], "nextToken": {"toString": 7}}'],
    ['XML', '<a/>'],
  ])('an answer that is %s is read or is none', { timeout: 60_000 }, async ([, body]) => {
    expect((await asked({ status: 200, body })).state).toMatch(/^(answered|unavailable)$/)
  })
})

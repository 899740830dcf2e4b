/* The bench of verdicts on a history that was made up: it has to hold without the recorded one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { serviceParts } from '../bench/verdicts/any-api.ts'
import { type Entry, historyOf, readHistory, relatedUntil } from '../bench/verdicts/history.ts'
import { setsOf } from '../bench/verdicts/sets.ts'
import { table } from '../bench/verdicts/table.ts'
import { measure } from '../bench/verdicts/tally.ts'
import { HOUR, MIN } from './given.ts'

const DAY = 24 * HOUR
const T = Date.UTC(2020, 5, 1)

/** Trouble from `begun` to `over`, in minutes of that day; posted half an hour late, with a last post ten minutes after its end. */
function entry(day: number, service: string, region: string, [begun, over]: [number, number], ...texts: string[]): Entry {
  const at = T + day * DAY
  const posts = [...(texts.length > 0 ? texts : ['We look into it.']), 'It is resolved.']
  const [first, last] = [at + (begun + 30) * MIN, at + (Math.max(over, begun + 30) + 10) * MIN]
  return {
    service,
    region,
    summary: 'Errors',
    posts: posts.map((text, i) => ({ at: first + (i * (last - first)) / Math.max(1, posts.length - 1), text })),
    impact: { from: at + begun * MIN, to: at + over * MIN },
  }
}

const LINE = JSON.stringify({
  service: 'iam',
  region: 'us-east-1',
  first_post: '2021-12-07T16:35:00Z',
  last_post: '2021-12-08T00:00:00Z',
  summary: null,
  messages: ['We look into it.', 'It is resolved.'],
  impact_start: '2021-12-07T15:32:00Z',
  impact_end: '2021-12-07T22:00:00Z',
})

const history = historyOf([
  entry(0, 's3', 'us-west-2', [600, 700]),
  entry(10, 'iam', 'global', [600, 720]),
  entry(20, 'iam', 'global', [600, 660], 'Errors in the EU-NORTH-1 Region.'),
  ...['ec2', 'sqs', 'rds'].map((service, i) => entry(30, service, 'us-east-1', [600 + i, 800])),
  ...['ec2', 'sqs', 'rds'].map((service, i) => entry(40, service, 'eu-west-1', [600 + i, 800])),
  entry(50, 'route53', 'global', [600, 700]),
  entry(60, 'lambda', 'us-east-1', [600, 700]),
  entry(70, 'ec2', 'ap-south-1', [600, 700]),
])

test.for<[string, Entry, number | null]>([
  ['IAM everywhere', entry(0, 'iam', 'global', [0, 9]), Number.POSITIVE_INFINITY],
  ['IAM in us-east-1', entry(0, 'iam', 'us-east-1', [0, 9]), Number.POSITIVE_INFINITY],
  ['several services in us-east-1', entry(0, 'multipleservices', 'us-east-1', [0, 9]), Number.POSITIVE_INFINITY],
  ['several services elsewhere', entry(0, 'multipleservices', 'me-central-1', [0, 9]), null],
  ['IAM, but in Stockholm', entry(0, 'iam', 'global', [0, 9], 'in the EU-NORTH-1 Region'), null],
  ['IAM, in Stockholm and us-east-1', entry(0, 'iam', 'global', [0, 9], 'in EU-NORTH-1 and US-EAST-1'), Number.POSITIVE_INFINITY],
  ['IAM, until it says that it is in Stockholm', entry(0, 'iam', 'global', [0, 10], 'IAM', 'in EU-NORTH-1'), T + 35 * MIN],
  ['another service', entry(0, 'ec2', 'us-east-1', [0, 9]), null],
  ['GovCloud', entry(0, 'iam', 'us-gov-west-1', [0, 9]), null],
])('the truth told by hand: %s', ([, is, until]) => {
  expect(relatedUntil(is)).toBe(until)
})

test('three services at once are a whole outage, from the third post on', () => {
  expect(history.wholes.map(({ region, impact }) => [region, impact.length])).toEqual([
    ['us-east-1', 1],
    ['eu-west-1', 1],
  ])
  expect(history.wholes[0]?.firstPost).toBe(T + 30 * DAY + 632 * MIN)
})

test('Alibi keeps what is promised of it in every set, and a simple policy does not', { timeout: 60_000 }, () => {
  const parts = setsOf(history, { quiet: 100, unrelated: 60, alone: 60 }, 1)
  const result = measure(parts, () => {})
  expect(result.broken).toEqual([])
  expect(Object.keys(result.sets).filter((name) => name.length === 1)).toEqual(['a', 'b', 'c', 'd'])
  for (const [name, rows] of Object.entries(result.sets)) {
    expect(rows.alibi.n, name).toBeGreaterThan(0)
    expect(rows.alibi.wronglySilent, name).toBe(0)
  }
  // Of the 120 minutes of IAM's trouble 30 are over when the threshold is reached before AWS posts.
  expect(result.sets['a-labelled']?.alibi).toMatchObject({ n: 120, silent: 90, explainedLater: 30 })
  expect(result.sets['c']?.anyOpenEvent.wronglySilent).toBeGreaterThan(200)
  expect(result.sets['d']?.anyOpenEvent.wronglySilent).toBeGreaterThan(50)
  expect(result.sets['b']?.threshold).toMatchObject({ wronglySilent: 0, mailsPerOutage: 2, medianMinutesToMail: 0.7 })
  expect(table(parts, result, 1)).toContain('any open event explains')
})

test('any service is silent only while AWS has an event for it in its region', () => {
  const some = historyOf([
    entry(0, 's3', 'eu-west-1', [600, 700]),
    entry(9, 'elb', 'eu-west-1', [600, 720]),
    entry(20, 'iam', 'global', [600, 660]),
    entry(30, 's3', 'us-west-2', [600, 640]),
  ])
  const parts = serviceParts(some, 12, 1)
  const result = measure(parts, () => {})
  expect(result.broken).toEqual([])
  expect(parts.map(({ part, cases }) => [part, cases.length > 0])).toEqual([
    ['own', true],
    ['others', true],
    ['calm', true],
  ])
  expect(result.sets['e']?.alibi.wronglySilent).toBe(0)
  expect((result.sets['e-own']?.alibi.silent ?? 0) + (result.sets['e-own']?.alibi.explainedLater ?? 0)).toBeGreaterThan(0)
  expect(result.sets['e-others']?.anyOpenEvent.wronglySilent).toBeGreaterThan(0)
})

test.for<[string, Entry[], string[]]>([
  [
    'no whole outage',
    [entry(0, 'iam', 'global', [600, 700]), entry(9, 's3', 'us-west-2', [600, 700])],
    ['a-whole', 'c-not-listed'],
  ],
  ['whole outages alone', ['ec2', 'sqs', 'rds'].map((service) => entry(0, service, 'us-east-1', [600, 700])), ['b-quiet']],
  ['nothing of ours', [entry(0, 's3', 'us-west-2', [600, 700])], ['a-labelled', 'c-stale', 'd-alone']],
])('a history of %s leaves out the sets that it cannot fill, and measures the others', ([, entries, without]) => {
  const parts = setsOf(historyOf(entries), { quiet: 5, unrelated: 5, alone: 5 }, 1)
  const empty = parts.filter(({ cases }) => cases.length === 0).map(({ set, part }) => `${set}-${part}`)
  expect(empty).toEqual(expect.arrayContaining(without))
  expect(empty.length).toBeLessThan(parts.length)
  const result = measure(parts, () => {})
  expect(result.broken).toEqual([])
  expect(table(parts, result, 1)).toContain('nothing to replay')
})

test('an impact that AWS does not state is none', () => {
  const directory = mkdtempSync(join(tmpdir(), 'alibi-history-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'events.jsonl')
  writeFileSync(file, `${LINE}\n${LINE.replace(/"impact_start":"[^"]*"/, '"impact_start":""')}\n`)
  expect(readHistory(file).singles.map(({ impact }) => impact === null)).toEqual([false, true])
})

test.for<[string, string, RegExp]>([
  ['nothing', '\n', /^\S+events\.jsonl holds no event: expected one JSON object a line$/],
  ['no JSON', `${LINE}\nEvents`, /^\S+events\.jsonl:2: expected one JSON object a line$/],
  ['a time that is none', LINE.replace('2021-12-07T15:32:00Z', 'soon'), /:1: impact_start: expected a time such as/],
  ['a key that is missing', LINE.replace('"messages"', '"texts"'), /:1: messages: /],
])('a file that holds %s is refused in one line that says where', ([, text, says]) => {
  const directory = mkdtempSync(join(tmpdir(), 'alibi-history-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'events.jsonl')
  writeFileSync(file, LINE)
  expect(readHistory(file).singles).toHaveLength(1)
  writeFileSync(file, text)
  expect(() => readHistory(file)).toThrow(says)
})

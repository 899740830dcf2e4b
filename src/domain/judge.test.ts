import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { event, failure, HOUR, MIN, NOON, POLICY, RELEVANCE, reading, type SourceStates } from '../../test/given.ts'
import { judge, MAX_REJECTED } from './judge.ts'
import type { HealthEvent } from './outage.ts'
import type { FailureKind, Service } from './probe.ts'
import type { Failure, Match, Peers, Test } from './verdict.ts'

const LAW = { policy: POLICY, relevance: RELEVANCE }
const NOBODY: Peers = { others: 0, ok: 0 }
const SECOND = 1000

type Given = Readonly<{
  event?: Partial<HealthEvent>
  failure?: Partial<Failure>
  peers?: Peers
  law?: Partial<{ relevance: Partial<typeof RELEVANCE>; policy: Partial<typeof POLICY> }>
  now?: number
}>

function verdictOn(given: Given) {
  const law = { policy: { ...POLICY, ...given.law?.policy }, relevance: { ...RELEVANCE, ...given.law?.relevance } }
  const now = given.now ?? given.failure?.at ?? NOON
  return judge(failure(given.failure), reading([event(given.event)]), { ...law, peers: () => given.peers ?? NOBODY, now })
}

/** `direct`, `impacted` or `related` where it explains; else the test that it failed. */
function said(given: Given): Match | Test | 'nothing' {
  const verdict = verdictOn(given)
  return verdict.kind === 'explained' ? verdict.by.match : (verdict.rejected[0]?.test ?? 'nothing')
}

type Row = readonly [string, Given, Match | Test]
const check = ([, given, expected]: Row) => expect(said(given)).toBe(expected)

describe('any service: it is judged by its own code, in its own region', () => {
  const inIreland = (service: string, over: Partial<HealthEvent> = {}): Partial<HealthEvent> => ({
    service,
    code: `AWS_${service}_OPERATIONAL_ISSUE`,
    region: 'eu-west-1',
    ...over,
  })
  const ofS3 = { service: 'S3', region: 'eu-west-1' }
  const ofElb = { service: 'ELASTICLOADBALANCING', region: 'eu-west-1' }
  test.for<Row>([
    ['its own event explains', { failure: ofS3, event: inIreland('S3') }, 'direct'],
    ['the same event in another region does not', { failure: ofS3, event: inIreland('S3', { region: 'us-east-1' }) }, 'place'],
    ['under the name of the dashboard too', { failure: ofElb, event: inIreland('elb') }, 'direct'],
    ['what signs and lets in every call is related', { failure: ofS3, event: inIreland('IAM') }, 'related'],
    ['and so is STS', { failure: ofS3, event: inIreland('STS') }, 'related'],
    ['an event of many services, whose list is not known', { failure: ofS3, event: inIreland('MULTIPLE_SERVICES') }, 'related'],
    ['Organizations is not: a table has nothing to do with it', { failure: ofS3, event: inIreland('ORGANIZATIONS') }, 'service'],
    ['nor any other service', { failure: ofS3, event: inIreland('EC2') }, 'service'],
    ['what its API is a part of is', { failure: { ...ofS3, service: 'DOCDB' }, event: inIreland('RDS') }, 'related'],
    ['and AWS posts about VPCs apart from EC2', { failure: { ...ofS3, service: 'EC2' }, event: inIreland('VPC') }, 'related'],
    [
      'what the configuration says of a service stands in place of that',
      { failure: ofS3, event: inIreland('IAM'), law: { relevance: { relatedTo: { S3: ['KMS'] } } } },
      'service',
    ],
    [
      'and adds to it as well',
      { failure: ofElb, event: inIreland('EC2'), law: { relevance: { relatedTo: { ELASTICLOADBALANCING: ['EC2'] } } } },
      'related',
    ],
    [
      'health.related is about Account',
      { failure: ofS3, event: inIreland('KMS'), law: { relevance: { related: ['KMS'] } } },
      'service',
    ],
  ])('%s', check)
})

describe('kind: is it the sort of thing that AWS publishes about an outage, and about ours?', () => {
  const notification = {
    service: 'ACCOUNT',
    code: 'AWS_ACCOUNT_OPERATIONAL_NOTIFICATION',
    category: 'accountNotification',
  } as const
  test.for<Row>([
    ['an issue whose code ends in _OPERATIONAL_ISSUE explains', {}, 'related'],
    ['so does one in _API_ISSUE', { event: { code: 'AWS_IAM_API_ISSUE' } }, 'related'],
    ['and one in _CONNECTIVITY_ISSUE', { event: { code: 'AWS_IAM_CONNECTIVITY_ISSUE' } }, 'related'],
    ['another ending does not', { event: { code: 'AWS_IAM_CUSTOMER_ENGAGEMENT' } }, 'kind'],
    ['the ending must be the end', { event: { code: 'AWS_IAM_OPERATIONAL_ISSUE_RESOLVED_SURVEY' } }, 'kind'],
    ['an investigation explains as an issue does', { event: { category: 'investigation' } }, 'related'],
    ['a scheduled change does not', { event: { category: 'scheduledChange' } }, 'kind'],
    ['nor does an account notification with the code of an issue', { event: { category: 'accountNotification' } }, 'kind'],
    ['nor an unknown category', { event: { category: 'unknown' } }, 'kind'],
    [
      'unless health.codes vouches for its code: the dashboard states no category',
      { event: { category: 'unknown', code: 'AWS_IAM_ODD' }, law: { relevance: { codes: ['AWS_IAM_ODD'] } } },
      'related',
    ],
    ['health.codes adds a code', { event: { code: 'AWS_IAM_ODD' }, law: { relevance: { codes: ['AWS_IAM_ODD'] } } }, 'related'],
    ['health.codes adds an ending', { event: { code: 'AWS_IAM_ODD' }, law: { relevance: { codes: ['_ODD'] } } }, 'related'],
    [
      'health.codes does not make a scheduled change an issue',
      { event: { code: 'AWS_IAM_ODD', category: 'scheduledChange' }, law: { relevance: { codes: ['_ODD'] } } },
      'kind',
    ],
    ['health.ignore takes a code away', { law: { relevance: { ignore: ['AWS_IAM_OPERATIONAL_ISSUE'] } } }, 'kind'],
    [
      'health.ignore wins over health.codes',
      { event: { code: 'AWS_IAM_ODD' }, law: { relevance: { codes: ['_ODD'], ignore: ['AWS_IAM_ODD'] } } },
      'kind',
    ],
    ['health.ignore means whole codes', { law: { relevance: { ignore: ['_OPERATIONAL_ISSUE'] } } }, 'related'],
    [
      'the default ignores the quarantine of leaked keys',
      { event: { code: 'AWS_RISK_IAM_QUARANTINE', service: 'RISK' } },
      'kind',
    ],
    ['what is upcoming explains nothing', { event: { status: 'upcoming' } }, 'kind'],
    ['not even of the service itself', { event: { status: 'upcoming', service: 'ACCOUNT' } }, 'kind'],
    ['a public operational notification about Account explains', { event: notification }, 'direct'],
    [
      'one to our own account does not',
      { event: { ...notification, scope: 'ACCOUNT_SPECIFIC', owners: ['111122223333'] } },
      'kind',
    ],
    [
      'one about a related service does not, for it explains only directly',
      { event: { ...notification, service: 'IAM', code: 'AWS_IAM_OPERATIONAL_NOTIFICATION' } },
      'service',
    ],
    [
      'one that lists Account as impacted does, for that is direct',
      { event: { ...notification, service: 'IAM', impacted: [{ key: 'account', resolvedAt: null }] } },
      'impacted',
    ],
    [
      'it explains for a day from its start, to the millisecond',
      { event: { ...notification, startedAt: NOON - 24 * HOUR } },
      'direct',
    ],
    ['and not for longer', { event: { ...notification, startedAt: NOON - 24 * HOUR - 1 } }, 'time'],
    [
      'the day counts to the run, not to the onset',
      { event: { ...notification, startedAt: NOON - 23 * HOUR }, failure: { at: NOON + HOUR + 1 } },
      'time',
    ],
    [
      'health.ignore takes a notification away too',
      { event: notification, law: { relevance: { ignore: ['AWS_ACCOUNT_OPERATIONAL_NOTIFICATION'] } } },
      'kind',
    ],
    [
      'an event sent to the failing account explains',
      { event: { scope: 'ACCOUNT_SPECIFIC', owners: ['111122223333'] } },
      'related',
    ],
    [
      'one that was sent to it among others too',
      { event: { scope: 'ACCOUNT_SPECIFIC', owners: ['999900001111', '111122223333'] } },
      'related',
    ],
    ['one sent to another account does not', { event: { scope: 'ACCOUNT_SPECIFIC', owners: ['999900001111'] } }, 'kind'],
    ['one sent to nobody known does not', { event: { scope: 'ACCOUNT_SPECIFIC', owners: [] } }, 'kind'],
    [
      'one sent to our self explains a failure of our self',
      { event: { scope: 'ACCOUNT_SPECIFIC', owners: ['self@prod||'] }, failure: { owners: ['self@prod||'] } },
      'related',
    ],
    ['an owner does not matter to a public event', { event: { owners: ['999900001111'] } }, 'related'],
    ['an event without a scope explains nothing', { event: { scope: 'NONE' } }, 'kind'],
  ])('%s', check)

  test.for<[FailureKind, 'explained' | 'unexplained']>([
    ['internal', 'explained'],
    ['unreachable', 'explained'],
    ['offline', 'unexplained'],
    ['credentials', 'unexplained'],
    ['denied', 'unexplained'],
    ['invalid', 'unexplained'],
  ])('during an outage of IAM a failure of kind %s is %s', ([kind, expected]) => {
    expect(verdictOn({ failure: { kind } }).kind).toBe(expected)
  })
})

describe('place: is it where the failing endpoint stands?', () => {
  const nowhere = { region: null }
  const global = { region: 'global' }
  test.for<Row>([
    ['the region of the endpoint', {}, 'related'],
    ['another region', { event: { region: 'us-west-2' } }, 'place'],
    ['another region even if the service is Account itself', { event: { region: 'us-west-2', service: 'ACCOUNT' } }, 'place'],
    ['another region whose text names ours', { event: { region: 'us-west-2', text: 'not in us-east-1' } }, 'place'],
    ['China: its Account endpoint', { event: { region: 'cn-northwest-1' }, failure: { region: 'cn-northwest-1' } }, 'related'],
    ['China: its other region', { event: { region: 'cn-north-1' }, failure: { region: 'cn-northwest-1' } }, 'place'],
    [
      'STS: the region that was called',
      { event: { region: 'eu-central-1', service: 'STS' }, failure: { service: 'STS', region: 'eu-central-1' } },
      'direct',
    ],
    [
      'STS: not the region of Account',
      { event: { region: 'us-east-1', service: 'STS' }, failure: { service: 'STS', region: 'eu-central-1' } },
      'place',
    ],
    ['global', { event: global }, 'related'],
    ['global, and its text names only another region by code', { event: { ...global, text: 'errors in EU-NORTH-1' } }, 'place'],
    [
      'global, and its text names only another region by name',
      { event: { ...global, text: 'errors in Europe (Stockholm)' } },
      'place',
    ],
    ['global, and its text names a place alone', { event: { ...global, text: 'a power event in Stockholm.' } }, 'place'],
    [
      'global, and any update of several names only others',
      { event: { ...global, text: 'We investigate.\n\nIt is eu-west-1 and eu-west-2.' } },
      'place',
    ],
    ['global, and its text names ours among others', { event: { ...global, text: 'Stockholm and US-EAST-1' } }, 'related'],
    ['global, and its text names ours by name', { event: { ...global, text: 'errors in N. Virginia' } }, 'related'],
    [
      'global of Account itself, and its text names only another region',
      { event: { ...global, service: 'ACCOUNT', text: 'Stockholm' } },
      'place',
    ],
    ['no region at all', { event: nowhere }, 'place'],
    ['no region, and its text names only another', { event: { ...nowhere, text: 'Stockholm' } }, 'place'],
    ['no region, and its text names ours', { event: { ...nowhere, text: 'in us-east-1' } }, 'related'],
    [
      'an unknown endpoint and an event without a region: unknown never matches unknown',
      { event: nowhere, failure: { region: '' } },
      'place',
    ],
    ['an unknown endpoint and an event with an empty region', { event: { region: '' }, failure: { region: '' } }, 'place'],
    ['an unknown endpoint and a global event', { event: global, failure: { region: '' } }, 'place'],
  ])('%s', check)
})

describe('service: is it the failing one, one that holds it, or a related one?', () => {
  const many = { service: 'MULTIPLE_SERVICES' }
  const hit = (...keys: string[]) => keys.map((key) => ({ key, resolvedAt: null }))
  const ok = (key: string, ago: number) => [{ key, resolvedAt: NOON - ago }]
  const sts: Partial<Failure> = { service: 'STS' }
  test.for<Row>([
    ['Account itself', { event: { service: 'ACCOUNT' } }, 'direct'],
    ['IAM is related', { event: { service: 'IAM' } }, 'related'],
    ['so are STS', { event: { service: 'STS' } }, 'related'],
    ['ORGANIZATIONS', { event: { service: 'ORGANIZATIONS' } }, 'related'],
    ['and MULTIPLE_SERVICES', { event: many }, 'related'],
    ['EC2 is not', { event: { service: 'EC2' } }, 'service'],
    ['health.related says which', { event: { service: 'EC2' }, law: { relevance: { related: ['EC2'] } } }, 'related'],
    ['and which not', { event: { service: 'IAM' }, law: { relevance: { related: ['EC2'] } } }, 'service'],
    [
      'Account explains itself whatever is related',
      { event: { service: 'ACCOUNT' }, law: { relevance: { related: [] } } },
      'direct',
    ],
    ['STS explains itself when STS failed', { event: { service: 'STS' }, failure: sts }, 'direct'],
    ['Account does not explain STS', { event: { service: 'ACCOUNT' }, failure: sts }, 'service'],
    ['no service matches no service', { event: { service: '' } }, 'service'],
    [
      'DynamoDB that holds Account as impacted',
      { event: { service: 'DYNAMODB', impacted: hit('dynamodb', 'account') } },
      'impacted',
    ],
    [
      'DynamoDB that holds only IAM: the list counts for the failing service alone',
      { event: { service: 'DYNAMODB', impacted: hit('iam') } },
      'service',
    ],
    ['with an empty list', { event: { service: 'DYNAMODB', impacted: [] } }, 'service'],
    [
      'Account resolved for just less than the extension',
      { event: { service: 'EC2', impacted: ok('account', 15 * MIN - 1) } },
      'impacted',
    ],
    ['Account resolved for the extension', { event: { service: 'EC2', impacted: ok('account', 15 * MIN) } }, 'service'],
    [
      'the run counts there, not the onset',
      { event: { service: 'EC2', impacted: ok('account', 0) }, failure: { at: NOON + 15 * MIN } },
      'service',
    ],
    ['a key of our region', { event: { service: 'EC2', impacted: hit('account-us-east-1') } }, 'impacted'],
    ['a key of another region', { event: { service: 'EC2', impacted: hit('account-us-west-2') } }, 'service'],
    [
      'STS in our region, when STS failed',
      { event: { service: 'EC2', impacted: hit('sts-us-east-1') }, failure: sts },
      'impacted',
    ],
    [
      'STS in another region, when STS failed',
      { event: { service: 'EC2', impacted: hit('sts-us-west-2') }, failure: sts },
      'service',
    ],
    ['a service whose name only begins alike', { event: { service: 'EC2', impacted: hit('accountants') } }, 'service'],
    ['several services, the list not known', { event: { ...many, impacted: null } }, 'related'],
    ['several services, the list empty', { event: { ...many, impacted: [] } }, 'related'],
    ['several services, none of them ours', { event: { ...many, impacted: hit('ec2', 'lambda') } }, 'service'],
    ['several services, a related one among them', { event: { ...many, impacted: hit('ec2', 'iam') } }, 'related'],
    ['several services, Account among them: that is direct', { event: { ...many, impacted: hit('ec2', 'account') } }, 'impacted'],
    [
      'several services, a related one in another region',
      { event: { ...many, impacted: hit('ec2', 'sts-us-west-2') } },
      'service',
    ],
    ['several services, a related one in our region', { event: { ...many, impacted: hit('sts-us-east-1') } }, 'related'],
    ['several services, the related one resolved just now', { event: { ...many, impacted: ok('iam', 15 * MIN - 1) } }, 'related'],
    [
      'several services, the related one resolved for `extension`',
      { event: { ...many, impacted: ok('iam', 15 * MIN) } },
      'service',
    ],
    [
      'several services, Account resolved and IAM not',
      { event: { ...many, impacted: [...ok('account', HOUR), ...hit('iam')] } },
      'related',
    ],
    ['several services as the dashboard writes it', { event: { service: 'multipleservices', impacted: hit('ec2') } }, 'service'],
    [
      'IAM with a list that does not hold Account is IAM all the same',
      { event: { service: 'IAM', impacted: hit('ec2') } },
      'related',
    ],
  ])('%s', check)
})

test.for<[string, HealthEvent['impacted'], string]>([
  ['one', [{ key: 'iam', resolvedAt: NOON - HOUR }], 'iam among its impacted services is ok again'],
  [
    'two',
    [
      { key: 'account', resolvedAt: NOON - HOUR },
      { key: 'iam', resolvedAt: NOON - HOUR },
    ],
    'account, iam among its impacted services are ok again',
  ],
])('impacted services that are resolved: %s', ([, impacted, why]) => {
  expect(verdictOn({ event: { service: 'MULTIPLE_SERVICES', impacted } }).rejected[0]?.why).toBe(why)
})

describe('time: AWS posts late, sometimes after the end, and leaves some events open', () => {
  const closed = (endedAt: number | null, updatedAt = NOON): Partial<HealthEvent> => ({
    status: 'closed',
    startedAt: NOON - 5 * HOUR,
    endedAt,
    updatedAt,
  })
  test.for<Row>([
    [
      'first posted as long after the onset as lookback',
      { event: { startedAt: NOON + 7 * HOUR, updatedAt: NOON + 7 * HOUR }, failure: { at: NOON + 7 * HOUR } },
      'related',
    ],
    [
      'and a millisecond later',
      { event: { startedAt: NOON + 7 * HOUR + 1, updatedAt: NOON + 7 * HOUR + 1 }, failure: { at: NOON + 7 * HOUR + 1 } },
      'time',
    ],
    ['a start ahead of now counts as now', { event: { startedAt: NOON + 20 * HOUR, updatedAt: NOON } }, 'related'],
    [
      'also for a long failure, which then lies too far back',
      { event: { startedAt: NOON + 20 * HOUR }, failure: { onset: NOON - 7 * HOUR - 1 } },
      'time',
    ],
    ['also just not too far back', { event: { startedAt: NOON + 20 * HOUR }, failure: { onset: NOON - 7 * HOUR } }, 'related'],
    ['open for days and kept up to date', { event: { startedAt: NOON - 90 * HOUR } }, 'related'],
    [
      'open, last updated staleAfter before the onset',
      { event: { startedAt: NOON - 90 * HOUR, updatedAt: NOON - 24 * HOUR } },
      'related',
    ],
    [
      'open, last updated longer ago than that',
      { event: { startedAt: NOON - 90 * HOUR, updatedAt: NOON - 24 * HOUR - 1 } },
      'time',
    ],
    [
      'open, last updated before a failure that lasts for days',
      { event: { updatedAt: NOON - HOUR }, failure: { at: NOON + 40 * HOUR } },
      'related',
    ],
    ['ended as long before the onset as the extension', { event: closed(NOON - 15 * MIN) }, 'related'],
    ['ended longer before it', { event: closed(NOON - 15 * MIN - 1) }, 'time'],
    [
      'the run lies as long after its end as the extension',
      { event: closed(NOON - 5 * MIN), failure: { onset: NOON - HOUR, at: NOON + 10 * MIN } },
      'related',
    ],
    ['the run lies later', { event: closed(NOON - 5 * MIN), failure: { onset: NOON - HOUR, at: NOON + 10 * MIN + 1 } }, 'time'],
    [
      'the onset lies within, the run later',
      { event: closed(NOON - 5 * MIN), failure: { onset: NOON, at: NOON + 10 * MIN + 1 } },
      'time',
    ],
    ['closed without an end: its last update is the end', { event: closed(null, NOON - 15 * MIN) }, 'related'],
    ['and a run after that', { event: closed(null, NOON - 15 * MIN - 1) }, 'time'],
    ['closed with an end ahead of now: its last update is the end', { event: closed(NOON + 9 * HOUR, NOON - 16 * MIN) }, 'time'],
    ['said to be open, with an end behind us', { event: { startedAt: NOON - 5 * HOUR, endedAt: NOON - 16 * MIN } }, 'time'],
    ['open, with an end ahead of us', { event: { endedAt: NOON + HOUR } }, 'related'],
    [
      'first posted after it was over, and the failure within lookback',
      {
        event: { status: 'closed', startedAt: NOON + HOUR, endedAt: NOON + HOUR, updatedAt: NOON + HOUR },
        failure: { at: NOON + HOUR + 15 * MIN },
      },
      'related',
    ],
  ])('%s', check)

  test('an update ahead of now does not keep an event fresh for ever', () => {
    const onset = NOON + 26 * HOUR
    expect(said({ event: { updatedAt: NOON + 900 * HOUR }, failure: { onset, at: onset }, now: onset })).toBe('related')
    expect(
      said({ event: { startedAt: NOON - 9 * HOUR, updatedAt: NOON + 900 * HOUR }, failure: { onset, at: onset }, now: NOON }),
    ).toBe('time')
  })
})

describe('width: a public event is doubted while the others are ok', () => {
  const own: Partial<HealthEvent> = { scope: 'ACCOUNT_SPECIFIC', owners: ['111122223333'] }
  test.for<Row>([
    ['no other account is probed', { peers: { others: 0, ok: 0 } }, 'related'],
    ['two others, both ok: too few to tell', { peers: { others: 2, ok: 2 } }, 'related'],
    ['three others, all ok', { peers: { others: 3, ok: 3 } }, 'width'],
    ['four others, three ok', { peers: { others: 4, ok: 3 } }, 'related'],
    ['nine of ten ok', { peers: { others: 10, ok: 9 } }, 'width'],
    ['eight of ten ok', { peers: { others: 10, ok: 8 } }, 'related'],
    ['sixty-three of seventy ok', { peers: { others: 70, ok: 63 } }, 'width'],
    ['one fewer', { peers: { others: 70, ok: 62 } }, 'related'],
    ['Account itself is doubted too', { event: { service: 'ACCOUNT' }, peers: { others: 3, ok: 3 } }, 'width'],
    ['an event sent to the account is not: it is ours alone', { event: own, peers: { others: 9, ok: 9 } }, 'related'],
  ])('%s', check)

  test('the others are asked about only where everything else fits', () => {
    const asked = () => {
      throw new Error('asked')
    }
    expect(judge(failure(), reading([event({ region: 'us-west-2' })]), { ...LAW, peers: asked, now: NOON }).kind).toBe(
      'unexplained',
    )
  })
})

test('the tests are made in the order kind, place, service, time, width, and the first that fails is the reason', () => {
  const wrong: Partial<HealthEvent>[] = [
    { category: 'scheduledChange' },
    { region: 'us-west-2' },
    { service: 'EC2' },
    { updatedAt: NOON - 30 * HOUR },
  ]
  const peers = { others: 3, ok: 3 }
  const reasons = wrong.map((_, i) =>
    said({ event: Object.assign({ code: 'AWS_IAM_OPERATIONAL_ISSUE' }, ...wrong.slice(i)), peers }),
  )
  expect([...reasons, said({ peers })]).toEqual(['kind', 'place', 'service', 'time', 'width'])
})

describe('of several that explain, the verdict names', () => {
  const named = (...events: Partial<HealthEvent>[]) => {
    const verdict = judge(failure(), reading(events.map((changes, i) => event({ arn: `arn:${i}`, ...changes }))), {
      ...LAW,
      peers: () => NOBODY,
      now: NOON,
    })
    return verdict.kind === 'explained' ? verdict.by.arn : verdict.kind
  }
  const over: Partial<HealthEvent> = { status: 'closed', endedAt: NOON - MIN, updatedAt: NOON }
  test.for<[string, Partial<HealthEvent>[]]>([
    ['a direct one before a related one', [{ arn: 'it', service: 'ACCOUNT', updatedAt: NOON - HOUR }, {}]],
    [
      'one that lists the service before a related one',
      [{ arn: 'it', service: 'EC2', impacted: [{ key: 'account', resolvedAt: null }], updatedAt: NOON - HOUR }, {}],
    ],
    ['a direct one that is closed before a related one that is open', [{ arn: 'it', service: 'ACCOUNT', ...over }, {}]],
    ['an open one before a closed one', [{ arn: 'it' }, over]],
    [
      'one that is said to be open and has not ended before one that has',
      [{ arn: 'it', updatedAt: NOON - HOUR }, { endedAt: NOON - MIN }],
    ],
    ['then the last updated', [{ arn: 'it', updatedAt: NOON - MIN }, { updatedAt: NOON - 2 * MIN }]],
    ['then always the same one', [{ arn: 'it' }, { arn: 'jt' }]],
  ])('%s', ([, events]) => {
    expect(named(...events)).toBe('it')
    expect(named(...events.toReversed())).toBe('it')
  })
})

describe('consult: what nothing found means', () => {
  const anything = ['answered', 'refused', 'unavailable', 'off'] as const
  const rows: [SourceStates, 'unexplained' | 'undetermined'][] = [
    [{ api: 'answered', dashboard: 'answered' }, 'unexplained'],
    [{ api: 'answered', dashboard: 'refused' }, 'unexplained'],
    [{ api: 'answered', dashboard: 'unavailable' }, 'unexplained'],
    [{ api: 'answered', dashboard: 'off' }, 'unexplained'],
    [{ api: 'refused', dashboard: 'answered' }, 'unexplained'],
    [{ api: 'refused', dashboard: 'refused' }, 'undetermined'],
    [{ api: 'refused', dashboard: 'unavailable' }, 'undetermined'],
    [{ api: 'refused', dashboard: 'off' }, 'undetermined'],
    [{ api: 'unavailable', dashboard: 'answered' }, 'undetermined'],
    [{ api: 'unavailable', dashboard: 'refused' }, 'undetermined'],
    [{ api: 'unavailable', dashboard: 'unavailable' }, 'undetermined'],
    [{ api: 'unavailable', dashboard: 'off' }, 'undetermined'],
    [{ api: 'off', dashboard: 'answered' }, 'unexplained'],
    [{ api: 'off', dashboard: 'refused' }, 'undetermined'],
    [{ api: 'off', dashboard: 'unavailable' }, 'undetermined'],
    [{ api: 'off', dashboard: 'off' }, 'undetermined'],
  ]
  test.for(rows)('%o is %s', ([states, expected]) => {
    const verdict = judge(failure(), reading([event({ region: 'us-west-2' })], NOON, states), {
      ...LAW,
      peers: () => NOBODY,
      now: NOON,
    })
    expect(verdict.kind).toBe(expected)
    expect(verdict.rejected, 'what was considered is kept all the same').toHaveLength(1)
  })
  test('every combination has its row', () => {
    expect(new Set(rows.map(([s]) => `${s.api} ${s.dashboard}`)).size).toBe(anything.length ** 2)
  })
  test.for(rows)('%o: what explains explains, whoever else could not be asked', ([states]) => {
    expect(judge(failure(), reading([event()], NOON, states), { ...LAW, peers: () => NOBODY, now: NOON }).kind).toBe('explained')
  })
  /** What the queue makes of the table above: `speaks` where it stands in for the API, `hides` where its trouble leaves things open. */
  const queues = [
    ['answered', 'speaks'],
    ['unproven', 'as without it'],
    ['refused', 'as without it'],
    ['off', 'as without it'],
    ['unavailable', 'hides'],
  ] as const
  const withQueue = queues.flatMap(([queue, effect]) =>
    rows.map(([states, without]): readonly [SourceStates, string] => {
      const isApiOut = states.api === 'refused' || states.api === 'off'
      const expected = !isApiOut || effect === 'as without it' ? without : effect === 'speaks' ? 'unexplained' : 'undetermined'
      return [{ ...states, queue }, expected]
    }),
  )
  test.for(withQueue)('%o is %s, with a queue', ([states, expected]) => {
    const law = { ...LAW, peers: () => NOBODY, now: NOON }
    expect(judge(failure(), reading([event({ region: 'us-west-2' })], NOON, states), law).kind).toBe(expected)
    expect(judge(failure(), reading([event()], NOON, states), law).kind).toBe('explained')
  })
  test('the reason names a queue that has brought nothing', () => {
    const why = (states: SourceStates) =>
      judge(failure(), reading([], NOON, states), { ...LAW, peers: () => NOBODY, now: NOON }).why
    expect(why({ api: 'off', queue: 'unavailable' })).toMatch(/the health queue could not be read \(it was unavailable\)/)
    expect(why({ api: 'off', queue: 'unproven' })).toMatch(/the public dashboard answered, .*the health queue says nothing/)
    expect(why({ api: 'off', dashboard: 'off', queue: 'refused' })).toMatch(/; queue: it was refused\)/)
    expect(why({ queue: 'answered' })).toMatch(/the Health API, the public dashboard and the health queue answered/)
  })
  test('the reason names why AWS Health could not be asked', () => {
    const why = (states: SourceStates) =>
      judge(failure(), reading([], NOON, states), { ...LAW, peers: () => NOBODY, now: NOON }).why
    expect(why({ api: 'unavailable', dashboard: 'unavailable' })).toMatch(
      /could not be asked \(API: it was unavailable; dashboard: it was unavailable\)/,
    )
    expect(why({ api: 'unavailable' })).toMatch(/the Health API could not be asked \(it was unavailable\)/)
    expect(why({ api: 'refused' })).toMatch(/the Health API refuses \(it was refused\)/)
    expect(why({ dashboard: 'unavailable' })).toMatch(/the dashboard could not be asked \(it was unavailable\)/)
  })
})

describe('what a verdict carries', () => {
  test('each rejected event with its reason, the closest first', () => {
    const events = [
      event({ arn: 'kind', status: 'upcoming' }),
      event({ arn: 'time', updatedAt: 0 }),
      event({ arn: 'place', region: 'us-west-2' }),
    ]
    const { rejected } = judge(failure(), reading(events), { ...LAW, peers: () => NOBODY, now: NOON })
    expect(rejected.map((miss) => [miss.arn, miss.test])).toEqual([
      ['time', 'time'],
      ['place', 'place'],
      ['kind', 'kind'],
    ])
    expect(rejected[1]?.why).toBe('its region is us-west-2, not us-east-1')
  })
  test('that the sources disagree about an event, whether it explains or not', () => {
    const disagreement = 'the Health API says open, the public dashboard closed'
    const explained = judge(failure(), reading([event({ disagreement })]), { ...LAW, peers: () => NOBODY, now: NOON })
    expect(explained.why).toContain(`open, although ${disagreement}`)
    const over = { status: 'closed', endedAt: NOON - HOUR, updatedAt: NOON - HOUR, disagreement } as const
    const not = judge(failure(), reading([event(over)]), { ...LAW, peers: () => NOBODY, now: NOON })
    expect(not.rejected[0]?.why).toBe(`it had ended 1h before the failure began (${disagreement})`)
  })
  test('at most so many, however many events there are', () => {
    const events = Array.from({ length: 500 }, (_, i) => event({ arn: `arn:${i}`, region: 'us-west-2' }))
    expect(judge(failure(), reading(events), { ...LAW, peers: () => NOBODY, now: NOON }).rejected).toHaveLength(MAX_REJECTED)
  })
  test('the newest part of a long text, bounded', () => {
    const verdict = verdictOn({ event: { text: `${'old '.repeat(5000)}the newest update` } })
    if (verdict.kind !== 'explained') throw new Error(verdict.kind)
    expect(verdict.by.text.length).toBeLessThan(1000)
    expect(verdict.by.text).toMatch(/the newest update$/)
  })
})

describe('for any events', () => {
  const instant = fc.integer({ min: -40 * 60, max: 40 * 60 }).map((minutes) => NOON + minutes * MIN)
  const anyEvent: fc.Arbitrary<HealthEvent> = fc.record({
    arn: fc.integer({ min: 0, max: 30 }).map((n) => `arn:${n}`),
    service: fc.constantFrom('ACCOUNT', 'IAM', 'STS', 'EC2', 'MULTIPLE_SERVICES', 'multipleservices', ''),
    region: fc.constantFrom('us-east-1', 'us-west-2', 'global', null, ''),
    code: fc.constantFrom('AWS_IAM_OPERATIONAL_ISSUE', 'AWS_ACCOUNT_OPERATIONAL_NOTIFICATION', 'AWS_EC2_SCHEDULED', ''),
    category: fc.constantFrom('issue', 'investigation', 'accountNotification', 'scheduledChange', 'unknown'),
    scope: fc.constantFrom('PUBLIC', 'ACCOUNT_SPECIFIC', 'NONE'),
    status: fc.constantFrom('open', 'closed', 'upcoming'),
    startedAt: instant,
    endedAt: fc.option(instant),
    updatedAt: instant,
    text: fc.constantFrom('', 'us-east-1', 'Stockholm', 'errors in US-EAST-1 and Ohio', '%s {x} (('),
    impacted: fc.option(
      fc.array(
        fc.record({
          key: fc.constantFrom('account', 'iam', 'ec2', 'sts-us-east-1', 'sts-us-west-2', ''),
          resolvedAt: fc.option(instant),
        }),
        { maxLength: 4 },
      ),
    ),
    sources: fc.constant(['api'] as const),
    owners: fc.subarray(['111122223333', '999900001111']),
  })
  const anyFailure: fc.Arbitrary<Failure> = fc.record({
    kind: fc.constantFrom<FailureKind>('internal', 'unreachable', 'denied'),
    service: fc.constantFrom<Service>('ACCOUNT', 'STS'),
    region: fc.constantFrom('us-east-1', 'eu-central-1', ''),
    onset: instant,
    at: instant,
    owners: fc.constant(['111122223333']),
  })
  const peers = fc.record({ others: fc.nat(20), ok: fc.nat(20) })
  const decide = (f: Failure, events: readonly HealthEvent[], p: Peers) =>
    judge(f, reading(events), { ...LAW, peers: () => p, now: NOON })
  const events = fc.uniqueArray(anyEvent, { maxLength: 6, selector: (e) => e.arn })

  test('an event that cannot concern us never changes the verdict', () => {
    fc.assert(
      fc.property(anyFailure, events, peers, (f, some, p) => {
        const irrelevant = event({ arn: 'irrelevant', service: 'EC2', region: 'ap-south-2' })
        const [without, with_] = [decide(f, some, p), decide(f, [...some, irrelevant], p)]
        expect(with_.kind).toBe(without.kind)
        if (with_.kind === 'explained' && without.kind === 'explained') expect(with_.by).toEqual(without.by)
      }),
    )
  })
  test('moving an event to another region never explains what was unexplained', () => {
    fc.assert(
      fc.property(anyFailure, events, peers, fc.nat(), (f, some, p, n) => {
        if (decide(f, some, p).kind === 'explained') return
        const moved = some.map((e, i) => (i === n % Math.max(1, some.length) ? { ...e, region: 'ap-south-2' } : e))
        expect(decide(f, moved, p).kind).not.toBe('explained')
      }),
      { numRuns: 500 },
    )
  })
  test('neither order nor repetition matters', () => {
    fc.assert(
      fc.property(anyFailure, events, peers, (f, some, p) => {
        const verdict = decide(f, some, p)
        expect(decide(f, some.toReversed(), p)).toEqual(verdict)
        const twice = decide(f, [...some, ...some], p)
        expect(twice.kind).toBe(verdict.kind)
        if (twice.kind === 'explained' && verdict.kind === 'explained') expect(twice.by).toEqual(verdict.by)
      }),
    )
  })
  test('only an outage is ever explained, and only by an event that is among them', () => {
    fc.assert(
      fc.property(anyFailure, events, peers, (f, some, p) => {
        const verdict = decide(f, some, p)
        if (verdict.kind !== 'explained') return
        expect(['internal', 'unreachable']).toContain(f.kind)
        expect(some.map((e) => e.arn)).toContain(verdict.by.arn)
      }),
      { numRuns: 500 },
    )
  })
  test('time only takes explanations away once an event has ended', () => {
    fc.assert(
      fc.property(anyFailure, anyEvent, fc.nat(600), (f, e, minutes) => {
        const ended = { ...e, status: 'closed' as const, endedAt: NOON - HOUR, updatedAt: NOON - HOUR }
        const later = { ...f, at: f.at + minutes * SECOND }
        if (decide(f, [ended], NOBODY).kind !== 'explained') expect(decide(later, [ended], NOBODY).kind).not.toBe('explained')
      }),
    )
  })
})

describe('what members of an outage have in common', () => {
  const elsewhere = event({ arn: 'arn:elsewhere', region: 'eu-west-1' })
  const tooOld = event({ arn: 'arn:old', startedAt: NOON - 30 * HOUR, updatedAt: NOON - 30 * HOUR })
  const judged = (over: Partial<Failure>, events: readonly HealthEvent[] = [elsewhere], law: Partial<typeof LAW> = {}) =>
    judge(failure(over), reading(events), { ...LAW, ...law, peers: () => NOBODY, now: over.at ?? NOON })

  test('is one object: the list of the events that were rejected for the same reasons', () => {
    const one = judged({ owners: ['111111111111'] })
    const other = judged({ owners: ['222222222222'], onset: NOON - 5 * MIN, at: NOON + MIN })
    expect(one.rejected).toHaveLength(1)
    expect(other.rejected).toBe(one.rejected)
    const more = judged({}, [elsewhere, tooOld])
    expect(more.rejected.map(({ arn, test }) => [arn, test])).toEqual([
      ['arn:old', 'time'],
      ['arn:elsewhere', 'place'],
    ])
    expect(judged({}).rejected).toBe(one.rejected)
  })

  test('is found without a look at any event, where all of a reading were rejected for reasons that last', () => {
    let looks = 0
    const watched = new Proxy(elsewhere, {
      get(target, key) {
        looks += 1
        return Reflect.get(target, key)
      },
    })
    const events = [watched, watched]
    const judgeAt = (minutes: number) =>
      judge(failure({ at: NOON + minutes * MIN }), { ...reading([]), events }, { ...LAW, peers: () => NOBODY, now: NOON })
    const first = judgeAt(1)
    expect(looks).toBeGreaterThan(0)
    looks = 0
    const second = judgeAt(2)
    expect([looks, second.rejected === first.rejected, second.why]).toEqual([0, true, first.why])
    expect(second.why).toContain('2 events were considered')
  })

  test('what depends on the service, the region, the account, the configuration or the time is never taken from another', () => {
    const ofIam = event({ arn: 'arn:iam', service: 'IAM', region: 'eu-west-1' })
    const ownEvent = event({ arn: 'arn:own', scope: 'ACCOUNT_SPECIFIC', owners: ['222222222222'] })
    const listed = event({
      arn: 'arn:listed',
      service: 'MULTIPLE_SERVICES',
      impacted: [{ key: 'account', resolvedAt: NOON }],
    })
    const kind = (over: Partial<Failure>, one: HealthEvent, law: Partial<typeof LAW> = {}) => judged(over, [one], law).kind
    expect(kind({}, ofIam)).toBe('unexplained')
    expect(kind({ region: 'eu-west-1' }, ofIam)).toBe('explained')
    expect(kind({ region: 'eu-west-1' }, ofIam, { relevance: { ...RELEVANCE, related: [] } })).toBe('unexplained')
    expect(kind({ region: 'eu-west-1', service: 'STS' }, ofIam)).toBe('explained')
    expect(kind({ owners: ['111111111111'] }, ownEvent)).toBe('unexplained')
    expect(kind({ owners: ['222222222222'] }, ownEvent)).toBe('explained')
    expect(kind({ at: NOON + 3 * HOUR, onset: NOON - MIN }, listed)).toBe('unexplained')
    expect(kind({ at: NOON + MIN, onset: NOON - MIN }, listed)).toBe('explained')
    expect(kind({}, tooOld)).toBe('unexplained')
    expect(kind({ onset: NOON - 29 * HOUR, at: NOON - 28 * HOUR }, tooOld)).toBe('explained')
  })
})

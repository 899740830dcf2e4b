import { expect, test } from 'vitest'
import type { Caught } from '../../src/sandbox/mailbox.ts'
import { DEADLINE_MS, isDecision, isRun, stage, until } from './daemon-process.ts'

/** A service for each protocol whose client is installed here, each in a region of its own: its failure is an outage of its own. */
const WATCHED = [
  {
    name: 'tables',
    service: 'dynamodb',
    operation: 'ListTables',
    region: 'eu-west-1',
    title: 'DynamoDB',
    ok: { TableNames: [] },
  },
  {
    name: 'functions',
    service: 'lambda',
    operation: 'ListFunctions',
    region: 'eu-west-3',
    title: 'Lambda',
    ok: { Functions: [] },
  },
  {
    name: 'buckets',
    service: 's3',
    operation: 'ListBuckets',
    region: 'eu-north-1',
    title: 'S3',
    ok: { Buckets: { Bucket: { Name: 'b' } } },
  },
  { name: 'networks', service: 'ec2', operation: 'DescribeVpcs', region: 'us-west-2', title: 'EC2', ok: { vpcSet: [] } },
  {
    name: 'people',
    service: 'iam',
    operation: 'GetAccountSummary',
    region: 'us-east-1',
    title: 'IAM',
    ok: { SummaryMap: { entry: { key: 'Users', value: 1 } } },
  },
] as const
/** AWS knows of this one: the same service as above, in another region. */
const KNOWN = { ...WATCHED[1], name: 'known', region: 'eu-central-1' }
const ALL = [...WATCHED, KNOWN]

const MONITORS = ALL.map(
  ({ name, service, operation, region }) => `
  - name: ${name}
    regions: [${region}]
    schedule: "* * * * * *"
    spread: 0s
    operations: ["${service}:${operation}"]
    attempts: 1
    timeout: 900ms
    fail: 2
    recover: 1
    retryInterval: 1s
    recheckEvery: 1s`,
).join('')

const nameOf = (mail: Caught) => /^(?:Re: )?\[alibi\] (\w+):/.exec(mail.subject)?.[1] ?? mail.subject

test('one service of each protocol fails, and all are mailed but the one whose outage AWS knows, in the region where it is', async () => {
  await using on = await stage({ monitors: MONITORS })
  for (const { service, ok } of WATCHED) on.api.answer({ service }, ok)
  const daemon = on.daemon({ AWS_ENDPOINT_URL: on.sandbox.url })
  for (const { name } of ALL)
    await daemon.line(`an ok run of ${name}`, (line) => isRun('ok')(line) && String(line['probe']).startsWith(`${name}/`))

  for (const region of [KNOWN.region, 'eu-west-1'])
    on.aws.publish({ id: `known-${region}`, service: 'LAMBDA', region, text: 'Increased API error rates.' })
  for (const { service } of WATCHED) on.api.answer({ service }, '500')
  const mailOf = (name: string, kind: string) =>
    on.mailbox.waitFor((mail) => nameOf(mail) === name && mail.headers['x-alibi-kind'] === kind, DEADLINE_MS)
  for (const { name, title, region } of WATCHED) {
    const { subject, text } = await mailOf(name, 'failing')
    expect(subject).toContain(`: ${title} trouble`)
    expect(text).toContain(region)
    expect(text).toContain('InternalFailure')
  }
  const silence = await daemon.line('the silence', isDecision('withheld'))
  expect(silence).toMatchObject({ rule: 'suppression', reason: expect.stringContaining('LAMBDA') })

  for (const { service, ok } of WATCHED) on.api.answer({ service }, ok)
  for (const { name } of WATCHED) await mailOf(name, 'recovered')
  type Incident = Readonly<{ state: string; monitors: string[]; verdict: string; announcedAt: string | null }>
  const incidents = async () => JSON.parse((await on.get('/api/incidents')).body) as readonly Incident[]
  await until('all incidents to be over', async () => (await incidents()).every(({ state }) => state === 'closed'))
  const told = await incidents()
  expect(told.filter(({ announcedAt }) => announcedAt === null)).toMatchObject([{ monitors: [KNOWN.name], verdict: 'explained' }])
  expect(on.mailbox.mails.filter((mail) => nameOf(mail) === KNOWN.name)).toEqual([])
  expect(on.mailbox.mails).toHaveLength(2 * WATCHED.length)
})

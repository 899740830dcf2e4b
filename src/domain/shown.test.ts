import { expect, test } from 'vitest'
import { anOutcome } from '../../test/store-contract.ts'
import { ADDRESS, ALIBI, EXPLAINED, incidentOf, memberOf, ONSET, owedOf, PROBES, rowOf } from '../../test/wire/web-world.ts'
import { summaryOf } from './incident-summary.ts'
import { dated, incidentJson, storyJson, withoutAddresses } from './shown.ts'

/** Milliseconds since 1970, as they are in this century. */
const EPOCH = /\b1\d{12}\b/

const runOf = (result: 'ok' | 'failed') => anOutcome('p', ONSET, result)

const incident = incidentOf(
  'a3f9c0de51b27764',
  PROBES.slice(0, 2).map((probe) => memberOf(probe, EXPLAINED)),
  {
    state: 'suppressed',
    announcedAt: null,
    explainedBy: ALIBI.arn,
    leadMinutes: 2,
  },
)

test('an incident has the keys and the order of docs/reference.md, times in ISO 8601 UTC', () => {
  expect(JSON.stringify(incidentJson(summaryOf(incident)), null, 1)).toBe(
    JSON.stringify(
      {
        id: 'a3f9c0de51b27764',
        family: 'outage',
        state: 'suppressed',
        verdict: 'explained',
        explainedBy: ALIBI.arn,
        monitors: ['production'],
        probes: ['production/self/GetAccountInformation', 'production/self/GetAlternateContact:SECURITY'],
        openedAt: '2026-11-22T11:58:47.000Z',
        announcedAt: null,
        closedAt: null,
        leadMinutes: 2,
        region: 'us-east-1',
        services: ['account'],
      },
      null,
      1,
    ),
  )
})

test('an outage of another service has its region and its services, a misconfiguration has none', () => {
  const of = (operation: string) => ({
    ...memberOf(PROBES[0]!, EXPLAINED),
    ...{ probe: `production/self/${operation.split(' ')[0]}@eu-west-1`, operation: `${operation} in eu-west-1` },
  })
  const members = [of('dynamodb:ListTables'), of('s3:ListBuckets'), of('dynamodb:DescribeTable')]
  const regional = { ...incident, region: 'eu-west-1', members }
  expect(incidentJson(summaryOf(regional))).toMatchObject({ region: 'eu-west-1', services: ['dynamodb', 's3'] })
  expect(storyJson(regional, [], []).members[1]).toMatchObject({ service: 's3', region: 'eu-west-1' })
  const own = { ...incident, family: 'misconfigured' as const }
  expect(incidentJson(summaryOf(own))).toMatchObject({ region: null, services: ['account'] })
  const china = { ...incident, partition: 'aws-cn' as const }
  expect(incidentJson(summaryOf(china)).region).toBe('cn-northwest-1')
})

test('the machine of each run is given, and which machines saw the failure, only where machines are known', () => {
  const [first, second] = incident.members.map((member, i) => ({
    ...member,
    evidence: [
      { ...runOf('failed'), machine: i === 0 ? 'south' : 'north' },
      { ...runOf('ok'), machine: 'east' },
    ],
  }))
  const of = { ...incident, members: [first!, second!] }
  expect(incidentJson(summaryOf(of)).machines).toEqual(['north', 'south'])
  const story = storyJson(of, [], [])
  expect(story.machines).toEqual(['north', 'south'])
  expect(story.members.map(({ evidence }) => evidence.map(({ machine }) => machine))).toEqual([
    ['south', 'east'],
    ['north', 'east'],
  ])
  const alone = { ...incident, members: [{ ...first!, evidence: [runOf('failed')] }] }
  for (const json of [incidentJson(summaryOf(alone)), storyJson(alone, [], [])])
    expect(JSON.stringify(json)).not.toContain('machine')
})

test('account names are given only if they are to be shown', () => {
  const names = { ofAccounts: new Map([['111122223333', 'payments']]), ofOwn: new Map([['production', 'management']]) }
  const members = [
    memberOf(PROBES[0]!, EXPLAINED),
    { ...memberOf(PROBES[0]!, EXPLAINED), probe: 'production/111122223333/ListRegions', account: '111122223333' },
    { ...memberOf(PROBES[0]!, EXPLAINED), probe: 'production/444455556666/ListRegions', account: '444455556666' },
  ]
  const of = { ...incident, members }
  expect(incidentJson(summaryOf(of), names).accountNames).toEqual({ self: 'management', '111122223333': 'payments' })
  expect(storyJson(of, [], [], names).members.map(({ accountName }) => accountName)).toEqual(['management', 'payments', null])
  expect(JSON.stringify(storyJson(of, [], []))).not.toContain('accountName')
})

test('its story has members with their evidence, the ledger, and emails by the recipient’s name', () => {
  const story = storyJson(
    incident,
    [rowOf(incident.id, ONSET, 'withheld', 'silent', 'suppression')],
    [owedOf(incident.id, 'oncall', 'failing')],
  )
  expect(story).toMatchObject(incidentJson(summaryOf(incident)))
  expect(story.members[0]).toMatchObject({
    service: 'account',
    region: 'us-east-1',
    onset: '2026-11-22T11:58:02.000Z',
    verdict: 'explained',
    why: EXPLAINED.why,
    explainedBy: { arn: ALIBI.arn, match: 'direct', startedAt: '2026-11-22T12:00:02.000Z' },
    rejected: [{ test: 'place' }, { test: 'service' }],
    evidence: [
      { result: 'failed', kind: 'internal', tries: [{ error: 'InternalServerException', at: '2026-11-22T11:58:02.000Z' }, {}] },
      {},
    ],
  })
  expect(story.ledger).toMatchObject([
    { at: '2026-11-22T11:58:02.000Z', decision: 'withheld', rule: 'suppression', reason: 'silent' },
  ])
  expect(story.mails).toMatchObject([
    { kind: 'failing', to: 'oncall', state: 'delivered', deliveredAt: '2026-11-22T11:59:19.000Z', nextAt: null },
  ])
})

test('every time in it is ISO 8601, in evidence too, and what is none is left a number', () => {
  const evidence = [
    { probe: 'p', verdict: EXPLAINED, readAt: ONSET, gap: { from: ONSET, to: ONSET }, seq: 3, leadMinutes: 1_800_000 },
  ]
  const rows = [
    { ...rowOf(incident.id, ONSET, 'withheld', 'silent', 'suppression'), evidence },
    { ...rowOf(incident.id, ONSET, 'opened', 'x', 'threshold'), evidence: { onset: ONSET } },
  ]
  const story = storyJson(incident, rows, [])
  expect(story.ledger.map((row) => row.evidence)).toMatchObject([
    [
      {
        readAt: '2026-11-22T11:58:02.000Z',
        verdict: { by: { startedAt: '2026-11-22T12:00:02.000Z' } },
        gap: { from: '2026-11-22T11:58:02.000Z', to: '2026-11-22T11:58:02.000Z' },
        seq: 3,
        leadMinutes: 1_800_000,
      },
    ],
    { onset: '2026-11-22T11:58:02.000Z' },
  ])
  expect(JSON.stringify(story)).not.toMatch(EPOCH)
  const at = ONSET
  expect(
    dated({ at, sources: { api: { at, events: 3 } }, impacted: [{ resolvedAt: at }], reopenedAt: [at], tries: [{ at, ms: 12 }] }),
  ).toEqual({
    at: '2026-11-22T11:58:02.000Z',
    sources: { api: { at: '2026-11-22T11:58:02.000Z', events: 3 } },
    impacted: [{ resolvedAt: '2026-11-22T11:58:02.000Z' }],
    reopenedAt: ['2026-11-22T11:58:02.000Z'],
    tries: [{ at: '2026-11-22T11:58:02.000Z', ms: 12 }],
  })
})

test('no address is in it: not of recipients, not of a reply, not in evidence', () => {
  const rows = [rowOf(incident.id, ONSET, 'refused', `failing to oncall: 550 <${ADDRESS}> unknown`)]
  const mails = [
    owedOf(incident.id, 'oncall', 'failing', {
      state: 'refused',
      error: `550 ${ADDRESS}: no such user`,
      reply: `250 ${ADDRESS}`,
    }),
  ]
  expect(JSON.stringify(storyJson(incident, rows, mails))).not.toContain('@example.com')
})

test('a time beyond all calendars does not break it', () => {
  expect(incidentJson(summaryOf({ ...incident, openedAt: Number.POSITIVE_INFINITY, closedAt: 9e15 }))).toMatchObject({
    openedAt: '1970-01-01T00:00:00.000Z',
    closedAt: '+275760-09-13T00:00:00.000Z',
  })
})

test.for([
  ['550 5.1.1 <night.owl@example.com>: no such user', '550 5.1.1 (address): no such user'],
  ['RCPT TO:<a+b@xn--bcher-kva.example> refused', 'RCPT TO:(address) refused'],
  ['a@b.example,c@d.example', '(address),(address)'],
  ['no address @ all', 'no address @ all'],
  [
    'arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/x',
    'arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/x',
  ],
])('%s', ([text, expected]) => expect(withoutAddresses(text ?? '')).toBe(expected))

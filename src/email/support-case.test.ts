import { expect, test } from 'vitest'
import { HOUR, incident, MIN, member, NOON } from '../../test/given.ts'
import { NEVER_JUDGED } from '../domain/explanation.ts'
import type { Incident } from '../domain/incident.ts'
import type { Verdict } from '../domain/verdict.ts'
import { failedRun, many, probeFacts, SAMPLES } from './samples.ts'
import { MAX_BODY, supportCase } from './support-case.ts'

const { sentBy } = SAMPLES.failing
const one = { sentBy, probes: [probeFacts({ onset: NOON })], others: { names: [], total: 0 } }
const caseOf = (changes: Partial<Incident> = {}, facts: Parameters<typeof supportCase>[0]['facts'] = one) =>
  supportCase({ incident: incident(changes), facts, impacts: ['New accounts cannot be created.'], now: NOON + HOUR })

test('it says what AWS Support asks for, first of all what has been failing since when', () => {
  const { subject, body, plan } = caseOf({ verdict: 'unexplained' })
  expect(subject).toBe(
    'AWS Account Management: InternalServerException (HTTP 500) from account:GetContactInformation, since 2026-03-10T12:00Z',
  )
  expect(body.split('\n').slice(0, 3)).toEqual([
    'Since 2026-03-10T12:00:00.000Z, account:GetContactInformation has returned InternalServerException (HTTP 500) to calls that worked before. It was still failing at 2026-03-10T13:00:00.000Z, after 1h.',
    'Impact for us: New accounts cannot be created.',
    'AWS Health: we found no event that explains this, neither a public one nor one for our account.',
  ])
  for (const detail of [
    'Endpoint: https://account.us-east-1.amazonaws.com (signing region us-east-1)',
    'Caller: arn:aws:sts::999900001111:assumed-role/alibi/host-7',
    'Client: AWS SDK for JavaScript 3.1169.0',
    'Target account: 111122223333',
    'try 3 of 3',
    'x-amzn-requestid: 5d0c2a10-',
    'x-amz-apigw-id: ',
    'x-amzn-trace-id: Root=',
  ])
    expect(body, detail).toContain(detail)
  expect(plan).toContain('Business Support+')
  expect(plan).toContain('never opens a case itself')
})

test.for<[string, Partial<Incident>, string]>([
  ['over', { state: 'closed', closedAt: NOON + 30 * MIN }, 'It ended at 2026-03-10T12:30:00.000Z, after 30m.'],
  ['not asked', { verdict: 'undetermined' }, 'AWS Health: we could not get all of its answers.'],
  ['explained before', { verdict: 'unexplained', explainedBy: 'arn:aws:health:x' }, 'arn:aws:health:x appeared to be the cause'],
  [
    'explained',
    {
      members: [
        member({
          judgement: { ...NEVER_JUDGED, verdict: SAMPLES['now-explained'].probes[0]?.verdict as Verdict },
        }),
      ],
    },
    'invented appears to be the cause (open).',
  ],
])('an incident that is %s', ([, changes, words]) => expect(caseOf(changes).body).toContain(words))

test('several operations are one case, and a thousand probes fit into it', () => {
  const long = { ...many(1_000), sentBy }
  const runs = Array.from({ length: 3 }, (_, at) => failedRun('p', NOON + at * MIN, { message: 'x'.repeat(5_000) }, 5))
  const { subject, body } = caseOf({}, { ...long, probes: long.probes.map((probe) => ({ ...probe, evidence: runs })) })
  expect(subject).toContain('several read-only operations')
  expect(body).toContain('several read-only operations of AWS Account Management have returned InternalServerException')
  expect(body.length).toBeLessThanOrEqual(MAX_BODY)
  expect(body).toContain('(truncated:')
})

test('what others wrote breaks no line', () => {
  const hostile = probeFacts({ evidence: [failedRun('p', NOON, { error: 'Bad\r\nSubject: other\u202e' })] })
  const { subject, body } = caseOf({}, { ...one, probes: [hostile] })
  expect(subject).not.toMatch(/[\r\n\u202e]/)
  expect(body).not.toContain('\nSubject: other')
})

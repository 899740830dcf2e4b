import { expect, test } from 'vitest'
import { squeezed, textOf } from '../../test/emails.ts'
import type { Facts, MailKind } from '../domain/notification.ts'
import type { Try } from '../domain/probe.ts'
import { AT, failedRun, many, probeFacts, SAMPLES } from './samples.ts'

test.for<[MailKind, string]>([
  [
    'failing',
    'FAILING since 11:58 UTC (12:58 Europe/Berlin), for 46s: GetContactInformation for account 111122223333 (production) fails with InternalServerException (HTTP 500), and no AWS event explains it.',
  ],
  [
    'wider',
    'WIDER: now 14 probes in 14 accounts (production) fail, mostly with InternalServerException (HTTP 500), and no AWS event explains it.',
  ],
  ['escalated', 'ESCALATED: '],
  ['reminder', 'REMINDER: still failing since 11:58 UTC'],
  [
    'now-explained',
    'EXPLAINED BY AWS: AWS_ACCOUNT_OPERATIONAL_ISSUE in us-east-1 explains why GetContactInformation for account 111122223333',
  ],
  ['still-failing', 'STILL FAILING since 11:58 UTC'],
  [
    'recovered',
    'RECOVERED at 12:40 UTC (13:40 Europe/Berlin), after 42m: GetContactInformation for account 111122223333 (production) is ok again.',
  ],
  ['flapping', 'FLAPPING: '],
  ['dropped', 'NO LONGER WATCHED: '],
  ['blind', 'BLIND: Alibi cannot tell whether GetContactInformation for account 111122223333 (production) works'],
  ['misconfigured', 'MISCONFIGURED since 11:58 UTC'],
  ['offline', 'OFFLINE since 11:58 UTC'],
  ['digest', 'SUMMARY: '],
  ['test', 'TEST: '],
])('the first words of %s', ([kind, words]) => {
  const text = textOf(SAMPLES[kind])
  expect(squeezed(text).startsWith(squeezed(words)), text.slice(0, 300)).toBe(true)
})

test.for<[string, Partial<Try>, string, string]>([
  ['has no name', { error: 'HTTP 503', status: 503 }, 'fails with HTTP 503, and no AWS event', 'try 1 of 3: HTTP 503, 1213 ms'],
  [
    'is an unreadable 200',
    { error: 'HTTP 200', status: 200, message: 'HTTP 200 with a body that cannot be read' },
    'fails with an unreadable response (HTTP 200), and no AWS event',
    'try 1 of 3: unreadable, HTTP 200, 1213 ms: with a body that cannot be read',
  ],
  [
    'is of STS',
    { error: 'HTTP 500', status: 500, service: 'STS' },
    'fails because STS returns HTTP 500 for AssumeRole, and no AWS event',
    'try 1 of 3: STS HTTP 500, 1213 ms',
  ],
  [
    'is a refusal',
    { kind: 'denied', error: 'AccessDeniedException', status: 403 },
    'is denied (AccessDeniedException, HTTP 403)',
    'try 1 of 3: AccessDeniedException, HTTP 403',
  ],
  [
    'is none at all',
    { kind: 'unreachable', error: 'ECONNRESET', status: null },
    'cannot be reached (ECONNRESET)',
    'try 1 of 3: ECONNRESET, no answer',
  ],
])(
  'an answer that %s is named once in the first sentence, the evidence and the block for AWS Support',
  ([, over, words, line]) => {
    const probe = probeFacts({ evidence: [failedRun('p', AT, over)], strip: [] })
    const text = textOf({ ...SAMPLES.failing, probes: [probe] })
    expect(squeezed(text)).toContain(squeezed(words))
    expect(squeezed(text)).toContain(squeezed(line))
    expect(text).not.toMatch(/HTTP \d+[ (,]+HTTP/)
  },
)

const MERGED = { merged: { facts: SAMPLES.failing, why: 'the mail server could not be reached' } }

test('several probes were failing, one was', () => {
  const { probes, others } = many(4)
  const recovered: Facts = { ...SAMPLES.recovered, probes: probes.map((probe) => ({ ...probe, state: 'recovered' })), others }
  const said = (facts: Facts) => squeezed(textOf(facts, MERGED))
  expect(said(recovered)).toContain(squeezed('are all ok again. They were failing 11:58 to'))
  expect(said(SAMPLES.recovered)).toContain(squeezed('is ok again. It was failing 11:58 to'))
})

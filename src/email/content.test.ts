import { expect, test } from 'vitest'
import { ALL, squeezed, textOf } from '../../test/emails.ts'
import type { Facts, MailKind, ProbeFacts } from '../domain/notification.ts'
import { renderEmail } from './render.ts'
import { AT, CASES, failedRun, many, notificationOf, probeFacts, SAMPLES } from './samples.ts'

test.for<[string, string]>([
  ['failing-again', 'FAILING AGAIN since'],
  [
    'failing-undetermined-late',
    'Whether AWS explains it is not known: AWS Health could not be asked (API: timed out after 10s; dashboard: HTTP 503)',
  ],
  ['failing-undetermined-late', 'This email is 7m late after 4 failed attempts: smtp.example.com answered 421 to MAIL FROM.'],
  [
    'failing-undetermined-late',
    'Between 11:47:02Z (last ok run) and 11:58:02Z (first failed run). Not monitored from 11:47 to 11:58 UTC (11m): Alibi was not running.',
  ],
  ['failing-hold', 'AWS explains it (AWS_ACCOUNT_OPERATIONAL_ISSUE), but it is still going on.'],
  ['failing-1000-probes', '1000 probes in 1000 accounts'],
  ['failing-sandbox', 'Not AWS’s own endpoints: AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4566'],
  ['failing-sandbox', 'It continues incident c41dc0de51b27764, which was a problem in our own setup.'],
  ['recovered-hindsight', 'AWS_ACCOUNT_OPERATIONAL_ISSUE, seen 12:31:08Z: '],
  ['recovered-merged', 'was failing 11:58 to 12:40 UTC; the mail server could not be reached'],
  ['recovered-merged', 'Not delivered: FAILING since 11:58 UTC'],
  ['recovered-offline', 'this host was offline from 11:58 to 12:40 UTC (42m)'],
])('%s says "%s"', ([name, words]) => {
  const [, facts, delivery] = ALL.find(([other]) => other === name)!
  expect(squeezed(textOf(facts, delivery))).toContain(squeezed(words))
})

test.for<[string, Partial<Facts>, readonly string[]]>([
  ['a self-alert', { kind: 'misconfigured', lines: ['It refuses.'] }, ['MISCONFIGURED: It refuses.']],
  [
    'a self-alert of two lines',
    { kind: 'misconfigured', lines: ['It refuses.', 'Often.'] },
    ['MISCONFIGURED: It refuses.', '- Often.'],
  ],
  [
    'many emails in one',
    { kind: 'digest', reason: 'more than 30 emails were due', lines: ['failing: a', 'failing: b'] },
    ['SUMMARY: more than 30 emails were due.', '- failing: a', '- failing: b'],
  ],
  ['a digest', { kind: 'digest', lines: ['There were 3 incidents.'], chapters: [] }, ['SUMMARY: There were 3 incidents.']],
])('%s says each thing once', ([, over, words]) => {
  const facts: Facts = { ...SAMPLES.test, reason: '', ...over }
  const text = textOf(facts)
  for (const saying of words) expect(text).toContain(saying)
  for (const line of facts.lines) expect(text.split(line).length - 1, line).toBe(1)
})

/** That many failing probes, with so little evidence that the block for AWS Support has room for as many as it may hold. */
function brief(count: number): Pick<Facts, 'probes' | 'others' | 'breadth'> {
  const wide = many(count)
  return { ...wide, probes: wide.probes.map((probe) => ({ ...probe, evidence: probe.evidence.slice(-1) })) }
}

test('the names of accounts stand beside their ids, but not in what AWS Support gets', () => {
  const named = textOf(CASES['failing-named']!.facts)
  const [before = '', support = ''] = named.split('== For AWS Support')
  expect(squeezed(before)).toContain(squeezed('GetContactInformation for account 111122223333 “payments” (production) fails'))
  expect(squeezed(before)).toContain(squeezed('3 of 3 runs of 111122223333 “payments” failed since'))
  expect(support).not.toContain('payments')
  const many = squeezed(textOf(CASES['failing-named-many']!.facts))
  expect(many).toContain(squeezed('last to fail: production/111100014443/GetAccountInformation “team 4443” at'))
  expect(many).toContain(squeezed('- production/111100014443/GetAccountInformation “team 4443”'))
})

test('of what has recovered the list says when, and not whether AWS explains it', () => {
  const { probes, others } = many(2)
  const facts: Facts = {
    ...SAMPLES.recovered,
    probes: probes.map((probe) => ({ ...probe, state: 'recovered', recoveredAt: AT })),
    others,
  }
  const text = textOf(facts)
  expect(text).toContain('== What failed =')
  expect(squeezed(text)).toContain(squeezed('(production): recovered at 11:58:48Z'))
  expect(text).not.toMatch(/unexplained/)
})

test.for<[string, Facts, RegExp]>([
  [
    'one try that is not shown',
    { ...SAMPLES.failing, probes: [probeFacts({ evidence: [failedRun('p', AT, {}, 6)] })] },
    /An earlier try is not shown\./,
  ],
  [
    'two',
    { ...SAMPLES.failing, probes: [probeFacts({ evidence: [failedRun('p', AT, {}, 7)] })] },
    /2 earlier tries are not shown\./,
  ],
  ['one call more than there is room for', { ...SAMPLES.failing, ...brief(4) }, /^One more call fails in the same way/m],
  ['two', { ...SAMPLES.failing, ...brief(5) }, /^2 more calls fail in the same way/m],
  [
    'one operation more than there is room for',
    {
      ...SAMPLES.failing,
      probes: Array.from({ length: 2 }, () => probeFacts()),
      breadth: {
        causes: Array.from({ length: 13 }, (_, nth) => ({
          operation: `Op${nth}`,
          kind: null,
          error: null,
          status: null,
          count: 1,
        })),
        first: { probe: 'p', at: AT },
        last: { probe: 'q', at: AT },
      },
    },
    /and 1 more operation$/m,
  ],
])('singular and plural: %s', ([, facts, words]) => {
  expect(textOf(facts)).toMatch(words)
})

const stillExplained = SAMPLES['now-explained'].probes[0]!.verdict
test.for<[string, Partial<Facts>, readonly Partial<ProbeFacts>[], readonly string[]]>([
  ['all of it, now', { verdict: 'explained' }, [{ verdict: stillExplained }], ['Matches same service: AWS']],
  [
    'some of it, and for how long',
    {},
    [{ verdict: stillExplained, explainedUntil: AT + 60_000 }, {}],
    [
      'Matched same service until 11:59 UTC (12:59 Europe/Berlin), 1 of 2 probes: AWS',
      'explained until 11:59:48Z',
      ', unexplained',
    ],
  ],
  [
    'none of it any more, and since when',
    {
      incident: { ...SAMPLES.failing.incident!, explainedBy: 'arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/x' },
    },
    [
      { lapsed: 'it ended', lapsedBy: 'over', explainedUntil: AT - 60_000 },
      { lapsed: 'it ended', lapsedBy: 'over', explainedUntil: AT - 60_000 },
    ],
    ['Event AWS_IAM_OPERATIONAL_ISSUE Explained it until 11:57 UTC', 'unexplained, explained until 11:57:48Z'],
  ],
])('what AWS’s event explains: %s', ([, over, probes, words]) => {
  const facts: Facts = { ...SAMPLES.failing, ...over, probes: probes.map((probe) => probeFacts(probe)) }
  const text = textOf(facts)
  for (const saying of words) expect(squeezed(text)).toContain(squeezed(saying))
  expect(/^Matches /m.test(text)).toBe(facts.verdict === 'explained')
})

test.for<[MailKind, boolean]>([
  ['failing', true],
  ['wider', true],
  ['reminder', true],
  ['still-failing', true],
  ['now-explained', false],
  ['recovered', false],
  ['misconfigured', false],
  ['offline', false],
  ['test', false],
])('%s has a block for AWS Support: %s', ([kind, has]) => {
  const text = textOf(SAMPLES[kind])
  expect(text.includes('For AWS Support')).toBe(has)
  expect(text.includes('x-amzn-requestid: 5d0c2a10-7e3b-4c1d-9a55-006f1c0b77a9')).toBe(has)
})

// A warning that goes first, such as that the email is late, may push the commands further down.
const UNWARNED = ALL.filter(([name]) => name.startsWith('failing') && !/late|sandbox/.test(name))

test.for(UNWARNED)(
  'the first 25 lines of %s: what, since when, the impact, what to do first, and how to acknowledge it',
  ([, facts, delivery]) => {
    const first = squeezed(renderEmail(notificationOf(facts), delivery).text.split('\n').slice(0, 25).join('\n'))
    const needed = ['FAILING', ' since ', 'Do first: ', ...(delivery.page ? ['Acknowledge or silence: '] : ['alibi ack '])]
    expect(needed.filter((words) => !first.includes(squeezed(words)))).toEqual([])
  },
)

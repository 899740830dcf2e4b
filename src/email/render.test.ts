import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Facts, MAIL_KINDS, type MailKind, type ProbeFacts } from '../domain/notification.ts'
import type { FailureKind, Try } from '../domain/probe.ts'
import type { Block } from './block.ts'
import { type Content, contentOf } from './content.ts'
import type { Delivery } from './delivery.ts'
import { renderHtml } from './html.tsx'
import { MAX_MAIL_BYTES } from './limits.ts'
import { renderEmail } from './render.ts'
import { AT, CASES, failedRun, MAILS, many, notificationOf, PUNCTUAL, probeFacts, SAMPLES } from './samples.ts'
import { renderText } from './text.ts'

const punctual = (facts: Facts): Delivery => ({ ...PUNCTUAL, now: facts.at + 1_000 })
const all: readonly [string, Facts, Delivery][] = [
  ...Object.entries(SAMPLES).map(([name, facts]): [string, Facts, Delivery] => [name, facts, punctual(facts)]),
  ...Object.entries(CASES).map(([name, { facts, delivery }]): [string, Facts, Delivery] => [
    name,
    facts,
    { ...punctual(facts), ...delivery },
  ]),
]

const STYLE = /<style>([^<]*)<\/style>/

/** One element a line, so that a difference can be read; the style sheet, which all have in common, is a file of its own. */
function readable(html: string): string {
  return html
    .replace(STYLE, '<style>/* style.css */</style>')
    .replaceAll(/(?<!\n)(?=<(?:\/?(?:head|body|table)|tr|td|p|h2|pre|div)\b)/g, '\n')
}

test.for(all)('%s reads as it always did', async ([name, facts, delivery]) => {
  const { text, html } = renderEmail(notificationOf(facts), delivery)
  await expect(text).toMatchFileSnapshot(`../../test/golden/${name}.txt`)
  await expect(readable(html ?? '')).toMatchFileSnapshot(`../../test/golden/${name}.html`)
})

test('all have the same style sheet', async () => {
  const sheets = new Set(
    all.map(([, facts, delivery]) => STYLE.exec(renderEmail(notificationOf(facts), delivery).html ?? '')?.[1]),
  )
  expect(sheets.size).toBe(1)
  await expect([...sheets][0]).toMatchFileSnapshot('../../test/golden/style.css')
})

test.for(all)('%s says the same in both parts', ([, facts, delivery]) => {
  const plain = contentOf(facts, delivery, 1)
  const inText = squeezed(renderText(plain))
  const inHtml = squeezed(textOf(renderHtml(plain)))
  const missing = sayings(plain).filter((saying) => !inText.includes(squeezed(saying)) || !inHtml.includes(squeezed(saying)))
  expect(missing).toEqual([])
})

test.for<[MailKind, string]>([
  [
    'failing',
    'FAILING since 11:58 UTC (12:58 Europe/Berlin), for 46s: GetContactInformation of account 111122223333 (production) answers InternalServerException (HTTP 500), and no AWS event explains it.',
  ],
  [
    'wider',
    'WIDER: now 14 probes in 14 accounts (production) answer mostly InternalServerException (HTTP 500), and no AWS event explains it.',
  ],
  ['escalated', 'ESCALATED: '],
  ['reminder', 'REMINDER: still failing, since 11:58 UTC'],
  [
    'now-explained',
    'EXPLAINED BY AWS: AWS_ACCOUNT_OPERATIONAL_ISSUE in us-east-1 explains why GetContactInformation of account 111122223333',
  ],
  ['still-failing', 'STILL FAILING since 11:58 UTC'],
  [
    'recovered',
    'RECOVERED at 12:40 UTC (13:40 Europe/Berlin), after 42m: GetContactInformation of account 111122223333 (production) is ok again.',
  ],
  ['flapping', 'FLAPPING: '],
  ['dropped', 'NO LONGER WATCHED: '],
  ['blind', 'BLIND: we cannot tell whether GetContactInformation of account 111122223333 (production) works'],
  ['misconfigured', 'MISCONFIGURED since 11:58 UTC'],
  ['offline', 'OFFLINE since 11:58 UTC'],
  ['digest', 'SUMMARY: '],
  ['test', 'TEST: '],
])('the first words of %s', ([kind, words]) => {
  const { text } = renderEmail(notificationOf(SAMPLES[kind]), punctual(SAMPLES[kind]))
  expect(squeezed(text).startsWith(squeezed(words)), text.slice(0, 300)).toBe(true)
})

/** The sample of what is a matter of our own set-up, its runs failed by something else. */
function misconfiguredBy(kind: FailureKind, changes: Partial<Try>): string {
  const probes = SAMPLES.misconfigured.probes.map((probe) => ({
    ...probe,
    evidence: probe.evidence.map((run) => ({
      ...run,
      ...({ result: 'failed', kind } as const),
      tries: run.tries.map((made) => ({ ...made, kind, ...changes })),
    })),
  }))
  return squeezed(renderEmail(notificationOf({ ...SAMPLES.misconfigured, probes }), PUNCTUAL).text)
}

test.for<[string, FailureKind, Partial<Try>, string, string]>([
  [
    'refused credentials',
    'credentials',
    { error: 'ExpiredTokenException', status: 403 },
    'our credentials are refused',
    'Renew or repair',
  ],
  [
    'no credentials',
    'credentials',
    { error: 'CredentialsProviderError', status: null },
    'we have no credentials',
    'See the error below',
  ],
  ['late credentials', 'credentials', { error: 'Timeout', status: null }, 'not there in time', 'takes longer than a try'],
  [
    'a wrong request',
    'invalid',
    { error: 'ValidationException', status: 400 },
    'refuses our request',
    'Check accounts and parameters',
  ],
  ['a fault of ours', 'invalid', { error: 'TypeError', status: null }, 'an internal error of Alibi', 'please report it'],
])('the advice for %s is made for that', ([, kind, changes, what, todo]) => {
  const text = misconfiguredBy(kind, changes)
  expect(text).toContain(squeezed(what))
  expect(text).toContain(squeezed(todo))
  if (changes.status == null) expect(text).not.toMatch(/renew|refuse/i)
})

test('there is a sample of every kind', () => expect(Object.keys(SAMPLES).sort()).toEqual([...MAIL_KINDS].sort()))

test.for<[string, string]>([
  ['failing-again', 'FAILING AGAIN since'],
  ['failing-undetermined-late', 'and AWS Health could not be asked (API: timed out after 10s; dashboard: HTTP 503)'],
  ['failing-undetermined-late', 'This mail is 7m late after 4 failed attempts: smtp.example.com answered 421 to MAIL FROM.'],
  [
    'failing-undetermined-late',
    'between 11:47:02Z (last ok) and 11:58:02Z (first failure). We did not watch 11:47 to 11:58 UTC (11m): Alibi was not running.',
  ],
  ['failing-hold', 'AWS explains it (AWS_ACCOUNT_OPERATIONAL_ISSUE), and it lasts.'],
  ['failing-1000-probes', '1000 probes in 1000 accounts'],
  ['failing-sandbox', 'Not AWS’s own endpoints: AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4566'],
  ['failing-sandbox', 'It goes on from incident c41dc0de51b27764, which was a matter of our own set-up.'],
  ['recovered-hindsight', 'AWS_ACCOUNT_OPERATIONAL_ISSUE, seen 12:31:08Z: '],
  ['recovered-merged', 'was failing 11:58 to 12:40 UTC; the mail server could not be reached'],
  ['recovered-merged', 'Not delivered: FAILING since 11:58 UTC'],
  ['recovered-offline', 'we were blind 11:58 to 12:40 UTC (42m)'],
])('%s says "%s"', ([name, words]) => {
  const [, facts, delivery] = all.find(([other]) => other === name)!
  expect(squeezed(renderEmail(notificationOf(facts), delivery).text)).toContain(squeezed(words))
})

test.for<[string, Partial<Try>, string, string]>([
  ['has no name', { error: 'HTTP 503', status: 503 }, 'answers HTTP 503, and no AWS event', 'try 1 of 3: HTTP 503, 1213 ms'],
  [
    'is a 200 that nobody can read',
    { error: 'HTTP 200', status: 200, message: 'HTTP 200 with a body that cannot be read' },
    'answers what cannot be read (HTTP 200), and no AWS event',
    'try 1 of 3: unreadable, HTTP 200, 1213 ms: with a body that cannot be read',
  ],
  [
    'is of STS',
    { error: 'HTTP 500', status: 500, service: 'STS' },
    'fails because STS answers HTTP 500 when the role is assumed, and no AWS event',
    'try 1 of 3: STS HTTP 500, 1213 ms',
  ],
  [
    'is a refusal',
    { kind: 'denied', error: 'AccessDeniedException', status: 403 },
    'is denied to us (AccessDeniedException, HTTP 403)',
    'try 1 of 3: AccessDeniedException, HTTP 403',
  ],
  [
    'is none at all',
    { kind: 'unreachable', error: 'ECONNRESET', status: null },
    'cannot be reached (ECONNRESET)',
    'try 1 of 3: ECONNRESET, no answer',
  ],
])(
  'an answer that %s is named once, in the first sentence, the evidence and the block for AWS Support',
  ([, over, words, line]) => {
    const probe = probeFacts({ evidence: [failedRun('p', AT, over)], strip: [] })
    const { text } = renderEmail(notificationOf({ ...SAMPLES.failing, probes: [probe] }), punctual(SAMPLES.failing))
    expect(squeezed(text)).toContain(squeezed(words))
    expect(squeezed(text)).toContain(squeezed(line))
    expect(text).not.toMatch(/HTTP \d+[ (,]+HTTP/)
  },
)

test.for<[string, Partial<ProbeFacts>, string, boolean]>([
  ['AWS says so', { lapsedBy: 'over' }, 'AWS may think that it is over. If it hurts, open a case', false],
  ['no source could be asked', { lapsedBy: 'unasked' }, 'See on AWS’s page whether its event still stands.', true],
  [
    'the others are well',
    { lapsedBy: 'alone' },
    'Others are well with the same operation: look for what is different here.',
    false,
  ],
  ['the event is gone', { lapsedBy: 'vanished' }, 'AWS has taken its event back.', false],
  ['the event is about something else', { lapsedBy: 'unfit' }, 'AWS’s event does not cover it any more.', false],
  ['an earlier version did not say', {}, 'AWS’s event does not cover it any more.', false],
])('what to do when an explanation has ended, for %s', ([, over, words, page]) => {
  const dashboard = { ...SAMPLES.failing.sources!.dashboard, state: 'unavailable' } as const
  const facts: Facts = {
    ...SAMPLES['still-failing'],
    probes: [probeFacts({ lapsed: 'it ended', ...over })],
    sources: page ? { ...SAMPLES.failing.sources!, dashboard } : SAMPLES.failing.sources,
  }
  const { text } = renderEmail(notificationOf(facts), punctual(facts))
  expect(squeezed(text)).toContain(squeezed(`Do first: Follow the runbook. ${words}`))
  expect(text.includes('AWS’s page: https://health.aws.amazon.com/health/status')).toBe(page)
})

test.for<[string, Partial<Facts>, readonly string[]]>([
  ['a notice', { kind: 'misconfigured', lines: ['It refuses.'] }, ['MISCONFIGURED: It refuses.']],
  [
    'a notice of two lines',
    { kind: 'misconfigured', lines: ['It refuses.', 'Often.'] },
    ['MISCONFIGURED: It refuses.', '- Often.'],
  ],
  [
    'many mails in one',
    { kind: 'digest', reason: 'more than 30 mails were due', lines: ['failing: a', 'failing: b'] },
    ['SUMMARY: more than 30 mails were due.', '- failing: a', '- failing: b'],
  ],
  ['a digest', { kind: 'digest', lines: ['There were 3 incidents.'], chapters: [] }, ['SUMMARY: There were 3 incidents.']],
])('%s says each thing once', ([, over, words]) => {
  const facts: Facts = { ...SAMPLES.test, reason: '', ...over }
  const { text } = renderEmail(notificationOf(facts), punctual(facts))
  for (const saying of words) expect(text).toContain(saying)
  for (const line of facts.lines) expect(text.split(line).length - 1, line).toBe(1)
})

/** So many that fail, with so little evidence that the block for AWS Support has room for all that it may hold. */
function brief(count: number): Pick<Facts, 'probes' | 'others' | 'breadth'> {
  const wide = many(count)
  return { ...wide, probes: wide.probes.map((probe) => ({ ...probe, evidence: probe.evidence.slice(-1) })) }
}

test('what is well again did fail, and is not said to be explained or not', () => {
  const { probes, others } = many(2)
  const facts: Facts = { ...SAMPLES.recovered, probes: probes.map((probe) => ({ ...probe, state: 'well', wellAt: AT })), others }
  const { text } = renderEmail(notificationOf(facts), punctual(facts))
  expect(text).toContain('== What failed =')
  expect(squeezed(text)).toContain(squeezed('(production): well again since 11:58:48Z'))
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
  ['one call more than there is room for', { ...SAMPLES.failing, ...brief(4) }, /^One further call fails in the same way/m],
  ['two', { ...SAMPLES.failing, ...brief(5) }, /^2 further calls fail in the same way/m],
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
    /and 1 further operation$/m,
  ],
])('%s is counted as people count', ([, facts, words]) => {
  expect(renderEmail(notificationOf(facts), punctual(facts)).text).toMatch(words)
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
  const { text } = renderEmail(notificationOf(facts), punctual(facts))
  for (const saying of words) expect(squeezed(text)).toContain(squeezed(saying))
  expect(/^Matches /m.test(text)).toBe(facts.verdict === 'explained')
})

test('what fails in another way since says that it did before, not that it was ok until then', () => {
  const facts: Facts = {
    ...SAMPLES.misconfigured,
    incident: { ...SAMPLES.misconfigured.incident!, continues: { id: 'a3f9', family: 'outage' } },
  }
  const { text } = renderEmail(notificationOf(facts), punctual(facts))
  expect(squeezed(text)).toContain(
    squeezed('Began: at 11:58:02Z (first failure of this kind; the last ok run was at 11:57:02Z).'),
  )
  expect(text).toMatch(/11:58:02Z = 12:58 +first failure of this kind/)
})

const MERGED = { merged: { facts: SAMPLES.failing, why: 'the mail server could not be reached' } }
const blindAgo = { ...SAMPLES.blind.incident!, closedAt: AT }
const offlineAgo = { ...SAMPLES.offline.incident!, closedAt: AT }
test.for<[string, Facts, Partial<Delivery>, string]>([
  ['was told of the fall', SAMPLES.recovered, {}, 'You were told that it failed, so you are told this too.'],
  [
    'was told that nothing is seen',
    { ...SAMPLES.blind, kind: 'recovered', incident: blindAgo },
    {},
    'You were told that it could not be seen, so',
  ],
  [
    'was told that we are cut off',
    { ...SAMPLES.offline, kind: 'recovered', incident: offlineAgo },
    {},
    'You were told that this host was cut off, so',
  ],
  [
    'was told nothing, for the mail did not leave',
    SAMPLES.recovered,
    MERGED,
    'The mail about its beginning did not reach you, so this one tells you both.',
  ],
])('why somebody who %s gets this', ([, facts, delivery, words]) => {
  const { text } = renderEmail(notificationOf(facts), { ...punctual(facts), ...delivery })
  expect(squeezed(text)).toContain(squeezed(`Why you got this: ${words}`))
  expect(text.includes('You were told')).toBe(!('merged' in delivery))
})

test('several that are well again were failing, one was', () => {
  const { probes, others } = many(4)
  const recovered: Facts = { ...SAMPLES.recovered, probes: probes.map((probe) => ({ ...probe, state: 'well' })), others }
  const said = (facts: Facts) => squeezed(renderEmail(notificationOf(facts), { ...punctual(facts), ...MERGED }).text)
  expect(said(recovered)).toContain(squeezed('are all ok again. They were failing 11:58 to'))
  expect(said(SAMPLES.recovered)).toContain(squeezed('is ok again. It was failing 11:58 to'))
})

test('a mail that says we are blind says why, and by which threshold', () => {
  const why = 'no conclusive run for 15m (AWS throttles every try)'
  const [first] = SAMPLES.blind.probes
  const facts: Facts = {
    ...SAMPLES.blind,
    // As `decide` gives it: the member's verdict holds the same words as the reason.
    reason: why,
    probes: [{ ...first!, verdict: { kind: 'unexplained', why, rejected: [] }, strip: [] }],
    monitors: [{ name: 'm', impact: null, runbook: null, threshold: 'no result for 15m (policy.blindAfter), told once' }],
  }
  expect(squeezed(renderEmail(notificationOf(facts), punctual(facts)).text)).toContain(
    squeezed(
      'Why you got this: No conclusive run for 15m (AWS throttles every try). Threshold: no result for 15m (policy.blindAfter), told once.',
    ),
  )
})

test.for<[number | null, string | null, string]>([
  [22, 'arn', 'AWS first spoke 22 min after our first failure.'],
  [-5, 'arn', 'AWS first spoke 5 min before our first failure.'],
  [0, 'arn', 'AWS first spoke in the minute of our first failure.'],
  [null, null, 'AWS has published nothing that explains it so far.'],
])('who knew, with a lead of %s min', ([leadMinutes, explainedBy, words]) => {
  const facts = { ...SAMPLES.recovered, incident: { ...SAMPLES.recovered.incident!, leadMinutes, explainedBy } }
  expect(renderEmail(notificationOf(facts), punctual(facts)).text).toContain(words)
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
  const { text } = renderEmail(notificationOf(SAMPLES[kind]), punctual(SAMPLES[kind]))
  expect(text.includes('For AWS Support')).toBe(has)
  expect(text.includes('x-amzn-requestid: 5d0c2a10-7e3b-4c1d-9a55-006f1c0b77a9')).toBe(has)
})

test('the headers say what the mail is', () => {
  const { headers, subject, inReplyTo, date } = renderEmail(notificationOf(SAMPLES.recovered), punctual(SAMPLES.recovered))
  expect(headers).toEqual({
    'X-Alibi-Kind': 'recovered',
    'X-Alibi-Incident': 'a3f9c0de51b27764',
    'X-Alibi-Monitor': 'production',
    'Auto-Submitted': 'auto-generated',
    'X-Auto-Response-Suppress': 'All',
    'List-Id': 'Alibi <alibi.example.com>',
  })
  expect(subject).toBe('Re: [alibi] production: AWS Account trouble #a3f9')
  expect(inReplyTo).toBe(MAILS.failing.messageId)
  expect(date).toBe(SAMPLES.recovered.at)
})

test('a stateful subject names the state and gives up the thread', () => {
  const mail = renderEmail(notificationOf(SAMPLES.recovered), punctual(SAMPLES.recovered), 'stateful')
  expect(mail.subject).toBe('[alibi] RECOVERED: production: AWS Account trouble #a3f9')
  expect(mail.inReplyTo).toBeNull()
})

test.for<[string, string | null]>([
  ['https://wiki.example/a?b=1&c=2', 'https://wiki.example/a?b=1&amp;c=2'],
  ['http://wiki.example/', 'http://wiki.example/'],
  ['javascript:alert(1)', null],
  ['JaVaScRiPt:alert(1)//https://x', null],
  ['data:text/html,<b>x</b>', null],
  ['https://user:secret@wiki.example/', null],
  ['wiki.example/aws', null],
  ['https://wiki.example/"onmouseover="alert(1)', 'https://wiki.example/%22onmouseover=%22alert(1)'],
])('runbook %s becomes the link %s', ([runbook, href]) => {
  const facts = { ...SAMPLES.failing, monitors: [{ name: 'm', impact: null, runbook, threshold: '1 of 1' }] }
  expect(hrefs(renderEmail(notificationOf(facts), punctual(facts)).html ?? '')).toEqual(href === null ? [] : [href])
})

test('a thousand probes fit, are counted, and are not all named', () => {
  const facts = { ...SAMPLES.failing, ...many(1_000) }
  const { text, html } = renderEmail(notificationOf(facts), punctual(facts))
  expect(text).toContain('1000 probes')
  expect(text).toContain('and 940 more')
  expect(bytes(html!)).toBeLessThan(MAX_MAIL_BYTES)
})

test('facts that cannot be laid out still leave as text', () => {
  const facts = { ...SAMPLES.failing, probes: null as unknown as Facts['probes'] }
  const { text, html } = renderEmail(notificationOf(facts), punctual(facts))
  expect(html).toBeNull()
  expect(text).toContain('FAILING ')
  expect(text).toContain('"id": "a3f9c0de51b27764"')
})

test('a line of text is at most 78 characters wide, but for what must stay whole', () => {
  for (const [name, facts, delivery] of all) {
    const before = renderEmail(notificationOf(facts), delivery).text.split('== For AWS Support')[0] ?? ''
    const wide = before.split('\n').filter((line) => line.length > 78 && line.trim().includes(' ') && !/\S{50,}/.test(line))
    expect(wide, name).toEqual([])
  }
})

// ---- Hostile strings, in every foreign field at once

const NASTY = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '\r\nBcc: victim@example.com\r\n\r\n<b>x</b>',
  '\u202Egnp.exe\u2066\u200B\u0000\u0007\u001B[31m',
  '\uD800 lone \uDC00',
  '</pre></td></table><h1>',
  '&#60;script&#62;',
  `${'<'.repeat(10_000)}`,
  `${'"&\u00A0ä€😀'.repeat(2_000)}`,
  'javascript:alert(1)',
  '-->]]><!--',
  '__proto__',
  '',
]
const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 200 }))

/** Replaces every string but those that the code itself chooses among. */
const OWN = new Set([
  'kind',
  'state',
  'test',
  'match',
  'mark',
  'result',
  'family',
  'verdict',
  'status',
  'scope',
  'sources',
  'service',
])
function poisoned<T>(value: T, next: () => string, key = ''): T {
  if (typeof value === 'string') return (OWN.has(key) ? value : next()) as T
  if (Array.isArray(value)) return value.map((item) => poisoned(item, next, key)) as T
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        name === 'verdict' && typeof inner === 'string' ? inner : poisoned(inner, next, name),
      ]),
    ) as T
  }
  return value
}

const TAGS =
  /^<(?:\/?(?:html|head|meta|title|style|body|div|table|tr|td|p|strong|span|b|a|br|h2|pre)(?: (?:[a-z-]+="[^"<>]*" ?)*)?\/?|!doctype html)>$/

test.for([11, 60, 1_000])('of %i probes the evidence comes before the list, and the first screen stays short', (count) => {
  const facts: Facts = { ...SAMPLES.failing, ...many(count) }
  const { text, html } = renderEmail(notificationOf(facts), PUNCTUAL)
  for (const body of [text, html ?? '']) {
    const evidence = body.indexOf('Evidence')
    expect(evidence).toBeGreaterThan(0)
    expect(body.indexOf(`The ${count} probes`)).toBeGreaterThan(evidence)
  }
  expect(text.slice(0, text.indexOf('== Evidence')).split('\n').length).toBeLessThan(40)
})

test('whatever others write stays text, stays in bounds and out of the headers', () => {
  const subjects = [...all, ['1000', { ...SAMPLES.failing, ...many(1_000) }, punctual(SAMPLES.failing)] as (typeof all)[number]]
  fc.assert(
    fc.property(fc.constantFrom(...subjects), fc.array(nasty, { minLength: 1, maxLength: 8 }), ([, facts, delivery], words) => {
      let turn = 0
      const next = () => words[turn++ % words.length] ?? ''
      const clean = notificationOf(facts)
      const notification = { ...clean, incident: next(), facts: poisoned(facts, next) }
      const mail = renderEmail(notification, {
        ...delivery,
        lateBecause: next(),
        attempts: 1,
        merged: delivery.merged && { facts: poisoned(delivery.merged.facts, next), why: next() },
      })
      for (const value of [mail.subject, ...Object.values(mail.headers)]) expect(value).not.toMatch(/[\r\n\p{Cc}\p{Cf}]/u)
      expect(bytes(mail.text)).toBeLessThanOrEqual(MAX_MAIL_BYTES)
      expect(mail.text).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
      expect(mail.text.isWellFormed()).toBe(true)
      expect(mail.html).not.toBeNull()
      expect(bytes(mail.html!)).toBeLessThanOrEqual(MAX_MAIL_BYTES)
      expect(mail.html).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
      const body = mail.html!.replace(/<style>[^<]*<\/style>/, '')
      expect((body.match(/<[^>]*>?/g) ?? []).filter((tag) => !TAGS.test(tag))).toEqual([])
      for (const href of hrefs(mail.html!)) expect(href).toMatch(/^https?:\/\//)
    }),
    { numRuns: 150 },
  )
})

test.for(['<'.repeat(10_000), '"&<'.repeat(3_000), '€'.repeat(10_000), 'x '.repeat(5_000)])(
  'as much of everything as there can be still fits, in HTML too',
  (word) => {
    const full = { ...SAMPLES['failing'], ...many(1_000) }
    const busy: Facts = {
      ...full,
      probes: full.probes.map((probe) => ({
        ...probe,
        evidence: Array.from({ length: 3 }, () => failedRun('p', AT, {}, 10)),
        verdict: {
          kind: 'undetermined',
          why: 'why',
          rejected: Array.from({ length: 50 }, (_, nth) => ({
            arn: `${nth}`,
            code: '',
            region: '',
            status: 'open',
            test: 'time',
            why: `${nth}`,
          })),
        },
        strip: full.probes[0]?.strip ?? [],
      })),
      monitors: Array.from({ length: 20 }, () => ({ name: '', impact: '', runbook: '', threshold: '' })),
      lines: Array.from({ length: 300 }, () => ''),
      overrides: Array.from({ length: 20 }, () => ''),
      incident: { ...full.incident!, hindsight: Array.from({ length: 50 }, () => ({ arn: '', code: '', at: AT, why: '' })) },
    }
    const { text, html } = renderEmail(notificationOf(poisoned(busy, () => word)), {
      ...punctual(busy),
      lateBecause: word,
      attempts: 3,
      now: AT + 600_000,
    })
    expect(html).not.toBeNull()
    expect(bytes(html!)).toBeLessThanOrEqual(MAX_MAIL_BYTES)
    expect(bytes(text)).toBeLessThanOrEqual(MAX_MAIL_BYTES)
  },
)

function hrefs(html: string): string[] {
  return [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href ?? '')
}

function bytes(text: string): number {
  return Buffer.byteLength(text)
}

function squeezed(text: string): string {
  return text.replace(/[\s=\u00A0]+/g, '')
}

function textOf(html: string): string {
  return html
    .replace(/<style>[^<]*<\/style>/, '')
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}

/** Everything that a content says, apart from its title and preview. */
function sayings({ opening, warnings, keyFacts, sections, footer }: Content): string[] {
  return [
    `${opening.state}${opening.joint}${opening.sentence}`,
    ...warnings,
    ...keyFacts.flatMap(({ label, text }) => [label, text]),
    ...sections.flatMap(({ title, blocks }) => [title, ...blocks.flatMap(blockSayings)]),
    ...footer,
  ]
}

function blockSayings(block: Block): string[] {
  switch (block.type) {
    case 'text':
    case 'heading':
      return [block.text]
    case 'list':
      return [...block.items]
    case 'rows':
      return block.rows.flat()
    case 'tries':
      return [block.title, ...block.tries.flatMap(({ at, what, ids }) => [`${at} ${what}`, ids ?? '']), block.note ?? '']
    case 'strip':
      return block.rows.map(({ from, cells, to }) => `${from}${cells}${to}`)
    case 'copy':
      return [...block.lines]
  }
}

test('the samples are mails as they come: the first of its thread replies to none, and a later one to it', () => {
  for (const kind of ['failing', 'misconfigured', 'blind', 'offline', 'digest', 'test'] as const)
    expect(MAILS[kind], kind).toMatchObject({ seq: 1, inReplyTo: null })
  for (const kind of ['wider', 'reminder', 'now-explained', 'still-failing', 'recovered', 'flapping'] as const) {
    expect(MAILS[kind].seq, kind).toBeGreaterThan(1)
    expect(MAILS[kind].inReplyTo, kind).toBe(MAILS.failing.messageId)
  }
  expect(Object.entries(MAILS).map(([kind, mail]) => [kind, mail.kind])).toEqual(Object.keys(MAILS).map((kind) => [kind, kind]))
})

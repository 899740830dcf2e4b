import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ALL, punctual, squeezed } from '../../test/emails.ts'
import { type Facts, MAIL_KINDS } from '../domain/notification.ts'
import type { Block } from './block.ts'
import { type Content, contentOf } from './content.ts'
import { renderHtml } from './html.tsx'
import { MAX_MAIL_BYTES } from './limits.ts'
import { renderEmail } from './render.ts'
import { AT, failedRun, many, NOTIFICATIONS, notificationOf, PUNCTUAL, SAMPLES } from './samples.ts'
import { renderText, WIDTH } from './text.ts'

const STYLE = /<style>([^<]*)<\/style>/

/** One element a line, so that a difference can be read; the style sheet, which all have in common, is a file of its own. */
function readable(html: string): string {
  return html
    .replace(STYLE, '<style>/* style.css */</style>')
    .replaceAll(/(?<!\n)(?=<(?:\/?(?:head|body|table)|tr|td|p|h2|pre|div)\b)/g, '\n')
}

test.for(ALL)('%s reads as its golden file', async ([name, facts, delivery]) => {
  const { text, html } = renderEmail(notificationOf(facts), delivery)
  await expect(text).toMatchFileSnapshot(`../../test/golden/${name}.txt`)
  await expect(readable(html ?? '')).toMatchFileSnapshot(`../../test/golden/${name}.html`)
})

test('all have the same style sheet', async () => {
  const sheets = new Set(
    ALL.map(([, facts, delivery]) => STYLE.exec(renderEmail(notificationOf(facts), delivery).html ?? '')?.[1]),
  )
  expect(sheets.size).toBe(1)
  await expect([...sheets][0]).toMatchFileSnapshot('../../test/golden/style.css')
})

test.for(ALL)('%s says the same in both parts', ([, facts, delivery]) => {
  const plain = contentOf(facts, delivery, 1)
  const inText = squeezed(renderText(plain))
  const inHtml = squeezed(visible(renderHtml(plain)))
  const missing = sayings(plain).filter((saying) => !inText.includes(squeezed(saying)) || !inHtml.includes(squeezed(saying)))
  expect(missing).toEqual([])
})

test('there is a sample of every kind', () => expect(Object.keys(SAMPLES).sort()).toEqual([...MAIL_KINDS].sort()))

test('the headers say what the email is', () => {
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
  expect(inReplyTo).toBe(NOTIFICATIONS.failing.messageId)
  expect(date).toBe(SAMPLES.recovered.at)
})

test('a stateful subject names the state and breaks the thread', () => {
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

test('facts that cannot be laid out are still sent as text', () => {
  const facts = { ...SAMPLES.failing, probes: null as unknown as Facts['probes'] }
  const { text, html } = renderEmail(notificationOf(facts), punctual(facts))
  expect(html).toBeNull()
  expect(text).toContain('FAILING ')
  expect(text).toContain('"id": "a3f9c0de51b27764"')
})

test('a line of text is at most 72 characters wide, except for what must stay whole', () => {
  for (const [name, facts, delivery] of ALL) {
    const before = renderEmail(notificationOf(facts), delivery).text.split('== For AWS Support')[0] ?? ''
    const wide = before.split('\n').filter((line) => line.length > WIDTH && line.trim().includes(' ') && !/\S{50,}/.test(line))
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

/** Replaces every string except those that are one of a few known to the code. */
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
    expect(body.indexOf(`All ${count} probes`)).toBeGreaterThan(evidence)
  }
  expect(text.slice(0, text.indexOf('== Evidence')).split('\n').length).toBeLessThan(40)
})

test('whatever others write stays text, stays in bounds and out of the headers', () => {
  const subjects = [...ALL, ['1000', { ...SAMPLES.failing, ...many(1_000) }, punctual(SAMPLES.failing)] as (typeof ALL)[number]]
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
  'the most that there can be of everything still fits, in HTML too',
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

function visible(html: string): string {
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
    case 'times':
      return [block.zone ?? '', ...block.times.flatMap(([utc, there, what]) => [utc, there ?? '', what])]
    case 'tries':
      return [block.title, ...block.tries.flatMap(({ at, what, ids }) => [`${at} ${what}`, ids ?? '']), block.note ?? '']
    case 'strip':
      return block.rows.map(({ from, cells, to }) => `${from}${cells}${to}`)
    case 'copy':
      return [...block.lines]
  }
}

test('the first sample of a thread replies to none, and a later one to the first', () => {
  for (const kind of ['failing', 'misconfigured', 'blind', 'offline', 'digest', 'test'] as const)
    expect(NOTIFICATIONS[kind], kind).toMatchObject({ seq: 1, inReplyTo: null })
  for (const kind of ['wider', 'reminder', 'now-explained', 'still-failing', 'recovered', 'flapping'] as const) {
    expect(NOTIFICATIONS[kind].seq, kind).toBeGreaterThan(1)
    expect(NOTIFICATIONS[kind].inReplyTo, kind).toBe(NOTIFICATIONS.failing.messageId)
  }
  expect(Object.entries(NOTIFICATIONS).map(([kind, mail]) => [kind, mail.kind])).toEqual(
    Object.keys(NOTIFICATIONS).map((kind) => [kind, kind]),
  )
})

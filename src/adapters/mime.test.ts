import PostalMime from 'postal-mime'
import { expect, test } from 'vitest'
import type { Mail } from '../ports/mailer.ts'
import { compile } from './mime.ts'

const MAIL: Mail = {
  messageId: '<a.1.b@example.com>',
  to: ['oncall@example.com'],
  envelope: ['oncall@example.com'],
  subject: 'it fails',
  text: 'in words',
  html: '<p>in words</p>',
  inReplyTo: null,
  headers: {},
  date: 0,
}

const source = async (mail: Mail) => (await compile(mail, 'Alibi <alibi@example.com>')).source.toString('latin1')
const boundariesIn = (text: string) => [...text.matchAll(/boundary="([^"]+)"/g)].map(([, boundary]) => boundary)
const list = (text: string): Mail => ({ ...MAIL, attachment: { name: 'probes.txt', text } })

test('an email that is made again is the same, byte for byte; another one has other boundaries', async () => {
  for (const mail of [MAIL, list('a\nb\n'), { ...MAIL, html: null }]) expect(await source(mail)).toBe(await source(mail))
  const [one, other] = [await source(list('a\n')), await source({ ...list('a\n'), messageId: '<a.2.b@example.com>' })]
  expect(boundariesIn(one)).toHaveLength(2)
  for (const boundary of boundariesIn(one)) expect(other).not.toContain(boundary)
})

test('a boundary that stands in the text is not one', async () => {
  const [boundary = 'none'] = boundariesIn(await source(MAIL))
  const text = `before\n--${boundary}--\nafter`
  expect((await PostalMime.parse(Buffer.from(await source({ ...MAIL, text })))).text).toContain('after')
  expect(boundariesIn(await source({ ...MAIL, text }))).not.toContain(boundary)
})

test.for<[string, string, string]>([
  ['ASCII', 'production/111122223333/ListRegions\n'.repeat(2_000), '7bit'],
  ['other letters', 'küche/111122223333/ListRegions ✓\n', 'base64'],
  ['a line that is too long', `${'x'.repeat(2_000)}\n`, 'base64'],
])('an attached list of %s goes in seven bits, as it is where that can be', async ([, text, encoding]) => {
  const raw = await source(list(text))
  const part = raw.slice(raw.indexOf('probes.txt'))
  expect(part).toContain(`Content-Transfer-Encoding: ${encoding}\r\n`)
  expect(raw).toMatch(/^[\t\r\n -~]*$/)
  expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998)
  if (encoding === '7bit') expect(part).toContain('production/111122223333/ListRegions\r\n')
  const { attachments } = await PostalMime.parse(Buffer.from(raw, 'latin1'))
  // postal-mime ends what is not base64 with one line more.
  expect(new TextDecoder().decode(attachments[0]?.content as ArrayBuffer).trimEnd()).toBe(text.trimEnd())
})

test('a list is attached as a text file, and the email itself stays as it is', async () => {
  const read = async (mail: Mail) => PostalMime.parse((await compile(mail, 'Alibi <alibi@example.com>')).source)
  const without = await read(MAIL)
  const list = Array.from({ length: 10_000 }, (_, i) => `production/${100_000_000_000 + i}/ListRegions ✓`).join('\n')
  const { attachments, text, html } = await read({ ...MAIL, attachment: { name: 'probes.txt', text: list } })
  expect({ text, html }).toEqual({ text: without.text, html: without.html })
  expect(attachments.map(({ filename, mimeType }) => [filename, mimeType])).toEqual([['probes.txt', 'text/plain']])
  expect(new TextDecoder().decode(attachments[0]?.content as ArrayBuffer)).toBe(list)
})

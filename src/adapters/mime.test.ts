import PostalMime from 'postal-mime'
import { expect, test } from 'vitest'
import type { Mail } from '../ports/mailer.ts'
import { compile } from './mime.ts'

const MAIL: Mail = {
  messageId: '<a.1.b@example.com>',
  to: ['oncall@example.com'],
  subject: 'it fails',
  text: 'in words',
  html: '<p>in words</p>',
  inReplyTo: null,
  headers: {},
  date: 0,
}

test('a list goes along as a text file beside the letter, which stays as it is', async () => {
  const read = async (mail: Mail) => PostalMime.parse((await compile(mail, 'Alibi <alibi@example.com>')).source)
  const without = await read(MAIL)
  const list = Array.from({ length: 10_000 }, (_, i) => `production/${100_000_000_000 + i}/ListRegions ✓`).join('\n')
  const { attachments, text, html } = await read({ ...MAIL, attachment: { name: 'probes.txt', text: list } })
  expect({ text, html }).toEqual({ text: without.text, html: without.html })
  expect(attachments.map(({ filename, mimeType }) => [filename, mimeType])).toEqual([['probes.txt', 'text/plain']])
  expect(new TextDecoder().decode(attachments[0]?.content as ArrayBuffer)).toBe(list)
})

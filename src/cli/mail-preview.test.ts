import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import PostalMime from 'postal-mime'
import { afterAll, expect, test } from 'vitest'
import { MAIL_KINDS } from '../domain/notification.ts'
import type { Io } from './io.ts'
import { main } from './program.ts'

const place = mkdtempSync(join(tmpdir(), 'alibi-preview-'))
afterAll(() => rmSync(place, { recursive: true }))

function run(...argv: readonly string[]) {
  const said = { out: '', err: '' }
  const io: Io = {
    out: (text) => {
      said.out += `${text}\n`
    },
    err: (text) => {
      said.err += `${text}\n`
    },
    env: {},
    isTty: false,
    columns: null,
  }
  return main([...argv, '--config', 'test/config/good/smallest.yaml'], io).then((code) => ({ code, ...said }))
}

test('every kind of email is written as .eml, .txt and .html, readable by its owner only', async () => {
  const out = join(place, 'mails')
  expect(await run('mail', 'preview', '--out', out)).toMatchObject({ code: 0, err: '', out: expect.stringContaining(out) })
  const files = readdirSync(out)
  for (const kind of MAIL_KINDS)
    for (const ending of ['eml', 'txt', 'html']) expect(files, `${kind}.${ending}`).toContain(`${kind}.${ending}`)
  expect(statSync(out).mode & 0o777).toBe(0o700)
  for (const file of files) expect(statSync(join(out, file)).mode & 0o777, file).toBe(0o600)

  const mail = await PostalMime.parse(readFileSync(join(out, 'failing.eml')))
  expect(mail.headers.find(({ key }) => key === 'x-alibi-kind')?.value).toBe('failing')
  expect(mail.to?.[0]).toMatchObject({ address: 'oncall@example.com' })
  expect(mail.text?.trim()).toBe(readFileSync(join(out, 'failing.txt'), 'utf8').trim())
  expect(mail.html?.trim()).toBe(readFileSync(join(out, 'failing.html'), 'utf8').trim())
})

test('a second preview replaces the first; an unwritable directory is an error', async () => {
  const out = join(place, 'mails')
  expect((await run('mail', 'preview', '--out', out)).code).toBe(0)
  const file = join(place, 'file')
  writeFileSync(file, '')
  expect(await run('mail', 'preview', '--out', file)).toMatchObject({
    code: 69,
    err: expect.stringContaining('cannot write to'),
  })
})

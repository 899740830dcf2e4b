import { expect, test } from 'vitest'
import { configSchema } from '../src/config/json-schema.ts'
import { configurationPage } from './configuration-page.ts'

const page = configurationPage(configSchema() as Readonly<Record<string, unknown>>)

test('docs/configuration.md is up to date (`npm run docs` writes it anew)', async () => {
  await expect(page).toMatchFileSnapshot('../docs/configuration.md')
})

test.for([
  ['a duration', '| `extension` | duration | `15m` |'],
  ['a list of a mapping’s items', '| `credentials.roleArn` | text |  |'],
  ['free names', '| `NAME.to` | list of texts | required |'],
  ['a choice', '| `smtp.security` | `starttls`, `tls`, `none` | `starttls` |'],
  ['a number', '| `maxPerHour` | 1 to 10000 | `30` |'],
  ['a key beneath an alternative', '| `fail.count` | 1 to 20 | `3` |'],
  ['a section that may be false', '| `listen` | text | `127.0.0.1:9464` |'],
] as const)('the page shows %s', ([, row]) => expect(page).toContain(row))

test('the page names every key', () => {
  const named = new Set([...page.matchAll(/^\| `(?:[\w.]+\.)?(\w+)` \|/gm)].map(([, key]) => key))
  const ofOperations = ['GetAlternateContact', 'GetRegionOptStatus', 'type', 'expect', 'rate']
  const sections = [...page.matchAll(/^## `(\w+)`$/gm)].map(([, key]) => key)
  const missing = [...namesIn(configSchema())].filter(
    (key) => !named.has(key) && !ofOperations.includes(key) && !key.includes(':') && !sections.includes(key),
  )
  expect(named.size).toBeGreaterThan(50)
  expect(missing).toEqual([])
})

/** The names of all properties, however deep. */
function* namesIn(node: unknown): Generator<string> {
  if (Array.isArray(node)) for (const item of node) yield* namesIn(item)
  else if (typeof node === 'object' && node !== null)
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties') yield* Object.keys(value as object)
      if (key !== 'default') yield* namesIn(value)
    }
}

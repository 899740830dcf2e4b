import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { scenarioSchema } from './json-schema.ts'

const schema = scenarioSchema()
const check = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
const issuesOf = (text: string) => check.safeParse(parse(text)).error?.issues ?? []

test('config/scenario.schema.json is up to date (`vitest -u` writes it)', async () => {
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../config/scenario.schema.json')
})

const files = globSync(['config/scenarios/**/*.yaml', 'test/scenarios/**/*.yaml']).sort()
test('there are scenarios to validate', () => expect(files.length).toBeGreaterThan(100))
test.for(files)('an editor accepts %s', (file) => expect(issuesOf(readFileSync(file, 'utf8'))).toEqual([]))

describe('an editor marks', () => {
  const HEAD = 'title: t\nstart: 2026-03-02T12:00:00Z\nlength: 1h\n'
  test('nothing in the smallest scenario', () => expect(issuesOf(HEAD)).toEqual([]))
  test.for<[string, string]>([
    ['a missing title', HEAD.replace('title: t\n', '')],
    ['a length without a unit', HEAD.replace('1h', '60')],
    ['a start that is no time', HEAD.replace('2026-03-02T12:00:00Z', 'noon')],
    ['an unknown key', `${HEAD}event: []\n`],
    ['an answer that AWS does not give', `${HEAD}events: [{ at: 1m, account: InternalServerExeption }]\n`],
    ['an event without its time', `${HEAD}events: [{ account: ok }]\n`],
    ['an unknown kind of email', `${HEAD}expect: [{ mail: failed, between: [1m, 2m] }]\n`],
    ['a jump without its direction', `${HEAD}events: [{ at: 1m, clock: 3h }]\n`],
    ['an unknown key of its configuration', `${HEAD}config: { policy: { holdAtmost: 1h } }\n`],
    ['a wrong value in a changed configuration', `${HEAD}events: [{ at: 1m, reload: { policy: { wait: 5 } } }]\n`],
  ])('%s', ([, text]) => expect(issuesOf(text)).not.toEqual([]))
})

test('every key has a description', () => {
  const undescribed: string[] = []
  const walk = (node: unknown, path: string) => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties')
        for (const [name, one] of Object.entries(value as Record<string, { description?: string }>))
          if (!one.description) undescribed.push(`${path}.${name}`)
      if (key !== 'default') walk(value, key === 'properties' || key === 'anyOf' ? path : `${path}.${key}`)
    }
  }
  walk(schema, '')
  expect(undescribed).toEqual([])
})

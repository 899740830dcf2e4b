import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { configSchema } from './json-schema.ts'
import { mayBeSecret } from './secret.ts'

type Node = Record<string, unknown>

/** Every schema within a schema that stands under a key of the file, with the path of that key. */
function* keysOf(node: unknown, path: string): Generator<[string, Node]> {
  if (Array.isArray(node)) for (const item of node) yield* keysOf(item, path)
  else if (typeof node === 'object' && node !== null) {
    for (const [key, value] of Object.entries(node)) {
      if (key === 'default') continue
      if (key === 'properties') {
        for (const [name, property] of Object.entries(value as Node)) {
          yield [`${path}.${name}`, property as Node]
          yield* keysOf(property, `${path}.${name}`)
        }
      } else yield* keysOf(value, path)
    }
  }
}

const schema = configSchema()
const keys = [...keysOf(schema, '')]

test('config/alibi.schema.json is up to date (`vitest -u` writes it)', async () => {
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../config/alibi.schema.json')
})

test('every key has a description', () => {
  expect(keys.length).toBeGreaterThan(60)
  expect(
    keys.filter(([, { description }]) => typeof description !== 'string' || description === '').map(([path]) => path),
  ).toEqual([])
})

test('every key beside a secret is known to secret.ts: an unknown one would be hidden, and its value masked everywhere', () => {
  const unknown = keys.filter(([path]) => {
    const parts = path.split('.').slice(1)
    return mayBeSecret(parts.slice(0, -1), parts.at(-1) ?? '')
  })
  expect(unknown.map(([path]) => path)).toEqual([])
})

test('every pattern works in editors', () => {
  const patterns = JSON.stringify(schema).match(/"pattern":"(?:[^"\\]|\\.)*"/g) ?? []
  expect(patterns.length).toBeGreaterThan(20)
  for (const found of patterns) {
    const { pattern } = JSON.parse(`{${found}}`)
    expect(() => new RegExp(pattern, 'u')).not.toThrow()
    expect(pattern, 'means the same without the flag u').not.toMatch(/\\[pP]\{/)
  }
})

const check = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
const read = (path: string) => parse(readFileSync(path, 'utf8'))

test.for([
  'config/alibi.yaml',
  ...readdirSync('test/config/good')
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `test/config/good/${name}`),
])('an editor accepts %s', (path) => expect(check.safeParse(read(path)).error?.issues ?? []).toEqual([]))

// Of what an editor can see; the rest (a run that outlasts its interval, a name that stands there twice) is for `check`.
test.for([
  'unknown-key',
  'heartbeat-wrong',
  'log-cloudwatch-wrong',
  'duration-wrong',
  'duration-without-unit',
  'number-wrong',
  'switch-wrong',
  'account-not-quoted',
  'operation-writes',
  'operation-parameter-missing',
  'recipient-name-wrong',
  'address-wrong',
  'nothing-required-is-there',
])('an editor marks %s', (name) => expect(check.safeParse(read(`test/config/bad/${name}.yaml`)).success).toBe(false))

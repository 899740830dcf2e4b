import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { configSchema } from '../src/config/json-schema.ts'
import { MAIL_KINDS } from '../src/domain/notification.ts'
import { FAILURE_KINDS, familyOf } from '../src/domain/probe.ts'
import { RULE_NAMES } from '../src/domain/rule.ts'
import { RULES } from '../src/domain/step.ts'
import { TRANSITIONS } from './transitions.ts'

/* docs/rules.md is the law: what it names has to be there, and what the code names has to be on it. */

const page = readFileSync('docs/rules.md', 'utf8')
const sections = sectionsOf(page)
const rules = sections.filter(({ depth, within }) => depth === 3 && within === 'The rules')

type Section = Readonly<{ depth: number; title: string; within: string; text: string }>

/** Every heading with the text below it, and the chapter that it is in. */
function sectionsOf(text: string): readonly Section[] {
  let within = ''
  return text
    .split(/^(?=#{1,3} )/m)
    .slice(1)
    .map((part) => {
      const [, marks = '', title = ''] = /^(#+) (.+)$/m.exec(part) ?? []
      if (marks.length <= 2) within = title
      return { depth: marks.length, title, within, text: part }
    })
}

/** The cells of each row of a table, without its head. */
function rowsOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
    .slice(2)
}

test('the headings are the names of the rules, in the same order', () => {
  expect(rules.map(({ title }) => title)).toEqual(RULE_NAMES.map((name) => `\`${name}\``))
})

test('the rules that decide about emails apply in the order that `timers` gives', () => {
  const text = rules.find(({ title }) => title === '`timers`')?.text ?? ''
  const order = /The first of these rules that applies wins: (.+?)\.\s/s.exec(text)?.[1] ?? ''
  const names = [...order.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name).filter((name) => name !== 'wider')
  expect(names).toEqual(['recovery', ...RULES.map(([name]) => name)])
})

test.for(rules.map((rule) => [rule.title, rule.text] as const))('%s says which keys concern it, and why', ([, text]) => {
  expect(text).toMatch(/^\*\*Keys:\*\* .+\*\*Why:\*\* .+/ms)
})

test('every failure kind is in the table, with its family', () => {
  const table = rowsOf(sections.find(({ title }) => title === 'Failure kinds')?.text ?? '')
  const failing = table.filter(([, , family]) => family?.startsWith('`'))
  expect(failing.map(([kind, , family]) => [kind, family])).toEqual(
    FAILURE_KINDS.map((kind) => [`\`${kind}\``, `\`${familyOf(kind)}\``]),
  )
  expect(
    table.filter((row) => !failing.includes(row)).map(([kind]) => kind),
    'and those that are neither failed nor ok',
  ).toEqual(['`throttled`', '`stalled`', '`fault`'])
})

test('every kind of email that a rule sends is named', () => {
  const apart = ['test']
  expect(MAIL_KINDS.filter((kind) => !apart.includes(kind) && !page.includes(`\`${kind}\``))).toEqual([])
})

describe('configuration', () => {
  const known = keysOf(configSchema() as Node)

  test('every key is one that there is', () => {
    const listed = rules.flatMap(({ text }) =>
      [...(/^\*\*Keys:\*\* ([\s\S]+?)\*\*Why/m.exec(text)?.[1]?.matchAll(/`([^`]+)`/g) ?? [])].map(([, key = '']) => key),
    )
    const isKnown = (key: string) =>
      [...known.keys()].some(
        (path) => path === key || path === `monitors.${key}` || (key.endsWith('.*') && path.startsWith(key.slice(0, -1))),
      )
    expect(listed.filter((key) => !isKnown(key))).toEqual([])
    expect(listed.length).toBeGreaterThan(RULE_NAMES.length)
  })

  test('every default is the one in force', () => {
    const told = [...page.matchAll(/`([\w.]+)`\s+\(default ([^);*]+?)\)/g)].map(
      ([, key = '', value = '']) => [key, value] as const,
    )
    const wrong = told.filter(([key, value]) => {
      const ends = key.split('.').at(-1) ?? key
      const defaults = [...known].filter(([path]) => path.split('.').at(-1) === ends).map(([, byDefault]) => byDefault)
      return !defaults.some((one) => [one].flat().join(', ') === value.replaceAll('`', ''))
    })
    expect(wrong).toEqual([])
    expect(told.length).toBeGreaterThan(10)
  })

  type Node = Readonly<{ [key: string]: unknown }>

  /** Every key by its path, without the marks of lists, and its default. */
  function keysOf(node: Node, path = '', found = new Map<string, unknown>()): ReadonlyMap<string, unknown> {
    for (const [name, inner] of Object.entries((node['properties'] ?? {}) as Record<string, Node>)) {
      const here = path === '' ? name : `${path}.${name}`
      found.set(here, inner['default'])
      keysOf(inner, here, found)
    }
    for (const one of (node['anyOf'] ?? []) as readonly Node[]) keysOf(one, path, found)
    for (const [key, mark] of [
      ['items', ''],
      ['additionalProperties', '.NAME'],
    ] as const) {
      const inner = node[key]
      if (typeof inner === 'object' && inner !== null) keysOf(inner as Node, `${path}${mark}`, found)
    }
    return found
  }
})

describe('the life of an incident', () => {
  const drawn = [...page.matchAll(/^ {4}(\S+) --> (\S+) : (.+)$/gm)].flatMap(([, from = '', to = '', by = '']) =>
    by.split(', ').map((rule) => [from === '[*]' ? '–' : from, to, rule].join(' ')),
  )

  test('the diagram and the table say the same', () => {
    expect(TRANSITIONS.map(({ from, to, rule }) => [from, to, rule].join(' ')).toSorted()).toEqual(drawn.toSorted())
  })

  test('every transition has a rule', () => {
    expect(TRANSITIONS.filter(({ rule }) => !RULE_NAMES.some((name) => name === rule))).toEqual([])
    expect(TRANSITIONS.length).toBeGreaterThan(20)
  })
})

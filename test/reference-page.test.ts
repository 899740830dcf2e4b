import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { EXIT } from '../src/cli/exit.ts'
import { build } from '../src/cli/program.ts'
import { summaryOf } from '../src/domain/incident-summary.ts'
import { DECISIONS } from '../src/domain/ledger.ts'
import { MAIL_KINDS } from '../src/domain/notification.ts'
import { RULE_NAMES } from '../src/domain/rule.ts'
import { incidentJson, storyJson } from '../src/domain/shown.ts'
import { renderEmail } from '../src/email/render.ts'
import { NOTIFICATIONS, PUNCTUAL } from '../src/email/samples.ts'
import { ANSWERS } from '../src/simulate/answers.ts'
import { API_STATES, DASHBOARD_STATES, SMTP_STATES } from '../src/simulate/scenario.ts'
import { EventSchema, HEALTH_VERBS, ScenarioSchema } from '../src/simulate/schema.ts'
import { incident } from './given.ts'

/* docs/reference.md names everything that scripts rely on, and nothing that is not there. */

const page = readFileSync('docs/reference.md', 'utf8')
const chapter = (title: string) => page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? ''

test('every command and option', () => {
  const named = chapter('Commands')
  const apart = ['--config', '--json', '--version']
  const commands = (command: Command, above = 'alibi'): string[] => {
    const name = `${above} ${command.name()}`
    const own = command.options.map((option) => option.long ?? '').filter((long) => !apart.includes(long))
    if (command.commands.length === 0) return [name, ...own]
    return command.commands.flatMap((inner) => commands(inner, name))
  }
  const program = build({ out: () => {}, err: () => {}, env: {}, isTty: false, columns: null }, () => {})
  const all = program.commands.flatMap((command) => commands(command))
  expect(all.length).toBeGreaterThan(20)
  expect(all.filter((one) => !named.includes(one))).toEqual([])
})

test('the exit codes', () => {
  const codes = [...chapter('Exit codes').matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
  expect(codes).toEqual(Object.values(EXIT))
})

describe('JSON', () => {
  const row = (start: string) =>
    chapter('JSON')
      .split('\n')
      .find((line) => line.startsWith(`| ${start}`)) ?? ''
  const wordsOf = (text: string) => text.match(/[a-zA-Z]+/g) ?? []

  test('of incidents, in the order in which it is written', () => {
    const [, fields = ''] = /array of `\{ (.+) \}`/.exec(row('`alibi incidents')) ?? []
    expect(wordsOf(fields)).toEqual(Object.keys(incidentJson(summaryOf(incident()))))
  })

  test('of one incident', () => {
    const story = Object.keys(storyJson(incident(), [], [])).filter((key) => !(key in incidentJson(summaryOf(incident()))))
    const [, fields = ''] = /and (`partition`.+) \|$/.exec(row('`alibi explain')) ?? []
    expect(wordsOf(fields)).toEqual(story)
  })
})

test('every decision of the ledger', () => {
  const named = chapter('JSON')
    .split('\n')
    .find((line) => line.startsWith('| `decision`'))
  expect(DECISIONS.filter((decision) => named?.includes(`\`${decision}\``) !== true)).toEqual([])
})

test('every header and every kind of email, each with rules that there are', () => {
  const named = chapter('Email')
  const headers = new Set(Object.values(NOTIFICATIONS).flatMap((mail) => Object.keys(renderEmail(mail, PUNCTUAL).headers)))
  expect([...headers].filter((header) => !named.includes(`| \`${header}\` |`))).toEqual([])
  expect(MAIL_KINDS.filter((kind) => named.split(`\`${kind}\``).length < 3)).toEqual([])
  const rules = [...named.matchAll(/rules\.md#([\w-]+)/g)].map(([, name = '']) => name)
  expect(rules.filter((name) => !RULE_NAMES.some((rule) => rule === name))).toEqual([])
})

test('everything that a scenario may say', () => {
  const named = chapter('Scenario files')
  const shape = ScenarioSchema.shape
  const happenings = Object.keys(shape.events.def.innerType.element.shape)
  const expectations = Object.keys(shape.expect.def.innerType.element.shape)
  const words = [
    ...Object.keys(shape),
    ...happenings,
    ...expectations,
    ...Object.keys(EventSchema.shape),
    ...ANSWERS,
    ...HEALTH_VERBS,
    ...API_STATES,
    ...DASHBOARD_STATES,
    ...SMTP_STATES,
  ]
  expect(words.filter((word) => !new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(named))).toEqual([])
})

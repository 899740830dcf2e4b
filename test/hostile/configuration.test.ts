// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested
import { describe, expect, test } from 'vitest'
import { MAX_FAULTS } from '../../src/config/fault.ts'
import { MAX_FILE_BYTES, parseConfig } from '../../src/config/file.ts'
import { nearest } from '../../src/config/nearest.ts'
import { MAX_RESOLVED_CHARS, resolve } from '../../src/config/reference.ts'
import { MAX_LEXEMES } from '../../src/config/yaml-text.ts'
import { parseScenario } from '../../src/simulate/parse.ts'
import { play } from '../../src/simulate/play.ts'

/*
 * Files as large as they may be, and made to be slow. Each is read or refused in about a second; the deadline is far above, for
 * machines that are busy, and far below the minutes that some of them took.
 */
const DEADLINE_MS = 20_000

const HEAD = 'mail: { from: a@example.com }\nrecipients: { oncall: { to: [a@example.com] } }\n'
/** Lines as many as the lexer is let through. */
const LINES = 14_000

const lines = (make: (i: number) => string, head: string, count = LINES) =>
  `${head}${Array.from({ length: count }, (_, i) => make(i)).join('')}`
const whole = (text: string, head: string, tail = '') =>
  `${head}${text.repeat(Math.floor((MAX_FILE_BYTES - head.length - tail.length) / text.length))}${tail}`

type Row = readonly [string, string, RegExp | 'ok']
const TOO_MANY = /^the file has too many words, symbols and line ends$/
const NOT_YAML = /^not YAML: /

const ROWS: readonly Row[] = [
  ['references without an end', whole('${', `${HEAD}x: "`, '"\n'), /without a closing }/],
  ['references that nest', whole('${A:-', `${HEAD}x: "`, '"\n'), /without a closing }/],
  ['references to variables that are not set', lines((i) => `  a${i}: \${NOPE${i}}\n`, `${HEAD}x:\n`, 9_000), /./],
  ['references to files that are not there', lines((i) => `  a${i}: \${file:/nope/${i}}\n`, `${HEAD}x:\n`, 8_000), /./],
  ['unknown keys at the top', lines((i) => `k${i}: 1\n`, HEAD), /unknown key/],
  ['unknown keys in a section', lines((i) => `  k${i}: 1\n`, `${HEAD}policy:\n`), /unknown key/],
  ['the same key again and again', lines(() => 'k: 1\n', HEAD), /is here twice/],
  [
    'recipients',
    lines((i) => `  k${i}: { to: [a@b.example] }\n`, 'mail: { from: a@example.com }\nrecipients:\n', 6_000),
    /at most 100 recipients/,
  ],
  [
    'recipients whose keys are misspelt',
    lines((i) => `  k${i}: { tp: 1 }\n`, 'mail: { from: a@example.com }\nrecipients:\n', 8_000),
    /at most 100 recipients/,
  ],
  ['monitors', lines((i) => `  - { name: m${i} }\n`, `${HEAD}monitors:\n`, 9_000), /at most 200/],
  ['monitors of the same name', lines(() => '  - { name: m }\n', `${HEAD}monitors:\n`, 9_000), /at most 200/],
  [
    'monitors that notify nobody there is',
    lines((i) => `  - { name: m${i}, notify: [oncal] }\n`, `${HEAD}monitors:\n`, 6_000),
    /at most 200/,
  ],
  ['accounts', `${lines((i) => `"${100_000_000_000 + i}",`, `${HEAD}monitors:\n  - accounts: [`)}]\n`, /at most 10000/],
  [
    'the same account again and again',
    `${lines(() => '"111122223333",', `${HEAD}monitors:\n  - accounts: [`, 9_900)}]\n`,
    /twice/,
  ],
  [
    'addresses',
    `${lines((i) => `a${i}@b.example,`, 'mail: { from: a@example.com }\nrecipients: { oncall: { to: [')}] } }\n`,
    /at most 50/,
  ],
  ['aliases of one anchor', lines(() => '  - *a\n', `${HEAD}y: &a 1\nx:\n`), /more than 1000 aliases/],
  [
    'aliases of aliases',
    `${HEAD}${lines((i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]\n`, 'a0: &a0 [1]\n', 30)}`,
    /more than 1000 aliases/,
  ],
  ['anchors', lines((i) => `  - &a${i} 1\n`, `${HEAD}x:\n`), /unknown key/],
  ['aliases of anchors that are not there', lines((i) => `  - *b${i}\n`, `${HEAD}x:\n`), /./],
  ['tags', lines(() => '  - !a 1\n', `${HEAD}x:\n`), /./],
  ['lists in lists', `${HEAD}x: ${'['.repeat(50_000)}`, /./],
  ['lists in lists that end', `${HEAD}x: ${'['.repeat(50_000)}${']'.repeat(50_000)}\n`, /nested more than 16 deep/],
  ['mappings in mappings', `${HEAD}x: ${'{a: '.repeat(25_000)}`, /./],
  ['nothing but errors, one a line', lines(() => ']\n', HEAD, 60_000), NOT_YAML],
  ['quotes without an end, one a line', lines(() => '"\n', HEAD, 60_000), NOT_YAML],
  ['commas', `${HEAD}x: [${','.repeat(120_000)}]\n`, NOT_YAML],
  ['colons', `${HEAD}x: {${': ,'.repeat(40_000)}}\n`, /./],
  ['more lexemes than there may be', whole('- ', HEAD), TOO_MANY],
  ['line ends alone', whole('\n', HEAD), TOO_MANY],
  ['one long quoted text', whole('\\u0041', `${HEAD}x: "`, '"\n'), /unknown key/],
  ['one long folded text', whole('  a\n', `${HEAD}x: >\n`), /unknown key/],
  ['one long key', whole('a', HEAD, ': 1\n'), NOT_YAML],
  ['a long address without a question mark', whole('//', `${HEAD}control: { url: "`, '" }\n'), /at most 2000/],
  ['a long name', whole('a ', `${HEAD}monitors: [{ name: "`, '" }]\n'), /at most 64/],
  ['a long duration', whole('1h', `${HEAD}policy: { wait: `, ' }\n'), /expected a duration/],
  ['a long schedule', whole('0-59,', `${HEAD}monitors: [{ schedule: "`, '1 * * * *" }]\n'), /at most 512/],
  ['a sender of many angles', whole('<', 'mail: { from: "', '" }\n'), /./],
]

describe('a configuration', () => {
  test.for(ROWS)('%s', { timeout: DEADLINE_MS }, async ([, text, expected]) => {
    expect(text.length).toBeLessThanOrEqual(MAX_FILE_BYTES)
    const loaded = await parseConfig(text, '/etc/alibi.yaml', {})
    if (expected === 'ok') return expect(loaded.ok).toBe(true)
    expect(loaded.ok).toBe(false)
    if (loaded.ok) return
    expect(loaded.faults.length).toBeLessThanOrEqual(MAX_FAULTS + 1)
    expect(loaded.faults.map(({ message }) => message).filter((message) => expected.test(message))).not.toEqual([])
    for (const { message, line, column } of loaded.faults) {
      expect(message.length).toBeLessThanOrEqual(500)
      expect(message).not.toMatch(/fault of Alibi|\n/)
      expect(Math.min(line, column)).toBeGreaterThanOrEqual(1)
    }
  })

  test('one of twenty thousand probes with comments is far below every bound', { timeout: DEADLINE_MS }, async () => {
    const accounts = (from: number) => Array.from({ length: 100 }, (_, i) => `      - "${from + i}"  # somebody's\n`).join('')
    const monitors = Array.from(
      { length: 80 },
      (_, i) => `  - name: m${i}\n    accounts:\n${accounts(100_000_000_000 + i * 100)}`,
    )
    const loaded = await parseConfig(`${HEAD}monitors:\n${monitors.join('')}`, '/etc/alibi.yaml', {})
    expect(loaded.ok ? [] : loaded.faults).toEqual([])
  })
})

describe('a scenario', () => {
  const story = 'title: a\nstart: 2026-03-02T12:00:00Z\nlength: 1h\n'
  test.for<Row>([
    ...ROWS.filter(([name]) => /lists|errors|quotes|commas|lexemes|line ends|anchors|aliases|same key/.test(name)),
    ['events', lines((i) => `  - { at: ${i}ms, account: ok }\n`, `${story}events:\n`, 11_000), /at most 10000/],
    [
      'events of unknown ids',
      lines((i) => `  - { at: 1m, health: close, id: e${i} }\n`, `${story}events:\n`, 6_000),
      /no event of this id/,
    ],
    [
      'published events and others that are not',
      lines(
        (i) => `  - { at: 1m, health: ${i % 2 === 0 ? 'publish, event: { service: IAM }' : 'close'}, id: e${i} }\n`,
        `${story}events:\n`,
        4_000,
      ),
      /no event of this id/,
    ],
    [
      'reloads',
      lines(() => '  - { at: 1m, reload: { policy: { wait: 1s } } }\n', `${story}events:\n`, 4_000),
      /at most 200 reloads/,
    ],
    [
      'published events',
      lines((i) => `  - { at: 1m, health: publish, id: e${i}, event: { service: IAM } }\n`, `${story}events:\n`, 4_000),
      /at most 500 events/,
    ],
    ['a hundred years', story.replace('1h', '36500d'), /expected a duration from 1ms to 366d/],
  ])('%s', { timeout: DEADLINE_MS }, ([, text, expected]) => {
    const parsed = parseScenario(text, 'hostile.yaml')
    expect(parsed.ok).toBe(false)
    if (parsed.ok || expected === 'ok') return
    expect(parsed.faults.length).toBeLessThanOrEqual(MAX_FAULTS + 1)
    if (!ROWS.some(([, same]) => same === text)) expect(parsed.faults.some(({ message }) => expected.test(message))).toBe(true)
    expect(parsed.faults.every(({ message }) => message.length <= 500)).toBe(true)
  })
})

describe('what one value comes to', () => {
  const sources = { env: { A: 'a'.repeat(10_000) }, files: new Map() }
  test('is bounded, however often it is put in', () => {
    const { text, faults } = resolve('${A}'.repeat(50_000), sources)
    expect(faults).toEqual([`its value is longer than ${MAX_RESOLVED_CHARS} characters`])
    expect(text.length).toBeLessThan(MAX_RESOLVED_CHARS + 10_000 + 4 * 50_000)
  })
})

test('a misspelt word is compared with a thousand others, not with all that a file may hold', () => {
  let looked = 0
  const candidates = (function* () {
    for (;;) yield `word${looked++}`
  })()
  expect(nearest('something', candidates)).toBeNull()
  expect(looked).toBeLessThan(2_000)
})

test('the lexer is let through as much as a large file needs', () => expect(MAX_LEXEMES).toBeGreaterThan(100_000))

test('a story that never comes to its end is given up, and says so', { timeout: 120_000 }, async () => {
  const parsed = parseScenario('title: a\nstart: 2026-03-02T12:00:00Z\nlength: 62d\n', 'long.yaml')
  if (!parsed.ok) throw new Error(parsed.faults[0]?.message)
  let asked = 0
  const { failures } = await play(parsed.scenario, { isWhole: true, isPatient: () => ++asked < 400 })
  expect(failures).toEqual([
    { line: null, expected: 'the story is played to its end', found: 'it was given up at +01:40:00: it has taken too long' },
  ])
})

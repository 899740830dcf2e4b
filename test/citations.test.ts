import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'

/* Whoever reads a file here can look up what it refers to: no document is cited that is not in the repository. */

const FILES = globSync(
  [
    '*.md',
    '*.js',
    '.ci/*',
    '{src,test,bench,docs,config,findings}/**/*.{ts,tsx,md,yaml,yml,json,sh,service}',
    'test/golden/*.txt',
  ],
  { exclude: ['**/node_modules/**', '**/dist/**'] },
)
/** This file's own examples are none. */
const texts = FILES.filter((file) => file !== 'test/citations.test.ts').map((file) => [file, readFileSync(file, 'utf8')] as const)

/** Names of Markdown files, with a path where there is one; addresses of other sites are left out. */
const MENTION = /(?<![\w./:@-])(?:\.{1,2}\/)*[\w-][\w./-]*\.md\b/g

function missing(file: string, text: string): readonly string[] {
  const names = text.replaceAll(/\bhttps?:\/\/\S+/g, '').match(MENTION) ?? []
  const places = ['.', dirname(file), 'docs']
  return [...new Set(names)].filter((name) => !places.some((place) => existsSync(join(place, name))))
}

/** What cites a rule by a number, or a document that has never been here. */
function oldWays(text: string): readonly string[] {
  return text.match(/\b[Rr]ules? \d{1,2}\b(?! of)|\(rule \d|\(contract\b|[Tt]he contract['’]s|research\/\w+/g) ?? []
}

test('there are some', () => {
  expect(FILES.length).toBeGreaterThan(300)
  expect(texts.filter(([, text]) => MENTION.test(text)).map(([file]) => basename(file))).toContain('README.md')
})

test('every document that is mentioned is there', () => {
  const found = texts.flatMap(([file, text]) => missing(file, text).map((name) => `${file}: ${name}`))
  expect(found).toEqual([])
})

test('rules are cited by their names', () => {
  const found = texts.flatMap(([file, text]) => oldWays(text).map((words) => `${file}: ${words}`))
  expect(found).toEqual([])
})

test.for([
  ['src/a.ts', '// see research/aws.md', ['research/aws.md']],
  ['src/a.ts', '// see docs/rules.md and VERDICTS.md', ['VERDICTS.md']],
  ['bench/a.ts', '// see VERDICTS.md beside this file', []],
  ['docs/a.md', '[rules](rules.md#hold), https://example.org/none.md', []],
  ['docs/a.md', '[none](../none.md)', ['../none.md']],
] as const)('in %s "%s" lacks %j', ([file, text, expected]) => {
  expect(missing(file, text)).toEqual(expected)
})

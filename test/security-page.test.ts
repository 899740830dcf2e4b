import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/* docs/security.md says only what a test shows: each of its sentences names one, and the test is there. */

const lines = readFileSync('docs/security.md', 'utf8').split('\n')

type Row = Readonly<{ at: number; says: string; shownBy: string }>

/** Rows of the tables whose second column says by which test a sentence is shown. */
const rows = lines.flatMap((line, index): Row[] => {
  const [, says = '', shownBy = ''] = /^\| (.*) \| (.*) \|$/.exec(line) ?? []
  const isClaim = says !== '' && headOf(index) === '| what holds | shown by |' && says !== 'what holds' && !/^-+$/.test(says)
  return isClaim ? [{ at: index + 1, says, shownBy }] : []
})

function headOf(index: number): string {
  let first = index
  while (lines[first - 1]?.startsWith('|')) first--
  return lines[first] ?? ''
}

/** `path` “title”, “title”; `path` “title” */
const named = rows.flatMap(({ at, shownBy }) =>
  [...shownBy.matchAll(/`([\w/.-]+\.test\.ts)`((?:,? “[^”]+”)+)/g)].flatMap(([, path = '', titles = '']) =>
    [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => [`line ${at}: ${path} “${title}”`, path, title] as const),
  ),
)

test('there is much to show', () => {
  expect(rows.length).toBeGreaterThan(40)
  expect(named.length).toBeGreaterThan(rows.length)
})

test.for(rows.map((row) => [row.says, row] as const))('%s', ([, { shownBy }]) => {
  expect(shownBy).toMatch(/^(?:`[\w/.-]+\.test\.ts`(?:,? “[^”]+”)+(?:; |$))+$/)
})

test.for(named)('%s is there', ([, path, title]) => {
  expect(existsSync(path), path).toBe(true)
  expect(readFileSync(path, 'utf8')).toContain(title)
})

describe('outside of the tables', () => {
  /** What is said there is what to do, or of others than Alibi. */
  const ADVICE = ['Security', 'Where secrets belong', 'What it shows, and to whom', 'What it depends on', 'Found something?']

  test('nothing is promised', () => {
    let section = ''
    let isCode = false
    const promised = lines.filter((line) => {
      if (line.startsWith('```')) isCode = !isCode
      if (line.startsWith('#')) section = line.replace(/^#+ /, '')
      const isProse = !isCode && line.trim() !== '' && !/^(?:#|\||```)/.test(line)
      return isProse && !ADVICE.includes(section)
    })
    expect(promised).toEqual([])
  })
})

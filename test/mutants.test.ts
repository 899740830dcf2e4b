import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MUTANTS } from './mutants/mutants.ts'

test('every planted fault still finds the text that it changes, exactly once', () => {
  const lost = MUTANTS.flatMap(({ name, file, edits }) => {
    const source = readFileSync(file, 'utf8')
    return edits.filter(([search]) => source.split(search).length !== 2).map(([search]) => `${name}: ${search}`)
  })
  expect(lost).toEqual([])
})

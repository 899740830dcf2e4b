import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { keepTwoBuilds } from '../scripts/two-builds.ts'

type Write = (options: { dir: string }, bundle: Readonly<Record<string, object>>) => void

test('a build leaves the chunks of the one before, which may still run, and removes older ones', () => {
  const dir = mkdtempSync(join(tmpdir(), 'alibi-build-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  mkdirSync(join(dir, 'chunks'))
  const write = keepTwoBuilds().writeBundle as Write
  const build = (...names: readonly string[]) => {
    for (const name of names) writeFileSync(join(dir, 'chunks', name), '')
    write({ dir }, Object.fromEntries(names.map((name) => [`chunks/${name}`, {}])))
    return readdirSync(join(dir, 'chunks')).toSorted()
  }
  expect(build('run-1.js', 'store-1.js')).toEqual(['run-1.js', 'store-1.js'])
  expect(build('run-2.js', 'store-1.js')).toEqual(['run-1.js', 'run-2.js', 'store-1.js'])
  expect(build('run-2.js', 'store-1.js'), 'the same again').toEqual(['run-1.js', 'run-2.js', 'store-1.js'])
  expect(build('run-3.js', 'store-3.js')).toEqual(['run-2.js', 'run-3.js', 'store-1.js', 'store-3.js'])
})

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { withSourceStack } from './source-stack.ts'

function stackOf(frame: (chunk: string) => string, map: string | null): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'alibi-stack-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const chunk = join(directory, 'dist/chunks/run.js')
  mkdirSync(join(directory, 'dist/chunks'), { recursive: true })
  if (map !== null) writeFileSync(`${chunk}.map`, map)
  const error = new Error('x')
  error.stack = `Error: x\n    at begin (${frame(pathToFileURL(chunk).href)})\n    at node:internal/process/task_queues:104:5`
  expect(withSourceStack(error)).toBe(error)
  return error.stack.replaceAll(pathToFileURL(directory).href, '')
}

// The first line's tenth column is the third line's fifth one of the source.
const MAP = JSON.stringify({ version: 3, sources: ['../../src/daemon/begin.ts'], names: [], mappings: 'SAEI' })

test('a place in a chunk is said as the place in the source', () => {
  expect(stackOf((chunk) => `${chunk}:1:12`, MAP)).toBe(
    'Error: x\n    at begin (src/daemon/begin.ts:3:5)\n    at node:internal/process/task_queues:104:5',
  )
})

test.for<[string, string | null]>([
  ['there is none', null],
  ['it is no map', '[]'],
  ['it is cut', MAP.slice(0, 40)],
])('it stays as it is where %s', ([, map]) => {
  expect(stackOf((chunk) => `${chunk}:1:12`, map)).toContain('(/dist/chunks/run.js:1:12)')
})

test('what is no error is handed through', () => expect(withSourceStack('x')).toBe('x'))

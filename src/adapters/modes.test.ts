import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { exposed, isOpenDirectory } from './modes.ts'

const place = mkdtempSync(join(tmpdir(), 'alibi-modes-'))
afterAll(() => rmSync(place, { recursive: true, force: true }))

test('a path that cannot be looked at exposes nothing, and is no fault of ours', () => {
  const file = join(place, 'file')
  writeFileSync(file, '', { mode: 0o600 })
  symlinkSync(join(place, 'loop'), join(place, 'loop'))
  for (const path of [join(place, 'absent'), join(file, 'beneath.db'), join(place, 'loop'), join(place, 'loop', 'x')]) {
    expect(exposed([path])).toEqual([])
    expect(isOpenDirectory(path)).toBe(false)
  }
})

test('what others may read is named, with its mode; a directory is open when everybody may write to it', () => {
  const file = join(place, 'open')
  writeFileSync(file, '')
  chmodSync(file, 0o644)
  expect(exposed([file])).toMatchObject([{ path: file, mode: '0644', isOurs: true }])
  const directory = join(place, 'd')
  mkdirSync(directory)
  chmodSync(directory, 0o777)
  expect(isOpenDirectory(directory)).toBe(true)
})

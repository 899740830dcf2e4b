import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { asPlainUser } from '../../../test/plain-user.ts'
import { StoreError } from '../../ports/store.ts'
import { databaseExists } from './open.ts'
import { bytesAt, placeOf } from './place.ts'
import { openStore } from './store.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alibi-place-'))
  path = join(directory, 'alibi.db')
})
afterEach(() => {
  chmodSync(directory, 0o700)
  rmSync(directory, { recursive: true, force: true })
})

test('nothing is there', () => expect(placeOf(path)).toEqual({ kind: 'nothing' }))

test('nothing can be beneath a file', () => {
  writeFileSync(path, 'abc')
  expect(placeOf(path)).toEqual({ kind: 'file', bytes: 3 })
  expect(placeOf(join(path, 'alibi.db'))).toEqual({ kind: 'nothing' })
})

test.for<[string, () => void, RegExp]>([
  ['a directory', () => mkdirSync(path), /alibi\.db is a directory: set storage\.path to a file/],
  ['a device', () => symlinkSync('/dev/null', path), /alibi\.db is not a regular file/],
  ['a link to itself', () => symlinkSync(path, path), /alibi\.db cannot be looked at \(ELOOP\)/],
])('%s is said, to who lists and to who opens', async ([, make, says]) => {
  make()
  const refused = { name: 'StoreError', message: expect.stringMatching(says) }
  expect(catching(() => bytesAt(path))).toBeInstanceOf(StoreError)
  expect(catching(() => databaseExists(path))).toMatchObject(refused)
  await expect(openStore({ path, readOnly: true })).rejects.toMatchObject(refused)
  await expect(openStore({ path })).rejects.toMatchObject(refused)
})

test('what this user may not enter is not taken for nothing', async () => {
  await (await openStore({ path })).close()
  chmodSync(directory, 0)
  await asPlainUser(directory, async () => {
    expect(() => databaseExists(path)).toThrow(/alibi\.db may not be read by this user/)
    await expect(openStore({ path, readOnly: true })).rejects.toThrow(/may not be read by this user/)
  })
})

function catching(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { StoreError } from '../../ports/store.ts'
import { isOurs } from '../modes.ts'

/** Whoever this is can read what we can read. */
const ROOT = 0

/** What is there where the database should be. `why` goes on after its path. */
export type Place =
  | Readonly<{ kind: 'nothing' }>
  | Readonly<{ kind: 'file'; bytes: number }>
  /** Something that can never be a database. */
  | Readonly<{ kind: 'unfit'; why: string }>
  /** It could not be learnt: that is not the same as nothing. */
  | Readonly<{ kind: 'hidden'; why: string }>

/** Looks and changes nothing. Never throws. */
export function placeOf(path: string): Place {
  try {
    const link = lstatSync(path)
    if (link.isSymbolicLink() && link.uid !== ROOT && !isOurs(link.uid))
      return {
        kind: 'unfit',
        why: 'is a symbolic link of another user, and is not followed: set storage.path to what it leads to',
      }
    const stat = statSync(path)
    if (stat.isFile()) return { kind: 'file', bytes: stat.size }
    const what = stat.isDirectory() ? 'is a directory' : 'is not a regular file'
    return { kind: 'unfit', why: `${what}: set storage.path to a file, which Alibi makes itself` }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'nothing' }
    if (code !== 'EACCES' && code !== 'EPERM') return { kind: 'hidden', why: `cannot be looked at (${code})` }
    return { kind: 'hidden', why: 'may not be read by this user: run this as the user that runs Alibi' }
  }
}

/** The bytes of the file at `path`, `null` where there is none. @throws {StoreError} if something else is there, or that cannot be determined */
export function bytesAt(path: string): number | null {
  const place = placeOf(path)
  if (place.kind === 'unfit' || place.kind === 'hidden') throw new StoreError(`${path} ${place.why}`, { fatal: false })
  return place.kind === 'file' ? place.bytes : null
}

/** Where links lead, also those that lead to what is not there yet. A link to itself was refused before. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const directory = dirname(path)
    const target = linkAt(path)
    if (target !== null) return realPathOf(resolve(directory, target))
    return directory === path ? path : join(realPathOf(directory), basename(path))
  }
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

/** Every file that belongs to the database at `path`, there or not. */
export function filesOf(path: string): readonly string[] {
  const real = realPathOf(path)
  return ['', '-wal', '-shm', '-journal', '.lock', '.lock-journal', '.holder'].map((ending) => `${real}${ending}`)
}

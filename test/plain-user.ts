import { execFileSync } from 'node:child_process'
import { chownSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Whom permissions bind, where the tests run as root: `nobody`. */
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0

/** What `spawn` is to be given, so that the child is a user whom permissions bind. */
export const AS_PLAIN_USER: Readonly<{ uid?: number; gid?: number }> = isRoot ? { uid: NOBODY, gid: NOBODY } : {}

/** Does `work` as a user whom permissions bind and to whom everything in `directory` belongs. */
export async function asPlainUser<T>(directory: string, work: () => T | Promise<T>): Promise<T> {
  giveToPlainUser(directory)
  if (!isRoot) return work()
  process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

export function giveToPlainUser(directory: string): void {
  if (!isRoot) return
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }))
    chownSync(join(directory, name), NOBODY, NOBODY)
  chownSync(directory, NOBODY, NOBODY)
}

/** Whether a plain user may read `file`: a clone in root's own directory is closed to others. */
export function isOpenToPlainUser(file: string): boolean {
  try {
    execFileSync('test', ['-r', file], { ...AS_PLAIN_USER, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

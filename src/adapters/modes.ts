import { chmodSync, lstatSync, type Stats, statSync } from 'node:fs'

/** What others than its owner may do with a file. */
const OTHERS = 0o077
const EVERYBODY_WRITES = 0o002

/** A file of ours that others may read or write. */
export type Exposed = Readonly<{
  path: string
  /** As `chmod` takes it. */
  mode: string
  /** We own it, and may change that. */
  isOurs: boolean
}>

/** Those of the files, as far as they are there, that others may read or write. Symbolic links are passed over. */
export function exposed(paths: readonly string[]): readonly Exposed[] {
  return paths.flatMap((path) => {
    const stat = lookedAt(() => lstatSync(path))
    if (stat === null || !stat.isFile() || !hasModes() || (stat.mode & OTHERS) === 0) return []
    return [{ path, mode: (stat.mode & 0o777).toString(8).padStart(4, '0'), isOurs: isOurs(stat.uid) }]
  })
}

/** `null` where there is nothing, or nothing that can be looked at: whoever needs the file says so better. */
function lookedAt(look: () => Stats): Stats | null {
  try {
    return look()
  } catch {
    return null
  }
}

/** What became of what was exposed, for the log. */
export const TIGHTENED = 'those that are ours have mode 0600 now'

/** Takes from others what they may do with these files, where they are ours; returns what was exposed. */
export function tighten(paths: readonly string[]): readonly Exposed[] {
  const found = exposed(paths)
  for (const { path, isOurs } of found) if (isOurs) chmodSync(path, 0o600)
  return found
}

/** Whether everybody on this machine may put files into a directory. One that is not there is nobody's. */
export function isOpenDirectory(path: string): boolean {
  const stat = lookedAt(() => statSync(path))
  return stat?.isDirectory() === true && hasModes() && (stat.mode & EVERYBODY_WRITES) !== 0
}

/** Whether a file belongs to the user that we run as. */
export function isOurs(uid: number): boolean {
  return process.geteuid === undefined || uid === process.geteuid()
}

function hasModes(): boolean {
  return process.platform !== 'win32'
}

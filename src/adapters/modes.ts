import { chmodSync, lstatSync, type Stats, statSync } from 'node:fs'

/** What others than its owner may do with a file. */
const OTHERS = 0o077
const EVERYBODY_WRITES = 0o002

/** A file of Alibi's that other users may read or write. */
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
    const stat = looked(() => lstatSync(path))
    if (stat === null || !stat.isFile() || !hasModes() || (stat.mode & OTHERS) === 0) return []
    return [{ path, mode: (stat.mode & 0o777).toString(8).padStart(4, '0'), isOurs: isOurs(stat.uid) }]
  })
}

/** An exposed file, and why it still is; `null`: it is closed now. */
export type Tightened = Exposed & Readonly<{ stays: string | null }>

/** Takes from others what they may do with these files, where they are ours; returns what was exposed. Never throws. */
export function tighten(paths: readonly string[]): readonly Tightened[] {
  return exposed(paths).map((found) => {
    if (!found.isOurs) return { ...found, stays: 'it belongs to another user' }
    try {
      chmodSync(found.path, 0o600)
      return { ...found, stays: null }
    } catch (cause) {
      return { ...found, stays: cause instanceof Error ? cause.message : String(cause) }
    }
  })
}

/** Whether everybody on this machine may put files into a directory. One that is not there is nobody's. */
export function isOpenDirectory(path: string): boolean {
  const stat = looked(() => statSync(path))
  return stat?.isDirectory() === true && hasModes() && (stat.mode & EVERYBODY_WRITES) !== 0
}

/** Whether a file belongs to the user that we run as. */
export function isOurs(uid: number): boolean {
  return process.geteuid === undefined || uid === process.geteuid()
}

/** What may not be looked at is somebody else's finding. */
function looked(look: () => Stats): Stats | null {
  try {
    return look()
  } catch {
    return null
  }
}

function hasModes(): boolean {
  return process.platform !== 'win32'
}

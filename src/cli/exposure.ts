import { dirname } from 'node:path'
import { filesOf as logFilesOf } from '../adapters/log-file.ts'
import { exposed, isOpenDirectory } from '../adapters/modes.ts'
import { filesOf } from '../adapters/sqlite/place.ts'
import type { Config } from '../config/config.ts'

/** Warnings about Alibi's own files that other users may read or write. `run` corrects those that belong to it. */
export function exposedFiles({ storage, log }: Config): readonly string[] {
  const files = [
    ...(storage.postgres === null ? filesOf(storage.path) : []),
    ...(log.file === null ? [] : logFilesOf(log.file.path)),
  ]
  return exposed(files).map(({ path, mode, isOurs }) => {
    const remedy = isOurs
      ? 'the daemon corrects this when it starts'
      : 'it belongs to another user, and only they can correct this'
    return `other users may read or write ${path} (mode ${mode}): ${remedy}`
  })
}

/** Warnings about directories of Alibi's files that every user may write to. */
export function openDirectories({ storage, log, mail }: Config): readonly string[] {
  const directories = [
    dirname(storage.path),
    ...(log.file === null ? [] : [dirname(log.file.path)]),
    ...(mail.smtp === null ? [mail.directory] : []),
  ]
  return [...new Set(directories)]
    .filter(isOpenDirectory)
    .map((path) => `every user of this machine may write to ${path} and replace Alibi's files: use a directory of its own`)
}

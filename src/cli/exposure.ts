import { dirname } from 'node:path'
import { filesOf as logFilesOf } from '../adapters/log-file.ts'
import { exposed, isOpenDirectory } from '../adapters/modes.ts'
import { filesOf } from '../adapters/sqlite/place.ts'
import type { Config } from '../config/config.ts'

/** Sentences about files of Alibi's own that other users may read or write; `run` mends what it can. */
export function exposedFiles({ storage, log }: Config): readonly string[] {
  const files = [...filesOf(storage.path), ...(log.file === null ? [] : logFilesOf(log.file.path))]
  return exposed(files).map(({ path, mode, isOurs }) => {
    const mended = isOurs
      ? 'the daemon takes that from them when it starts'
      : 'it belongs to another user, who alone can change that'
    return `${path} may be read or written by other users (mode ${mode}): ${mended}`
  })
}

/** Sentences about directories of Alibi's files that everybody may write to. */
export function openDirectories({ storage, log, mail }: Config): readonly string[] {
  const directories = [
    dirname(storage.path),
    ...(log.file === null ? [] : [dirname(log.file.path)]),
    ...(mail.smtp === null ? [mail.directory] : []),
  ]
  return [...new Set(directories)]
    .filter(isOpenDirectory)
    .map(
      (path) =>
        `everybody on this machine may write to ${path}, and put files in the way of Alibi's: give it a directory of its own`,
    )
}

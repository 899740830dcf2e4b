import type { Env } from './endpoints.ts'
import type { ReadBundle } from './network.ts'
import type { SecretFile } from './reference.ts'
import type { SharedFiles } from './shared-files.ts'

/** What decides, in addition to the text of the file, which configuration it is. */
export type LoadContext = Readonly<{
  /** Absolute path of the file. */
  file: string
  env: Env
  /** What relative paths are relative to. */
  cwd: string
  /** To warn of a certificate that is not valid now. */
  now: number
  /** Warnings about files that everybody on this machine can read or change. Default: none. */
  exposed?: readonly string[]
  /** Values that are never shown, of at least four characters each. */
  secrets: readonly string[]
  /** The files of `mail.smtp.ca` by their paths as written. Default: none, for what sends no email. */
  authorities?: ReadonlyMap<string, SecretFile>
  /** The SDK's shared files. Default: empty ones. */
  sharedFiles?: SharedFiles
  /** The certificates that the environment or the shared files name. Default: none. */
  bundle?: ReadBundle
  /** The key of another file that the whole configuration is under. Default: it is a file of its own. */
  beneath?: string
}>

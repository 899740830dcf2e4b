import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { loadSharedConfigFiles } from '@smithy/shared-ini-file-loader'
import type { Env } from './endpoints.ts'
import { whyUnfit } from './read-text.ts'

const MAX_SHARED_BYTES = 1024 * 1024

export type Section = Readonly<Record<string, string | undefined>>

/** The two files that the AWS SDKs and the AWS CLI share: by default `~/.aws/config` and `~/.aws/credentials`. */
export type SharedFiles = Readonly<{
  configFile: Readonly<Record<string, Section>>
  credentialsFile: Readonly<Record<string, Section>>
  /** Where they were looked for, with why one could not be read; empty if there is no home directory. */
  looked: readonly string[]
  /** Why a file must not be read, in a sentence: it is not a regular file, or too large. `null`: both are fine. */
  unfit: string | null
}>

export const NO_SHARED_FILES: SharedFiles = { configFile: {}, credentialsFile: {}, looked: [], unfit: null }

/** Reads both as the SDK does. A file that does not exist or cannot be read counts as empty. Never rejects, never blocks. */
export async function loadSharedFiles(env: Env): Promise<SharedFiles> {
  const home = env['HOME'] || env['USERPROFILE'] || null
  const place = (variable: string, name: string) => env[variable] || (home === null ? null : join(home, '.aws', name))
  const places = [place('AWS_CONFIG_FILE', 'config'), place('AWS_SHARED_CREDENTIALS_FILE', 'credentials')] as const
  const unfit = await unfitAmong(places)
  if (unfit !== null) return { ...NO_SHARED_FILES, unfit }
  const [configFilepath, filepath] = places.map((path) => path ?? '/dev/null') as [string, string]
  const looked = await Promise.all(places.flatMap((path) => (path === null ? [] : [lookedAt(path)])))
  try {
    const { configFile, credentialsFile } = await loadSharedConfigFiles({ configFilepath, filepath, ignoreCache: true })
    return { configFile, credentialsFile, looked, unfit }
  } catch {
    return { ...NO_SHARED_FILES, looked }
  }
}

async function unfitAmong(places: readonly (string | null)[]): Promise<string | null> {
  for (const path of places) {
    const why = path === null ? null : await whyUnfit(path, MAX_SHARED_BYTES)
    if (why !== null) return `the AWS SDK's shared file ${path} ${why}`
  }
  return null
}

/** Tokens of AWS and of clusters have a few KiB at most. */
const MAX_TOKEN_BYTES = 64 * 1024
/** Profiles may refer to one another, and the SDK follows them. */
const MAX_CHAIN = 20

/** Why a token file that the SDK would read must not be read, in a sentence; `null` if all are fine. */
export async function unfitToken(env: Env, files: SharedFiles, profile: string | null): Promise<string | null> {
  const named = [env['AWS_WEB_IDENTITY_TOKEN_FILE'], env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']]
  for (let name = profile, i = 0; name !== null && i < MAX_CHAIN; i++) {
    const section: Section | null = profileIn(files, name)
    named.push(section?.['web_identity_token_file'])
    name = section?.['source_profile'] ?? null
  }
  for (const path of named) {
    const why = path ? await whyUnfit(path, MAX_TOKEN_BYTES) : null
    if (why !== null) return `the token file ${path} ${why}`
  }
  return null
}

async function lookedAt(path: string): Promise<string> {
  try {
    await access(path, constants.R_OK)
    return path
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    return code === 'ENOENT' || code === 'ENOTDIR' ? `${path} (does not exist)` : `${path} (cannot be read: ${code})`
  }
}

/** A profile as the SDK merges it for credentials and region: the credentials file wins, key by key. `null`: in neither file. */
export function profileIn({ configFile, credentialsFile }: SharedFiles, name: string): Section | null {
  const found = [configFile, credentialsFile].flatMap((file) => (Object.hasOwn(file, name) ? [file[name]] : []))
  return found.length === 0 ? null : Object.assign({}, ...found)
}

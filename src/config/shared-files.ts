import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { loadSharedConfigFiles } from '@smithy/core/config'
import type { Env } from './endpoints.ts'
import { whyUnfit } from './read-text.ts'

const MAX_SHARED_BYTES = 1024 * 1024

export type Section = Readonly<Record<string, string | undefined>>

/** The two files that the AWS SDKs and the AWS CLI share, by default `~/.aws/config` and `~/.aws/credentials`. */
export type SharedFiles = Readonly<{
  configFile: Readonly<Record<string, Section>>
  credentialsFile: Readonly<Record<string, Section>>
  /** Where they were looked for, and what kept us from reading one that is there; empty where there is no place to look. */
  looked: readonly string[]
  /** Why one that is there is not read by anybody, in a sentence: it is no regular file, or too large. `null`: all is well. */
  unfit: string | null
}>

export const NO_SHARED_FILES: SharedFiles = { configFile: {}, credentialsFile: {}, looked: [], unfit: null }

/** Reads both as the SDK does. A file that is not there or cannot be read states nothing. Never rejects, and never waits. */
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

/** The longest that AWS or a cluster makes are a few KiB. */
const MAX_TOKEN_BYTES = 64 * 1024
/** Profiles that lead to each other: the SDK follows them for as long as they do. */
const MAX_CHAIN = 20

/** Why a token's file that the SDK's providers would read is not to be read, in a sentence; `null`: none is at fault. */
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
    return code === 'ENOENT' || code === 'ENOTDIR' ? `${path} (not there)` : `${path} (cannot be read: ${code})`
  }
}

/**
 * A profile as the SDK puts it together for credentials and region: key by key, the credentials file before the config file.
 * `null`: it is in neither.
 */
export function profileIn({ configFile, credentialsFile }: SharedFiles, name: string): Section | null {
  const found = [configFile, credentialsFile].flatMap((file) => (Object.hasOwn(file, name) ? [file[name]] : []))
  return found.length === 0 ? null : Object.assign({}, ...found)
}

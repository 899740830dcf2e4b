import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { loadSharedConfigFiles } from '@smithy/core/config'
import type { Env } from './endpoints.ts'

export type Section = Readonly<Record<string, string | undefined>>

/** The two files that the AWS SDKs and the AWS CLI share, by default `~/.aws/config` and `~/.aws/credentials`. */
export type SharedFiles = Readonly<{
  configFile: Readonly<Record<string, Section>>
  credentialsFile: Readonly<Record<string, Section>>
  /** Where they were looked for, and what kept us from reading one that is there; empty where there is no place to look. */
  looked: readonly string[]
}>

export const NO_SHARED_FILES: SharedFiles = { configFile: {}, credentialsFile: {}, looked: [] }

/** Reads both as the SDK does. A file that is not there or cannot be read states nothing. Never rejects. */
export async function loadSharedFiles(env: Env): Promise<SharedFiles> {
  const home = env['HOME'] || env['USERPROFILE'] || null
  const place = (variable: string, name: string) => env[variable] || (home === null ? null : join(home, '.aws', name))
  const places = [place('AWS_CONFIG_FILE', 'config'), place('AWS_SHARED_CREDENTIALS_FILE', 'credentials')] as const
  const [configFilepath, filepath] = places.map((path) => path ?? '/dev/null') as [string, string]
  const looked = await Promise.all(places.flatMap((path) => (path === null ? [] : [lookedAt(path)])))
  try {
    const { configFile, credentialsFile } = await loadSharedConfigFiles({ configFilepath, filepath, ignoreCache: true })
    return { configFile, credentialsFile, looked }
  } catch {
    return { ...NO_SHARED_FILES, looked }
  }
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

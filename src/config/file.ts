import { resolve as resolvePath } from 'node:path'
import { compose } from './compose.ts'
import type { Config } from './config.ts'
import type { Env } from './endpoints.ts'
import { type Fault, tidyFaults } from './fault.ts'
import { MAIL_SERVERS } from './mail-checks.ts'
import { bundleNamed, type NamedBundle, type ReadBundle } from './network.ts'
import { proxiesOf, proxySecrets } from './proxy.ts'
import { PRIVATE, readText } from './read-text.ts'
import type { SecretFile } from './reference.ts'
import { ConfigSchema } from './schema.ts'
import { isSecretPlace } from './secret.ts'
import { loadSharedFiles } from './shared-files.ts'
import { databaseSecrets } from './storage-schema.ts'
import { type Path, parseTree, type Tree, valueAt } from './tree.ts'
import { MAX_PATH } from './values.ts'
import { filesReferred, type YamlText, yamlOf } from './yaml-text.ts'

const TOP_KEYS = Object.keys(ConfigSchema.shape)

/** More than a configuration of 20,000 probes needs. */
export const MAX_FILE_BYTES = 256 * 1024
export const MAX_SECRET_BYTES = 64 * 1024
const MAX_SECRET_FILES = 50
/** Four times the size of a bundle of all public certificate authorities. */
const MAX_CERTIFICATE_BYTES = 1024 * 1024
/** Shorter values are not masked: that would mask a part of almost every word. */
const MIN_SECRET = 4

const OTHERS_READ = 0o004
const OTHERS_WRITE = 0o002

export type Loaded =
  | Readonly<{ ok: true; config: Config }>
  | Readonly<{
      ok: false
      faults: readonly Fault[]
      /** The file sets `log.format: json`, so its faults are logged as JSON. */
      logsJson?: boolean
    }>

export type LoadOptions = Readonly<{
  /** What relative paths are relative to. Default: the working directory. */
  cwd?: string
  /** Epoch milliseconds, to warn of a certificate that is not valid. Default: now. */
  now?: number
}>

/** Reads the configuration file. Never rejects: whatever is wrong with it is a fault. */
export async function loadConfig(file: string, env: Env, options: LoadOptions = {}): Promise<Loaded> {
  const cwd = options.cwd ?? process.cwd()
  const path = resolvePath(cwd, file)
  const read = await readText(path, MAX_FILE_BYTES)
  if (!read.ok) return { ok: false, faults: [{ line: 1, column: 1, path: '', message: `the configuration ${read.why}` }] }
  return parse({ text: read.text, mode: read.mode }, file, env, options)
}

/** Reads a configuration from text. Never rejects. @param file where it is said to come from */
export async function parseConfig(text: string, file: string, env: Env, options: LoadOptions = {}): Promise<Loaded> {
  return parse({ text, mode: PRIVATE }, file, env, options)
}

type Source = Readonly<{ text: string; mode: number }>

async function parse({ text, mode }: Source, file: string, env: Env, options: LoadOptions): Promise<Loaded> {
  const { cwd = process.cwd(), now = Date.now() } = options
  const secrets = new Set<string>()
  try {
    const yaml = yamlOf(text)
    const { files, exposed } = await readSecrets(yaml, cwd)
    for (const secret of files.values()) if (secret.ok) keep(secrets, secret.text)
    const { tree, faults } = parseTree(yaml, { env, files }, TOP_KEYS)
    if (tree === null) return { ok: false, faults: tidyFaults(faults, [...secrets]) }
    for (const secret of [...secretsOf(tree), ...databaseSecretsOf(tree)]) keep(secrets, secret)
    const authorities = await readAuthorities(tree, cwd)
    const path = resolvePath(cwd, file)
    const seen = [...exposureOf(path, mode, tree), ...exposed]
    const sharedFiles = await loadSharedFiles(env)
    const bundle = await readBundle(bundleNamed(env, sharedFiles), cwd)
    for (const secret of proxySecrets(proxiesOf(env))) keep(secrets, secret)
    const context = { file: path, env, cwd, now, secrets: [...secrets], exposed: seen, authorities, bundle }
    const composed = compose(tree, { ...context, sharedFiles })
    if (composed.ok && faults.length === 0) return composed
    return {
      ok: false,
      faults: tidyFaults([...faults, ...(composed.ok ? [] : composed.faults)], [...secrets]),
      logsJson: valueAt(['log', 'format'], tree.root) === 'json',
    }
  } catch (error) {
    // A bug must not stop a daemon that reloads its configuration.
    const name = error instanceof Error ? error.name : 'an unknown error'
    return {
      ok: false,
      faults: [{ line: 1, column: 1, path: '', message: `internal error while the configuration was read (${name})` }],
    }
  }
}

function keep(secrets: Set<string>, value: string): void {
  if (value.length >= MIN_SECRET) secrets.add(value)
}

/** Values from files, and values of keys that hold a secret, wherever they come from. */
function secretsOf(tree: Tree): readonly string[] {
  const drawn = tree.drawn.filter(({ from, path }) => from === 'file' || isSecretPlace(path)).map(({ value }) => value)
  return [...drawn, ...literals(tree, [], tree.root).map(({ value }) => value)]
}

/** A library may quote a part of the URL. */
function databaseSecretsOf(tree: Tree): readonly string[] {
  const url = valueAt(['storage', 'postgres', 'url'], tree.root)
  return typeof url === 'string' ? databaseSecrets(url) : []
}

/** Resolved values of keys that hold a secret. The tree is bounded in depth and size. */
function literals(tree: Tree, path: Path, value: unknown): readonly Literal[] {
  if (typeof value === 'string') {
    const entry = isSecretPlace(path) ? tree.entryAt(path) : undefined
    return entry?.broken === false ? [{ value, isWritten: !entry.referred }] : []
  }
  if (Array.isArray(value)) return value.flatMap((one, index) => literals(tree, [...path, index], one))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => literals(tree, [...path, key], one))
}

type Literal = Readonly<{
  value: string
  /** It is written in the file itself, without a reference. */
  isWritten: boolean
}>

/** Warnings about a configuration that others can change, or that has a secret in it and that others can read. */
function exposureOf(path: string, mode: number, tree: Tree): readonly string[] {
  const holds = literals(tree, [], tree.root).some(({ isWritten }) => isWritten)
  if ((mode & OTHERS_WRITE) !== 0) return [`everybody on this machine can change ${path} (mode ${modeText(mode)})`]
  if (!holds || (mode & OTHERS_READ) === 0) return []
  return [`${path} contains a secret, and everybody on this machine can read it (mode ${modeText(mode)}): use \${file:…}`]
}

type Secrets = Readonly<{
  files: ReadonlyMap<string, SecretFile>
  /** Warnings about those that others can read or change. */
  exposed: readonly string[]
}>

async function readSecrets(yaml: YamlText, cwd: string): Promise<Secrets> {
  const files = new Map<string, SecretFile>()
  const exposed: string[] = []
  for (const path of filesReferred(yaml)) {
    if (files.size >= MAX_SECRET_FILES) {
      files.set(path, { ok: false, why: `was not read: the configuration refers to more than ${MAX_SECRET_FILES} files` })
      break
    }
    const read = await readText(resolvePath(cwd, path), MAX_SECRET_BYTES)
    files.set(path, read.ok ? { ok: true, text: read.text.replace(/\r?\n$/, '') } : read)
    if (!read.ok) continue
    const can = [...((read.mode & OTHERS_READ) === 0 ? [] : ['read']), ...((read.mode & OTHERS_WRITE) === 0 ? [] : ['change'])]
    if (can.length > 0)
      exposed.push(`everybody on this machine can ${can.join(' and ')} the secret in ${path} (mode ${modeText(read.mode)})`)
  }
  return { files, exposed }
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}

/** The files of `ca`, by their paths as written. Faulty paths are left out. */
async function readAuthorities(tree: Tree, cwd: string): Promise<ReadonlyMap<string, SecretFile>> {
  const files = new Map<string, SecretFile>()
  for (const server of MAIL_SERVERS) {
    const path = [...server, 'ca']
    const ca = valueAt(path, tree.root)
    if (typeof ca !== 'string' || !/^\P{Cc}+$/u.test(ca) || ca.length > MAX_PATH || tree.entryAt(path)?.broken !== false) continue
    files.set(ca, await readText(resolvePath(cwd, ca), MAX_CERTIFICATE_BYTES))
  }
  return files
}

async function readBundle(named: NamedBundle | null, cwd: string): Promise<ReadBundle> {
  return named === null ? null : { named, file: await readText(resolvePath(cwd, named.path), MAX_CERTIFICATE_BYTES) }
}

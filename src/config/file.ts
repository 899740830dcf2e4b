import { resolve as resolvePath } from 'node:path'
import { compose, MAIL_SERVERS } from './compose.ts'
import type { Config } from './config.ts'
import type { Env } from './endpoints.ts'
import { type Fault, tidyFaults } from './fault.ts'
import { bundleNamed, type NamedBundle, type ReadBundle } from './network.ts'
import { proxiesOf, proxySecrets } from './proxy.ts'
import { PRIVATE, readText } from './read-text.ts'
import type { SecretFile } from './reference.ts'
import { ConfigSchema } from './schema.ts'
import { isSecretPlace } from './secret.ts'
import { loadSharedFiles } from './shared-files.ts'
import { type Path, parseTree, type Tree, valueAt } from './tree.ts'
import { MAX_PATH } from './values.ts'
import { filesReferred, type YamlText, yamlOf } from './yaml-text.ts'

const TOP_KEYS = Object.keys(ConfigSchema.shape)

/** A configuration of 20000 probes is smaller. */
export const MAX_FILE_BYTES = 256 * 1024
export const MAX_SECRET_BYTES = 64 * 1024
const MAX_SECRET_FILES = 50
/** All the authorities that a system trusts are a quarter of this. */
const MAX_BUNDLE_BYTES = 1024 * 1024
/** The bundle of all public authorities is a quarter of this. */
const MAX_AUTHORITY_BYTES = 1024 * 1024
/** Shorter values are not looked for when secrets are blacked out: they would black out half of every word. */
const MIN_SECRET = 4

const EVERYBODY_READS = 0o004
const EVERYBODY_WRITES = 0o002

export type Loaded =
  | Readonly<{ ok: true; config: Config }>
  | Readonly<{
      ok: false
      faults: readonly Fault[]
      /** The file is faulty, and yet says that the log is JSON: so are its faults then. */
      logsJson?: boolean
    }>

export type LoadOptions = Readonly<{
  /** What relative paths are relative to; default: the working directory. */
  cwd?: string
  /** Epoch milliseconds; default: now. Only for the question whether a time zone is about to change its clocks. */
  now?: number
}>

/** Reads the configuration. Never rejects: whatever is wrong with the file is a fault. */
export async function loadConfig(file: string, env: Env, options: LoadOptions = {}): Promise<Loaded> {
  const cwd = options.cwd ?? process.cwd()
  const path = resolvePath(cwd, file)
  const read = await readText(path, MAX_FILE_BYTES)
  if (!read.ok) return { ok: false, faults: [{ line: 1, column: 1, path: '', message: `the configuration ${read.why}` }] }
  return parse({ text: read.text, mode: read.mode }, file, env, options)
}

/** The same from a text that was read already; `file` is what the configuration says it came from. Never rejects. */
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
    for (const secret of secretsOf(tree)) keep(secrets, secret)
    const authorities = await readAuthorities(tree, cwd)
    const path = resolvePath(cwd, file)
    const seen = [...exposureOf(path, mode, tree), ...exposed]
    const sharedFiles = await loadSharedFiles(env)
    const bundle = await readBundle(bundleNamed(env, sharedFiles), cwd)
    for (const secret of proxySecrets(proxiesOf(env))) keep(secrets, secret)
    const around = { file: path, env, cwd, now, secrets: [...secrets], exposed: seen, authorities, bundle }
    const composed = compose(tree, { ...around, sharedFiles })
    if (composed.ok && faults.length === 0) return composed
    return {
      ok: false,
      faults: tidyFaults([...faults, ...(composed.ok ? [] : composed.faults)], [...secrets]),
      logsJson: valueAt(['log', 'format'], tree.root) === 'json',
    }
  } catch (error) {
    // A bug of ours, or of a library: it must not take the daemon down when a running one reads its file again.
    const name = error instanceof Error ? error.name : 'an unknown error'
    return {
      ok: false,
      faults: [
        { line: 1, column: 1, path: '', message: `the configuration could not be read for a fault of Alibi's own (${name})` },
      ],
    }
  }
}

function keep(secrets: Set<string>, value: string): void {
  if (value.length >= MIN_SECRET) secrets.add(value)
}

/** What came from files, and what stands where secrets do, wherever it came from. */
function secretsOf(tree: Tree): readonly string[] {
  const drawn = tree.drawn.filter(({ from, path }) => from === 'file' || isSecretPlace(path)).map(({ value }) => value)
  return [...drawn, ...literals(tree, [], tree.root).map(({ value }) => value)]
}

/** Texts in places of secrets, as they are resolved; the tree is bounded in depth and size. */
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
  /** It stands in the file itself, with no reference in it. */
  isWritten: boolean
}>

/** Sentences about a configuration that others may change, or that holds what they must not read. */
function exposureOf(path: string, mode: number, tree: Tree): readonly string[] {
  const holds = literals(tree, [], tree.root).some(({ isWritten }) => isWritten)
  if ((mode & EVERYBODY_WRITES) !== 0) return [`everybody on this machine may change ${path} (mode ${modeText(mode)})`]
  if (!holds || (mode & EVERYBODY_READS) === 0) return []
  return [`${path} holds a secret, and everybody on this machine may read it (mode ${modeText(mode)}): use \${file:…}`]
}

type Secrets = Readonly<{
  files: ReadonlyMap<string, SecretFile>
  /** Sentences about those that others may read or change. */
  exposed: readonly string[]
}>

async function readSecrets(yaml: YamlText, cwd: string): Promise<Secrets> {
  const files = new Map<string, SecretFile>()
  const exposed: string[] = []
  for (const path of filesReferred(yaml)) {
    if (files.size >= MAX_SECRET_FILES) {
      files.set(path, { ok: false, why: `more than ${MAX_SECRET_FILES} files are referred to` })
      break
    }
    const read = await readText(resolvePath(cwd, path), MAX_SECRET_BYTES)
    files.set(path, read.ok ? { ok: true, text: read.text.replace(/\r?\n$/, '') } : read)
    if (!read.ok) continue
    const may = [
      ...((read.mode & EVERYBODY_READS) === 0 ? [] : ['read']),
      ...((read.mode & EVERYBODY_WRITES) === 0 ? [] : ['change']),
    ]
    if (may.length > 0)
      exposed.push(`everybody on this machine may ${may.join(' and ')} the secret in ${path} (mode ${modeText(read.mode)})`)
  }
  return { files, exposed }
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}

/** The files of `ca`, by their paths as written; a path that is at fault itself is not followed. */
async function readAuthorities(tree: Tree, cwd: string): Promise<ReadonlyMap<string, SecretFile>> {
  const files = new Map<string, SecretFile>()
  for (const server of MAIL_SERVERS) {
    const path = [...server, 'ca']
    const ca = valueAt(path, tree.root)
    if (typeof ca !== 'string' || !/^\P{Cc}+$/u.test(ca) || ca.length > MAX_PATH || tree.entryAt(path)?.broken !== false) continue
    files.set(ca, await readText(resolvePath(cwd, ca), MAX_AUTHORITY_BYTES))
  }
  return files
}

async function readBundle(named: NamedBundle | null, cwd: string): Promise<ReadBundle> {
  return named === null ? null : { named, file: await readText(resolvePath(cwd, named.path), MAX_BUNDLE_BYTES) }
}

/*
 * Where a file has secrets. A typo can move one to where no secret belongs: a missing space makes it a part of its key, a comma
 * makes it a key, and a missing key moves it one level up. Those places count as well.
 */

type Path = readonly (string | number)[]

/** Mappings with a secret, by their last key: the key of the secret, and the other keys. */
const HOLDERS: Readonly<Record<string, Readonly<{ secret: string; harmless: readonly string[] }>>> = {
  smtp: { secret: 'password', harmless: ['host', 'port', 'security', 'user', 'name', 'ca'] },
  heartbeat: { secret: 'url', harmless: ['every'] },
  postgres: { secret: 'url', harmless: ['schema', 'poolSize'] },
  web: { secret: 'token', harmless: ['listen', 'url', 'hosts'] },
  credentials: { secret: 'externalId', harmless: ['profile', 'roleArn', 'sessionName'] },
}

/** Secret wherever they are. */
const SECRET_KEYS: readonly (string | number | undefined)[] = ['password', 'token', 'externalId']

function holderAt(path: Path) {
  const key = path.at(-1)
  // The name of a recipient may be any word.
  if (typeof key !== 'string' || path.at(-2) === 'recipients') return null
  return Object.hasOwn(HOLDERS, key) ? (HOLDERS[key] ?? null) : null
}

/** Whether a mapping at this path has a secret in it. */
function holdsSecret(path: Path): boolean {
  return holderAt(path) !== null
}

/** How keys of a configuration look: passwords and tokens rarely do. */
const KEY_SHAPE = /^[A-Za-z][A-Za-z_-]{0,23}$/

/** Whether the value of this key, in the mapping at this path, is a secret. */
export function isSecretKey(parent: Path, key: string): boolean {
  return holderAt(parent)?.secret === key || SECRET_KEYS.includes(key)
}

/** An unknown key, and the mapping that it is in. */
export type UnknownKey = Readonly<{
  key: string
  /** A secret stands before it in the mapping. */
  isAfterSecret: boolean
  /** The mapping is written with `{ }`. */
  isFlow: boolean
  /** Nothing is written after the key. */
  isAlone: boolean
}>

/**
 * Whether an unknown key of the mapping at this path may be a part of a secret, and so must not be shown. In `{ }` a comma ends
 * a value without quotes, and the rest of a password becomes a key without a value, or with one if a colon follows; and an entry
 * without a colon is a key. Elsewhere somebody may have written the secret in place of its key.
 */
export function maySpillSecret(parent: Path, { key, isAfterSecret, isFlow, isAlone }: UnknownKey): boolean {
  if (holderAt(parent) === null) return isFlow && isAfterSecret
  return !KEY_SHAPE.test(key) || (isFlow && (isAlone || isAfterSecret))
}

/** Whether a key of the mapping at this path may be a part of a secret, because it does not belong there. */
export function mayBeSecret(path: Path, key: string): boolean {
  const holder = holderAt(path)
  return holder !== null && key !== holder.secret && !holder.harmless.includes(key)
}

/**
 * Whether a value at this path is a secret: passwords, tokens, external ids and the URLs of heartbeat and PostgreSQL; any other value in the
 * same mapping, except those of its harmless keys; and plain text in place of the mapping.
 */
export function isSecretPlace(path: Path): boolean {
  if (SECRET_KEYS.includes(path.findLast((part) => typeof part === 'string'))) return true
  if (holdsSecret(path)) return true
  return path.some((key, index) => holderAt(path.slice(0, index))?.harmless.includes(String(key)) === false)
}

/** Not secret, but allowed to come from a file: they are never shown, or only their host is. */
const UNSEEN: readonly RegExp[] = [/^mail(?:\.fallback)?\.smtp\.user$/, /^health\.dashboard\.url$/, /^control\.url$/]

/**
 * Whether a `${file:…}` is allowed at this path. A value from a file is a secret, while most values are shown: the name of a
 * monitor in the subject of every email, a path in every message about it.
 */
export function mayComeFromFile(path: Path): boolean {
  return isSecretPlace(path) || UNSEEN.some((place) => place.test(path.join('.')))
}

/** `password` of `password:hunter22`, where a space is missing: what may be shown of such a key. `null` for any other key. */
export function keyBeforeValue(key: string): string | null {
  return /^([A-Za-z]\w{0,31}):/.exec(key)?.[1] ?? null
}

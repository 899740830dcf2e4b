/*
 * Where the file holds secrets. A slip of the pen moves one to where no secret should be: a missing space makes it a part of
 * its key, a comma a key of its own, a forgotten key puts it one level up. Those places count too.
 */

type Path = readonly (string | number)[]

/** Mappings that hold a secret, by their last key: which that is, and the keys beside it. */
const HOLDERS: Readonly<Record<string, Readonly<{ secret: string; harmless: readonly string[] }>>> = {
  smtp: { secret: 'password', harmless: ['host', 'port', 'security', 'user', 'name', 'ca'] },
  heartbeat: { secret: 'url', harmless: ['every'] },
  web: { secret: 'token', harmless: ['listen', 'hosts'] },
  credentials: { secret: 'externalId', harmless: ['profile', 'roleArn', 'sessionName'] },
}

/** Wherever they were put. */
const SECRET_KEYS: readonly (string | number | undefined)[] = ['password', 'token', 'externalId']

function holderAt(path: Path) {
  const key = path.at(-1)
  // A recipient may have any name.
  if (typeof key !== 'string' || path.at(-2) === 'recipients') return null
  return Object.hasOwn(HOLDERS, key) ? (HOLDERS[key] ?? null) : null
}

/** Whether a mapping at this path holds a secret. */
export function holdsSecret(path: Path): boolean {
  return holderAt(path) !== null
}

/** Whether a key of the mapping at this path may be a piece of a secret: one that has no business there. */
export function mayBeSecret(path: Path, key: string): boolean {
  const holder = holderAt(path)
  return holder !== null && key !== holder.secret && !holder.harmless.includes(key)
}

/**
 * Whether a value at this path is a secret: passwords, tokens, external ids and the heartbeat's address, and whatever else
 * stands in the mappings that hold them, or as plain text in their place, and is none of their harmless keys.
 */
export function isSecretPlace(path: Path): boolean {
  if (SECRET_KEYS.includes(path.findLast((part) => typeof part === 'string'))) return true
  if (holdsSecret(path)) return true
  return path.some((key, index) => holderAt(path.slice(0, index))?.harmless.includes(String(key)) === false)
}

/** Where a value from a file may stand although no secret has to: nobody is shown it, or only the host of it. */
const UNSEEN: readonly RegExp[] = [/^mail(?:\.fallback)?\.smtp\.user$/, /^health\.dashboard\.url$/, /^control\.url$/]

/**
 * Whether a `${file:…}` may stand at this path. What comes from a file is a secret, and most of what the configuration says
 * is shown: a monitor's name is in the subject of each email, a path in each message that it is about.
 */
export function mayComeFromFile(path: Path): boolean {
  return isSecretPlace(path) || UNSEEN.some((place) => place.test(path.join('.')))
}

/** `password` of `password:hunter22`: what of a key may be shown when no space parts it from its value; else `null`. */
export function keyBeforeValue(key: string): string | null {
  return /^([A-Za-z]\w{0,31}):/.exec(key)?.[1] ?? null
}

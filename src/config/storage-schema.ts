import type * as z from 'zod'
import { isLoopback } from './endpoints.ts'
import { DAY, duration, HOUR, line, MAX_PATH, MINUTE, strict, url, whole } from './values.ts'

/** Longer names are cut by PostgreSQL without a word; pg-boss's schema has the same name with `_jobs` appended. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,49}$/
const URL_TEXT = 'the URL of one PostgreSQL database, such as `postgres://alibi@db.example.com/alibi`'

/** The modes that mean to pg 8.23 what their names say: it takes `prefer`, `require` and `verify-ca` for `verify-full`. */
const MODES: readonly string[] = ['verify-full', 'no-verify', 'disable']

const PostgresSchema = strict({
  url: url(URL_TEXT, isDatabaseUrl)
    .refine(isSaidOnce, 'expected host, port, user, password and database before the `?`')
    .refine(hasClearMode, 'expected sslmode=verify-full, no-verify or disable: the driver takes any other for verify-full')
    .describe(
      `The database, which several machines share. Treated as a secret, best kept in a file: "\${file:/run/secrets/postgres}". ` +
        'Over a network add `?sslmode=verify-full`, and `&sslrootcert=FILE` for an authority of your own.',
    ),
  schema: line('a schema name of lower-case letters, digits and `_`', { max: 50, pattern: SCHEMA })
    .prefault('alibi')
    .describe("Schema of Alibi's tables; pg-boss has one of its own, with `_jobs` appended. Created if it is missing."),
  poolSize: whole(3, 50).prefault(5).describe('Maximum number of connections of one machine, besides the one for notifications.'),
})

export const StorageSchema = strict({
  path: line('a path', { max: MAX_PATH }).optional().describe('The database file (SQLite). Default: `data/alibi.db`.'),
  postgres: PostgresSchema.optional().describe('A PostgreSQL database in place of the file: docs/fleet.md.'),
  keep: strict({
    runs: duration(MINUTE, 400 * DAY)
      .prefault('7d')
      .describe('Single runs; afterwards only hourly totals are kept.'),
    hours: duration(HOUR, 4000 * DAY)
      .prefault('400d')
      .describe('Hourly totals.'),
  })
    .prefault({})
    .describe('Retention. Incidents, their runs and the ledger are never deleted.'),
})

export type Postgres = z.output<typeof PostgresSchema>

/** A URL of several hosts is none to the driver. */
function isDatabaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, pathname, hash } = new URL(text)
  return /^postgres(?:ql)?:$/.test(protocol) && hostname !== '' && /^\/[^/]+$/.test(pathname) && hash === ''
}

/** The driver would let these take the place of what stands before the `?`, and of what we show and examine. */
function isSaidOnce(text: string): boolean {
  const given = URL.canParse(text) ? [...new URL(text).searchParams.keys()] : []
  return !given.some((key) => ['host', 'port', 'user', 'password', 'database'].includes(key))
}

function hasClearMode(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { searchParams } = new URL(text)
  const mode = searchParams.get('sslmode')
  return mode === null || MODES.includes(mode) || searchParams.get('uselibpqcompat') === 'true'
}

/** What must never be shown of the URL: the password, as it is written there and as it is. */
export function databaseSecrets(url: string): readonly string[] {
  if (!URL.canParse(url)) return []
  const { password } = new URL(url)
  return password === '' ? [] : [password, decoded(password)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Whether passwords and data cross a network in plain text. */
export function isUnencrypted({ url }: Postgres): boolean {
  const { hostname, searchParams } = new URL(url)
  const mode = searchParams.get('sslmode') ?? (searchParams.get('ssl') === 'true' ? 'require' : 'disable')
  return !isLoopback(hostname) && ['disable', 'allow', 'prefer'].includes(mode)
}

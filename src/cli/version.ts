import { readFileSync } from 'node:fs'

/** The version in package.json, which has the same relative path from `dist` and from `src`. */
export const VERSION: string = String(
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: unknown }).version,
)

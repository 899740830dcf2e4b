import { readFileSync } from 'node:fs'

/** The version in package.json, which stands beside `dist` and `src` alike. */
export const VERSION: string = String(
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: unknown }).version,
)

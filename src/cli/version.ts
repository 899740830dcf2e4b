import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'

/** Found by looking upwards: the built program has other folders than the source. */
const MANIFEST = findPackageJSON('..', import.meta.url) ?? 'package.json'

/** The version in package.json. */
export const VERSION: string = String((JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: unknown }).version)

/** The program as it is built: what starts another Alibi starts this. */
export const PROGRAM: string = join(dirname(MANIFEST), 'dist/main.js')

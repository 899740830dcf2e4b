/*
 * `npm run build`: makes `dist/main.js`, and a chunk for whatever is loaded later. The SDK and zod are bundled because most of what
 * they bring is never used: it took almost half of the start, and eight megabytes for as long as Alibi runs.
 */
import { join } from 'node:path'
import { build } from 'rolldown'
import { thirdPartyLicenses } from './licenses.ts'
import { keepTwoBuilds } from './two-builds.ts'

const ROOT = join(import.meta.dirname, '..')

/** Loaded as they are installed: they gain nothing from being bundled, or are loaded only where a configuration needs them. */
const AS_INSTALLED = [
  'node-cron',
  'nodemailer',
  'pg',
  'pg-boss',
  'postal-mime',
  'prom-client',
  'smtp-server',
  'winston',
  'winston-daily-rotate-file',
]

await build({
  cwd: ROOT,
  input: { main: 'src/main.ts' },
  platform: 'node',
  tsconfig: join(ROOT, 'tsconfig.json'),
  external: AS_INSTALLED,
  // The SDK's packages come in both forms. Only of ES modules can be left out what nobody uses.
  resolve: { mainFields: ['module', 'main'] },
  plugins: [thirdPartyLicenses(), keepTwoBuilds()],
  output: {
    dir: join(ROOT, 'dist'),
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    comments: { legal: true, annotation: false, jsdoc: false },
  },
})

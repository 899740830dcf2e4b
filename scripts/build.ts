/*
 * `npm run build`: makes `dist/main.js`, and a chunk for whatever is loaded later. The SDK and zod are bundled because most of what
 * they bring is never used: it took almost half of the start, and eight megabytes for as long as Alibi runs.
 */
import http from 'node:http'
import { join } from 'node:path'
import { build, type Plugin } from 'rolldown'
import { thirdPartyLicenses } from './licenses.ts'
import { keepTwoBuilds } from './two-builds.ts'

const ROOT = join(import.meta.dirname, '..')

/** Loaded as they are installed: they gain nothing from being bundled, or are loaded only where a configuration needs them. */
const AS_INSTALLED = ['pg', 'pg-boss']

/** To import `node:http` as an ES module is to read each of its exports, and three of them load all of undici when they are read: 14 MB. */
function leanHttp(): Plugin {
  const names = Object.keys(http).filter((name) => !['WebSocket', 'CloseEvent', 'MessageEvent'].includes(name))
  const id = '\0lean-http'
  return {
    name: 'lean-http',
    resolveId: (source) => (/^(node:)?http$/.test(source) ? id : null),
    load: (loaded) =>
      loaded === id
        ? [
            "const http = process.getBuiltinModule('node:http')",
            'export default http',
            ...names.map((name) => `export const ${name} = http.${name}`),
          ].join('\n')
        : null,
  }
}

await build({
  cwd: ROOT,
  input: { main: 'src/main.ts' },
  platform: 'node',
  tsconfig: join(ROOT, 'tsconfig.json'),
  external: AS_INSTALLED,
  // The SDK's packages come in both forms. Only of ES modules can be left out what nobody uses.
  resolve: { mainFields: ['module', 'main'] },
  plugins: [leanHttp(), thirdPartyLicenses(), keepTwoBuilds()],
  output: {
    dir: join(ROOT, 'dist'),
    format: 'esm',
    sourcemap: true,
    // V8 reads every letter at each start, and keeps them: with one beyond Latin-1 all of a chunk has two bytes a letter. An internal error is
    // shown with its places in the source, by the maps (src/adapters/source-stack.ts).
    minify: {
      compress: { keepNames: { function: true, class: true } },
      mangle: { keepNames: true },
      codegen: { removeWhitespace: true, asciiOnly: true },
    },
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    comments: { legal: true, annotation: false, jsdoc: false },
  },
})

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

/** What each floor may import beside itself. No arrow points up, and siblings do not meet. `node` = built-ins, `npm` = packages. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  ports: ['domain'],
  schedule: ['domain', 'ports', 'npm'],
  config: ['domain', 'ports', 'schedule', 'npm', 'node:fs', 'node:fs/promises', 'node:path', 'node:crypto', 'node:url'],
  email: ['domain', 'ports', 'npm'],
  daemon: ['domain', 'ports', 'schedule', 'config', 'email'],
  simulate: ['domain', 'ports', 'schedule', 'config', 'email', 'daemon', 'npm'],
  adapters: ['domain', 'ports', 'schedule', 'config', 'node', 'npm'],
  web: ['domain', 'ports', 'schedule', 'config', 'email', 'node', 'npm'],
  sandbox: ['domain', 'ports', 'config', 'email', 'node', 'npm'],
}
/** Files of the top floor know everything but the tests: `cli/`, and what lies in `src/` itself (`main.ts`, `wire.ts`, …). */
const TOP = ['cli', 'main', 'wire', 'bench']

/** Time, randomness and the world: a port's business. Where it is forbidden they arrive as arguments. */
const AMBIENT =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bperformance\b\s*\.|\bprocess\s*\.|\bcrypto\s*\.|\bconsole\s*\.|\bfetch\s*\(|\bAbortSignal\.timeout\b|\bglobalThis\b|\bTemporal\.Now\b/
const NO_AMBIENT = ['domain', 'schedule', 'daemon', 'email']

const floorOf = (file: string) => (relative('src', file).split('/')[0] ?? '').replace(/\.tsx?$/, '')

/** Static, bare, re-exporting and dynamic imports, and `import('…')` types, over several lines too. */
const importsOf = (source: string) =>
  [
    ...source.matchAll(
      /(?:^\s*import\s*|^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*|\b(?:import|require)\s*\(\s*)['"`]([^'"`]+)['"`]/gm,
    ),
  ].map((match) => match[1] ?? '')

function targetOf(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier.startsWith('node:') ? specifier : 'npm'
  const target = join(dirname(file), specifier)
  return target.startsWith('src/') ? floorOf(target) : `outside of src: ${target}`
}

/** Comments say what they like; the code must not. Strings stay: an import is one. */
const withoutComments = (source: string) => source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1')

function faultsOf(file: string, text: string): string[] {
  const floor = floorOf(file)
  const source = withoutComments(text)
  const faults: string[] = []
  const may = MAY[floor]
  if (may === undefined && !TOP.includes(floor)) faults.push(`${floor} is on no floor`)
  for (const specifier of importsOf(source)) {
    const target = targetOf(file, specifier)
    const allowed =
      may === undefined
        ? !target.startsWith('outside')
        : target === floor || may.includes(target) || (target.startsWith('node:') && may.includes('node'))
    if (!allowed) faults.push(`${floor} imports ${specifier}`)
  }
  const ambient = NO_AMBIENT.includes(floor) ? AMBIENT.exec(source) : null
  if (ambient !== null) faults.push(`${floor} uses ${ambient[0]}`)
  if (floor === 'domain' && /\bawait\b|\basync\b/.test(source)) faults.push('domain waits')
  if (/\b(?:utils?|helpers?|managers?|services?|types)\.tsx?$/.test(file)) faults.push('a file is a noun of its own')
  if (/\/index\.tsx?$/.test(file)) faults.push('no barrels')
  if (/\b(?:TODO|FIXME|XXX)\b/.test(text)) faults.push('something was left for later')
  return faults
}

const files = globSync('src/**/*.{ts,tsx}', { exclude: ['**/*.test.ts', '**/*.test.tsx'] })

test('there is something to look at', () => expect(files.length).toBeGreaterThan(10))
test.for(files)('%s imports only downward and knows no ambient world', (file) => {
  expect(faultsOf(file, readFileSync(file, 'utf8'))).toEqual([])
})

describe('the check itself', () => {
  test.for<[string, string, string]>([
    ['an upward import', 'src/domain/a.ts', "import { b } from '../ports/store.ts'"],
    ['an upward import of a type', 'src/ports/a.ts', "import type { B } from '../config/config.ts'"],
    ['an import type in the middle', 'src/ports/a.ts', "export type A = import('../daemon/run.ts').B"],
    ['a sibling', 'src/daemon/a.ts', "import { b } from '../adapters/clock.ts'"],
    ['another sibling', 'src/adapters/a.ts', "import { b } from '../web/server.ts'"],
    ['the sandbox from an adapter', 'src/adapters/aws/a.ts', "import { b } from '../../sandbox/aws.ts'"],
    ['the configuration from a schedule', 'src/schedule/a.ts', "import { b } from '../config/config.ts'"],
    ['the email from the config', 'src/config/a.ts', "import { b } from '../email/text.ts'"],
    ['the daemon from the email', 'src/email/a.ts', "import { b } from '../daemon/run.ts'"],
    ['an adapter from the simulator', 'src/simulate/a.ts', "import { b } from '../adapters/clock.ts'"],
    ['the top from the web', 'src/web/a.tsx', "import { b } from '../wire.ts'"],
    ['the tests from the sources', 'src/simulate/a.ts', "import { b } from '../../test/fakes/store.ts'"],
    ['the tests from the top', 'src/wire.ts', "import { b } from '../test/fakes/store.ts'"],
    ['npm over several lines', 'src/daemon/a.ts', "import {\n  a,\n  b,\n} from 'hono'"],
    ['npm in the domain', 'src/domain/a.ts', "import { z } from 'zod'"],
    ['a bare import of a built-in', 'src/daemon/a.ts', "import 'node:fs'"],
    ['a built-in in the email', 'src/email/a.ts', "import { readFileSync } from 'node:fs'"],
    ['a built-in in the config that reaches further than files', 'src/config/a.ts', "import { request } from 'node:http'"],
    ['a re-export', 'src/domain/a.ts', "export { b } from '../ports/store.ts'"],
    ['a star re-export', 'src/domain/a.ts', "export * from '../ports/store.ts'"],
    ['a dynamic import', 'src/daemon/a.ts', "const b = await import('../adapters/clock.ts')"],
    ['a dynamic import in a template', 'src/daemon/a.ts', 'const b = await import(`../adapters/clock.ts`)'],
    ['the clock in the domain', 'src/domain/a.ts', 'const now = Date.now()'],
    ['a new Date in the email', 'src/email/a.ts', 'const now = new Date()'],
    ['randomness in the daemon', 'src/daemon/a.ts', 'const r = Math.random()'],
    ['a raw timer in the daemon', 'src/daemon/a.ts', 'setTimeout(run, 5)'],
    ['the environment in the daemon', 'src/daemon/a.ts', "const home = process.env['HOME']"],
    ['a deadline of its own in the daemon', 'src/daemon/a.ts', 'const signal = AbortSignal.timeout(5)'],
    ['the console in the daemon', 'src/daemon/a.ts', "console.log('here')"],
    ['waiting in the domain', 'src/domain/a.ts', 'export async function a() { await b() }'],
    ['a room that nobody planned', 'src/shared/a.ts', ''],
    ['a file without a noun', 'src/domain/utils.ts', ''],
    ['a barrel', 'src/domain/index.ts', ''],
    ['something left for later', 'src/domain/a.ts', '// TODO: think'],
  ])('catches %s', ([, file, source]) => expect(faultsOf(file, source)).toHaveLength(1))

  test.for<[string, string, string]>([
    ['a date that is an argument', 'src/domain/a.ts', 'const text = new Date(now).toISOString()'],
    ['a comment about the clock', 'src/domain/a.ts', '/** Never Date.now() */\n// nor await\nexport const a = 1'],
    ['its own floor', 'src/domain/a.ts', "import { b } from './b.ts'"],
    ['the email in the daemon', 'src/daemon/a.ts', "import { b } from '../email/text.ts'"],
    ['the daemon in the simulator', 'src/simulate/a.ts', "import { b } from '../daemon/run.ts'"],
    ['built-ins and npm in an adapter', 'src/adapters/sqlite/a.ts', "import 'node:fs'\nimport { b } from 'winston'"],
    ['files in the config', 'src/config/a.ts', "import { readFileSync } from 'node:fs'"],
    ['everything at the top', 'src/wire.ts', "import './adapters/clock.ts'\nimport './web/server.ts'\nimport 'node:fs'"],
    ['everything in a verb', 'src/cli/run.ts', "import '../sandbox/aws.ts'\nprocess.exitCode = 1"],
  ])('lets %s pass', ([, file, source]) => expect(faultsOf(file, source)).toEqual([]))
})

import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'

/*
 * What is packed is what people install: nothing is missing, nothing else is in it, and it runs from an empty folder with its
 * production dependencies only.
 */

const INSTALL_MS = 240_000
const DEMO_MS = 100_000
const REMOVE_MS = 60_000
/** What npm says when there is no way to the registry, and what it has kept does not suffice. */
const NO_REGISTRY = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED|ERR_SOCKET_TIMEOUT|network/

const run = promisify(execFile)
const scratch = mkdtempSync(join(tmpdir(), 'alibi-package-'))
/** Thousands of files: on a busy disk it takes its time. */
afterAll(() => rm(scratch, { recursive: true, force: true }), REMOVE_MS)

type Lock = Readonly<{
  packages: Readonly<
    Record<
      string,
      Readonly<{ version: string; dev?: boolean; optional?: boolean; hasInstallScript?: boolean; integrity?: string }>
    >
  >
}>
type Packed = Readonly<{ tarball: string; paths: readonly string[] }>

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string
  engines: { node: string }
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`, NO_COLOR: '1' }

let packed: Promise<Packed> | null = null

/** Of `dist` as it was built for these tests: scripts would build it under the feet of the others. */
function pack(): Promise<Packed> {
  packed ??= run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], { env }).then(({ stdout }) => {
    const answer = JSON.parse(stdout) as unknown
    const [one] = Object.values(answer as object) as { filename: string; files: { path: string }[] }[]
    if (one === undefined) throw new Error(`npm pack answered ${stdout}`)
    return { tarball: join(scratch, one.filename), paths: one.files.map(({ path }) => path) }
  })
  return packed
}

describe('what is packed', () => {
  test('holds what it needs', async () => {
    const { paths } = await pack()
    expect(paths).toEqual(
      expect.arrayContaining([
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'config/alibi.schema.json',
        'config/alibi.yaml',
        'config/scenario.schema.json',
        'config/cloudformation/alibi-role.yaml',
        'config/grafana/alibi.json',
        'config/prometheus/alibi.rules.yml',
        'config/scenarios/aws-speaks-late.yaml',
        'config/systemd/alibi.service',
        'dist/main.js',
        'dist/third-party-licenses.txt',
        'docs/configuration.md',
        'docs/operating.md',
        'ecosystem.config.js',
        'npm-shrinkwrap.json',
        'package.json',
      ]),
    )
    const scenarios = globSync('config/scenarios/**/*.yaml')
    expect(paths.filter((path) => path.startsWith('config/scenarios/')).toSorted()).toEqual(scenarios.toSorted())
  })

  test('and nothing else', async () => {
    const { paths } = await pack()
    const rooms =
      /^(?:dist\/main\.js(?:\.map)?|dist\/chunks\/[\w-]+\.js(?:\.map)?|config\/.+\.(?:yaml|yml|json|service)|docs\/.+\.(?:md|png))$/
    const alone = ['CHANGELOG.md', 'LICENSE', 'README.md', 'ecosystem.config.js', 'npm-shrinkwrap.json', 'package.json']
    alone.push('dist/chunks.json', 'dist/third-party-licenses.txt')
    expect(paths.filter((path) => !rooms.test(path) && !alone.includes(path))).toEqual([])
    expect(paths.filter((path) => /\.test\.|password|\.db|\.eml/.test(path))).toEqual([])
  })
})

describe('what it depends on', () => {
  const { packages } = JSON.parse(readFileSync('npm-shrinkwrap.json', 'utf8')) as Lock
  const production = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)

  test('the production tree is this and no more (`vitest -u` after a dependency was chosen)', async ({ expect }) => {
    const names = production.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
    await expect(`${[...new Set(names)].toSorted().join('\n')}\n`).toMatchFileSnapshot('golden/production-tree.txt')
  })

  test('nothing in it runs a script when it is installed, and each is what it was when it was locked', () => {
    expect(production.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path)).toEqual([])
    expect(production.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true).map(([path]) => path)).toEqual([])
  })

  test('there is one lock: what is packed with Alibi is what a clone installs', () => {
    expect(readlinkSync('package-lock.json')).toBe('npm-shrinkwrap.json')
  })

  test('each is of an exact version', () => {
    const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([])
  })
})

test(
  'unpacked, it installs the locked tree by its hashes, and runs',
  async ({ skip }) => {
    const { tarball } = await pack()
    const unpacked = join(scratch, 'unpacked')
    await mkdir(unpacked, { recursive: true })
    await run('tar', ['xzf', tarball, '--strip-components=1', '-C', unpacked])
    const options = ['--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
    try {
      await run('npm', ['ci', ...options], { cwd: unpacked, env, timeout: INSTALL_MS })
    } catch (error) {
      const said = String((error as { stderr?: string }).stderr ?? error)
      if (NO_REGISTRY.test(said)) skip('the registry cannot be reached, and what npm has kept does not suffice')
      throw error
    }
    expect(await unlikeTheLock(unpacked)).toEqual([])
    const { stdout } = await run(process.execPath, [join(unpacked, 'dist/main.js'), '--version'], { cwd: unpacked, env })
    expect(stdout.trim()).toBe(manifest.version)
  },
  INSTALL_MS,
)

/** What is installed beneath a folder and is not what the shrinkwrap says, and what it says that is not there. */
async function unlikeTheLock(folder: string): Promise<readonly string[]> {
  const read = async (path: string) => JSON.parse(await readFile(join(folder, path), 'utf8'))
  const { packages } = (await read('npm-shrinkwrap.json')) as Lock
  const wanted = Object.entries(packages).filter(([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true)
  const wrong = wanted.map(async ([path, { version }]) => {
    const found = await read(`${path}/package.json`).then(
      (manifest: { version: string }) => manifest.version,
      () => 'nothing',
    )
    return found === version ? [] : [`${path}: ${found} in place of ${version}`]
  })
  const known = new Set(Object.keys(packages))
  const there = globSync('node_modules/{*,@*/*}/package.json', { cwd: folder }).map((path) => dirname(path))
  return [...(await Promise.all(wrong)).flat(), ...there.filter((path) => !known.has(path)).map((path) => `${path}: unknown`)]
}

test(
  'installed into an empty folder, with production dependencies only, it says its version and plays the demo',
  async ({ skip }) => {
    const { tarball } = await pack()
    const prefix = join(scratch, 'prefix')
    const empty = join(scratch, 'empty')
    await mkdir(empty, { recursive: true })
    const options = ['--global', '--prefix', prefix, '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund']
    try {
      await run('npm', ['install', ...options, tarball], { cwd: empty, env, timeout: INSTALL_MS })
    } catch (error) {
      const said = String((error as { stderr?: string }).stderr ?? error)
      if (NO_REGISTRY.test(said)) skip('the registry cannot be reached, and what npm has kept does not suffice')
      throw error
    }
    const installed = await readdir(join(prefix, 'lib/node_modules/alibi/node_modules'))
    expect(Object.keys(manifest.devDependencies).filter((name) => installed.includes(name))).toEqual([])

    const alibi = join(prefix, 'bin/alibi')
    const version = await run(alibi, ['--version'], { cwd: empty, env })
    expect(version.stdout.trim()).toBe(manifest.version)
    expect(version.stderr).toBe('')

    const schema = await run(alibi, ['schema'], { cwd: empty, env })
    expect(JSON.parse(schema.stdout)).toEqual(JSON.parse(readFileSync('config/alibi.schema.json', 'utf8')))
    const ofScenarios = await run(alibi, ['schema', '--scenario'], { cwd: empty, env })
    expect(JSON.parse(ofScenarios.stdout)).toEqual(JSON.parse(readFileSync('config/scenario.schema.json', 'utf8')))

    const demo = await run(alibi, ['demo', '--keep', join(empty, 'kept')], { cwd: empty, env, timeout: DEMO_MS })
    expect(demo.stdout).toMatch(/recovered/i)
    expect(globSync('kept/**/*.eml', { cwd: empty }).length).toBeGreaterThan(1)
  },
  INSTALL_MS + DEMO_MS,
)

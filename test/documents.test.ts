import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Command } from 'commander'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { policiesFor } from '../src/cli/iam-policy.ts'
import { build, main } from '../src/cli/program.ts'
import { formatFaults } from '../src/config/fault.ts'
import { parseConfig } from '../src/config/file.ts'
import { configSchema } from '../src/config/json-schema.ts'
import { serviceNamed } from '../src/domain/catalogue.ts'
import { readingOf, readingOperations } from '../src/domain/only-reads.ts'
import { OPERATIONS } from '../src/domain/probe.ts'

/*
 * Nothing stands in a document that was not run or parsed: configuration by the daemon's own reader, scenarios by the real
 * engine, commands by the real command line, links by looking.
 */

const DOCUMENTS = [
  ...globSync('*.md'),
  ...globSync('docs/**/*.md'),
  ...globSync('bench/*.md'),
  'test/README.md',
  'test/mutants/README.md',
].toSorted()
const texts = new Map(DOCUMENTS.map((name) => [name, readFileSync(name, 'utf8')]))
const scratch = mkdtempSync(join(tmpdir(), 'alibi-documents-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

type Block = Readonly<{ file: string; line: number; language: string; text: string }>

const blocks = [...texts].flatMap(([file, text]) => blocksOf(file, text))
const of = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language))
const named = <B extends Block>(some: readonly B[]) => some.map((block) => [`${block.file}:${block.line}`, block] as const)

function blocksOf(file: string, text: string): Block[] {
  const found: Block[] = []
  let open: { language: string; line: number; lines: string[] } | null = null
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^ *```(\S*)/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === null) open = { language: fence[1] ?? '', line: index + 1, lines: [] }
    else {
      found.push({ file, line: open.line, language: open.language, text: open.lines.join('\n') })
      open = null
    }
  }
  expect(open, `${file}: a block is not closed`).toBeNull()
  return found
}

test('the documents are there, and every block is of a language that is tested here', () => {
  expect(DOCUMENTS).toEqual(
    expect.arrayContaining([
      'ARCHITECTURE.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'README.md',
      'docs/comparison.md',
      'docs/configuration.md',
      'docs/faq.md',
      'docs/operating.md',
      'docs/reference.md',
      'docs/rules.md',
      'docs/security.md',
      'docs/silence.md',
    ]),
  )
  const tested = ['sh', 'yaml', 'json', 'mermaid', 'text', '']
  expect(blocks.filter(({ language }) => !tested.includes(language))).toEqual([])
})

describe('configuration and scenarios', () => {
  const KEYS = Object.keys((configSchema() as { properties: object }).properties)
  const isConfig = ({ text }: Block) => Object.keys(parse(text) ?? {}).every((key) => KEYS.includes(key))
  const isScenario = ({ text }: Block) => 'expect' in (parse(text) ?? {})
  const yaml = of('yaml')

  test.for(named(yaml.filter(isConfig)))('%s is a configuration that loads', async ([, { text }]) => {
    const { recipients, mail } = parse(text) as Record<string, unknown>
    const rest = [
      ...(recipients === undefined ? ['recipients: { oncall: { to: [oncall@example.com] } }'] : []),
      ...(mail === undefined ? ['mail: { from: Alibi <alibi@example.com> }'] : []),
    ]
    const whole = `${withSecrets(text)}\n${rest.join('\n')}\n`
    const loaded = await parseConfig(whole, 'alibi.yaml', {}, { cwd: scratch })
    expect(loaded.ok ? '' : formatFaults(loaded.faults, 'alibi.yaml')).toBe('')
  })

  test.for(named(yaml.filter(isScenario)))('%s is a scenario that comes out as it says', async ([name, { text }]) => {
    const file = join(scratch, `${name.replace(/\W/g, '-')}.yaml`)
    writeFileSync(file, text)
    const said: string[] = []
    const io = { out: (line: string) => void said.push(line), err: (line: string) => void said.push(line), env: {} }
    const code = await main(['simulate', file], { ...io, isTty: false, columns: null })
    expect({ code, said: code === 0 ? '' : said.join('\n') }).toEqual({ code: 0, said: '' })
  })

  test.for(named(yaml.filter((block) => !isConfig(block) && !isScenario(block))))('%s is YAML', ([, { text }]) => {
    expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([])
    expect([['scrape_configs'], ['containers']], 'of a program that is known here').toContainEqual(Object.keys(parse(text)))
  })

  test('there are some of each', () => {
    expect(yaml.filter(isConfig).length).toBeGreaterThan(5)
    expect(yaml.filter(isScenario).length).toBeGreaterThan(1)
  })

  /** Every `${file:…}` leads to a file that is there, with what fits its name. */
  function withSecrets(text: string): string {
    return text.replaceAll(/\$\{file:([^}]+)\}/g, (_, path: string) => {
      const name = basename(path)
      writeFileSync(join(scratch, name), name === 'heartbeat' ? 'https://hc.example/3f9a' : '0123456789abcdef0123')
      return `\${file:${name}}`
    })
  }
})

test('the proxies in docs/operating.md ask where Alibi listens, and remove the path of `web.url`', () => {
  const ofOperating = blocks.filter(({ file }) => file === 'docs/operating.md')
  const given = ofOperating.map(({ text }) => /^ *url: (https:\S+)$/m.exec(text)?.[1]).find((url) => url !== undefined)
  const url = new URL(given ?? 'none:')
  const [nginx = '', caddy = '', ...more] = ofOperating
    .map(({ text }) => text)
    .filter((text) => text.includes('127.0.0.1:9464') && text.includes('proxy'))
  expect(more).toEqual([])
  for (const proxy of [nginx, caddy]) expect(proxy).toContain(url.hostname)
  expect(nginx).toContain(`location ${url.pathname}/ {\n    proxy_pass http://127.0.0.1:9464/;`)
  expect(nginx).toContain('proxy_set_header Host $http_host;')
  expect(caddy).toContain(`handle_path ${url.pathname}/* {\n    reverse_proxy 127.0.0.1:9464`)
})

test.for(named(of('json')))('%s is JSON', ([, { text }]) => {
  expect(() => JSON.parse(text)).not.toThrow()
})

test("the README's email is the one that is sent, from its first line on", () => {
  const shown = of('').find(({ file }) => file === 'README.md')?.text ?? 'nothing'
  expect(readFileSync('test/golden/failing-one-of-eleven.txt', 'utf8').startsWith(`${shown}\n`)).toBe(true)
})

test("the policy in docs/operating.md is what `alibi iam-policy` prints for the README's configuration", async () => {
  const readme = blocks.filter(({ file }) => file === 'README.md')
  const operating = blocks.filter(({ file }) => file === 'docs/operating.md')
  const config = join(scratch, 'readme.yaml')
  writeFileSync(config, readme.find(({ text }) => text.includes('operations:'))?.text ?? '')
  const said: string[] = []
  const io = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text), env: {} }
  expect(await main(['iam-policy', '--config', config], { ...io, isTty: false, columns: null })).toBe(0)
  expect(operating.find(({ language }) => language === 'json')?.text).toBe(said.join('\n'))
})

describe('commands', () => {
  const scripts = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts
  /** Commands that a shell block may use beside our own; a misspelt one is none of them. */
  const TOOLS = [
    'aws',
    'cd',
    'curl',
    'git',
    'install',
    'journalctl',
    'mkdir',
    'mv',
    'node',
    'npm',
    'npx',
    'pm2',
    'sqlite3',
    'sudo',
    'systemctl',
    'umask',
    'useradd',
    'vitest',
  ]
  /** In prose, a command may be named without its arguments. */
  type Line = Readonly<{ at: string; words: readonly string[]; isWhole: boolean }>

  const inBlocks = of('sh').flatMap(({ file, line, text }) =>
    text
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((one): Line => ({ at: `${file}:${line}: ${one.trim()}`, words: words(one), isWhole: true })),
  )
  const inText = [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/`((?:npx )?(?:alibi|npm run|npm|pm2|vitest) [^`\n]+)`/g)].map(
      ([, one = '']): Line => ({ at: `${file}: ${one}`, words: words(one), isWhole: false }),
    ),
  )
  const lines = [...inBlocks, ...inText]
    .filter((line) => line.words.length > 0)
    .map(({ at, words: all, isWhole }) => [at, withoutPrefix(all), isWhole] as const)

  test('there are some', () => expect(lines.length).toBeGreaterThan(30))

  test.for(lines)('%s', async ([, [tool = '', ...args], isWhole]) => {
    expect([...TOOLS, 'alibi']).toContain(tool)
    if (tool === 'alibi') expect(await understood(args, isWhole)).toBe('')
    if (tool === 'npm') expect(npmRuns(args)).toBe('')
    const files = args.filter((arg) => /^(?:config|docs|src|test|bench)\/|^ecosystem/.test(arg))
    // What a document writes into the reader's own configuration directory is the sample's place.
    for (const file of files) expect(globSync(file), file).not.toEqual([])
  })

  test.for([
    [['prob'], 'unknown command'],
    [['check', '--life'], 'unknown option'],
    [['silence', 'add', '--for', '2h'], 'required option'],
    [['explain'], 'missing required argument'],
  ] as const)('the check itself finds that alibi %j is wrong', async ([args, why]) => {
    expect(await understood(args, true)).toContain(why)
  })

  test("CI runs the README's two commands on a clean checkout", () => {
    const ci = readFileSync('.ci/run', 'utf8')
    for (const command of ['npm ci', 'npm run demo', 'npm test']) expect(ci).toContain(command)
  })

  /** The real command line, with commands that do nothing: what it objects to in the arguments, if anything. */
  async function understood(args: readonly string[], isWhole: boolean): Promise<string> {
    const said: string[] = []
    const io = { out: () => {}, err: (text: string) => void said.push(text), env: {}, isTty: false, columns: null }
    const program = build(io, () => {})
    idle(program)
    const clean = args.flatMap((arg) => alternatives(arg))
    try {
      await program.parseAsync(clean, { from: 'user' })
    } catch (error) {
      const { code, exitCode } = error as { code?: string; exitCode?: number }
      const isShort = code === 'commander.missingArgument' || code === 'commander.missingMandatoryOptionValue'
      if (exitCode !== 0 && (isWhole || !isShort)) return said.join('\n') || String(error)
    }
    return ''
  }

  function idle(command: Command): void {
    for (const inner of command.commands) idle(inner)
    if (command.commands.length === 0) command.action(() => {})
  }

  /**
   * `add|list|remove` stands for any of them, `[…]` and `…` for what may follow, `[--to NAME]` for an option that may be left
   * out.
   */
  function alternatives(arg: string): string[] {
    if (/^…|^\.\.\.|^[<>|]|^\[(?!-)/.test(arg)) return []
    const bare = arg.replace(/^\[/, '').replace(/\]$/, '')
    return [bare.replace(/…$/, '').split('|')[0] ?? bare]
  }

  function npmRuns([verb, ...args]: readonly string[]): string {
    if (verb === 'run') {
      const script = args.find((arg) => !arg.startsWith('-')) ?? ''
      return script in scripts ? '' : `package.json has no script ${script}`
    }
    if ((verb === 'start' || verb === 'test') && !(verb in scripts)) return `package.json has no script ${verb}`
    return ['start', 'test', 'ci', 'install', 'pack', 'audit', 'ls', 'root'].includes(verb ?? '') ? '' : `npm ${verb}`
  }

  /** Words of a command, quotes resolved, without a comment and what is piped. */
  function words(line: string): string[] {
    const found: string[] = []
    for (const [, double, single, plain] of line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)) {
      const word = double ?? single ?? plain ?? ''
      if (plain === '#' || plain === '>' || plain === '&&') break
      found.push(word)
    }
    return found
  }

  /** What runs another: variables, npx, sudo. */
  function withoutPrefix(all: readonly string[]): readonly string[] {
    const [first = '', ...rest] = all
    if (/^[A-Z_]+=/.test(first) || first === 'npx') return withoutPrefix(rest)
    if (first === 'sudo') return rest.slice(2)
    return all
  }
})

describe('links', () => {
  const links = [...texts].flatMap(([file, text]) =>
    [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => [file, to] as const),
  )

  test('there are some', () => expect(links.length).toBeGreaterThan(20))

  test.for(links.filter(([, to]) => !/^https:/.test(to)))('%s → %s', ([file, to]) => {
    const [path = '', anchor] = to.split('#')
    const target = path === '' ? file : join(dirname(file), path)
    expect(existsSync(target), `${target} does not exist`).toBe(true)
    if (anchor === undefined) return
    expect(anchorsOf(readFileSync(target, 'utf8'))).toContain(anchor)
  })

  test('no link leads to an address that is not encrypted', () => {
    expect(links.filter(([, to]) => /^http:/.test(to))).toEqual([])
  })

  /** As GitHub makes them. */
  function anchorsOf(text: string): string[] {
    return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
  }
})

describe('what is named', () => {
  const metrics = new Set(readFileSync('src/web/instruments.ts', 'utf8').match(/\balibi_[a-z_]+/g))

  test.for([...texts].map(([file, text]) => [file, text.match(/\balibi_[a-z_]+/g) ?? []] as const))(
    'every metric in %s is one',
    ([, names]) => expect(names.filter((name) => !metrics.has(name))).toEqual([]),
  )

  test.for([...texts].map(([file, text]) => [file, text] as const))('every test and source file in %s is there', ([, text]) => {
    const files = [...text.matchAll(/`((?:src|test|bench|config|docs|\.ci)\/[\w./*-]+)`/g)].map(([, path = '']) => path)
    expect(files.filter((path) => globSync(path.replace(/\/$/, '')).length === 0)).toEqual([])
  })

  /** A row of rooms names one file whole, and those beside it by their names. */
  const rooms = [...(texts.get('ARCHITECTURE.md') ?? '').matchAll(/^\| ((?:`[\w./-]+` ?)+)\|/gm)].map(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )

  test('every room in ARCHITECTURE.md is there, and no file of the domain without one', () => {
    const files = rooms.flatMap(([first = '', ...rest]) => [first, ...rest.map((name) => join(dirname(first), name))])
    expect(files.filter((file) => !existsSync(file))).toEqual([])
    const domain = globSync('src/domain/*.ts', { exclude: ['**/*.test.ts'] })
    expect(domain.filter((file) => !files.includes(file))).toEqual([])
  })

  test('the README names every command', () => {
    const program = build({ out: () => {}, err: () => {}, env: {}, isTty: false, columns: null }, () => {})
    const readme = texts.get('README.md') ?? ''
    const commands = readme.slice(readme.indexOf('## Commands'), readme.indexOf('## More'))
    expect(program.commands.map((command) => command.name()).filter((name) => !commands.includes(name))).toEqual([])
  })

  test('ARCHITECTURE.md and the README stay short', () => {
    expect((texts.get('ARCHITECTURE.md') ?? '').split('\n').length).toBeLessThanOrEqual(150)
    expect((texts.get('README.md') ?? '').split(/\s+/).length, 'five minutes at 250 words a minute').toBeLessThan(1500)
  })
})

test.for(
  of('sh')
    .filter(({ text }) => /VACUUM INTO|node:sqlite/.test(text))
    .map(({ text }) => [text.includes('sqlite3') ? 'by sqlite3' : 'by Node alone', text] as const),
)('the backup %s is whole while the daemon writes, and its owner alone may read it', ([how, text], { skip }) => {
  if (how === 'by sqlite3' && spawnSync('sqlite3', ['--version']).error !== undefined) skip('sqlite3 is not installed')
  const directory = mkdtempSync(join(scratch, 'backup-'))
  mkdirSync(join(directory, 'data'))
  const db = new DatabaseSync(join(directory, 'data/alibi.db'))
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES ('in the log only')")
  // `npx` would look for a project in a directory that is none.
  const script = `umask 022\n${text.replace('npx node', `'${process.execPath}'`)}`
  execFileSync('sh', ['-euc', script], { cwd: directory })
  const file = join(directory, 'backup-alibi.db')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const copy = new DatabaseSync(file, { readOnly: true })
  expect(copy.prepare('SELECT x FROM t').all()).toEqual([{ x: 'in the log only' }])
  copy.close()
  db.close()
})

test('the container probes tell well from unwell from gone', async () => {
  const block = of('yaml').find(({ text }) => text.startsWith('containers:'))?.text ?? ''
  type Probe = { exec: { command: readonly string[] } }
  const [container] = (parse(block) as { containers: readonly { livenessProbe: Probe; readinessProbe: Probe }[] }).containers
  const answers = { status: 200 }
  const server = createServer((_, response) => void response.writeHead(answers.status).end('{}')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = String((server.address() as AddressInfo).port)
  const run = async (probe: Probe | undefined) => {
    const [, ...args] = (probe?.exec.command ?? []).map((word) => word.replace('9464', port))
    const [code] = await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'close')
    return code as number
  }
  const both = async () => [await run(container?.livenessProbe), await run(container?.readinessProbe)]
  expect(await both()).toEqual([0, 0])
  answers.status = 503
  expect(await both()).toEqual([0, 1])
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
  expect(await both()).toEqual([1, 1])
})

describe('what is deployed', () => {
  test('the role of the CloudFormation template allows what Alibi can use, and nothing else', async () => {
    const everything = `
monitors:
  - accounts: [self, "111122223333"]
    operations: [${OPERATIONS.filter((name) => !/^GetPrimaryEmail$|Alternate|OptStatus/.test(name)).join(', ')}]
  - name: members
    accounts: ["111122223333"]
    operations: [GetPrimaryEmail, { GetAlternateContact: { type: SECURITY } }, { GetRegionOptStatus: { region: af-south-1 } }]
recipients: { oncall: { to: [oncall@example.com] } }
mail: { from: alibi@example.com }
log: { cloudwatch: { group: /alibi, region: eu-west-1 } }
health: { queue: { url: "https://sqs.us-west-2.amazonaws.com/111122223333/alibi-health" } }
`
    const loaded = await parseConfig(everything, 'alibi.yaml', {}, { cwd: scratch })
    if (!loaded.ok) throw new Error(formatFaults(loaded.faults, 'alibi.yaml'))
    const used = policiesFor(loaded.config).flatMap(({ policy }) => policy.Statement.flatMap(({ Action }) => Action))
    const template = readFileSync('config/cloudformation/alibi-role.yaml', 'utf8')
    const granted = template.match(/\b(?:account|health|organizations|logs|sqs):[A-Za-z]+(?=[,"\n])/g) ?? []
    expect([...new Set(granted)].toSorted()).toEqual([...new Set(used)].toSorted())
    const pattern = new RegExp(/AllowedPattern: (\^\[a-z0-9-\]\+:.*)$/m.exec(template)?.[1] ?? 'none')
    for (const name of ['dynamodb', 's3', 'api-gateway', 'keyspaces', 'budgets', 'iam']) {
      const service = serviceNamed(name)
      const actions = service === null ? [] : readingOperations(service).map((operation) => readingOf(service, operation))
      for (const read of actions) expect(read.ok && pattern.test(read.action), JSON.stringify(read)).toBe(true)
    }
    expect(['apigateway:GET', 'cassandra:Select', 'budgets:ViewBudget'].every((action) => pattern.test(action))).toBe(true)
    expect(['dynamodb:PutItem', 'dynamodb:*', 's3:DeleteBucket'].some((action) => pattern.test(action))).toBe(false)
  })

  test('the systemd unit starts an existing command, and does not restart on a faulty configuration', () => {
    const unit = readFileSync('config/systemd/alibi.service', 'utf8')
    expect(unit).toMatch(/^ExecStart=\/usr\/bin\/env alibi run --config \/etc\/alibi\/alibi\.yaml$/m)
    expect(unit).toMatch(/^RestartPreventExitStatus=.*\b78\b/m)
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(10)
  })
})

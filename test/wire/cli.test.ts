import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/adapters/sqlite/store.ts'
import { main } from '../../src/cli/program.ts'
import { CALLER } from '../../src/sandbox/aws.ts'
import {
  DEADLINE_MS,
  type Ended,
  end,
  freePort,
  isDecision,
  isRun,
  MAIN,
  type Parts,
  ROOT,
  type Stage,
  stage,
} from './daemon-process.ts'

const KNOWN = { id: 'known', service: 'MULTIPLE_SERVICES', region: 'us-east-1', impacted: ['account'] } as const
const ELSEWHERE = { id: 'elsewhere', service: 'IAM', region: 'eu-west-1' } as const
const TWO = `
  - { name: production, operations: [GetContactInformation, ListRegions], attempts: 1, timeout: 900ms }
  - { name: members, accounts: ["111122223333"], attempts: 1, timeout: 900ms }`

/** A time as programs get it, and one that they must not get. */
const ISO = /^20\d\d-\d\d-\d\dT[\d:.]{12}Z$/
const EPOCH = /\b1\d{12}\b/

const json = ({ out }: Ended) => JSON.parse(out) as Record<string, unknown>[]

test.for<[string, string[], RegExp]>([
  ['no verb', [], /Usage: alibi/],
  ['an unknown verb', ['prob'], /unknown command 'prob'/],
  ['an unknown option', ['check', '--life'], /unknown option '--life'/],
  ['too many arguments', ['probe', 'production', 'members'], /too many arguments/],
  ['a missing argument', ['explain'], /missing required argument 'incident'/],
  ['a missing option', ['silence', 'add', '--for', '1h'], /required option '--reason <text>' not specified/],
  ['an unknown monitor', ['probe', 'prod'], /no monitor prod: the configuration has production, members/],
  ['an unknown incident', ['explain', '00000000'], /no incident 00000000/],
  ['an unknown incident, to acknowledge', ['ack', '00000000'], /no incident 00000000: see `alibi incidents`/],
  ['an unknown silence', ['silence', 'remove', '1a2b3c4d'], /no silence 1a2b3c4d in force/],
  ['an unknown email, to retry', ['outbox', 'retry', 'x.1'], /not queued: x\.1; see `alibi outbox list`/],
  ['an unknown email, to discard', ['outbox', 'drop', 'x.1', 'x.2'], /not queued: x\.1, x\.2/],
  ['a year that is none', ['health', '--at', '5'], /--at 5: expected a time with its zone, such as 2025-10-20T07:15:00Z/],
  ['a time without its zone', ['health', '--at', '2025-10-20T07:15'], /expected a time with its zone/],
  ['an unknown recipient', ['mail', 'test', '--to', 'nobody'], /no recipient nobody: the configuration has oncall/],
])('%s is 64, with a sentence and no stack trace', async ([, args, says]) => {
  await using on = await stage({ monitors: TWO })
  const ended = await on.alibi(...args)
  expect(ended).toMatchObject({ code: 64, out: '' })
  expect(ended.err).toMatch(says)
  expect(ended.err).not.toMatch(/^\s+at /m)
})

test('every command has help with an example that fits a terminal', async () => {
  const help = async (path: readonly string[]) => {
    const out: string[] = []
    const err: string[] = []
    const io = {
      out: (text: string) => void out.push(text),
      err: (text: string) => void err.push(text),
      env: {},
      isTty: true,
      columns: 80,
    }
    expect({ path, code: await main([...path, '--help'], io), err }).toEqual({ path, code: 0, err: [] })
    return out.join('\n')
  }
  const visit = async (path: readonly string[]): Promise<readonly string[]> => {
    const out = await help(path)
    for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    const verbs = /Commands:\n([\s\S]*)/.exec(out)?.[1] ?? ''
    const inner = [...verbs.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name ?? '').filter((name) => name !== 'help')
    if (inner.length > 0) return (await Promise.all(inner.map((name) => visit([...path, name])))).flat()
    expect(out).toContain(`Example:\n  alibi ${path.join(' ')}`)
    return [path.join(' ')]
  }
  const verbs = [
    'run',
    'check',
    'probe',
    'health',
    'incidents',
    'explain',
    'outbox list',
    'silence add',
    'ack',
    'mail test',
    'schema',
    'demo',
  ]
  expect(await visit([])).toEqual(expect.arrayContaining(verbs))
})

const LISTINGS = [['incidents'], ['incidents', '--patterns'], ['outbox', 'list'], ['silence', 'list']]

test('without a database nothing is listed: it says where it looked, and creates none', async () => {
  await using on = await stage()
  const orders = [
    ['outbox', 'drop', '--all'],
    ['silence', 'add', '--for', '1h', '--reason', 'x'],
  ]
  for (const verb of [
    ...LISTINGS,
    ...LISTINGS.map((one) => [...one, '--json']),
    ['health', '--at', '2025-10-20T07:15:00Z'],
    ...orders,
  ]) {
    const { code, out, err } = await on.alibi(...verb)
    expect({ verb, code, out }).toEqual({ verb, code: 69, out: '' })
    expect(err).toContain(`there is no database at ${on.database} (storage.path in ${on.config})`)
  }
  for (const verb of [
    ['explain', 'a'],
    ['ack', 'a'],
    ['silence', 'remove', 'a'],
    ['outbox', 'retry', 'a'],
  ])
    expect(await on.alibi(...verb)).toMatchObject({ code: 64, err: expect.stringContaining(`no database at ${on.database}`) })
  expect(existsSync(on.database)).toBe(false)
})

test('of an empty database listings say that there is nothing', async () => {
  await using on = await stage()
  await mkdir(dirname(on.database), { recursive: true })
  await (await openStore({ path: on.database })).close()
  for (const verb of LISTINGS) {
    const { code, out, err } = await on.alibi(...verb)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^There are no [a-z ]+\.\n$/)
  }
  expect(await on.alibi('incidents', '--json')).toMatchObject({ code: 0, out: '[]\n', err: '' })
})

test('every command takes its configuration from --config, else from ALIBI_CONFIG, else from config/alibi.yaml', async () => {
  await using on = await stage()
  const run = async (env: Record<string, string>, ...args: string[]) => {
    const err: string[] = []
    const io = { out: () => {}, err: (text: string) => void err.push(text), env, isTty: false, columns: null }
    return { code: await main(args, io), err: err.join('\n') }
  }
  const verbs = [
    ...[['run'], ['check'], ['probe'], ['health'], ['incidents'], ['explain', 'a'], ['ack', 'a'], ['iam-policy']],
    ...[
      ['outbox', 'list'],
      ['outbox', 'retry', 'a'],
      ['outbox', 'drop', 'a'],
      ['silence', 'list'],
      ['silence', 'remove', 'a'],
    ],
    ...[
      ['silence', 'add', '--for', '1h', '--reason', 'x'],
      ['mail', 'test'],
      ['mail', 'preview', '--out', '/tmp'],
    ],
  ]
  for (const verb of verbs) {
    const absent = { code: 78, err: expect.stringContaining('/absent/named.yaml') }
    expect(await run({ ALIBI_CONFIG: '/absent/named.yaml' }, ...verb), verb.join(' ')).toMatchObject(absent)
    const given = await run({ ALIBI_CONFIG: '/absent/other.yaml' }, ...verb, '--config', '/absent/named.yaml')
    expect(given, verb.join(' ')).toMatchObject(absent)
  }
  const listed = await run({ ...on.env, ALIBI_CONFIG: on.config }, 'incidents')
  expect(listed).toMatchObject({ code: 69, err: expect.stringContaining(on.database) })
})

test.each([['run'], ['check']])('%s says that a directory can be no database, and leaves nothing behind', async (verb) => {
  await using on = await stage()
  await mkdir(on.database, { recursive: true })
  const { code, err } = await on.alibi(verb)
  expect({ code, err }).toEqual({
    code: 69,
    err: `${on.database} is a directory: set storage.path to a file, which Alibi makes itself\n`,
  })
  expect(await readdir(dirname(on.database))).toEqual(['alibi.db'])
})

test('a database that cannot be looked at is not one that is not there: listings say so, and 69', async () => {
  await using on = await stage()
  await mkdir(dirname(on.database), { recursive: true })
  await symlink(on.database, on.database)
  const verbs = [['incidents'], ['outbox', 'list'], ['silence', 'list'], ['health', '--at', '2025-10-20T07:15:00Z'], ['ack', 'a']]
  for (const verb of verbs) {
    expect(await on.alibi(...verb)).toMatchObject({ code: 69, out: '', err: `${on.database} cannot be looked at (ELOOP)\n` })
  }
})

test.for<[string, (on: Stage) => void, number, RegExp]>([
  ['all well', () => undefined, 0, /production\/self\/GetContactInformation +ok/],
  [
    'a failure that AWS does not explain',
    (on) => on.sandbox.answer({ operation: 'ListRegions' }, 'InternalServerException'),
    1,
    /^unexplained: /m,
  ],
  [
    'one that it explains',
    (on) => {
      on.aws.publish(KNOWN)
      on.sandbox.answer({}, '500')
    },
    2,
    /^explained: .*lists ACCOUNT/m,
  ],
  [
    'one of which AWS cannot be asked',
    (on) => {
      on.aws.api = 'unavailable'
      on.aws.dashboard = 'unavailable'
      on.sandbox.answer({}, 'timeout')
    },
    3,
    /^undetermined: /m,
  ],
  [
    'an explained one and a refused one',
    (on) => {
      on.aws.publish(KNOWN)
      on.sandbox.answer({ operation: 'ListRegions' }, '500')
      on.sandbox.answer({ operation: 'GetContactInformation' }, 'AccessDeniedException')
    },
    1,
    /no AWS outage explains a failure of kind denied/,
  ],
  [
    'throttled, which says nothing',
    (on) => on.sandbox.answer({}, '429'),
    3,
    /inconclusive +throttled[\s\S]*^undetermined: 3 of 3 probes were inconclusive/m,
  ],
])('probe: %s', async ([, happens, code, says]) => {
  await using on = await stage({ monitors: TWO })
  happens(on)
  const ended = await on.alibi('probe')
  expect(ended).toMatchObject({ code, err: '' })
  expect(ended.out).toMatch(says)
})

test('probe --json has the shape of docs/reference.md, and one monitor alone can be asked', async () => {
  await using on = await stage({ monitors: TWO })
  on.sandbox.answer({ operation: 'ListRegions' }, 'InternalServerException')
  const ended = await on.alibi('probe', 'production', '--json')
  expect(ended.code).toBe(1)
  const probe = {
    monitor: 'production',
    account: 'self',
    tries: 1,
    ms: expect.any(Number),
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  }
  expect(json(ended)).toEqual([
    { ...probe, operation: 'GetContactInformation', outcome: 'ok', kind: null, error: null },
    { ...probe, operation: 'ListRegions', outcome: 'failed', kind: 'internal', error: 'InternalServerException' },
  ])
  expect(on.sandbox.received({ account: '111122223333' })).toEqual([])
})

test('health says what AWS says, what it would explain, and the near misses', async () => {
  await using on = await stage()
  on.aws.publish(ELSEWHERE)
  const miss = await on.alibi('health')
  expect(miss.code).toBe(0)
  expect(miss.out).toMatch(/would be unexplained/)
  expect(miss.out).toMatch(/AWS_IAM_OPERATIONAL_ISSUE +eu-west-1 +place +its region is eu-west-1, not us-east-1/)
  on.aws.publish(KNOWN)
  expect((await on.alibi('health')).out).toMatch(/would be explained: .*lists ACCOUNT/)
  const [answer] = json(await on.alibi('health', '--json'))
  expect(answer).toMatchObject({
    partition: 'aws',
    sources: { api: { at: expect.stringMatching(ISO) }, dashboard: { at: expect.stringMatching(ISO) } },
    verdict: { kind: 'explained', by: { arn: on.aws.arnOf('known'), startedAt: expect.stringMatching(ISO) } },
  })
  expect(JSON.stringify(answer)).not.toMatch(EPOCH)
  on.aws.api = 'unavailable'
  on.aws.dashboard = 'unavailable'
  expect(await on.alibi('health')).toMatchObject({ code: 69, out: expect.stringContaining('would be undetermined') })
})

test('check says what it found', async () => {
  await using on = await stage({ monitors: TWO })
  const ended = await on.alibi('check')
  expect(ended).toMatchObject({ code: 0, err: '' })
  expect(ended.out).toContain('2 monitors, 3 probes')
  expect(ended.out).toContain('The configuration is valid.')
  expect(on.sandbox.received()).toEqual([])
  const [found] = [JSON.parse((await on.alibi('check', '--json')).out) as Record<string, unknown>]
  expect(found).toMatchObject({ monitors: [{ name: 'production' }, { name: 'members' }], live: [] })
})

/** The mail server of these asks for a login. */
const LOGIN = { user: 'alibi', password: 'right-password' }
const login = (on: Stage, password: string) =>
  `smtp: { host: 127.0.0.1, port: ${on.mailbox.port}, security: none, user: alibi, password: ${password} }`

test('check --live tries everything, and when all is well says so', async () => {
  await using on = await stage({ monitors: TWO }, { mailbox: { auth: LOGIN } })
  await on.configure({ monitors: TWO, mail: login(on, LOGIN.password) })
  const ended = await on.alibi('check', '--live')
  expect(ended).toMatchObject({ code: 0, err: '' })
  const tried = [...ended.out.matchAll(/^ok {5}(.*?): /gm)].map(([, what]) => what?.replace(/:\d+$|\/tmp.*/, '…'))
  expect(tried).toEqual([
    'credentials of production, members',
    'production/self/GetContactInformation',
    'production/self/ListRegions',
    'members/111122223333/GetAccountInformation',
    'Health API (aws)',
    'dashboard (aws)',
    'control host 127.0.0.1…',
    'mail server 127.0.0.1',
    'disk at …',
    'organization view of AWS Health (aws)',
  ])
  expect(ended.out).not.toContain('FAIL')
  expect(ended.out).not.toContain(LOGIN.password)
})

test.for<[string, (on: Stage) => Promise<Parts | undefined> | Parts | undefined, RegExp, RegExp]>([
  [
    'credentials',
    ({ sandbox }) => void sandbox.answer({ operation: 'GetCallerIdentity' }, 'ExpiredTokenException'),
    /credentials of production, members: /,
    /the SDK finds credentials/,
  ],
  [
    'an operation',
    ({ sandbox }) => void sandbox.answer({ operation: 'ListRegions' }, 'AccessDeniedException'),
    /production\/self\/ListRegions: denied/,
    /allow the action in IAM/,
  ],
  ['the support plan', ({ aws }) => void Object.assign(aws, { api: 'subscription-required' }), /Health API/, /Business Support/],
  ['the right to ask AWS Health', ({ aws }) => void Object.assign(aws, { api: 'denied' }), /Health API/, /health:DescribeEvents/],
  [
    'the right to read what events say',
    ({ aws }) => {
      aws.publish(KNOWN)
      aws.api = 'details-denied'
    },
    /Health API \(aws\): .*DescribeEventDetails is denied/,
    /allow health:DescribeEventDetails/,
  ],
  [
    'the right to use the organization view',
    ({ aws }) => void Object.assign(aws, { organization: 'denied' }),
    /organization view of AWS Health \(aws\): .*not allowed/,
    /delegated administrator of AWS Health, with the actions that `alibi iam-policy` lists/,
  ],
  [
    'the dashboard',
    ({ aws }) => void Object.assign(aws, { dashboard: 'html' }),
    /dashboard/,
    /make sure that this host can reach it/,
  ],
  ['the control host', ({ sandbox }) => void sandbox.answer({ operation: 'Control' }, 'reset'), /control host/, /control\.url/],
  [
    'the mail server',
    async ({ mailbox }) => void (await mailbox.setMode('down')),
    /mail server 127\.0\.0\.1: .*ECONNREFUSED/,
    /mail\.smtp/,
  ],
  [
    'the mail login',
    (on) => ({ mail: login(on, 'wrong-password') }),
    /mail server 127\.0\.0\.1: .*535/,
    /mail\.smtp\.user and mail\.smtp\.password/,
  ],
  [
    'the name that the relay does not take',
    async () => ({ mail: `smtp: { host: 127.0.0.1, port: ${await fussy()}, security: none, name: container }` }),
    /mail server 127\.0\.0\.1: .*EHLO: 421 4\.7\.0/,
    /introduces itself as container \(EHLO\): set mail\.smtp\.name to a name that the server accepts/,
  ],
  [
    'the second mail server',
    (on) => ({
      mail: `${login(on, LOGIN.password)}\n  fallback: { smtp: { host: 127.0.0.1, port: ${on.mailbox.port}, security: starttls } }`,
    }),
    /second mail server 127\.0\.0\.1: .*STARTTLS/,
    /check mail\.fallback\.smtp\.port and mail\.fallback\.smtp\.security/,
  ],
  ['the mail directory', async (on) => ({ mail: `directory: ${await taken(on)}/mail` }), /mail directory/, /mail\.directory/],
  ['the disk', async (on) => ({ more: '', storage: `{ path: ${await taken(on)}/alibi.db }` }), /disk at /, /storage\.path/],
  [
    'a management account that names itself',
    () => ({ monitors: `\n  - { name: members, accounts: ["${CALLER.account}"], attempts: 1, timeout: 900ms }` }),
    /accounts of members: 123456789012 is the account of its own credentials/,
    /write `self` instead/,
  ],
])('check --live finds what is wrong with %s, and says what to do', async ([, breaks, what, fix]) => {
  await using on = await stage({}, { mailbox: { auth: LOGIN } })
  await on.configure({ monitors: TWO, mail: login(on, LOGIN.password), ...(await breaks(on)) })
  const ended = await on.alibi('check', '--live')
  expect(ended).toMatchObject({ code: 69, err: '' })
  const faults = [...ended.out.matchAll(/^FAIL {3}(.*)\n {7}-> (.*)$/gm)]
  expect(faults.map(([line]) => line)).toEqual([expect.anything()])
  expect(faults[0]?.[1]).toMatch(what)
  expect(faults[0]?.[2]).toMatch(fix)
  expect(ended.out).toMatch(/^1 of \d+ checks failed\.$/m)
  expect(ended.out).not.toMatch(/(right|wrong)-password/)
})

test('whose credentials they are, and whence, is said by check --live and by the log', async () => {
  await using on = await stage({ monitors: TWO })
  await writeFile(join(on.directory, 'keys'), '[prod]\naws_access_key_id = AKIAPROD\naws_secret_access_key = s\n')
  const prod = { AWS_PROFILE: 'prod', AWS_SHARED_CREDENTIALS_FILE: join(on.directory, 'keys') }
  Object.assign(on.env, prod)
  const who = `${CALLER.arn} (account ${CALLER.account}), from profile prod (its keys)`
  expect((await on.alibi('check', '--live')).out).toContain(`ok     credentials of production, members: ${who}`)

  on.sandbox.answer({ operation: 'ListRegions' }, 'AccessDeniedException')
  const daemon = on.daemon()
  expect(await daemon.line('whose credentials', ({ message }) => message === 'credentials')).toMatchObject({
    ...{ monitors: ['production', 'members', 'AWS Health (aws)'], account: CALLER.account, arn: CALLER.arn },
    from: 'profile prod (its keys)',
  })
})

test('and by each email', async () => {
  await using on = await stage()
  const daemon = on.daemon()
  await daemon.line('whose credentials', ({ message }) => message === 'credentials')
  on.sandbox.answer({ operation: 'GetContactInformation' }, 'AccessDeniedException')
  const mail = await on.mailbox.waitFor(({ headers }) => headers['x-alibi-kind'] === 'misconfigured', DEADLINE_MS)
  expect(mail.text.replace(/\s+/g, ' ')).toContain(
    `Credentials for production: ${CALLER.arn} (account ${CALLER.account}), from the environment`,
  )
})

test('a profile that is named and is not there is an error, whatever else gives credentials', async () => {
  await using on = await stage({ monitors: TWO })
  Object.assign(on.env, { AWS_PROFILE: 'gone' })
  const live = await on.alibi('check', '--live')
  const why = /profile gone \(AWS_PROFILE\): it is in none of the AWS SDK's shared files: \/\S+\/\.aws\/config \(does not exist\)/
  expect(live.code).toBe(69)
  expect(live.out).toMatch(new RegExp(`warning: credentials: ${why.source}`))
  expect(live.out).toMatch(new RegExp(`FAIL {3}credentials of production, members: credentials: ${why.source}`))
  expect(live.out).not.toMatch(/renew|AWS says that the request is invalid/)
  const probed = await on.alibi('probe')
  expect(probed).toMatchObject({ code: 1, err: '' })
  expect(probed.out).toMatch(new RegExp(`^credentials: ${why.source}`, 'm'))
  expect(
    on.sandbox.received().filter(({ scope }) => scope !== null),
    'nothing was signed by anybody else',
  ).toEqual([])
})

/** A user whom the system does not know; only root can become one, and only where others may read what is run. */
const NOBODY = 54_321
const asNobody = { uid: NOBODY, gid: NOBODY, stdio: 'pipe' } as const
const canBeNobody =
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, ['-e', `require('node:fs').accessSync(${JSON.stringify(join(ROOT, 'package.json'))})`], asNobody)
    .status === 0

const NOT_NOBODY = canBeNobody ? '' : ' (skipped: only root can become nobody)'
test.skipIf(!canBeNobody)(
  `a user without a home is told so, and with keys in the environment probes all the same${NOT_NOBODY}`,
  async () => {
    await using on = await stage({ monitors: TWO })
    await chmod(on.directory, 0o755)
    await chmod(on.config, 0o644)
    const { HOME: _, AWS_ACCESS_KEY_ID: key = '', AWS_SECRET_ACCESS_KEY: secret = '', ...env } = on.env
    const probe = (more: Record<string, string>) =>
      end(
        spawn(process.execPath, [MAIN, 'probe', '--config', on.config], {
          ...asNobody,
          env: { ...env, ...more },
          cwd: on.directory,
        }),
      )
    expect(await probe({ AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret })).toMatchObject({ code: 0, err: '' })
    const none = 'no home directory (HOME is not set, and this user has none)'
    expect((await probe({})).out).toContain(none)
    expect((await probe({ AWS_PROFILE: 'p' })).out).toContain(`credentials: profile p (AWS_PROFILE): there is ${none}`)
  },
)

/** The port of a relay that takes nobody's name; it is gone with this process. */
async function fussy(): Promise<number> {
  const server = createServer((line) => {
    line.on('error', () => undefined)
    line.write('220 fussy\r\n')
    line.on('data', () => line.end('421 4.7.0 Try again later, closing connection. (EHLO)\r\n'))
  })
  server.unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

test('check --live and mail test say what to do about a certificate of a private authority, and take it by mail.smtp.ca', async () => {
  const tls = selfSigned()
  await using on = await stage({}, { mailbox: { tls } })
  const smtp = (more: string) => ({ mail: `smtp: { host: 127.0.0.1, port: ${on.mailbox.port}${more} }` })
  await on.configure(smtp(''))
  for (const verb of [
    ['check', '--live'],
    ['mail', 'test'],
  ]) {
    const ended = await on.alibi(...verb)
    expect(ended.code).toBe(69)
    expect(`${ended.out}${ended.err}`).toMatch(
      /self-signed certificate[\s\S]*-> if a private authority signed its certificate, set mail\.smtp\.ca to a file/,
    )
  }
  await writeFile(join(on.directory, 'authority.pem'), tls.cert)
  await on.configure(smtp(', ca: authority.pem'))
  expect(await on.alibi('mail', 'test')).toMatchObject({ code: 0, err: '' })
  expect(on.mailbox.mails.map(({ secure }) => secure)).toEqual([true])
})

function selfSigned(): Readonly<{ key: string; cert: string }> {
  const place = mkdtempSync(join(tmpdir(), 'alibi-tls-'))
  const [key, cert] = [join(place, 'key.pem'), join(place, 'cert.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const made = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  rmSync(place, { recursive: true })
  return made
}

/** A file where a directory should be. */
async function taken({ directory }: Stage): Promise<string> {
  const path = join(directory, 'taken')
  await writeFile(path, '')
  return path
}

test('mail test sends a real one and prints the server’s reply; a refusal is 69', async () => {
  await using on = await stage({
    recipients: '{ oncall: { to: [oncall@example.com] }, manager: { to: [manager@example.com], after: 30m } }',
  })
  expect(await on.alibi('mail', 'test')).toMatchObject({
    code: 0,
    out: 'oncall: sent to oncall@example.com: 250 queued as 1\nmanager: sent to manager@example.com: 250 queued as 2\n',
    err: '',
  })
  expect(on.mailbox.mails.map((mail) => mail.headers['x-alibi-kind'])).toEqual(['test', 'test'])
  await on.mailbox.setMode('rejecting')
  const refused = await on.alibi('mail', 'test', '--to', 'oncall')
  expect(refused).toMatchObject({ code: 69, out: '' })
  expect(refused.err).toMatch(/^oncall: not sent: .*550/)
  await on.mailbox.setMode('down')
  expect(await on.alibi('mail', 'test', '--to', 'oncall')).toMatchObject({
    code: 69,
    err: expect.stringMatching(/^oncall: not sent: .*ECONNREFUSED/),
  })
})

test('commands work beside the daemon: incidents, explain, silence, ack, outbox', async () => {
  await using on = await stage({}, { mailbox: { mode: 'rejecting' } })
  const daemon = on.daemon()
  await daemon.line('an ok run', isRun('ok'))
  on.sandbox.answer({}, 'InternalServerException')
  await daemon.line('a refused mail', (line) => line['message'] === 'mail refused')
  const [incident] = await on.incidents()
  const id = String(incident?.['id'])
  expect(incident).toMatchObject({ state: 'announced', openedAt: expect.stringMatching(/^\d{4}-.*Z$/) })
  const story = await on.alibi('explain', id)
  const whole = JSON.parse((await on.alibi('explain', id, '--json')).out) as Record<string, unknown[]>
  expect(whole['runs']?.[0]).toMatchObject({ startedAt: expect.stringMatching(ISO), tries: [{ at: expect.stringMatching(ISO) }] })
  expect(JSON.stringify(whole)).not.toMatch(EPOCH)
  expect(story).toMatchObject({ code: 0, err: '' })
  expect(story.out).toContain('InternalServerException')
  expect((await on.alibi('incidents')).out).toMatch(new RegExp(`^${id} +announced +outage +unexplained`, 'm'))
  expect((await on.get('/healthz')).status).toBe(503)
  expect(json(await on.alibi('outbox', 'list', '--json'))).toEqual([
    {
      id: expect.stringContaining(id),
      kind: 'failing',
      incident: id,
      to: ['oncall@example.com'],
      state: 'refused',
      attempts: 1,
      nextAt: null,
      error: expect.stringContaining('550'),
      addresses: [
        {
          address: 'oncall@example.com',
          state: 'refused',
          attempts: 1,
          nextAt: null,
          error: expect.stringContaining('550'),
          deliveredAt: null,
          reply: null,
        },
      ],
    },
  ])

  expect(await on.alibi('ack', id, '--reason', 'on it')).toMatchObject({ code: 0, err: '' })
  expect(await on.alibi('silence', 'add', '--for', '2h', '--reason', 'planned')).toMatchObject({ code: 0, err: '' })
  expect(json(await on.alibi('silence', 'list', '--json'))).toMatchObject([{ reason: 'planned', monitor: null }])

  await on.mailbox.setMode('up')
  expect(await on.alibi('outbox', 'retry', '--all')).toMatchObject({ code: 0, err: '' })
  await on.mailbox.waitFor((mail) => mail.headers['x-alibi-kind'] === 'failing', DEADLINE_MS)
  await daemon.line('the mail on disk', (line) => line['message'] === 'mail delivered')
  expect(json(await on.alibi('outbox', 'list', '--json'))).toEqual([])
  on.sandbox.answer({}, 'ok')
  await daemon.line('the end', isDecision('closed'))
  expect((await on.alibi('explain', id)).code).toBe(0)
  daemon.kill('SIGTERM')
  expect((await daemon.exited).code).toBe(0)
})

test('run on a database that cannot be made is 69, in one sentence', async () => {
  await using on = await stage()
  await writeFile(join(on.directory, 'data'), '')
  const ended = await on.alibi('run')
  expect(ended).toMatchObject({ code: 69, out: '' })
  expect(ended.err).toMatch(/storage\.path/)
  expect(ended.err.trim().split('\n')).toHaveLength(1)
})

test('a server that accepts the connection and says nothing does not keep a command waiting forever', async () => {
  const lines = new Set<import('node:net').Socket>()
  const server = createServer((line) => void lines.add(line))
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  try {
    await using on = await stage({ monitors: TWO, health: `{ timeout: 500ms, dashboard: { url: "http://127.0.0.1:${port}/" } }` })
    const url = `http://127.0.0.1:${port}`
    const env = { ...on.env, AWS_ENDPOINT_URL_ACCOUNT: url, AWS_ENDPOINT_URL_STS: url, AWS_ENDPOINT_URL_HEALTH: url }
    const child = spawn(process.execPath, [MAIN, 'probe', '--config', on.config], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    expect(await end(child)).toMatchObject({ code: 3, signal: null, err: '' })
  } finally {
    for (const line of lines) line.destroy()
    server.close()
  }
})

test("the SDK's shared file leads every call elsewhere, and is named", async () => {
  await using on = await stage()
  await mkdir(join(on.directory, '.aws'))
  const { url } = on.sandbox
  const shared = `[default]\nservices = local\nendpoint_url = ${url}\n[services local]\nhealth =\n  endpoint_url = ${url}\n`
  await writeFile(join(on.directory, '.aws/config'), shared)
  const env = Object.fromEntries(Object.entries(on.env).filter(([name]) => !name.startsWith('AWS_ENDPOINT_URL')))
  const verb = (...args: readonly string[]) =>
    end(spawn(process.execPath, [MAIN, ...args, '--config', on.config], { env, stdio: ['ignore', 'pipe', 'pipe'] }))

  expect(await verb('probe')).toMatchObject({ code: 0, out: expect.stringMatching(/GetContactInformation +ok/) })
  expect(await verb('health')).toMatchObject({ code: 0, out: expect.stringMatching(/Health API: answered/) })
  expect((await verb('check')).out).toContain(
    `note: not AWS’s own endpoint: profile default: endpoint_url=${url}\nnote: not AWS’s own endpoint: services local: health.endpoint_url=${url}`,
  )
  expect(await verb('check', '--live')).toMatchObject({ out: expect.stringContaining(`(account ${CALLER.account})`) })
})

test.for(['schema', 'demo'])('%s reads no configuration: --config is an unknown option, and 64', async (command) => {
  await using on = await stage()
  const ended = await on.alibi(command, '--config', on.config)
  expect(ended).toMatchObject({ code: 64, out: '', err: expect.stringContaining("unknown option '--config'") })
})

test.for<[string, string[]]>([
  ['a demo', ['demo', '--keep']],
  ['a preview of mails', ['mail', 'preview', '--out']],
])('%s that cannot be kept is 69, in one sentence', async ([, verb]) => {
  await using on = await stage()
  const file = join(on.directory, 'no-directory')
  await writeFile(file, '')
  const ended = await on.alibi(...verb, file)
  expect(ended).toMatchObject({ code: 69, out: '' })
  expect(ended.err).toBe(`cannot write to ${file}: EEXIST: file already exists, mkdir '${file}'\n`)
})

describe('a reader that goes away, and a disk that is full', () => {
  /** A verb whose output goes through this piece of shell. */
  const through = (on: Stage, verb: string, shell: string) =>
    end(
      spawn('bash', ['-c', `set -o pipefail; "${process.execPath}" "${MAIN}" ${verb} ${shell}`], {
        env: on.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )

  test.for<[string, string, number]>([
    ['the schema', 'schema', 0],
    ['a scenario', `simulate ${join(ROOT, 'config/scenarios/aws-speaks-late.yaml')}`, 0],
    ['help', '--help', 0],
  ])('%s: the reader goes away, and the command ends quietly with its own code', async ([, verb, code]) => {
    await using on = await stage()
    expect(await through(on, verb, '| true')).toMatchObject({ code, out: '', err: '' })
  })

  test('a code that says something stays', async () => {
    await using on = await stage()
    on.sandbox.answer({}, 'InternalServerException')
    expect(await through(on, `probe --config ${on.config}`, '| true')).toMatchObject({ code: 1, err: '' })
  })

  test.for<[string, (on: Stage) => string]>([
    ['the schema', () => 'schema'],
    ['a probe that fails', ({ config }) => `probe --config ${config}`],
    ['a fault in a scenario', () => 'simulate nowhere.yaml 2> /dev/full'],
  ])('%s that cannot be written is 70, in one line', async ([name, verb]) => {
    await using on = await stage()
    on.sandbox.answer({}, 'InternalServerException')
    const ended = await through(on, verb(on), '> /dev/full')
    expect(ended.code).toBe(70)
    expect(ended.err).toMatch(name.includes('scenario') ? /^$/ : /^alibi: failed to write the output: ENOSPC.*\n$/)
  })
})

const OLD = '/usr/bin/node'
const isOld =
  existsSync(OLD) && Number(execFileSync(OLD, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]) < 24
const NO_OLD = isOld ? '' : ` (skipped: ${OLD} is no older Node)`
test.skipIf(!isOld)(`on an older Node there is one sentence instead of a crash in an import${NO_OLD}`, async () => {
  for (const args of [[], ['run'], ['--help']]) {
    const { code, out, err } = await end(spawn(OLD, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }))
    expect({ code, out }).toEqual({ code: 69, out: '' })
    expect(err).toMatch(/^alibi needs Node 24 or newer, and this is Node \d+\.\d+\.\d+ \(\/usr\/bin\/node\)\. .*\n$/)
  }
})

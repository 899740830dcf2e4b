// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { asPlainUser } from '../../test/plain-user.ts'
import { selfAlertRecipients } from '../domain/audience.ts'
import { setupOf } from '../domain/setup.ts'
import { type Config, subjectStyle } from './config.ts'
import { endpointOverrides } from './endpoints.ts'
import { type Fault, formatFaults, MAX_FAULTS } from './fault.ts'
import { type Loaded, loadConfig, MAX_FILE_BYTES, MAX_SECRET_BYTES, parseConfig } from './file.ts'
import { quotas } from './quotas.ts'

const NOW = Date.UTC(2026, 10, 22)
const options = { cwd: process.cwd(), now: NOW }
const parse = (text: string, env: Record<string, string | undefined> = {}) => parseConfig(text, 'config/alibi.yaml', env, options)

const ENOUGH = 'mail: { from: Alibi <alibi@example.com> }\nrecipients: { oncall: { to: [oncall@example.com] } }\n'

const SMTP = ENOUGH.replace('com> }', 'com>, smtp: { host: h, user: u, password: pass } }')

function configOf(loaded: Loaded): Config {
  if (!loaded.ok) throw new Error(formatFaults(loaded.faults, 'config'))
  return loaded.config
}

function faultsOf(loaded: Loaded): readonly string[] {
  return loaded.ok
    ? []
    : loaded.faults.map(({ line, column, path, message }) => `${line}:${column} ${path === '' ? '' : `${path}: `}${message}`)
}

const place = mkdtempSync(join(tmpdir(), 'alibi-config-'))
afterAll(() => rmSync(place, { recursive: true }))

function file(name: string, content: string | Uint8Array, mode = 0o644): string {
  const path = join(place, name)
  writeFileSync(path, content, { mode })
  return path
}

describe('test/config/bad: every file lists all of its faults, and has no others', () => {
  test.for(readdirSync('test/config/bad'))('%s', async (name) => {
    const path = join('test/config/bad', name)
    const text = readFileSync(path, 'utf8')
    const env = Object.fromEntries([...text.matchAll(/^# env: (\w+)=(.*)$/gm)].map(([, key, value]) => [key, value]))
    const expected = [...text.matchAll(/^# (\d+:\d+ .*)$/gm)].map(([, fault]) => fault)
    expect(expected.length).toBeGreaterThan(0)
    const loaded = await loadConfig(path, env, options)
    expect(faultsOf(loaded)).toEqual(expected)
    expect(JSON.stringify(loaded)).not.toMatch(/hunter|nter22/)
  })
})

describe('which values from the environment are secrets', () => {
  const secretsOf = async (text: string, env: Record<string, string>) => configOf(await parse(text, env)).secrets

  test.for<[string, string, string, readonly string[]]>([
    ['the control host is not', `${ENOUGH}control: { url: "\${X}" }`, 'https://control.example', []],
    ['a user name is not', SMTP.replace('user: u', 'user: "${X}"'), 'alibi', ['pass']],
    ['a runbook is not', `${ENOUGH}monitors: [{ runbook: "\${X}" }]`, 'https://wiki.example/x', []],
    ['a role is not', `${ENOUGH}monitors: [{ credentials: { roleArn: "\${X}" } }]`, 'arn:aws:iam::111122223333:role/a', []],
    [
      'the address of a recipient called web is not',
      ENOUGH.replace('oncall: { to: [oncall@example.com] }', 'web: { to: ["${X}"] }'),
      'x@y.example',
      [],
    ],
    ['a password is', SMTP.replace('password: pass', 'password: "${X}"'), 'hunter22', ['hunter22']],
    ['a token is', `${ENOUGH}web: { token: "\${X}" }`, 'hunter22hunter22', ['hunter22hunter22']],
    [
      'the heartbeat URL is',
      `${ENOUGH}heartbeat: { url: "\${X}" }`,
      'https://hc.example/hunter22',
      ['https://hc.example/hunter22'],
    ],
    [
      'an external id is',
      `${ENOUGH}health: { credentials: { roleArn: "arn:aws:iam::111122223333:role/a", externalId: "\${X}" } }`,
      'hunter22',
      ['hunter22'],
    ],
  ])('%s', async ([, text, value, secrets]) => expect(await secretsOf(text, { X: value })).toEqual(secrets))
})

describe('a file that cannot be read is one fault', () => {
  const large = `# ${'x'.repeat(5 * 1024 * 1024)}\n${ENOUGH}`
  test.for<[string, () => string, RegExp]>([
    ['missing', () => join(place, 'nowhere.yaml'), /does not exist/],
    ['a directory', () => place, /is a directory/],
    ['a device', () => '/dev/zero', /is not a regular file/],
    ['of five megabytes', () => file('large.yaml', large), /larger than 256 KiB/],
    ['one byte too large', () => file('larger.yaml', `${ENOUGH}#${'x'.repeat(MAX_FILE_BYTES - ENOUGH.length)}`), /larger than/],
    ['in Latin-1', () => file('latin.yaml', Buffer.from(`${ENOUGH}# caf\xe9\n`, 'latin1')), /not UTF-8/],
    ['in UTF-16', () => file('utf16.yaml', Buffer.from(`\ufeff${ENOUGH}`, 'utf16le')), /not UTF-8|zero byte/],
    ['binary', () => file('binary.yaml', Buffer.from([0x4d, 0x5a, 0x00, 0x01])), /zero byte/],
    ['empty', () => file('empty.yaml', ''), /is empty/],
  ])('%s', async ([, path, message]) => {
    const loaded = await loadConfig(path(), {}, options)
    expect(faultsOf(loaded)).toEqual([expect.stringMatching(message)])
    expect(loaded).toMatchObject({ faults: [{ line: 1, column: 1, path: '' }] })
  })

  test('without permission to read it', async () => {
    const path = file('locked.yaml', ENOUGH)
    chmodSync(path, 0)
    const loaded = await asPlainUser(place, () => loadConfig(path, {}, options))
    expect(faultsOf(loaded)).toEqual([expect.stringMatching(/cannot be read by this user/)])
  })

  test('a file of exactly the maximum size is read', async () => {
    const path = file('largest.yaml', `${ENOUGH}#${'x'.repeat(MAX_FILE_BYTES - ENOUGH.length - 1)}`)
    expect(await loadConfig(path, {}, options)).toMatchObject({ ok: true })
  })
})

test('the smallest valid file has a recipient and a sender', async () => {
  const config = configOf(await loadConfig('test/config/good/smallest.yaml', {}, { ...options, cwd: process.cwd() }))
  expect(config).toEqual({
    file: join(process.cwd(), 'test/config/good/smallest.yaml'),
    monitors: [
      {
        name: 'default',
        schedule: '* * * * *',
        timezone: 'Etc/UTC',
        spreadMs: 10_000,
        periodMs: 60_000,
        partition: 'aws',
        region: 'us-east-1',
        credentials: { profile: null, roleArn: null, externalId: null, sessionName: null },
        probes: [
          {
            id: 'default/self/GetAccountInformation',
            monitor: 'default',
            account: 'self',
            call: { operation: 'GetAccountInformation', parameter: null },
          },
        ],
        attempts: 3,
        backoffMs: 1000,
        timeoutMs: 5000,
        impact: null,
        runbook: null,
        fail: { count: 3, of: 5 },
        recover: 2,
        retryIntervalMs: 20_000,
        recheckEveryMs: 60_000,
        notify: ['oncall'],
      },
    ],
    policy: {
      waitMs: 0,
      extensionMs: 15 * 60_000,
      holdAtMostMs: 6 * 3_600_000,
      lookbackMs: 7 * 3_600_000,
      staleAfterMs: 24 * 3_600_000,
      remindEveryMs: 4 * 3_600_000,
      joinWithinMs: 30 * 60_000,
      reopenWithinMs: 30 * 60_000,
      blindAfterMs: 15 * 60_000,
    },
    health: {
      api: true,
      dashboard: true,
      credentials: null,
      queue: null,
      relevance: {
        related: ['IAM', 'STS', 'ORGANIZATIONS', 'MULTIPLE_SERVICES'],
        ignore: ['AWS_RISK_IAM_QUARANTINE'],
        codes: [],
      },
      cacheForMs: 60_000,
      idleEveryMs: 15 * 60_000,
      timeoutMs: 10_000,
    },
    control: { url: 'https://sts.us-west-2.amazonaws.com' },
    recipients: [{ name: 'oncall', to: ['oncall@example.com'], afterMs: null }],
    mail: {
      from: 'alibi@example.com',
      domain: 'example.com',
      smtp: null,
      fallback: null,
      directory: join(process.cwd(), 'data/mail'),
      subject: 'constant',
      maxPerHour: 30,
    },
    storage: {
      path: join(process.cwd(), 'data/alibi.db'),
      postgres: null,
      keep: { runsMs: 7 * 86_400_000, hoursMs: 400 * 86_400_000 },
    },
    machine: { name: null },
    log: { level: 'info', format: null, file: null, cloudwatch: null },
    web: { host: '127.0.0.1', port: 9464, hosts: [], token: null, url: null },
    heartbeat: null,
    digest: null,
    discoveries: [],
    endpoints: { set: [], of: {} },
    network: { proxies: { https: null, http: null, direct: [] }, bundle: null, variants: { fips: null, dualstack: null } },
    warnings: [expect.stringMatching(/mail.smtp is not set/)],
    secrets: [],
  } satisfies Config)
})

test('the full sample has the values that it states, and the defaults otherwise', async () => {
  const config = configOf(await loadConfig('test/config/good/full.yaml', {}, options))
  const smallest = configOf(await loadConfig('test/config/good/smallest.yaml', {}, options))
  expect(config.policy).toEqual(smallest.policy)
  expect(config.health).toEqual({
    ...smallest.health,
    credentials: { profile: 'prod', roleArn: null, externalId: null, sessionName: null },
  })
  expect(config.monitors[0]?.probes.map(({ id }) => id)).toEqual([
    'production/self/GetAccountInformation',
    'production/self/GetContactInformation',
    'production/self/ListRegions',
    'production/self/GetAlternateContact:SECURITY',
    'production/self/GetRegionOptStatus:af-south-1',
    'production/111122223333/GetAccountInformation',
    'production/111122223333/GetContactInformation',
    'production/111122223333/ListRegions',
    'production/111122223333/GetAlternateContact:SECURITY',
    'production/111122223333/GetRegionOptStatus:af-south-1',
  ])
  expect(config.recipients).toEqual([
    { name: 'oncall', to: ['oncall@example.com'], afterMs: null },
    { name: 'manager', to: ['manager@example.com'], afterMs: 30 * 60_000 },
    {
      ...{ name: 'pager', to: ['pager@example.com'], afterMs: null },
      ...{ kinds: ['failing', 'misconfigured', 'blind', 'recovered'], subject: 'stateful' },
    },
    { name: 'owner', to: ['owner@example.com'], afterMs: null, selfAlerts: false },
  ])
  expect(config.mail.smtp).toEqual({
    host: 'smtp.example.com',
    port: 587,
    security: 'starttls',
    user: 'alibi',
    password: 'correct-horse-battery',
    name: null,
    ca: null,
  })
  expect(config.log).toEqual({
    level: 'info',
    format: 'json',
    file: { path: join(process.cwd(), 'data/alibi.log'), maxSizeBytes: 10 * 1024 * 1024, keep: 5 },
    cloudwatch: { group: '/alibi', stream: 'production', region: 'eu-west-1', endpoint: null },
  })
  expect(config.web).toEqual({ host: '127.0.0.1', port: 9464, hosts: ['alibi.example.com'], token: null, url: null })
  expect(config.heartbeat).toEqual({ url: 'https://hc-ping.com/0f5bd6a8-invented', everyMs: 60_000 })
  expect(config.digest).toEqual({ schedule: '0 8 * * 1', timezone: 'Etc/UTC', to: ['oncall', 'owner'] })
  expect(config.secrets).toEqual(['correct-horse-battery', 'https://hc-ping.com/0f5bd6a8-invented'])
})

test('a PostgreSQL database replaces the file, and its URL is a secret', async () => {
  const url = 'postgres://alibi:correct%2Dhorse@db.example.com/alibi?sslmode=verify-full'
  const config = configOf(await parse(`${ENOUGH}storage: { postgres: { url: "${url}" } }\nmachine: { name: alibi-1 }`))
  expect(config.storage.postgres).toEqual({ url, schema: 'alibi', poolSize: 5 })
  expect(config.machine).toEqual({ name: 'alibi-1' })
  expect(config.secrets).toEqual([url, 'correct%2Dhorse', 'correct-horse'])
  const faulty = await parse(`${ENOUGH}storage: { postgres: "${url}" }`)
  expect(faultsOf(faulty).join()).not.toMatch(/correct/)
})

test('health.related of a service that nobody asks is probably misspelt', async () => {
  const monitors = 'monitors: [{ operations: ["s3:ListBuckets", "elastic-load-balancing-v2:DescribeLoadBalancers"] }]'
  const related = '{ ACCOUNT: [IAM], STS: [IAM], S3: [], ELB: [EC2], DYNAMO: [IAM] }'
  const { warnings } = configOf(await parse(`${ENOUGH}${monitors}\nhealth: { related: ${related} }`))
  expect(warnings.filter((warning) => warning.startsWith('health.related'))).toEqual([
    'health.related.DYNAMO: no monitor asks a service with this code; those that are asked are STS, S3, ELASTICLOADBALANCING',
  ])
})

test.each([
  ['postgres://alibi@db.example.com/alibi', 1],
  ['postgres://alibi@db.example.com/alibi?uselibpqcompat=true&sslmode=prefer', 1],
  ['postgres://alibi@db.example.com/alibi?sslmode=verify-full', 0],
  ['postgres://alibi@localhost/alibi', 0],
])('%s leads to %i warnings: connections over a network have to be encrypted', async (url, times) => {
  const { warnings } = configOf(await parse(`${ENOUGH}storage: { postgres: { url: "${url}" } }`))
  expect(warnings.filter((warning) => warning.includes('storage.postgres.url'))).toHaveLength(times)
})

test('the shipped sample is valid', async () => {
  const config = configOf(await loadConfig('config/alibi.yaml', {}, options))
  expect(config.recipients.map(({ name }) => name)).toEqual(['oncall'])
})

test('every default that the sample has in a comment is the real one', async () => {
  const sample = readFileSync('config/alibi.yaml', 'utf8')
  const untrue =
    /\(no default\)|profile|roleArn|# credentials:|# smtp|host:|port:|security:|user:|password:|manager|pager|owner|- Get|- List|# log:/
  const full = sample
    .split('\n')
    .map((line) => (untrue.test(line) ? line : line.replace(/^( *)# ( *(?:\w+:(?: |$)).*)$/, '$1$2')))
    .join('\n')
  expect(full.split('\n').filter((line) => /^ *\w+:/.test(line)).length).toBeGreaterThan(35)
  expect(configOf(await parse(full))).toEqual(configOf(await parse(sample)))
})

describe('values from variables and files', () => {
  const smtp = (
    password: string,
  ) => `mail: { from: a@b.example, smtp: { host: "\${HOST:-h.example}", port: "\${PORT}", user: u, password: ${password} } }
recipients: { oncall: { to: ["\${WHO}"] } }\n`

  test('can be anywhere, even where a number is expected', async () => {
    const path = file('smtp-password', 'hunter22\n')
    const config = configOf(await parse(smtp(`"\${file:${path}}"`), { PORT: '2525', WHO: 'me@b.example' }))
    expect(config.mail.smtp).toMatchObject({
      host: 'h.example',
      port: 2525,
      security: 'starttls',
      user: 'u',
      password: 'hunter22',
    })
    expect(config.recipients[0]?.to).toEqual(['me@b.example'])
    expect(config.secrets).toEqual(['hunter22'])
  })

  test('a value cannot change the structure of the file', async () => {
    const config = configOf(
      await parse(`${ENOUGH}monitors: [{ impact: "\${IMPACT}" }]`, { IMPACT: 'x", notify: [], y: "&a *b # ${PATH}' }),
    )
    expect(config.monitors[0]?.impact).toBe('x", notify: [], y: "&a *b # ${PATH}')
  })

  test('a password written in the file is masked too, unless it is very short', async () => {
    expect(configOf(await parse(smtp('correct-horse'), { PORT: '25', WHO: 'me@b.example' })).secrets).toEqual(['correct-horse'])
    expect(configOf(await parse(smtp('abc'), { PORT: '25', WHO: 'me@b.example' })).secrets).toEqual([])
  })

  test('an escaped reference is plain text', async () => {
    expect(configOf(await parse(`${ENOUGH}monitors: [{ impact: "$\${HOME}" }]`)).monitors[0]?.impact).toBe('${HOME}')
  })

  test.for<[string, () => string, RegExp]>([
    ['too large', () => file('large-secret', 'x'.repeat(MAX_SECRET_BYTES + 1)), /larger than 64 KiB/],
    ['a directory', () => place, /is a directory/],
    ['binary', () => file('binary-secret', Buffer.from([0xff, 0xfe, 0x00])), /not UTF-8/],
    ['a device that never ends', () => '/dev/zero', /is not a regular file/],
  ])('a secret file that is %s is a fault', async ([, path, message]) => {
    const loaded = await parse(smtp(`"\${file:${path()}}"`), { PORT: '25', WHO: 'me@b.example' })
    expect(faultsOf(loaded)).toEqual([expect.stringMatching(message)])
  })

  test('a fault contains no secret, even if the file repeats it elsewhere', async () => {
    const text = `${smtp('"${PASSWORD}"')}policy: { wait: "\${PASSWORD}" }\nmonitors: [{ notify: [hunter22] }]\n`
    const loaded = await parse(text, { PORT: '25', WHO: 'me@b.example', PASSWORD: 'hunter22' })
    expect(faultsOf(loaded)).toHaveLength(2)
    expect(JSON.stringify(loaded)).not.toContain('hunter22')
  })
})

describe('the region of a profile', () => {
  const shared = join(place, 'aws-config')
  writeFileSync(
    shared,
    '[default]\nregion = eu-west-1\n[profile prod]\nregion = eu-central-1\n[profile odd]\nregion = the moon\n',
  )
  const env = { AWS_CONFIG_FILE: shared, AWS_SHARED_CREDENTIALS_FILE: join(place, 'none') }
  const prod = 'monitors: [{ credentials: { profile: prod } }]'
  test.for<[string, string, Record<string, string>, string]>([
    ['is that of the monitor’s profile', prod, {}, 'eu-central-1'],
    ['is that of AWS_PROFILE', '', { AWS_PROFILE: 'prod' }, 'eu-central-1'],
    ['is that of the default profile', '', {}, 'eu-west-1'],
    ['comes after AWS_REGION', prod, { AWS_REGION: 'eu-north-1' }, 'eu-north-1'],
    ['comes before AWS_DEFAULT_REGION', prod, { AWS_DEFAULT_REGION: 'eu-north-1' }, 'eu-central-1'],
    ['is ignored if it is not a region', '', { AWS_PROFILE: 'odd' }, 'us-east-1'],
    ['is ignored if the profile does not exist', '', { AWS_PROFILE: 'gone' }, 'us-east-1'],
  ])('%s', async ([, text, more, region]) => {
    expect(configOf(await parse(ENOUGH + text, { ...env, ...more })).monitors[0]?.region).toBe(region)
  })
})

describe('a profile', () => {
  const ROLE = 'role_arn = arn:aws:iam::111122223333:role/r'
  const KEYS = 'aws_access_key_id = AKIA\naws_secret_access_key = s'
  const files = (name: string, config: string, credentials = '') => {
    const [AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE] = ['config', 'credentials'].map((kind) => join(place, `${name}-${kind}`))
    writeFileSync(AWS_CONFIG_FILE as string, config)
    writeFileSync(AWS_SHARED_CREDENTIALS_FILE as string, credentials)
    return { AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_EC2_METADATA_DISABLED: 'true' } as Record<string, string>
  }

  test('in both files has the region, and so the partition, of the credentials file', async () => {
    const env = files('both', '[profile p]\nregion = eu-west-1\n', `[p]\nregion = cn-north-1\n${KEYS}\n`)
    const { monitors, control } = configOf(await parse(ENOUGH, { ...env, AWS_PROFILE: 'p' }))
    expect(monitors[0]).toMatchObject({ region: 'cn-north-1', partition: 'aws-cn' })
    expect(control.url).toBe('https://sts.cn-north-1.amazonaws.com.cn')
  })

  const dropped = 'has role_arn, but neither source_profile nor credential_source to assume the role with'
  test.for<[string, string, string, Record<string, string>, string]>([
    [
      'named by a monitor',
      `[profile p]\n${ROLE}\n${KEYS}`,
      'monitors: [{ credentials: { profile: p } }]',
      {},
      `\`p\`: this profile of the AWS SDK's shared files ${dropped}`,
    ],
    [
      'named for AWS Health',
      `[profile p]\n${ROLE}\n${KEYS}`,
      'health: { credentials: { profile: p } }',
      {},
      `\`p\`: this profile of the AWS SDK's shared files ${dropped}`,
    ],
    [
      'named by AWS_PROFILE',
      `[profile p]\n${ROLE}\n${KEYS}`,
      '',
      { AWS_PROFILE: 'p' },
      `the environment variable AWS_PROFILE names the profile p, which ${dropped}`,
    ],
    [
      '[default]',
      `[default]\n${ROLE}\ncredential_process = true`,
      '',
      {},
      `the profile [default] of the AWS SDK's shared files ${dropped}`,
    ],
    [
      'leaning on such a one',
      `[profile p]\n${ROLE}\nsource_profile = q\n[profile q]\n${ROLE}`,
      '',
      { AWS_PROFILE: 'p' },
      `names the profile p, which has source_profile = q, which ${dropped}`,
    ],
  ])('whose role the SDK would ignore is refused: %s', async ([name, text, yaml, env, message]) => {
    const found = faultsOf(await parse(ENOUGH + yaml, { ...files(`role ${name}`, text), ...env }))
    expect(found).toEqual([expect.stringContaining(message)])
  })

  test.for<[string, string, string, Record<string, string>]>([
    ['another monitor’s', `[default]\n${ROLE}\n${KEYS}`, 'monitors: [{ credentials: { profile: p } }]', {}],
    [
      'one that the environment’s keys come before',
      `[default]\n${ROLE}\n${KEYS}`,
      '',
      { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
    ],
    ['one with a source', `[default]\n${ROLE}\ncredential_source = Environment`, '', {}],
  ])('that is unused or complete is not: %s', async ([name, text, yaml, env]) => {
    expect(await parse(ENOUGH + yaml, { ...files(`whole ${name}`, text), ...env })).toMatchObject({ ok: true })
  })

  test('without credentials is a warning: it can be corrected while Alibi runs', async () => {
    const env = { ...files('missing', '[profile q]\nsso_session = gone\n'), AWS_PROFILE: 'p' }
    const { warnings } = configOf(await parse(`${ENOUGH}monitors: [{ name: a }, { name: b, credentials: { profile: q } }]`, env))
    expect(warnings.filter((warning) => warning.startsWith('credentials: '))).toEqual([
      expect.stringMatching(/^credentials: profile p \(AWS_PROFILE\): it is in none of the AWS SDK's shared files: /),
      'credentials: profile q has sso_session = gone, but there is no section [sso-session gone]',
    ])
    const both = configOf(await parse(ENOUGH, { ...env, AWS_PROFILE: 'q', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }))
    expect(both.warnings).toContainEqual(expect.stringContaining('the profile q is used, not the key'))
  })
})

describe('an endpoint in the shared file', () => {
  const withFile = (name: string, text: string) => {
    const shared = join(place, name)
    writeFileSync(shared, text)
    return { AWS_CONFIG_FILE: shared, AWS_SHARED_CREDENTIALS_FILE: join(place, 'none') }
  }

  test('must be https, or on this machine', async () => {
    const env = withFile('unsafe', '[default]\nendpoint_url = http://u:hunter22@10.0.0.1/x?hunter22\n')
    expect(faultsOf(await parse(ENOUGH, env))).toEqual([
      "1:1 the AWS SDK's shared file has profile default: endpoint_url = http://10.0.0.1/x: expected an https URL, or an http URL of this machine",
    ])
    expect(await parse(ENOUGH, { ...env, AWS_ENDPOINT_URL: 'https://aws.example' })).toMatchObject({ ok: true })
    expect(await parse(ENOUGH, { ...env, AWS_PROFILE: 'another' })).toMatchObject({ ok: true })
  })

  test('is shown, and used for STS, CloudWatch and the control call', async () => {
    const env = withFile(
      'services',
      '[default]\nservices = s\n[services s]\nsts =\n  endpoint_url = https://sts.example\ncloudwatch_logs =\n  endpoint_url = https://logs.example\n',
    )
    const config = configOf(await parse(`${ENOUGH}log: { cloudwatch: { group: g } }`, env))
    expect(endpointOverrides(config)).toEqual([
      'services s: cloudwatch_logs.endpoint_url=https://logs.example',
      'services s: sts.endpoint_url=https://sts.example',
    ])
    expect(config.control.url).toBe('https://sts.example')
    expect(config.log.cloudwatch?.endpoint).toBe('https://logs.example')
  })
})

describe('region, partition and control host', () => {
  const CN = `monitors: [{ region: cn-north-1 }]`
  test.for<[string, string, Record<string, string>, Record<string, string>]>([
    ['by default', '', {}, { region: 'us-east-1', partition: 'aws', url: 'https://sts.us-west-2.amazonaws.com' }],
    [
      'of AWS_REGION',
      '',
      { AWS_REGION: 'eu-west-1' },
      { region: 'eu-west-1', partition: 'aws', url: 'https://sts.us-west-2.amazonaws.com' },
    ],
    [
      'of AWS_DEFAULT_REGION',
      '',
      { AWS_DEFAULT_REGION: 'us-gov-west-1' },
      { region: 'us-gov-west-1', partition: 'aws-us-gov', url: 'https://sts.us-gov-east-1.amazonaws.com' },
    ],
    [
      'of the file',
      CN,
      { AWS_REGION: 'eu-west-1' },
      { region: 'cn-north-1', partition: 'aws-cn', url: 'https://sts.cn-north-1.amazonaws.com.cn' },
    ],
    [
      'with STS elsewhere',
      '',
      { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9' },
      { region: 'us-east-1', partition: 'aws', url: 'http://127.0.0.1:9' },
    ],
    [
      'with STS elsewhere, which is ignored',
      '',
      { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      { region: 'us-east-1', partition: 'aws', url: 'https://sts.us-west-2.amazonaws.com' },
    ],
    [
      'with every service elsewhere',
      '',
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' },
      { region: 'us-east-1', partition: 'aws', url: 'https://sts.us-west-2.amazonaws.com' },
    ],
    [
      'with a control host',
      'control: { url: "https://c.example" }',
      { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9' },
      { region: 'us-east-1', partition: 'aws', url: 'https://c.example' },
    ],
  ])('%s', async ([, text, env, expected]) => {
    const config = configOf(await parse(ENOUGH + text, env))
    expect({ region: config.monitors[0]?.region, partition: config.monitors[0]?.partition, url: config.control.url }).toEqual(
      expected,
    )
  })
})

describe('values', () => {
  const monitor = async (text: string) => configOf(await parse(`${ENOUGH}monitors: [{ ${text} }]`)).monitors[0]
  test('fail: 3 is 3 of 3', async () => expect((await monitor('fail: 3'))?.fail).toEqual({ count: 3, of: 3 }))
  test('the period is the longest interval of the schedule', async () =>
    expect((await monitor('schedule: "*/7 * * * *"'))?.periodMs).toBe(420_000))
  test('a run may take exactly as long as retryInterval', async () =>
    expect(await monitor('retryInterval: 18s')).toMatchObject({ retryIntervalMs: 18_000 }))

  test.for<[string, Config['web']]>([
    ['web: false', null],
    ['web: {}', { host: '127.0.0.1', port: 9464, hosts: [], token: null, url: null }],
    ['web:', { host: '127.0.0.1', port: 9464, hosts: [], token: null, url: null }],
    ['web: { listen: "[::1]:80" }', { host: '::1', port: 80, hosts: [], token: null, url: null }],
    [
      'web: { listen: "0.0.0.0:9464", token: hunter-hunter-hunter-22 }',
      { host: '0.0.0.0', port: 9464, hosts: [], token: 'hunter-hunter-hunter-22', url: null },
    ],
    [
      'web: { url: "https://alibi.example.com/on-call/" }',
      { host: '127.0.0.1', port: 9464, hosts: ['alibi.example.com'], token: null, url: 'https://alibi.example.com/on-call' },
    ],
    [
      'web: { listen: "localhost:0", hosts: [a.example] }',
      { host: 'localhost', port: 0, hosts: ['a.example'], token: null, url: null },
    ],
  ])('%s', async ([text, web]) => expect(configOf(await parse(ENOUGH + text)).web).toEqual(web))

  test.for<[string, string, Record<string, string>]>([
    ['in the file', 'hunter-hunter-hunter-22', {}],
    ['from the environment', '"${WEB_TOKEN}"', { WEB_TOKEN: 'hunter-hunter-hunter-22' }],
  ])('web.token %s is a secret', async ([, token, env]) => {
    const { web, secrets, warnings } = configOf(await parse(`${ENOUGH}web: { listen: "10.0.0.5:9464", token: ${token} }`, env))
    expect([web?.token, secrets]).toEqual(['hunter-hunter-hunter-22', ['hunter-hunter-hunter-22']])
    expect(warnings.join()).toContain('web.listen is 10.0.0.5: the page and `web.token` cross the network unencrypted')
    expect(warnings.join()).not.toContain('hunter')
  })

  test.for<[string, boolean | string]>([
    ['true', true],
    ['false', false],
    ['{ url: "http://127.0.0.1:1/public/currentevents" }', 'http://127.0.0.1:1/public/currentevents'],
  ])('health.dashboard: %s', async ([text, dashboard]) => {
    expect(configOf(await parse(`${ENOUGH}health: { dashboard: ${text} }`)).health.dashboard).toBe(dashboard)
  })

  test.for<[string, number]>([
    ['starttls', 587],
    ['tls', 465],
    ['none', 25],
  ])('smtp with security %s is on port %i', async ([security, port]) => {
    const text = `mail: { from: a@b.example, smtp: { host: h, security: ${security} } }\nrecipients: { oncall: { to: [a@b.example] } }\n`
    expect(configOf(await parse(text)).mail.smtp).toMatchObject({ host: 'h', port, security, user: null, password: null })
  })

  test.for([
    'alibi@example.com',
    'Alibi <alibi@example.com>',
    '"Alibi, Inc." <alibi@example.com>',
    'Büro <a@bücher.example>',
    'root@localhost',
  ])('%s is a valid sender', async (from) =>
    expect(configOf(await parse(`mail: { from: '${from}' }\nrecipients: { o: { to: [a@b.example] } }`)).mail.from).toBe(from),
  )

  test.for([
    '',
    'x',
    '@',
    'a@',
    'a b@c.example',
    'A <a@b.example',
    'a@b.example, c@d.example',
    'x@y <a@b.example>',
    'Alibi, Inc. <a@b.example>',
    'a@b..example',
  ])('%j is not', async (from) =>
    expect(faultsOf(await parse(`mail: { from: '${from}' }\nrecipients: { o: { to: [a@b.example] } }`))).toEqual([
      expect.stringMatching(/^1:15 mail\.from: expected/),
    ]),
  )

  test('too many probes are a fault', async () => {
    const ids = Array.from({ length: 4001 }, (_, index) => `"${String(index).padStart(12, '0')}"`).join(', ')
    const operations = '[GetAccountInformation, GetContactInformation, ListRegions, GetPrimaryEmailUpdateStatus, GetPrimaryEmail]'
    const text = (accounts: string) =>
      `${ENOUGH}monitors: [{ schedule: "@hourly", accounts: [${accounts}], operations: ${operations} }]`
    expect(faultsOf(await parse(text(ids)))).toEqual(['3:1 monitors: 20005 probes are too many: expected at most 20000'])
    expect(configOf(await parse(text(ids.slice(0, ids.lastIndexOf(','))))).monitors[0]?.probes).toHaveLength(20_000)
  })
})

test.for([
  ['Alibi <alibi@Example.com>', 'example.com'],
  ['alibi@example.com', 'example.com'],
  ['"Alibi (AWS)" <alibi@example.com>', 'example.com'],
  ['root@localhost', 'localhost'],
  ['Alibi <alibi@Bücher.example>', 'xn--bcher-kva.example'],
  ['alibi@example.1', 'example.1'],
])('the domain of %s is kept in ASCII: %s', async ([from, domain]) => {
  const config = configOf(await parse(ENOUGH.replace('Alibi <alibi@example.com>', `'${from}'`)))
  expect([config.mail.domain, setupOf(config).mailDomain]).toEqual([domain, domain])
})

describe('EHLO name and certificate authority of a mail server', () => {
  const both = (ca: string) =>
    `mail: { from: a@b.example, smtp: { host: h, ca: ${ca} }, fallback: { smtp: { host: h2, name: "[192.0.2.7]", ca: ${ca} } } }
recipients: { oncall: { to: [a@b.example] } }\n`

  test('a private authority is read together with the configuration, relative to the working directory', async () => {
    const { mail } = configOf(await parse(both('test/config/good/authority.pem')))
    const ca = { path: 'test/config/good/authority.pem', pem: readFileSync('test/config/good/authority.pem', 'utf8') }
    expect(mail.smtp).toMatchObject({ name: null, ca })
    expect(mail.fallback?.smtp).toMatchObject({ name: '[192.0.2.7]', ca })
  })

  test('an invalid certificate is a fault', async () => {
    const spoilt = readFileSync('test/config/good/authority.pem', 'utf8').replace(/\n(.{20})/, '\nAAAA$1')
    const path = file('spoilt.pem', `${readFileSync('test/config/good/authority.pem', 'utf8')}${spoilt}`)
    expect(faultsOf(await parse(both(path)))).toEqual([
      expect.stringMatching(/mail\.smtp\.ca: .*contains an invalid certificate \(number 2 of 2\)/),
      expect.stringMatching(/mail\.fallback\.smtp\.ca: /),
    ])
  })

  test('an expired one is a warning: it can be replaced while Alibi runs', async () => {
    const later = { ...options, now: Date.UTC(2200, 0, 1) }
    expect(configOf(await parseConfig(both('test/config/good/authority.pem'), 'config/alibi.yaml', {}, later)).warnings).toEqual([
      'mail.smtp.ca: in test/config/good/authority.pem CN=Invented Mail Authority expired on 2126-11-03',
      expect.stringMatching(/^mail\.fallback\.smtp\.ca: /),
    ])
  })
})

describe('what recipients choose', () => {
  const TWO = 'mail: { from: a@b.example, subject: constant }\nrecipients:\n  oncall: { to: [a@b.example] }\n'
  const choosing = async (recipient: string, more = '') =>
    configOf(await parse(`${TWO}  boss: { to: [b@b.example], ${recipient} }\ndigest: {}\n${more}`))

  test('kinds and subject apply to that recipient only', async () => {
    const config = await choosing('kinds: [failing, recovered], subject: stateful')
    expect(config.recipients[1]).toMatchObject({ name: 'boss', kinds: ['failing', 'recovered'], subject: 'stateful' })
    expect(config.recipients[0]).toEqual({ name: 'oncall', to: ['a@b.example'], afterMs: null })
    expect([subjectStyle(config, 'oncall'), subjectStyle(config, 'boss'), subjectStyle(config, 'gone')]).toEqual([
      'constant',
      'stateful',
      'constant',
    ])
  })

  test('only: digest means no alerts, no self-alerts, only the digest', async () => {
    const { monitors, digest, recipients } = await choosing(
      'only: digest',
      'monitors: [{ name: a }, { name: b, notify: [oncall] }]',
    )
    expect([...monitors.map(({ notify }) => notify), digest?.to]).toEqual([['oncall'], ['oncall'], ['oncall', 'boss']])
    expect(selfAlertRecipients(recipients).map(({ name }) => name)).toEqual(['oncall'])
  })
})

describe('warnings', () => {
  const quiet = `mail: { from: a@b.example, smtp: { host: localhost } }\nrecipients: { oncall: { to: [a@b.example] } }\n`
  const withPassword = (more: string) => quiet.replace('localhost }', `${more} }`)
  test('none for a plain file', async () => expect(configOf(await parse(quiet)).warnings).toEqual([]))
  test('nor for a page with a token behind a proxy', async () => {
    const web = 'web: { hosts: [alibi.example.com], token: hunter-hunter-hunter-22 }'
    expect(configOf(await parse(`${quiet}${web}`)).warnings).toEqual([])
  })

  test.for<[string, string, Record<string, string>, RegExp]>([
    ['nobody notified at once', quiet.replace('] }', '], after: 5m }'), {}, /nobody is notified at once/],
    ['delayed emails', `${quiet}policy: { wait: 5m }`, {}, /delays every email/],
    ['unlimited silence', `${quiet}policy: { holdAtMost: 0s }`, {}, /stays silent/],
    ['no reminders', `${quiet}policy: { remindEvery: 0s }`, {}, /there are no reminders/],
    ['no source to ask', `${quiet}health: { api: false, dashboard: false }`, {}, /undetermined/],
    [
      'a secret in the environment under pm2',
      withPassword('localhost, user: u, password: "${PW}"'),
      { PW: 'hunter22', pm_id: '0' },
      /^PW: under pm2/,
    ],
    [
      'AWS keys under pm2',
      quiet,
      { AWS_ACCESS_KEY_ID: 'AKIAINVENTED', AWS_SECRET_ACCESS_KEY: 'invented', AWS_SESSION_TOKEN: 'x', PM2_HOME: '/root/.pm2' },
      /^AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN: under pm2, .*use a profile/,
    ],
    [
      'a recipient that no monitor notifies',
      `${quiet.replace('] } }', '] }, boss: { to: [b@b.example] } }')}monitors: [{ notify: [oncall] }]\n`,
      {},
      /^recipient boss: no monitor notifies it, but it still gets self-alerts/,
    ],
    ['spread and run beyond the schedule', `${quiet}monitors: [{ schedule: "*/20 * * * * *" }]`, {}, /is skipped/],
    [
      'a kind of failure that nobody is emailed about',
      quiet.replace('] }', '], kinds: [failing, blind] }'),
      {},
      /^monitor default: no recipient gets `misconfigured`/,
    ],
    [
      'an open page behind a proxy',
      `${quiet}web: { hosts: [alibi.example.com] }`,
      {},
      /^web: the page answers to alibi\.example\.com without a web\.token: whoever reaches the proxy can read it/,
    ],
    [
      'a name for an account that is not probed',
      `${quiet}accounts: { names: { "111122223333": payments, "444455556666": x } }\nmonitors: [{ accounts: ["444455556666"] }]`,
      {},
      /^accounts\.names: no monitor probes 111122223333, so that name is never shown$/,
    ],
    [
      'a name for the own account by its id',
      `${quiet}accounts: { names: { "111122223333": payments } }`,
      {},
      /no monitor probes 111122223333, .*; the credentials' own account is `self`$/,
    ],
    [
      'one name for the own accounts of different credentials',
      `${quiet}accounts: { names: { self: payments } }\nmonitors: [{ name: a }, { name: b, credentials: { roleArn: "arn:aws:iam::111122223333:role/a" } }]`,
      {},
      /^accounts\.names: `self` is the account of different credentials, so its name is not shown/,
    ],
    ['names of an organization that nobody lists', `${quiet}accounts: { names: true }`, {}, /no monitor discovers its accounts/],
    ['an unknown region', `${quiet}monitors: [{ region: us-esat-1 }]`, {}, /did you mean us-east-1\?/],
    [
      'a quota that is exceeded',
      `${quiet}monitors: [{ accounts: [${Array.from({ length: 200 }, (_, i) => `"${100_000_000_000 + i}"`)}] }]`,
      {},
      /200 accounts × GetAccountInformation every minute needs 3\.3 calls\/s, but AWS allows 3\/s: a round takes at least 67 s/,
    ],
  ])('%s', async ([, text, env, warning]) => {
    const { warnings } = configOf(await parse(text, env))
    expect(warnings).toEqual([expect.stringMatching(warning)])
    expect(warnings.join()).not.toContain('hunter22')
  })

  test.for<[string, string, Record<string, string>]>([
    [
      'a secret from a file under pm2',
      withPassword('localhost, user: u, password: "${file:PASSWORD}"').replace('PASSWORD', file('private', 'hunter22', 0o600)),
      { pm_id: '0' },
    ],
    ['a password to this machine', withPassword('127.0.0.1, security: none, user: u, password: pass'), {}],
    ['a password to this machine, by IPv6', withPassword('"[::1]", security: none, user: u, password: pass'), {}],
    ['no password, no encryption', withPassword('mx.b.example, security: none'), {}],
    ...[true, false].map((selfAlerts): [string, string, Record<string, string>] => [
      `a recipient whom no monitor notifies, with selfAlerts: ${selfAlerts}`,
      `${quiet.replace('] } }', `] }, boss: { to: [b@b.example], selfAlerts: ${selfAlerts} } }`)}monitors: [{ notify: [oncall] }]\n`,
      {},
    ]),
    [
      'a recipient with `after` as well',
      `${quiet.replace('] } }', '] }, boss: { to: [b@b.example], after: 1h } }')}monitors: [{ notify: [oncall] }]\n`,
      {},
    ],
    ['names of its accounts', `${quiet}accounts: { names: { self: payments } }`, {}],
    ['no names', `${quiet}accounts: { names: false }`, {}],
    ['every minute, with daylight saving', `${quiet}monitors: [{ timezone: Europe/Berlin }]`, {}],
    ['a daily schedule, with daylight saving', `${quiet}monitors: [{ timezone: Europe/Berlin, schedule: "0 8 * * *" }]`, {}],
    ['a harmless variable under pm2', quiet.replace('localhost', '"${HOST}"'), { HOST: 'mx.b.example', PM2_HOME: '/root/.pm2' }],
  ])('none for %s', async ([, text, env]) => expect(configOf(await parse(text, env)).warnings).toEqual([]))
})

test('a warning contains no secret, even if the file repeats it elsewhere', async () => {
  const text = `mail: { from: a@b.example, smtp: { host: localhost, user: u, password: hunter22 } }
recipients: { oncall: { to: [a@b.example], after: 5m } }
monitors: [{ name: hunter22 }]\n`
  expect(configOf(await parse(text)).warnings).toEqual([expect.stringMatching(/^monitor \*\*\*: every recipient/)])
})

test('quotas are grouped by caller and operation', async () => {
  const config = configOf(await loadConfig('test/config/good/full.yaml', {}, options))
  expect(quotas(config).map(({ credentials, operation, probes, fits }) => [credentials, operation, probes, fits])).toEqual([
    ['prod||', 'GetAccountInformation', 2, true],
    ['prod||', 'GetContactInformation', 2, true],
    ['prod||', 'ListRegions', 2, true],
    ['prod||', 'GetAlternateContact', 2, true],
    ['prod||', 'GetRegionOptStatus', 2, true],
  ])
  expect(endpointOverrides(config)).toEqual([])
})

test('a fault is one line, which editors can jump to', () => {
  const fault: Fault = { line: 7, column: 5, path: 'monitors[0].schedul', message: 'unknown key; did you mean `schedule`?' }
  expect(formatFaults([fault, { line: 1, column: 1, path: '', message: 'the file is empty' }], 'config/alibi.yaml')).toBe(
    'config/alibi.yaml:7:5  monitors[0].schedul: unknown key; did you mean `schedule`?\nconfig/alibi.yaml:1:1  the file is empty',
  )
})

test('a thousand faults are counted, not listed', async () => {
  const loaded = await parse(ENOUGH + Array.from({ length: 1000 }, (_, index) => `bad${index}: 1\n`).join(''))
  const faults = faultsOf(loaded)
  expect(faults).toHaveLength(MAX_FAULTS + 1)
  expect(faults.at(-1)).toMatch(/and 800 more faults/)
})

describe('any file at all gets an answer', () => {
  const wellFormed = (loaded: Loaded) => {
    for (const fault of loaded.ok ? [] : loaded.faults) {
      expect(fault.line).toBeGreaterThanOrEqual(1)
      expect(fault.column).toBeGreaterThanOrEqual(1)
      expect(formatFaults([fault], 'f')).not.toMatch(/[\n\r\u2028\u2029]/)
      expect(fault.message).not.toMatch(/internal error|Invalid input|undefined|\[object/)
    }
    if (!loaded.ok) expect(loaded.faults.length).toBeGreaterThan(0)
  }

  const full = readFileSync('test/config/good/full.yaml', 'utf8')
  const lines = full.split('\n')
  const junk = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom(
      '${',
      '${A}',
      '${A:-b}',
      '${file:/nowhere}',
      '$${',
      '- ',
      ': ',
      '&a ',
      '*a',
      '[',
      ']',
      '{',
      '}',
      '!x ',
      '"',
      "'",
      '|',
      '>',
      '#',
      '%',
      '---',
      '\t',
      '\r',
      '\u2028',
      '?',
      '<<: *a',
      'null',
      '~',
      '0',
      '012',
      '1e9',
      '.nan',
      '.inf',
      '__proto__: 1',
      'constructor: 1',
      'toString:',
    ),
  )

  test('random text made of YAML syntax', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(junk, { maxLength: 40 }), async (parts) =>
        wellFormed(await parse(parts.join(''), { A: 'x\ny' })),
      ),
      { numRuns: 200 },
    )
  })

  test('a valid file with a line missing, doubled or damaged', async () => {
    const slip = fc.tuple(
      fc.nat({ max: lines.length - 1 }),
      fc.nat({ max: 120 }),
      junk,
      fc.constantFrom('lose', 'double', 'spoil'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(slip, { minLength: 1, maxLength: 4 }), async (slips) => {
        const spoilt = [...lines]
        for (const [index, column, text, kind] of slips) {
          const line = spoilt[index] ?? ''
          spoilt[index] =
            kind === 'lose' ? '' : kind === 'double' ? `${line}\n${line}` : line.slice(0, column) + text + line.slice(column)
        }
        wellFormed(await parse(spoilt.join('\n'), { A: 'x' }))
      }),
      { numRuns: 150 },
    )
  })

  const keys = fc.constantFrom(
    'monitors',
    'policy',
    'health',
    'control',
    'recipients',
    'mail',
    'storage',
    'log',
    'web',
    'name',
    'schedule',
    'accounts',
    'operations',
    'fail',
    'count',
    'of',
    'credentials',
    'roleArn',
    'notify',
    'smtp',
    'from',
    'to',
    'password',
    'user',
    'dashboard',
    'url',
    'listen',
    'keep',
    'wait',
    'GetAlternateContact',
    'type',
    'oncall',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, true, 0, 3, -1, 1e21, 'x', '', '5m', 'self', '${A}', '* * * * *', 'a@b.example'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(keys, tie('tree'), { maxKeys: 6 }),
    ),
  }))

  test('any value at any key', async () => {
    const root = fc.dictionary(keys, tree, { maxKeys: 9 })
    await fc.assert(
      fc.asyncProperty(root, async (value) => wellFormed(await parse(JSON.stringify(value), { A: 'x' }))),
      { numRuns: 200 },
    )
  })

  test.for<[string, string]>([
    ['brackets without end', '['.repeat(100_000)],
    ['mappings within mappings', '{a: '.repeat(20_000)],
    ['lists within lists', `a:\n${Array.from({ length: 200 }, (_, depth) => `${'  '.repeat(depth)}-\n`).join('')}`],
    [
      'aliases of aliases',
      Array.from(
        { length: 30 },
        (_, index) => `k${index}: &a${index} [${index === 0 ? 'x' : `*a${index - 1}, *a${index - 1}`}]\n`,
      ).join(''),
    ],
    ['a key of two hundred thousand letters', `${'k'.repeat(200_000)}: 1`],
    [
      'keys that every object has',
      `${ENOUGH}constructor: 1\nhasOwnProperty: 2\nmonitors: [{ toString: 1, __proto__: { name: x } }]\n`,
    ],
  ])('%s', async ([, text]) => {
    const loaded = await parse(text)
    expect(loaded.ok).toBe(false)
    wellFormed(loaded)
  })
})

describe('names of accounts', () => {
  const namesOf = async (text: string) => configOf(await parse(`${ENOUGH}${text}`)).accountNames
  test('are there only if they are asked for', async () => {
    expect(await namesOf('')).toBeUndefined()
    expect(await namesOf('accounts: { names: false }')).toBeUndefined()
    expect(await namesOf('accounts: { names: true }')).toEqual({ ofAccounts: new Map(), ofOwn: new Map() })
  })
  test('are by id, and that of `self` by monitor', async () => {
    const names = await namesOf(
      'accounts: { names: { "111122223333": payments, self: management } }\nmonitors: [{ name: a }, { name: b, accounts: ["111122223333"] }]',
    )
    expect(names?.ofAccounts).toEqual(new Map([['111122223333', 'payments']]))
    expect(names?.ofOwn.get('a')).toBe('management')
  })
  test('a name of `self` that could be that of another account is not shown', async () => {
    const names = await namesOf(
      'accounts: { names: { self: management } }\nmonitors: [{ name: a }, { name: b, credentials: { profile: q } }]',
    )
    expect(names?.ofOwn).toEqual(new Map())
  })
  test('an account that is asked with a role of its own is named by its id', async () => {
    const role = (account: string) => `credentials: { roleArn: "arn:aws:iam::${account}:role/alibi" }`
    const config = configOf(
      await parse(
        `${ENOUGH}accounts: { names: { "111122223333": shop, "444455556666": web, self: management } }
monitors: [{ name: a, ${role('111122223333')} }, { name: b, ${role('444455556666')} }, { name: c }]`,
      ),
    )
    expect(config.accountNames?.ofOwn).toEqual(
      new Map([
        ['a', 'shop'],
        ['b', 'web'],
        ['c', 'management'],
      ]),
    )
    expect(config.warnings.filter((one) => one.includes('accounts.names'))).toEqual([])
  })
  test.for([true, false])('the names of an organization are asked for: %s', async (names) => {
    const config = configOf(
      await parse(`${ENOUGH}accounts: { names: ${names} }\nmonitors: [{ schedule: "@hourly", accounts: { organization: {} } }]`),
    )
    expect(config.discoveries.map(({ named }) => named)).toEqual([names ? true : undefined])
  })
})

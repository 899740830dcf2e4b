// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { smtpMailer } from '../../src/adapters/smtp.ts'
import { main } from '../../src/cli/program.ts'
import { endpointOverrides } from '../../src/config/endpoints.ts'
import { formatFaults } from '../../src/config/fault.ts'
import { parseConfig } from '../../src/config/file.ts'

/* A value that came from a file is a secret wherever it stands. Where it would have to be shown it is refused. */

const place = mkdtempSync(join(tmpdir(), 'alibi-secrets-'))
afterAll(() => rmSync(place, { recursive: true }))
const NOW = Date.UTC(2026, 10, 22)
const PLANTED = 'PLANTED-in-a-file-4711'

function secretFile(name: string, content: string): string {
  const path = join(place, name)
  writeFileSync(path, content, { mode: 0o600 })
  return `\${file:${path}}`
}

type Path = readonly (string | number)[]

/** Every plain value of a document, by its path. */
function leaves(value: unknown, path: Path = []): readonly (readonly [Path, string])[] {
  if (typeof value !== 'object' || value === null) return [[path, String(value)]]
  return Object.entries(value).flatMap(([key, one]) => leaves(one, [...path, Array.isArray(value) ? Number(key) : key]))
}

function withValue(document: unknown, [key, ...rest]: Path, value: string): unknown {
  if (key === undefined) return value
  if (Array.isArray(document)) return document.map((one, index) => (index === key ? withValue(one, rest, value) : one))
  return { ...(document as object), [key]: withValue((document as Record<string | number, unknown>)[key], rest, value) }
}

describe('each key of the configuration, its value taken from a file', () => {
  const MAY: readonly string[] = [
    'mail.smtp.user',
    'mail.smtp.password',
    'mail.fallback.smtp.user',
    'mail.fallback.smtp.password',
    'web.token',
    'heartbeat.url',
    'storage.postgres.url',
    'health.dashboard.url',
    'control.url',
    'monitors.1.credentials.externalId',
    'health.credentials.externalId',
  ]
  const full = parse(readFileSync('test/config/good/full.yaml', 'utf8').replace('${file:test/config/good/password}', 'pass'))
  const role = { roleArn: 'arn:aws:iam::111122223333:role/alibi', externalId: 'an-external-id', sessionName: 'alibi' }
  const everything = {
    ...full,
    monitors: [...full.monitors, { name: 'other', credentials: role }],
    health: { ...full.health, credentials: role, dashboard: { url: 'https://mirror.example/events' } },
    mail: { ...full.mail, fallback: { after: '5m', smtp: { ...full.mail.smtp, host: 'second.example' } } },
    web: { ...full.web, token: 'a-token-of-some-length-0123' },
    storage: { keep: full.storage.keep, postgres: { url: 'postgres://alibi:correct-horse@localhost/alibi' } },
  }

  test('as it stands it loads', async () => {
    const loaded = await parseConfig(stringify(everything), 'alibi.yaml', {}, { cwd: place, now: NOW })
    expect(loaded.ok ? '' : formatFaults(loaded.faults, 'alibi.yaml')).toBe('')
    expect(MAY.filter((key) => !leaves(everything).some(([path]) => path.join('.') === key))).toEqual([])
  })

  test.for(leaves(everything).map(([path, value]) => [path.join('.'), path, value] as const))(
    '%s',
    async ([key, path, value]) => {
      const text = stringify(withValue(everything, path, secretFile(key, value)))
      const loaded = await parseConfig(text, 'alibi.yaml', {}, { cwd: place, now: NOW })
      const faults = loaded.ok ? [] : loaded.faults.map(({ message }) => message)
      if (MAY.includes(key)) expect(faults).toEqual([])
      else
        expect(faults).toContainEqual(
          expect.stringContaining('a value from a file is treated as a secret, but this one is shown'),
        )
      if (loaded.ok) expect(loaded.config.secrets).toContain(value)
    },
  )

  test('the page of the configuration names every one that may', () => {
    const page = readFileSync('docs/configuration.md', 'utf8')
    const sentence = /It is accepted in (.*?)\(of the last two/s.exec(page)?.[1] ?? ''
    const named = [...sentence.matchAll(/`([^`]+)`/g)].map(([, key]) => key ?? '')
    expect(MAY.filter((key) => !named.some((name) => key.endsWith(name)))).toEqual([])
    expect(named.filter((name) => !MAY.some((key) => key.endsWith(name)))).toEqual([])
  })
})

test.for<[string, (reference: string) => string]>([
  ['a monitor’s name', (reference) => `monitors: [{ name: "${reference}" }]`],
  ['impact', (reference) => `monitors: [{ impact: "It fails: ${reference}" }]`],
  ['a runbook', (reference) => `monitors: [{ runbook: "https://wiki.example/${reference}" }]`],
  ['a path', (reference) => `storage: { path: "data/${reference}.db" }`],
])('in %s it is refused by name, and the value is not in the fault', async ([, more]) => {
  const config = join(place, 'refused.yaml')
  writeFileSync(
    config,
    `${more(secretFile('planted', PLANTED))}\nmail: { from: a@b.example }\nrecipients: { x: { to: [a@b.example] } }\n`,
  )
  const { code, said } = await alibi('check', '--config', config)
  expect([code, said]).toEqual([78, expect.stringContaining('a value from a file is treated as a secret')])
  expect(said).not.toContain(PLANTED)
})

async function alibi(...args: string[]): Promise<Readonly<{ code: number; said: string }>> {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const code = await main(args, { out: say, err: say, env: { HOME: place }, isTty: false, columns: null })
  return { code, said: said.join('\n') }
}

test('of the dashboard’s address, and of the control host’s, only the host is shown', async () => {
  const reference = secretFile('path', PLANTED)
  const config = join(place, 'addresses.yaml')
  writeFileSync(
    config,
    `health: { api: false, dashboard: { url: "http://127.0.0.1:9/${reference}/events" } }
control: { url: "http://127.0.0.1:9/${reference}" }
monitors: [{ attempts: 1, timeout: 100ms, credentials: { profile: none } }]
storage: { path: "${join(place, 'a.db')}" }
mail: { from: a@b.example, directory: "${place}" }
recipients: { x: { to: [a@b.example] } }\n`,
  )
  for (const more of [[], ['--json'], ['--live']]) {
    const { said } = await alibi('check', ...more, '--config', config)
    expect(said).toContain('health.dashboard.url=http://127.0.0.1:9')
    expect(said).not.toContain(PLANTED)
  }
  expect((await alibi('health', '--config', config)).said).not.toContain(PLANTED)
})

test('an address that is a secret as a whole keeps its host, whatever of it was encoded', () => {
  const dashboard = 'https://mirror.example/a b@c'
  const config = { endpoints: { set: [], of: {} }, health: { dashboard }, secrets: ['a b@c'] }
  expect(endpointOverrides(config)).toEqual(['health.dashboard.url=https://mirror.example'])
})

test('a mail server that repeats the login repeats it without the secrets', async () => {
  const user = 'PLANTED-user-4711'
  const password = 'PLANTED-password-4711'
  const login = Buffer.from(`\0${user}\0${password}`).toString('base64')
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('220 ready\r\n')
    socket.on('data', (chunk) => {
      const asked = String(chunk)
      if (/^EHLO/.test(asked)) socket.write('250-hello\r\n250 AUTH PLAIN\r\n')
      else if (/^AUTH/.test(asked)) socket.write(`535 ${user} may not: ${asked.trim()} (${password}; ${login})\r\n`)
      else socket.write('221 bye\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const smtp = { host: '127.0.0.1', port, security: 'none', user, password, name: null, ca: null } as const
    const mailer = smtpMailer({ smtp, from: 'a@b.example', name: 'alibi.example', secrets: [user, password] })
    const failed = await mailer.verify(new AbortController().signal).catch((error: unknown) => String(error))
    expect(failed).toContain('535 [secret] may not')
    expect(failed).not.toMatch(/PLANTED|UExBTlRF/)
    expect(failed).not.toContain(login)
    await mailer.close()
  } finally {
    server.close()
  }
})

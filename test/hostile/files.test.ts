// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { keyring } from '../../src/adapters/aws/credentials.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import { main } from '../../src/cli/program.ts'
import { loadConfig } from '../../src/config/file.ts'
import { loadSharedFiles } from '../../src/config/shared-files.ts'

/*
 * Things that lie where a file should: each is refused in a sentence, and none is waited for. A pipe that nobody writes into keeps
 * whoever reads it for ever, and with him one of the four threads by which Node reads files and looks names up.
 */

const place = mkdtempSync(join(tmpdir(), 'alibi-hostile-'))
afterAll(() => rmSync(place, { recursive: true, force: true }))

const pipe = join(place, 'pipe')
execFileSync('mkfifo', [pipe])
const link = join(place, 'link')
symlinkSync(pipe, link)
const huge = join(place, 'huge')
{
  const file = openSync(huge, 'w')
  ftruncateSync(file, 3 * 1024 ** 3)
  closeSync(file)
}
const directory = join(place, 'directory')
mkdirSync(directory)

const HOSTILE: readonly (readonly [string, string, RegExp])[] = [
  ['a pipe', pipe, /is not a regular file/],
  ['a link to a pipe', link, /is not a regular file/],
  ['a device without an end', '/dev/zero', /is not a regular file/],
  ['a device of chance', '/dev/random', /is not a regular file/],
  ['a file of three gigabytes', huge, /is larger than \d+ KiB/],
]
const ENOUGH = 'mail: { from: a@example.com, directory: /tmp/x }\nrecipients: { oncall: { to: [a@example.com] } }\n'
const HOME = { HOME: directory }

function written(name: string, text: string): string {
  const file = join(place, name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

async function faultsOf(file: string, env: Readonly<Record<string, string>> = HOME): Promise<readonly string[]> {
  const loaded = await loadConfig(file, env, { cwd: place })
  return loaded.ok ? [] : loaded.faults.map(({ message }) => message)
}

async function alibi(...args: readonly string[]): Promise<Readonly<{ code: number; err: string }>> {
  const err: string[] = []
  const io = { out: () => {}, err: (text: string) => void err.push(text), env: HOME, isTty: false, columns: null }
  const code = await main(args, io)
  return { code, err: err.join('\n') }
}

describe.for(HOSTILE)('%s', ([, path, expected]) => {
  test('as the configuration', async () => expect(await faultsOf(path)).toEqual([expect.stringMatching(expected)]))

  test('as the file of a secret', async () => {
    const file = written('secret.yaml', `${ENOUGH}heartbeat: { url: "\${file:${path}}" }\n`)
    expect((await faultsOf(file)).join()).toMatch(expected)
  })

  test('as the certificates of a private authority', async () => {
    const file = written('authority.yaml', ENOUGH.replace('directory: /tmp/x', `smtp: { host: h.example, ca: "${path}" }`))
    expect((await faultsOf(file)).join()).toMatch(expected)
  })

  test.for(['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])('as %s', async (variable) => {
    const file = written('shared.yaml', ENOUGH)
    expect(await faultsOf(file, { ...HOME, [variable]: path })).toEqual([
      expect.stringMatching(`^the AWS SDK's shared file ${path} ${expected.source}`),
    ])
    expect(await loadSharedFiles({ ...HOME, [variable]: path })).toMatchObject({ configFile: {}, credentialsFile: {} })
  })

  test.for([
    ['the token file of a web identity', { AWS_WEB_IDENTITY_TOKEN_FILE: path, AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/r' }],
    [
      'the token file of a container',
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9/x', AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: path },
    ],
    ['the shared file of a provider', { AWS_CONFIG_FILE: path }],
    [
      'the token file of a profile',
      {
        AWS_PROFILE: 'p',
        AWS_CONFIG_FILE: written(
          `profile-${path.replaceAll('/', '_')}`,
          `[profile p]\nrole_arn = arn:aws:iam::111122223333:role/r\nweb_identity_token_file = ${path}\n`,
        ),
      },
    ],
  ] as const)('as %s', async ([, variables]) => {
    const env = { ...HOME, AWS_EC2_METADATA_DISABLED: 'true', ...variables }
    for (const [name, value] of Object.entries({ AWS_PROFILE: undefined, AWS_ACCESS_KEY_ID: undefined, ...env }))
      vi.stubEnv(name, value)
    const ring = keyring({ clock: systemClock, env })
    const credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }
    try {
      const asked = ring.get({ credentials, stsRegion: 'us-west-2' }, 20_000, new AbortController().signal)
      await expect(asked).rejects.toThrow(expected)
    } finally {
      ring.close()
      vi.unstubAllEnvs()
    }
  })

  test('as a scenario', async () => {
    const ended = await alibi('simulate', path)
    expect(ended.code).toBe(78)
    expect(ended.err).toMatch(expected)
  })

  test.skipIf(path === huge)('as the database', async () => {
    const file = written('database.yaml', `${ENOUGH}storage: { path: "${path}" }\n`)
    const ended = await alibi('incidents', '--config', file)
    expect(ended.code).toBe(69)
    expect(ended.err).toMatch(expected)
  })
})

test('/dev/null in place of a shared file says that there is none, as everywhere', async () => {
  const file = written('null.yaml', ENOUGH)
  expect(await faultsOf(file, { ...HOME, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' })).toEqual([])
})

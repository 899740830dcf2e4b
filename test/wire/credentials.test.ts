import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { callerIdentity, type Holder, type Keyring, KeyringError, keyring } from '../../src/adapters/aws/credentials.ts'
import type { Credentials } from '../../src/domain/probe.ts'
import type { Clock } from '../../src/ports/time.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/aws.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const TIMEOUT_MS = 2_000
const never = new AbortController().signal
const CHAIN: Credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }
const ROLE: Holder = { credentials: { ...CHAIN, roleArn: 'arn:aws:iam::111122223333:role/prober' }, stsRegion: 'us-west-2' }

let sandbox: Sandbox
let directory: string
let ring: Keyring
let aheadMs = 0
const clock: Clock = {
  now: () => Date.now() + aheadMs,
  monotonic: () => performance.now() + aheadMs,
  uptime: () => performance.now(),
  moment: () => null,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
}

beforeAll(async () => {
  sandbox = await startSandbox()
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'alibi-credentials-'))
  for (const [name, value] of Object.entries(sandbox.endpoints())) vi.stubEnv(name, value)
  vi.stubEnv('AWS_PROFILE', undefined)
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(directory, 'credentials'))
  vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'config'))
  sandbox.answer({}, 'ok')
  aheadMs = 0
  ring = keyring({ clock, env: process.env })
})
afterEach(() => {
  ring.close()
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true })
})
afterAll(() => sandbox.close())

const profile = (name: string): Holder => ({ credentials: { ...CHAIN, profile: name }, stsRegion: 'us-west-2' })
const assumed = () => sandbox.count('AssumeRole')

test('a role is renewed before its credentials end, and until then a renewal that fails harms nobody', async () => {
  const first = await ring.get(ROLE, TIMEOUT_MS, never)
  const before = assumed()
  aheadMs = HOUR_MS - 6 * MINUTE_MS
  expect(await ring.get(ROLE, TIMEOUT_MS, never)).toBe(first)
  expect(assumed()).toBe(before)

  sandbox.answer({}, 'sts-500')
  aheadMs = HOUR_MS - 4 * MINUTE_MS
  expect(await ring.get(ROLE, TIMEOUT_MS, never)).toBe(first)
  await vi.waitUntil(() => assumed() === before + 1)
  expect(await ring.get(ROLE, TIMEOUT_MS, never)).toBe(first)
  expect(assumed(), 'not at each call').toBe(before + 1)

  sandbox.answer({}, 'ok')
  aheadMs += MINUTE_MS
  expect(await ring.get(ROLE, TIMEOUT_MS, never)).toBe(first)
  await vi.waitUntil(async () => (await ring.get(ROLE, TIMEOUT_MS, never)) !== first)
})

test('once they have ended there is no using them', async () => {
  await ring.get(ROLE, TIMEOUT_MS, never)
  sandbox.answer({}, 'sts-500')
  aheadMs = HOUR_MS
  const refused = await ring.get(ROLE, TIMEOUT_MS, never).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(KeyringError)
  expect(refused).toMatchObject({ asked: 'STS', answer: { status: 500 } })
})

test('a profile’s own role is assumed by us as well: in our region, not in the profile’s', async () => {
  writeFileSync(join(directory, 'credentials'), '[base]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = s\n')
  writeFileSync(
    join(directory, 'config'),
    '[profile prod]\nregion = us-east-1\nrole_arn = arn:aws:iam::111122223333:role/p\nsource_profile = base\n',
  )
  await ring.get(profile('prod'), TIMEOUT_MS, never)
  expect(sandbox.received({ operation: 'AssumeRole' }).at(-1)).toMatchObject({
    scope: { region: 'us-west-2' },
    input: { RoleArn: 'arn:aws:iam::111122223333:role/p' },
  })
  sandbox.answer({}, 'sts-denied')
  aheadMs = HOUR_MS
  await expect(ring.get(profile('prod'), TIMEOUT_MS, never)).rejects.toMatchObject({ asked: 'STS', answer: { status: 403 } })
})

test('a web identity is exchanged by us as well, unsigned', async () => {
  writeFileSync(join(directory, 'token'), 'planted-jwt')
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(directory, 'token'))
  vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::111122223333:role/irsa')
  const holder: Holder = { credentials: CHAIN, stsRegion: 'us-west-2' }
  expect((await ring.get(holder, TIMEOUT_MS, never)).accessKeyId).toBe('ASIAIOSFODNN7EXAMPLE')
  expect(sandbox.received({ operation: 'AssumeRoleWithWebIdentity' }).at(-1)).toMatchObject({ scope: null })
  aheadMs = HOUR_MS
  sandbox.answer({}, 'sts-reset')
  await expect(ring.get(holder, TIMEOUT_MS, never)).rejects.toMatchObject({ asked: 'STS', answer: null })
})

test('credentials that were refused are read anew from a file that has changed', async () => {
  const write = (id: string) =>
    writeFileSync(join(directory, 'credentials'), `[p]\naws_access_key_id = ${id}\naws_secret_access_key = s\n`)
  write('AKIAOLD')
  const old = await ring.get(profile('p'), TIMEOUT_MS, never)
  write('AKIANEW')
  ring.drop(profile('p'), old)
  expect(await ring.get(profile('p'), TIMEOUT_MS, never), 'only just found').toBe(old)
  aheadMs = MINUTE_MS
  ring.drop(profile('p'), old)
  expect((await ring.get(profile('p'), TIMEOUT_MS, never)).accessKeyId).toBe('AKIANEW')
})

test('a provider that hangs is bounded, is not started without end, and is heard again when it has come to its senses', async () => {
  const marks = join(directory, 'begun')
  const go = join(directory, 'go')
  const script = join(directory, 'provide.sh')
  const given = '{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"s"}'
  // Hangs until it is let go, then fails; once let go it provides at once.
  writeFileSync(
    script,
    `echo x >> ${marks}\nif [ -e ${go} ]; then echo '${given}'; exit; fi\nuntil [ -e ${go} ]; do sleep 0.05; done\nexit 1\n`,
  )
  writeFileSync(join(directory, 'config'), `[profile p]\ncredential_process = sh ${script}\n`)
  for (let i = 0; i < 3; i++) {
    await expect(ring.get(profile('p'), 50, never)).rejects.toMatchObject({ asked: 'provider', cause: { name: 'DeadlineError' } })
  }
  await expect(ring.get(profile('p'), TIMEOUT_MS, never)).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/^3 earlier calls/) },
  })
  writeFileSync(go, '')
  const found = await vi.waitFor(() => ring.get(profile('p'), TIMEOUT_MS, never), { timeout: 10_000 })
  expect(found.accessKeyId).toBe('AKIAPROCESS')
})

test('whoever comes while another waits for a hanging STS waits no longer than his own time', async () => {
  sandbox.answer({}, 'sts-timeout')
  const waits = Array.from({ length: 5 }, () => ring.get(ROLE, 100, never))
  const ends = await Promise.allSettled(waits)
  expect(ends.map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  sandbox.answer({}, 'ok')
  await expect(ring.get(ROLE, TIMEOUT_MS, never)).resolves.toMatchObject({ accessKeyId: 'ASIAIOSFODNN7EXAMPLE' })
})

test('a search that hangs is not joined by those who come when its time is over', async () => {
  sandbox.answer({}, 'sts-timeout')
  const early = ring.get(ROLE, HOUR_MS, never).catch((error: unknown) => error)
  const asked = assumed()
  await vi.waitUntil(() => assumed() > asked)
  sandbox.answer({}, 'ok')
  aheadMs = 2 * TIMEOUT_MS
  await expect(ring.get(ROLE, TIMEOUT_MS, never)).resolves.toMatchObject({ accessKeyId: 'ASIAIOSFODNN7EXAMPLE' })
  expect(await early).toMatchObject({ asked: 'STS', cause: { name: 'AbortError' } })
})

test('nothing that is said of a failed provider shows a secret', async () => {
  writeFileSync(join(directory, 'config'), '[profile p]\ncredential_process = false --password hunter2\n')
  const options = { keyring: ring, clock, env: process.env, timeoutMs: TIMEOUT_MS, signal: never }
  expect(await callerIdentity(profile('p'), options)).toEqual({
    why: 'credentials: credential_process failed',
  })
})

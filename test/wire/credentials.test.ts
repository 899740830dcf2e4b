import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { callerIdentity } from '../../src/adapters/aws/caller.ts'
import { type Keyring, KeyringError, keyring } from '../../src/adapters/aws/credentials.ts'
import type { Holder } from '../../src/adapters/aws/provider.ts'
import type { Credentials } from '../../src/domain/probe.ts'
import type { Clock } from '../../src/ports/time.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/aws.ts'
import { startInstanceMetadata } from '../fakes/instance-metadata.ts'

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
  sandbox.skew(0)
  aheadMs = 0
  ring = keyring({ clock, env: process.env })
})
afterEach(() => {
  ring.close()
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true })
})
afterAll(() => sandbox.close())

const CHAINED: Holder = { credentials: CHAIN, stsRegion: 'us-west-2' }
const PROVIDED = '{"Version":1,"AccessKeyId":"AKIASLOW","SecretAccessKey":"s"}'
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

test('credentials that were rejected are read again from a file that has changed', async () => {
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
  const begun = () => readFileSync(marks, 'utf8').length / 2
  const late = {
    asked: 'provider',
    message: 'credentials not there yet after 0.1 s: profile p (credential_process) has not answered',
  }
  for (let i = 1; i <= 3; i++) {
    await expect(ring.get(profile('p'), 100, never)).rejects.toMatchObject({ ...late, cause: { name: 'DeadlineError' } })
    await expect(ring.get(profile('p'), 100, never)).rejects.toMatchObject(late)
    expect(begun(), 'whoever comes a little later joins').toBe(i)
    aheadMs += 2 * MINUTE_MS
  }
  await expect(ring.get(profile('p'), TIMEOUT_MS, never)).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/^3 earlier calls/) },
  })
  writeFileSync(go, '')
  const found = await vi.waitFor(() => ring.get(profile('p'), TIMEOUT_MS, never), { timeout: 10_000 })
  expect(found.accessKeyId).toBe('AKIAPROCESS')
})

/** A `credential_process` that does nothing until it is let go, and counts how often it was begun. */
function slowProcess(end: string) {
  const marks = join(directory, 'begun')
  const go = join(directory, 'go')
  const script = join(directory, 'slow.sh')
  writeFileSync(marks, '')
  writeFileSync(script, `echo x >> ${marks}\nuntil [ -e ${go} ]; do sleep 0.05; done\n${end}\n`)
  writeFileSync(join(directory, 'config'), `[profile p]\ncredential_process = sh ${script} --password hunter2\n`)
  return { letGo: () => writeFileSync(go, ''), begun: () => readFileSync(marks, 'utf8').length / 2 }
}

test('what a slow provider finds when nobody can wait for it any more is kept for the next', async () => {
  const process = slowProcess(`echo '${PROVIDED}'`)
  await expect(ring.get(profile('p'), 50, never)).rejects.toMatchObject({ asked: 'provider' })
  process.letGo()
  await vi.waitUntil(() => ring.originOf(profile('p')) !== null)
  expect(ring.originOf(profile('p'))).toBe('profile p (credential_process)')
  expect((await ring.get(profile('p'), 1, never)).accessKeyId).toBe('AKIASLOW')
  expect(process.begun()).toBe(1)
})

test('a short wait does not end the search that a longer one is waiting for', async () => {
  const process = slowProcess(`echo '${PROVIDED}'`)
  const long = ring.get(profile('p'), HOUR_MS, never)
  const abort = new AbortController()
  const gone = ring.get(profile('p'), HOUR_MS, abort.signal)
  abort.abort()
  await expect(gone).rejects.toMatchObject({ name: 'AbandonedError' })
  await expect(ring.get(profile('p'), 50, never)).rejects.toMatchObject({ cause: { name: 'DeadlineError' } })
  process.letGo()
  expect((await long).accessKeyId).toBe('AKIASLOW')
  expect(process.begun()).toBe(1)
})

test('the error of a slow provider for which nobody waited goes once to the next caller, and then it is asked again', async () => {
  const process = slowProcess('echo the token has expired >&2; exit 3')
  await expect(ring.get(profile('p'), 50, never)).rejects.toMatchObject({ asked: 'provider' })
  process.letGo()
  const told = await vi.waitFor(async () => {
    const error = await ring.get(profile('p'), 1, never).catch((error: unknown) => error)
    expect(String(error)).toContain('expired')
    return error
  })
  expect(told).toMatchObject({ message: 'credentials: profile p (credential_process): it failed: the token has expired' })
  expect(process.begun()).toBe(1)
  await expect(ring.get(profile('p'), TIMEOUT_MS, never)).rejects.toThrow('the token has expired')
  expect(process.begun()).toBe(2)
})

test('whoever comes while another waits for a hanging STS waits no longer than his own time', async () => {
  sandbox.answer({}, 'sts-timeout')
  const waits = Array.from({ length: 5 }, () => ring.get(ROLE, 100, never))
  const ends = await Promise.allSettled(waits)
  expect(ends.map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  sandbox.answer({}, 'ok')
  aheadMs = TIMEOUT_MS
  await expect(ring.get(ROLE, TIMEOUT_MS, never)).resolves.toMatchObject({ accessKeyId: 'ASIAIOSFODNN7EXAMPLE' })
})

test('however often STS hangs, it is STS that does not answer, and it is asked again', async () => {
  sandbox.answer({}, 'sts-timeout')
  const before = assumed()
  for (let i = 1; i <= 5; i++) {
    const failed = ring.get(ROLE, 500, never).catch((error: unknown) => error)
    await vi.waitUntil(() => assumed() === before + i)
    aheadMs += 1_000 // So much that STS has had its time, however long it took to ask it.
    expect(await failed).toMatchObject({ asked: 'STS', answer: null, cause: { name: 'DeadlineError' } })
  }
})

test('a request to STS that has had all the time that a caller has is not joined, and not ended either', async () => {
  sandbox.answer({}, 'sts-timeout')
  const early = ring.get(ROLE, HOUR_MS, never).catch((error: unknown) => error)
  const asked = assumed()
  await vi.waitUntil(() => assumed() > asked)
  sandbox.answer({}, 'ok')
  aheadMs = 2 * TIMEOUT_MS
  await expect(ring.get(ROLE, TIMEOUT_MS, never)).resolves.toMatchObject({ accessKeyId: 'ASIAIOSFODNN7EXAMPLE' })
  expect(await Promise.race([early, 'still waiting'])).toBe('still waiting')
  ring.close()
  expect(await early).toMatchObject({ asked: 'STS', cause: { name: 'AbortError' } })
})

test('STS is not blamed for the time that a slow provider has left it', async () => {
  writeFileSync(join(directory, 'config'), `[profile p]\ncredential_process = echo '${PROVIDED}'\n`)
  sandbox.answer({}, 'sts-timeout')
  const asked = assumed()
  const waits = ring.get({ ...ROLE, credentials: { ...ROLE.credentials, profile: 'p' } }, 500, never)
  const failed = waits.catch((error: unknown) => error)
  await vi.waitUntil(() => assumed() > asked)
  aheadMs = -400 // As if the provider had taken so much longer.
  expect(await failed).toMatchObject({
    asked: 'provider',
    message: expect.stringMatching(/^credentials not there yet after 0.5 s: role arn:.* from profile p \(credential_process\)/),
  })
})

const EXPLAINED: readonly (readonly [cause: string, config: string, message: RegExp])[] = [
  ['it is not there', '', /^credentials: profile p \(AWS_PROFILE\): it is in none of the AWS SDK's shared files: \/\S+config/],
  [
    'its process fails',
    '[profile p]\ncredential_process = sh -c "echo hunter2 is no password >&2; exit 1" --password=hunter2\n',
    /^credentials: profile p \(credential_process\): it failed: \[…\] is no password$/,
  ],
  [
    'its process says nothing',
    '[profile p]\ncredential_process = true\n',
    /profile p .*: Profile p credential_process returned invalid JSON/,
  ],
  [
    'its keys have no source for the role',
    '[profile p]\nrole_arn = arn:aws:iam::111122223333:role/r\naws_access_key_id = AKIAOTHER\naws_secret_access_key = s\n',
    /profile p \(AWS_PROFILE\) has role_arn, but neither source_profile nor credential_source/,
  ],
  [
    'its SSO session is not there',
    '[profile p]\nsso_session = gone\n',
    /has sso_session = gone, but there is no section \[sso-session gone\]/,
  ],
  [
    'nobody has logged in',
    '[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\nsso_start_url = https://x.invalid\nsso_region = us-east-1\n',
    /profile p \(SSO\): .*(invalid|expired|not found)/i,
  ],
]

test.for(EXPLAINED)('AWS_PROFILE is that profile and no other: %s', async ([, config, message]) => {
  await using instance = await startInstanceMetadata()
  for (const [name, value] of Object.entries(instance.env)) vi.stubEnv(name, value)
  vi.stubEnv('AWS_PROFILE', 'p')
  vi.stubEnv('HOME', directory)
  writeFileSync(join(directory, 'config'), config)
  const failed = await ring.get(CHAINED, TIMEOUT_MS, never).catch((error: unknown) => error)
  expect(failed).toMatchObject({ asked: 'provider', message: expect.stringMatching(message) })
  expect(instance.asked(), 'the instance is left alone').toBe(0)
})

test('a [default] that speaks of credentials and fails is not replaced by the role of the instance', async () => {
  await using instance = await startInstanceMetadata()
  for (const [name, value] of Object.entries(instance.env)) vi.stubEnv(name, value)
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined)
  writeFileSync(join(directory, 'config'), '[default]\ncredential_process = sh -c "echo expired >&2; exit 1"\n')
  await expect(ring.get(CHAINED, TIMEOUT_MS, never)).rejects.toThrow('profile default (credential_process): it failed: expired')
  expect(instance.asked()).toBe(0)
})

test('without any of it the instance gives its role, and it is known whence it is', async () => {
  await using instance = await startInstanceMetadata()
  for (const [name, value] of Object.entries(instance.env)) vi.stubEnv(name, value)
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined)
  writeFileSync(join(directory, 'config'), '[default]\nregion = eu-west-1\n')
  expect((await ring.get(CHAINED, TIMEOUT_MS, never)).accessKeyId).toBe('ASIAINSTANCE')
  expect(ring.originOf(CHAINED)).toBe('the role of this instance')
  instance.refuse()
  aheadMs = 7 * HOUR_MS
  await expect(ring.get(CHAINED, TIMEOUT_MS, never)).rejects.toThrow(
    /^credentials: no credentials: no AWS_PROFILE, no AWS_ACCESS_KEY_ID in the environment, no \[default\] profile in .*, and no role of an instance: /,
  )
})

describe('with a clock that is ten minutes off', () => {
  const OFF_MS = 10 * MINUTE_MS

  test.for([OFF_MS, -OFF_MS])('%d ms: a role is assumed, because STS itself has given the time', async (off) => {
    sandbox.skew(off)
    const before = assumed()
    const identity = await ring.get(ROLE, TIMEOUT_MS, never)
    expect(identity.accessKeyId).toBe('ASIAIOSFODNN7EXAMPLE')
    expect(assumed() - before, 'once refused, once granted').toBe(2)
    const who = { keyring: ring, clock, env: process.env, timeoutMs: TIMEOUT_MS, signal: never }
    expect(await callerIdentity(ROLE, who)).toMatchObject({ account: '123456789012' })
    expect(sandbox.received({ operation: 'GetCallerIdentity' }).filter(({ refused }) => refused)).toEqual([])
  })

  test('credentials hold as long as AWS says, by its clock', async () => {
    sandbox.skew(-2 * HOUR_MS)
    const first = await ring.get(ROLE, TIMEOUT_MS, never)
    expect(await ring.get(ROLE, TIMEOUT_MS, never)).toBe(first)
  })

  test('a clock that is put right is believed again', async () => {
    sandbox.skew(OFF_MS)
    await ring.get(ROLE, TIMEOUT_MS, never)
    sandbox.skew(0)
    aheadMs = 2 * HOUR_MS
    expect(await ring.get(ROLE, TIMEOUT_MS, never)).toBeDefined()
  })
})

test('nothing that is said of a failed provider shows a secret', async () => {
  writeFileSync(join(directory, 'config'), '[profile p]\ncredential_process = false --password hunter2\n')
  const options = { keyring: ring, clock, env: process.env, timeoutMs: TIMEOUT_MS, signal: never }
  expect(await callerIdentity(profile('p'), options)).toEqual({
    why: 'credentials: profile p (credential_process): it failed',
    fault: 'no credentials',
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromIni } from '@aws-sdk/credential-providers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Origin, originOf, originShown, profileFault } from './profile.ts'
import { loadSharedFiles, profileIn, type SharedFiles } from './shared-files.ts'

const PROCESS = `echo '{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"s"}'`
const KEYS = 'aws_access_key_id = AKIAKEYS\naws_secret_access_key = s\n'
const ROLE = 'role_arn = arn:aws:iam::111122223333:role/r\n'

/** What stands in a profile, what is wrong with it, and whose credentials the SDK takes: `null` where it fails as well. */
const PROFILES: readonly (readonly [name: string, text: string, fault: RegExp | null, silent: boolean, sdk: string | null])[] = [
  ['keys', KEYS, null, false, 'AKIAKEYS'],
  ['process', `credential_process = ${PROCESS}\n`, null, false, 'AKIAPROCESS'],
  ['assumes', `${ROLE}source_profile = keys\n`, null, false, 'AKIAROLE by AKIAKEYS'],
  ['assumes-by-process', `${ROLE}source_profile = process\n`, null, false, 'AKIAROLE by AKIAPROCESS'],
  ['assumes-by-itself', `${ROLE}source_profile = assumes-by-itself\n${KEYS}`, null, false, 'AKIAROLE by AKIAKEYS'],
  ['assumes-by-the-environment', `${ROLE}credential_source = Environment\n`, null, false, 'AKIAROLE by AKIAENV'],
  ['keys-beside-a-role', `${ROLE}${KEYS}`, /^has role_arn, but neither source_profile nor credential_source/, true, 'AKIAKEYS'],
  ['process-beside-a-role', `${ROLE}credential_process = ${PROCESS}\n`, /^has role_arn, but neither/, true, 'AKIAPROCESS'],
  [
    'both-sources',
    `${ROLE}source_profile = keys\ncredential_source = Environment\n${KEYS}`,
    /^has role_arn with both/,
    true,
    'AKIAKEYS',
  ],
  ['keys-beside-a-token', `${ROLE}web_identity_token_file = /t\n${KEYS}`, /^has keys as well/, true, 'AKIAKEYS'],
  ['role-alone', ROLE, /^has role_arn, but neither/, true, null],
  ['source-lost', `${ROLE}source_profile = nobody\n`, /source_profile = nobody, which is not in/, false, null],
  [
    'source-drops-a-role',
    `${ROLE}source_profile = role-alone\n`,
    /source_profile = role-alone, which has role_arn, but/,
    true,
    null,
  ],
  ['leans-on-keys', `${ROLE}source_profile = keys-beside-a-role\n`, null, false, 'AKIAROLE by AKIAKEYS'],
  ['leans-on-a-word', `${ROLE}source_profile = word\n`, null, false, 'AKIAROLE by AKIAENV'],
  ['word', 'credential_source = Environment\n', /^has credential_source, but no role_arn/, false, null],
  ['circle-a', `${ROLE}source_profile = circle-b\n`, /circle-a → circle-b → circle-a/, false, null],
  ['circle-b', `${ROLE}source_profile = circle-a\n`, /circle-b → circle-a → circle-b/, false, null],
  [
    'odd-source',
    `${ROLE}credential_source = Moon\n`,
    /^has credential_source = Moon: expected Ec2InstanceMetadata,/,
    false,
    null,
  ],
  ['mfa', `${ROLE}source_profile = keys\nmfa_serial = arn:aws:iam::1:mfa/x\n`, /MFA/, false, null],
  ['half', 'aws_access_key_id = AKIAHALF\n', /^has aws_access_key_id without aws_secret_access_key/, false, null],
  ['other-half', 'aws_secret_access_key = s\n', /^has aws_secret_access_key without aws_access_key_id/, false, null],
  ['sso-lost', 'sso_session = gone\nsso_account_id = 1\nsso_role_name = r\n', /no section \[sso-session gone\]/, false, null],
  ['sso-short', 'sso_session = there\nsso_account_id = 1\n', /^lacks sso_role_name/, false, null],
  ['nothing', 'region = eu-west-1\n', /^provides no credentials/, false, null],
]

let directory: string
let files: SharedFiles

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'alibi-profiles-'))
  const sections = PROFILES.map(([name, text]) => `[profile ${name}]\n${text}`)
  const session = '[sso-session there]\nsso_start_url = https://sso.invalid\nsso_region = us-east-1\n'
  writeFileSync(join(directory, 'config'), `${sections.join('')}${session}[profile twice]\nregion = eu-west-1\noutput = text\n`)
  writeFileSync(join(directory, 'credentials'), `[twice]\nregion = cn-north-1\n${KEYS}`)
  vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(directory, 'credentials'))
  vi.stubEnv('AWS_PROFILE', undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENV')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  files = await loadSharedFiles(process.env)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true })
})

test.for(PROFILES)('profile %s: what is wrong with it is found, and the SDK agrees', async ([name, , fault, silent, sdk]) => {
  const found = profileFault(name, files)
  if (fault === null) expect(found).toBeNull()
  else expect(found).toEqual({ why: expect.stringMatching(fault), silent })
  const roleAssumer = async ({ accessKeyId }: { accessKeyId: string }) => {
    return { accessKeyId: `AKIAROLE by ${accessKeyId}`, secretAccessKey: 's' }
  }
  const provide = fromIni({ profile: name, roleAssumer, ignoreCache: true })
  const taken = await provide().then(
    ({ accessKeyId }) => accessKeyId,
    () => null,
  )
  expect(taken).toBe(sdk)
})

test('a profile in both files is merged key by key; the credentials file wins', () => {
  expect(profileIn(files, 'twice')).toMatchObject({ region: 'cn-north-1', output: 'text', aws_access_key_id: 'AKIAKEYS' })
  expect(profileIn(files, 'toString')).toBeNull()
})

describe('where the credentials come from', () => {
  const KEY = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  const TOKEN = { AWS_WEB_IDENTITY_TOKEN_FILE: '/t', AWS_ROLE_ARN: 'arn' }
  const CONTAINER = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1/' }
  const withDefault = (section: Record<string, string>): SharedFiles => ({
    configFile: { ...files.configFile, default: section },
    credentialsFile: files.credentialsFile,
    looked: ['/home/a/.aws/config'],
    unfit: null,
  })
  const shown = (origin: Origin) => (origin.from === 'nowhere' ? `nowhere: ${origin.why}` : originShown(origin))

  test.for<[string, Record<string, string>, string | null, string]>([
    ['the environment comes first', { ...KEY, ...TOKEN, ...CONTAINER }, null, 'the environment'],
    ['AWS_PROFILE before it', { ...KEY, AWS_PROFILE: 'process' }, null, 'profile process (credential_process)'],
    ['the configuration before both', { ...KEY, AWS_PROFILE: 'process' }, 'keys', 'profile keys (its keys)'],
    ['a role', {}, 'assumes', 'profile assumes (role from profile keys)'],
    ['a token before a container', { ...TOKEN, ...CONTAINER }, null, 'the web identity token of AWS_WEB_IDENTITY_TOKEN_FILE'],
    ['a container before the instance', CONTAINER, null, 'the role of this container'],
    ['the instance', {}, null, 'the role of this instance'],
    ['the instance again', { AWS_EC2_METADATA_DISABLED: 'false' }, null, 'the role of this instance'],
    ['none at all', { AWS_EC2_METADATA_DISABLED: 'true' }, null, 'nowhere: no credentials: no AWS_PROFILE, no AWS_ACCESS_KEY_ID'],
    ['half of a key', { AWS_ACCESS_KEY_ID: 'a' }, null, 'nowhere: AWS_ACCESS_KEY_ID is set in the environment, but AWS_SECRET'],
    [
      'half a token',
      { AWS_WEB_IDENTITY_TOKEN_FILE: '/t' },
      null,
      'nowhere: AWS_WEB_IDENTITY_TOKEN_FILE is set in the environment',
    ],
    ['a profile that is not there', { AWS_PROFILE: 'gone' }, null, 'nowhere: profile gone (AWS_PROFILE): it is in none of'],
    ['or not to be used', { AWS_PROFILE: 'half' }, null, 'nowhere: profile half (AWS_PROFILE) has aws_access_key_id without'],
    ['of the configuration', KEY, 'gone', 'nowhere: profile gone: it is in none of'],
  ])('%s', ([, env, profile, expected]) => {
    expect(shown(originOf(env, profile, files))).toContain(expected)
  })

  test.for<[Record<string, string>, string]>([
    [{ region: 'eu-west-1' }, 'the role of this instance'],
    [{ credential_process: 'false' }, 'profile default (credential_process)'],
    [{ aws_access_key_id: 'a' }, 'nowhere: profile default has aws_access_key_id without'],
    [{ sso_session: 'gone' }, 'nowhere: profile default has sso_session = gone'],
  ])('a [default] of %j', ([section, expected]) => {
    expect(shown(originOf({}, null, withDefault(section)))).toContain(expected)
  })

  test('without a home directory there is no profile, and the message says so', () => {
    const nobody = { ...files, looked: [] }
    const why = 'no home directory (HOME is not set, and this user has none)'
    expect(shown(originOf({ AWS_PROFILE: 'p' }, null, nobody))).toContain(why)
    expect(shown(originOf({ AWS_EC2_METADATA_DISABLED: 'true' }, null, nobody))).toContain(why)
    expect(shown(originOf(KEY, null, nobody))).toBe('the environment')
  })
})

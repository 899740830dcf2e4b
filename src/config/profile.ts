import type { Env } from './endpoints.ts'
import { profileIn, type Section, type SharedFiles } from './shared-files.ts'

/** Where credentials come from: where the SDK's default chain ends, or the profile that was named. */
export type Giver =
  | Readonly<{ from: 'environment' | 'web identity' | 'container' | 'instance' }>
  | Readonly<{ from: 'profile'; name: string; way: Way }>
export type Origin = Giver | Readonly<{ from: 'nowhere'; why: string }>

/** How a profile provides credentials. */
type Way =
  | Readonly<{ by: 'keys' | 'process' | 'sso' | 'login' | 'web identity' }>
  | Readonly<{ by: 'role'; roleArn: string; source: string }>

/** Keys of a profile that concern credentials. Whoever writes one means the profile to provide them. */
const CREDENTIALS_KEY =
  /^(?:aws_access_key_id|aws_secret_access_key|role_arn|source_profile|credential_source|credential_process|web_identity_token_file|login_session|sso_\w+)$/

const CREDENTIAL_SOURCES = ['Ec2InstanceMetadata', 'EcsContainer', 'Environment']

/** A profile can refer to another by source_profile, and that one to a third. */
const MAX_SOURCES = 20

/**
 * Where credentials come from, decided before any provider is asked. The SDK's default chain skips a profile that is missing or
 * fails, uses the role of the instance instead, and so would probe another account than was meant. Here, what is named is used
 * or is an error: a profile of the configuration, `AWS_PROFILE`, one of a pair of variables, and a `[default]` with a key that
 * concerns credentials.
 *
 * @param profile of the configuration; `null`: the default chain, in the SDK's order
 */
export function originOf(env: Env, profile: string | null, files: SharedFiles): Origin {
  const named = profile ?? (env['AWS_PROFILE'] || null)
  if (named !== null) return originInProfile(named, files, profile === null ? 'AWS_PROFILE' : null)
  if (env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY']) return { from: 'environment' }
  if (env['AWS_ACCESS_KEY_ID'] || env['AWS_SECRET_ACCESS_KEY']) return halfSet(env, 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')
  const section = profileIn(files, 'default')
  if (section !== null && Object.keys(section).some((key) => CREDENTIALS_KEY.test(key)))
    return originInProfile('default', files, null)
  if (env['AWS_WEB_IDENTITY_TOKEN_FILE'])
    return env['AWS_ROLE_ARN'] ? { from: 'web identity' } : halfSet(env, 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN')
  if (env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] || env['AWS_CONTAINER_CREDENTIALS_FULL_URI']) return { from: 'container' }
  const off = env['AWS_EC2_METADATA_DISABLED']
  if (!off || off === 'false') return { from: 'instance' }
  return {
    from: 'nowhere',
    why: `no credentials: ${nothingElse(files)}, and AWS_EC2_METADATA_DISABLED turns off instance roles`,
  }
}

function halfSet(env: Env, one: string, other: string): Origin {
  const [set, unset] = env[one] ? [one, other] : [other, one]
  return { from: 'nowhere', why: `${set} is set in the environment, but ${unset} is not` }
}

/** What was tried before the role of the instance. */
export function nothingElse({ looked }: SharedFiles): string {
  const where = looked.length === 0 ? `${NO_HOME}, so no profile` : `no [default] profile in ${looked.join(' or ')}`
  return `no AWS_PROFILE, no AWS_ACCESS_KEY_ID in the environment, ${where}, no web identity, no container`
}

const NO_HOME = 'no home directory (HOME is not set, and this user has none)'

function originInProfile(name: string, files: SharedFiles, by: string | null): Origin {
  const said = by === null ? '' : ` (${by})`
  const section = profileIn(files, name)
  if (section === null) {
    const where =
      files.looked.length === 0
        ? `there is ${NO_HOME}: set HOME, or AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE`
        : `it is in none of the AWS SDK's shared files: ${files.looked.join(', ')}`
    return { from: 'nowhere', why: `profile ${name}${said}: ${where}` }
  }
  const fault = profileFault(name, files)
  if (fault !== null) return { from: 'nowhere', why: `profile ${name}${said} ${fault.why}` }
  return { from: 'profile', name, way: wayOf(section) }
}

/** What is wrong with a profile, to follow its name. */
export type ProfileFault = Readonly<{
  why: string
  /** The SDK would silently use other credentials than those meant: the keys of the same profile, or the instance's role. */
  silent: boolean
}>

/** `null` if nothing is wrong with its text. Whether the credentials are valid is known only once they are used. */
export function profileFault(name: string, files: SharedFiles, visited: readonly string[] = []): ProfileFault | null {
  const section = profileIn(files, name)
  if (section === null) return { why: "is not in the AWS SDK's shared files", silent: false }
  // A source profile provides its keys, even if it also has a role.
  if (section['role_arn'] !== undefined && !(visited.length > 0 && hasKeys(section)))
    return roleFault(name, section, files, visited)
  // A source profile may have nothing but a credential_source.
  if (visited.length > 0 && CREDENTIAL_SOURCES.includes(section['credential_source'] ?? '')) return null
  const why = keysFault(section, files)
  return why === null ? null : { why, silent: false }
}

function roleFault(name: string, section: Section, files: SharedFiles, visited: readonly string[]): ProfileFault | null {
  const { source_profile: source, credential_source: given, web_identity_token_file: token } = section
  if (source !== undefined && given !== undefined) {
    const why = 'has role_arn with both source_profile and credential_source: only one of them can provide the credentials'
    return { why, silent: true }
  }
  if (given !== undefined && !CREDENTIAL_SOURCES.includes(given))
    return { why: `has credential_source = ${given}: expected ${CREDENTIAL_SOURCES.join(', ')}`, silent: false }
  if ((source ?? given) !== undefined && section['mfa_serial'] !== undefined)
    return { why: 'requires the code of an MFA device (mfa_serial), which nobody can type in here', silent: false }
  if (source !== undefined) return sourceFault(source, files, [...visited, name])
  if (given !== undefined) return null
  if (token === undefined)
    return { why: 'has role_arn, but neither source_profile nor credential_source to assume the role with', silent: true }
  if (!hasKeys(section)) return null
  return { why: 'has keys as well as role_arn and web_identity_token_file: only one of them can be used', silent: true }
}

function sourceFault(source: string, files: SharedFiles, visited: readonly string[]): ProfileFault | null {
  const isOwnKeys = visited.at(-1) === source && hasKeys(profileIn(files, source) ?? {})
  if (isOwnKeys) return null
  if (visited.includes(source) || visited.length >= MAX_SOURCES)
    return { why: `refers to itself through source_profile: ${[...visited, source].join(' → ')}`, silent: false }
  const fault = profileFault(source, files, visited)
  return fault === null ? null : { ...fault, why: `has source_profile = ${source}, which ${fault.why}` }
}

function keysFault(section: Section, { configFile }: SharedFiles): string | null {
  if (hasKeys(section) || section['credential_process'] !== undefined || section['login_session'] !== undefined) return null
  const [key, secret] = ['aws_access_key_id', 'aws_secret_access_key']
  if (section[key] !== undefined || section[secret] !== undefined)
    return `has ${section[key] === undefined ? `${secret} without ${key}` : `${key} without ${secret}`}`
  if (Object.keys(section).some((name) => name.startsWith('sso_'))) return ssoFault(section, configFile)
  for (const name of ['source_profile', 'credential_source', 'web_identity_token_file'])
    if (section[name] !== undefined) return `has ${name}, but no role_arn`
  return 'provides no credentials: expected keys, credential_process, role_arn or SSO'
}

function ssoFault(section: Section, configFile: SharedFiles['configFile']): string | null {
  const { sso_session: name } = section
  const session = name === undefined ? {} : configFile[`sso-session.${name}`]
  if (session === undefined) return `has sso_session = ${name}, but there is no section [sso-session ${name}]`
  const all = { ...section, ...session }
  const missing = ['sso_start_url', 'sso_region', 'sso_account_id', 'sso_role_name'].filter((key) => all[key] === undefined)
  return missing.length === 0 ? null : `lacks ${missing.join(', ')} for SSO`
}

function hasKeys(section: Section): boolean {
  return section['aws_access_key_id'] !== undefined && section['aws_secret_access_key'] !== undefined
}

/** In the SDK's order (credential-provider-ini, resolveProfileData). */
function wayOf(section: Section): Way {
  const { role_arn: roleArn, source_profile: profile, credential_source: given } = section
  if (roleArn !== undefined && profile !== undefined) return { by: 'role', roleArn, source: `profile ${profile}` }
  if (roleArn !== undefined && given !== undefined) return { by: 'role', roleArn, source: SOURCE_SHOWN[given] ?? given }
  if (hasKeys(section)) return { by: 'keys' }
  if (section['web_identity_token_file'] !== undefined) return { by: 'web identity' }
  if (section['credential_process'] !== undefined) return { by: 'process' }
  return { by: section['login_session'] === undefined ? 'sso' : 'login' }
}

const SOURCE_SHOWN: Readonly<Record<string, string>> = {
  Ec2InstanceMetadata: 'the role of this instance',
  EcsContainer: 'the role of this container',
  Environment: 'the environment',
}

const WAY_SHOWN: Readonly<Record<Exclude<Way['by'], 'role'>, string>> = {
  keys: 'its keys',
  process: 'credential_process',
  sso: 'SSO',
  login: 'aws login',
  'web identity': 'web identity',
}

/** Where credentials come from, for people: `profile prod (credential_process)`, `the role of this instance`. */
export function originShown(origin: Giver): string {
  switch (origin.from) {
    case 'environment':
      return 'the environment'
    case 'web identity':
      return 'the web identity token of AWS_WEB_IDENTITY_TOKEN_FILE'
    case 'container':
      return 'the role of this container'
    case 'instance':
      return 'the role of this instance'
    case 'profile': {
      const { name, way } = origin
      return way.by === 'role' ? `profile ${name} (role from ${way.source})` : `profile ${name} (${WAY_SHOWN[way.by]})`
    }
  }
}

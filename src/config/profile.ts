import type { Env } from './endpoints.ts'
import { profileIn, type Section, type SharedFiles } from './shared-files.ts'

/** Who gives credentials: where the SDK's own chain of providers ends up, or the profile that was asked for. */
export type Giver =
  | Readonly<{ from: 'environment' | 'web identity' | 'container' | 'instance' }>
  | Readonly<{ from: 'profile'; name: string; way: Way }>
export type Origin = Giver | Readonly<{ from: 'nowhere'; why: string }>

/** How a profile gives credentials. */
type Way =
  | Readonly<{ by: 'keys' | 'process' | 'sso' | 'login' | 'web identity' }>
  | Readonly<{ by: 'role'; roleArn: string; source: string }>

/** Keys of a profile that say something of credentials: whoever wrote one of them meant this profile to give some. */
const SPEAKS_OF_CREDENTIALS =
  /^(?:aws_access_key_id|aws_secret_access_key|role_arn|source_profile|credential_source|credential_process|web_identity_token_file|login_session|sso_\w+)$/

const CREDENTIAL_SOURCES = ['Ec2InstanceMetadata', 'EcsContainer', 'Environment']

/** A profile can lean on another, and that one on a third. */
const MAX_SOURCES = 20

/**
 * Where credentials come from, decided before anybody is asked: the SDK's own chain passes over a profile that is missing
 * or fails, takes the instance's role in its place, and so watches another account than was meant. What was named is used
 * or it is an error: a profile of the configuration, `AWS_PROFILE`, one half of a pair of variables, and a `[default]` that
 * speaks of credentials.
 *
 * @param profile of the configuration; `null`: the chain, in the SDK's order
 */
export function originOf(env: Env, profile: string | null, files: SharedFiles): Origin {
  const named = profile ?? (env['AWS_PROFILE'] || null)
  if (named !== null) return originInProfile(named, files, profile === null ? 'AWS_PROFILE' : null)
  if (env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY']) return { from: 'environment' }
  if (env['AWS_ACCESS_KEY_ID'] || env['AWS_SECRET_ACCESS_KEY']) return halfSet(env, 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')
  const section = profileIn(files, 'default')
  if (section !== null && Object.keys(section).some((key) => SPEAKS_OF_CREDENTIALS.test(key)))
    return originInProfile('default', files, null)
  if (env['AWS_WEB_IDENTITY_TOKEN_FILE'])
    return env['AWS_ROLE_ARN'] ? { from: 'web identity' } : halfSet(env, 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN')
  if (env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] || env['AWS_CONTAINER_CREDENTIALS_FULL_URI']) return { from: 'container' }
  const off = env['AWS_EC2_METADATA_DISABLED']
  if (!off || off === 'false') return { from: 'instance' }
  return {
    from: 'nowhere',
    why: `there are none: ${nothingElse(files)}, and AWS_EC2_METADATA_DISABLED rules out the role of an instance`,
  }
}

function halfSet(env: Env, one: string, other: string): Origin {
  const [set, unset] = env[one] ? [one, other] : [other, one]
  return { from: 'nowhere', why: `${set} is set in the environment, and ${unset} is not` }
}

/** What was looked at before the instance was asked. */
export function nothingElse({ looked }: SharedFiles): string {
  const where = looked.length === 0 ? `${NO_HOME}, so no profile` : `no [default] profile in ${looked.join(' or ')}`
  return `no AWS_PROFILE, no AWS_ACCESS_KEY_ID in the environment, ${where}, no web identity, no container`
}

const NO_HOME = 'no home directory (HOME is not set, and the system does not know this user)'

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

/** What is wrong with a profile as it stands, to go on after its name. */
export type ProfileFault = Readonly<{
  why: string
  /** The SDK would go on with other credentials than were meant, without a word: those beside the role, or the instance's. */
  silent: boolean
}>

/** `null` if nothing can be seen: whether the keys are good, and a process gives any, is learnt by asking. */
export function profileFault(name: string, files: SharedFiles, visited: readonly string[] = []): ProfileFault | null {
  const section = profileIn(files, name)
  if (section === null) return { why: "is not in the AWS SDK's shared files", silent: false }
  // A profile that another leans on gives its keys, whatever role stands beside them.
  if (section['role_arn'] !== undefined && !(visited.length > 0 && hasKeys(section)))
    return roleFault(name, section, files, visited)
  // And it may be no more than the word where they are.
  if (visited.length > 0 && CREDENTIAL_SOURCES.includes(section['credential_source'] ?? '')) return null
  const why = keysFault(section, files)
  return why === null ? null : { why, silent: false }
}

function roleFault(name: string, section: Section, files: SharedFiles, visited: readonly string[]): ProfileFault | null {
  const { source_profile: source, credential_source: given, web_identity_token_file: token } = section
  if (source !== undefined && given !== undefined) {
    const why = 'has both source_profile and credential_source beside its role_arn: only one of them can give the credentials'
    return { why, silent: true }
  }
  if (given !== undefined && !CREDENTIAL_SOURCES.includes(given))
    return { why: `has credential_source = ${given}: expected ${CREDENTIAL_SOURCES.join(', ')}`, silent: false }
  if ((source ?? given) !== undefined && section['mfa_serial'] !== undefined)
    return { why: 'asks for the code of an MFA device (mfa_serial), which nobody is there to type in', silent: false }
  if (source !== undefined) return sourceFault(source, files, [...visited, name])
  if (given !== undefined) return null
  if (token === undefined)
    return { why: 'has role_arn, but neither source_profile nor credential_source to assume it with', silent: true }
  if (!hasKeys(section)) return null
  return { why: 'has keys beside role_arn and web_identity_token_file: only one of them can be meant', silent: true }
}

function sourceFault(source: string, files: SharedFiles, visited: readonly string[]): ProfileFault | null {
  const isOwnKeys = visited.at(-1) === source && hasKeys(profileIn(files, source) ?? {})
  if (isOwnKeys) return null
  if (visited.includes(source) || visited.length >= MAX_SOURCES)
    return { why: `leans on itself by source_profile: ${[...visited, source].join(' → ')}`, silent: false }
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
  return 'gives no credentials: expected keys, credential_process, role_arn or SSO'
}

function ssoFault(section: Section, configFile: SharedFiles['configFile']): string | null {
  const { sso_session: name } = section
  const session = name === undefined ? {} : configFile[`sso-session.${name}`]
  if (session === undefined) return `has sso_session = ${name}, and there is no section [sso-session ${name}]`
  const all = { ...section, ...session }
  const missing = ['sso_start_url', 'sso_region', 'sso_account_id', 'sso_role_name'].filter((key) => all[key] === undefined)
  return missing.length === 0 ? null : `lacks ${missing.join(', ')} for its SSO`
}

function hasKeys(section: Section): boolean {
  return section['aws_access_key_id'] !== undefined && section['aws_secret_access_key'] !== undefined
}

/** In the order in which the SDK looks (credential-provider-ini, resolveProfileData). */
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

/** Where credentials come from, as it is shown: `profile prod (credential_process)`, `the role of this instance`. */
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

import { AssumeRoleCommand, type AssumeRoleCommandOutput, AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import {
  fromEnv,
  fromHttp,
  fromIni,
  fromInstanceMetadata,
  type fromNodeProviderChain,
  fromTokenFile,
} from '@aws-sdk/credential-providers'
import type { Env } from '../../config/endpoints.ts'
import { type Giver, nothingElse, originOf, originShown } from '../../config/profile.ts'
import { loadSharedFiles, profileIn, type SharedFiles, unfitToken } from '../../config/shared-files.ts'
import type { Credentials } from '../../domain/probe.ts'
import { messageOfThrown } from '../../domain/thrown.ts'
import type { Clock } from '../../ports/time.ts'
import type { Answer } from './answer.ts'
import { asCall } from './call.ts'
import { placeOf } from './endpoint.ts'
import type { BoundedHandler } from './handler.ts'

const ROLE_SECONDS = 3_600
/** An argument of a command that follows a name such as `--password`: what the command says must not show it. */
const SECRET_ARGUMENT = /(?:pass\w*|secret\w*|token|pin|key)[\s=:]+["']?([^\s"']{4,})/gi

/** A key and its secret, temporary or permanent: the SDK's own shape. */
export type Identity = Awaited<ReturnType<ReturnType<typeof fromNodeProviderChain>>>

/** Whose credentials, and the region in which STS is asked for them. */
export type Holder = Readonly<{ credentials: Credentials; stsRegion: string }>

/** Whom a search for credentials is asking at the moment, and since when by the monotonic clock. */
export type Asking = {
  who: 'STS' | 'provider'
  since: number
  answer: Answer | null
  heardAt: number | null
  /** Where they come from, once that is known. */
  origin: string | null
}

export type Search = Readonly<{ clock: Clock; env: Env; handler: BoundedHandler; asking: Asking; signal: AbortSignal }>

/** Why there are none, in our own words: the profile and the cause, never a command. The SDK's name for the error is kept. */
class ProviderError extends Error {
  override readonly name = 'CredentialsProviderError'
}

/**
 * The SDK's own providers find the credentials, but which of them is asked is decided here (`originOf`), and STS is asked by
 * us: in the region we choose (a profile's `region` is mostly us-east-1, where Account stands, too), and so that it is known
 * when it is STS that does not answer.
 * @throws {ProviderError} or what STS or the SDK's client for it threw, as `asking` says
 */
export async function provide({ credentials, stsRegion }: Holder, search: Search): Promise<Identity> {
  const { env, asking } = search
  const { profile, roleArn, externalId, sessionName } = credentials
  const files = await loadSharedFiles(env)
  if (files.unfit !== null) throw new ProviderError(files.unfit)
  const origin = originOf(env, profile, files)
  if (origin.from === 'nowhere') throw new ProviderError(origin.why)
  const unfit = await unfitToken(env, files, origin.from === 'profile' ? origin.name : null)
  if (unfit !== null) throw new ProviderError(unfit)
  const shown = originShown(origin)
  asking.origin = roleArn === null ? shown : `role ${roleArn} from ${shown}`
  const assume = assumer(stsRegion, search)
  let base: Identity
  try {
    base = await ask(origin, stsRegion, assume, search)
  } catch (error) {
    throw asking.who === 'STS' ? error : new ProviderError(failureOf(error, origin, files))
  }
  if (roleArn === null) return base
  const role = { RoleArn: roleArn, RoleSessionName: sessionName ?? 'alibi', DurationSeconds: ROLE_SECONDS }
  return assume.role(base, externalId === null ? role : { ...role, ExternalId: externalId })
}

function ask(origin: Giver, stsRegion: string, assume: ReturnType<typeof assumer>, { handler }: Search): Promise<Identity> {
  const init = {
    ignoreCache: true,
    logger: handler.client.logger,
    clientConfig: { maxAttempts: 1, useFipsEndpoint: false, useDualstackEndpoint: false, ...handler.client },
    roleAssumer: assume.role,
    roleAssumerWithWebIdentity: assume.withWebIdentity,
  }
  const caller = { callerClientConfig: { region: async () => stsRegion } }
  switch (origin.from) {
    case 'environment':
      return fromEnv(init)()
    case 'profile':
      return fromIni({ ...init, profile: origin.name })(caller)
    case 'web identity':
      return fromTokenFile(init)(caller)
    case 'container':
      return fromHttp(init)()
    case 'instance':
      return fromInstanceMetadata(init)()
  }
}

/** `profile prod (credential_process): it failed: no token` */
function failureOf(error: unknown, origin: Giver, files: SharedFiles): string {
  const said = messageOfThrown(error)
  if (origin.from === 'instance') return `no credentials: ${nothingElse(files)}, and no role of an instance: ${said}`
  const shown = originShown(origin)
  if (origin.from !== 'profile' || !said.startsWith('Command failed')) return `${shown}: ${said}`
  return `${shown}: it failed${lastWords(said, profileIn(files, origin.name)?.['credential_process'] ?? '')}`
}

/**
 * What a command said on standard error, without the command, whose arguments may hold a password. The SDK hands on the message
 * of Node, `Command failed: COMMAND\nSTANDARD ERROR`; where that is not what it is, nothing of it is shown.
 */
function lastWords(message: string, command: string): string {
  const head = `Command failed: ${command}\n`
  if (command === '' || !message.startsWith(head)) return ''
  const told = message.slice(head.length).trim()
  const secrets = [...command.matchAll(SECRET_ARGUMENT)].map(([, value = '']) => value)
  const clean = secrets.reduce((text, value) => text.replaceAll(value, '[…]'), told)
  return clean === '' ? '' : `: ${clean}`
}

type Roled = Pick<AssumeRoleCommandOutput, 'Credentials'>
type RoleParams = ConstructorParameters<typeof AssumeRoleCommand>[0]
type WebIdentityParams = ConstructorParameters<typeof AssumeRoleWithWebIdentityCommand>[0]

function assumer(stsRegion: string, { clock, env, handler, asking, signal }: Search) {
  const heard = (answer: Answer) => Object.assign(asking, { answer, heardAt: clock.now() })
  const nowAsking = (who: Asking['who']) => Object.assign(asking, { who, since: clock.monotonic(), answer: null, heardAt: null })

  async function role(send: () => Promise<Roled>): Promise<Identity> {
    nowAsking('STS')
    const identity = identityIn((await handler.clockOffset.corrected(send)).Credentials)
    if (identity === null) throw new Error('STS answered without credentials')
    nowAsking('provider')
    return identity
  }

  return {
    role: (source: Identity, params: RoleParams) => {
      const client = stsClient(stsRegion, env, handler, source)
      return role(() => asCall({ heard, abortSignal: signal }, () => client.send(new AssumeRoleCommand(params))))
    },
    withWebIdentity: (params: WebIdentityParams) => {
      const client = stsClient(stsRegion, env, handler, null)
      return role(() => asCall({ heard, abortSignal: signal }, () => client.send(new AssumeRoleWithWebIdentityCommand(params))))
    },
  }
}

/** What STS gave; `null` where it is no key with its secret. An end that is no time would never come. */
function identityIn(given: Roled['Credentials']): Identity | null {
  const { AccessKeyId: key, SecretAccessKey: secret, SessionToken: token, Expiration: end } = given ?? {}
  const isText = (value: unknown) => typeof value === 'string' && value !== ''
  if (!isText(key) || !isText(secret) || (token !== undefined && typeof token !== 'string')) return null
  if (end !== undefined && (!(end instanceof Date) || Number.isNaN(end.getTime()))) return null
  return {
    accessKeyId: key as string,
    secretAccessKey: secret as string,
    ...(token === undefined ? {} : { sessionToken: token }),
    ...(end === undefined ? {} : { expiration: end }),
  }
}

/** For one call. @param credentials `null` for those that need none */
export function stsClient(region: string, env: Env, handler: BoundedHandler, credentials: Identity | null): STSClient {
  const signing = credentials === null ? {} : handler.clockOffset.signing({ credentials, region, service: 'sts' })
  return new STSClient({ ...placeOf(env, 'STS', region), ...handler.client, ...signing, maxAttempts: 1 })
}

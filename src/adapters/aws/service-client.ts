import { createRequire, findPackageJSON } from 'node:module'
import { basename, dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type Env, variableName } from '../../config/endpoints.ts'
import { nearest } from '../../config/nearest.ts'
import { type AwsService, serviceNamed } from '../../domain/catalogue.ts'
import { readingOf } from '../../domain/only-reads.ts'
import type { ServiceCall } from '../../domain/probe.ts'
import { expectedOf } from '../../domain/service-facts.ts'
import type { Answer } from './answer.ts'
import { asCall, type Call } from './call.ts'
import { placeOf } from './endpoint.ts'
import type { BoundedHandler } from './handler.ts'
import { type Fitted, fitted, type Schema, whyNeverThere } from './service-input.ts'

type Command = Readonly<{ schema?: unknown }>
type Client = { send(command: Command): Promise<unknown>; config: { defaultSigningName?: string } }
/** What a package `@aws-sdk/client-…` exports, as far as it is used. */
type Package = Readonly<Record<string, unknown>>
type Constructor<A, T> = new (argument: A) => T

/** Finds the package of a client; throws if it is not installed. */
export type LoadPackage = (name: string) => Package

/** The client has to be installed by those who probe its service. */
export class MissingClientError extends Error {
  override readonly name = 'MissingClient'
}

/** The call cannot be made as the configuration has it: nothing was asked. */
export class WrongCallError extends Error {
  override readonly name = 'WrongCall'
}

/** A 200 that lacks what is in every healthy answer. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswer'
}

const require = createRequire(import.meta.url)

function loadInstalled(name: string): Package {
  return require(name) as Package
}

/** The newest that goes with the SDK that Alibi itself uses. */
const NEWEST = (require('@aws-sdk/client-account/package.json') as { version: string }).version

/** Found by looking upwards: the built program has other folders than the source. */
const ROOT = dirname(findPackageJSON('..', import.meta.url) ?? 'package.json')

/** Where a client has to be for Alibi to find it, and so how it gets there: not every client has each version. */
export function howToInstall({ client }: Pick<AwsService, 'client'>, root = ROOT): string {
  const name = `"@aws-sdk/client-${client}@<=${NEWEST}"`
  const modules = dirname(root)
  if (basename(modules) !== 'node_modules') return `\`npm install --save-exact ${name}\` in ${root}`
  const isGlobal = basename(dirname(modules)) === 'lib'
  return isGlobal ? `\`npm install --global ${name}\`` : `\`npm install --save-exact ${name}\` in ${dirname(modules)}`
}

type Ready = Readonly<{ service: AwsService; action: string; package: Package; input: Readonly<Record<string, unknown>> }>
type Unready = Readonly<{
  why: string
  /** The client is there, and does not take the call. */
  isWrong?: true
}>

/**
 * What is needed to make a call, from the service's own client; `why` where it cannot be made. Nothing but an operation that only
 * reads is ever found, whatever the configuration says.
 */
export function readyFor(call: Omit<ServiceCall, 'region' | 'rate'>, load: LoadPackage = loadInstalled): Ready | Unready {
  const { operation } = call
  const [name = '', action = ''] = operation.split(':')
  const service = serviceNamed(name)
  if (service === null) return { why: `there is no service ${name}` }
  const reading = readingOf(service, action)
  if (!reading.ok) return { why: `${operation}: ${reading.why}` }
  const packageName = `@aws-sdk/client-${service.client}`
  let found: Package
  try {
    found = load(packageName)
  } catch {
    return { why: `${packageName} is not installed: run ${howToInstall(service)}` }
  }
  const Named = found[`${action}Command`]
  if (typeof Named !== 'function') return { why: withoutOperation(service, action, found) }
  const fit = fittedCall(call, Named as Constructor<object, Command>)
  if ('why' in fit) return { why: `${operation}: ${fit.why}`, isWrong: true }
  return { service, action, package: found, input: fit.input }
}

/** Most often the name is that of a permission, such as `s3:ListBucket`, which is not that of an operation. */
function withoutOperation(service: AwsService, action: string, found: Package): string {
  const names = Object.keys(found).flatMap((name) => (name.endsWith('Command') ? [name.slice(0, -'Command'.length)] : []))
  const meant = nearest(
    action,
    names.filter((name) => readingOf(service, name).ok),
  )
  const hint = meant === null ? 'check the name, or install a newer version' : `did you mean \`${service.name}:${meant}\`?`
  return `the installed @aws-sdk/client-${service.client} has no operation ${action}: ${hint}`
}

/**
 * By the operation's own schema. Clients of earlier years have none, and those of later ones may have others: then the parameters
 * are sent as they are.
 */
function fittedCall({ input, expect }: Pick<ServiceCall, 'input' | 'expect'>, Named: Constructor<object, Command>): Fitted {
  try {
    const { schema } = new Named({})
    const [, , , , takes, gives] = schema as readonly Schema[]
    if (takes === undefined || gives === undefined) return { input }
    const why = expect === null || expect === 'nothing' ? null : whyNeverThere(expect, gives)
    return why === null ? fitted(input, takes) : { why }
  } catch {
    return { input }
  }
}

export type ServiceClientsOptions = Readonly<{
  env: Env
  handler: BoundedHandler
  /** Alibi's version, for the user agent. */
  version: string
  /** Left out: those that are installed beside Alibi. */
  load?: LoadPackage
}>

/** The clients of other services than Account: one for each service and region, for all monitors. */
export class ServiceClients {
  readonly #options: ServiceClientsOptions
  readonly #clients = new Map<string, Client>()
  /** What was found for each call: it does not change. A client that is not there may be installed later. */
  readonly #ready = new WeakMap<ServiceCall, Ready>()

  constructor(options: ServiceClientsOptions) {
    this.#options = options
  }

  /**
   * Loads what these calls need, so that no call has to wait for it: one client after another, and what else there is to do in
   * between, since EC2's alone takes a quarter of a second. What is missing is said by the call itself.
   */
  async prepare(calls: readonly ServiceCall[]): Promise<void> {
    const byService = Map.groupBy(calls, ({ operation }) => operation.split(':')[0])
    for (const some of byService.values()) {
      await setImmediate()
      for (const call of some) this.#readyFor(call)
    }
  }

  /**
   * Makes the call, and looks whether its answer is one of the service.
   * @throws {MissingClientError} {WrongCallError} {UnexpectedAnswerError} or what the SDK throws
   */
  async ask(call: ServiceCall, sent: Call & Readonly<{ answer: () => Answer | null }>): Promise<void> {
    const ready = this.#readyFor(call)
    if ('why' in ready) throw ready.isWrong === true ? new WrongCallError(ready.why) : new MissingClientError(ready.why)
    const client = this.#clientOf(ready, call.region)
    const Named = ready.package[`${ready.action}Command`] as Constructor<object, Command>
    // The SDK may change what it is given.
    const command = new Named(structuredClone(ready.input))
    const answer = await sentOrWrong(sent, (noted) => asCall(noted, () => client.send(command)))
    const missing = missingIn(answer, call, sent.answer())
    // A stream that nobody reads would hold its connection.
    for (const value of Object.values(answer)) (value as { destroy?: () => void } | null | undefined)?.destroy?.()
    if (missing !== null) throw new UnexpectedAnswerError(`HTTP ${sent.answer()?.status ?? 200} without ${missing}`)
  }

  #readyFor(call: ServiceCall): Ready | Unready {
    const known = this.#ready.get(call)
    if (known !== undefined) return known
    const found = readyFor(call, this.#options.load)
    if (!('why' in found)) this.#ready.set(call, found)
    return found
  }

  #clientOf({ service, package: found }: Ready, region: string): Client {
    const key = `${service.client} ${region}`
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const { handler, version, env } = this.#options
    const place = placeOf(env, variableName(service.client), region)
    const name = Object.keys(found).find((one) => /^[A-Z]\w*Client$/.test(one))
    if (name === undefined) throw new MissingClientError(`@aws-sdk/client-${service.client} exports no client`)
    const Named = found[name] as Constructor<object, Client>
    const uriEscapePath = service.prefix !== 's3'
    const scope = () => ({ service: client.config.defaultSigningName ?? service.prefix, region, uriEscapePath })
    const client: Client = new Named({
      ...place,
      ...handler.clockOffset.signingByCall(scope),
      ...handler.client,
      customUserAgent: [['alibi', version]],
      // In code, whatever the client or the environment would do: DynamoDB's makes four attempts.
      retryStrategy: { retry: (next: (args: unknown) => unknown, args: unknown) => next(args) },
      maxAttempts: 1,
      cacheMiddleware: true,
      ...SETTLED,
      ...('endpoint' in place ? { forcePathStyle: true } : {}),
    })
    this.#clients.set(key, client)
    return client
  }
}

/** What the SDK refuses to send is wrong in the configuration: a bucket whose name is no name, an ARN of another region. */
async function sentOrWrong(call: Call, send: (noted: Call) => Promise<unknown>): Promise<Readonly<Record<string, unknown>>> {
  let isSent = false
  const asked: Call['asked'] = (request) => {
    isSent = true
    call.asked?.(request)
  }
  try {
    return (await send({ ...call, asked })) as Readonly<Record<string, unknown>>
  } catch (error) {
    const isOurs = !(error instanceof Error) || /^(?:Type|Range|Reference)Error$/.test(error.name)
    throw isSent || isOurs || call.abortSignal.aborted ? error : new WrongCallError(error.message, { cause: error })
  }
}

/** What would lead a call to another host or region than the one that is asked (DynamoDB, SQS, S3). */
const SETTLED = {
  accountIdEndpointMode: 'disabled',
  useQueueUrlAsEndpoint: false,
  followRegionRedirects: false,
  useGlobalEndpoint: false,
  useArnRegion: false,
  disableS3ExpressSessionAuth: true,
} as const

/** What a healthy answer would have; `null`: it has it. */
function missingIn(
  answer: Readonly<Record<string, unknown>>,
  { operation, expect }: ServiceCall,
  head: Answer | null,
): string | null {
  const expected = expect === null ? expectedOf(operation) : expect === 'nothing' ? 'nothing' : { member: expect }
  if (expected === 'nothing') return head?.requestId == null ? 'a request id of AWS' : null
  const members = Object.keys(answer).filter((name) => name !== '$metadata' && answer[name] !== undefined)
  if (expected === 'any') return members.length === 0 ? 'anything in it' : null
  return members.includes(expected.member) ? null : `\`${expected.member}\` in its answer`
}

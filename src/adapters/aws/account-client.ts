import { AccountClient } from '@aws-sdk/client-account'
import { userAgentMiddleware } from '@aws-sdk/core/client'
import { SignatureV4 } from '@smithy/signature-v4'
import { ACCOUNT_REGION } from '../../domain/policy.ts'
import type { Partition } from '../../domain/probe.ts'
import { type BoundedHandler, overheard } from './answer.ts'
import { NO_OTHER_ENDPOINT } from './endpoint.ts'
import type { Identity } from './provider.ts'
import { sha256WithKeys } from './sha256.ts'

export type AccountClientOptions = Readonly<{
  partition: Partition
  identity: Identity
  /** An address instead of AWS's; `null`: AWS's. */
  endpoint: string | null
  handler: BoundedHandler
  /** Alibi's version, for the user agent. */
  version: string
}>

/** Middleware that has nothing to do here. */
const IDLE = [
  // Puts a copy of what was asked and answered together for the log, without what is personal: nothing of it is logged.
  'loggerMiddleware',
  // Hands on the trace of a Lambda function.
  'recursionDetectionMiddleware',
] as const

/**
 * The SDK's client of Account, made for very many calls: what it would make anew for each of them, and what does not
 * differ between them, is made once. What is sent is the same, but for the headers in which the SDK counts its own retries.
 * A call costs two thirds of what one of a client does that is made without options (`npm run bench`).
 */
export function accountClient({ partition, identity, endpoint, handler, version }: AccountClientOptions): AccountClient {
  // Not the monitor's own region: with an endpoint of its own the SDK would sign for that one.
  const region = ACCOUNT_REGION[partition]
  const sha256 = sha256WithKeys()
  const config: ConstructorParameters<typeof AccountClient>[0] & { cacheMiddleware: boolean } = {
    region,
    credentials: identity,
    ...handler.client,
    ...NO_OTHER_ENDPOINT,
    customUserAgent: [['alibi', version]],
    // The SDK's retries spend a budget that a long outage empties for good: tries are counted by us, each in the outcome.
    retryStrategy: { retry: (next, args) => next(args) },
    cacheMiddleware: true,
    sha256,
    signer: new SignatureV4({ credentials: identity, region, service: 'account', sha256, uriEscapePath: true }),
    ...(endpoint === null ? {} : { endpoint }),
  }
  const client = new AccountClient(config)
  for (const name of IDLE) if (!client.middlewareStack.remove(name)) throw new RangeError(`the SDK has no ${name} any more`)
  return handler.clockOffset.shared(overheard(introducedOnce(client)))
}

const USER_AGENT = ['user-agent', 'x-amz-user-agent'] as const

type Headers = Record<string, string>
type Args = { input: object; request: unknown }
type Next = (args: Args) => Promise<never>

/** The SDK puts together for each call what it says of itself; this client says what it said the first time. */
function introducedOnce(client: AccountClient): AccountClient {
  const introduce = userAgentMiddleware(client.config)
  let said: Headers | null = null
  const remembered = (next: Next, context: object): Next => {
    const first = introduce((args) => {
      const { headers } = args.request as { headers: Headers }
      said = Object.fromEntries(USER_AGENT.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])))
      return next(args)
    }, context as never)
    return (args) => {
      if (said === null) return first(args) as Promise<never>
      Object.assign((args.request as { headers: Headers }).headers, said)
      return next(args)
    }
  }
  client.middlewareStack.remove('getUserAgentMiddleware')
  client.middlewareStack.add(remembered as never, { step: 'build', priority: 'low', name: 'alibiIntroducedOnce' })
  return client
}

import { AccountClient } from '@aws-sdk/client-account'
import { ACCOUNT_REGION } from '../../domain/policy.ts'
import type { Partition } from '../../domain/probe.ts'
import { NO_OTHER_ENDPOINT } from './endpoint.ts'
import type { BoundedHandler } from './handler.ts'
import type { Identity } from './provider.ts'
import { repeatRequests } from './repeated-request.ts'
import { leaveUnread } from './unread-answer.ts'

export type AccountClientOptions = Readonly<{
  partition: Partition
  identity: Identity
  /** An address instead of AWS's; `null`: AWS's. */
  endpoint: string | null
  handler: BoundedHandler
  /** Alibi's version, for the user agent. */
  version: string
}>

/**
 * The SDK's client of Account, made for very many calls. What it sends is what a client made without options sends, except for the
 * headers in which the SDK counts its own retries. `npm run bench` compares the cost of the two.
 */
export function accountClient({ partition, identity, endpoint, handler, version }: AccountClientOptions): AccountClient {
  // Not the monitor's own region: with an endpoint of its own the SDK would sign for that one.
  const region = ACCOUNT_REGION[partition]
  const client = new AccountClient({
    region,
    ...handler.clockOffset.signing({ credentials: identity, region, service: 'account' }),
    ...handler.client,
    ...NO_OTHER_ENDPOINT,
    customUserAgent: [['alibi', version]],
    // The SDK's retries spend a budget that a long outage empties for good: tries are counted by us, each in the outcome.
    retryStrategy: { retry: (next, args) => next(args) },
    cacheMiddleware: true,
    ...(endpoint === null ? {} : { endpoint }),
  })
  repeatRequests(client)
  leaveUnread(client)
  return client
}

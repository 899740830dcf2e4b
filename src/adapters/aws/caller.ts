import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import type { Env } from '../../config/endpoints.ts'
import type { OwnFault } from '../../domain/own-fault.ts'
import type { Clock } from '../../ports/time.ts'
import { within } from '../stall.ts'
import type { Answer } from './answer.ts'
import { asCall } from './call.ts'
import { type Keyring, KeyringError } from './credentials.ts'
import { type Asking, type Holder, stsClient } from './provider.ts'

/** Who these credentials are and where they come from; or in one line why that could not be learnt, and what of it is ours. */
export type CallerIdentity =
  | Readonly<{ account: string; arn: string; origin: string }>
  | Readonly<{ why: string; fault: OwnFault | null }>

const NAMELESS = { why: 'STS answered without an identity', fault: null } as const

/** Asks STS who we are. Bounded in time; never rejects. */
export async function callerIdentity(
  holder: Holder,
  options: Readonly<{ keyring: Keyring; clock: Clock; env: Env; timeoutMs: number; signal: AbortSignal }>,
): Promise<CallerIdentity> {
  const { keyring: ring, clock, env, timeoutMs, signal } = options
  const asking: Asking = { who: 'STS', since: clock.monotonic(), answer: null, heardAt: null, origin: null }
  const heard = (answer: Answer) => Object.assign(asking, { answer, heardAt: clock.now() })
  try {
    const credentials = await ring.get(holder, timeoutMs, signal)
    const client = stsClient(holder.stsRegion, env, ring.handler, credentials)
    const { Account: account, Arn: arn } = await within(timeoutMs, signal, (abortSignal) =>
      ring.handler.clockOffset.corrected(() =>
        asCall({ heard, abortSignal }, () => client.send(new GetCallerIdentityCommand({}))),
      ),
    )
    if (typeof account !== 'string' || typeof arn !== 'string') return NAMELESS
    if (!/^\d{12}$/.test(account) || !/^arn:[\w+=,.@:/-]{1,600}$/.test(arn)) return NAMELESS
    return { account, arn, origin: ring.originOf(holder) ?? 'a place that is not known' }
  } catch (error) {
    const { message, fault } = error instanceof KeyringError ? error : new KeyringError(error, asking, holder)
    return { why: message, fault }
  }
}

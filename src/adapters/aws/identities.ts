import { type Credentials, credentialsKey, HOUR_MS, MINUTE_MS, type Monitor } from '../../domain/probe.ts'
import type { Clock } from '../../ports/time.ts'
import { type CallerIdentity, callerIdentity } from './caller.ts'
import type { Keyring } from './credentials.ts'
import { type Env, stsRegionOf } from './endpoint.ts'

const ASK_MS = 10_000
const AGAIN_WHEN_KNOWN_MS = 12 * HOUR_MS
const AGAIN_WHEN_NOT_MS = 5 * MINUTE_MS

/** Whose credentials the monitors use: asked of STS now and then, remembered, never waited for. */
export type Identities = Readonly<{
  /** The last answer; `null` while none came. */
  of(credentials: Credentials): Readonly<{ account: string; arn: string }> | null
  /** The names under which AWS Health may know the account of these credentials. */
  owners(credentials: Credentials): readonly string[]
  /** Asks for those that are not known or were asked long ago. Never rejects. */
  refresh(signal: AbortSignal): Promise<void>
}>

export function identities(
  options: Readonly<{
    monitors: readonly Pick<Monitor, 'credentials' | 'partition' | 'region'>[]
    keyring: Keyring
    clock: Clock
    env: Env
  }>,
): Identities {
  const { keyring, clock, env } = options
  const holders = new Map(
    options.monitors.map((monitor) => [
      credentialsKey(monitor.credentials),
      { credentials: monitor.credentials, stsRegion: stsRegionOf(monitor) },
    ]),
  )
  const known = new Map<string, CallerIdentity>()
  const askedAt = new Map<string, number>()
  const of = (credentials: Credentials) => {
    const answer = known.get(credentialsKey(credentials))
    return answer !== undefined && 'account' in answer ? answer : null
  }
  return {
    of,
    owners(credentials) {
      const self = `self@${credentialsKey(credentials)}`
      const account = of(credentials)?.account
      return account === undefined ? [self] : [self, account]
    },
    async refresh(signal) {
      const now = clock.monotonic()
      const due = [...holders].filter(([key, { credentials }]) => {
        const at = askedAt.get(key)
        return at === undefined || now - at > (of(credentials) === null ? AGAIN_WHEN_NOT_MS : AGAIN_WHEN_KNOWN_MS)
      })
      await Promise.all(
        due.map(async ([key, holder]) => {
          askedAt.set(key, now)
          const answer = await callerIdentity(holder, { keyring, clock, env, timeoutMs: ASK_MS, signal })
          // What was learnt once stands until something else is learnt: an STS that does not answer changes nobody's account.
          if ('account' in answer || !known.has(key)) known.set(key, answer)
        }),
      )
    },
  }
}

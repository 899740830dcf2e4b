import type { Env } from '../../config/endpoints.ts'
import { type Credentials, credentialsKey, HOUR_MS, MINUTE_MS, type Monitor } from '../../domain/probe.ts'
import type { Clock } from '../../ports/time.ts'
import { type CallerIdentity, callerIdentity } from './caller.ts'
import type { Keyring } from './credentials.ts'
import { stsRegionOf } from './endpoint.ts'

const ASK_MS = 10_000
const AGAIN_WHEN_KNOWN_MS = 12 * HOUR_MS
const AGAIN_WHEN_NOT_MS = 5 * MINUTE_MS

/** Whose credentials the monitors use: asked of STS now and then, remembered, never waited for. */
export type Identities = Readonly<{
  /** The last answer; `null` while none came. */
  of(credentials: Credentials): Known | null
  /** The last answer, or why there is none; `null` while nobody was asked. */
  told(credentials: Credentials): CallerIdentity | null
  /** The names under which AWS Health may know the account of these credentials. */
  owners(credentials: Credentials): readonly string[]
  /** Asks for those that are not known or were asked long ago; returns what is new since the last call. Never rejects. */
  refresh(signal: AbortSignal): Promise<readonly Learnt[]>
}>

type Known = Extract<CallerIdentity, { account: string }>
/** `users`: who uses these credentials, by name. */
type Learnt = CallerIdentity & Readonly<{ users: readonly string[] }>
export type User = Pick<Monitor, 'name' | 'credentials' | 'partition' | 'region'>

export function identities(options: Readonly<{ users: readonly User[]; keyring: Keyring; clock: Clock; env: Env }>): Identities {
  const { keyring, clock, env } = options
  const users = Map.groupBy(options.users, ({ credentials }) => credentialsKey(credentials))
  const known = new Map<string, CallerIdentity>()
  const askedAt = new Map<string, number>()
  const told = (credentials: Credentials) => known.get(credentialsKey(credentials)) ?? null
  const of = (credentials: Credentials) => {
    const answer = told(credentials)
    return answer !== null && 'account' in answer ? answer : null
  }

  /** What was learnt once stands until something else is learnt: an STS that does not answer changes nobody's account. */
  function learn(key: string, answer: CallerIdentity): boolean {
    const was = known.get(key)
    if (was !== undefined && 'account' in was && 'why' in answer) return false
    known.set(key, answer)
    return JSON.stringify(was) !== JSON.stringify(answer)
  }

  return {
    of,
    told,
    owners(credentials) {
      const self = `self@${credentialsKey(credentials)}`
      const account = of(credentials)?.account
      return account === undefined ? [self] : [self, account]
    },
    async refresh(signal) {
      const now = clock.monotonic()
      const learnt = [...users].map(async ([key, alike]): Promise<readonly Learnt[]> => {
        const [first] = alike
        if (first === undefined) return []
        const at = askedAt.get(key)
        if (at !== undefined && now - at <= (of(first.credentials) === null ? AGAIN_WHEN_NOT_MS : AGAIN_WHEN_KNOWN_MS)) return []
        askedAt.set(key, now)
        const holder = { credentials: first.credentials, stsRegion: stsRegionOf(first) }
        const answer = await callerIdentity(holder, { keyring, clock, env, timeoutMs: ASK_MS, signal })
        return learn(key, answer) ? [{ ...answer, users: [...new Set(alike.map(({ name }) => name))] }] : []
      })
      return (await Promise.all(learnt)).flat()
    },
  }
}

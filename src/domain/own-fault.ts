import type { FailureKind, Obstacle, Try } from './probe.ts'

/** What has to be fixed where a run failed for another reason than AWS: one for each cause, not for each kind. */
export type OwnFault =
  /** AWS or STS refused them. */
  | 'refused credentials'
  /** There are none: no such profile, a process that failed, no role. */
  | 'no credentials'
  /** Their provider is slower than a try. */
  | 'late credentials'
  | 'denied'
  | 'wrong request'
  /** Parameters that the operation does not have: it was not called. */
  | 'wrong call'
  /** The SDK's client of a service is not installed. */
  | 'missing client'
  /** An exception that comes neither from AWS nor from the network. */
  | 'internal error'
  /** What has never worked since the start: the host name, the certificate or the proxy. */
  | Obstacle

/** `null`: it is AWS, or the way to it. */
export function ownFaultOf(
  kind: FailureKind | null,
  { error, status, obstacle }: Pick<Try, 'error' | 'status' | 'obstacle'>,
): OwnFault | null {
  switch (kind) {
    case 'credentials':
      if (status !== null) return 'refused credentials'
      return error === 'Timeout' ? 'late credentials' : 'no credentials'
    case 'denied':
      return 'denied'
    case 'invalid':
      if (error === 'WrongCall') return 'wrong call'
      if (error === 'MissingClient') return 'missing client'
      return status === null ? 'internal error' : 'wrong request'
    case 'setup':
      return obstacle ?? 'name'
    default:
      return null
  }
}

import type { FailureKind, Try } from './probe.ts'

/** What is to be mended where a run failed for something other than AWS: one for each cause, not for each kind. */
export type OwnFault =
  /** AWS or STS refused them. */
  | 'refused credentials'
  /** Nobody gave any: no such profile, a process that failed, no role. */
  | 'no credentials'
  /** Their provider is slower than a try. */
  | 'late credentials'
  | 'denied'
  | 'wrong request'
  /** Something threw that is neither AWS's word nor the network's. */
  | 'internal error'

/** `null`: it is AWS, or the way to it. */
export function ownFaultOf(kind: FailureKind | null, { error, status }: Pick<Try, 'error' | 'status'>): OwnFault | null {
  switch (kind) {
    case 'credentials':
      if (status !== null) return 'refused credentials'
      return error === 'Timeout' ? 'late credentials' : 'no credentials'
    case 'denied':
      return 'denied'
    case 'invalid':
      return status === null ? 'internal error' : 'wrong request'
    default:
      return null
  }
}

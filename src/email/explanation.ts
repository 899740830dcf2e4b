import type { Facts, ProbeFacts } from '../domain/notification.ts'
import type { Alibi } from '../domain/verdict.ts'

/** The event that explains the failure: that of the first probe that is explained. */
export function alibiOf({ probes }: Pick<Facts, 'probes'>): Alibi | null {
  for (const { verdict } of probes) if (verdict.kind === 'explained') return verdict.by
  return null
}

/** The first probe whose explanation ended. */
export function lapsedProbe({ probes }: Pick<Facts, 'probes'>): ProbeFacts | null {
  return probes.find(({ lapsed }) => lapsed !== null) ?? null
}

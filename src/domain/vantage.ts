import type { Member } from './incident.ts'

/** Which machines saw the failure, where several did; `of` counts those that share the database. */
export type Vantage = Readonly<{ machines: readonly string[]; of: number }>

/**
 * The machines on which the failed runs of these members were made. `null` where it was one: that the others did not see a failure
 * says nothing, since they did not look.
 *
 * @param sharing the names of all machines that share the database
 */
export function vantageOf(members: readonly Pick<Member, 'evidence'>[], sharing: readonly string[]): Vantage | null {
  const saw = new Set(
    members.flatMap(({ evidence }) => evidence.flatMap(({ result, machine }) => (result === 'failed' ? (machine ?? []) : []))),
  )
  if (saw.size < 2) return null
  return { machines: [...saw].toSorted(), of: new Set([...saw, ...sharing]).size }
}

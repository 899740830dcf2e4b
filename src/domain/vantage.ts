import type { Member } from './incident.ts'

/** Which machines saw the failure, where several did; `of` counts those that share the database. */
export type Vantage = Readonly<{ machines: readonly string[]; of: number }>

/** The machines on which the failed runs of these members were made, as far as they are known. */
export function machinesOf(members: readonly Pick<Member, 'evidence'>[]): readonly string[] {
  const failed = members.flatMap(({ evidence }) => evidence.filter(({ result }) => result === 'failed'))
  return [...new Set(failed.flatMap(({ machine }) => machine ?? []))].toSorted()
}

/**
 * The machines on which the failed runs of these members were made. `null` where it was one: that the others did not see a failure
 * says nothing, since they did not look.
 *
 * @param sharing the names of all machines that share the database
 */
export function vantageOf(members: readonly Pick<Member, 'evidence'>[], sharing: readonly string[]): Vantage | null {
  const machines = machinesOf(members)
  return machines.length < 2 ? null : { machines, of: new Set([...machines, ...sharing]).size }
}

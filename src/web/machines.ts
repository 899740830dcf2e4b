import { counted } from '../domain/counted.ts'
import type { Machine, Members } from '../ports/fleet.ts'

/** A clock that is off by more makes schedules fire at another time than on the other machines. */
const SKEW_MS = 5_000

/** The machines as `/healthz` shows them. */
export function machinesJson({ me, machines, leader }: Members) {
  return {
    machine: me,
    leads: leader?.name === me,
    leader:
      leader === null ? null : { name: leader.name, since: new Date(leader.since).toISOString(), takeovers: leader.takeovers },
    machines: machines.map(({ name, host, version, config, skewMs, callers, reaches }) => ({
      ...{ name, host, version, config, clockOffsetMs: skewMs, callers, reachesAws: reaches },
    })),
  }
}

/** One line that names the machines and says what each does. */
export function machinesShown({ me, machines, leader }: Members): string {
  const who = machines.map(({ name, callers }) => {
    const does = [
      ...(name === leader?.name ? ['leads'] : []),
      ...(callers === 0 ? [] : [`makes the calls of ${counted(callers, 'caller')}`]),
    ]
    return `${name} ${does.length === 0 ? 'stands by' : does.join(' and ')}${name === me ? ' (this machine)' : ''}`
  })
  const times = leader === null ? null : leader.takeovers
  const taken = times === null ? 'nobody leads' : `${times} ${times === 1 ? 'takeover' : 'takeovers'} so far`
  return `${who.join(', ')}; ${taken}`
}

/** What machines do not agree on, though they would do the same work, and what keeps them from it. */
export function differencesOf({ machines, leader }: Members): readonly string[] {
  const model = machines.find(({ name }) => name === leader?.name) ?? machines[0]
  if (model === undefined) return []
  const others = machines.filter((machine) => machine !== model)
  const namesOf = (differs: (machine: Machine) => boolean) => others.filter(differs).map(({ name }) => name)
  const line = (names: readonly string[], what: string) =>
    names.length === 0 ? [] : [`${names.join(', ')}: ${what} another one than on ${model.name}`]
  const late = machines.filter(({ skewMs }) => Math.abs(skewMs) > SKEW_MS)
  return [
    ...line(
      namesOf(({ config }) => config !== model.config),
      'the configuration is',
    ),
    ...line(
      namesOf(({ version }) => version !== model.version),
      "Alibi's version is",
    ),
    ...machines.filter(({ reaches }) => reaches === false).map(({ name }) => `${name}: AWS cannot be reached from there`),
    ...late.map(
      ({ name, skewMs }) =>
        `${name}: the clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the database's`,
    ),
  ]
}

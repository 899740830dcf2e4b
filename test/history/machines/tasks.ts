import type { AskedTask, Done, Tasks } from '../../../src/adapters/postgres/tasks.ts'
import type { Probe } from '../../../src/domain/probe.ts'
import type { SharedDatabase } from './database.ts'

/** A statement of a process: on the way there and back much can happen to it. */
export type Ask = <T>(work: () => T) => Promise<T>

/** The runs that the leader asks for, in memory. */
export function sharedTasks(database: SharedDatabase, ask: Ask): Pick<Tasks, keyof Tasks> {
  const { tasks } = database
  return {
    ask: (term: string, asked: readonly AskedTask[]) =>
      ask(() => {
        for (const { id, instance, probe } of asked) {
          if (tasks.has(id)) continue
          tasks.set(id, { term, instance, probe: JSON.stringify(probe), outcome: null })
          database.ring(instance)
        }
      }),
    collect: (term: string, withdrawn: readonly string[]) =>
      ask(() => {
        for (const id of withdrawn) tasks.delete(id)
        return new Map([...tasks].flatMap(([id, task]) => (task.term === term ? [[id, task.outcome] as const] : [])))
      }),
    forgetOthers: (term: string) =>
      ask(() => {
        for (const [id, task] of tasks) if (task.term !== term) tasks.delete(id)
      }),
    askedOf: (instance: string) =>
      ask(() => {
        const term = database.leader?.term
        const open = [...tasks].filter(([, task]) => task.instance === instance && task.outcome === null && task.term === term)
        return new Map(open.map(([id, { probe }]) => [id, JSON.parse(probe) as Probe]))
      }),
    handOver: (instance: string, done: readonly Done[]) =>
      ask(() => {
        const wanted = new Set<string>()
        for (const { id, outcome } of done) {
          const task = tasks.get(id)
          if (task?.instance !== instance) continue
          task.outcome = JSON.stringify(outcome)
          wanted.add(id)
          database.ring(task.term)
        }
        return wanted
      }),
  }
}

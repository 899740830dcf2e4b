import type { Outcome, Probe } from '../../domain/probe.ts'
import type { Database } from './database.ts'

/** A run that the process `instance` is asked for. */
export type AskedTask = Readonly<{ id: string; instance: string; probe: Probe }>
/** What came of a task: an outcome; `null`: it was given back. */
export type Done = Readonly<{ id: string; outcome: Outcome | null }>

/**
 * The runs that the leader asks of other machines. Each statement is a transaction of its own and may be repeated: a task has an
 * id, and its outcome has its place in the task. Whatever belongs to the term of an earlier leader counts for nothing.
 */
export class Tasks {
  private readonly database: Database
  private readonly table: string
  private readonly meta: string
  /** Where those who wait are woken. */
  private readonly channel: string

  constructor(database: Database) {
    this.database = database
    this.channel = database.schema
    this.table = `"${database.schema}".tasks`
    this.meta = `"${database.schema}".meta`
  }

  /** Asks for runs, and wakes whoever is to make them. @throws {StoreError} */
  async ask(term: string, tasks: readonly AskedTask[]): Promise<void> {
    await this.database.execute(
      `WITH asked AS (INSERT INTO ${this.table} (id, term, instance, doc) SELECT t.id, $1, t.instance, t.doc
         FROM unnest($2::text[], $3::text[], $4::text[]) AS t (id, instance, doc) ON CONFLICT (id) DO NOTHING RETURNING instance)
       SELECT pg_notify($5, instance) FROM (SELECT DISTINCT instance FROM asked) AS woken`,
      [
        term,
        tasks.map(({ id }) => id),
        tasks.map(({ instance }) => instance),
        tasks.map(({ probe }) => JSON.stringify(probe)),
        this.channel,
      ],
    )
  }

  /**
   * Withdraws tasks, and reads those that are left.
   * @returns of each what came of it, as text; `null` while nothing did
   * @throws {StoreError}
   */
  async collect(term: string, withdrawn: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
    if (withdrawn.length > 0) await this.database.execute(`DELETE FROM ${this.table} WHERE id = ANY($1::text[])`, [withdrawn])
    const { rows } = await this.database.execute(`SELECT id, outcome FROM ${this.table} WHERE term = $1`, [term])
    return new Map(rows.map(({ id, outcome }) => [String(id), outcome === null ? null : String(outcome)]))
  }

  /** Forgets what other leaders asked for. @throws {StoreError} */
  async forgetOthers(term: string): Promise<void> {
    await this.database.execute(`DELETE FROM ${this.table} WHERE term <> $1`, [term])
  }

  /** What the present leader asks of this process. @param key of `meta`: who leads. @throws {StoreError} */
  async askedOf(instance: string, key: string): Promise<ReadonlyMap<string, Probe>> {
    const { rows } = await this.database.execute(
      `SELECT id, doc FROM ${this.table} WHERE instance = $1 AND outcome IS NULL
       AND term = (SELECT doc::json ->> 'term' FROM ${this.meta} WHERE key = $2)`,
      [instance, key],
    )
    return new Map(rows.map(({ id, doc }) => [String(id), JSON.parse(String(doc)) as Probe]))
  }

  /**
   * Hands over what came of tasks, and wakes the leader that has asked for them.
   * @returns those that were still wanted
   * @throws {StoreError}
   */
  async handOver(instance: string, done: readonly Done[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.database.execute(
      `WITH done AS (UPDATE ${this.table} t SET outcome = d.outcome FROM unnest($2::text[], $3::text[]) AS d (id, outcome)
         WHERE t.id = d.id AND t.instance = $1 RETURNING t.id, t.term)
       SELECT id, pg_notify($4, term) FROM done`,
      [instance, done.map(({ id }) => id), done.map(({ outcome }) => JSON.stringify(outcome)), this.channel],
    )
    return new Set(rows.map(({ id }) => String(id)))
  }
}

import type { Database, Transaction } from './database.ts'
import { type Presences, presencesOf } from './register.ts'

/** A caller that is to be held by this process from now on, and the machine that the process is. */
export type Move = Readonly<{ caller: string; instance: string; machine: string }>

/** Which process holds which caller, and which processes there are. Only the leader writes. */
export class Callers {
  private readonly database: Database
  private readonly fence: (tx: Transaction) => Promise<void>

  /** @param fence begins every write: proves that nobody else leads */
  constructor(database: Database, fence: (tx: Transaction) => Promise<void>) {
    this.database = database
    this.fence = fence
  }

  /** @throws {StoreError} */
  presences(): Promise<Presences> {
    return presencesOf(this.database)
  }

  /** The process that holds each caller. @throws {StoreError} */
  async holders(): Promise<Map<string, string>> {
    const { rows } = await this.database.execute(`SELECT caller, instance FROM "${this.database.schema}".callers`)
    return new Map(rows.map(({ caller, instance }) => [String(caller), String(instance)]))
  }

  /** @param gone callers that nobody holds any more. @throws {StoreError} */
  async move(moves: readonly Move[], gone: readonly string[]): Promise<void> {
    await this.database.write(async (tx) => {
      await this.fence(tx)
      await tx.change('DELETE FROM callers WHERE caller = ANY($1::text[])', [gone])
      await tx.change(
        `INSERT INTO callers (caller, machine, instance) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
         ON CONFLICT (caller) DO UPDATE SET machine = excluded.machine, instance = excluded.instance`,
        [moves.map(({ caller }) => caller), moves.map(({ machine }) => machine), moves.map(({ instance }) => instance)],
      )
    })
  }
}

import type { JobAttempt, PgBoss } from 'pg-boss'
import type { Database, Transaction } from './database.ts'
import { LEASE_MS } from './lease.ts'

/** Whoever does not say for this long that it lives has lost its jobs. */
const HEARTBEAT_SECONDS = LEASE_MS / 1000
/** pg-boss takes a job away after a day at most, whoever holds it. */
const EXPIRES_SECONDS = 24 * 3_600
/** Kept after they are done, to be looked at. */
const KEPT_SECONDS = 60
const FOR_EVER = 1_000_000_000

const QUEUES = { lead: 'lead' } as const
export type QueueName = keyof typeof QUEUES

/** Somebody has it and was heard of, or was not; nobody has it; or there is none. */
export type Standing = 'held' | 'dead' | 'free' | 'missing'

/** One attempt of a job: after somebody else took it over, it counts for nothing. */
export type Attempt = JobAttempt

/** What pg-boss does for us: it says who has which job, and finds those whose holder is dead. */
export class Jobs {
  private readonly boss: PgBoss
  private readonly database: Database
  private readonly schema: string

  private constructor(boss: PgBoss, database: Database, schema: string) {
    this.boss = boss
    this.database = database
    this.schema = schema
  }

  /** @param failed is called with what goes wrong in pg-boss's own timers */
  static async open(database: Database, failed: (cause: unknown) => void): Promise<Jobs> {
    const { PgBoss } = await import('pg-boss')
    const schema = `${database.schema}_jobs`
    const boss = new PgBoss({
      db: { executeSql: (text, values) => database.execute(text, values) },
      schema,
      // Whoever finds a job without a sign of life looks after it at once; what is done is swept by the leader.
      supervise: false,
      schedule: false,
      monitorIntervalSeconds: 1,
      reindex: false,
      monitorVacuum: false,
      registerInstance: false,
    })
    boss.on('error', failed)
    await boss.start({ attempts: 3 })
    const options = { heartbeatSeconds: HEARTBEAT_SECONDS, expireInSeconds: EXPIRES_SECONDS, retryLimit: FOR_EVER, retryDelay: 0 }
    await boss.createQueue(QUEUES.lead, { ...options, policy: 'exclusive', deleteAfterSeconds: KEPT_SECONDS })
    return new Jobs(boss, database, schema)
  }

  /** There is one job of this name from now on, if there was none. */
  async ensure(queue: QueueName): Promise<void> {
    await this.boss.send(QUEUES[queue], {})
  }

  /** Takes a job that nobody holds. */
  async take(queue: QueueName): Promise<Attempt | null> {
    const [job] = await this.boss.fetch(QUEUES[queue])
    return job === undefined ? null : { id: job.id, retryCount: job.retryCount }
  }

  /** Says that we live and hold this, in the transaction given or in one of its own; `false`: we do not hold it any more. */
  async touch(queue: QueueName, attempt: Attempt, tx?: Transaction): Promise<boolean> {
    const answer = await this.boss.touch(QUEUES[queue], attempt, tx === undefined ? {} : { db: inside(tx) })
    // Missing from its types.
    return (answer as Readonly<{ affected?: number }>).affected === 1
  }

  /** Replaces a job by a fresh one, which the first machine that asks gets, and wakes those who wait for it. */
  async handOn(queue: QueueName, attempt: Attempt): Promise<void> {
    await this.database.write(async (tx) => {
      const db = inside(tx)
      const answer = await this.boss.complete(QUEUES[queue], attempt, null, { db })
      if ((answer as Readonly<{ affected?: number }>).affected !== 1) return
      await this.boss.send(QUEUES[queue], {}, { db })
      await tx.query('SELECT pg_notify($1, $2)', [this.database.schema, queue])
    })
  }

  /** How the job of this queue stands, and in how many milliseconds its holder may be taken for dead, unless it is heard of. */
  async standing(queue: QueueName): Promise<Readonly<{ standing: Standing; freeInMs: number }>> {
    const { rows } = await this.database.execute(
      `SELECT count(*) AS jobs, min(extract(epoch FROM heartbeat_on + make_interval(secs => heartbeat_seconds) - clock_timestamp()) * 1000)
          FILTER (WHERE state = 'active') AS left
        FROM "${this.schema}".job WHERE name = $1 AND state <= 'active'`,
      [QUEUES[queue]],
    )
    const [row] = rows
    if (Number(row?.['jobs']) === 0) return { standing: 'missing', freeInMs: 0 }
    if (row?.['left'] == null) return { standing: 'free', freeInMs: 0 }
    const left = Number(row['left'])
    return left < 0 ? { standing: 'dead', freeInMs: 0 } : { standing: 'held', freeInMs: left }
  }

  /** Takes jobs away from holders that have not been heard of. */
  async releaseDead(queue: QueueName): Promise<void> {
    await this.boss.supervise(QUEUES[queue])
  }

  /** Removes what was done a while ago. */
  async sweep(): Promise<void> {
    await this.boss.supervise()
  }

  async close(): Promise<void> {
    await this.boss.stop({ graceful: false, close: false })
  }
}

function inside(tx: Transaction) {
  return { executeSql: async (text: string, values?: unknown[]) => ({ rows: [...(await tx.query(text, values))] }) }
}

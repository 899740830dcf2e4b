import type { Client } from 'pg'
import type { Clock } from '../../ports/time.ts'
import type { Bell } from './bell.ts'
import type { DatabaseOptions } from './database.ts'

const CONNECT_WITHIN_MS = 5_000
/** A line that brings nothing is replaced, at most this often. */
const REPLACED_EVERY_MS = 30_000

/** What a machine rings with each sign of life, to hear whether it is heard. */
export function proofOf(instance: string): string {
  return `proof ${instance}`
}

type Options = Pick<DatabaseOptions, 'url' | 'schema'> & Readonly<{ bell: Bell; clock: Clock; instance: string }>

/** The connection on which the database tells what was rung: notifications on a channel that is called like the schema. */
export class BellWire {
  private readonly options: Options
  private client: Client | null = null
  private openedAt: number | null = null
  private isClosed = false

  constructor(options: Options) {
    this.options = options
  }

  /** Connects where nothing has been heard for a while. Whoever does not connect looks more often. @throws what pg throws */
  async keep(): Promise<void> {
    const { bell, clock } = this.options
    const now = clock.monotonic()
    if (this.isClosed || bell.isHeard || (this.openedAt !== null && now - this.openedAt < REPLACED_EVERY_MS)) return
    this.openedAt = now
    this.drop()
    await this.open()
  }

  close(): void {
    this.isClosed = true
    this.drop()
  }

  private async open(): Promise<void> {
    const { url, schema, bell, instance } = this.options
    const { default: pg } = await import('pg')
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      query_timeout: CONNECT_WITHIN_MS,
      keepAlive: true,
      application_name: 'alibi',
    })
    client.on('error', () => {}) // It ends, too.
    client.on('end', () => this.lost(client))
    client.on('notification', ({ payload = '' }) => {
      if (payload === proofOf(instance)) bell.prove()
      else bell.ring(payload)
    })
    this.client = client
    try {
      await client.connect()
      // A line that is dead keeps no process from ending. Missing from its types.
      ;(client as Client & { unref(): void }).unref()
      await client.query(`LISTEN "${schema}"`)
    } catch (cause) {
      if (this.client === client) this.drop()
      if (!this.isClosed) throw cause
    }
  }

  private lost(client: Client): void {
    if (this.client !== client) return
    this.client = null
    this.openedAt = null
    this.options.bell.doubt()
  }

  private drop(): void {
    const { client } = this
    this.client = null
    void client?.end().catch(() => {})
  }
}

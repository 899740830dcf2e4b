import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

/** A schema that nobody else has, and how it goes away. */
export function freshSchema(): Readonly<{ url: string; schema: string; drop: () => Promise<void> }> {
  const url = inject('postgres')
  const schema = `alibi_${randomBytes(6).toString('hex')}`
  const drop = () => asSuperuser(url, (client) => client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`))
  return { url, schema, drop: async () => void (await drop()) }
}

/** Does `work` on a connection apart from those of the code under test. */
export async function asSuperuser<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

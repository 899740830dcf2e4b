import { openPostgresStore } from '../../src/adapters/postgres/store.ts'
import type { Store } from '../../src/ports/store.ts'
import { storeContract } from '../store-contract.ts'
import { freshSchema } from './schema.ts'

storeContract('PostgreSQL', async () => {
  const { url, schema, drop } = freshSchema()
  const opened: Store[] = []
  const open = async () => {
    const store = await openPostgresStore({ url, schema, poolSize: 3 })
    opened.push(store)
    return store
  }
  return {
    store: await open(),
    reopen: open,
    dispose: async () => {
      for (const store of opened) await store.close()
      await drop()
    },
  }
})

import { expect, test } from 'vitest'
import { aNotification, NOTHING, storeContract } from '../../test/store-contract.ts'
import { StoreError } from '../ports/store.ts'
import { newDisk } from './disk/disk.ts'
import { memoryStore } from './store.ts'

storeContract('the store in memory', async () => {
  const disk = newDisk()
  return { store: memoryStore(disk), reopen: async () => memoryStore(disk), dispose: async () => {} }
})

test('the next call fails as requested, and changes nothing', async () => {
  const store = memoryStore()
  store.failNext(new StoreError('disk full', { fatal: false }))
  const change = { ...NOTHING, notifications: [aNotification('n')] }
  await expect(store.commit(change)).rejects.toThrow('disk full')
  expect(await store.owed(1)).toEqual([])
  await store.commit(change)
  expect(await store.owed(1)).toHaveLength(1)
})

test('every call fails until the disk is repaired', async () => {
  const store = memoryStore()
  store.failAll(new StoreError('disk full', { fatal: false }))
  await expect(store.alive({ at: 1 })).rejects.toThrow('disk full')
  await expect(store.alive({ at: 1 })).rejects.toThrow('disk full')
  store.failAll(null)
  await store.alive({ at: 2 })
  expect(store.disk.lastAlive).toEqual({ at: 2 })
})

import { expect, test } from 'vitest'
import { StoreError } from '../../src/ports/store.ts'
import { aNotification, NOTHING, storeContract } from '../store-contract.ts'
import { fakeStore, newDisk } from './store.ts'

storeContract('the fake in memory', async () => {
  const disk = newDisk()
  return { store: fakeStore(disk), reopen: async () => fakeStore(disk), dispose: async () => {} }
})

test('the next call fails as told, and changes nothing', async () => {
  const store = fakeStore()
  store.failNext(new StoreError('disk full', { fatal: false }))
  const change = { ...NOTHING, notifications: [aNotification('n')] }
  await expect(store.commit(change)).rejects.toThrow('disk full')
  expect(await store.owed(1)).toEqual([])
  await store.commit(change)
  expect(await store.owed(1)).toHaveLength(1)
})

test('every call fails until it is mended', async () => {
  const store = fakeStore()
  store.failAll(new StoreError('disk full', { fatal: false }))
  await expect(store.alive(1)).rejects.toThrow('disk full')
  await expect(store.alive(1)).rejects.toThrow('disk full')
  store.failAll(null)
  await store.alive(2)
  expect(store.disk.lastAliveAt).toBe(2)
})

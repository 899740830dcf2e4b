/** The store that works in memory: the simulator's. */
// biome-ignore lint/performance/noBarrelFile: one name for what tests have used all along
export { newDisk } from '../../src/simulate/disk/disk.ts'
export { type MemoryStore as FakeStore, memoryStore as fakeStore } from '../../src/simulate/store.ts'

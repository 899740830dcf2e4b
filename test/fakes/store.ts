/** The store that works in memory: the simulator's. */
// biome-ignore lint/performance/noBarrelFile: one name for what tests have used all along
export { type MemoryStore as FakeStore, memoryStore as fakeStore, newDisk } from '../../src/simulate/store.ts'

import { type Store, StoreError } from '../../../src/ports/store.ts'
import type { Dice } from '../dice.ts'
import type { StoppableLife } from './stoppable.ts'

/** A process that stands still in the middle of a transaction loses its connection. */
const IDLE_IN_TRANSACTION_MS = 3_000
const WRITES = ['commit', 'settle', 'addSilence', 'endSilence', 'addAck', 'remember', 'keepQueue', 'alive', 'sweep'] as const

export type FencedDeps = Readonly<{
  store: Store
  life: StoppableLife
  /** The way to the database. */
  way: () => Promise<void>
  /** Begins every transaction. @throws {StoreError} when another process leads */
  fence: () => void
  /** Nothing can be written any more before the state has been loaded again. */
  stale: (cause: StoreError) => void
  dice: Dice
  /** Whether the answer to this commit is lost. */
  isLost: () => boolean
}>

/**
 * The store of a leader: it behaves like the one on PostgreSQL. Each write is fenced; after a commit whose answer was lost nothing is
 * written before the state has been loaded again.
 */
export function fencedStore({ store, life, way, fence, stale, dice, isLost }: FencedDeps): Store {
  let isStale: StoreError | null = null
  const uncertain = () => new StoreError('the answer to a commit was lost', { fatal: false, uncertain: true })
  const transaction = async (work: () => Promise<unknown>): Promise<unknown> => {
    if (isStale !== null) throw isStale
    await way()
    fence()
    const began = life.elapsed()
    await way()
    if (life.elapsed() - began > IDLE_IN_TRANSACTION_MS) {
      // The first thing that finds the line dead is a statement, or the COMMIT itself.
      throw dice.chance(0.5) ? uncertain() : new StoreError('the database cannot be reached', { fatal: false })
    }
    const isAnswered = !isLost()
    if (!isAnswered && dice.chance(0.4)) throw uncertain()
    const value = await work()
    if (!isAnswered) throw uncertain()
    return value
  }
  const write = async (work: () => Promise<unknown>): Promise<unknown> => {
    try {
      return await transaction(work)
    } catch (cause) {
      if (cause instanceof StoreError && cause.uncertain && isStale === null) {
        isStale = cause
        stale(cause)
      }
      throw cause
    }
  }
  const fenced = Object.fromEntries(
    WRITES.map((method) => [
      method,
      (...given: unknown[]) => write(() => Reflect.apply(store[method], store, given) as Promise<unknown>),
    ]),
  ) as Pick<Store, (typeof WRITES)[number]>
  return {
    ...store,
    ...fenced,
    async load(closedSince) {
      const loaded = await store.load(closedSince)
      isStale = null
      return loaded
    },
    close: async () => {},
  }
}

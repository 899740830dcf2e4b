import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects all garbage at once, which stops everything for some 30 ms. V8's memory reducer follows a full collection: some ten
 * seconds later it gives free pages back to the system, which V8 would otherwise keep for as long as hardly anything is allocated.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof collect === 'function') collect()
}

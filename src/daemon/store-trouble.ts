import { StoreError } from '../ports/store.ts'

/** A store that cannot be read or written at the moment is tried again later. @throws whatever else it is */
export function unlessFatal(cause: unknown): void {
  if (!(cause instanceof StoreError) || cause.fatal) throw cause
}

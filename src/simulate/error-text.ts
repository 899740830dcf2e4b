import { messageOfThrown, readThrown } from '../domain/thrown.ts'

export function errorText(value: unknown): string {
  const { isError, cause } = readThrown(value)
  const inner = readThrown(cause)
  return isError && inner.isError ? `${messageOfThrown(value)} (${messageOfThrown(cause)})` : messageOfThrown(value)
}

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Answer } from './answer.ts'
import type { Identity } from './provider.ts'

/** What belongs to a single call: who gets the head of its answer, even if the SDK then throws without it, and what ends it. */
export type Call = Readonly<{
  heard: (answer: Answer) => void
  abortSignal: AbortSignal
  /** Called with the request as it is sent. */
  asked?: (request: Sent) => void
  /** Whose call it is, where one client is shared by several. */
  identity?: Identity
  /** Up to where its answer is read; left out: as for a call to Account. */
  maxBytes?: number
}>

export type Sent = Readonly<{ hostname: string; headers: Readonly<Record<string, string>> }>

const calls = new AsyncLocalStorage<Call>()

/**
 * Sends a command of the SDK in such a way that the request handler knows which call it serves. The SDK takes a signal in the
 * options of `send`, too, but then assembles its chain of middleware again for each call (`cacheMiddleware`), a tenth of its cost.
 */
export function asCall<T>(call: Call, send: () => Promise<T>): Promise<T> {
  return calls.run(call, send)
}

/** The call that the current request belongs to, if it was sent by `asCall`. */
export function currentCall(): Call | undefined {
  return calls.getStore()
}

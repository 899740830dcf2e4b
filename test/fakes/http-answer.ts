import { Readable } from 'node:stream'
import type { HttpAnswer } from '../../src/adapters/outlet.ts'

/** A body, and nothing special about its head. */
export function httpAnswer(body: string | Uint8Array): HttpAnswer {
  return { status: 200, header: () => null, body: Readable.from([Buffer.from(body)]) }
}

import type { Readable } from 'node:stream'

/** The body of an answer to a probe, or of STS, is read up to this size: the largest real one (a page of regions) is a few kilobytes. */
export const MAX_ANSWER_BYTES = 1024 * 1024
/** The same for other services: a page of EC2's instances may have megabytes. */
export const MAX_SERVICE_ANSWER_BYTES = 8 * 1024 * 1024

export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLarge'
  constructor() {
    super('the answer is too large')
  }
}

class PrematureCloseError extends Error {
  override readonly name = 'PrematureClose'
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE'
  constructor() {
    super('the connection closed before the answer ended')
  }
}

/** What is remembered of a body: its length so far, and whether it can be a JSON object. Its content may hold personal data. */
export class BodySeen {
  bytes = 0
  /** The first byte that is not white space. */
  first: number | null = null

  take(chunk: Uint8Array): void {
    this.bytes += chunk.length
    this.first ??= chunk.find((byte) => byte > 0x20) ?? null
  }

  get isObject(): boolean {
    return this.first === 0x7b // {
  }
}

/** Reads a body to its end, notes in `seen` what comes, and ends it when it grows larger than `maxBytes`. */
export function collect(body: Readable, seen: BodySeen, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (body.destroyed) return reject(body.errored ?? new PrematureCloseError())
    const chunks: Buffer[] = []
    body.on('data', (chunk: Buffer) => {
      seen.take(chunk)
      chunks.push(chunk)
      if (seen.bytes > maxBytes) body.destroy(new AnswerTooLargeError())
    })
    body.once('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)))
    body.once('error', reject)
    // A body that ends before its announced length is an error; if none is raised, there is nothing more to wait for.
    body.once('close', () => {
      if (!body.readableEnded) reject(new PrematureCloseError())
    })
  })
}

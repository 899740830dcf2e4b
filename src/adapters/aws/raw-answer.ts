import { AnswerTooLargeError } from './answer.ts'
import { recordOf } from './health-answer.ts'

/** A page of events, or ten texts, of AWS Health are far below it. */
const MAX_BYTES = 8 * 1024 * 1024

type Response = { statusCode: number; body?: unknown }
type Next = (args: unknown) => Promise<{ response: Response }>

/**
 * Lets the answer of a command be read as it was on the wire, once it was sent. The SDK signs and knows the errors; but one odd
 * field would make it throw a whole answer away, where only the element that holds it is to be lost.
 * @param maxBytes beyond which the answer is not read
 * @returns the answer; throws an Error that says so where it is no JSON object
 */
export function onTheWire(command: Readonly<{ middlewareStack: unknown }>, maxBytes = MAX_BYTES): () => Record<string, unknown> {
  let body: string | null = null
  const listen = (next: Next) => async (args: unknown) => {
    const result = await next(args)
    if (result.response.statusCode < 300) {
      body = await textOf(result.response.body, maxBytes)
      result.response.body = new TextEncoder().encode('{}')
    }
    return result
  }
  const stack = command.middlewareStack as { add(middleware: unknown, options: object): void }
  stack.add(listen, { step: 'deserialize', priority: 'low', name: 'alibiRaw' })
  return () => {
    const answer = recordOf(parsed(body ?? ''))
    if (answer === null) throw new Error('its answer cannot be read')
    return answer
  }
}

async function textOf(body: unknown, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop by throwing ends the stream.
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new AnswerTooLargeError()
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

import { recordOf } from './health-answer.ts'

type Response = { statusCode: number; body: Uint8Array }
type Next = (args: unknown) => Promise<{ response: Response }>

/**
 * Lets the answer of a command be read as it was on the wire, once it was sent. The SDK signs and knows the errors; but one odd
 * field would make it throw a whole answer away, where only the element that holds it is to be lost.
 * @returns the answer; throws an Error that says so where it is no JSON object
 */
export function onTheWire(command: Readonly<{ middlewareStack: unknown }>): () => Record<string, unknown> {
  let body: string | null = null
  const listen = (next: Next) => async (args: unknown) => {
    const result = await next(args)
    if (result.response.statusCode < 300) {
      body = new TextDecoder().decode(result.response.body)
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

type Result = Readonly<{ response: { statusCode: number; body: Uint8Array } }>
type Next = (args: unknown) => Promise<Result>

const NOTHING = new Uint8Array(0)

/**
 * Keeps a client from reading the fields of healthy answers, for calls that only look whether there is one: its JSON must be sound, and that
 * is all. What the fields hold may be personal, nobody needs it, and to read it by the service's schema costs a tenth of the call.
 * Errors are read by the client as ever.
 */
export function leaveUnread(client: Readonly<{ middlewareStack: unknown }>): void {
  const unread = (next: Next) => async (args: unknown) => {
    const result = await next(args)
    const { statusCode, body } = result.response
    if (statusCode >= 200 && statusCode < 300 && body.length > 0) {
      JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString())
      result.response.body = NOTHING
    }
    return result
  }
  const stack = client.middlewareStack as { add(middleware: unknown, options: object): void }
  stack.add(unread, { step: 'deserialize', priority: 'low', name: 'alibiUnread' })
}

type Result = Readonly<{ response: Readonly<{ statusCode: number; body: Uint8Array }>; output?: unknown }>
type Args = Readonly<{ answer?: Result }>
type Step = (args: Args) => Promise<Result>

/** What a healthy call comes to. */
const NO_FIELDS = Object.freeze({ $metadata: Object.freeze({}) })

/**
 * Keeps a client from reading the fields of healthy answers, for calls that only look whether there is one. What the fields hold may be personal,
 * nobody needs it, and to read it by the service's schema costs an eighth of the call. Whatever is no 2xx with sound JSON is read by the
 * client as ever.
 */
export function leaveUnread(client: Readonly<{ middlewareStack: unknown }>): void {
  const asking = new WeakMap<object, Step>()
  const askFirst = (read: Step, context: object) => (args: Args) => {
    const ask = asking.get(context)
    if (ask === undefined) return read(args)
    return ask(args).then((answer) =>
      isHealthy(answer) ? { response: answer.response, output: NO_FIELDS } : read({ ...args, answer }),
    )
  }
  const answered = (ask: Step, context: object) => {
    asking.set(context, ask)
    return (args: Args) => (args.answer === undefined ? ask(args) : Promise.resolve(args.answer))
  }
  const stack = client.middlewareStack as { add(middleware: (next: Step, context: object) => Step, options: object): void }
  // Around the one that reads, which has the normal priority in this step.
  stack.add(askFirst, { step: 'deserialize', priority: 'high', name: 'alibiAskFirst' })
  stack.add(answered, { step: 'deserialize', priority: 'low', name: 'alibiAnswered' })
}

function isHealthy({ response: { statusCode, body } }: Result): boolean {
  if (statusCode < 200 || statusCode >= 300) return false
  try {
    if (body.length > 0) JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString())
    return true
  } catch {
    return false
  }
}

import type http from 'node:http'
import type https from 'node:https'
import { Readable } from 'node:stream'
import { NodeHttpHandler, streamCollector } from '@smithy/node-http-handler'
import { type Agents, Outlet } from '../outlet.ts'
import { ClockOffset } from './clock-offset.ts'

/** An answer's body is read up to here: the largest real one (a page of regions) is a few kilobytes. */
export const MAX_ANSWER_BYTES = 1024 * 1024
/** More connections than there are tries in flight: waiting for a connection would count against a try's time. */
const MAX_SOCKETS = 600
/**
 * An idle connection is kept for the tries of a run and the probes beside it, not until the next minute's run: a
 * connection that the other side has closed meanwhile would look like a failed try.
 */
const IDLE_SOCKET_MS = 15_000

/** What is kept of an HTTP answer: everything but its body. */
export type Answer = Readonly<{
  status: number
  requestId: string | null
  apigwId: string | null
  traceId: string | null
  /** The Date header in epoch milliseconds, to the second; `null` without one. */
  date: number | null
  /** Told only once the body has been read. */
  body: BodySeen | null
}>

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

/** What is remembered of a body that passes: how long it is, and whether it can be a JSON object. */
class BodySeen {
  bytes = 0
  /** The first byte that is not white space. */
  first: number | null = null

  take(chunk: Buffer): void {
    this.bytes += chunk.length
    this.first ??= chunk.find((byte) => byte > 0x20) ?? null
  }

  get isObject(): boolean {
    return this.first === 0x7b // {
  }
}

/** Where a body bears what was seen of it. (A WeakMap would keep each request until the next major collection.) */
const SEEN = Symbol('seen')
type Watched = Readable & { [SEEN]?: BodySeen }

/**
 * Reads a body to its end, looks at it on the way, and ends it when it grows too large. The SDK's own collector makes a
 * stream for each body and pipes it there, a tenth of the whole call (`npm run bench`).
 */
function collect(body: Parameters<typeof streamCollector>[0]): Promise<Uint8Array> {
  if (!(body instanceof Readable)) return streamCollector(body)
  const seen = (body as Watched)[SEEN] ?? new BodySeen()
  return new Promise((resolve, reject) => {
    if (body.destroyed) return reject(body.errored ?? new PrematureCloseError())
    const chunks: Buffer[] = []
    body.on('data', (chunk: Buffer) => {
      seen.take(chunk)
      chunks.push(chunk)
      if (seen.bytes > MAX_ANSWER_BYTES) body.destroy(new AnswerTooLargeError())
    })
    body.once('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)))
    body.once('error', reject)
    // An end before the length that was announced is an error; should it come without one, there is nothing to wait for.
    body.once('close', () => {
      if (!body.readableEnded) reject(new PrematureCloseError())
    })
  })
}

type Response = { statusCode: number; headers: Record<string, string>; body?: unknown }
type HttpRequest = Parameters<NodeHttpHandler['handle']>[0]
type HandlerOptions = Parameters<NodeHttpHandler['handle']>[1]

/** For the SDK's loggers: what it has to say reaches us as errors. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

/** Its `timeout` is also what ends a tunnel that a proxy does not open: an abort does not reach it (findings/node-proxy-tunnel-abort.sh). */
const KEPT = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_SOCKET_MS }

/** The SDK's own HTTP handler. One for the whole process: its connections are shared. */
export class BoundedHandler extends NodeHttpHandler {
  readonly #outlet: Outlet
  readonly #agents: Agents
  /** For what is asked through a proxy; made when that is first so. */
  #proxied: NodeHttpHandler | null = null
  /** What its clients have learnt of AWS's clock. */
  readonly clockOffset = new ClockOffset()
  /** For the configuration of every client that uses it: the handler, bodies bounded in size, and no log of the SDK's own. */
  readonly client = { requestHandler: this, streamCollector: collect, logger: SILENT }

  constructor(outlet = new Outlet()) {
    const agents = outlet.agents(KEPT)
    // No proxy stands before this machine, whatever it is called.
    super({ ...handlers(agents, 'localhost'), logger: SILENT })
    this.#outlet = outlet
    this.#agents = agents
  }

  override async handle(request: HttpRequest & Carrying, options?: HandlerOptions) {
    const call = request[CALL]
    const bounded = call === undefined ? options : { ...options, abortSignal: call.abortSignal }
    const { response } = await (this.#outlet.isDirect ? super.handle(request, bounded) : this.#handleByWay(request, bounded))
    ;(response.body as Watched)[SEEN] = new BodySeen()
    return { response }
  }

  async #handleByWay(request: HttpRequest, options?: HandlerOptions) {
    const { protocol, hostname, port } = request
    const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`)
    if (this.#outlet.proxyFor(url) === null) return super.handle(request, options)
    this.#proxied ??= new NodeHttpHandler({ ...handlers(this.#agents, hostname), logger: SILENT })
    try {
      return await this.#proxied.handle(request, options)
    } catch (error) {
      throw this.#outlet.blamed(error, url)
    }
  }

  /** The SDK's clients destroy their handler along with themselves; this one outlives them until `close`. */
  override destroy(): void {}

  close(): void {
    this.#agents.close()
  }
}

function handlers(agents: Agents, host: string) {
  const [httpAgent, httpsAgent] = ['http', 'https'].map((protocol) => agents.for(new URL(`${protocol}://${host}`)))
  return { httpAgent: httpAgent as http.Agent, httpsAgent: httpsAgent as https.Agent }
}

/** What belongs to a single call: who has the head of its answer, also where the SDK then throws without it, and what ends it. */
export type Call = Readonly<{ heard: (answer: Answer) => void; abortSignal: AbortSignal }>

const CALL = Symbol('call')
type Carrying = { [CALL]?: Call }
type Args = { input: Carrying; request: Carrying }
type Next = (args: Args) => Promise<{ response: Response }>
type Stack = { add(middleware: never, options: never): void }

/**
 * Lets the calls of this client be overheard and ended, each by what its input carries. The SDK would take a listener for a
 * single command, and a signal in the options of `send`, as well; but then it puts the whole chain of its middleware together
 * anew for each call, which a client of `cacheMiddleware: true` does once: a tenth of a call.
 */
export function overheard<C extends { middlewareStack: Stack }>(client: C): C {
  const listen = (next: Next) => async (args: Args) => {
    const call = args.input[CALL]
    if (call === undefined) return next(args)
    args.request[CALL] = call
    const result = await next(args)
    call.heard(headOf(result.response))
    return result
  }
  // The last before the handler: signing puts a new request in the place of the one before.
  client.middlewareStack.add(listen as never, { step: 'deserialize', priority: 'low', name: 'alibiOverhear' } as never)
  return client
}

/** For clients that were made `overheard`. */
export function carry<C extends { input: object }>(command: C, call: Call): C {
  const input: Carrying = command.input
  input[CALL] = call
  return command
}

function headOf({ statusCode, headers, body }: Response): Answer {
  const date = Date.parse(headers['date'] ?? '')
  return {
    status: statusCode,
    requestId: idOf(headers['x-amzn-requestid'] ?? headers['x-amz-request-id']),
    apigwId: idOf(headers['x-amz-apigw-id']),
    traceId: idOf(headers['x-amzn-trace-id']),
    date: Number.isNaN(date) ? null : date,
    body: (body as Watched | undefined)?.[SEEN] ?? null,
  }
}

/** A request id as AWS makes them; anything else in its place is not shown. */
function idOf(value: string | undefined): string | null {
  return value !== undefined && /^[\w.:;=+/-]{1,200}$/.test(value) ? value : null
}

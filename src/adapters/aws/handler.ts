import type http from 'node:http'
import type https from 'node:https'
import type { Readable } from 'node:stream'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Memo } from '../../domain/memo.ts'
import { type Agents, Outlet } from '../outlet.ts'
import { answerOf } from './answer.ts'
import { BodySeen, collect, MAX_ANSWER_BYTES } from './body.ts'
import { currentCall } from './call.ts'
import { ClockOffset } from './clock-offset.ts'
import { exchange, headersOf, isPlain, type PlainRequest } from './exchange.ts'

/** More connections than there are tries in flight: waiting for a connection would count against a try's time. */
const MAX_SOCKETS = 600
/**
 * How long an idle connection is kept: long enough for the other tries of a run and the probes beside it, not until the next
 * minute's run, because a connection that the server has closed in the meantime would look like a failed try.
 */
const IDLE_SOCKET_MS = 15_000

/** Its `timeout` is also what ends a tunnel that a proxy does not open: an abort does not reach it (findings/node-proxy-tunnel-abort.sh). */
const KEPT = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_SOCKET_MS }

/** Hosts of which it is remembered by which way they are reached. */
const MAX_ORIGINS = 1_000

/** Bodies of other answers are read up to this size: a page of events, or ten texts, of AWS Health are far below it. */
const MAX_OTHER_BYTES = 8 * 1024 * 1024

/** For the SDK's loggers: what it has to say reaches us as errors. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

type HttpRequest = Parameters<NodeHttpHandler['handle']>[0]
type HandlerOptions = Parameters<NodeHttpHandler['handle']>[1]

/**
 * The request handler of all the SDK's clients: the SDK's own, with connections shared by the whole process, the way out through
 * a proxy, and bodies that are read here, bounded in size. It gives each call the head of its answer. What the SDK's handler would send
 * as it is, which is nearly everything, is sent without it (`exchange`).
 */
export class BoundedHandler extends NodeHttpHandler {
  readonly #outlet: Outlet
  readonly #agents: Agents
  readonly #maxBytes: number
  readonly #agentOf = new Memo<string, http.Agent>(MAX_ORIGINS)
  /** For requests through a proxy; made when first needed. */
  #proxied: NodeHttpHandler | null = null
  /** What has been learned of AWS's clock. */
  readonly clockOffset = new ClockOffset()
  /** For the configuration of every client. */
  readonly client = { requestHandler: this, logger: SILENT }

  /** @param maxBytes up to which the body of an answer is read that was not sent by `asCall` */
  constructor(outlet = new Outlet(), maxBytes = MAX_OTHER_BYTES) {
    const agents = outlet.agents(KEPT)
    // There is no proxy in front of this machine itself, whatever its name.
    super({ ...handlers(agents, 'localhost'), logger: SILENT })
    this.#outlet = outlet
    this.#agents = agents
    this.#maxBytes = maxBytes
  }

  override async handle(request: HttpRequest, options?: HandlerOptions) {
    const call = currentCall()
    const abortSignal = call?.abortSignal ?? (options?.abortSignal as AbortSignal | undefined)
    call?.asked?.(request)
    const sentAt = Date.now()
    const response = isPlain(request)
      ? await this.#exchanged(request, abortSignal)
      : (await this.#handleByWay(request, abortSignal === undefined ? options : { ...options, abortSignal })).response
    this.clockOffset.learn(response.headers, { sentAt, receivedAt: Date.now() })
    const seen = new BodySeen()
    call?.heard(answerOf(response.statusCode, response.headers, seen))
    try {
      response.body = await collect(
        response.body as Readable,
        seen,
        call === undefined ? this.#maxBytes : (call.maxBytes ?? MAX_ANSWER_BYTES),
      )
    } catch (error) {
      // As the SDK does with an error that it meets in a body: the status did come.
      throw error instanceof Error ? Object.assign(error, { $metadata: { httpStatusCode: response.statusCode } }) : error
    }
    return { response }
  }

  async #exchanged(request: PlainRequest, signal?: AbortSignal) {
    const origin = originOf(request)
    const agent = this.#agentOf.of(origin, () => this.#agents.for(new URL(origin)))
    try {
      const message = await exchange(request, agent, signal)
      return { statusCode: message.statusCode ?? -1, headers: headersOf(message), body: message as Readable | Uint8Array }
    } catch (error) {
      throw this.#outlet.isDirect ? error : this.#outlet.blamed(error, new URL(origin))
    }
  }

  async #handleByWay(request: HttpRequest, options?: HandlerOptions) {
    const url = new URL(originOf(request))
    if (this.#outlet.proxyFor(url) === null) return super.handle(request, options)
    this.#proxied ??= new NodeHttpHandler({ ...handlers(this.#agents, url.hostname), logger: SILENT })
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

function originOf({ protocol, hostname, port }: Pick<PlainRequest, 'protocol' | 'hostname' | 'port'>): string {
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`
}

import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Instant } from '../domain/probe.ts'

/** What a test wants of SQS. `cut`: the head of an answer and no more. */
const QUEUE_MODES = [
  'ok',
  'denied',
  'gone',
  'throttled',
  'kms-throttled',
  'unavailable',
  'expired-token',
  'garbage',
  'no-list',
  'hang',
  'cut',
] as const
export type QueueMode = (typeof QUEUE_MODES)[number]

/** Most messages that are held, and most calls that are remembered. */
const MAX_HELD = 10_000
const MAX_CALLS = 10_000
const MAX_PER_CALL = 10
const TARGET = 'AmazonSQS.'

type Message = {
  readonly id: string
  readonly body: string
  readonly sentAt: Instant
  /** Bodies may be damaged on their way. */
  readonly md5: string
  visibleAt: Instant
  receipt: string
  received: number
}

type Waiting = Readonly<{ input: Input; response: ServerResponse; timer: NodeJS.Timeout }>
type Input = Readonly<Record<string, unknown>>
type Fault = readonly [status: number, type: string, query: string | null]

/** Status, type and the code of the older protocol, which SQS sends along in a header. */
const FAULTS: Readonly<Partial<Record<QueueMode, Fault>>> = {
  denied: [403, 'com.amazonaws.sqs#AccessDeniedException', 'AccessDenied;Sender'],
  gone: [400, 'com.amazonaws.sqs#QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue;Sender'],
  throttled: [403, 'com.amazonaws.sqs#RequestThrottled', 'RequestThrottled;Sender'],
  'kms-throttled': [400, 'com.amazonaws.sqs#KmsThrottled', 'KMS.ThrottlingException;Sender'],
  unavailable: [500, 'com.amazonaws.sqs#InternalFailure', null],
  'expired-token': [403, 'com.amazon.coral.service#ExpiredTokenException', null],
}

/**
 * A stand-in for one queue of Amazon SQS, by its JSON protocol: messages are away for `visibilityMs` when they were received, come
 * back unless they are deleted, and go to the dead-letter queue when they have come too often. It waits for messages as long as it
 * is asked to. Mount it in any HTTP server by `handle`.
 */
export class QueueStandIn {
  mode: QueueMode = 'ok'
  /** Operations that are denied while the others are let through. */
  readonly denied = new Set<string>()
  /** Whether errors carry the code of the older protocol too: the SDK then names them by it. */
  tellsQueryError = true
  visibilityMs = 30_000
  retentionMs = 4 * 24 * 3_600_000
  /** How often a message comes before it goes to the dead-letter queue; `null`: there is none. */
  maxReceives: number | null = null
  /** Handed out last first. */
  reversed = false
  readonly deadLetters: string[] = []
  /** Operations that were asked for, in order; bounded. */
  readonly calls: string[] = []
  readonly #now: () => Instant
  readonly #held = new Map<string, Message>()
  readonly #waiting = new Set<Waiting>()

  constructor(options: Readonly<{ now: () => Instant }>) {
    this.#now = options.now
  }

  /** Puts a message into the queue; `isDamaged`: what is handed out does not fit its checksum. Returns its id. */
  send(
    body: string,
    { sentAt = this.#now(), isDamaged = false }: Readonly<{ sentAt?: Instant; isDamaged?: boolean }> = {},
  ): string {
    const id = randomUUID()
    const md5 = createHash('md5')
      .update(isDamaged ? `${body} ` : body)
      .digest('hex')
    this.#held.set(id, { id, body, sentAt, md5, visibleAt: 0, receipt: '', received: 0 })
    const oldest = this.#held.keys().next().value
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.#held.delete(oldest)
    for (const waiting of this.#waiting) this.#hand(waiting)
    return id
  }

  /** Messages that are there, whether they can be seen or not. */
  get size(): number {
    this.#expire()
    return this.#held.size
  }

  handle(request: IncomingMessage, body: string, response: ServerResponse): boolean {
    const target = request.headers['x-amz-target']
    if (request.method !== 'POST' || typeof target !== 'string' || !target.startsWith(TARGET)) return false
    const operation = target.slice(TARGET.length)
    this.calls.push(operation)
    if (this.calls.length > MAX_CALLS) this.calls.shift()
    const fault = this.denied.has(operation) ? FAULTS.denied : FAULTS[this.mode]
    if (fault !== undefined) this.#fail(response, fault)
    else this.#serve(operation, parsed(body), response)
    return true
  }

  /** Gives up who waits; call it before the server closes. */
  close(): void {
    for (const { timer } of this.#waiting) clearTimeout(timer)
    this.#waiting.clear()
  }

  #serve(operation: string, input: Input, response: ServerResponse): void {
    switch (this.mode) {
      case 'hang':
        return
      case 'garbage':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>not a queue</html>')
        return
      case 'no-list':
        json(response, 200, { Messages: 'none' })
        return
      case 'cut':
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'content-length': 500 })
        response.write('{"Messages":', () => response.socket?.destroy())
        return
      default:
        this.#answer(operation, input, response)
    }
  }

  #answer(operation: string, input: Input, response: ServerResponse): void {
    switch (operation) {
      case 'ReceiveMessage':
        this.#receive(input, response)
        break
      case 'DeleteMessage':
        this.#delete(input['ReceiptHandle'])
        json(response, 200, {})
        break
      case 'DeleteMessageBatch':
        json(response, 200, this.#deleteBatch(input))
        break
      case 'GetQueueAttributes':
        json(response, 200, { Attributes: this.#attributes() })
        break
      default:
        this.#fail(response, [400, 'com.amazonaws.sqs#UnsupportedOperation', null])
    }
  }

  #receive(input: Input, response: ServerResponse): void {
    const waitMs = Math.min(20, Number(input['WaitTimeSeconds'] ?? 0)) * 1_000
    const timer = setTimeout(() => this.#hand(waiting, true), waitMs)
    const waiting: Waiting = { input, response, timer }
    this.#waiting.add(waiting)
    response.once('close', () => {
      clearTimeout(timer)
      this.#waiting.delete(waiting)
    })
    this.#hand(waiting)
  }

  /** Answers who waits if there is something for them, or if their time is over. */
  #hand(waiting: Waiting, isOver = false): void {
    if (!this.#waiting.has(waiting)) return
    const { input, response, timer } = waiting
    const messages = this.#take(input)
    if (messages.length === 0 && !isOver) return
    clearTimeout(timer)
    this.#waiting.delete(waiting)
    json(response, 200, messages.length === 0 ? {} : { Messages: messages })
  }

  #take(input: Input): readonly object[] {
    this.#expire()
    const now = this.#now()
    const most = Math.min(MAX_PER_CALL, Number(input['MaxNumberOfMessages'] ?? 1))
    const hiddenMs = input['VisibilityTimeout'] === undefined ? this.visibilityMs : Number(input['VisibilityTimeout']) * 1_000
    const visible = [...this.#held.values()].filter((one) => one.visibleAt <= now)
    const taken = (this.reversed ? visible.reverse() : visible).slice(0, most)
    return taken.flatMap((message) => {
      message.received += 1
      message.visibleAt = now + hiddenMs
      message.receipt = randomUUID()
      if (this.maxReceives !== null && message.received > this.maxReceives) {
        this.#held.delete(message.id)
        this.deadLetters.push(message.body)
        return []
      }
      const { id, body, md5, receipt, sentAt, received } = message
      const attributes = { SentTimestamp: String(sentAt), ApproximateReceiveCount: String(received) }
      return [{ MessageId: id, ReceiptHandle: receipt, MD5OfBody: md5, Body: body, Attributes: attributes }]
    })
  }

  /** What has been there for longer than the retention is gone. */
  #expire(): void {
    const now = this.#now()
    for (const [id, { sentAt }] of this.#held) if (now - sentAt > this.retentionMs) this.#held.delete(id)
  }

  #delete(receipt: unknown): boolean {
    const message = [...this.#held.values()].find((one) => one.receipt !== '' && one.receipt === receipt)
    return message !== undefined && this.#held.delete(message.id)
  }

  #deleteBatch(input: Input): object {
    const entries = (Array.isArray(input['Entries']) ? input['Entries'] : []) as { Id: string; ReceiptHandle: string }[]
    for (const { ReceiptHandle } of entries) this.#delete(ReceiptHandle)
    return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] }
  }

  #attributes(): object {
    const redrive = { deadLetterTargetArn: 'arn:aws:sqs:us-east-1:123456789012:dead', maxReceiveCount: this.maxReceives }
    return {
      MessageRetentionPeriod: String(Math.round(this.retentionMs / 1_000)),
      ApproximateNumberOfMessages: String(this.size),
      ...(this.maxReceives === null ? {} : { RedrivePolicy: JSON.stringify(redrive) }),
    }
  }

  #fail(response: ServerResponse, [status, type, query]: Fault): void {
    if (this.tellsQueryError && query !== null) response.setHeader('x-amzn-query-error', query)
    json(response, status, { __type: type, message: 'not now, or not you' })
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'content-length': Buffer.byteLength(text) }
  response.writeHead(status, { ...headers, 'x-amzn-requestid': randomUUID() }).end(text)
}

function parsed(body: string): Input {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Input) : {}
  } catch {
    return {}
  }
}

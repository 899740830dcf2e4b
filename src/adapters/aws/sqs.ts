import { createHash } from 'node:crypto'
import type { SQSClient } from '@aws-sdk/client-sqs'
import type { Instant, Partition } from '../../domain/probe.ts'
import type { QueueContent } from '../../domain/queue-message.ts'
import type { HealthQueue, QueueMessage, Received } from '../../ports/health-queue.ts'
import type { Clock } from '../../ports/time.ts'
import type { Outlet } from '../outlet.ts'
import { AbandonedError, within } from '../stall.ts'
import { AnswerTooLargeError } from './body.ts'
import type { Keyring } from './credentials.ts'
import { NO_OTHER_ENDPOINT } from './endpoint.ts'
import { readMessage } from './eventbridge.ts'
import { BoundedHandler } from './handler.ts'
import { instantOf, recordOf } from './health-answer.ts'
import { areBadCredentials, heardIn, isThrottling, nameOf, oursIn, reasonOf } from './health-call.ts'
import type { Holder, Identity } from './provider.ts'
import { onTheWire } from './raw-answer.ts'

/** SQS waits no longer, and hands out no more at a time (its API reference, ReceiveMessage). */
const MAX_WAIT_MS = 20_000
const MAX_MESSAGES = 10
/** Ten messages of the size that EventBridge allows, each quoted as JSON within JSON. */
const MAX_BYTES = 24 * 1024 * 1024
const MAX_ID = 200
const MAX_RECEIPT = 10_000

/** Why a queue does not answer until something is changed on our side. Names differ with the headers of the answer. */
const REFUSALS: Readonly<Record<string, string>> = {
  AccessDenied: 'the credentials may not use the queue: they need sqs:ReceiveMessage and sqs:DeleteMessage',
  AccessDeniedException: 'the credentials may not use the queue: they need sqs:ReceiveMessage and sqs:DeleteMessage',
  'AWS.SimpleQueueService.NonExistentQueue': 'there is no such queue',
  QueueDoesNotExist: 'there is no such queue',
  InvalidAddress: 'the address is not that of a queue',
  InvalidSecurity: 'the queue has to be asked by https',
  UnsupportedOperation: 'the queue does not allow what is asked of it',
  KmsAccessDenied: 'the credentials may not use the key of the queue: they need kms:Decrypt',
  KmsDisabled: 'the key of the queue is disabled',
  KmsInvalidKeyUsage: 'the key of the queue is of the wrong kind',
  KmsInvalidState: 'the key of the queue cannot be used in its present state',
  KmsNotFound: 'the key of the queue does not exist',
  KmsOptInRequired: 'the account may not use the key of the queue',
}

/** What SQS itself says where it is asked too often; the SDK does not know KmsThrottled as such. */
const THROTTLES: ReadonlySet<string> = new Set(['KmsThrottled', 'RequestThrottled', 'OverLimit'])

export type SqsOptions = Readonly<{
  /** The whole address of the queue: it is asked there, whatever the environment says of endpoints. */
  url: string
  /** For which calls are signed. */
  region: string
  partition: Partition
  holder: Holder
  keyring: Keyring
  clock: Pick<Clock, 'now'>
  /** Bounds a call, beyond the time that SQS is asked to wait. */
  timeoutMs: number
  /** The way out; left out: directly. */
  outlet?: Outlet
}>

/** What `check --live` can learn of a queue; `null`: it does not say. */
type QueueAttributes = Readonly<{ retentionMs: number | null; hasRedrive: boolean; messages: number | null }>

export type Sqs = HealthQueue & {
  /** Looks whether messages can be received, and leaves those that are there visible to others. */
  look(signal: AbortSignal): Promise<Received>
  /** Needs sqs:GetQueueAttributes, which nothing else does. Rejects with an Error whose message can be shown. */
  attributes(signal: AbortSignal): Promise<QueueAttributes>
  close(): void
}

type Command = Readonly<{ middlewareStack: unknown }>

/**
 * A queue of Amazon SQS. It has a client and connections of its own, for a call lasts as long as SQS waits. One try each: the SDK
 * would receive again after an answer that was cut off, and every time the messages are away for a while.
 */
export function sqsQueue(options: SqsOptions): Sqs {
  return new SqsQueue(options)
}

type Sdk = typeof import('@aws-sdk/client-sqs')

class SqsQueue implements Sqs {
  readonly #options: SqsOptions
  readonly #handler: BoundedHandler
  #client: SQSClient | null = null
  #identity: Identity | null = null

  constructor(options: SqsOptions) {
    this.#options = options
    this.#handler = new BoundedHandler(options.outlet, MAX_BYTES)
  }

  receive(waitMs: number, limit: number, signal: AbortSignal): Promise<Received> {
    return this.#receive({ waitMs, limit, hidden: true }, signal)
  }

  look(signal: AbortSignal): Promise<Received> {
    return this.#receive({ waitMs: 1_000, limit: MAX_MESSAGES, hidden: false }, signal)
  }

  async delete(messages: Parameters<Sqs['delete']>[0], signal: AbortSignal): Promise<string | null> {
    const { url, timeoutMs } = this.#options
    if (messages.length === 0) return null
    const entries = messages.slice(0, MAX_MESSAGES).map(({ receipt }, i) => ({ Id: String(i), ReceiptHandle: receipt }))
    try {
      const { Failed: failures } = await this.#call(
        ({ DeleteMessageBatchCommand }) => new DeleteMessageBatchCommand({ QueueUrl: url, Entries: entries }),
        timeoutMs,
        signal,
      )
      const first = recordOf(Array.isArray(failures) ? failures[0] : null)
      return first === null
        ? null
        : `SQS did not delete a message: ${reasonOf(new Error(String(first['Message'] ?? first['Code'])))}`
    } catch (error) {
      return this.#failed(error).why
    }
  }

  async attributes(signal: AbortSignal): ReturnType<Sqs['attributes']> {
    const { url, timeoutMs } = this.#options
    const answer = await this.#call(
      ({ GetQueueAttributesCommand }) =>
        new GetQueueAttributesCommand({
          QueueUrl: url,
          AttributeNames: ['MessageRetentionPeriod', 'RedrivePolicy', 'ApproximateNumberOfMessages'],
        }),
      timeoutMs,
      signal,
    ).catch((error: unknown) => {
      throw new Error(this.#failed(error).why)
    })
    const {
      MessageRetentionPeriod: seconds,
      RedrivePolicy: redrive,
      ApproximateNumberOfMessages: count,
    } = recordOf(answer['Attributes']) ?? {}
    const retention = numberOf(seconds)
    return {
      retentionMs: retention === null ? null : retention * 1_000,
      hasRedrive: typeof redrive === 'string' && redrive !== '',
      messages: numberOf(count),
    }
  }

  close(): void {
    this.#handler.close()
  }

  async #receive(input: Readonly<{ waitMs: number; limit: number; hidden: boolean }>, signal: AbortSignal): Promise<Received> {
    const { url, partition, clock, timeoutMs } = this.#options
    const waitMs = Math.min(Math.max(0, input.waitMs), MAX_WAIT_MS)
    try {
      const answer = await this.#call(
        ({ ReceiveMessageCommand }) =>
          new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: Math.min(input.limit, MAX_MESSAGES),
            WaitTimeSeconds: Math.round(waitMs / 1_000),
            MessageSystemAttributeNames: ['SentTimestamp'],
            ...(input.hidden ? {} : { VisibilityTimeout: 0 }),
          }),
        waitMs + timeoutMs,
        signal,
      )
      const { Messages: messages = [] } = answer
      if (!Array.isArray(messages)) return { state: 'unavailable', why: 'its answer holds no list of messages', heard: true }
      const read = messages.slice(0, MAX_MESSAGES).map((one) => messageIn(one, partition, clock.now()))
      return { state: 'received', messages: read.filter((one) => one !== null) }
    } catch (error) {
      if (error instanceof AbandonedError) return { state: 'unavailable', why: 'we are stopping' }
      return this.#failed(error)
    }
  }

  async #call(make: (sdk: Sdk) => Command, ms: number, signal: AbortSignal): Promise<Record<string, unknown>> {
    // Most have no need of this client: it is not loaded before it is used.
    const { url, region, holder, keyring } = this.#options
    const sdk = await import('@aws-sdk/client-sqs')
    return within(ms, signal, async (abortSignal) => {
      this.#identity = await keyring.get(holder, ms, abortSignal)
      const credentials = async () => this.#identity ?? (await keyring.get(holder, ms, abortSignal))
      this.#client ??= new sdk.SQSClient({
        region,
        ...NO_OTHER_ENDPOINT,
        endpoint: new URL(url).origin,
        ...this.#handler.clockOffset.signing({ credentials, region, service: 'sqs' }),
        maxAttempts: 1,
        retryMode: 'standard',
        // One wrong checksum would cost all the messages of the answer: each is checked here.
        md5: false,
        ...this.#handler.client,
      })
      const command = make(sdk)
      const answered = onTheWire(command)
      await this.#client.send(command as never, { abortSignal })
      return answered()
    })
  }

  #failed(error: unknown): Exclude<Received, { state: 'received' }> {
    const { holder, keyring } = this.#options
    if (areBadCredentials(error)) {
      this.#client = null
      if (this.#identity !== null) keyring.drop(holder, this.#identity)
    }
    const name = nameOf(error)
    if (isOfSqs(error) && Object.hasOwn(REFUSALS, name)) return { state: 'refused', why: `${REFUSALS[name]} (${name})` }
    const why = reasonOf(error)
    if (THROTTLES.has(name) || isThrottling(error)) return { state: 'unavailable', why, heard: true, throttled: true }
    const heard = error instanceof AnswerTooLargeError ? { heard: true as const } : heardIn(error)
    return { state: 'unavailable', why, ...heard, ...oursIn(error) }
  }
}

/** A message that cannot be deleted is of no use: `null`. */
function messageIn(value: unknown, partition: Partition, now: Instant): QueueMessage | null {
  const { MessageId: id, ReceiptHandle: receipt, Body: body, MD5OfBody: md5, Attributes: attributes } = recordOf(value) ?? {}
  if (typeof id !== 'string' || id.length > MAX_ID || typeof receipt !== 'string' || receipt.length > MAX_RECEIPT) return null
  const sent = recordOf(attributes)?.['SentTimestamp']
  return { id, receipt, sentAt: instantOf(sent, now), content: contentOf(body, md5, { partition, now }) }
}

function contentOf(
  body: unknown,
  md5: unknown,
  { partition, now }: Readonly<{ partition: Partition; now: Instant }>,
): QueueContent {
  if (typeof body !== 'string') return { kind: 'foreign', why: 'it has no body' }
  const checksum = checksumOf(body)
  if (checksum !== null && md5 !== checksum) return { kind: 'foreign', why: 'its checksum is wrong: it was damaged on its way' }
  return readMessage(body, partition, now)
}

/** `null` where this host allows no MD5 (OpenSSL in FIPS mode). */
function checksumOf(body: string): string | null {
  try {
    return createHash('md5').update(body).digest('hex')
  } catch {
    return null
  }
}

/** STS, asked for credentials inside a call, has an AccessDenied of its own: that comes wrapped. */
function isOfSqs(error: unknown): boolean {
  return heardIn(error).heard === true
}

function numberOf(value: unknown): number | null {
  return typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : null
}

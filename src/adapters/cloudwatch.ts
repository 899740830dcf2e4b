import { hostname } from 'node:os'
import { Writable } from 'node:stream'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { Config } from '../config/config.ts'
import type { Env } from '../config/endpoints.ts'
import type { Credentials } from '../domain/probe.ts'
import { readThrown } from '../domain/thrown.ts'
import type { Keyring } from './aws/credentials.ts'
import { NO_OTHER_ENDPOINT, placeOf } from './aws/endpoint.ts'
import { systemClock } from './clock.ts'
import type { Outlet } from './outlet.ts'

/*
 * Amazon CloudWatch Logs, by batches in the background. `PutLogEvents` and, when the stream is not there yet, `CreateLogStream`
 * are the only calls of Alibi that write anything in AWS; they are made where `log.cloudwatch` asks for it and nowhere else.
 */

/** What may wait while CloudWatch cannot be reached; the oldest lines are dropped beyond it, and counted. */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024
/** PutLogEvents takes 1 MiB and 10 000 events, each of which counts 26 bytes more than its text, within 24 hours (its API reference). */
const MAX_BATCH_BYTES = 512 * 1024
const MAX_BATCH_EVENTS = 5_000
const EVENT_BYTES = 26
const MAX_BATCH_SPAN_MS = 23 * 3_600_000
/** A line is sent at most this much later, as long as there is no error. */
const FLUSH_MS = 2_000
const RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
const DEADLINE_MS = 10_000
/** At the end: stopping the daemon does not wait for the log. */
const CLOSE_MS = 1_500

type Line = Readonly<{ at: number; text: string; bytes: number }>

export type CloudWatchOptions = Readonly<{
  wanted: NonNullable<Config['log']['cloudwatch']>
  /** Called once when lines cannot be delivered, and once when they can again; `lost` lines were dropped meanwhile. */
  failed: (why: string) => void
  recovered: (lost: number) => void
  /** The way out; left out: directly. */
  outlet?: Outlet
  /** Where credentials are looked for; default: the process's own. */
  env?: Env
  flushMs?: number
  /** How long `finish` may take. */
  closeMs?: number
}>

/** A stream of lines that takes everything at once and throws nothing; `finish` resolves when what waits is out, or time is up. */
export type CloudWatch = Readonly<{ stream: Writable; finish(): Promise<void> }>

export function cloudWatch(options: CloudWatchOptions): CloudWatch {
  const shipper = new Shipper(options)
  return { stream: shipper.stream, finish: () => shipper.finish() }
}

class Shipper {
  readonly stream: Writable
  readonly #options: CloudWatchOptions
  readonly #target: Readonly<{ logGroupName: string; logStreamName: string }>
  readonly #waiting: Line[] = []
  #bytes = 0
  #lost = 0
  #failures = 0
  #timer: NodeJS.Timeout | null = null
  #sending: Promise<void> | null = null
  #client: CloudWatchLogsClient | null = null
  #ring: Keyring | null = null
  #isClosing = false

  constructor(options: CloudWatchOptions) {
    const { group, stream } = options.wanted
    this.#options = options
    this.#target = { logGroupName: group, logStreamName: stream ?? hostname().replace(/[:*\s]/g, '-') }
    this.stream = new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        this.#take(String(chunk).replace(/\n$/, ''))
        done()
      },
    })
  }

  async finish(): Promise<void> {
    const { closeMs = CLOSE_MS } = this.#options
    this.#isClosing = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const deadline = performance.now() + closeMs
    const { promise: over, resolve } = Promise.withResolvers<void>()
    const alarm = setTimeout(resolve, closeMs)
    // What is being sent, then the rest; an outage is not waited out.
    await Promise.race([over, this.#sending ?? Promise.resolve()])
    while (this.#waiting.length > 0 && this.#failures === 0 && performance.now() < deadline)
      await Promise.race([over, this.#flush()])
    clearTimeout(alarm)
    this.#client?.destroy()
    this.#ring?.close()
  }

  #take(text: string): void {
    const size = Buffer.byteLength(text) + EVENT_BYTES
    this.#waiting.push({ at: Date.now(), text, bytes: size })
    this.#bytes += size
    while (this.#bytes > MAX_WAITING_BYTES) {
      const oldest = this.#waiting.shift()
      if (oldest === undefined) break
      this.#bytes -= oldest.bytes
      this.#lost++
    }
    if (!this.#isClosing) this.#plan(this.#options.flushMs ?? FLUSH_MS)
  }

  #plan(ms: number): void {
    if (this.#timer !== null || this.#sending !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#flush()
    }, ms)
    this.#timer.unref()
  }

  /** One batch at a time; what could not be sent stays at the front. Never rejects. */
  #flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null
      const pauseMs = this.#failures === 0 ? 0 : Math.min(RETRY_MS * 2 ** Math.min(this.#failures - 1, 10), MAX_RETRY_MS)
      if (this.#waiting.length > 0 && !this.#isClosing) this.#plan(pauseMs)
    })
    return this.#sending
  }

  async #send(): Promise<void> {
    const { recovered, failed } = this.#options
    const batch = takeBatch(this.#waiting)
    if (batch.length === 0) return
    this.#bytes -= batch.reduce((sum, line) => sum + line.bytes, 0)
    try {
      await this.#put(batch)
      if (this.#failures > 0) {
        recovered(this.#lost)
        this.#lost = 0
      }
      this.#failures = 0
    } catch (error) {
      if (isRefusedForGood(error)) this.#lost += batch.length
      else {
        this.#waiting.unshift(...batch)
        this.#bytes += batch.reduce((sum, line) => sum + line.bytes, 0)
      }
      this.#failures++
      if (this.#failures === 1) failed(whyOf(error))
    }
  }

  async #put(batch: readonly Line[]): Promise<void> {
    const { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs')
    this.#client ??= new CloudWatchLogsClient({ ...(await this.#connection()), maxAttempts: 1 })
    const client = this.#client
    // A clock that was set back must not make CloudWatch refuse the batch: it wants lines in the order of time.
    const logEvents = batch.map(({ at, text }) => ({ timestamp: at, message: text })).sort((a, b) => a.timestamp - b.timestamp)
    const bounded = () => ({ abortSignal: AbortSignal.timeout(DEADLINE_MS) })
    try {
      await client.send(new PutLogEventsCommand({ ...this.#target, logEvents }), bounded())
    } catch (error) {
      if (nameOf(error) !== 'ResourceNotFoundException') throw error
      // The stream is missing, or the group: we do not create a group, because its owner decides how long it keeps lines.
      await client.send(new CreateLogStreamCommand(this.#target), bounded()).catch((cause: unknown) => {
        if (nameOf(cause) !== 'ResourceAlreadyExistsException') throw cause
      })
      await client.send(new PutLogEventsCommand({ ...this.#target, logEvents }), bounded())
    }
  }

  /** The same credentials as those of a monitor that names none, found in the same way, by the same way out. */
  async #connection() {
    const { keyring } = await import('./aws/credentials.ts')
    const { env = process.env, outlet, wanted } = this.#options
    const { region, endpoint } = wanted
    this.#ring ??= keyring({ clock: systemClock, env, ...(outlet === undefined ? {} : { outlet }) })
    const { get, handler } = this.#ring
    const holder = { credentials: CHAIN, stsRegion: region }
    const credentials = () => get(holder, DEADLINE_MS, new AbortController().signal)
    const place = endpoint === null ? placeOf(env, 'CLOUDWATCH_LOGS', region) : { region, ...NO_OTHER_ENDPOINT, endpoint }
    return { ...place, credentials, ...handler.client }
  }
}

const CHAIN: Credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }

/** As much from the front as one call takes. */
function takeBatch(waiting: Line[]): readonly Line[] {
  let size = 0
  let count = 0
  let [earliest, latest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { at, bytes } of waiting) {
    earliest = Math.min(earliest, at)
    latest = Math.max(latest, at)
    if (count > 0 && (size + bytes > MAX_BATCH_BYTES || count >= MAX_BATCH_EVENTS || latest - earliest > MAX_BATCH_SPAN_MS)) break
    size += bytes
    count++
  }
  return waiting.splice(0, count)
}

/** Sent again it would be refused again, and everything behind it would wait forever. */
function isRefusedForGood(error: unknown): boolean {
  return ['InvalidParameterException', 'DataAlreadyAcceptedException'].includes(nameOf(error))
}

function nameOf(error: unknown): string {
  return readThrown(error).name
}

function whyOf(error: unknown): string {
  const { isError, name, message } = readThrown(error)
  if (!isError) return 'an unknown error'
  return `${name === 'Error' ? '' : `${name}: `}${message}`.slice(0, 300)
}

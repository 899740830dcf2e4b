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
/** A line goes out this much later at most, while all is well. */
const FLUSH_MS = 2_000
const RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
const DEADLINE_MS = 10_000
/** At the end: whoever stops the daemon waits for no log. */
const CLOSE_MS = 1_500

type Line = Readonly<{ at: number; text: string; bytes: number }>

export type CloudWatchOptions = Readonly<{
  wanted: NonNullable<Config['log']['cloudwatch']>
  /** Told once when lines cannot be delivered, and once when they can again; `lost` lines were dropped meanwhile. */
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
  const { wanted, failed, recovered, flushMs = FLUSH_MS, closeMs = CLOSE_MS } = options
  const target = { logGroupName: wanted.group, logStreamName: wanted.stream ?? hostname().replace(/[:*\s]/g, '-') }
  const waiting: Line[] = []
  let bytes = 0
  let lost = 0
  let failures = 0
  let timer: NodeJS.Timeout | null = null
  let sending: Promise<void> | null = null
  let client: CloudWatchLogsClient | null = null
  let ring: Keyring | null = null
  let closing = false

  function take(text: string): void {
    const size = Buffer.byteLength(text) + EVENT_BYTES
    waiting.push({ at: Date.now(), text, bytes: size })
    bytes += size
    while (bytes > MAX_WAITING_BYTES) {
      const oldest = waiting.shift()
      if (oldest === undefined) break
      bytes -= oldest.bytes
      lost++
    }
    if (!closing) plan(flushMs)
  }

  function plan(ms: number): void {
    if (timer !== null || sending !== null) return
    timer = setTimeout(() => {
      timer = null
      void flush()
    }, ms)
    timer.unref()
  }

  /** One batch at a time; what could not be sent stays at the front. Never rejects. */
  function flush(): Promise<void> {
    sending ??= send().finally(() => {
      sending = null
      if (waiting.length > 0 && !closing)
        plan(failures === 0 ? 0 : Math.min(RETRY_MS * 2 ** Math.min(failures - 1, 10), MAX_RETRY_MS))
    })
    return sending
  }

  async function send(): Promise<void> {
    const batch = takeBatch(waiting)
    if (batch.length === 0) return
    bytes -= batch.reduce((sum, line) => sum + line.bytes, 0)
    try {
      await put(batch)
      if (failures > 0) {
        recovered(lost)
        lost = 0
      }
      failures = 0
    } catch (error) {
      if (isRefusedForGood(error)) lost += batch.length
      else {
        waiting.unshift(...batch)
        bytes += batch.reduce((sum, line) => sum + line.bytes, 0)
      }
      failures++
      if (failures === 1) failed(whyOf(error))
    }
  }

  async function put(batch: readonly Line[]): Promise<void> {
    const { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs')
    client ??= new CloudWatchLogsClient({ ...(await connection()), maxAttempts: 1 })
    // A clock that was set back must not make CloudWatch refuse the batch: it wants them in the order of time.
    const logEvents = batch.map(({ at, text }) => ({ timestamp: at, message: text })).sort((a, b) => a.timestamp - b.timestamp)
    const bounded = () => ({ abortSignal: AbortSignal.timeout(DEADLINE_MS) })
    try {
      await client.send(new PutLogEventsCommand({ ...target, logEvents }), bounded())
    } catch (error) {
      if (nameOf(error) !== 'ResourceNotFoundException') throw error
      // The stream is missing, or the group: that one is not ours to make, for how long it keeps things is its owner's choice.
      await client.send(new CreateLogStreamCommand(target), bounded()).catch((cause: unknown) => {
        if (nameOf(cause) !== 'ResourceAlreadyExistsException') throw cause
      })
      await client.send(new PutLogEventsCommand({ ...target, logEvents }), bounded())
    }
  }

  /** The same credentials as those of a monitor that names none, found in the same way, by the same way out. */
  async function connection() {
    const { keyring } = await import('./aws/credentials.ts')
    const { region, endpoint } = wanted
    const env = options.env ?? process.env
    ring ??= keyring({
      clock: systemClock,
      env,
      ...(options.outlet === undefined ? {} : { outlet: options.outlet }),
    })
    const { get, handler } = ring
    const holder = { credentials: CHAIN, stsRegion: region }
    const credentials = () => get(holder, DEADLINE_MS, new AbortController().signal)
    const place = endpoint === null ? placeOf(env, 'CLOUDWATCH_LOGS', region) : { region, ...NO_OTHER_ENDPOINT, endpoint }
    return { ...place, credentials, ...handler.client }
  }

  return {
    stream: new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        take(String(chunk).replace(/\n$/, ''))
        done()
      },
    }),
    async finish() {
      closing = true
      if (timer !== null) clearTimeout(timer)
      const deadline = performance.now() + closeMs
      const { promise: over, resolve } = Promise.withResolvers<void>()
      const alarm = setTimeout(resolve, closeMs)
      // What is being sent, then the rest; an outage is not waited out.
      await Promise.race([over, sending ?? Promise.resolve()])
      while (waiting.length > 0 && failures === 0 && performance.now() < deadline) await Promise.race([over, flush()])
      clearTimeout(alarm)
      client?.destroy()
      ring?.close()
    },
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

/** Sent again it would be refused again, and everything behind it would wait for ever. */
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

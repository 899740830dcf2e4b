import { setImmediate as nextTurn } from 'node:timers/promises'
import { isSafeUrl } from '../../config/endpoints.ts'
import type { HealthEvent, SourceAnswer } from '../../domain/outage.ts'
import type { Instant, Partition } from '../../domain/probe.ts'
import { MAX_ANSWER_TEXT } from '../../domain/reading.ts'
import { readThrown } from '../../domain/thrown.ts'
import type { HealthSource } from '../../ports/health.ts'
import { type HttpAsk, Outlet } from '../outlet.ts'
import { within } from '../stall.ts'
import { dashboardEvent, MAX_ELEMENTS, mostlyReadable, oneLine } from './health-answer.ts'

/** Largest body that is read, after decompression. The largest known day, 2025-10-20, is far below 1 MB. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024
/** Impacted services of all events of an answer: 142 were one event's on 20 October 2025. */
const MAX_ANSWER_IMPACTS = 20_000
/** The event loop is let go after so long: an answer of this size is read for a second, and others wait for the loop meanwhile. */
const AT_A_STRETCH_MS = 10
const TOO_MANY_REQUESTS = 429
/** Most redirects that are followed, all on the same host. */
const MAX_REDIRECTS = 3

/**
 * Where a partition's public dashboard keeps its JSON; `null` where none is known. AWS documents neither the address nor the
 * format. The address for `aws` is in wide public use; that of `aws-cn` follows the same pattern and is unverified.
 */
export function dashboardUrl(partition: Partition): string | null {
  if (partition === 'aws') return 'https://health.aws.amazon.com/public/currentevents'
  if (partition === 'aws-cn') return 'https://health.amazonaws.cn/public/currentevents'
  return null
}

export type DashboardOptions = Readonly<{
  /** The whole address of the JSON. */
  url: string
  /** Bounds one ask, body included. */
  timeoutMs: number
  ask?: HttpAsk
}>

/** The public AWS Health Dashboard: no credentials, no documented format. Holds what is open and what was closed lately. */
export function dashboard({ url, timeoutMs, ask = new Outlet().ask }: DashboardOptions): HealthSource {
  return {
    async ask(now, _since, signal): Promise<SourceAnswer> {
      try {
        if (!isSafeUrl(url)) throw new Useless('its address is neither https nor on this machine', { isAnswer: false })
        const { host } = new URL(url)
        return await within(timeoutMs, signal, async (bound) => read(await bodyOf(url, bound, ask), now, host, bound))
      } catch (error) {
        return { state: 'unavailable', at: now, why: oneLine(reasonOf(error)), ...heardIn(error) }
      }
    },
  }
}

/** Thrown where an answer is of no use, or could not be asked for; its message is the reason that is shown. */
class Useless extends Error {
  readonly isAnswer: boolean
  readonly isThrottling: boolean
  constructor(message: string, { isAnswer = true, isThrottling = false } = {}) {
    super(message)
    this.isAnswer = isAnswer
    this.isThrottling = isThrottling
  }
}

async function read(body: Uint8Array, now: Instant, host: string, bound: AbortSignal): Promise<SourceAnswer> {
  const text = decode(body).trim()
  if (text === '') throw new Useless('the body of its answer is empty')
  if (text.startsWith('<')) throw new Useless('it answered with a page instead of JSON')
  const list = parse(text)
  if (!Array.isArray(list)) throw new Useless('its answer is not a list')
  if (list.length > MAX_ELEMENTS) throw new Useless(`its answer has ${list.length} elements, more than ${MAX_ELEMENTS}`)
  const events = await eventsIn(list, now, bound)
  const skipped = list.length - events.length
  if (!mostlyReadable(events.length, skipped)) throw new Useless(`${skipped} of its ${list.length} events cannot be read`)
  const detail = `${host}${skipped === 0 ? '' : `, ${skipped} of ${list.length} events could not be read`}`
  return { state: 'answered', at: now, events, skipped, detail }
}

async function eventsIn(list: readonly unknown[], now: Instant, bound: AbortSignal): Promise<readonly HealthEvent[]> {
  const events: HealthEvent[] = []
  let letters = 0
  let impacts = 0
  let since = performance.now()
  for (const element of list) {
    const event = dashboardEvent(element, now)
    if (event !== null) events.push(event)
    letters += event?.text.length ?? 0
    impacts += event?.impacted?.length ?? 0
    if (impacts > MAX_ANSWER_IMPACTS) throw new Useless(`its answer lists more than ${MAX_ANSWER_IMPACTS} impacted services`)
    if (letters > MAX_ANSWER_TEXT) throw new Useless(`its answer holds more than ${MAX_ANSWER_TEXT} characters of text`)
    if (performance.now() - since < AT_A_STRETCH_MS) continue
    await nextTurn()
    bound.throwIfAborted()
    since = performance.now()
  }
  return events
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Useless('its answer is not JSON')
  }
}

/** AWS sends UTF-16, big-endian, with a byte order mark, which `response.json()` and a `TextDecoder('utf-16')` both spoil. */
export function decode(body: Uint8Array): string {
  const [a, b] = body
  if (a === 0xfe && b === 0xff) return new TextDecoder('utf-16be').decode(body)
  if (a === 0xff && b === 0xfe) return new TextDecoder('utf-16le').decode(body)
  // Without a mark: JSON begins with an ASCII character, so that one of the first two bytes is 0 in UTF-16 only.
  if (a === 0 && b !== 0 && b !== undefined) return new TextDecoder('utf-16be').decode(body)
  if (a !== 0 && b === 0) return new TextDecoder('utf-16le').decode(body)
  return new TextDecoder('utf-8').decode(body)
}

async function bodyOf(url: string, signal: AbortSignal, ask: HttpAsk): Promise<Uint8Array> {
  const headers = { accept: 'application/json', 'cache-control': 'no-cache', 'user-agent': 'alibi' }
  let at = new URL(url)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const { status, header, body } = await ask(at, { headers, signal })
    if (status === 200) {
      const coding = header('content-encoding') ?? 'identity'
      if (coding === 'identity') return collect(body)
      body.destroy()
      throw new Useless(`its answer is encoded as ${coding}, which was not asked for`)
    }
    body.destroy()
    if (status < 300 || status >= 400) {
      throw new Useless(`it answered ${status}`, { isThrottling: status === TOO_MANY_REQUESTS })
    }
    const next = URL.parse(header('location') ?? '', at.href)
    if (next === null) throw new Useless(`it answered ${status} without an address`)
    if (next.host !== at.host || next.protocol !== at.protocol) throw new Useless('it redirects to another host')
    at = next
  }
  throw new Useless(`it redirects more than ${MAX_REDIRECTS} times`)
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop by throwing destroys the stream.
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > MAX_BODY_BYTES) throw new Useless(`its answer is longer than ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Somebody answered, only not with what was asked for. */
function heardIn(error: unknown): Readonly<{ heard?: true; throttled?: true }> {
  if (!(error instanceof Useless) || !error.isAnswer) return {}
  return error.isThrottling ? { heard: true, throttled: true } : { heard: true }
}

function reasonOf(error: unknown): string {
  const { code, message } = readThrown(error)
  if (error instanceof Useless || code === '') return message || 'it could not be asked'
  return `${code}: ${message}`
}

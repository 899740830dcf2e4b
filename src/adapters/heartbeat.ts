import { readThrown } from '../domain/thrown.ts'
import type { Heartbeat } from '../ports/heartbeat.ts'
import { type HttpAnswer, type HttpAsk, Outlet, ProxyError } from './outlet.ts'
import { createRedaction } from './redaction.ts'

/** healthchecks.io keeps 100 kB of a body; what is wrong is said in less. */
const MAX_BODY = 4_000
const DEADLINE_MS = 10_000
/** Of the answer, UTF-16 units: as many are looked at, and as many are shown. */
const MAX_ANSWER = 1_000
const MAX_SHOWN = 200

export type HeartbeatOptions = Readonly<{
  /** https, or http on this machine (checked with the configuration). A secret: with it, anybody can report us as healthy. */
  url: string
  /** Values that no body may hold. */
  secrets: readonly string[]
  deadlineMs?: number
  ask?: HttpAsk
}>

/**
 * The protocol of healthchecks.io and its likes (https://healthchecks.io/docs/http_api/): GET the address when everything is ok,
 * POST the reasons to `/fail` beneath it when not. Redirects are not followed: the address would leak to wherever they lead.
 */
export function httpHeartbeat({ url, secrets, deadlineMs = DEADLINE_MS, ask = new Outlet().ask }: HeartbeatOptions): Heartbeat {
  // An answer may repeat the address, or the part of it that says which check.
  const { clean } = createRedaction([...secrets, url, ...new URL(url).pathname.split('/').filter((part) => part !== '')])
  const { well, fail, headers } = addresses(url)
  return {
    async beat(reasons, signal) {
      const isWell = reasons.length === 0
      try {
        const asking: Promise<HttpAnswer> = ask(isWell ? well : fail, {
          method: isWell ? 'GET' : 'POST',
          headers: isWell ? headers : { ...headers, 'content-type': 'text/plain; charset=utf-8' },
          signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
          ...(isWell ? {} : { body: clean(reasons.join('\n')).slice(0, MAX_BODY) }),
        })
        const answer = await asking
        const words = await firstWords(answer)
        return answer.status >= 200 && answer.status < 300 ? refusalIn(words, clean) : `HTTP ${answer.status}`
      } catch (cause) {
        return whyOf(cause)
      }
    },
  }
}

/** The beginning of a body. It does not matter if the rest cannot be read: the status is known already. */
async function firstWords({ body }: HttpAnswer): Promise<string> {
  let words = ''
  try {
    // Leaving the loop destroys the stream.
    for await (const chunk of body.setEncoding('utf8')) {
      words += chunk
      if (words.length >= MAX_ANSWER) break
    }
  } catch {
    return words
  }
  return words.slice(0, MAX_ANSWER)
}

/**
 * What a service says that answers 200 to everybody and takes no beat: healthchecks.io `OK (not found)` for an address that it
 * does not know and `OK (rate limited)`, others `{"ok":false,"msg":…}`. `null` where it took the beat.
 */
function refusalIn(words: string, clean: (text: string) => string): string | null {
  const text = words.trim()
  const isRefused = /^OK\s*\(.+\)$/is.test(text) || /^\{[^{}]*"ok"\s*:\s*false\b/i.test(text)
  return isRefused ? `it answered 200, and did not take it: ${clean(oneLine(text)).slice(0, MAX_SHOWN)}` : null
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
}

/** A user and password in the address go where they belong. */
function addresses(text: string): { well: URL; fail: URL; headers: Record<string, string> } {
  const url = new URL(text)
  const { username, password } = url
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  url.username = ''
  url.password = ''
  url.hash = ''
  const well = new URL(url)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/fail`
  const headers = { 'user-agent': 'alibi', ...(username === '' && password === '' ? {} : { authorization: `Basic ${basic}` }) }
  return { well, fail: url, headers }
}

/** Never the message as it is: it may repeat the address. */
function whyOf(cause: unknown): string {
  const { name, code } = readThrown(cause)
  if (name === 'TimeoutError') return 'no answer in time'
  if (name === 'AbortError') return 'given up'
  // The address of a proxy is no secret, but for its user and password, which are left out of it.
  if (cause instanceof ProxyError) return cause.message
  return `it cannot be reached (${code || name || 'an unknown error'})`
}

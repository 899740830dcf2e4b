import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Understood, understand, type Written, writeAnswer, writeError } from './protocol.ts'

/** What a service of the stand-in answers. An object: a healthy answer with these members. */
export type ApiAnswer =
  | object
  | '500'
  | '500-untyped'
  | '503-html'
  | '503-slow-down'
  | 'throttled'
  | 'not-found'
  | 'denied'
  | 'expired'
  | 'hang'
  | 'reset'
  | '200-empty'
  | '200-html'
  | '200-error'

/** Which requests: of a service as it is signed for, an operation, a region; left out: any. */
export type ApiFilter = Readonly<Partial<Pick<Understood, 'service' | 'operation' | 'region'>>>

const MAX_SCRIPTS = 1_000
const MAX_REQUESTS = 10_000
/** Answered elsewhere in the sandbox, unless a script says otherwise. */
const ELSEWHERE: ReadonlySet<string> = new Set(['', 'account', 'sts', 'health', 'organizations', 'logs'])

type Script = Readonly<{ filter: ApiFilter; answer: ApiAnswer }>

/** A stand-in for any service of AWS: it answers in the protocol in which it is asked, by scripts. */
export class ApiStandIn {
  #scripts: readonly Script[] = []
  readonly #requests: (Understood & Readonly<{ headers: IncomingMessage['headers']; body: string }>)[] = []

  /** From now on, requests that fit are answered so; the last that fits counts. An empty filter forgets all scripts before. */
  answer(filter: ApiFilter, answer: ApiAnswer): void {
    const others = Object.keys(filter).length === 0 ? [] : this.#scripts
    this.#scripts = [...others, { filter, answer }].slice(-MAX_SCRIPTS)
  }

  received(filter: ApiFilter = {}) {
    return this.#requests.filter((request) => fits(filter, request))
  }

  /** A handler for the sandbox. */
  handle(req: IncomingMessage, body: string, res: ServerResponse): boolean {
    const request = understand(req, body)
    const script = this.#scripts.findLast(({ filter }) => fits(filter, request))
    if (ELSEWHERE.has(request.service) && script?.filter.service !== request.service) return false
    this.#requests.push({ ...request, headers: req.headers, body })
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift()
    const answer = script?.answer ?? {}
    if (answer === 'hang') return true
    if (answer === 'reset') {
      req.socket.destroy()
      return true
    }
    const { status, headers, body: written } = writtenFor(answer, request)
    res.writeHead(status, { ...headers, 'content-length': String(written.length), date: new Date().toUTCString() })
    res.end(req.method === 'HEAD' ? undefined : written)
    return true
  }
}

function fits(filter: ApiFilter, request: Understood): boolean {
  return (['service', 'operation', 'region'] as const).every((key) => filter[key] === undefined || filter[key] === request[key])
}

const HTML = { 'content-type': 'text/html' } as const

function writtenFor(answer: Exclude<ApiAnswer, 'hang' | 'reset'>, request: Understood): Written {
  const requestId = randomUUID()
  const error = (status: number, code: string | null, message = 'as the script says') =>
    writeError(request, { status, code, message }, requestId)
  switch (answer) {
    case '500':
      return error(500, 'InternalFailure')
    case '500-untyped':
      return error(500, null)
    case '503-html':
      return { status: 503, headers: HTML, body: Buffer.from('<html><body><h1>503 Service Unavailable</h1></body></html>') }
    case '503-slow-down':
      return error(503, 'SlowDown', 'Please reduce your request rate.')
    case 'throttled':
      return error(400, 'Throttling', 'Rate exceeded')
    case 'not-found':
      return error(request.protocol.startsWith('rest') ? 404 : 400, 'ResourceNotFoundException', 'Requested resource not found')
    case 'denied':
      return error(request.protocol === 'awsJson' ? 400 : 403, 'AccessDeniedException', 'You are not authorized')
    case 'expired':
      return error(403, 'ExpiredToken', 'The security token included in the request is expired')
    case '200-empty':
      return { status: 200, headers: {}, body: Buffer.alloc(0) }
    case '200-html':
      return { status: 200, headers: HTML, body: Buffer.from('<html><body>Welcome to the hotel</body></html>') }
    case '200-error':
      return { ...error(200, 'InternalError'), status: 200 }
    default:
      return writeAnswer(request, answer as object, requestId)
  }
}

import type { Call, Obstacle, Try } from '../domain/probe.ts'
import { serviceCode } from '../domain/service-facts.ts'

/** What the virtual AWS can answer a probe (docs/reference.md, Scenario files). */
export const ANSWERS = [
  'ok',
  'InternalServerException',
  '500',
  '503-html',
  '200-garbage',
  'timeout',
  'reset',
  'refused',
  '429',
  'AccessDeniedException',
  'ValidationException',
  'ResourceNotFoundException',
  'ExpiredTokenException',
  'sts-500',
  'no-such-name',
  'bad-certificate',
  'proxy-407',
] as const
export type Answer = (typeof ANSWERS)[number]

/** An answer takes this long: realistic, and short enough to keep a story readable. */
const ANSWER_MS = 120
const REFUSED_MS = 15
/** How long it takes to find that a name does not resolve because the network is down. */
const NO_NAME_MS = 20

/** Operations for which "there is none" is a healthy answer (docs/rules.md, Failure kinds). */
const MAY_BE_ABSENT: ReadonlySet<string> = new Set([
  'GetAlternateContact',
  'GetContactInformation',
  'GetGovCloudAccountInformation',
  'GetPrimaryEmailUpdateStatus',
])

/** A try without what depends on the moment. `ms` is how long it takes. */
export type Reply = Pick<Try, 'kind' | 'error' | 'message' | 'status' | 'service' | 'ms' | 'obstacle'>

/** The try that the real prober would make of this answer, in the terms of adapters/aws/failure.ts. */
export function replyOf(answer: Answer, { operation }: Call, timeoutMs: number): Reply {
  const service = serviceCode(operation)
  const said = (status: number, kind: Try['kind'], error: string, message: string): Reply => {
    return { kind, error, message, status, service, ms: ANSWER_MS }
  }
  const unheard = (ms: number, error: string, message: string): Reply => {
    return { kind: 'unreachable', error, message, status: null, service, ms }
  }
  const barred = (obstacle: Obstacle, error: string, message: string): Reply => {
    return { ...unheard(REFUSED_MS, error, message), obstacle }
  }
  const ok: Reply = { kind: null, error: null, message: null, status: 200, service, ms: ANSWER_MS }
  switch (answer) {
    case 'ok':
      return ok
    case 'InternalServerException':
      return said(500, 'internal', answer, 'An internal error occurred. Try again later.')
    case '500':
      return said(500, 'internal', 'HTTP 500', 'HTTP 500 without a message')
    case '503-html':
      return said(503, 'internal', 'HTTP 503', 'HTTP 503 with a body that is not JSON')
    case '200-garbage':
      return said(200, 'internal', 'HTTP 200', 'HTTP 200 with a body that cannot be read')
    case 'timeout':
      return unheard(timeoutMs, 'Timeout', `no whole answer within ${timeoutMs} ms`)
    case 'reset':
      return unheard(ANSWER_MS, 'ECONNRESET', 'read ECONNRESET')
    case 'refused':
      return unheard(REFUSED_MS, 'ECONNREFUSED', 'connect ECONNREFUSED')
    case '429':
      return said(429, 'throttled', 'TooManyRequestsException', 'Rate exceeded')
    case 'AccessDeniedException':
      return said(403, 'denied', answer, `You are not authorized to perform account:${operation}`)
    case 'ValidationException':
      return said(400, 'invalid', answer, 'The request is not valid')
    case 'ResourceNotFoundException':
      if (MAY_BE_ABSENT.has(operation)) return { ...ok, status: 404 }
      return said(404, 'invalid', answer, 'No such resource')
    case 'ExpiredTokenException':
      return said(400, 'credentials', answer, 'The security token included in the request is expired')
    case 'sts-500':
      return { ...said(500, 'internal', 'HTTP 500', 'HTTP 500 without a message'), service: 'STS' }
    case 'no-such-name':
      return barred('name', 'ENOTFOUND', 'getaddrinfo ENOTFOUND account.us-east-1.amazonaws.com')
    case 'bad-certificate':
      return barred('certificate', 'SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain')
    case 'proxy-407':
      return barred('proxy', 'ProxyError', 'the proxy HTTPS_PROXY=http://proxy:3128 answered 407 Proxy Authentication Required')
  }
}

/** The result of any call while the network is down. */
export const NO_NETWORK: Reply = {
  kind: 'unreachable',
  error: 'EAI_AGAIN',
  message: 'getaddrinfo EAI_AGAIN',
  status: null,
  service: 'ACCOUNT',
  ms: NO_NAME_MS,
}

import type { BodySeen } from './body.ts'

/** What is kept of an HTTP answer: everything but its body. */
export type Answer = Readonly<{
  status: number
  requestId: string | null
  apigwId: string | null
  traceId: string | null
  /** The Date header in epoch milliseconds, to the second; `null` without one. */
  date: number | null
  /** Grows while the body is being read. */
  body: BodySeen | null
}>

export type Headers = Readonly<Record<string, string>>

export function answerOf(status: number, headers: Headers, body: BodySeen): Answer {
  const date = Date.parse(headers['date'] ?? '')
  return {
    status,
    requestId: idOf(headers['x-amzn-requestid'] ?? headers['x-amz-request-id']),
    apigwId: idOf(headers['x-amz-apigw-id']),
    traceId: idOf(headers['x-amzn-trace-id']),
    date: Number.isNaN(date) ? null : date,
    body,
  }
}

/** A request id as AWS makes them; anything else in its place is not shown. */
function idOf(value: string | undefined): string | null {
  return value !== undefined && /^[\w.:;=+/-]{1,200}$/.test(value) ? value : null
}

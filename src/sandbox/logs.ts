import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a test wants of CloudWatch Logs: take everything, refuse everything, fail, or say nothing. */
export type LogsMode = 'up' | 'denied' | 'failing' | 'hanging'

const MAX_MESSAGES = 50_000

/** A stand-in for CloudWatch Logs: PutLogEvents and CreateLogStream, as far as a log needs them. */
export class LogsStandIn {
  mode: LogsMode = 'up'
  /** `group` or `group/stream`, as far as they are there. */
  readonly there: Set<string>
  /** Lines by stream, as they came in. */
  readonly messages: { stream: string; timestamp: number; message: string }[] = []
  /** Operations that were asked for, in order. */
  readonly calls: string[] = []

  constructor(groups: readonly string[]) {
    this.there = new Set(groups)
  }

  handle(req: IncomingMessage, body: string, res: ServerResponse): boolean {
    const [service, operation = ''] = String(req.headers['x-amz-target'] ?? '').split('.')
    if (service !== 'Logs_20140328') return false
    this.calls.push(operation)
    if (this.mode === 'hanging') return true
    if (this.mode === 'failing') return answer(res, 503, { __type: 'ServiceUnavailableException', message: 'not now' })
    if (this.mode === 'denied') return answer(res, 400, { __type: 'AccessDeniedException', message: 'not you' })
    const asked = JSON.parse(body) as {
      logGroupName: string
      logStreamName: string
      logEvents?: { timestamp: number; message: string }[]
    }
    const stream = `${asked.logGroupName}/${asked.logStreamName}`
    const isThere = this.there.has(operation === 'CreateLogStream' ? asked.logGroupName : stream)
    if (!isThere) return answer(res, 400, { __type: 'ResourceNotFoundException', message: 'it does not exist' })
    if (operation === 'CreateLogStream') {
      this.there.add(stream)
      return answer(res, 200, {})
    }
    const events = asked.logEvents ?? []
    if (events.some(({ timestamp }, at) => timestamp < (events[at - 1]?.timestamp ?? 0)))
      return answer(res, 400, { __type: 'InvalidParameterException', message: 'Log events in a single request must be in order' })
    this.messages.push(...events.map((event) => ({ stream, ...event })))
    this.messages.splice(0, this.messages.length - MAX_MESSAGES)
    return answer(res, 200, {})
  }
}

function answer(res: ServerResponse, status: number, body: object): true {
  res
    .writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'req-logs' })
    .end(JSON.stringify(body))
  return true
}

import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OPERATIONS, WRITING_OPERATIONS } from '../domain/probe.ts'

const MAX_REQUEST_BYTES = 64 * 1024
const MAX_RECEIVED = 10_000
const MAX_SCRIPTED = 1_000
/** Between two drops of a body that never ends. */
const DRIP_MS = 50

/** Who calls, in the stand-in's world: a management account with member accounts. */
export const CALLER = { account: '123456789012', arn: 'arn:aws:sts::123456789012:assumed-role/alibi-prober/alibi' } as const

/** Personal data that is planted into ok answers and some errors: whatever shows it has a leak. */
export const PERSONAL = {
  name: 'Planted Personsdotter',
  email: 'planted.personsdotter@private.example',
  phone: '+1 555 010 0199',
  street: '99 Planted Street',
} as const

/** Account ids that AWS might name in an error and that are nobody's business. */
export const OTHER_ACCOUNT = '999988887777'

const ANSWERS = [
  'ok',
  'InternalServerException',
  '500',
  '500-empty',
  'apigw-500',
  'apigw-504',
  '503-html',
  '200-garbage',
  '200-truncated',
  '200-empty',
  '200-array',
  '200-misfit',
  '200-huge',
  'timeout',
  'stall-headers',
  'never-ends',
  'cut',
  'reset',
  '302',
  '429',
  'AccessDeniedException',
  '403-html',
  'ValidationException',
  'ResourceNotFoundException',
  'ExpiredTokenException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'sts-500',
  'sts-503-html',
  'sts-denied',
  'sts-429',
  'sts-timeout',
  'sts-stall-headers',
  'sts-reset',
  'sts-garbage',
] as const
export type Answer = (typeof ANSWERS)[number]

/** An answer, at once or after a while; or a row of answers of which each is given once and the last one from then on. */
export type Script = Answer | Readonly<{ answer: Answer; afterMs: number }> | readonly Answer[]

/** Which requests: those of an operation (of Account, of STS, or `Control`), of an account (`self`: no id sent), or all of Account. */
type Filter = Readonly<{ operation?: string; account?: string }>

/** A request as it came in. */
type Received = Readonly<{
  at: number
  /** `account`, `sts`, `control`, or `unknown`. */
  service: string
  operation: string
  /** As it was on the wire; `null` when no id was sent. */
  account: string | null
  /** From the credential scope of the signature; `null` when unsigned. */
  scope: Readonly<{ region: string; service: string }> | null
  /** The parsed body: what else was sent. */
  input: Readonly<Record<string, unknown>>
  headers: IncomingMessage['headers']
  /** Its signature was dated by a clock that is too far from the stand-in's. */
  refused: boolean
}>

/** Takes a request if it is its own, and says so. */
export type Handler = (req: IncomingMessage, body: string, res: ServerResponse) => boolean

export type Sandbox = {
  readonly port: number
  readonly url: string
  /** From now on, requests that fit `filter` are answered so; the last that fits counts. `answer({}, 'ok')` forgets all scripts. */
  answer(filter: Filter, script: Script): void
  /** From now on its clock is so far ahead of this host's, and it refuses signatures as AWS does: dated five minutes off. */
  skew(aheadMs: number): void
  /** The last requests, oldest first; bounded. */
  received(filter?: Filter): readonly Received[]
  /** How many requests of an operation came, ever. */
  count(operation: string): number
  /** Environment variables with which the real daemon runs against this stand-in. */
  endpoints(): Record<string, string>
  /** Ends all connections and the server. */
  close(): Promise<void>
}

type Scripted = { filter: Filter; script: Script; given: number }
type Request = Omit<Received, 'at' | 'refused'>

/**
 * A stand-in for AWS on a loopback port: Account (REST-JSON), STS (query protocol), a control host (any other GET), and
 * whatever else is mounted, such as the stand-in for AWS Health. It can fail in every way that the real one was seen to.
 */
export async function startSandbox(options: Readonly<{ port?: number; handlers?: readonly Handler[] }> = {}): Promise<Sandbox> {
  const received: Received[] = []
  const counts = new Map<string, number>()
  let scripts: Scripted[] = []
  let aheadMs = 0
  const timers = new Set<NodeJS.Timeout>()

  const scriptFor = (request: Request): { answer: Answer; afterMs: number } => {
    const scripted = scripts.findLast(({ filter, script }) => fits(filter, script, request))
    if (scripted === undefined) return { answer: 'ok', afterMs: 0 }
    const { script } = scripted
    if (typeof script === 'string') return { answer: script, afterMs: 0 }
    if (!isRow(script)) return script
    const answer = script[Math.min(scripted.given++, script.length - 1)] ?? 'ok'
    return { answer, afterMs: 0 }
  }

  const take = (req: IncomingMessage, body: string, res: ServerResponse) => {
    const request = read(req, body)
    counts.set(request.operation, (counts.get(request.operation) ?? 0) + 1)
    const refused = isMisdated(request, Date.now() + aheadMs)
    received.push({ at: Date.now(), ...request, refused })
    if (received.length > MAX_RECEIVED) received.shift()
    if (aheadMs !== 0) res.setHeader('date', new Date(Date.now() + aheadMs).toUTCString())
    if (refused) return refuse(res, request)
    const { answer, afterMs } = scriptFor(request)
    const give = () => {
      if (request.service === 'account') answerAccount(res, request, answer, timers)
      else if (request.service === 'sts') answerSts(res, request, answer, { timers, now: Date.now() + aheadMs })
      else if (request.service === 'control') answerControl(res, answer, timers)
      else send(res, 404, 'application/json', '{"message":"not of this stand-in"}')
    }
    if (afterMs > 0) later(timers, afterMs, give)
    else give()
  }

  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_REQUEST_BYTES) req.destroy()
      else chunks.push(chunk)
    })
    req.on('error', () => undefined)
    res.on('error', () => undefined)
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const isMounted = (options.handlers ?? []).some((handler) => handler(req, body, res))
      if (!isMounted) take(req, body, res)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`

  return {
    port,
    url,
    answer(filter, script) {
      const same = (other: Filter) => other.operation === filter.operation && other.account === filter.account
      const isReset = script === 'ok' && filter.operation === undefined && filter.account === undefined
      const speaksOfSts = ofSts(script)
      scripts = isReset ? [] : scripts.filter((each) => !same(each.filter) || ofSts(each.script) !== speaksOfSts)
      if (!isReset) scripts.push({ filter, script, given: 0 })
      if (scripts.length > MAX_SCRIPTED) scripts.shift()
    },
    skew(ms) {
      aheadMs = ms
    },
    received: (filter = {}) =>
      received.filter(
        ({ operation, account }) =>
          (filter.operation === undefined || filter.operation === operation) &&
          (filter.account === undefined || filter.account === (account ?? 'self')),
      ),
    count: (operation) => counts.get(operation) ?? 0,
    endpoints: () => ({
      AWS_ENDPOINT_URL_ACCOUNT: url,
      AWS_ENDPOINT_URL_STS: url,
      AWS_ENDPOINT_URL_HEALTH: url,
      AWS_ENDPOINT_URL_ORGANIZATIONS: url,
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    }),
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer)
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function isRow(script: Script): script is readonly Answer[] {
  return Array.isArray(script)
}

function ofSts(script: Script): boolean {
  const first = typeof script === 'string' ? script : isRow(script) ? (script[0] ?? 'ok') : script.answer
  return first.startsWith('sts-')
}

/** `sts-…` answers are for STS; the others, where no operation is named, for Account. */
function fits(filter: Filter, script: Script, request: Request): boolean {
  if (filter.operation !== undefined && filter.operation !== request.operation) return false
  if (filter.account !== undefined && filter.account !== (request.account ?? 'self')) return false
  if (filter.operation !== undefined) return true
  return request.service === (ofSts(script) ? 'sts' : 'account')
}

const BY_PATH = new Map(
  [...OPERATIONS, ...WRITING_OPERATIONS].map((name) => [`/${name[0]?.toLowerCase()}${name.slice(1)}`, name]),
)

function read(req: IncomingMessage, body: string): Request {
  const scoped = /Credential=[^/,]+\/\d+\/([^/]+)\/([^/]+)\/aws4_request/.exec(req.headers.authorization ?? '')
  const scope = scoped?.[1] && scoped[2] ? { region: scoped[1], service: scoped[2] } : null
  const path = (req.url ?? '').split('?')[0] ?? ''
  const common = { scope, headers: req.headers }
  const operation = req.method === 'POST' ? BY_PATH.get(path) : undefined
  if (operation !== undefined) {
    const input = parsed(body)
    const id = input['AccountId'] ?? input['StandardAccountId']
    return { service: 'account', operation, account: typeof id === 'string' ? id : null, input, ...common }
  }
  if (req.method === 'POST' && /urlencoded/.test(req.headers['content-type'] ?? '')) {
    const input = Object.fromEntries(new URLSearchParams(body))
    return { service: 'sts', operation: input['Action'] ?? 'unknown', account: null, input, ...common }
  }
  if (req.method === 'GET') return { service: 'control', operation: 'Control', account: null, input: {}, ...common }
  return { service: 'unknown', operation: `${req.method} ${path}`, account: null, input: {}, ...common }
}

const MAX_SKEW_MS = 5 * 60_000

function isMisdated({ headers }: Request, now: number): boolean {
  const at = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'] ?? ''))
  if (at === null || headers.authorization === undefined) return false
  const [year = 0, month = 0, ...rest] = at.slice(1).map(Number)
  return Math.abs(Date.UTC(year, month - 1, ...rest) - now) > MAX_SKEW_MS
}

function refuse(res: ServerResponse, { service, headers }: Request): void {
  const message = `Signature expired: ${String(headers['x-amz-date'])} is now earlier or later than the time of the service`
  const error = `<Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>${message}</Message></Error>`
  if (service === 'sts') send(res, 403, 'text/xml', `<ErrorResponse xmlns="${STS_XMLNS}">${error}</ErrorResponse>`)
  else
    send(res, 403, 'application/json', JSON.stringify({ message }), {
      'x-amzn-requestid': randomUUID(),
      'x-amzn-errortype': 'InvalidSignatureException',
    })
}

function parsed(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function later(timers: Set<NodeJS.Timeout>, ms: number, act: () => void) {
  const timer = setTimeout(() => {
    timers.delete(timer)
    act()
  }, ms)
  timers.add(timer)
}

function send(res: ServerResponse, status: number, type: string, body: string, headers: Record<string, string> = {}) {
  if (res.destroyed) return
  res.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers })
  res.end(body)
}

/** The ways to fail that lie beneath any protocol. Says whether `answer` was one of them. */
function failLine(
  res: ServerResponse,
  answer: string,
  type: string,
  headers: Record<string, string>,
  timers: Set<NodeJS.Timeout>,
): boolean {
  switch (answer) {
    case 'timeout':
      return true
    case 'reset':
      if (res.socket && 'resetAndDestroy' in res.socket) res.socket.resetAndDestroy()
      return true
    case 'stall-headers':
      res.writeHead(200, { 'content-type': type, 'content-length': 500, ...headers })
      res.write('{"AccountId":')
      return true
    case 'cut':
      res.writeHead(200, { 'content-type': type, 'content-length': 500, ...headers })
      res.write('{"AccountId":', () => res.socket?.destroy())
      return true
    case 'never-ends': {
      res.writeHead(200, { 'content-type': type, ...headers })
      const drip = () => {
        if (res.destroyed) return
        res.write(' ')
        later(timers, DRIP_MS, drip)
      }
      drip()
      return true
    }
    case '200-huge':
      res.writeHead(200, { 'content-type': type, ...headers })
      res.end(`{"AccountName":"${'x'.repeat(8 * 1024 * 1024)}"}`)
      return true
    case '503-html':
      send(res, 503, 'text/html', '<html><body><h1>503 Service Unavailable</h1></body></html>', headers)
      return true
    case '403-html':
      send(res, 403, 'text/html', '<html><body><h1>403 Forbidden</h1></body></html>', headers)
      return true
    case '302':
      send(res, 302, 'text/html', '', { ...headers, location: 'http://127.0.0.1:9/elsewhere' })
      return true
    default:
      return false
  }
}

/** Status and message of the errors that Account names, as the real one words them. */
const ACCOUNT_ERRORS: Readonly<Record<string, readonly [status: number, type: string, message: string]>> = {
  InternalServerException: [500, 'InternalServerException', 'Internal server error'],
  'apigw-500': [500, 'InternalServerErrorException', 'Internal server error'],
  'apigw-504': [504, 'IntegrationTimeoutException', 'Endpoint request timed out'],
  '429': [429, 'TooManyRequestsException', 'Rate exceeded'],
  AccessDeniedException: [
    403,
    'AccessDeniedException',
    `User: arn:aws:sts::${OTHER_ACCOUNT}:assumed-role/Admin/${PERSONAL.email} is not authorized to perform: account:GetContactInformation`,
  ],
  ValidationException: [
    400,
    'ValidationException',
    `Contact ${PERSONAL.email}, ${PERSONAL.phone} of ${OTHER_ACCOUNT} is not valid`,
  ],
  ResourceNotFoundException: [404, 'ResourceNotFoundException', 'No contact of the inputted alternate contact type found.'],
  ExpiredTokenException: [403, 'ExpiredTokenException', 'The security token included in the request is expired'],
  UnrecognizedClientException: [403, 'UnrecognizedClientException', 'The security token included in the request is invalid.'],
  InvalidSignatureException: [
    403,
    'InvalidSignatureException',
    `The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:${'IQoJb3JpZ2luX2VjEPLANTEDTOKEN'.repeat(9)}\n'`,
  ],
}

function answerAccount(res: ServerResponse, request: Request, answer: Answer, timers: Set<NodeJS.Timeout>) {
  const headers = {
    'x-amzn-requestid': randomUUID(),
    'x-amz-apigw-id': `A${randomUUID().slice(0, 12)}=`,
    'x-amzn-trace-id': `Root=1-${randomUUID()}`,
  }
  const json = 'application/json'
  if ((WRITING_OPERATIONS as readonly string[]).includes(request.operation))
    return send(res, 403, json, '{"message":"this stand-in is read-only"}', {
      ...headers,
      'x-amzn-errortype': 'AccessDeniedException',
    })
  const error = ACCOUNT_ERRORS[answer]
  if (error !== undefined) {
    const [status, type, message] = error
    // API Gateway adds a URI and the model's errors may carry a namespace: the SDK takes both off.
    return send(res, status, json, JSON.stringify({ message }), {
      ...headers,
      'x-amzn-errortype': `${type}:http://internal.amazon.com/`,
    })
  }
  if (failLine(res, answer, json, headers, timers)) return
  const body = JSON.stringify(okBody(request))
  const bodies: Partial<Record<Answer, string>> = {
    '500': '{"detail":"no type"}',
    '500-empty': '',
    '200-garbage': `<html>${PERSONAL.name}</html>`,
    '200-truncated': body.slice(0, -1),
    '200-empty': '',
    '200-misfit': JSON.stringify({ AccountName: PERSONAL.name, AccountCreatedDate: 'yesterday' }),
    '200-array': `["${PERSONAL.name}"]`,
  }
  // An untyped 500 does not even bear a request id.
  if (answer === '500' || answer === '500-empty') return send(res, 500, json, bodies[answer] ?? '')
  send(res, 200, json, bodies[answer] ?? body, headers)
}

function okBody({ operation, account, input }: Request): unknown {
  const id = account ?? CALLER.account
  switch (operation) {
    case 'GetAccountInformation':
      return { AccountId: id, AccountName: PERSONAL.name, AccountCreatedDate: '2020-01-01T00:00:00Z', AccountState: 'ACTIVE' }
    case 'GetAlternateContact':
      return {
        AlternateContact: {
          AlternateContactType: input['AlternateContactType'],
          EmailAddress: PERSONAL.email,
          Name: PERSONAL.name,
          PhoneNumber: PERSONAL.phone,
          Title: 'CISO',
        },
      }
    case 'GetContactInformation':
      return {
        ContactInformation: {
          AddressLine1: PERSONAL.street,
          City: 'Springfield',
          CountryCode: 'US',
          FullName: PERSONAL.name,
          PhoneNumber: PERSONAL.phone,
          PostalCode: '12345',
        },
      }
    case 'GetGovCloudAccountInformation':
      return { GovCloudAccountId: OTHER_ACCOUNT, AccountState: 'ACTIVE' }
    case 'GetPrimaryEmail':
      return { PrimaryEmail: PERSONAL.email }
    case 'GetPrimaryEmailUpdateStatus':
      return { Status: 'ACCEPTED', UpdatedAt: 1_767_225_600 }
    case 'GetRegionOptStatus':
      return { RegionName: input['RegionName'], RegionOptStatus: 'ENABLED_BY_DEFAULT' }
    default:
      return { Regions: [{ RegionName: 'us-east-1', RegionOptStatus: 'ENABLED_BY_DEFAULT' }] }
  }
}

const STS_XMLNS = 'https://sts.amazonaws.com/doc/2011-06-15/'

type Around = Readonly<{ timers: Set<NodeJS.Timeout>; now: number }>

function answerSts(res: ServerResponse, { operation }: Request, answer: Answer, { timers, now }: Around) {
  const id = randomUUID()
  const headers = { 'x-amzn-requestid': id }
  const xml = 'text/xml'
  const fail = (status: number, type: string, code: string, message: string) =>
    send(
      res,
      status,
      xml,
      `<ErrorResponse xmlns="${STS_XMLNS}"><Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${id}</RequestId></ErrorResponse>`,
      headers,
    )
  const line = answer.replace(/^sts-/, '')
  if (line === '500' || answer === 'InternalServerException')
    return fail(500, 'Receiver', 'InternalFailure', 'We encountered an internal error.')
  if (line === '429') return fail(429, 'Sender', 'Throttling', 'Rate exceeded')
  if (line === 'denied' || answer === 'AccessDeniedException')
    return fail(
      403,
      'Sender',
      'AccessDenied',
      `User: arn:aws:iam::${OTHER_ACCOUNT}:user/x is not authorized to perform: sts:AssumeRole`,
    )
  if (answer === 'ExpiredTokenException')
    return fail(403, 'Sender', 'ExpiredToken', 'The security token included in the request is expired')
  if (line === 'garbage') return send(res, 200, xml, '<html>sorry', headers)
  if (failLine(res, line, xml, headers, timers)) return
  const wrap = (result: string) =>
    `<${operation}Response xmlns="${STS_XMLNS}"><${operation}Result>${result}</${operation}Result><ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata></${operation}Response>`
  if (operation === 'GetCallerIdentity')
    return send(
      res,
      200,
      xml,
      wrap(`<Arn>${CALLER.arn}</Arn><UserId>AROAEXAMPLE:alibi</UserId><Account>${CALLER.account}</Account>`),
      headers,
    )
  if (operation === 'AssumeRole' || operation === 'AssumeRoleWithWebIdentity') {
    const expires = new Date(now + 3_600_000).toISOString()
    const credentials = `<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>planted-secret</SecretAccessKey><SessionToken>planted-token</SessionToken><Expiration>${expires}</Expiration>`
    const user = `<AssumedRoleId>AROAEXAMPLE:alibi</AssumedRoleId><Arn>${CALLER.arn}</Arn>`
    return send(
      res,
      200,
      xml,
      wrap(`<Credentials>${credentials}</Credentials><AssumedRoleUser>${user}</AssumedRoleUser>`),
      headers,
    )
  }
  fail(400, 'Sender', 'InvalidAction', 'Could not find operation')
}

function answerControl(res: ServerResponse, answer: Answer, timers: Set<NodeJS.Timeout>) {
  if (failLine(res, answer, 'text/plain', {}, timers)) return
  // What STS itself says to an unsigned GET.
  send(res, 302, 'text/plain', '', { location: 'https://aws.amazon.com/iam' })
}

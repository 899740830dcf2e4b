import { InternalServerException } from '@aws-sdk/client-account'
import type { Obstacle, Try } from '../../domain/probe.ts'
import { fieldOf, readThrown, type Thrown } from '../../domain/thrown.ts'
import { ProxyError } from '../outlet.ts'
import { DeadlineError } from '../stall.ts'
import type { Answer } from './answer.ts'
import { AnswerTooLargeError, MAX_ANSWER_BYTES, MAX_SERVICE_ANSWER_BYTES } from './body.ts'
import { MissingClientError, UnexpectedAnswerError, WrongCallError } from './service-client.ts'

export const MAX_MESSAGE_CHARS = 300
const MAX_NAME_CHARS = 80
/** Errors within errors: Node wraps once. */
const MAX_WRAPPED = 3

/** What was being done when a try failed. */
export type Context = Readonly<{
  operation: string
  /** As configured: the one account id that may be named in a message. */
  account: string
  /** Region of the endpoint that is asked. */
  region: string
  /**
   * Who was being asked: `ACCOUNT` for the operation itself, `SERVICE` for one of another service, `STS` while a role was assumed, `provider` while credentials
   * were looked for anywhere else (files, a process, the instance, SSO).
   */
  asked: 'ACCOUNT' | 'SERVICE' | 'STS' | 'provider'
  /** The code of the other service. */
  service?: string
  /** Region in which STS was asked. */
  stsRegion: string
  /** The head of the answer, if there was one from the host that was asked. */
  answer: Answer | null
  /** Our wall clock when the head of the answer came. */
  heardAt: number | null
  /** Where the credentials come from that were being looked for; left out: not known. */
  origin?: string | null
}>

/** Everything of a `Try` but its times. `kind` is `null` if the error is an answer of a healthy service. */
export type Classified = Omit<Try, 'at' | 'ms'>

/** The operations for which "there is none" is a healthy answer (docs/rules.md, Failure kinds). */
const MAY_BE_ABSENT: ReadonlySet<string> = new Set([
  'GetAlternateContact',
  'GetContactInformation',
  'GetGovCloudAccountInformation',
  'GetPrimaryEmailUpdateStatus',
])

/** Error names by which AWS refuses who asks. */
const CREDENTIALS = new Set([
  'AuthFailure',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'InvalidToken',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'NotAuthorized',
  'ProviderError',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenProviderError',
  'TokenRefreshRequired',
  'UnrecognizedClientException',
])

/** Error names by which AWS says that it is asked too often. */
const THROTTLED =
  /^(TooManyRequests|Throttl|RequestThrottled|RequestLimitExceeded|SlowDown|BandwidthLimitExceeded|EC2Throttled|ProvisionedThroughputExceeded|PriorRequestNotComplete)/
const DENIED = /^(AccessDenied|Forbidden|UnauthorizedOperation)/

/** Codes of Node's network, of its HTTP parser, of its streams and of OpenSSL: the line broke before a whole answer came. */
const BROKEN_LINE =
  /^(ECONN(RESET|REFUSED|ABORTED)|ENOTFOUND|EAI_|E(HOST|NET)(UNREACH|DOWN)|ENETRESET|EADDRNOTAVAIL|EPIPE|ETIMEDOUT|EPROTO$|ENODATA|ESERVFAIL|EREFUSED|ETIMEOUT|HPE_|ERR_STREAM_PREMATURE_CLOSE|ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|UNSUPPORTED_CERTIFICATE_PURPOSE)/

/**
 * Says what an error of a try is. The first row that fits counts:
 *
 * | asked | what came | kind |
 * | --- | --- | --- |
 * | another service | a throttling error by name in a 503 (S3, EC2) or in a 200 (S3) | `throttled` |
 * | anybody | `InternalServerException` of client-account, any 5xx | `internal` |
 * | Account, another service | a 2xx whose JSON the SDK could read, but for the format of a field | ok |
 * | anybody | any other 2xx that could not be read, or lacks what is always there | `internal` |
 * | Account | ResourceUnavailableException, 424: what AWS needs for the answer is not available to it | `internal` |
 * | anybody | 429, or a throttling error by name | `throttled` |
 * | provider | anything else | `credentials` |
 * | anybody | our deadline, a broken line, a TLS error, 408: no whole answer | `unreachable` |
 * | STS | any other answer: a refusal | `credentials` |
 * | Account, another service | credentials refused by name, 401 | `credentials` |
 * | Account, another service | AccessDenied by name, 403 | `denied` |
 * | Account | ResourceNotFoundException where there may be none | ok |
 * | Account, another service | any other 4xx | `invalid` |
 * | anybody | anything else: a fault of ours, a redirect | `invalid` |
 *
 * The last row is why a bug of ours or a broken configuration is never called an outage of AWS: it is reported as
 * `misconfigured`, with its message. Never throws: the SDK puts fields of the answer onto its errors, of whatever type they are.
 */
export function classify(error: unknown, context: Context): Classified {
  const { answer, asked } = context
  const kind = kindOf(error, context)
  const isSts = asked === 'STS'
  const obstacle = kind === 'unreachable' ? obstacleIn(error) : null
  return {
    kind,
    ...(obstacle === null ? {} : { obstacle }),
    error: kind === null ? null : nameOf(error, answer),
    message: kind === null ? null : messageOf(error, context),
    ...headOf(context),
    service: isSts ? 'STS' : (context.service ?? 'ACCOUNT'),
    region: isSts ? context.stsRegion : context.region,
  }
}

/** The fields of a try that come from the answer's head. */
export function headOf({ answer, heardAt }: Pick<Context, 'answer' | 'heardAt'>) {
  return {
    status: answer?.status ?? null,
    requestId: answer?.requestId ?? null,
    apigwId: answer?.apigwId ?? null,
    traceId: answer?.traceId ?? null,
    skewMs: answer?.date == null || heardAt === null ? null : answer.date - heardAt,
  }
}

function kindOf(error: unknown, { asked, answer, operation }: Context): Try['kind'] {
  const { name } = readThrown(error)
  const status = answer?.status ?? null
  if (asked === 'SERVICE' && (status === 503 || status === 200) && isService(error, name) && THROTTLED.test(name))
    return 'throttled'
  const whole = !(error instanceof DeadlineError) && !isBrokenLine(error)
  if (error instanceof InternalServerException || (status !== null && status >= 500)) return 'internal'
  if (whole && status !== null && status >= 200 && status < 300) {
    // The SDK has read the JSON and stumbled over a field: a date in another format is no outage.
    const isMisfit = asked !== 'STS' && answer?.body?.isObject === true && /^(TypeError|RangeError)$/.test(name)
    return isMisfit ? null : 'internal'
  }
  if (asked === 'ACCOUNT' && (status === 424 || name === 'ResourceUnavailableException')) return 'internal'
  if (isThrottled(name, status)) return 'throttled'
  if (asked === 'provider') return 'credentials'
  if (status === 408 || !whole) return 'unreachable'
  if (status === null) return CREDENTIALS.has(name) ? 'credentials' : 'invalid'
  if (status < 400) return 'invalid'
  if (asked === 'STS' || CREDENTIALS.has(name) || status === 401) return 'credentials'
  if (DENIED.test(name) || status === 403) return 'denied'
  if (name === 'ResourceNotFoundException' && MAY_BE_ABSENT.has(operation)) return null
  return 'invalid'
}

export function isThrottled(name: string, status: number | null): boolean {
  return status === 429 || THROTTLED.test(name)
}

/** Of OpenSSL's verification, and Node's own look at the names in a certificate. */
const CERTIFICATE =
  /^(CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|UNSUPPORTED_CERTIFICATE_PURPOSE|ERR_TLS_CERT_)/

/** By what nobody was reached, where it is a matter of set-up unless it has worked before. EAI_AGAIN is none: no name server answers. */
export function obstacleIn(error: unknown): Obstacle | null {
  const thrown = readThrown(error)
  // A proxy that cannot be reached may be so for want of a network, as anybody else, unless its host refuses the connection.
  if (error instanceof ProxyError && /^(ERR_PROXY_|ECONNREFUSED)/.test(error.reason)) return 'proxy'
  const code = error instanceof ProxyError ? error.reason : nodeCode(error, thrown)
  if (code === 'ENOTFOUND') return 'name'
  return CERTIFICATE.test(code) ? 'certificate' : null
}

/** Node wraps the failures of several addresses of one host into one error: any of them will do. */
export function isBrokenLine(error: unknown, wrapped = 0): boolean {
  const thrown = readThrown(error)
  if (BROKEN_LINE.test(nodeCode(error, thrown))) return true
  if (thrown.errors.length > 0) return wrapped < MAX_WRAPPED && thrown.errors.every((one) => isBrokenLine(one, wrapped + 1))
  return error instanceof ProxyError || thrown.name === 'TimeoutError' || thrown.name === 'AbortError'
}

/** The code of an error of Node's own; `''` where a service named the error: a `code` is then a field of its answer. */
function nodeCode(error: unknown, { code, name }: Thrown): string {
  return !isService(error, name) && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : ''
}

function nameOf(error: unknown, answer: Answer | null): string {
  if (error instanceof DeadlineError) return 'Timeout'
  const thrown = readThrown(error)
  if (!thrown.isError) return 'Error'
  const name = nodeCode(error, thrown) || thrown.name
  if (answer !== null && (name === 'Unknown' || name === 'SyntaxError' || name === 'Error')) return `HTTP ${answer.status}`
  return /^[\w.:#-]+$/.test(name) ? name.slice(0, MAX_NAME_CHARS) : 'Error'
}

function messageOf(error: unknown, context: Context): string {
  const { answer, asked } = context
  const thrown = readThrown(error)
  if (!thrown.isError) return 'an error without a message'
  const { name, errors } = thrown
  // From here on in this order: what may quote a body or a command is replaced by a sentence of ours.
  if (error instanceof DeadlineError) {
    if (asked === 'provider') return notYet(error, context.origin ?? null)
    return answer === null ? error.message : `${error.message}: HTTP ${answer.status} came, its body did not end`
  }
  if (error instanceof AnswerTooLargeError)
    return `HTTP ${answer?.status ?? ''} with an answer of more than ${asked === 'SERVICE' ? MAX_SERVICE_ANSWER_BYTES : MAX_ANSWER_BYTES} bytes`
  if (isBrokenLine(error) && answer !== null) return `HTTP ${answer.status} came, and the connection broke before its body ended`
  if (error instanceof UnexpectedAnswerError || error instanceof MissingClientError) return thrown.message
  if (error instanceof WrongCallError) return redact(thrown.message, context.account, false)
  if (answer !== null && answer.status < 300 && !isService(error, name))
    return `HTTP ${answer.status} with a body that cannot be read`
  if (answer !== null && !isService(error, name))
    return `HTTP ${answer.status} with a body that ${asked === 'SERVICE' ? 'cannot be read' : `is not ${asked === 'STS' ? 'XML' : 'JSON'}`}`
  // A message that is no text says as little as none.
  if (answer !== null && (thrown.message === '' || /^Unknown(Error)?$/.test(thrown.message)))
    return `HTTP ${answer.status} without a message`
  if (asked === 'provider' && thrown.message.startsWith('Command failed')) return 'credential_process failed'
  const message = thrown.message || readThrown(errors[0]).message
  const said = redact(message, context.account, isService(error, name)) || 'an error without a message'
  const isOwn = (asked === 'ACCOUNT' || asked === 'SERVICE') && answer === null && kindOf(error, context) === 'invalid'
  return isOwn ? `internal error: ${said}` : said
}

/** A provider that is slow refuses nothing: what it finds is kept, and the next try may have it at once. */
function notYet({ ms }: DeadlineError, origin: string | null): string {
  return `credentials not there yet after ${Math.round(ms / 100) / 10} s${origin === null ? '' : `: ${origin} has not answered`}`
}

/** An error that the service named: one of the SDK's service exceptions, of whichever client. */
function isService(error: unknown, name: string): boolean {
  return fieldOf(error, '$fault') !== undefined && name !== 'SyntaxError'
}

/**
 * One line of at most 300 characters, without control characters, e-mail addresses, access keys, long secrets (AWS quotes
 * whole canonical requests, session tokens included), account ids but `own`, and, in what a service said, telephone numbers.
 */
export function redact(text: string, own: string, foreign = true): string {
  const line = text
    .slice(0, 16 * MAX_MESSAGE_CHARS)
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .replace(/(?<![^\s<>"'(),;:=/])[^\s<>"'(),;:=/]+@[^\s<>"'(),;]+/g, '[e-mail]')
    .replace(/\b(?:AKIA|ASIA|ABIA|ACCA|AIDA|AROA)[A-Z0-9]{8,}\b/g, '[key]')
    .replace(/(?<![\w+/=%-])(?!(?:assumed-role|role|user)\/)[\w+/=%-]{48,}/g, '[redacted]')
    .replace(/(?<!\d)\d{12}(?!\d)/g, (id) => (id === own ? id : '[account]'))
  const told = foreign ? line.replace(/(?<![\w.-])\+?\(?\d[\d ().-]{5,30}\d(?![\w-])/g, phone(own)) : line
  return told.length > MAX_MESSAGE_CHARS ? `${told.slice(0, MAX_MESSAGE_CHARS - 1)}…` : told
}

function phone(own: string) {
  return (digits: string) => {
    const isDate = /^\d{4}-\d{2}-\d{2}/.test(digits)
    const isAddress = /^\d{1,3}(\.\d{1,3}){3}$/.test(digits)
    return isDate || isAddress || digits === own ? digits : '[number]'
  }
}

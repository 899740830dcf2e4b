import { AccessDeniedException, AccountServiceException, InternalServerException } from '@aws-sdk/client-account'
import { describe, expect, test } from 'vitest'
import type { Obstacle } from '../../domain/probe.ts'
import { ProxyError } from '../outlet.ts'
import { AbandonedError, DeadlineError } from '../stall.ts'
import type { Answer } from './answer.ts'
import { type Context, classify, MAX_MESSAGE_CHARS, obstacleIn, redact } from './failure.ts'

const answered = (status: number): Answer => ({ status, requestId: 'r-1', apigwId: null, traceId: null, date: 5_000, body: null })
const context: Context = {
  operation: 'GetContactInformation',
  account: '111122223333',
  region: 'us-east-1',
  asked: 'ACCOUNT',
  stsRegion: 'us-west-2',
  answer: null,
  heardAt: null,
}
const at = (status: number, more: Partial<Context> = {}): Partial<Context> => ({
  answer: answered(status),
  heardAt: 4_000,
  ...more,
})
const coded = (code: string, message = code) => Object.assign(new Error(message), { code })
const named = (name: string, message = '') => Object.assign(new Error(message), { name })
const service = (name: string, message = name) => new AccountServiceException({ name, message, $fault: 'client', $metadata: {} })
const bundle = (...codes: string[]) => new AggregateError(codes.map((code) => coded(code)))

describe('what an error of a try is', () => {
  test.for<[string, unknown, Partial<Context>, string | null]>([
    ['a name that does not resolve', coded('ENOTFOUND'), {}, 'unreachable'],
    ['a resolver that does not answer', coded('EAI_AGAIN'), {}, 'unreachable'],
    ['refused', coded('ECONNREFUSED'), {}, 'unreachable'],
    ['refused at each of several addresses', bundle('ECONNREFUSED', 'ENETUNREACH'), {}, 'unreachable'],
    ['no way there', coded('EHOSTUNREACH'), {}, 'unreachable'],
    ['no network', coded('ENETUNREACH'), {}, 'unreachable'],
    ['a broken pipe', coded('EPIPE'), {}, 'unreachable'],
    ['given up by the kernel', coded('ETIMEDOUT'), {}, 'unreachable'],
    ['a certificate that has expired', coded('CERT_HAS_EXPIRED'), {}, 'unreachable'],
    ['a certificate of somebody in between', coded('SELF_SIGNED_CERT_IN_CHAIN'), {}, 'unreachable'],
    ['a certificate for another name', coded('ERR_TLS_CERT_ALTNAME_INVALID'), {}, 'unreachable'],
    ['no HTTP', coded('HPE_INVALID_CONSTANT'), {}, 'unreachable'],
    ['our own deadline', new DeadlineError(5_000), {}, 'unreachable'],
    ['our own deadline after a 200 has begun', new DeadlineError(5_000), at(200), 'unreachable'],
    ['our own deadline after a 500 has begun', new DeadlineError(5_000), at(500), 'internal'],
    ['a proxy that waited in vain', named('SyntaxError'), at(408), 'unreachable'],
    ['InternalServerException', new InternalServerException({ message: '', $metadata: {} }), at(500), 'internal'],
    ['a bad gateway', named('SyntaxError'), at(502), 'internal'],
    ['too busy, by whatever name', service('SlowDown'), at(503), 'internal'],
    ['throttled by name', service('ThrottlingException'), at(400), 'throttled'],
    ['denied, as another client says it', service('AccessDenied'), at(403), 'denied'],
    ['a conflict', service('ConflictException'), at(409), 'invalid'],
    ['a GovCloud account that is not available', service('ResourceUnavailableException'), at(424), 'internal'],
    ['a failed dependency without a name', named('SyntaxError'), at(424), 'internal'],
    ['STS: an answer that nobody knows', service('Whatever'), at(424, { asked: 'STS' }), 'credentials'],
    [
      'not found, where there must be one',
      service('ResourceNotFoundException'),
      at(404, { operation: 'ListRegions' }),
      'invalid',
    ],
    ['not found, where there may be none', service('ResourceNotFoundException'), at(404), null],
    ['not found by anyone else', named('SyntaxError'), at(404), 'invalid'],
    ['unauthorized without a name', named('SyntaxError'), at(401), 'credentials'],
    ['a clock that is far off', service('RequestTimeTooSkewed'), at(403), 'credentials'],
    ['a fault of ours', new TypeError('x is not a function'), {}, 'invalid'],
    ['something that is no error', 'oops', {}, 'invalid'],
    ['STS: no permission to assume', service('AccessDenied'), at(403, { asked: 'STS' }), 'credentials'],
    ['STS: its region is switched off', service('RegionDisabledException'), at(403, { asked: 'STS' }), 'credentials'],
    ['STS: its own failure', service('InternalFailure'), at(500, { asked: 'STS' }), 'internal'],
    ['STS: no answer', coded('ECONNRESET'), { asked: 'STS' }, 'unreachable'],
    ['STS: busy', service('Throttling'), at(400, { asked: 'STS' }), 'throttled'],
    ['no credentials', named('CredentialsProviderError', 'none'), { asked: 'provider' }, 'credentials'],
    ['a provider that hangs', new DeadlineError(5_000), { asked: 'provider' }, 'credentials'],
    ['a provider that has no network', coded('ENOTFOUND'), { asked: 'provider' }, 'credentials'],
  ])('%s', ([, error, more, kind]) => {
    const given = { ...context, ...more }
    const isSts = given.asked === 'STS'
    expect(classify(error, given)).toMatchObject({
      kind,
      service: isSts ? 'STS' : 'ACCOUNT',
      region: isSts ? 'us-west-2' : 'us-east-1',
      status: given.answer?.status ?? null,
      skewMs: given.answer === null ? null : 1_000,
    })
  })

  test.for<[string, unknown, Partial<Context>, string, string]>([
    ['a deadline', new DeadlineError(5_000), {}, 'Timeout', 'no whole answer within 5000 ms'],
    ['a refusal at several addresses', bundle('ECONNREFUSED', 'ECONNREFUSED'), {}, 'AggregateError', 'ECONNREFUSED'],
    [
      'HTML',
      named('SyntaxError', 'Unexpected token < in "<h1>Jane'),
      at(503),
      'HTTP 503',
      'HTTP 503 with a body that is not JSON',
    ],
    [
      'a 200 that quotes its body',
      named('SyntaxError', '"Jane Doe" is not valid'),
      at(200),
      'HTTP 200',
      'HTTP 200 with a body that cannot be read',
    ],
    ['no message', service('Unknown', 'UnknownError'), at(500), 'HTTP 500', 'HTTP 500 without a message'],
    [
      'a credential process and its arguments',
      named('CredentialsProviderError', 'Command failed: get --password hunter2'),
      { asked: 'provider' },
      'CredentialsProviderError',
      'credential_process failed',
    ],
    ['a name with a line break', named('A\r\nB', 'x'), {}, 'Error', 'internal error: x'],
  ])('said of %s', ([, error, more, name, message]) => {
    expect(classify(error, { ...context, ...more })).toMatchObject({ error: name, message })
  })

  test('a healthy answer leaves no error behind', () => {
    const found = classify(service('ResourceNotFoundException', 'none'), { ...context, ...at(404) })
    expect(found).toMatchObject({ kind: null, error: null, message: null, requestId: 'r-1' })
  })

  test('the SDK’s classes are those of this package', () => {
    const denied = new AccessDeniedException({ message: 'no', $metadata: {} })
    expect(classify(denied, { ...context, ...at(403) })).toMatchObject({
      kind: 'denied',
      error: 'AccessDeniedException',
      message: 'no',
    })
    expect(new AbandonedError().name).toBe('AbandonedError')
  })
})

describe('what may be said', () => {
  test.for<[string, string, string]>([
    ['one line', 'a\r\nb\tc\u2028d\u0000e\u202ef', 'a b c d e f'],
    ['no e-mail address', 'Contact jane.doe+x@example.com, please', 'Contact [e-mail], please'],
    ['none in an ARN', 'assumed-role/Admin/jane@example.com is not', 'assumed-role/Admin/[e-mail] is not'],
    ['no telephone number', 'call +1 (555) 010-0199 now', 'call [number] now'],
    ['nor one without blanks', 'number +4915112345678 refused', 'number [number] refused'],
    ['a time is not one', 'since 2026-11-22T10:15:30Z, 20261122T101530Z', 'since 2026-11-22T10:15:30Z, 20261122T101530Z'],
    ['nor an address', 'connect to 192.168.100.200:443', 'connect to 192.168.100.200:443'],
    ['nor a request id', 'id 7b1f0c9e-1234-4567-8901-1234567890ab', 'id 7b1f0c9e-1234-4567-8901-1234567890ab'],
    ['our account', 'account 111122223333 is', 'account 111122223333 is'],
    ['and no other', 'arn:aws:iam::999988887777:role/x', 'arn:aws:iam::[account]:role/x'],
    ['no access key', 'key AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE', 'key [key] and [key]'],
    ['no token', `x-amz-security-token:${'IQoJb3JpZ2lu/+a0'.repeat(8)} x`, 'x-amz-security-token:[redacted] x'],
    [
      'a long role is no token',
      'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/watch',
      'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/watch',
    ],
  ])('%s', ([, text, expected]) => expect(redact(text, '111122223333')).toBe(expected))

  test('bounded, whatever comes', () => {
    expect(redact('word '.repeat(100_000), '')).toHaveLength(MAX_MESSAGE_CHARS)
  })
})

test.for<[string, unknown, Obstacle | null]>([
  ['a name that does not resolve', coded('ENOTFOUND'), 'name'],
  ['a resolver that does not answer', coded('EAI_AGAIN'), null],
  ['a certificate that nobody vouches for', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'certificate'],
  ['a certificate for another name', coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'certificate'],
  ['a broken handshake', coded('ERR_SSL_WRONG_VERSION_NUMBER'), null],
  ['a refused connection', coded('ECONNREFUSED'), null],
  ['our own deadline', new DeadlineError(5_000), null],
  ['a proxy that answers', new ProxyError('407', { cause: coded('ERR_PROXY_TUNNEL') }), 'proxy'],
  ['a proxy that is not running', new ProxyError('no', { cause: coded('ECONNREFUSED') }), 'proxy'],
  ['a proxy that nobody knows', new ProxyError('no', { cause: coded('ENOTFOUND') }), 'name'],
  ['a proxy to which there is no way', new ProxyError('no', { cause: coded('ENETUNREACH') }), null],
  ['a code of an answer', Object.assign(service('X'), { code: 'ENOTFOUND' }), null],
  ['nothing at all', undefined, null],
])('what stood in the way: %s', ([, error, obstacle]) => {
  expect(obstacleIn(error)).toBe(obstacle)
  const { kind, ...made } = classify(error, context)
  expect('obstacle' in made ? made.obstacle : null).toBe(kind === 'unreachable' ? obstacle : null)
})

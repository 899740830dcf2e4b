import { expect, test } from 'vitest'
import { type OwnFault, ownFaultOf } from './own-fault.ts'
import type { FailureKind } from './probe.ts'

test.for<[FailureKind | null, string, number | null, OwnFault | null]>([
  ['credentials', 'ExpiredTokenException', 403, 'refused credentials'],
  ['credentials', 'AccessDenied', 403, 'refused credentials'],
  ['credentials', 'CredentialsProviderError', null, 'no credentials'],
  ['credentials', 'Timeout', null, 'late credentials'],
  ['denied', 'AccessDeniedException', 403, 'denied'],
  ['invalid', 'ValidationException', 400, 'wrong request'],
  ['invalid', 'WrongCall', null, 'wrong call'],
  ['invalid', 'MissingClient', null, 'missing client'],
  ['invalid', 'TypeError', null, 'internal error'],
  ['internal', 'InternalServerException', 500, null],
  ['unreachable', 'Timeout', null, null],
  ['offline', 'ENETDOWN', null, null],
  [null, 'Timeout', null, null],
])('%s by %s with status %s: %s', ([kind, error, status, fault]) => expect(ownFaultOf(kind, { error, status })).toBe(fault))

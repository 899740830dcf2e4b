import { expect, test } from 'vitest'
import { type Ended, errorAside, errorName } from './error-name.ts'

test.for<[string, Ended, string, string]>([
  [
    'a named error is shown with its status',
    { kind: 'internal', error: 'InternalServerException', status: 500 },
    'InternalServerException (HTTP 500)',
    'InternalServerException, HTTP 500',
  ],
  ['an answer without a name is its status, once', { kind: 'internal', error: 'HTTP 503', status: 503 }, 'HTTP 503', 'HTTP 503'],
  [
    'a 200 is not called by its number, because the status is not what is wrong',
    { kind: 'internal', error: 'HTTP 200', status: 200 },
    'an unreadable response (HTTP 200)',
    'unreadable, HTTP 200',
  ],
  [
    'so is one that was too long, whatever our own name for that',
    { kind: 'internal', error: 'AnswerTooLargeError', status: 200 },
    'an unreadable response (HTTP 200)',
    'unreadable, HTTP 200',
  ],
  [
    'a line that broke under an answer keeps its name',
    { kind: 'unreachable', error: 'ECONNRESET', status: 200 },
    'ECONNRESET (HTTP 200)',
    'ECONNRESET, HTTP 200',
  ],
  [
    'without an answer there is no status',
    { kind: 'unreachable', error: 'ECONNRESET', status: null },
    'ECONNRESET',
    'ECONNRESET',
  ],
  [
    'without a name the kind stands for it',
    { kind: 'denied', error: null, status: 403 },
    'denied (HTTP 403)',
    'denied, HTTP 403',
  ],
  ['without anything it is an error', { kind: null, error: null, status: null }, 'an error', 'an error'],
])('%s', ([, ended, name, aside]) => {
  expect(errorName(ended)).toBe(name)
  expect(errorAside(ended)).toBe(aside)
})

import { expect, test } from 'vitest'
import { squeezed, textOf } from '../../test/emails.ts'
import type { Facts, MailKind } from '../domain/notification.ts'
import { CASES, SAMPLES } from './samples.ts'
import { widthSentence } from './width.ts'

type Width = NonNullable<Facts['width']>

test.for<[string, Partial<Width>]>([
  ['1 of 11 accounts; the other 10 are ok with the same operation.', { ok: 10 }],
  ['1 of 11 accounts; the other 10 are ok with the same operations.', { ok: 10, operations: 3 }],
  ['1 of 2 accounts; the other one is ok with the same operation.', { accounts: 2, ok: 1 }],
  ['1 of 11 accounts; the other 10 are not known (no fresh result).', { unknown: 10 }],
  ['1 of 2 accounts; the other one is failing as well.', { accounts: 2, alsoFailing: 1 }],
  [
    '2 of 11 accounts; of the other 9, 6 are ok with the same operation, 2 are failing as well and 1 is not known (no fresh result).',
    { failing: 2, ok: 6, alsoFailing: 2, unknown: 1 },
  ],
  ['That is all 11 accounts.', { failing: 11 }],
])('%s', ([sentence, over]) => {
  const width = { accounts: 11, failing: 1, ok: 0, alsoFailing: 0, unknown: 0, operations: 1, ...over }
  expect(widthSentence({ ...SAMPLES.failing, width })).toBe(sentence)
})

test('of a single account nothing is said', () => expect(widthSentence(SAMPLES.failing)).toBeNull())

test.for<MailKind>(['failing', 'wider', 'escalated', 'reminder', 'still-failing', 'flapping', 'misconfigured'])(
  'an email %s says in its first lines how wide it is',
  (kind) => {
    const width = { accounts: 11, failing: 1, ok: 10, alsoFailing: 0, unknown: 0, operations: 1 }
    const [opening = ''] = textOf({ ...SAMPLES[kind], width }).split('\n\n')
    expect(squeezed(opening)).toContain(squeezed('1 of 11 accounts; the other 10 are ok with the same operation.'))
  },
)

test('the samples are of the real decisions', () => {
  expect(CASES['failing-one-of-eleven']?.facts.width).toMatchObject({ accounts: 11, failing: 1, ok: 10 })
  expect(CASES['failing-two-of-eleven']?.facts.width).toMatchObject({ accounts: 11, failing: 2, ok: 7, unknown: 2 })
  expect(SAMPLES.wider.width).toMatchObject({ accounts: 14, failing: 14 })
  expect(SAMPLES.recovered.width).toBeUndefined()
})

import { describe, expect, test } from 'vitest'
import { NOON } from '../../test/given.ts'
import type { Facts, MailKind, Owed, Wording } from './notification.ts'
import { apart, divided } from './parcel.ts'

const ALL = ['a', 'b', 'c']

function owed(kind: MailKind, seq: number, address: string, given: Partial<Omit<Owed, 'notification'>> = {}): Owed {
  const id = `i.${seq}.oncall`
  return {
    notification: {
      id,
      messageId: `<${id}@example.com>`,
      kind,
      incident: 'i',
      thread: 't',
      seq,
      recipient: 'oncall',
      to: ALL,
      inReplyTo: seq === 1 ? null : '<i.1.oncall@example.com>',
      createdAt: NOON,
      facts: {} as Facts,
    },
    address,
    state: 'due',
    attempts: 0,
    nextAt: NOON,
    error: null,
    uncertain: false,
    noSession: false,
    deliveredAt: null,
    reply: null,
    wording: null,
    ...given,
  }
}
const rise = (address: string, given: Partial<Omit<Owed, 'notification'>> = {}) => owed('recovered', 2, address, given)
const arrived = (address: string) => owed('failing', 1, address, { state: 'delivered', deliveredAt: NOON })
const refused = (address: string, error = '550 no') => owed('failing', 1, address, { state: 'refused', attempts: 1, error })
const addresses = (parcel: { owed: readonly Owed[] } | null) => parcel?.owed.map(({ address }) => address) ?? null
const split = (due: readonly Owed[], mails: readonly Owed[]) => {
  const { own, others } = divided(due, mails)
  return [addresses(own), ...others.map(addresses)]
}
const WORDED: Wording = {
  at: NOON,
  attempts: 0,
  lateBecause: null,
  unsaid: null,
  inReplyTo: '<i.1.oncall@example.com>',
  to: ALL,
  refused: [],
}
const TELLS_BOTH: Wording = {
  ...WORDED,
  unsaid: { id: 'i.1.oncall', why: 'the mail server refused the first email (550 no)' },
  inReplyTo: null,
}

describe('one email under one Message-ID', () => {
  test('to all addresses, if it says the same to all', () => {
    expect(
      split(
        ALL.map((address) => rise(address)),
        ALL.map(arrived),
      ),
    ).toEqual([ALL])
    expect(
      divided(
        ALL.map((address) => rise(address)),
        ALL.map(arrived),
      ).own?.telling,
    ).toEqual({
      unsaid: null,
      inReplyTo: '<i.1.oncall@example.com>',
    })
  })
  test('and if none was notified before', () => {
    const { own, others } = divided(
      ALL.map((address) => rise(address)),
      ALL.map((address) => refused(address)),
    )
    expect([addresses(own), others]).toEqual([ALL, []])
    expect(own?.telling).toEqual({ unsaid: TELLS_BOTH.unsaid, inReplyTo: null })
  })
  test('an address that was never notified of the failure gets another email, which reports both', () => {
    const { own, others } = divided(
      ALL.map((address) => rise(address)),
      [arrived('a'), refused('b'), arrived('c')],
    )
    expect(addresses(own)).toEqual(['a', 'c'])
    expect(others.map((one) => [addresses(one), one.telling])).toEqual([[['b'], { unsaid: TELLS_BOTH.unsaid, inReplyTo: null }]])
  })
  test('addresses with different reasons get an email each: none says why it did not reach another', () => {
    expect(split([rise('b'), rise('c')], [refused('b', '550 b?'), refused('c', '550 c?')])).toEqual([['b'], ['c']])
  })
  test('once an address has it, its content is fixed; an address that needs different content gets its own', () => {
    const due = [rise('b', { wording: WORDED }), rise('c', { wording: WORDED })]
    expect(split(due, [arrived('a'), refused('b'), arrived('c')])).toEqual([['c'], ['b']])
    expect(split([due[0]!], [arrived('a'), refused('b')]), 'all that are due now').toEqual([null, ['b']])
  })
  test('the reason why it did not arrive may have changed since: addresses with the same reason get the same email', () => {
    const due = [rise('c', { wording: TELLS_BOTH, attempts: 3, error: '450 later' })]
    const { own, others } = divided(due, [refused('b'), refused('c', '550 another reason'), ...due])
    expect([addresses(own), others]).toEqual([['c'], []])
    expect(own?.telling.unsaid).toEqual(TELLS_BOTH.unsaid)
  })
  test('what may have arrived is finished as it was, whatever is known by now', () => {
    const due = [rise('b', { wording: WORDED, uncertain: true })]
    expect(split(due, [refused('b')])).toEqual([['b']])
  })
  test('a self-alert has no thread', () => {
    expect(split([owed('misconfigured', 1, 'a'), owed('misconfigured', 1, 'b')], [])).toEqual([['a', 'b']])
  })
})

test('what goes apart is a notification of its own, in the same place of the thread', () => {
  const made = apart(rise('b'), ['b', 'c'], 'example.com')
  expect(made).toMatchObject({ id: 'i.2.oncall.2', messageId: '<i.2.oncall.2@example.com>', to: ['b', 'c'], thread: 't', seq: 2 })
  const further = apart({ ...rise('c'), notification: made }, ['c'], 'example.com')
  expect(further).toMatchObject({ id: 'i.2.oncall.2.2', to: ['c'] })
})

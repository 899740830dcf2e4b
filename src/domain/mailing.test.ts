import { describe, expect, test } from 'vitest'
import { MIN, NOON } from '../../test/given.ts'
import { addressee, isOpen, mailingsOf } from './mailing.ts'
import type { Facts, Notification, NotificationState, Owed } from './notification.ts'

const notification = (id: string, to: readonly string[]): Notification => ({
  id,
  messageId: `<${id}@example.com>`,
  kind: 'failing',
  incident: 'i',
  thread: 't',
  seq: 1,
  recipient: 'oncall',
  to,
  inReplyTo: null,
  createdAt: NOON,
  facts: {} as Facts,
})

function owed(address: string, state: NotificationState, given: Partial<Owed> = {}): Owed {
  return {
    notification: notification('n', ['a', 'b', 'c']),
    address,
    state,
    attempts: 1,
    nextAt: NOON,
    error: null,
    uncertain: false,
    noSession: false,
    deliveredAt: state === 'delivered' ? NOON + MIN : null,
    reply: null,
    wording: null,
    ...given,
  }
}

describe('an email with all its addresses', () => {
  test.for<[string, readonly NotificationState[], NotificationState]>([
    ['delivered where everybody has it', ['delivered', 'delivered'], 'delivered'],
    ['retrying while somebody waits', ['delivered', 'retrying', 'refused'], 'retrying'],
    ['due before it was tried', ['due', 'due'], 'due'],
    ['retrying where some have been tried', ['due', 'retrying'], 'retrying'],
    ['refused if no address waits and one has not got it', ['delivered', 'refused'], 'refused'],
    ['sending while it is on its way to one', ['retrying', 'sending'], 'sending'],
    ['delivered if the others got an email of their own', ['merged', 'delivered'], 'delivered'],
    ['dropped where it was given up', ['dropped'], 'dropped'],
  ])('is %s', ([, states, state]) => {
    const [mailing] = mailingsOf(states.map((one, i) => owed(['a', 'b', 'c'][i] ?? '', one)))
    expect(mailing?.state).toBe(state)
  })

  test('has the error of what is left to do, the next attempt, and when it first arrived', () => {
    const all = [
      owed('c', 'refused', { error: '550 c', attempts: 1 }),
      owed('b', 'retrying', { error: '450 b', nextAt: NOON + 5, attempts: 7 }),
      owed('a', 'delivered', { deliveredAt: NOON + 2 }),
    ]
    expect(mailingsOf(all)).toMatchObject([
      { state: 'retrying', error: '450 b', attempts: 7, nextAt: NOON + 5, deliveredAt: NOON + 2 },
    ])
    expect(mailingsOf(all)[0]?.addresses.map(({ address }) => address)).toEqual(['a', 'b', 'c'])
    expect(mailingsOf([owed('a', 'refused')])[0]?.nextAt).toBeNull()
  })

  test('comes once, in the order in which it first came', () => {
    const other = { notification: notification('m', ['a']) }
    const all = [owed('a', 'due'), owed('a', 'due', other), owed('b', 'due')]
    expect(mailingsOf(all).map((one) => one.notification.id)).toEqual(['n', 'm'])
  })
})

test('open is what somebody waits for, and what was refused', () => {
  const states: readonly NotificationState[] = ['due', 'retrying', 'sending', 'refused', 'delivered', 'merged', 'dropped']
  expect(states.filter((state) => isOpen(owed('a', state)))).toEqual(['due', 'retrying', 'sending', 'refused'])
})

test('an address is named where the name of its recipient does not say which', () => {
  expect(addressee(owed('b', 'due'))).toBe('oncall, b')
  expect(addressee(owed('a', 'due', { notification: notification('n', ['a']) }))).toBe('oncall')
})

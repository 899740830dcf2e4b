import { describe, expect, test } from 'vitest'
import { MIN, NOON } from '../../test/given.ts'
import type { Facts, Owed, Wording } from '../domain/notification.ts'
import { RETRY_FIRST_MS } from '../domain/outbox.ts'
import { type Fate, MailError, type MailFailure } from '../ports/mailer.ts'
import { type Attempt, FALLBACK, settledBy } from './fates.ts'

const WORDING: Wording = { at: NOON, attempts: 0, lateBecause: null, unsaid: null, inReplyTo: null, to: ['a', 'b'], refused: [] }

function owed(address: string, given: Partial<Owed> = {}): Owed {
  return {
    notification: {
      id: 'i.1.oncall',
      messageId: '<i.1.oncall@example.com>',
      kind: 'failing',
      incident: 'i',
      thread: 't',
      seq: 1,
      recipient: 'oncall',
      to: ['a', 'b', 'c'],
      inReplyTo: null,
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
const taken = (address: string): Fate => ({ address, accepted: true, reply: '250 ok' })
const failed = (address: string, message: string, is: Partial<MailFailure> = {}): Fate => ({
  address,
  accepted: false,
  error: new MailError(message, { permanent: false, uncertain: false, ...is }),
})
const settled = (owing: readonly Owed[], fates: readonly Fate[], over: Partial<Attempt> = {}) =>
  settledBy({
    owed: owing,
    fates,
    route: { name: '', isLast: true },
    wording: WORDING,
    now: NOON + MIN,
    random01: 0,
    takesOverIn: () => null,
    ...over,
  })

describe('each address has a fate of its own', () => {
  test('250 is delivered, 4xx is retried, 5xx is refused, each with the server’s words', () => {
    const { changes, rows, results } = settled(
      [owed('a'), owed('b'), owed('c')],
      [taken('a'), failed('b', '450 later'), failed('c', '550 no', { permanent: true })],
    )
    expect(changes).toMatchObject([
      { address: 'a', state: 'delivered', deliveredAt: NOON + MIN, reply: '250 ok', attempts: 1, wording: WORDING },
      { address: 'b', state: 'retrying', error: '450 later', nextAt: NOON + MIN + RETRY_FIRST_MS, attempts: 1, wording: WORDING },
      { address: 'c', state: 'refused', error: '550 no', attempts: 1, wording: WORDING },
    ])
    expect(rows.map(({ decision, reason, evidence }) => [decision, reason, evidence])).toEqual([
      ['delivered', 'failing to oncall (a): 250 ok', { id: 'i.1.oncall', seq: 1, addresses: ['a'] }],
      ['refused', 'failing to oncall (c): 550 no', { id: 'i.1.oncall', seq: 1, addresses: ['c'] }],
    ])
    expect(results.map(({ result, addresses, said }) => [result, addresses, said])).toEqual([
      ['delivered', ['a'], '250 ok'],
      ['deferred', ['b'], '450 later'],
      ['refused', ['c'], '550 no'],
    ])
  })

  test('addresses with the same result share one ledger row and one log line', () => {
    const { rows, results } = settled([owed('a'), owed('b')], [taken('a'), taken('b')])
    expect(rows.map(({ reason }) => reason)).toEqual(['failing to oncall (a, b): 250 ok'])
    expect(results).toHaveLength(1)
  })

  test('if the mailer says nothing about an address, its result is unknown', () => {
    expect(settled([owed('a')], []).changes).toMatchObject([{ state: 'retrying', uncertain: true }])
  })
})

describe('the wording of an email is kept once somebody may have it', () => {
  const worded = (owing: readonly Owed[], fates: readonly Fate[]) => settled(owing, fates).changes.map(({ wording }) => wording)
  test('not while nobody has it', () => expect(worded([owed('a')], [failed('a', '450')])).toEqual([null]))
  test('not if it was only rejected', () => {
    expect(worded([owed('a'), owed('b')], [failed('a', '550', { permanent: true }), failed('b', '450')])).toEqual([null, null])
  })
  test('if the connection broke after it was sent', () => {
    expect(worded([owed('a'), owed('b')], [failed('a', 'broke', { uncertain: true }), failed('b', '450')])).toEqual([
      WORDING,
      WORDING,
    ])
  })
  test('if another address got it before', () => {
    expect(worded([owed('a', { wording: WORDING })], [failed('a', '450')])).toEqual([WORDING])
  })
})

describe('when it is tried again', () => {
  const nextAt = (owing: Owed, fate: Fate, over: Partial<Attempt> = {}) => {
    const [change] = settled([owing], [fate], over).changes
    return change?.nextAt === undefined ? change?.state : change.nextAt - NOON - MIN
  }
  const first = { route: { name: '', isLast: false } }
  test('an address beyond the server’s limit is next, and has not failed', () => {
    const { changes } = settled([owed('a'), owed('b')], [taken('a'), failed('b', '452 4.5.3', { crowded: true })])
    expect(changes[1]).toMatchObject({ state: 'retrying', attempts: 0, nextAt: NOON + MIN })
  })
  test('unless no address was accepted: then it waits like any other', () => {
    expect(nextAt(owed('a'), failed('a', '452 4.5.3', { crowded: true }))).toBe(RETRY_FIRST_MS)
  })
  test('a rejected session is retried, and marked', () => {
    const { changes } = settled([owed('a')], [failed('a', '535 no', { session: true })])
    expect(changes).toMatchObject([{ state: 'retrying', noSession: true }])
    expect(settled([owed('a', { noSession: true })], [failed('a', '450 later')]).changes).toMatchObject([{ noSession: false }])
  })
  test('what the first mail server rejects for good waits for the second', () => {
    const no = failed('a', '550', { permanent: true })
    expect(nextAt(owed('a'), no, { ...first, takesOverIn: () => 3 * MIN })).toBe(3 * MIN)
    expect(nextAt(owed('a'), no, { ...first, takesOverIn: () => -MIN })).toBe(0)
    expect(nextAt(owed('a'), no, { route: { name: FALLBACK, isLast: true } })).toBe('refused')
  })
  test('the second mail server takes over when its time has come, and not before', () => {
    const later = failed('a', '450')
    expect(nextAt(owed('a'), later, { ...first, takesOverIn: () => 3_000 })).toBe(3_000)
    expect(nextAt(owed('a'), later, { ...first, takesOverIn: () => 10 * MIN })).toBe(RETRY_FIRST_MS)
    expect(nextAt(owed('a'), later, { ...first, takesOverIn: () => -1 })).toBe(RETRY_FIRST_MS)
  })
  test('its replies name the fallback', () => {
    const { changes } = settled([owed('a'), owed('b')], [taken('a'), failed('b', '450')], {
      route: { name: FALLBACK, isLast: true },
    })
    expect(changes.map(({ reply, error }) => [reply, error])).toEqual([
      ['fallback: 250 ok', null],
      [undefined, 'fallback: 450'],
    ])
  })
})

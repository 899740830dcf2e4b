import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR, MIN, NOON } from '../../test/given.ts'
import type { Facts, MailKind, Owed } from './notification.ts'
import {
  type Delivered,
  OFFLINE_WORTH_TELLING_MS,
  overtakenBy,
  planOutbox,
  RETRY_FIRST_MS,
  RETRY_MOST_MS,
  retryAt,
  SUMMARISED,
  summaryLines,
  unsaidBefore,
  whyNeedless,
  whyUnsaid,
} from './outbox.ts'

type Given = Partial<Omit<Owed, 'notification'>> & {
  thread?: string
  seq?: number
  to?: string
  createdAt?: number
  spellMs?: number
  /** Threads that went into this one. */
  past?: readonly string[]
}

/** `failing 1`: a mail of that kind with that sequence, to `oncall`, due since noon. */
function owed(kind: MailKind, seq: number, given: Given = {}): Owed {
  const { thread = 't', to = 'oncall', createdAt = NOON + seq, spellMs = HOUR, past = [], ...rest } = given
  const id = `${thread}.${seq}.${to}`
  const facts = { kind, incident: { openedAt: NOON, closedAt: NOON + spellMs } } as unknown as Facts
  const notification = {
    id,
    messageId: `<${id}@example.com>`,
    kind,
    incident: thread,
    thread: `${thread}.${to}`,
    past: past.map((old) => ({ thread: `${old}.${to}`, incident: old })),
    seq,
    recipient: to,
    to: [`${to}@example.com`],
    inReplyTo: null,
    createdAt,
    facts,
  }
  return {
    notification,
    address: `${to}@example.com`,
    state: 'due',
    attempts: 0,
    nextAt: NOON,
    error: null,
    uncertain: false,
    noSession: false,
    deliveredAt: null,
    reply: null,
    wording: null,
    ...rest,
  }
}
const NOW = NOON + HOUR
const plan = (queue: readonly Owed[], delivered: Delivered = [], most = 30, now = NOW) => planOutbox(queue, delivered, most, now)
const shown = (list: readonly Owed[]) => list.map((one) => `${one.notification.kind} ${one.notification.seq}`)
const merged = (queue: readonly Owed[]) =>
  plan(queue).merge.map(({ owed: one, into }) => `${one.notification.kind} > ${into.notification.kind}`)
const times = (count: number, ago = MIN, to = 'oncall'): Delivered =>
  Array.from({ length: count }, (_, i) => ({ address: `${to}@example.com`, at: NOW - ago - i }))

describe('order', () => {
  test('a later email never overtakes an earlier one of its thread', () => {
    expect(shown(plan([owed('wider', 2), owed('failing', 1)]).send)).toEqual(['failing 1'])
    expect(shown(plan([owed('wider', 2), owed('failing', 1, { nextAt: NOW + 1 })]).send), 'not even while it waits').toEqual([])
  })
  test('nor while it is on its way', () => {
    expect(shown(plan([owed('wider', 2), owed('failing', 1, { state: 'sending' })]).send)).not.toContain('wider 2')
  })
  test('threads do not wait for one another; the oldest leaves first', () => {
    const queue = [
      owed('failing', 1, { thread: 'b', createdAt: NOON + 5 }),
      owed('failing', 1, { thread: 'a', createdAt: NOON + 9 }),
      owed('failing', 1, { to: 'team', nextAt: NOW + 1 }),
    ]
    expect(plan(queue).send.map((one) => one.notification.id)).toEqual(['b.1.oncall', 'a.1.oncall'])
  })
  test('it is due to the millisecond, and the next look is when the next one is', () => {
    expect(shown(plan([owed('failing', 1, { nextAt: NOW })]).send)).toEqual(['failing 1'])
    const later = plan([owed('failing', 1, { nextAt: NOW + 5 }), owed('failing', 1, { thread: 'b', nextAt: NOW + 3 })])
    expect(later).toMatchObject({ send: [], nextAt: NOW + 3 })
    expect(plan([]).nextAt).toBeNull()
  })
})

describe('several addresses', () => {
  const at = (address: string, kind: MailKind, seq: number, given: Given = {}) => owed(kind, seq, { address, ...given })
  const sent = (queue: readonly Owed[], delivered: Delivered = [], most = 30) =>
    plan(queue, delivered, most).send.map(({ notification, address }) => `${notification.kind} ${address}`)
  test('an address that has to wait keeps no other waiting', () => {
    const queue = [at('b', 'failing', 1, { nextAt: NOW + 1 }), at('a', 'wider', 2), at('b', 'wider', 2)]
    expect(sent(queue)).toEqual(['wider a'])
  })
  test('nothing overtakes at its own address', () => {
    expect(sent([at('b', 'failing', 1), at('a', 'wider', 2), at('b', 'wider', 2)])).toEqual(['failing b', 'wider a'])
  })
  test('a failure is merged into its recovery where it did not arrive, and nowhere else', () => {
    const done = plan([at('b', 'failing', 1, { attempts: 3 }), at('a', 'recovered', 2), at('b', 'recovered', 2)])
    expect(done.merge.map(({ owed: one, into }) => [one.address, into.address])).toEqual([['b', 'b']])
    expect(done.send.map(({ address }) => address).sort()).toEqual(['a', 'b'])
  })
  test('each has a ceiling of its own, and a summary', () => {
    const queue = ['x', 'y'].flatMap((thread) => ['a', 'b'].map((address) => at(address, 'failing', 1, { thread })))
    const done = plan(queue, [{ address: 'b', at: NOW - MIN }], 1)
    expect(done.send.map(({ address, notification }) => `${notification.thread} ${address}`)).toEqual(['x.oncall a'])
    expect(done.summarise.map(({ address, owed: beyond }) => [address, beyond.length])).toEqual([
      ['b', 2],
      ['a', 1],
    ])
  })
  test('what arrived at one was not said at the other', () => {
    const mails = [at('a', 'failing', 1, { state: 'delivered' }), at('b', 'failing', 1, { state: 'refused', error: '550 no' })]
    expect(unsaidBefore(at('a', 'recovered', 2), mails).failure).toBeNull()
    expect(unsaidBefore(at('b', 'recovered', 2), mails).failure).toBe(mails[1])
  })
  test('nor does what arrived at one overtake what the other is owed', () => {
    const mails = [at('a', 'wider', 2, { state: 'delivered' })]
    expect(overtakenBy(at('b', 'failing', 1, { state: 'refused' }), mails)).toBeNull()
    expect(overtakenBy(at('a', 'failing', 1, { state: 'refused' }), mails)).toBe(mails[0])
  })
  test('why it did not arrive is asked of its own attempts', () => {
    const failure = at('b', 'failing', 1, { state: 'merged', error: 'it was over before this could be delivered' })
    const others = [at('a', 'wider', 2, { attempts: 1, error: '550 no', state: 'refused' })]
    expect(whyUnsaid(failure, [failure, ...others])).toMatch(/^it was over/)
  })
})

describe('late-explanation: to whom it is no news', () => {
  test.for<[string, Owed[], string | null]>([
    ['an address that was notified of the failure gets it', [owed('failing', 1, { state: 'delivered' })], null],
    ['so does one that may have been', [owed('failing', 1, { uncertain: true })], null],
    ['and one that got it in a summary', [owed('failing', 1, { state: 'merged', error: SUMMARISED })], null],
    ['but not one that refused it', [owed('failing', 1, { state: 'refused' })], 'this address was never notified of the failure'],
    [
      'nor where it was dropped by hand',
      [owed('failing', 1, { state: 'dropped' })],
      'this address was never notified of the failure',
    ],
    [
      'a later email notified it as well',
      [owed('failing', 1, { state: 'refused' }), owed('wider', 2, { state: 'delivered' })],
      null,
    ],
    [
      'that of an earlier episode does not count',
      [
        owed('failing', 1, { state: 'delivered' }),
        owed('recovered', 2, { state: 'delivered' }),
        owed('failing', 3, { state: 'refused' }),
      ],
      'this address was never notified of the failure',
    ],
    [
      'nor does another address',
      [owed('failing', 1, { state: 'refused' }), owed('failing', 1, { address: 'x', state: 'delivered' })],
      'this address was never notified of the failure',
    ],
    ['an address whose first email is this one', [], null],
  ])('%s', ([, earlier, why]) => {
    const mail = owed('now-explained', 9)
    expect(whyNeedless(mail, [...earlier, mail])).toBe(why)
    expect(whyNeedless(owed('reminder', 9), earlier), 'any other mail goes').toBeNull()
  })
})

describe('recovery: what was not delivered when its incident closed', () => {
  test.for<[string, Owed[], string[], string[]]>([
    [
      'a failure is merged into its recovery',
      [owed('failing', 1), owed('recovered', 2)],
      ['failing > recovered'],
      ['recovered 2'],
    ],
    [
      'and all between',
      [owed('failing', 1), owed('wider', 2), owed('now-explained', 3), owed('recovered', 4)],
      ['failing > recovered', 'wider > recovered', 'now-explained > recovered'],
      ['recovered 4'],
    ],
    [
      'also what was tried in vain',
      [owed('failing', 1, { state: 'retrying', attempts: 9, nextAt: NOW + MIN }), owed('recovered', 2)],
      ['failing > recovered'],
      ['recovered 2'],
    ],
    ['a blind one too', [owed('blind', 1), owed('recovered', 2)], ['blind > recovered'], ['recovered 2']],
    ['into `dropped` as well', [owed('failing', 1), owed('dropped', 2)], ['failing > dropped'], ['dropped 2']],
    [
      'not what may have been accepted: it is sent again as it was',
      [owed('failing', 1, { uncertain: true }), owed('recovered', 2)],
      [],
      ['failing 1'],
    ],
    [
      'nor what comes after that',
      [owed('failing', 1, { uncertain: true }), owed('wider', 2), owed('recovered', 3)],
      [],
      ['failing 1'],
    ],
    ['nor what is on its way', [owed('failing', 1, { state: 'sending' }), owed('recovered', 2)], [], ['failing 1']],
    [
      'a second episode waits for the end of the first',
      [owed('failing', 1), owed('recovered', 2), owed('failing', 3), owed('recovered', 4)],
      ['failing > recovered'],
      ['recovered 2'],
    ],
    ['a failure without a recovery is sent', [owed('failing', 1)], [], ['failing 1']],
    ['a failure after a recovery is not merged into it', [owed('recovered', 2), owed('failing', 3)], [], ['recovered 2']],
    [
      'a recovery of another thread is no concern',
      [owed('failing', 1), owed('recovered', 2, { thread: 'b' })],
      [],
      ['failing 1', 'recovered 2'],
    ],
    [
      'nor one of another recipient',
      [owed('failing', 1), owed('recovered', 2, { to: 'team' })],
      [],
      ['failing 1', 'recovered 2'],
    ],
  ])('%s', ([, queue, merges, sent]) => {
    expect(merged(queue)).toEqual(merges)
    expect(merged(queue.toReversed()), 'in whatever order they are read').toEqual(merges)
    expect(shown(plan(queue).send)).toEqual(sent)
  })
})

describe('a reminder that could not leave', () => {
  test.for<[string, Owed[], string[], string[]]>([
    ['is superseded by whatever came later', [owed('reminder', 2), owed('wider', 3)], ['reminder > wider'], ['wider 3']],
    ['by another reminder too', [owed('reminder', 2), owed('reminder', 3)], ['reminder > reminder'], ['reminder 3']],
    ['not if it may have been accepted', [owed('reminder', 2, { uncertain: true }), owed('wider', 3)], [], ['reminder 2']],
    ['the last of all is sent', [owed('failing', 1), owed('reminder', 2)], [], ['failing 1']],
    ['nothing else is superseded', [owed('failing', 1), owed('wider', 2), owed('still-failing', 3)], [], ['failing 1']],
  ])('%s', ([, queue, merges, sent]) => {
    expect(merged(queue)).toEqual(merges)
    expect(shown(plan(queue).send)).toEqual(sent)
  })
})

describe('a time offline that could not be reported while it lasted', () => {
  const spell = (spellMs: number, given: Given = {}) => [
    owed('offline', 1, { spellMs, ...given }),
    owed('recovered', 2, { spellMs }),
  ]
  test('is reported afterwards, in one email, if it was longer than ten minutes', () => {
    const done = plan(spell(OFFLINE_WORTH_TELLING_MS + 1))
    expect([shown(done.send), done.merge.length, done.drop]).toEqual([['recovered 2'], 1, []])
  })
  test('is not reported at all if it was not', () => {
    const done = plan(spell(OFFLINE_WORTH_TELLING_MS))
    expect([done.send, done.merge]).toEqual([[], []])
    expect(shown(done.drop.map((one) => one.owed))).toEqual(['offline 1', 'recovered 2'])
  })
  test('has its end reported if its beginning may have arrived, however short it was', () => {
    const done = plan(spell(MIN, { uncertain: true }))
    expect([shown(done.send), done.drop]).toEqual([['offline 1'], []])
  })
  test('has its end reported if its beginning was delivered, however short it was', () => {
    expect(shown(plan([owed('recovered', 2, { spellMs: MIN })]).send)).toEqual(['recovered 2'])
  })
})

describe('rate-limit: at most `maxPerHour` emails to an address', () => {
  const three = ['a', 'b', 'c'].map((thread, i) => owed('failing', 1, { thread, createdAt: NOON + i }))
  test('the last that is allowed is sent; the first beyond takes all others with it', () => {
    const done = plan(three, times(29))
    expect(done.send.map((one) => one.notification.thread)).toEqual(['a.oncall'])
    expect(done.summarise.map((one) => [one.recipient, one.owed.map((o) => o.notification.thread)])).toEqual([
      ['oncall', ['b.oncall', 'c.oncall']],
    ])
  })
  test('one fewer, and two are sent', () => {
    expect(plan(three, times(28)).send).toHaveLength(2)
  })
  test('the summary itself is sent, though the ceiling is reached', () => {
    expect(shown(plan([owed('digest', 1)], times(30)).send)).toEqual(['digest 1'])
    expect(shown(plan([owed('digest', 1)], times(99)).send)).toEqual(['digest 1'])
  })
  test('once the summary was sent as well, the rest waits until the oldest email is an hour old', () => {
    const done = plan(three, times(31, 20 * MIN))
    expect([done.send, done.summarise]).toEqual([[], []])
    expect(done.nextAt).toBe(NOW - 20 * MIN - 30 + HOUR)
  })
  test('what was delivered in the future, before the clock was set back, does not count', () => {
    expect(plan(three, times(30, -HOUR)).send).toHaveLength(3)
  })
  test('emails of an hour ago no longer count', () => {
    expect(plan(three, times(30, HOUR)).send).toHaveLength(3)
    expect(plan(three, times(30, HOUR - 29)).send, 'all but one are a little younger').toHaveLength(1)
  })
  test('it counts by address: another recipient is not concerned', () => {
    const queue = [...three, owed('failing', 1, { to: 'team' })]
    expect(plan(queue, times(30)).send.map((one) => one.notification.recipient)).toEqual(['team'])
  })
  test('an address that two recipients share is counted once for both', () => {
    const shared = owed('failing', 1, { to: 'team', address: 'oncall@example.com' })
    expect(plan([shared], times(30)).send).toEqual([])
    expect(plan([shared, owed('failing', 1, { to: 'team' })], times(30)).send.map(({ address }) => address)).toEqual([
      'team@example.com',
    ])
  })
  test('what may have been accepted is finished as it was, never summed up', () => {
    const done = plan([owed('failing', 1, { uncertain: true })], times(99))
    expect([shown(done.send), done.summarise]).toEqual([['failing 1'], []])
  })
})

describe('for any queue', () => {
  const kinds = fc.constantFrom<MailKind>('failing', 'wider', 'reminder', 'recovered', 'now-explained', 'offline', 'dropped')
  const queue = fc
    .array(
      fc.record({
        kind: kinds,
        thread: fc.constantFrom('a', 'b'),
        to: fc.constantFrom('oncall', 'team'),
        uncertain: fc.boolean(),
        sending: fc.boolean(),
        wait: fc.nat(3),
      }),
      { maxLength: 12 },
    )
    .map((list) =>
      list.map((one, seq) =>
        owed(one.kind, seq, {
          thread: one.thread,
          to: one.to,
          uncertain: one.uncertain,
          state: one.sending ? 'sending' : 'due',
          nextAt: NOW - 1 + one.wait,
        }),
      ),
    )
  test('at most one email of a thread is sent at a time, nothing overtakes, and nothing is both sent and put away', () => {
    fc.assert(
      fc.property(queue, fc.nat(40), (owing, count) => {
        const done = plan(owing, times(count))
        const away = new Set([...done.merge, ...done.drop].map((one) => one.owed))
        expect(new Set(done.send.map((one) => one.notification.thread)).size).toBe(done.send.length)
        for (const one of done.send) {
          expect(away.has(one)).toBe(false)
          const earlier = owing.filter(
            (o) => o.notification.thread === one.notification.thread && o.notification.seq < one.notification.seq,
          )
          expect(earlier.every((o) => away.has(o))).toBe(true)
        }
        for (const one of away) expect(one.uncertain || one.state === 'sending').toBe(false)
      }),
    )
  })
  test('the queue is emptied: every email is sent, or reported by a later one that is', () => {
    fc.assert(
      fc.property(queue, (owing) => {
        let left = owing.map((one) => ({ ...one, nextAt: NOW }))
        for (let i = 0; i <= owing.length && left.length > 0; i++) {
          const done = plan(left, [], 1000)
          const away = [...done.send, ...done.merge.map((one) => one.owed), ...done.drop.map((one) => one.owed)]
          expect(away.length).toBeGreaterThan(0)
          for (const { owed: one, into } of done.merge) expect(into.notification.seq).toBeGreaterThan(one.notification.seq)
          left = left.filter((one) => !away.includes(one))
        }
        expect(left).toEqual([])
      }),
    )
  })
})

describe('what else a recovery has to report', () => {
  const delivered = { state: 'delivered', deliveredAt: NOON } as const
  test.for<[string, Owed[], MailKind, string | null, boolean]>([
    ['the failure was delivered: nothing', [owed('failing', 1, delivered)], 'recovered', null, false],
    ['the failure was merged into it: that', [owed('failing', 1, { state: 'merged' })], 'recovered', 'failing 1', true],
    ['the failure was refused: that', [owed('failing', 1, { state: 'refused' })], 'recovered', 'failing 1', true],
    [
      'the failure was refused and a later email was not: they know',
      [owed('failing', 1, { state: 'refused' }), owed('wider', 2, delivered)],
      'recovered',
      null,
      false,
    ],
    ['the failure may have arrived: nothing', [owed('failing', 1, { uncertain: true })], 'recovered', null, false],
    [
      'the first episode was delivered, the email about the second was not: that, in the thread that is there',
      [owed('failing', 1, delivered), owed('recovered', 2, delivered), owed('failing', 3, { state: 'merged' })],
      'recovered',
      'failing 3',
      false,
    ],
    [
      'flapping, misconfigured, blind, offline and escalated are failures',
      [owed('flapping', 1, { state: 'merged' })],
      'recovered',
      'flapping 1',
      true,
    ],
    [
      'a reminder is one for whom it would have been the first',
      [owed('reminder', 1, { state: 'merged' })],
      'recovered',
      'reminder 1',
      true,
    ],
    ['that AWS explained it is none', [owed('now-explained', 1, { state: 'merged' })], 'recovered', null, true],
    ['dropped is a recovery', [owed('failing', 1, { state: 'merged' })], 'dropped', 'failing 1', true],
    ['any other email reports nothing else', [owed('failing', 1, { state: 'refused' })], 'wider', null, true],
    ['nothing went before', [], 'failing', null, true],
  ])('%s', ([, earlier, kind, failure, nothingArrived]) => {
    const recovery = owed(kind, 9)
    const unsaid = unsaidBefore(recovery, [recovery, ...earlier, owed('failing', 10)])
    expect(unsaid.failure === null ? null : shown([unsaid.failure])[0]).toBe(failure)
    expect(unsaid.nothingArrived).toBe(nothingArrived)
  })
})

describe('family-change: a thread that went into another', () => {
  const old = (kind: MailKind, seq: number, given: Given = {}) => owed(kind, seq, { thread: 'old', ...given })
  const taker = (kind: MailKind, seq: number, given: Given = {}) => owed(kind, seq, { past: ['old'], ...given })
  test('what could not be sent there is reported by the next email here', () => {
    const queue = [old('failing', 1), owed('misconfigured', 1), taker('wider', 2), taker('reminder', 3)]
    expect(merged(queue)).toEqual(['failing > wider'])
    expect(shown(plan(queue).send), 'in order').toEqual(['misconfigured 1'])
  })
  test('or by the recovery that reports all of it', () => {
    const queue = [old('failing', 1), owed('misconfigured', 2), taker('recovered', 3)]
    expect(merged(queue)).toEqual(['failing > recovered', 'misconfigured > recovered'])
    expect(shown(plan(queue).send)).toEqual(['recovered 3'])
  })
  test('nothing here overtakes what may have arrived there', () => {
    const queue = [old('failing', 1, { uncertain: true, nextAt: NOW + 1 }), taker('recovered', 3)]
    expect(merged(queue)).toEqual([])
    expect(plan(queue)).toMatchObject({ send: [], nextAt: NOW + 1 })
  })
  test('a thread that went on by itself is no concern', () => {
    expect(merged([owed('failing', 1, { thread: 'else' }), taker('wider', 2)])).toEqual([])
  })
  test.for<[string, Owed[], MailKind, string | null]>([
    ['its failure never arrived', [old('failing', 1, { state: 'merged' })], 'wider', 'failing 1'],
    ['its failure was refused', [old('failing', 1, { state: 'refused' })], 'recovered', 'failing 1'],
    ['its failure arrived', [old('failing', 1, { state: 'delivered' })], 'recovered', null],
    [
      'an earlier email of this thread has said it',
      [old('failing', 1, { state: 'merged' }), taker('wider', 2, { state: 'delivered' })],
      'recovered',
      null,
    ],
    [
      'an earlier email would have said it, and was merged itself',
      [old('failing', 1, { state: 'merged' }), taker('wider', 2, { state: 'merged' })],
      'recovered',
      'failing 1',
    ],
    [
      'of two failures the earlier one',
      [old('failing', 1, { state: 'merged' }), owed('misconfigured', 2, { state: 'merged' })],
      'recovered',
      'failing 1',
    ],
    [
      'that one arrived, the one of this thread did not',
      [old('failing', 1, { state: 'delivered' }), owed('misconfigured', 2, { state: 'merged' })],
      'recovered',
      'misconfigured 2',
    ],
  ])('%s', ([, earlier, kind, failure]) => {
    const unsaid = unsaidBefore(taker(kind, 9), earlier)
    expect(unsaid.failure === null ? null : shown([unsaid.failure])[0]).toBe(failure)
  })
  test('a refused email of it is overtaken by what arrived here after it went in, not before', () => {
    const refused = old('failing', 1, { state: 'refused' })
    expect(overtakenBy(refused, [refused, owed('wider', 2, { state: 'delivered' })])).toBeNull()
    expect(overtakenBy(refused, [refused, taker('recovered', 3, { state: 'delivered' })])?.notification.seq).toBe(3)
  })
})

describe('rate-limit: what a summary says', () => {
  const told = (one: Owed, mails: readonly Owed[]) => summaryLines(one, mails).map((line) => line.split(' ')[1])
  test('a recovery with the failure that never arrived', () => {
    const recovery = owed('recovered', 2)
    expect(told(recovery, [recovery, owed('failing', 1, { state: 'merged' })])).toEqual(['failing:', 'recovered:'])
    expect(told(recovery, [recovery, owed('failing', 1, { state: 'delivered' })])).toEqual(['recovered:'])
  })
  test('what it said is not said again as if it had never arrived', () => {
    const failure = owed('failing', 1, { state: 'merged', error: SUMMARISED })
    expect(unsaidBefore(owed('recovered', 2), [failure])).toEqual({ failure: null, nothingArrived: true })
  })
})

describe('why an email never arrived', () => {
  const unreached = { attempts: 3, error: 'connect: ECONNREFUSED' }
  test.for<[string, Owed, Owed[], RegExp]>([
    [
      'it was tried',
      owed('failing', 1, { state: 'merged', ...unreached }),
      [],
      /^the mail server could not be reached \(connect/,
    ],
    [
      'it was refused',
      owed('failing', 1, { state: 'refused', attempts: 1, error: 'RCPT TO: 550 no' }),
      [],
      /^the mail server refused the first email/,
    ],
    [
      'it was answered',
      owed('failing', 1, { state: 'merged', attempts: 1, error: '451 later' }),
      [],
      /^the mail server did not accept the first/,
    ],
    [
      'it stood behind one that could not leave',
      owed('failing', 3, { state: 'merged', error: 'it was over before this could be delivered' }),
      [owed('failing', 1, { state: 'merged', ...unreached })],
      /^the mail server could not be reached/,
    ],
    [
      'it was never tried, nor any other',
      owed('failing', 1, { state: 'merged', error: 'it was over before this could be delivered' }),
      [],
      /^it was over before this/,
    ],
    ['nothing is known', owed('failing', 1), [], /^it was over before an email could be sent/],
  ])('%s', ([, failure, others, why]) => expect(whyUnsaid(failure, [...others, failure])).toMatch(why))
})

describe('when to try again', () => {
  test.for<[number, number]>([
    [1, RETRY_FIRST_MS],
    [2, 2 * RETRY_FIRST_MS],
    [3, 4 * RETRY_FIRST_MS],
    [6, 32 * RETRY_FIRST_MS],
    [7, RETRY_MOST_MS],
    [1000, RETRY_MOST_MS],
    [0, RETRY_FIRST_MS],
  ])('after attempt %i in %i ms, less a quarter at most', ([attempts, ms]) => {
    expect(retryAt(NOON, attempts, 0)).toBe(NOON + ms)
    expect(retryAt(NOON, attempts, 1)).toBe(NOON + 0.75 * ms)
  })
  test('never later than five minutes, never sooner than three quarters of five seconds', () => {
    expect([RETRY_FIRST_MS, RETRY_MOST_MS]).toEqual([5000, 5 * MIN])
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, random) => {
        const wait = retryAt(NOON, attempts, random) - NOON
        expect(wait).toBeGreaterThanOrEqual(0.75 * RETRY_FIRST_MS)
        expect(wait).toBeLessThanOrEqual(RETRY_MOST_MS)
      }),
    )
  })
})

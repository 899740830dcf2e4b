import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { event, MIN, NOON } from '../../test/given.ts'
import type { HealthEvent } from './outage.ts'
import { decideMessage, type Fate, isDeleted, type KeptEvent, type QueueContent } from './queue-message.ts'

const NOW = NOON
function told(changes: Partial<HealthEvent> = {}, toldAt = changes.updatedAt ?? NOON - 10 * MIN): QueueContent {
  return { kind: 'event', toldAt, event: event({ sources: ['queue'], ...changes }) }
}
const closed = (at: number) => ({ status: 'closed' as const, endedAt: at, updatedAt: at })

/** Takes messages in this order, and says what became of each and what is kept. */
function take(...contents: readonly QueueContent[]): Readonly<{ fates: readonly Fate[]; kept: KeptEvent | undefined }> {
  let kept: KeptEvent | undefined
  const fates = contents.map((content) => {
    const decided = decideMessage(content, kept, NOW)
    kept = decided.kept ?? kept
    return decided.fate
  })
  return { fates, kept }
}

test.for<[string, readonly QueueContent[], readonly Fate[]]>([
  ['the first message', [told()], ['taken']],
  ['delivered twice', [told(), told()], ['taken', 'known']],
  ["the backup region's copy, handed over a little later", [told(), told({}, NOON - 9 * MIN)], ['taken', 'known']],
  ['an update', [told(), told({ updatedAt: NOON - 5 * MIN, text: 'We are recovering.' })], ['taken', 'taken']],
  ['an older update after a newer one', [told({ updatedAt: NOON - 5 * MIN }), told()], ['taken', 'outdated']],
  ['an open form after its own end', [told(closed(NOON - 5 * MIN)), told()], ['taken', 'outdated']],
  ['an abuse report', [{ kind: 'beside', why: 'an abuse report' }], ['beside']],
  ['what cannot be read', [{ kind: 'unreadable', why: 'no detail' }], ['left']],
  ["somebody else's message", [{ kind: 'foreign', why: 'it is not JSON' }], ['left']],
  [
    'the same event for another member account',
    [
      told({ scope: 'ACCOUNT_SPECIFIC', owners: ['111122223333'] }),
      told({ scope: 'ACCOUNT_SPECIFIC', owners: ['444455556666'] }),
      told({ scope: 'ACCOUNT_SPECIFIC', owners: ['111122223333'] }),
    ],
    ['taken', 'taken', 'known'],
  ],
])('%s', ([, contents, fates]) => expect(take(...contents).fates).toEqual(fates))

test('only what AWS Health has sent is deleted', () =>
  expect((['taken', 'known', 'outdated', 'beside', 'left'] as const).filter(isDeleted)).toEqual([
    'taken',
    'known',
    'outdated',
    'beside',
  ]))

test('of two forms of the same second the one that says that it is over counts, whichever comes first', () => {
  const at = NOON - 5 * MIN
  const [open, over] = [told({ updatedAt: at }), told(closed(at))]
  for (const order of [
    [open, over],
    [over, open],
  ])
    expect(take(...order).kept?.event.status).toBe('closed')
})

test('each account that received an event is remembered', () => {
  const owners = ['111122223333', '444455556666', '777788889999']
  const messages = owners.map((one) => told({ scope: 'ACCOUNT_SPECIFIC', owners: [one] }))
  expect(take(...messages).kept?.event.owners).toEqual(owners)
})

test('the text of an older update is kept too: it may be the one that names the region', () => {
  const late = take(
    told({ updatedAt: NOON - 5 * MIN, text: 'We are recovering.' }),
    told({ text: 'Increased error rates in the US-EAST-1 Region.' }),
  )
  expect(late.kept?.event.text).toContain('US-EAST-1')
  expect(late.kept?.event.text.endsWith('We are recovering.')).toBe(true)
})

describe('in whatever order messages come, and however often', () => {
  const message = fc.record({
    updatedAt: fc.integer({ min: 0, max: 5 }).map((n) => NOON - 30 * MIN + n * MIN),
    isOver: fc.boolean(),
    owner: fc.constantFrom('111122223333', '444455556666'),
    delay: fc.integer({ min: 0, max: 3 }),
  })
  test('what is known at the end is the same', () =>
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), fc.infiniteStream(fc.nat()), (drawn, order) => {
        const contents = drawn.map(({ updatedAt, isOver, owner, delay }) =>
          told(
            { ...(isOver ? closed(updatedAt) : { updatedAt }), scope: 'ACCOUNT_SPECIFIC', owners: [owner] },
            updatedAt + delay * 1_000,
          ),
        )
        const shuffled = [...contents, ...contents]
          .map((content) => ({ content, key: order.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ content }) => content)
        const facts = ({ kept }: ReturnType<typeof take>) => {
          const { text: _text, ...rest } = kept?.event ?? event()
          return rest
        }
        expect(facts(take(...shuffled))).toEqual(facts(take(...contents)))
      }),
    ))
})

/* The rule `choice`: who chooses kinds gets those, everybody else gets what they would have got, and nothing is left out silently. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { event, MIN, NOON } from '../../test/given.ts'
import { Story } from '../../test/story.ts'
import { CHOICES, type Choice, choosesFirst, isChosen } from './choice.ts'
import type { MailKind } from './notification.ts'
import type { Family } from './probe.ts'

describe('whether an email is wanted', () => {
  test.for<[MailKind, Family, 'first' | 'later', readonly Choice[], boolean]>([
    ['failing', 'outage', 'first', ['failing'], true],
    ['failing', 'outage', 'first', ['recovered'], false],
    ['flapping', 'outage', 'first', ['failing'], true],
    ['escalated', 'outage', 'first', ['failing'], true],
    ['still-failing', 'outage', 'later', ['failing'], true],
    ['still-failing', 'outage', 'later', ['wider', 'recovered'], false],
    ['escalated', 'misconfigured', 'first', ['failing'], false],
    ['escalated', 'misconfigured', 'first', ['misconfigured'], true],
    ['blind', 'blind', 'first', ['failing', 'blind'], true],
    ['reminder', 'outage', 'later', ['failing', 'recovered'], false],
    ['reminder', 'outage', 'later', ['failing', 'reminder'], true],
    ['reminder', 'outage', 'first', ['reminder'], true],
    ['reminder', 'misconfigured', 'first', ['failing', 'reminder'], false],
    ['recovered', 'outage', 'later', ['failing', 'recovered'], true],
    ['recovered', 'outage', 'first', ['failing', 'recovered'], false],
    ['recovered', 'outage', 'first', ['reminder', 'recovered'], false],
    ['recovered', 'outage', 'first', ['recovered'], true],
    ['recovered', 'misconfigured', 'later', ['failing', 'recovered'], true],
    ['dropped', 'outage', 'later', ['failing', 'recovered'], true],
    ['now-explained', 'outage', 'first', ['now-explained', 'recovered'], true],
    ['offline', 'offline', 'first', ['recovered'], true],
  ])('%s about %s as a %s email, for %j: %j', ([kind, family, order, kinds, wanted]) => {
    expect(isChosen({ kinds }, { kind, family, isFollowUp: order === 'later' })).toBe(wanted)
  })

  test('without `kinds` every email is wanted', () => {
    expect(isChosen({}, { kind: 'recovered', family: 'outage', isFollowUp: true })).toBe(true)
    expect([choosesFirst({}, 'blind'), choosesFirst({ kinds: ['failing'] }, 'blind')]).toEqual([true, false])
  })
})

const BOTH = { recipients: { oncall: null, pager: null }, monitors: [{ notify: ['oncall', 'pager'] }] } as const
const outage = (story: Story) => story.runs('ooFFFFFFoooo')
const posted = (minute: number) => event({ startedAt: NOON + minute * MIN, updatedAt: NOON + minute * MIN })

describe('choice: an email of a kind that a recipient did not choose is not sent to them', () => {
  test.for<[string, readonly Choice[], (story: Story) => Story, readonly string[]]>([
    ['beginning and end', ['failing', 'recovered'], outage, ['4 failing', '9 recovered']],
    ['the beginning alone', ['failing'], outage, ['4 failing']],
    ['the end alone', ['recovered'], outage, ['9 recovered']],
    ['not the end of what they were not notified of', ['misconfigured', 'recovered'], outage, []],
    [
      'reminders first',
      ['reminder', 'recovered'],
      (s) => s.goes('internal').pass(250).runs('oo'),
      ['243 reminder', '251 recovered'],
    ],
    ['no reminder of an end', ['reminder', 'recovered'], outage, []],
    ['a refusal', ['misconfigured'], (s) => s.runs('DDDoo'), ['2 misconfigured']],
    [
      'an explanation that comes late',
      ['failing', 'now-explained'],
      (s) => s.runs('FFF').aws(posted(2)).runs('FF'),
      ['2 failing', '3 now-explained'],
    ],
    [
      'no such explanation',
      ['failing', 'recovered'],
      (s) => s.runs('FFF').aws(posted(2)).runs('FFoo'),
      ['2 failing', '6 recovered'],
    ],
  ])('%s', ([, kinds, play, expected]) => {
    const { said } = play(new Story({ ...BOTH, kinds: { pager: kinds } }))
    const theirs = said.flatMap((line) => (line.endsWith(' > pager') ? [line.replace(' > pager', '')] : []))
    expect(theirs).toEqual(expected)
  })

  test('each of them is on record, before what was sent to others', () => {
    const story = outage(new Story({ ...BOTH, kinds: { pager: ['recovered'] } }))
    expect(story.why('withheld')).toContain(
      '4 (choice) failing is not sent to pager, who did not choose it (recipients.NAME.kinds)',
    )
    const rows = story.ledger.filter(({ minute, rule, decision }) => minute === 4 && (rule === 'choice' || decision === 'mailed'))
    expect(rows).toMatchObject([{ decision: 'withheld' }, { decision: 'mailed', evidence: { to: ['oncall'] } }])
  })

  test('a recipient who chooses the first email while it fails gets it', () => {
    const story = new Story({ ...BOTH, kinds: { pager: ['recovered', 'reminder'] } }).runs('ooFFFF')
    story.configure(BOTH)
    expect(story.runs('FFoo').said).toEqual([
      '4 failing > oncall',
      '6 failing > pager',
      '9 recovered > oncall',
      '9 recovered > pager',
    ])
  })

  test('a new name for the addresses of a recipient who was not emailed does not count as emailed', () => {
    const addresses = { pager: ['p@example.com'], second: ['p@example.com'] }
    const story = new Story({ ...BOTH, addresses, kinds: { pager: ['recovered'] } }).runs('ooFFFF')
    story.configure({ recipients: { oncall: null, second: null }, monitors: [{ notify: ['oncall', 'second'] }], addresses })
    expect(story.goes('internal').pass(300).said).toContainEqual(expect.stringMatching(/ > second$/))
  })

  test('an end is announced in the thread that a change of family was not', () => {
    const story = new Story({ ...BOTH, kinds: { pager: ['failing', 'recovered'] } }).runs('ooFFFFDDDDDoo')
    expect(story.said.filter((line) => line.endsWith('pager'))).toEqual(['4 failing > pager', '12 recovered > pager'])
  })

  const someKinds = fc.uniqueArray(fc.constantFrom(...CHOICES), { minLength: 1 })
  const letters = fc.array(fc.constantFrom('o', 'o', 'F', 'F', 'F', 'D', 't', '_'), { minLength: 20, maxLength: 90 })
  test('what one recipient chooses changes nothing for another', () => {
    fc.assert(
      fc.property(someKinds, letters, fc.boolean(), (kinds, runs, late) => {
        const recipients = { oncall: null, pager: late ? 10 * MIN : null }
        const saidWith = (chosen: Readonly<Record<string, readonly Choice[]>>) =>
          new Story({ ...BOTH, recipients, kinds: chosen, policy: { remindEveryMs: 20 * MIN } }).runs(runs.join('')).said
        const all = saidWith({})
        const some = saidWith({ pager: kinds })
        const of = (said: readonly string[], name: string) => said.filter((line) => line.endsWith(` > ${name}`))
        expect(of(some, 'oncall')).toEqual(of(all, 'oncall'))
        expect(of(all, 'pager')).toEqual(expect.arrayContaining(of(some, 'pager')))
      }),
      { numRuns: 60 },
    )
  })
})

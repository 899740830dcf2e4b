import { expect, test } from 'vitest'
import { MINUTE_MS } from './probe.ts'
import { ailments, CYCLE_GOOD_FOR_MS, DISK_GOOD_FOR_MS, MAIL_GOOD_FOR_MS, type Vitals } from './self-check.ts'

const WELL: Vitals = {
  cycleAgoMs: 20_000,
  diskAgoMs: 30_000,
  readings: [{ partition: 'aws', agoMs: 14 * MINUTE_MS, why: '' }],
  idleEveryMs: 15 * MINUTE_MS,
  askingMs: 10_000,
  mail: { agoMs: 4 * MINUTE_MS, why: null },
  reasons: [],
}
const reading = (agoMs: number): Partial<Vitals> => ({ readings: [{ partition: 'aws', agoMs, why: 'HTTP 503' }] })

test.for<[string, Partial<Vitals>, readonly string[]]>([
  ['everything is ok', {}, []],
  ['a slow cycle is ok', { cycleAgoMs: CYCLE_GOOD_FOR_MS }, []],
  ['a cycle that does not end', { cycleAgoMs: CYCLE_GOOD_FOR_MS + 1 }, ['the main loop has not completed a cycle for 2m']],
  ['a disk that takes nothing', { diskAgoMs: DISK_GOOD_FOR_MS + 1 }, ['the database could not be written for 2m']],
  ['a reading that is missed once', reading(30 * MINUTE_MS), []],
  ['AWS Health that is silent', reading(31 * MINUTE_MS), ['AWS Health (aws) has not answered for 31m: HTTP 503']],
  ['no source is switched on', { readings: [] }, []],
  ['short intervals are no reason for haste', { ...reading(9 * MINUTE_MS), idleEveryMs: 1_000 }, []],
  ['a mail server that hiccups', { mail: { agoMs: MAIL_GOOD_FOR_MS, why: '421' } }, []],
  [
    'a mail server that is gone',
    { mail: { agoMs: MAIL_GOOD_FOR_MS + 1, why: '421 later' } },
    ['the mail server could not be used for 15m: 421 later'],
  ],
  [
    'a mail server that never accepted our login',
    { mail: { agoMs: null, why: '535 no' } },
    ['the mail server could not be used since the start: 535 no'],
  ],
  ['the mail server was not asked yet', { mail: { agoMs: null, why: null } }, []],
  ['what the page says comes first', { reasons: ['monitor a has not run for 9m'] }, ['monitor a has not run for 9m']],
])('%s', ([, over, found]) => expect(ailments({ ...WELL, ...over })).toEqual(found))

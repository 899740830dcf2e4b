import { describe, expect, test } from 'vitest'
import type { Outcome } from './probe.ts'
import { rebaseConnectivity, rebaseIncident, rebaseProbe, redateOutcome } from './rebase.ts'
import { INITIAL_CONNECTIVITY, newProbeState } from './state.ts'

const T = Date.UTC(2026, 10, 22, 12)
const H3 = 3 * 3_600_000

/** Every number in a value that is an instant of about now, by path. */
function instants(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return Math.abs(value - T) < 30 * 24 * 3_600_000 ? [[path, value]] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => instants(inner, `${path}.${key}`))
}

const outcome = {
  probe: 'p',
  startedAt: T + 1,
  endedAt: T + 2,
  result: 'failed' as const,
  kind: 'unreachable' as const,
  control: { at: T + 3, ms: 5, reached: true, detail: '' },
  tries: [
    {
      at: T + 4,
      ms: 5,
      kind: 'unreachable' as const,
      error: 'E',
      message: '',
      status: null,
      requestId: null,
      apigwId: null,
      traceId: null,
      service: 'ACCOUNT' as const,
      region: 'us-east-1',
      skewMs: null,
    },
  ],
}
const alibi = {
  arn: 'arn',
  code: 'c',
  service: 'IAM',
  region: 'global',
  status: 'open' as const,
  startedAt: T + 5,
  endedAt: null,
  updatedAt: T + 6,
  sources: [],
  text: '',
  match: 'related' as const,
}

describe('when the clock was set, every instant of ours moves by as much', () => {
  test('a probe', () => {
    const state = {
      ...newProbeState('p', T),
      recent: [{ at: T + 1, family: null }],
      onset: T + 2,
      okSince: T + 3,
      lastOkAt: T + 4,
      lastRunAt: T + 5,
      lastConclusiveAt: T + 6,
      lastUncleanAt: T + 7,
      gap: { from: T + 8, to: T + 9, why: '' },
      trail: [outcome],
    }
    const before = instants(state)
    expect(before.length).toBeGreaterThan(12)
    expect(instants(rebaseProbe(state, H3))).toEqual(before.map(([path, at]) => [path, at + H3]))
  })

  test('an incident, but for what AWS dated', () => {
    const incident = {
      id: 'i',
      partition: 'aws' as const,
      family: 'outage' as const,
      state: 'announced' as const,
      continues: null,
      openedAt: T,
      episodeAt: T + 1,
      announcedAt: T + 2,
      heldUntil: T + 22,
      closedAt: T + 3,
      closedAs: null,
      members: [
        {
          probe: 'p',
          monitor: 'm',
          account: 'self',
          operation: 'ListRegions',
          state: 'failing' as const,
          onset: T + 4,
          lastOkAt: T + 5,
          gap: { from: T + 6, to: T + 7, why: '' },
          failedAt: T + 8,
          recoveredAt: T + 9,
          lastRunAt: T + 10,
          lastFailedAt: T + 11,
          evidence: [outcome],
          judgement: {
            verdict: { kind: 'explained' as const, by: alibi, why: '', rejected: [] },
            carried: null,
            alibi: { arn: 'arn', confirmedAt: T + 12, until: T + 13, open: true },
            lapsed: { arn: 'arn', at: T + 14, cause: 'over' as const, why: '' },
            readAt: T + 15,
            ends: [{ arn: 'arn', at: T + 20 }],
          },
        },
      ],
      audience: [
        {
          recipient: 'oncall',
          to: ['oncall@example.com'],
          subject: '',
          root: '',
          open: true,
          monitors: [],
          reopened: 0,
          heard: {
            at: T + 20,
            failing: 1,
            widerAt: T + 21,
            verdict: 'explained' as const,
            lapse: null,
            explained: true,
            events: [],
          },
        },
      ],
      seq: 1,
      lastMailAt: T + 16,
      withheld: null,
      verdict: 'explained' as const,
      namedEvents: [],
      into: [],
      notified: null,
      added: [],
      alibis: [],
      explainedBy: null,
      leadMinutes: 3,
      hindsight: [{ arn: 'a', code: 'c', at: T + 18, why: '' }],
      reopenedAt: [T + 19],
      flapping: false,
    }
    const before = instants(incident)
    const expected = before.map(([path, at]) => [path, path.includes('.by.') ? at : at + H3])
    expect(expected.filter(([path]) => String(path).includes('.by.'))).toHaveLength(2)
    expect(instants(rebaseIncident(incident, H3))).toEqual(expected)
  })

  test('the control calls', () => {
    const connectivity = {
      ...INITIAL_CONNECTIVITY,
      failingSince: T,
      controlFailedAt: T + 4,
      lastAt: T + 1,
      lastAnswerAt: T + 2,
      offlineSince: T + 3,
    }
    expect(instants(rebaseConnectivity(connectivity, -H3))).toEqual(instants(connectivity).map(([path, at]) => [path, at - H3]))
  })
})

describe('a run that is under way when the clock is set', () => {
  const one = outcome.tries[0]!
  /** It began at 100 on the monotonic clock; its tries take five seconds each, a pause of one lies between them. */
  const run = (wall: readonly number[]): Outcome => {
    const [startedAt = 0, first = 0, second = 0, controlAt = 0, endedAt = 0] = wall
    const tries = [first, second].map((at) => ({ ...one, at, ms: 5_000 }))
    return { ...outcome, startedAt, endedAt, tries, control: { at: controlAt, ms: 90, reached: false, detail: '' } }
  }
  const times = ({ startedAt, endedAt, tries, control }: Outcome) => [
    startedAt,
    ...tries.map(({ at }) => at),
    control?.at ?? 0,
    endedAt,
  ]
  const truth = [0, 0, 6_000, 11_000, 11_090]

  test.for([H3, -H3, 20_000, -20_000])('is dated whole by the clock of now, which was set by %i ms', (by) => {
    const setSince = (wall: number, monotonic: number) => {
      const offset = wall - (T + monotonic - 100)
      return Math.abs(offset) < Math.abs(offset - by) ? by : 0
    }
    for (let set = 0; set <= truth.length; set++) {
      const dated = run(truth.map((at, i) => T + at + (i < set ? 0 : by)))
      expect(times(redateOutcome(dated, 100, setSince)), `${set} of its times lie before`).toEqual(truth.map((at) => T + at + by))
    }
  })
})

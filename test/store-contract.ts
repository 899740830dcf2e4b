import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Incident, Member } from '../src/domain/incident.ts'
import { summaryOf } from '../src/domain/incident-summary.ts'
import type { LedgerRow } from '../src/domain/ledger.ts'
import type { Facts, Notification, Owed } from '../src/domain/notification.ts'
import type { HealthEvent, HealthReading } from '../src/domain/outage.ts'
import { incidentPatterns } from '../src/domain/patterns.ts'
import type { Outcome } from '../src/domain/probe.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/domain/probe.ts'
import type { KeptEvent } from '../src/domain/queue-message.ts'
import { newQueueRecord } from '../src/domain/queue-record.ts'
import type { Connectivity, ProbeState } from '../src/domain/state.ts'
import type { Change, Store } from '../src/ports/store.ts'
import { StoreError } from '../src/ports/store.ts'
import { silence } from './given.ts'

const ONCALL = 'oncall@example.com'

export const T0 = Date.UTC(2026, 10, 22, 12)

export const NOTHING: Change = {
  incidents: [],
  probes: [],
  selfAlerts: { set: [], cleared: [] },
  connectivity: null,
  ledger: [],
  notifications: [],
  outcomes: [],
  readings: [],
}

export function anOutcome(probe: string, at: number, result: Outcome['result'] = 'ok', ms = 120): Outcome {
  const base = {
    probe,
    startedAt: at,
    endedAt: at + ms,
    control: null,
    tries: [
      {
        at,
        ms,
        kind: result === 'ok' ? null : ('internal' as const),
        error: result === 'ok' ? null : 'InternalServerException',
        message: result === 'ok' ? null : 'An internal error — "quoted", \u0000 and 🦊',
        status: result === 'ok' ? 200 : 500,
        requestId: `request-${at}`,
        apigwId: null,
        traceId: null,
        service: 'ACCOUNT' as const,
        region: 'us-east-1',
        skewMs: -3,
      },
    ],
  }
  if (result === 'ok') return { ...base, result, kind: null }
  return result === 'failed' ? { ...base, result, kind: 'internal' } : { ...base, result, kind: 'throttled' }
}

/*
 * An incident, a state and an email's facts are documents to a store: it reads no more of them than is named here.
 */

export function anIncident(id: string, over: Partial<Incident> = {}): Incident {
  const looked = {
    id,
    partition: 'aws',
    family: 'outage',
    state: 'announced',
    openedAt: T0,
    episodeAt: T0,
    closedAt: null,
    closedAs: null,
    seq: 1,
  }
  return {
    ...looked,
    members: [],
    audience: [{ recipient: 'oncall', to: ['oncall@example.com'] }],
    ...over,
  } as unknown as Incident
}

export function aMember(probe: string, over: Partial<Member> = {}): Member {
  const looked = {
    probe,
    monitor: 'm',
    account: 'self',
    operation: 'ListRegions',
    state: 'failing',
    onset: T0,
    recoveredAt: null,
  }
  const verdict = { kind: 'unexplained', why: 'none fits', rejected: [] }
  return { ...looked, evidence: [anOutcome(probe, T0, 'failed')], judgement: { verdict }, ...over } as unknown as Member
}

export function aNotification(id: string, over: Partial<Notification> = {}): Notification {
  return {
    id,
    messageId: `<${id}@example.com>`,
    kind: 'failing',
    incident: 'a3f9',
    thread: 'a3f9.oncall',
    seq: 1,
    recipient: 'oncall',
    to: ['oncall@example.com'],
    inReplyTo: null,
    createdAt: T0,
    facts: { kind: 'failing', at: T0, subject: id } as Facts,
    ...over,
  }
}

export function aRow(reason: string, over: Partial<LedgerRow> = {}): LedgerRow {
  return {
    at: T0,
    incident: 'a3f9',
    probe: null,
    decision: 'opened',
    reason,
    rule: 'first-email',
    evidence: { near: ['miss'] },
    ...over,
  }
}

function aState(probe: string, over: Partial<ProbeState> = {}): ProbeState {
  const looked = { probe, recent: [{ at: T0, family: 'outage' }], status: 'failing', onset: T0, incident: 'a3f9', gap: null }
  return { ...looked, ...over } as unknown as ProbeState
}

function aConnectivity(over: Partial<Connectivity> = {}): Connectivity {
  return { everReached: true, failures: 2, lastAt: T0, offlineSince: T0, incident: 'x', ...over } as unknown as Connectivity
}

export type Opened = Readonly<{
  store: Store
  /** As a new process would find it; the first one need not have been closed. */
  reopen(): Promise<Store>
  dispose(): Promise<void>
}>

/** What every store does, whatever it keeps its data in. A second one (over a server, say) passes this, and is done. */
export function storeContract(name: string, open: () => Promise<Opened>): void {
  describe(`the store contract: ${name}`, () => {
    let opened: Opened
    let store: Store
    beforeEach(async () => {
      opened = await open()
      store = opened.store
    })
    afterEach(() => opened.dispose())

    const commit = (change: Partial<Change>) => store.commit({ ...NOTHING, ...change })
    const ids = (owed: readonly { notification: Notification }[]) => owed.map((o) => o.notification.id)

    test('a new store holds nothing', async () => {
      expect(await store.load(0)).toEqual({ probes: [], incidents: [], selfAlerts: [], connectivity: null, lastAlive: null })
      expect(await store.incidents(10)).toEqual([])
      expect(await store.incident('a3f9')).toBeNull()
      expect(await store.ledger({}, 10)).toEqual([])
      expect(await store.strip('p', 0)).toEqual([])
      expect(await store.hours('p', 0)).toEqual([])
      expect(await store.owed(10)).toEqual([])
      expect(await store.sweep({ runs: T0, hours: T0 }, 10)).toBe(0)
    })

    test('the rejected events of members that have the same ones are read as they were', async () => {
      const judgedBy = (reading: number) => {
        const rejected = [
          { arn: 'arn:1', code: 'C', region: null, status: 'open', test: 'place', why: `reading ${reading}: \u0000` },
        ]
        return { judgement: { verdict: { kind: 'unexplained', why: 'none fits', rejected } } as unknown as Member['judgement'] }
      }
      const put = (members: readonly Member[]) => commit({ incidents: [anIncident('a3f9', { members })] })
      const none = aMember('p0')
      await put([none, aMember('p1', judgedBy(1)), aMember('p2', judgedBy(1)), aMember('p3', judgedBy(1))])
      const members = [none, aMember('p1', judgedBy(2)), aMember('p2', judgedBy(1)), aMember('p4', judgedBy(2))]
      await put(members)
      expect((await store.incident('a3f9'))?.members).toEqual(members)
      const next = await opened.reopen()
      expect((await next.load(0)).incidents[0]?.members).toEqual(members)
      // Another process writes all of them anew.
      const last = [aMember('p1', judgedBy(3)), none]
      await next.commit({ ...NOTHING, incidents: [anIncident('a3f9', { members: last, state: 'closed', closedAt: T0 })] })
      expect((await next.incident('a3f9'))?.members).toEqual(last)
    })

    test('what was committed is there for the next process, all of it', async () => {
      const members = [aMember('m/self/ListRegions'), aMember('m/self/GetContactInformation')]
      const incident = anIncident('a3f9', { members, hindsight: [{ arn: 'arn:1', code: 'C', at: T0, why: 'zu spät' }] })
      const state = aState('m/self/ListRegions')
      const selfAlert = { key: 'api', since: T0, text: 'no support plan' }
      const connectivity = aConnectivity()
      await commit({
        incidents: [incident],
        probes: [state],
        selfAlerts: { set: [selfAlert], cleared: [] },
        connectivity,
        ledger: [aRow('opened')],
        notifications: [aNotification('a3f9.1.x')],
        outcomes: [{ outcome: anOutcome(state.probe, T0, 'failed'), incident: 'a3f9' }],
      })
      await store.alive({ at: T0 + 5 })
      const next = await opened.reopen()
      expect(await next.load(0)).toEqual({
        probes: [state],
        incidents: [incident],
        selfAlerts: [selfAlert],
        connectivity,
        lastAlive: { at: T0 + 5 },
      })
      expect(await next.ledger({}, 10)).toEqual([aRow('opened')])
      expect(await next.owed(10)).toEqual([
        {
          notification: aNotification('a3f9.1.x'),
          address: ONCALL,
          state: 'due',
          attempts: 0,
          nextAt: T0,
          error: null,
          uncertain: false,
          noSession: false,
          deliveredAt: null,
          reply: null,
          wording: null,
        },
      ])
      expect(await next.runs('a3f9', 10)).toEqual([anOutcome(state.probe, T0, 'failed')])
      expect(await next.strip(state.probe, T0)).toEqual([{ at: T0, ms: 120, mark: 'failed' }])
    })

    test('incidents, probe states and connectivity are replaced whole; a null connectivity leaves the old one', async () => {
      const connectivity = aConnectivity()
      await commit({ incidents: [anIncident('a')], probes: [aState('p')], connectivity })
      await commit({ incidents: [anIncident('a', { seq: 2 })], probes: [aState('p', { status: 'ok', incident: null })] })
      expect(await store.load(0)).toMatchObject({
        incidents: [{ seq: 2 }],
        probes: [{ status: 'ok', incident: null }],
        connectivity,
      })
    })

    test('members are what they were last said to be, in that order: changed, joined, gone, come back, in two places', async () => {
      const [a, b, c] = [aMember('a'), aMember('b'), aMember('c')]
      const well = { ...b, state: 'recovered' as const }
      const turns: readonly (readonly Member[])[] = [
        [a, b],
        [a, well],
        [a, well, c],
        [well, c],
        [c, a, well],
        [a, a, b],
        [],
        [b],
        Array.from({ length: 40 }, (_, i) => aMember(`p${i}`)),
      ]
      const other = anIncident('other', { members: [c, b] })
      await commit({ incidents: [other] })
      for (const members of turns) {
        const incident = anIncident('a3f9', { members })
        await commit({ incidents: [incident] })
        expect(await store.incident('a3f9')).toEqual(incident)
      }
      // One that closes, one that opens again, and one that nobody has written in this process.
      for (const [state, members] of [
        ['closed', [a]],
        ['announced', [b, a]],
        ['closed', [b, a, c]],
      ] as const) {
        const incident = anIncident('a3f9', { state, closedAt: state === 'closed' ? T0 : null, members })
        await commit({ incidents: [incident] })
        store = await opened.reopen()
        expect(await store.incident('a3f9')).toEqual(incident)
      }
      expect(await store.incident('other')).toEqual(other)
      expect((await store.incidents(10)).map(({ probes }) => probes.length).sort()).toEqual([2, 3])
    })

    test('self-alerts are set and cleared; setting wins when one change does both', async () => {
      const selfAlert = (key: string, text: string) => ({ key, since: T0, text })
      await commit({ selfAlerts: { set: [selfAlert('a', '1'), selfAlert('b', '1')], cleared: [] } })
      await commit({ selfAlerts: { set: [selfAlert('b', '2')], cleared: ['a', 'b', 'never-set'] } })
      expect((await store.load(0)).selfAlerts).toEqual([selfAlert('b', '2')])
    })

    test('what is changed after a commit was not committed', async () => {
      const to = ['oncall@example.com']
      await commit({ notifications: [aNotification('n', { to })] })
      to.push('late@example.com')
      expect((await store.owed(1))[0]?.notification.to).toEqual(['oncall@example.com'])
    })

    test('load gives the incidents that are open or closed at or after the moment', async () => {
      const closed = (id: string, closedAt: number) => anIncident(id, { state: 'closed', closedAt, closedAs: 'recovered' })
      await commit({ incidents: [closed('old', T0 - 1), closed('lately', T0), anIncident('open', { state: 'suppressed' })] })
      expect((await store.load(T0)).incidents.map((i) => i.id).sort()).toEqual(['lately', 'open'])
    })

    test('a list says of an incident what its members say, whether it is open, closed or open again', async () => {
      const members = [aMember('a'), aMember('b', { onset: T0 + 1, recoveredAt: T0 + 9, state: 'recovered' })]
      for (const changes of [
        { members: [] },
        { state: 'closed', closedAt: T0 + 9, members },
        { state: 'announced', closedAt: null, members: members.slice(1) },
        { state: 'closed', closedAt: T0 + 99, family: 'offline', members: [] },
        { state: 'closed', closedAt: T0 + 99, members: [...members, aMember('c')] },
      ] as const) {
        const incident = anIncident('a3f9', changes)
        await commit({ incidents: [incident] })
        for (const _ of ['in this process', 'read back']) {
          expect(await store.incidents(1)).toEqual([summaryOf(incident)])
          expect(await store.patterns(1)).toEqual([incidentPatterns(incident)])
          store = await opened.reopen()
        }
      }
    })

    test('a list holds only what is closed, where that is asked for', async () => {
      const closed = (id: string, openedAt: number) => anIncident(id, { state: 'closed', closedAt: T0 + 9, openedAt })
      await commit({
        incidents: [closed('a', T0), anIncident('b', { openedAt: T0 + 1 }), closed('c', T0 + 2), closed('d', T0 + 3)],
      })
      expect((await store.incidents(2, 'closed')).map(({ id }) => id)).toEqual(['d', 'c'])
      expect((await store.incidents(9, 'closed')).map(({ id }) => id)).toEqual(['d', 'c', 'a'])
      expect((await store.patterns(2)).map(({ id }) => id)).toEqual(['d', 'c'])
    })

    test('incidents come newest first, at most the limit; one comes by its id', async () => {
      await commit({ incidents: [anIncident('b', { openedAt: T0 + 2 }), anIncident('c', { openedAt: T0 + 3 }), anIncident('a')] })
      expect((await store.incidents(2)).map((i) => i.id)).toEqual(['c', 'b'])
      expect((await store.incident('a'))?.id).toBe('a')
    })

    test('the ledger comes oldest first, since a moment, at most the limit: the first of everything, the newest of an incident', async () => {
      await commit({
        ledger: [aRow('2', { at: T0 + 2 }), aRow('3', { at: T0 + 3, incident: null }), aRow('3 too', { at: T0 + 3 })],
      })
      await store.settle([], [aRow('1', { at: T0 + 1, incident: 'b' })])
      const reasons = async (...args: Parameters<Store['ledger']>) => (await store.ledger(...args)).map((row) => row.reason)
      expect(await reasons({}, 10)).toEqual(['1', '2', '3', '3 too'])
      expect(await reasons({}, 2)).toEqual(['1', '2'])
      expect(await reasons({ incident: 'a3f9' }, 10)).toEqual(['2', '3 too'])
      expect(await reasons({ incident: 'a3f9' }, 1)).toEqual(['3 too'])
      expect(await store.counts('a3f9')).toEqual({ ledger: 2, runs: 0 })
      expect(await reasons({ since: T0 + 3 }, 10)).toEqual(['3', '3 too'])
      expect(await reasons({ incident: 'b', since: T0 + 2 }, 10)).toEqual([])
    })

    test('a notification that is already there is left as it is, whatever became of it', async () => {
      await commit({ notifications: [aNotification('n')] })
      await store.settle([{ id: 'n', address: ONCALL, state: 'delivered', deliveredAt: T0 + 1, reply: '250 ok' }], [])
      await commit({ notifications: [aNotification('n', { to: ['other@example.com'] })] })
      await store.settle([], [], [aNotification('n', { to: ['other@example.com'] })])
      expect(await store.owed(10)).toEqual([])
      expect(await store.mails('a3f9')).toMatchObject([
        { notification: { to: ['oncall@example.com'] }, state: 'delivered', deliveredAt: T0 + 1, reply: '250 ok' },
      ])
    })

    test('owed: within a thread by sequence, and the first of each thread before the second of any', async () => {
      const late = { createdAt: T0 - HOUR_MS }
      await commit({
        notifications: [
          aNotification('a3', { seq: 3 }),
          aNotification('a1', { seq: 1 }),
          aNotification('a2', { seq: 2, ...late }),
          aNotification('b1', { thread: 'b', createdAt: T0 + 1 }),
        ],
      })
      expect(ids(await store.owed(10))).toEqual(['a1', 'b1', 'a2', 'a3'])
      expect(ids(await store.owed(2))).toEqual(['a1', 'b1'])
    })

    test('owed: due, retrying and sending are; refused, delivered, merged and dropped are not', async () => {
      const states = ['due', 'retrying', 'sending', 'refused', 'delivered', 'merged', 'dropped'] as const
      await commit({ notifications: states.map((state, seq) => aNotification(state, { thread: state, seq })) })
      await store.settle(
        states.map((state) => ({ id: state, address: ONCALL, state })),
        [],
      )
      expect(ids(await store.owed(10)).sort()).toEqual(['due', 'retrying', 'sending'])
      expect(ids(await store.outbox()).sort()).toEqual(['due', 'refused', 'retrying', 'sending'])
      expect(await store.mails('a3f9')).toHaveLength(7)
    })

    test('owed: of many threads, those whose next attempt comes first', async () => {
      await commit({ notifications: ['x', 'y', 'z'].map((id) => aNotification(id, { thread: id })) })
      await store.settle([{ id: 'x', address: ONCALL, state: 'retrying', nextAt: T0 + HOUR_MS, attempts: 4 }], [])
      expect(ids(await store.owed(2))).toEqual(['y', 'z'])
    })

    test('settle changes what it names and leaves the rest; a null is a value', async () => {
      await commit({ notifications: [aNotification('n')] })
      await store.settle(
        [{ id: 'n', address: ONCALL, state: 'retrying', attempts: 1, nextAt: T0 + 5_000, error: '451 later', uncertain: true }],
        [aRow('refused', { decision: 'refused' })],
      )
      await store.settle([{ id: 'n', address: ONCALL, attempts: 2, error: null }], [])
      expect(await store.owed(1)).toMatchObject([
        { state: 'retrying', attempts: 2, nextAt: T0 + 5_000, error: null, uncertain: true },
      ])
      expect(await store.ledger({}, 10)).toHaveLength(1)
    })

    test('settle is atomic: a change of an email that is not owed undoes the others', async () => {
      await commit({ notifications: [aNotification('n')] })
      const settled = store.settle(
        [
          { id: 'n', address: ONCALL, state: 'merged' },
          { id: 'ghost', address: ONCALL, state: 'merged' },
        ],
        [aRow('merged')],
        [aNotification('m')],
      )
      await expect(settled).rejects.toBeInstanceOf(StoreError)
      expect(ids(await store.owed(10))).toEqual(['n'])
      expect(await store.ledger({}, 10)).toEqual([])
    })

    test('settle adds notifications: those that were merged become one', async () => {
      await commit({ notifications: [aNotification('n')] })
      await store.settle(
        [{ id: 'n', address: ONCALL, state: 'merged' }],
        [aRow('merged')],
        [aNotification('both', { kind: 'recovered', seq: 2 })],
      )
      expect(ids(await store.owed(10))).toEqual(['both'])
    })

    test('deliveredSince gives address and time of each delivery from that moment on', async () => {
      await commit({
        notifications: ['1', '2', '3'].map((id) => aNotification(id, { to: [`${id}@example.com`, 'x@example.com'] })),
      })
      await store.settle(
        ['1', '2', '3'].map((id) => ({
          id,
          address: `${id}@example.com`,
          state: 'delivered',
          deliveredAt: T0 + Number(id),
        })),
        [],
      )
      await store.settle([{ id: '1', address: 'x@example.com', state: 'delivered', deliveredAt: T0 + 9 }], [])
      expect(await store.deliveredSince(T0 + 2)).toEqual([
        { address: '2@example.com', at: T0 + 2 },
        { address: '3@example.com', at: T0 + 3 },
        { address: 'x@example.com', at: T0 + 9 },
      ])
    })

    describe('an email to several addresses', () => {
      const DEPUTY = 'deputy@example.com'
      const shown = (owed: readonly Owed[]) => owed.map(({ notification, address, state }) => [notification.id, address, state])
      beforeEach(() => commit({ notifications: [aNotification('n', { to: [ONCALL, DEPUTY] })] }))

      test('is owed to each of them, in the order of the list, and what becomes of it at one is of no concern to the other', async () => {
        expect(shown(await store.owed(10))).toEqual([
          ['n', ONCALL, 'due'],
          ['n', DEPUTY, 'due'],
        ])
        const error = '450 4.2.0 later'
        await store.settle(
          [
            { id: 'n', address: ONCALL, state: 'delivered', deliveredAt: T0 + 1, reply: '250 ok', attempts: 1 },
            { id: 'n', address: DEPUTY, state: 'retrying', nextAt: T0 + 5, error, attempts: 1, noSession: true },
          ],
          [],
        )
        store = await opened.reopen()
        expect(shown(await store.owed(10))).toEqual([['n', DEPUTY, 'retrying']])
        expect(await store.mails('a3f9')).toMatchObject([
          { address: ONCALL, state: 'delivered', reply: '250 ok', error: null, noSession: false },
          { address: DEPUTY, state: 'retrying', reply: null, error, noSession: true, nextAt: T0 + 5 },
        ])
      })

      test('is in the outbox with all of them while one waits or is refused', async () => {
        await store.settle(
          [
            { id: 'n', address: ONCALL, state: 'delivered', deliveredAt: T0 },
            { id: 'n', address: DEPUTY, state: 'refused' },
          ],
          [],
        )
        expect(shown(await store.outbox())).toEqual([
          ['n', ONCALL, 'delivered'],
          ['n', DEPUTY, 'refused'],
        ])
        await store.settle([{ id: 'n', address: DEPUTY, state: 'dropped' }], [])
        expect(await store.outbox()).toEqual([])
      })

      test('is worded once for all of them', async () => {
        const wording = {
          at: T0,
          attempts: 1,
          lateBecause: 'connect: ECONNREFUSED',
          unsaid: { id: 'before', why: 'nobody answered' },
          inReplyTo: null,
          to: [ONCALL, DEPUTY],
          refused: [{ recipient: 'manager', address: 'manager@example.com', error: '550 no' }],
        }
        await store.settle([{ id: 'n', address: ONCALL, state: 'sending', wording }], [])
        store = await opened.reopen()
        expect((await store.owed(10)).map((owed) => owed.wording)).toEqual([wording, wording])
        await store.settle([{ id: 'n', address: DEPUTY, attempts: 1 }], [])
        expect((await store.owed(10)).map((owed) => owed.wording)).toEqual([wording, wording])
        await store.settle([{ id: 'n', address: DEPUTY, wording: null }], [])
        expect((await store.owed(10)).map((owed) => owed.wording)).toEqual([null, null])
      })

      test('keeps its place in the thread at each address', async () => {
        await commit({ notifications: [aNotification('m', { to: [DEPUTY, ONCALL], seq: 2 })] })
        await store.settle([{ id: 'n', address: ONCALL, state: 'delivered', deliveredAt: T0 }], [])
        const owed = (await store.owed(10)).map(({ notification, address }) => [notification.id, address])
        expect(owed.slice(0, 2).sort()).toEqual([
          ['m', ONCALL],
          ['n', DEPUTY],
        ])
        expect(owed[2]).toEqual(['m', DEPUTY])
        expect(await store.owed(2), 'a look that is cut short lets nothing overtake').toHaveLength(2)
      })

      test('a change at an address that it does not go to is a fault, and changes nothing', async () => {
        const settled = store.settle([{ id: 'n', address: 'nobody@example.com', state: 'dropped' }], [aRow('dropped')])
        await expect(settled).rejects.toBeInstanceOf(StoreError)
        expect(await store.ledger({}, 10)).toEqual([])
      })

      test('what is added may be changed in the same breath', async () => {
        const apart = aNotification('apart', { to: [DEPUTY] })
        await store.settle(
          [
            { id: 'n', address: DEPUTY, state: 'merged' },
            { id: 'apart', address: DEPUTY, state: 'retrying', attempts: 3 },
          ],
          [],
          [apart],
        )
        expect(await store.owed(10)).toMatchObject([
          { notification: { id: 'apart' }, address: DEPUTY, state: 'retrying', attempts: 3 },
          { notification: { id: 'n' }, address: ONCALL },
        ])
      })
    })

    test('a strip holds the runs of a probe since a moment, oldest first', async () => {
      const outcomes = [
        anOutcome('p', T0 + 2, 'inconclusive', 5),
        anOutcome('p', T0 + 1, 'failed', 7),
        anOutcome('p', T0),
        anOutcome('other', T0 + 1),
      ]
      await commit({ outcomes: outcomes.map((outcome) => ({ outcome, incident: null })) })
      expect(await store.strip('p', T0 + 1)).toEqual([
        { at: T0 + 1, ms: 7, mark: 'failed' },
        { at: T0 + 2, ms: 5, mark: 'inconclusive' },
      ])
    })

    test('runs of an incident come whole, the ok ones too, oldest first, at most the limit of the newest', async () => {
      const [first, second, third] = [
        anOutcome('p', T0, 'failed'),
        anOutcome('p', T0 + 1),
        anOutcome('q', T0 + 2, 'inconclusive'),
      ]
      await commit({ outcomes: [third, first, second].map((outcome) => ({ outcome, incident: 'a3f9' })) })
      expect(await store.runs('a3f9', 10)).toEqual([first, second, third])
      expect(await store.runs('a3f9', 2)).toEqual([second, third])
      expect(await store.counts('a3f9')).toEqual({ ledger: 0, runs: 3 })
    })

    test('a run that is kept again with its incident belongs to it from then on, and is one run', async () => {
      const outcome = anOutcome('p', T0)
      await commit({ outcomes: [{ outcome, incident: null }] })
      await commit({ outcomes: [{ outcome, incident: 'a3f9' }] })
      await commit({ outcomes: [{ outcome, incident: null }] })
      expect(await store.runs('a3f9', 10)).toEqual([outcome])
      expect(await store.strip('p', 0)).toHaveLength(1)
    })

    test('sweep sums old runs up by probe and hour, bit by bit, and says how many are left', async () => {
      const outcomes = [
        ...[0, 1, 2].map((i) => anOutcome('p', T0 + i * MINUTE_MS, 'ok', 100 + i)),
        anOutcome('p', T0 + 3 * MINUTE_MS, 'failed', 900),
        anOutcome('p', T0 + HOUR_MS, 'inconclusive', 40),
        anOutcome('q', T0, 'ok', 10),
        anOutcome('p', T0 + 2 * HOUR_MS, 'ok', 1),
      ]
      await commit({ outcomes: outcomes.map((outcome) => ({ outcome, incident: null })) })
      const before = { runs: T0 + 2 * HOUR_MS, hours: T0 - DAY_MS }
      const left: number[] = []
      for (let round = 0; round < 5; round++) left.push(await store.sweep(before, 2))
      expect(left).toEqual([4, 2, 0, 0, 0])
      expect(await store.hours('p', 0)).toEqual([
        { probe: 'p', hour: T0, ok: 3, failed: 1, inconclusive: 0, sumMs: 303 + 900, maxMs: 900 },
        { probe: 'p', hour: T0 + HOUR_MS, ok: 0, failed: 0, inconclusive: 1, sumMs: 40, maxMs: 40 },
      ])
      expect(await store.hours('q', T0)).toEqual([
        { probe: 'q', hour: T0, ok: 1, failed: 0, inconclusive: 0, sumMs: 10, maxMs: 10 },
      ])
      expect(await store.strip('p', 0)).toEqual([{ at: T0 + 2 * HOUR_MS, ms: 1, mark: 'ok' }])
    })

    test('sweep never touches the runs of an incident, the incidents, the ledger, or emails', async () => {
      await commit({
        incidents: [anIncident('a3f9', { state: 'closed', closedAt: T0 })],
        ledger: [aRow('opened')],
        notifications: [aNotification('n')],
        outcomes: [{ outcome: anOutcome('p', T0, 'failed'), incident: 'a3f9' }],
      })
      await store.settle([{ id: 'n', address: ONCALL, state: 'delivered', deliveredAt: T0 }], [])
      expect(await store.sweep({ runs: T0 + 400 * DAY_MS, hours: T0 + 400 * DAY_MS }, 100)).toBe(0)
      expect(await store.runs('a3f9', 10)).toHaveLength(1)
      expect(await store.hours('p', 0)).toEqual([])
      expect(await store.ledger({}, 10)).toHaveLength(1)
      expect(await store.incidents(10)).toHaveLength(1)
      expect(await store.mails('a3f9')).toHaveLength(1)
    })

    test('sweep forgets the hours in their turn', async () => {
      const outcomes = [0, 1, 2].map((i) => anOutcome('p', T0 + i * HOUR_MS))
      await commit({ outcomes: outcomes.map((outcome) => ({ outcome, incident: null })) })
      expect(await store.sweep({ runs: T0 + DAY_MS, hours: 0 }, 10)).toBe(0)
      expect(await store.sweep({ runs: T0 + DAY_MS, hours: T0 + 2 * HOUR_MS }, 1)).toBe(1)
      expect(await store.sweep({ runs: T0 + DAY_MS, hours: T0 + 2 * HOUR_MS }, 1)).toBe(0)
      expect((await store.hours('p', 0)).map((sum) => sum.hour)).toEqual([T0 + 2 * HOUR_MS])
    })

    test('hours since a moment begin with the hour that holds it', async () => {
      const outcomes = [0, 1].map((i) => anOutcome('p', T0 + i * HOUR_MS))
      await commit({ outcomes: outcomes.map((outcome) => ({ outcome, incident: null })) })
      await store.sweep({ runs: T0 + DAY_MS, hours: 0 }, 10)
      expect((await store.hours('p', T0 + HOUR_MS + 1)).map((sum) => sum.hour)).toEqual([T0 + HOUR_MS])
      expect((await store.hours('p', T0 + HOUR_MS - 1)).map((sum) => sum.hour)).toEqual([T0, T0 + HOUR_MS])
    })

    test('a reading that says the same prolongs the last; what was known at a moment is found again as it was', async () => {
      const event = (over: object) =>
        ({ arn: 'arn:aws:health:global::event/IAM/X/1', status: 'open', text: 'one', ...over }) as HealthEvent
      const source = (detail = '') => ({ state: 'answered' as const, at: T0, events: 1, skipped: 0, detail })
      const reading = (at: number, events: HealthEvent[], detail = ''): HealthReading => ({
        partition: 'aws',
        at,
        events,
        sources: { api: source(detail), dashboard: source() },
      })
      await commit({ readings: [reading(T0, [])] })
      await commit({ readings: [reading(T0 + 10, [])] })
      await commit({ readings: [reading(T0 + 20, [event({})])] })
      await commit({ readings: [reading(T0 + 30, [event({ text: 'two' })], 'slow')] })
      await commit({ readings: [reading(T0 + 40, [event({})])] })
      expect(await store.readingAt('aws', T0 - 1)).toBeNull()
      expect(await store.readingAt('aws-cn', T0 + 50)).toBeNull()
      expect(await store.readingAt('aws', T0 + 15)).toEqual({ since: T0, until: T0 + 10, reading: reading(T0, []) })
      expect((await store.readingAt('aws', T0 + 30))?.reading).toEqual(reading(T0 + 30, [event({ text: 'two' })], 'slow'))
      expect((await store.readings('aws', T0 + 10, T0 + 30, 10)).map(({ since, until }) => [since - T0, until - T0])).toEqual([
        [0, 10],
        [20, 20],
        [30, 30],
      ])
      expect(
        (await store.eventHistory('arn:aws:health:global::event/IAM/X/1', 10)).map((form) => [form.seenAt - T0, form.event.text]),
      ).toEqual([
        [20, 'one'],
        [30, 'two'],
      ])
      await store.sweep({ runs: 0, hours: T0 + 25 }, 100)
      expect((await store.readings('aws', 0, T0 + 100, 10)).map(({ since }) => since - T0)).toEqual([30, 40])
    })

    test('silences last until their end, or until they are taken back', async () => {
      const scope = { monitors: ['m'], accounts: ['111122223333'], operations: ['ListRegions'], regions: ['eu-west-1'] }
      const lasting = (id: string, untilMs: number) =>
        silence({ id, at: T0, until: T0 + untilMs, reason: `because of ${id}`, by: `who likes ${id}`, scope })
      await store.addSilence(lasting('long', 2 * HOUR_MS))
      await store.addSilence(lasting('short', HOUR_MS))
      await store.addSilence({ ...lasting('long', 1), reason: 'a second one of that id' })
      expect(await store.silences(T0)).toEqual([lasting('long', 2 * HOUR_MS), lasting('short', HOUR_MS)])
      expect(await store.silences(T0 + HOUR_MS + 1)).toEqual([lasting('long', 2 * HOUR_MS)])
      expect(await store.endSilence('long', T0 + 5)).toBe(true)
      expect(await store.endSilence('long', T0 + 6)).toBe(false)
      expect(await store.endSilence('short', T0 + HOUR_MS)).toBe(false)
      expect(await store.endSilence('none', T0)).toBe(false)
      expect(await store.silences(T0 + 5)).toEqual([
        { ...lasting('long', 2 * HOUR_MS), endedAt: T0 + 5 },
        lasting('short', HOUR_MS),
      ])
      expect((await store.silences(T0 + 6)).map(({ id }) => id)).toEqual(['short'])
    })

    test('an ack counts while its incident is open; a later one replaces it', async () => {
      await commit({ incidents: [anIncident('open'), anIncident('over', { state: 'closed', closedAt: T0 })] })
      await store.addAck({ incident: 'open', at: T0, reason: null })
      await store.addAck({ incident: 'over', at: T0, reason: null })
      const ack = { incident: 'open', at: T0 + 1, moment: { boot: 'b', uptime: 2, awake: 1 }, reason: 'we are on it' }
      await store.addAck(ack)
      expect(await store.acks()).toEqual([ack])
    })

    test('when the clock was set, orders are shifted, each by its own amount, in the same commit; one that is gone is left out', async () => {
      const moment = { boot: 'b', uptime: 20, awake: 10 }
      const one = silence({ id: 'one', at: T0, moment, from: T0 + 5, until: T0 + HOUR_MS })
      await commit({ incidents: [anIncident('a'), anIncident('b')] })
      for (const id of ['one', 'other', 'ended']) await store.addSilence({ ...one, id })
      await store.endSilence('ended', T0 + 7)
      for (const incident of ['a', 'b']) await store.addAck({ incident, at: T0, reason: null })
      await store.alive({ at: T0 })
      const redate = {
        silences: new Map([
          ['one', 2 * HOUR_MS],
          ['ended', 2 * HOUR_MS],
          ['none', 1],
        ]),
        acks: new Map([
          ['a', -HOUR_MS],
          ['none', 1],
        ]),
        alive: { at: T0 + 7, moment },
      }
      await commit({ redate })
      for (const each of [store, await opened.reopen()]) {
        const moved = { ...one, at: T0 + 2 * HOUR_MS, from: T0 + 2 * HOUR_MS + 5, until: T0 + 3 * HOUR_MS }
        expect(await each.silences(0)).toEqual([
          { ...one, id: 'other' },
          { ...moved, id: 'ended', endedAt: T0 + 2 * HOUR_MS + 7 },
          { ...moved, id: 'one' },
        ])
        expect((await each.silences(T0 + 2 * HOUR_MS + 8)).map(({ id }) => id)).toEqual(['one'])
        expect((await each.acks()).map(({ incident, at }) => [incident, at - T0])).toEqual([
          ['a', -HOUR_MS],
          ['b', 0],
        ])
        expect((await each.load(0)).lastAlive).toEqual({ at: T0 + 7, moment })
      }
    })

    test('what is remembered stands under its key until another takes its place, apart from what the store keeps of itself', async () => {
      expect(await store.recall('list')).toBeNull()
      await store.alive({ at: T0 })
      await store.remember('list', '["a"]')
      await store.remember('other', 'text')
      await store.remember('list', '["b"]')
      await store.remember('alive', 'not a moment')
      expect(await store.recall('list')).toBe('["b"]')
      expect(await store.recall('other')).toBe('text')
      expect((await store.load(0)).lastAlive).toEqual({ at: T0 })
    })

    test('of the health queue each event is kept in its last form, together with what is known of the queue', async () => {
      const url = 'https://sqs.us-east-1.amazonaws.com/123456789012/alibi-health'
      const kept = (id: string, over: object = {}): KeptEvent => ({
        event: { arn: `arn:aws:health:us-east-1::event/IAM/X/${id}`, status: 'open', text: 'one', ...over } as HealthEvent,
        toldAt: T0,
        seenAt: T0 + 1,
      })
      const record = { ...newQueueRecord(url), polledAt: T0, since: T0 }
      expect(await store.queue(url)).toBeNull()
      await store.keepQueue(record, [kept('b'), kept('a')], [])
      expect(await store.queue(url)).toEqual({ record, events: [kept('a'), kept('b')] })
      const heard = { ...record, heardAt: T0 + 5, trouble: { state: 'refused' as const, why: 'denied' } }
      await store.keepQueue(heard, [kept('b', { status: 'closed' })], [kept('a').event.arn, 'not there'])
      expect(await store.queue(url)).toEqual({ record: heard, events: [kept('b', { status: 'closed' })] })
      // Another queue: nothing of the one before counts.
      const other = newQueueRecord(`${url}-2`)
      await store.keepQueue(other, [], [])
      expect(await store.queue(other.url)).toEqual({ record: other, events: [] })
      expect(await store.queue(url)).toBeNull()
    })

    test('a closed store says so, and may be closed again', async () => {
      await store.checkpoint()
      await store.close()
      await store.close()
      await expect(store.load(0)).rejects.toBeInstanceOf(StoreError)
      await expect(store.commit(NOTHING)).rejects.toThrow('closed')
    })
  })
}

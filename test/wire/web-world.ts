/*
 * Invented worlds for the page: monitors, probes and incidents in every state. No text of AWS's, no account of anybody's.
 */
import type { Incident, Judgement, Member } from '../../src/domain/incident.ts'
import type { LedgerRow } from '../../src/domain/ledger.ts'
import type { Facts, MailKind, Owed } from '../../src/domain/notification.ts'
import type { HealthEvent, HealthReading } from '../../src/domain/outage.ts'
import {
  HOUR_MS,
  type Instant,
  MINUTE_MS,
  type Monitor,
  type Operation,
  type Outcome,
  type Probe,
  probeId,
} from '../../src/domain/probe.ts'
import type { RuleName } from '../../src/domain/rule.ts'
import { setupOf } from '../../src/domain/setup.ts'
import { INITIAL_CONNECTIVITY, newProbeState, type ProbeState, type World } from '../../src/domain/state.ts'
import type { Alibi, RejectedEvent, Verdict } from '../../src/domain/verdict.ts'
import type { StoredOutcome } from '../../src/ports/store.ts'
import type { View } from '../../src/web/view.ts'
import { newDisk } from '../fakes/store.ts'
import { silence } from '../given.ts'

export const NOW = Date.UTC(2026, 10, 22, 12, 4, 33)
export const ONSET = Date.UTC(2026, 10, 22, 11, 58, 2)
export const ADDRESS = 'night.owl@example.com'

export function monitorOf(
  name: string,
  accounts: readonly string[],
  operations: readonly Operation[],
  over: Partial<Monitor> = {},
): Monitor {
  const probes = accounts.flatMap((account) =>
    operations.map((operation): Probe => {
      const call = { operation, parameter: operation === 'GetAlternateContact' ? 'SECURITY' : null }
      return { id: probeId(name, account, call), monitor: name, account, call }
    }),
  )
  return {
    name,
    schedule: '* * * * *',
    timezone: 'Etc/UTC',
    spreadMs: 10_000,
    periodMs: MINUTE_MS,
    partition: 'aws',
    region: 'us-east-1',
    credentials: { profile: null, roleArn: null, externalId: null, sessionName: null },
    probes,
    attempts: 3,
    backoffMs: 1_000,
    timeoutMs: 5_000,
    impact: 'New accounts cannot be created.',
    runbook: 'https://wiki.example.com/aws-account',
    fail: { count: 3, of: 5 },
    recover: 2,
    retryIntervalMs: 20_000,
    recheckEveryMs: MINUTE_MS,
    notify: ['oncall', 'manager'],
    ...over,
  }
}

export function failedRun(probe: string, at: Instant, requestId = '5d0c2a10-7e3b-4c1d-9a55-006f1c0b77a9'): Outcome {
  const one = {
    at,
    ms: 1_200,
    kind: 'internal' as const,
    error: 'InternalServerException',
    message: 'The service could not complete the request.',
    status: 500,
    requestId,
    apigwId: null,
    traceId: null,
    service: 'ACCOUNT' as const,
    region: 'us-east-1',
    skewMs: 12,
  }
  return {
    probe,
    startedAt: at,
    endedAt: at + 6_100,
    tries: [one, { ...one, at: at + 2_000 }],
    control: null,
    result: 'failed',
    kind: 'internal',
  }
}

const MISSES: readonly RejectedEvent[] = [
  {
    arn: 'arn:aws:health:me-central-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/invented-1',
    code: 'AWS_IAM_OPERATIONAL_ISSUE',
    region: 'me-central-1',
    status: 'open',
    test: 'place',
    why: 'its region is me-central-1, not us-east-1',
  },
  {
    arn: 'arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/invented-2',
    code: 'AWS_EC2_OPERATIONAL_ISSUE',
    region: 'us-east-1',
    status: 'closed',
    test: 'service',
    why: 'EC2 is neither ACCOUNT nor related to it',
  },
]

export const UNEXPLAINED: Verdict = {
  kind: 'unexplained',
  why: 'no event of AWS Health explains a failure of ACCOUNT in us-east-1: the Health API and the public dashboard answered, 2 events were considered',
  rejected: MISSES,
}
export const UNDETERMINED: Verdict = {
  kind: 'undetermined',
  why: 'AWS Health could not be asked (API: timed out after 10s; dashboard: HTTP 503)',
  rejected: [],
}
export const ALIBI: Alibi = {
  arn: 'arn:aws:health:us-east-1::event/ACCOUNT/AWS_ACCOUNT_OPERATIONAL_ISSUE/invented-3',
  code: 'AWS_ACCOUNT_OPERATIONAL_ISSUE',
  service: 'ACCOUNT',
  region: 'us-east-1',
  status: 'open',
  startedAt: ONSET + 2 * MINUTE_MS,
  endedAt: null,
  updatedAt: ONSET + 4 * MINUTE_MS,
  sources: ['api', 'dashboard'],
  text: 'An invented update: some calls to an invented service fail in an invented place, and engineers are working on it.',
  match: 'direct',
}
export const EXPLAINED: Verdict = {
  kind: 'explained',
  by: ALIBI,
  why: 'AWS_ACCOUNT_OPERATIONAL_ISSUE (us-east-1) is about ACCOUNT itself',
  rejected: MISSES,
}

export function memberOf(probe: Probe, verdict: Verdict, over: Partial<Member> = {}, judgement: Partial<Judgement> = {}): Member {
  const onset = over.onset ?? ONSET
  return {
    probe: probe.id,
    monitor: probe.monitor,
    account: probe.account,
    operation: probe.call.parameter === null ? probe.call.operation : `${probe.call.operation} ${probe.call.parameter}`,
    state: 'failing',
    onset,
    lastOkAt: onset - MINUTE_MS,
    gap: null,
    failedAt: onset + 45_000,
    recoveredAt: null,
    lastRunAt: NOW - 20_000,
    lastFailedAt: NOW - 20_000,
    evidence: [failedRun(probe.id, onset), failedRun(probe.id, onset + 45_000)],
    judgement: { verdict, carried: null, alibi: null, lapsed: null, readAt: NOW - 25_000, ends: [], ...judgement },
    ...over,
  }
}

export function incidentOf(id: string, members: readonly Member[], over: Partial<Incident> = {}): Incident {
  const openedAt = ONSET + 45_000
  return {
    id,
    partition: 'aws',
    family: 'outage',
    state: 'announced',
    continues: null,
    into: [],
    openedAt,
    episodeAt: openedAt,
    announcedAt: openedAt + 30_000,
    closedAt: null,
    closedAs: null,
    members,
    audience: [
      {
        recipient: 'oncall',
        to: [ADDRESS],
        subject: '[alibi] production: AWS Account trouble #a3f9',
        root: '<root@example.com>',
        open: true,
        heard: {
          at: openedAt + 30_000,
          failing: members.length,
          widerAt: null,
          verdict: members[0]?.judgement.verdict.kind ?? 'undetermined',
          lapse: null,
          explained: false,
          events: [],
        },
        monitors: [...new Set(members.map(({ monitor }) => monitor))],
        reopened: 0,
      },
    ],
    seq: 1,
    lastMailAt: openedAt + 30_000,
    verdict: members[0]?.judgement.verdict.kind ?? 'undetermined',
    withheld: null,
    namedEvents: [],
    notified: null,
    added: [],
    alibis: [],
    explainedBy: null,
    leadMinutes: null,
    hindsight: [],
    reopenedAt: [],
    flapping: false,
    ...over,
  }
}

export function rowOf(
  incident: string,
  at: Instant,
  decision: LedgerRow['decision'],
  reason: string,
  rule: LedgerRow['rule'] = 'first-email',
): LedgerRow {
  return { at, incident, probe: null, decision, reason, rule, evidence: { note: `asked for ${ADDRESS}` } }
}

export function owedOf(
  incident: string,
  recipient: string,
  kind: MailKind,
  over: Partial<Owed> = {},
  createdAt = ONSET + 75_000,
): Owed {
  const id = `${incident}.${kind}.${recipient}`
  return {
    notification: {
      id,
      messageId: `<${id}@example.com>`,
      kind,
      incident,
      thread: `${incident}.${recipient}`,
      seq: 1,
      recipient,
      to: [ADDRESS],
      inReplyTo: null,
      createdAt,
      facts: { kind, at: createdAt, subject: 's', reason: 'r' } as Facts,
    },
    address: ADDRESS,
    state: 'delivered',
    attempts: 1,
    nextAt: createdAt,
    error: null,
    uncertain: false,
    noSession: false,
    deliveredAt: createdAt + 2_000,
    reply: '250 ok',
    wording: null,
    ...over,
  }
}

export function wellState(probe: Probe, over: Partial<ProbeState> = {}): ProbeState {
  const last = NOW - 20_000
  return { ...newProbeState(probe.id, NOW - 6 * HOUR_MS), lastOkAt: last, lastRunAt: last, lastConclusiveAt: last, ...over }
}

export function readingOf(over: Partial<HealthReading['sources']> = {}, events: readonly HealthEvent[] = []): HealthReading {
  const answered = { state: 'answered' as const, at: NOW - 25_000, events: events.length, skipped: 0, detail: '' }
  return { partition: 'aws', at: NOW - 25_000, events, sources: { api: answered, dashboard: answered, ...over } }
}

/** A run each minute of the last hour, and how they went: failed from the onset on, otherwise ok and of varying length. */
function lastHour(disk: ReturnType<typeof newDisk>, state: ProbeState): void {
  for (let minute = 59; minute >= 0; minute--) {
    const startedAt = NOW - 20_000 - minute * MINUTE_MS
    const isLate = state.onset !== null && startedAt >= state.onset
    const stalled = minute === 41
    const outcome: Outcome = isLate
      ? failedRun(state.probe, startedAt)
      : {
          probe: state.probe,
          startedAt,
          endedAt: startedAt + 180 + ((minute * 37) % 90) + (minute === 20 ? 900 : 0),
          tries: [],
          control: null,
          ...(stalled ? { result: 'inconclusive', kind: 'throttled' } : { result: 'ok', kind: null }),
        }
    const hour = Math.floor(startedAt / HOUR_MS) * HOUR_MS
    const runs = disk.runs.get(hour) ?? new Map<string, StoredOutcome>()
    runs.set(`${state.probe} ${startedAt}`, { outcome, incident: null })
    disk.runs.set(hour, runs)
  }
}

/** A view and a disk; by default all is well. */
export function worldOf(
  over: Readonly<{ monitors?: readonly Monitor[]; incidents?: readonly Incident[]; probes?: readonly ProbeState[] }> = {},
) {
  const monitors = over.monitors ?? [
    monitorOf('production', ['self', '111122223333'], ['GetAccountInformation', 'GetAlternateContact']),
    monitorOf('staging', ['self'], ['ListRegions'], { notify: ['oncall'], impact: null, runbook: null }),
  ]
  const setup = setupOf({
    monitors,
    recipients: [
      { name: 'oncall', to: [ADDRESS], afterMs: null },
      { name: 'manager', to: ['boss@example.com'], afterMs: 30 * MINUTE_MS },
    ],
    policy: {
      waitMs: 0,
      extensionMs: 15 * MINUTE_MS,
      holdAtMostMs: 6 * HOUR_MS,
      lookbackMs: 7 * HOUR_MS,
      staleAfterMs: 24 * HOUR_MS,
      remindEveryMs: 4 * HOUR_MS,
      joinWithinMs: 30 * MINUTE_MS,
      reopenWithinMs: 30 * MINUTE_MS,
      blindAfterMs: 15 * MINUTE_MS,
    },
    health: { relevance: { related: [], ignore: [], codes: [] } },
    mail: { domain: 'example.com' },
  })
  const incidents = over.incidents ?? []
  const sick = new Map(
    incidents
      .filter((i) => i.state !== 'closed')
      .flatMap((i) => (i.family === 'blind' ? [] : i.members.map((m) => [m.probe, { incident: i.id, member: m }] as const))),
  )
  const states = [...setup.probes.values()].map((probe): ProbeState => {
    const mine = sick.get(probe.id)
    if (mine === undefined || mine.member.state === 'recovered') return wellState(probe)
    return wellState(probe, {
      status: mine.member.state,
      onset: mine.member.onset,
      incident: mine.incident,
      lastOkAt: mine.member.lastOkAt,
    })
  })
  for (const state of over.probes ?? [])
    states.splice(
      states.findIndex((s) => s.probe === state.probe),
      1,
      state,
    )
  const world: World = {
    probes: new Map(states.map((state) => [state.probe, state])),
    incidents: new Map(incidents.map((incident) => [incident.id, incident])),
    selfAlerts: new Map(),
    connectivity: { ...INITIAL_CONNECTIVITY, everReached: true, lastAt: NOW - 4 * MINUTE_MS, lastAnswerAt: NOW - 20_000 },
    freshSince: 0,
    absence: null,
    lostUntil: null,
    silences: [],
    acks: new Map(),
  }
  const view: View = {
    world,
    setup,
    readings: new Map([['aws', readingOf()]]),
    overrides: [],
    digest: { schedule: '0 8 * * 1', timezone: 'Etc/UTC' },
    version: '0.1.0',
  }
  const disk = newDisk()
  for (const incident of incidents) disk.incidents.set(incident.id, incident)
  for (const state of states) lastHour(disk, state)
  return {
    view,
    disk,
    /** Puts rows and emails on the disk. */
    put(rows: readonly LedgerRow[], mails: readonly Owed[]) {
      disk.ledger.push(...rows)
      for (const owed of mails) disk.mails.set(`${owed.notification.id} ${owed.address}`, owed)
    },
  }
}

export type Scene = ReturnType<typeof worldOf>

/** The first probes of the default monitors. */
export const PROBES: readonly Probe[] = monitorOf(
  'production',
  ['self', '111122223333'],
  ['GetAccountInformation', 'GetAlternateContact'],
).probes

const closed = (id: string, verdict: Verdict, over: Partial<Incident>) =>
  incidentOf(
    id,
    PROBES.slice(0, 1).map((probe) =>
      memberOf(probe, verdict, { state: 'recovered', onset: ONSET - 5 * HOUR_MS, recoveredAt: ONSET - 4 * HOUR_MS }),
    ),
    { state: 'closed', closedAs: 'recovered', openedAt: ONSET - 5 * HOUR_MS + 45_000, closedAt: ONSET - 4 * HOUR_MS, ...over },
  )

/** One of each thing that can be shown, by name, each newly made. */
export const SCENES: Readonly<Record<string, () => Scene>> = {
  well: () => {
    const told = closed('77aa000000000001', UNEXPLAINED, { announcedAt: ONSET - 5 * HOUR_MS + 75_000 })
    const silent = closed('66bb000000000002', EXPLAINED, {
      announcedAt: null,
      audience: [],
      explainedBy: ALIBI.arn,
      leadMinutes: 47,
    })
    const scene = worldOf({ incidents: [told, silent] })
    scene.put(
      [
        rowOf(
          silent.id,
          ONSET - 5 * HOUR_MS,
          'withheld',
          'silent: AWS_ACCOUNT_OPERATIONAL_ISSUE (us-east-1) is about ACCOUNT itself',
          'suppression',
        ),
      ],
      [
        owedOf(told.id, 'oncall', 'failing', {}, ONSET - 5 * HOUR_MS + 75_000),
        owedOf(told.id, 'oncall', 'recovered', {}, ONSET - 4 * HOUR_MS),
      ],
    )
    return scene
  },
  failing: () => {
    const incident = incidentOf(
      'a3f9c0de51b27764',
      PROBES.slice(0, 3).map((probe) => memberOf(probe, UNEXPLAINED)),
    )
    const scene = worldOf({ incidents: [incident] })
    scene.put(
      [
        rowOf(incident.id, ONSET + 45_000, 'opened', '3 of the last 5 runs failed (the threshold is 3 of 5)', 'threshold'),
        rowOf(incident.id, ONSET + 75_000, 'mailed', `failing: ${UNEXPLAINED.why}`, 'first-email'),
        rowOf(incident.id, ONSET + 77_000, 'delivered', `failing to oncall: 250 ok for <${ADDRESS}>`, null),
        rowOf(
          incident.id,
          ONSET + 80_000,
          'withheld',
          'already notified; a reminder every 4h while it stays unexplained',
          'reminder',
        ),
      ],
      [owedOf(incident.id, 'oncall', 'failing')],
    )
    return scene
  },
  suppressed: () => {
    const incident = incidentOf(
      'b1b2c0de51b27764',
      PROBES.slice(0, 2).map((probe) => memberOf(probe, EXPLAINED)),
      {
        state: 'suppressed',
        announcedAt: null,
        lastMailAt: null,
        audience: [],
        explainedBy: ALIBI.arn,
        leadMinutes: 2,
      },
    )
    const scene = worldOf({ incidents: [incident] })
    scene.put(
      [
        rowOf(
          incident.id,
          ONSET + 75_000,
          'withheld',
          'silent: AWS_ACCOUNT_OPERATIONAL_ISSUE (us-east-1) is about ACCOUNT itself',
          'suppression',
        ),
      ],
      [],
    )
    return scene
  },
  explained: () => {
    const onset = ONSET - 50 * MINUTE_MS
    const by: Alibi = { ...ALIBI, startedAt: onset + 31 * MINUTE_MS, updatedAt: NOW - 4 * MINUTE_MS }
    const verdict: Verdict = { ...EXPLAINED, kind: 'explained', by }
    const incident = incidentOf(
      'd2d2c0de51b27764',
      PROBES.slice(0, 2).map((probe) => memberOf(probe, verdict, { onset })),
      { openedAt: onset + 45_000, announcedAt: onset + 75_000, verdict: 'explained', explainedBy: by.arn, leadMinutes: 31 },
    )
    const scene = worldOf({ incidents: [incident] })
    scene.put(
      [
        rowOf(incident.id, onset + 45_000, 'opened', '3 of the last 5 runs failed (the threshold is 3 of 5)', 'threshold'),
        rowOf(incident.id, onset + 75_000, 'mailed', `failing: ${UNEXPLAINED.why}`, 'first-email'),
        rowOf(
          incident.id,
          onset + 32 * MINUTE_MS,
          'mailed',
          'now-explained: AWS_ACCOUNT_OPERATIONAL_ISSUE is about ACCOUNT itself',
          'late-explanation',
        ),
        rowOf(
          incident.id,
          onset + 33 * MINUTE_MS,
          'withheld',
          'silent: AWS_ACCOUNT_OPERATIONAL_ISSUE (us-east-1) is about ACCOUNT itself',
          'suppression',
        ),
      ],
      [
        owedOf(incident.id, 'oncall', 'failing', {}, onset + 75_000),
        owedOf(incident.id, 'oncall', 'now-explained', {}, onset + 32 * MINUTE_MS),
      ],
    )
    return scene
  },
  stuck: () => {
    const incident = incidentOf(
      'c4c4c0de51b27764',
      PROBES.slice(0, 1).map((probe) => memberOf(probe, UNDETERMINED)),
    )
    const scene = worldOf({ incidents: [incident] })
    scene.put(
      [rowOf(incident.id, ONSET + 75_000, 'mailed', `failing: ${UNDETERMINED.why}`, 'first-email')],
      [
        owedOf(incident.id, 'oncall', 'failing', {
          state: 'retrying',
          attempts: 5,
          nextAt: NOW + 80_000,
          error: `421 4.3.2 try later for <${ADDRESS}>`,
          deliveredAt: null,
        }),
        owedOf('d5d5c0de51b27764', 'manager', 'escalated', {
          state: 'refused',
          attempts: 1,
          error: `550 5.1.1 <${ADDRESS}>: no such user`,
          deliveredAt: null,
        }),
      ],
    )
    const refused = {
      state: 'refused' as const,
      at: NOW - 25_000,
      events: 0,
      skipped: 0,
      detail: 'SubscriptionRequiredException',
    }
    const silent = { state: 'unavailable' as const, at: NOW - 25_000, events: 0, skipped: 0, detail: 'HTTP 503' }
    const world = {
      ...scene.view.world,
      selfAlerts: new Map([
        ['api', { key: 'api', since: NOW - HOUR_MS, text: 'The AWS Health API refuses to answer: no support plan.' }],
      ]),
    }
    const view = {
      ...scene.view,
      world,
      readings: new Map([['aws' as const, readingOf({ api: refused, dashboard: silent })]]),
      overrides: ['AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4010'],
    }
    return { ...scene, view }
  },
  several: () => {
    const many = monitorOf(
      'organisation',
      Array.from({ length: 40 }, (_, n) => String(222200000000 + n)),
      ['GetContactInformation'],
    )
    const other = monitorOf('sandbox', ['self'], ['ListRegions', 'GetPrimaryEmail'], { notify: ['oncall'] })
    const wide = incidentOf(
      'e6e6c0de51b27764',
      many.probes.slice(0, 25).map((probe) => memberOf(probe, UNEXPLAINED)),
    )
    const denied: Verdict = {
      kind: 'unexplained',
      why: 'kind denied: no AWS outage explains it (monitor sandbox)',
      rejected: [],
    }
    const refused = incidentOf(
      'f7f7c0de51b27764',
      other.probes.slice(0, 1).map((probe) => memberOf(probe, denied)),
      { family: 'misconfigured' },
    )
    const back = incidentOf(
      'a8a8c0de51b27764',
      other.probes.slice(1).map((probe) => memberOf(probe, UNEXPLAINED, { state: 'recovering' })),
      { openedAt: ONSET },
    )
    const scene = worldOf({ monitors: [many, other], incidents: [wide, refused, back] })
    scene.put([], [owedOf(wide.id, 'oncall', 'failing'), owedOf(refused.id, 'oncall', 'misconfigured')])
    return scene
  },
  /** Four hundred probes of one monitor, and a dozen monitors of one probe: all ok, some of them not throughout the last hour. */
  grid: () => {
    const accounts = Array.from({ length: 200 }, (_, n) => String(333300000000 + n * 7))
    const organization = monitorOf('organization', accounts, ['GetContactInformation', 'GetPrimaryEmail'])
    const small = Array.from({ length: 12 }, (_, n) => monitorOf(`team-${n}`, ['self'], ['ListRegions']))
    const scene = worldOf({ monitors: [organization, ...small] })
    const probes = new Map(scene.view.world.probes)
    for (const probe of organization.probes.filter((_, n) => n % 90 === 17)) {
      const at = NOW - 25 * MINUTE_MS
      probes.set(probe.id, wellState(probe, { lastUncleanAt: at }))
      const hour = Math.floor(at / HOUR_MS) * HOUR_MS
      scene.disk.runs.get(hour)?.set(`${probe.id} ${at}`, { outcome: failedRun(probe.id, at), incident: null })
    }
    return { ...scene, view: { ...scene.view, world: { ...scene.view.world, probes } } }
  },
  silenced: () => {
    const incident = incidentOf(
      'fa11c0de51b27764',
      PROBES.slice(0, 1).map((probe) => memberOf(probe, UNEXPLAINED)),
      { state: 'waiting', announcedAt: null, lastMailAt: null, audience: [] },
    )
    const scene = worldOf({ incidents: [incident] })
    const told = 'already notified; a reminder every 4h while it stays unexplained'
    scene.put(
      [
        rowOf('77aa000000000001', ONSET - 5 * HOUR_MS, 'withheld', 'silent: an event of AWS explains it', 'suppression'),
        ...Array.from({ length: 12 }, (_, n) =>
          rowOf(`88cc00000000000${n}`, ONSET - n * MINUTE_MS, 'withheld', told, 'reminder'),
        ),
        rowOf(incident.id, ONSET + 75_000, 'withheld', 'failing is silenced until 14:30Z: moving house', 'silence'),
      ].toSorted((a, b) => a.at - b.at),
      [],
    )
    const now = { id: '0a1b2c3d', at: NOW - HOUR_MS, until: NOW + 145 * MINUTE_MS }
    const planned = { from: NOW + 20 * HOUR_MS, until: NOW + 22 * HOUR_MS }
    const silences = [
      silence({ ...now, reason: 'moving house', scope: { monitors: ['production'] } }),
      silence({ ...now, ...planned, id: '4e5f6a7b', scope: { accounts: ['111122223333'] } }),
    ]
    return { ...scene, view: { ...scene.view, world: { ...scene.view.world, silences } } }
  },
  offline: () => {
    const incident = incidentOf('09f9c0de51b27764', [], { family: 'offline', openedAt: ONSET, verdict: 'undetermined' })
    const scene = worldOf({ incidents: [incident] })
    scene.put(
      [],
      [
        owedOf(incident.id, 'oncall', 'offline', {
          state: 'retrying',
          attempts: 2,
          nextAt: NOW + 20_000,
          error: 'connect ENETUNREACH',
          deliveredAt: null,
        }),
      ],
    )
    const connectivity = { ...scene.view.world.connectivity, failures: 9, failingSince: ONSET, offlineSince: ONSET }
    return { ...scene, view: { ...scene.view, world: { ...scene.view.world, connectivity } } }
  },
}

/** The same text in every place that AWS, a mail server or the configuration writes to. */
export function hostileScene(text: string, link: string): Scene {
  const monitor = monitorOf(text, [text], ['ListRegions'], {
    impact: text,
    runbook: link,
    notify: [text],
    schedule: text,
    timezone: text,
  })
  const probe = monitor.probes[0]!
  if (EXPLAINED.kind !== 'explained') throw new Error('it is explained')
  const miss = { arn: text, code: text, region: text, status: 'open' as const, test: 'place' as const, why: text }
  const verdict = { ...EXPLAINED, why: text, by: { ...EXPLAINED.by, code: text, region: text, text }, rejected: [miss] }
  const member: Member = memberOf(probe, verdict, { operation: text }, { carried: text })
  const run = member.evidence[0]!
  const evidence = [{ ...run, tries: run.tries.map((one) => ({ ...one, error: text, message: text, requestId: text })) }]
  const open = incidentOf('a3f9c0de51b27764', [{ ...member, evidence }], { announcedAt: null })
  const closed = incidentOf('b3f9c0de51b27764', [{ ...member, state: 'recovered' }], {
    state: 'closed',
    closedAt: NOW,
    closedAs: 'recovered',
    explainedBy: `arn/x/${text}`,
  })
  const scene = worldOf({ monitors: [monitor], incidents: [open, closed] })
  const deferred = { state: 'retrying' as const, deliveredAt: null, error: text }
  scene.put(
    [rowOf(open.id, NOW, 'withheld', text, text as RuleName), rowOf(closed.id, NOW, 'withheld', text, text as RuleName)],
    [owedOf(open.id, text, 'failing', deferred)],
  )
  const scope = { monitors: [text], accounts: [text], operations: [text], regions: [text] }
  const hostile = silence({ at: 0, until: NOW + HOUR_MS, reason: text, by: text, scope })
  const acks = new Map([[open.id, { incident: open.id, at: NOW, reason: text }]])
  const selfAlerts = new Map([['api', { key: 'api', since: NOW, text }]])
  const source = { state: 'refused' as const, at: NOW, events: 0, skipped: 0, detail: text }
  const readings = new Map([
    ['aws' as const, { partition: 'aws' as const, at: NOW, events: [], sources: { api: source, dashboard: source } }],
  ])
  const world = { ...scene.view.world, silences: [hostile], acks, selfAlerts }
  return { ...scene, view: { ...scene.view, world, readings, overrides: [text] } }
}

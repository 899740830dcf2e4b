/* What the domain's tests are given: plain values with everything ordinary filled in, so that a row says only what matters. */

import type { Choice } from '../src/domain/choice.ts'
import { NEVER_JUDGED } from '../src/domain/explanation.ts'
import type { Incident, Member } from '../src/domain/incident.ts'
import type { HealthEvent, HealthReading, SourceState } from '../src/domain/outage.ts'
import type { Policy, Recipient } from '../src/domain/policy.ts'
import {
  type FailureKind,
  HOUR_MS,
  MINUTE_MS,
  type Monitor,
  type Obstacle,
  type Operation,
  type Outcome,
  type Partition,
  type Probe,
  probeId,
  type Try,
} from '../src/domain/probe.ts'
import type { Scope } from '../src/domain/scope.ts'
import { type Setup, setupOf } from '../src/domain/setup.ts'
import type { Silence } from '../src/domain/silence.ts'
import type { Failure } from '../src/domain/verdict.ts'

export const MIN = MINUTE_MS
export const HOUR = HOUR_MS
/** Noon of some day: the times of every story and every row count from it. */
export const NOON = Date.UTC(2026, 2, 10, 12)

type SilenceGiven = Partial<Omit<Silence, 'scope'>> & Readonly<{ scope?: Partial<Scope> }>
/** A silence of an hour over every monitor, which begins when it is ordered: at noon. */
export function silence({ scope = {}, at = NOON, ...over }: SilenceGiven = {}): Silence {
  const everything: Scope = { monitors: [], accounts: [], operations: [], regions: [] }
  const ordinary = { id: 's', from: at, until: at + HOUR, reason: 'a drill', by: 'anna', endedAt: null }
  return { ...ordinary, at, ...over, scope: { ...everything, ...scope } }
}

export const POLICY: Policy = {
  waitMs: 0,
  extensionMs: 15 * MIN,
  holdAtMostMs: 6 * HOUR,
  lookbackMs: 7 * HOUR,
  staleAfterMs: 24 * HOUR,
  remindEveryMs: 4 * HOUR,
  joinWithinMs: 30 * MIN,
  reopenWithinMs: 30 * MIN,
  blindAfterMs: 15 * MIN,
}
export const RELEVANCE = {
  related: ['IAM', 'STS', 'ORGANIZATIONS', 'MULTIPLE_SERVICES'],
  ignore: ['AWS_RISK_IAM_QUARANTINE'],
  codes: [] as string[],
  relatedTo: {} as Record<string, string[]>,
}

/** An open public event of IAM in us-east-1, first posted half an hour before noon, that explains a failure of Account at noon. */
export function event(changes: Partial<HealthEvent> = {}): HealthEvent {
  const service = changes.service ?? 'IAM'
  const code = changes.code ?? `AWS_${service}_OPERATIONAL_ISSUE`
  return {
    arn: `arn:aws:health:us-east-1::event/${service}/${code}/1`,
    service,
    region: 'us-east-1',
    code,
    category: 'issue',
    scope: 'PUBLIC',
    status: 'open',
    startedAt: NOON - 30 * MIN,
    endedAt: null,
    updatedAt: NOON - 10 * MIN,
    text: 'We are investigating increased error rates.',
    impacted: null,
    sources: ['api', 'dashboard'],
    owners: [],
    ...changes,
  }
}

/** A failure of Account in us-east-1 that began at noon and is judged there. */
export function failure(changes: Partial<Failure> = {}): Failure {
  return {
    kind: 'internal',
    service: 'ACCOUNT',
    region: 'us-east-1',
    onset: NOON,
    at: NOON,
    owners: ['111122223333'],
    ...changes,
  }
}

function source(state: SourceState['state'], detail = state === 'answered' ? 'an endpoint' : `it was ${state}`): SourceState {
  return { state, at: state === 'off' ? null : NOON, events: 0, skipped: 0, detail }
}

export type SourceStates = Readonly<{
  api?: SourceState['state']
  dashboard?: SourceState['state']
  /** `unproven`: it answered, and nobody knows whether anything feeds it. Left out: there is none. */
  queue?: SourceState['state'] | 'unproven'
}>

/** What AWS Health said: API and dashboard answered unless it says otherwise. */
export function reading(
  events: readonly HealthEvent[],
  at = NOON,
  states: SourceStates = {},
  partition: Partition = 'aws',
): HealthReading {
  return {
    partition,
    at,
    events,
    sources: {
      api: source(states.api ?? 'answered'),
      dashboard: source(states.dashboard ?? 'answered'),
      ...(states.queue === undefined
        ? {}
        : { queue: states.queue === 'unproven' ? { ...source('answered'), unproven: true } : source(states.queue) }),
    },
  }
}

/** How a run went, in a word. `down` is unreachable although the control call got through; `cut off` is unreachable with it. */
export type Went = 'ok' | 'ok at the second try' | 'throttled' | 'stalled' | 'down' | 'cut off' | FailureKind | Obstacle | 'sts'

/** One run that began at `at` and took a second. */
export function run(probe: string, at: number, went: Went, region = 'us-east-1'): Outcome {
  const base = { probe, startedAt: at, endedAt: at + 1000, control: null }
  const one = (kind: Try['kind'], status: number | null, service: Try['service'] = 'ACCOUNT'): Try => ({
    at,
    ms: 200,
    kind,
    error: kind === null ? null : `${kind}Exception`,
    message: kind === null ? null : `it is ${kind}`,
    status,
    requestId: status === null ? null : 'req-1',
    apigwId: null,
    traceId: null,
    service,
    region,
    skewMs: status === null ? null : 0,
  })
  switch (went) {
    case 'ok':
      return { ...base, result: 'ok', kind: null, tries: [one(null, 200)] }
    case 'ok at the second try':
      return { ...base, result: 'ok', kind: null, tries: [one('internal', 500), one(null, 200)] }
    case 'throttled':
      return { ...base, result: 'inconclusive', kind: 'throttled', tries: [one('throttled', 429)] }
    case 'stalled':
      return { ...base, result: 'inconclusive', kind: 'stalled', tries: [] }
    case 'sts':
      return { ...base, result: 'failed', kind: 'internal', tries: [one('internal', 500, 'STS')] }
    case 'down':
    case 'unreachable':
      return {
        ...base,
        result: 'failed',
        kind: 'unreachable',
        tries: [one('unreachable', null)],
        control: control(at + 500, true),
      }
    case 'cut off':
      return {
        ...base,
        result: 'failed',
        kind: 'unreachable',
        tries: [one('unreachable', null)],
        control: control(at + 500, false),
      }
    case 'name':
    case 'certificate':
    case 'proxy':
      return {
        ...base,
        result: 'failed',
        kind: 'unreachable',
        tries: [{ ...one('unreachable', null), obstacle: went }],
        control: control(at + 500, true),
      }
    case 'setup':
    case 'offline':
      return { ...base, result: 'failed', kind: went, tries: [one(went, null)] }
    case 'internal':
      return { ...base, result: 'failed', kind: went, tries: [one(went, 500)] }
    case 'credentials':
    case 'denied':
    case 'invalid':
      return { ...base, result: 'failed', kind: went, tries: [one(went, went === 'invalid' ? 400 : 403)] }
  }
}

export function control(at: number, reached: boolean) {
  return { at, ms: 50, reached, detail: reached ? 'HTTP 302' : 'ETIMEDOUT' }
}

export type MonitorGiven = Readonly<
  Partial<Omit<Monitor, 'probes'>> & { accounts?: readonly string[]; operations?: readonly Operation[] }
>

/** A monitor of account 111122223333 that runs each minute, three of five, and tells `oncall`. */
export function monitor(given: MonitorGiven = {}): Monitor {
  const { accounts = ['111122223333'], operations = ['GetContactInformation'], ...changes } = given
  const name = changes.name ?? 'main'
  const probes: Probe[] = accounts.flatMap((account) =>
    operations.map((operation) => {
      const call = { operation, parameter: null }
      return { id: probeId(name, account, call), monitor: name, account, call }
    }),
  )
  return {
    name,
    schedule: '* * * * *',
    timezone: 'Etc/UTC',
    spreadMs: 0,
    periodMs: MIN,
    partition: 'aws',
    region: 'us-east-1',
    credentials: { profile: name, roleArn: null, externalId: null, sessionName: null },
    probes,
    attempts: 3,
    backoffMs: 1000,
    timeoutMs: 5000,
    impact: null,
    runbook: null,
    fail: { count: 3, of: 5 },
    recover: 2,
    retryIntervalMs: 20_000,
    recheckEveryMs: MIN,
    notify: ['oncall'],
    ...changes,
  }
}

/** Recipients by name; a number is `after` in minutes. Each has one address at example.com. */
function recipients(
  given: Readonly<Record<string, number | null>>,
  addresses: Readonly<Record<string, readonly string[]>> = {},
): readonly Recipient[] {
  return Object.entries(given).map(([name, after]) => ({
    name,
    to: addresses[name] ?? [`${name}@example.com`],
    afterMs: after === null ? null : after * MIN,
  }))
}

export type SetupGiven = Readonly<{
  monitors?: readonly MonitorGiven[]
  recipients?: Readonly<Record<string, number | null>>
  /** The kinds of email that recipients get, of those who do not get all. */
  kinds?: Readonly<Record<string, readonly Choice[]>>
  /** Of recipients whose addresses are others than their name at example.com. */
  addresses?: Readonly<Record<string, readonly string[]>>
  policy?: Partial<Policy>
  codes?: readonly string[]
}>

export function setup(given: SetupGiven = {}): Setup {
  return setupOf({
    monitors: (given.monitors ?? [{}]).map(monitor),
    recipients: recipients(given.recipients ?? { oncall: null }, given.addresses).map((one) => {
      const kinds = given.kinds?.[one.name]
      return kinds === undefined ? one : { ...one, kinds }
    }),
    policy: { ...POLICY, ...given.policy },
    health: { relevance: { ...RELEVANCE, codes: given.codes ?? [] } },
    mail: { domain: 'example.com' },
  })
}

export function member(changes: Partial<Member> = {}): Member {
  return {
    probe: 'main/111122223333/GetContactInformation',
    monitor: 'main',
    account: '111122223333',
    operation: 'GetContactInformation',
    state: 'failing',
    onset: NOON,
    lastOkAt: NOON - MIN,
    gap: null,
    failedAt: NOON,
    recoveredAt: null,
    lastRunAt: NOON,
    lastFailedAt: NOON,
    evidence: [],
    judgement: NEVER_JUDGED,
    ...changes,
  }
}

/** Members that count how often anybody asks for which probe they are. */
export function countedMembers(ids: readonly string[]) {
  let reads = 0
  const members = ids.map((id) =>
    Object.defineProperty(member({ probe: id }), 'probe', {
      enumerable: true,
      get: () => {
        reads += 1
        return id
      },
    }),
  )
  return { members, reads: () => reads }
}

/** An outage that was opened at noon, with one failing member, of which nobody was notified yet. */
export function incident(changes: Partial<Incident> = {}): Incident {
  return {
    id: 'a3f9000000000001',
    partition: 'aws',
    family: 'outage',
    state: 'waiting',
    continues: null,
    into: [],
    openedAt: NOON,
    episodeAt: NOON,
    announcedAt: null,
    closedAt: null,
    closedAs: null,
    members: [member()],
    audience: [],
    seq: 0,
    lastMailAt: null,
    verdict: 'undetermined',
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
    ...changes,
  }
}

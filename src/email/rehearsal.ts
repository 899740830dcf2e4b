import { messageIdOf, notificationId } from '../domain/audience.ts'
import { decide } from '../domain/decide.ts'
import type { Input } from '../domain/decision.ts'
import type { LedgerRow } from '../domain/ledger.ts'
import type { Facts, Notification, StripMark } from '../domain/notification.ts'
import { type Backdrop, notificationsFor, plainFacts, probesShown } from '../domain/notify.ts'
import type { HealthEvent, HealthReading, SourceState } from '../domain/outage.ts'
import {
  type ControlAnswer,
  HOUR_MS,
  type Instant,
  MINUTE_MS,
  type Monitor,
  type Outcome,
  type Probe,
  probeId,
  type Try,
} from '../domain/probe.ts'
import { accountName, type Setup, setupOf } from '../domain/setup.ts'
import { type Gap, INITIAL_CONNECTIVITY, newProbeState, type World } from '../domain/state.ts'

const RETRY_MS = 20_000
const TRIES = 3
/** A run begins this long after the full minute at which the schedule fires. */
const BEGINS_MS = 2_114
/** Between the starts of two runs of a round. */
const APART_MS = 5

/** How each try of a run ends; `null`: the first one is ok. */
export type Ending = Partial<Try> | null
type Endings = Ending | ((probe: Probe) => Ending)
export type Target = Pick<Probe, 'account' | 'call'>

type Plain = Readonly<{ kind: Facts['kind']; reason: string; subject: string; lines: readonly string[]; scope: string }>

/** What is decided about at one moment. */
type Happening = Readonly<{
  now: Instant
  outcomes?: readonly Outcome[]
  controls?: readonly ControlAnswer[]
  setup?: Setup
  selfAlerts?: Input['selfAlerts']
}>

export type Stage = Readonly<{
  monitor?: Partial<Monitor>
  targets?: readonly Target[]
  overrides?: readonly string[]
  id?: string
  /** What an account is called. */
  nameOf?: (account: string) => string
}>

const SENT_BY: Facts['sentBy'] = {
  version: '0.1.0',
  host: 'host-7',
  sdk: '3.1169.0',
  endpoint: 'https://account.us-east-1.amazonaws.com',
  signingRegion: 'us-east-1',
  caller: 'arn:aws:sts::999900001111:assumed-role/alibi/host-7',
  callers: [
    {
      monitors: ['production'],
      account: '999900001111',
      arn: 'arn:aws:sts::999900001111:assumed-role/alibi/host-7',
      origin: 'the role of this instance',
    },
  ],
}

/**
 * Plays invented hours through the decisions of the real domain and collects the emails that follow from them: a sample says
 * what Alibi would say. There is a run every minute, every twenty seconds while it is undecided, and a look at the timers after each.
 */
export class Rehearsal {
  readonly notifications: Notification[] = []
  readonly ledger: LedgerRow[] = []
  readonly setup: Setup
  /** When the next round of runs begins. */
  at: Instant
  world: World
  private readonly overrides: readonly string[]
  private readonly marks = new Map<string, StripMark[]>()
  private events: readonly HealthEvent[] = []
  private trouble: Readonly<{ state: 'unavailable' | 'refused'; api: string; dashboard: string | null }> | null = null
  private reading: HealthReading | null = null
  private born = 0
  private readonly id: string

  /** @param minute a full minute */
  constructor(minute: Instant, { monitor, targets = [CONTACT], overrides = [], id = 'a3f9c0de51b27764', nameOf }: Stage = {}) {
    const { name } = MONITOR
    const probes = targets.map(({ account, call }) => ({ id: probeId(name, account, call), monitor: name, account, call }))
    const names = nameOf === undefined ? [] : targets.map(({ account }) => [account, nameOf(account)] as const)
    const accountNames = nameOf === undefined ? null : { ofAccounts: new Map(names), ofOwn: new Map() }
    this.setup = { ...setupFor({ ...MONITOR, ...monitor, probes }), accountNames }
    this.overrides = overrides
    this.id = id
    const start = minute + BEGINS_MS
    this.at = start
    this.world = {
      probes: new Map(probes.map((probe) => [probe.id, newProbeState(probe.id, start)])),
      incidents: new Map(),
      selfAlerts: new Map(),
      connectivity: { ...INITIAL_CONNECTIVITY, everReached: true },
      freshSince: start,
      lostUntil: null,
      absence: null,
      silences: [],
      acks: new Map(),
    }
  }

  /** What AWS Health says from now on. */
  aws(...events: readonly HealthEvent[]): this {
    this.events = events
    this.trouble = null
    return this
  }

  /** AWS Health gives no answer from now on. If nothing is said of the dashboard, that one still answers. */
  healthDown(state: 'unavailable' | 'refused', api: string, dashboard: string | null = null): this {
    this.trouble = { state, api, dashboard }
    return this
  }

  /** Rounds of runs until that time. */
  until(time: Instant, how: Endings): this {
    while (this.at < time) this.round(how)
    return this
  }

  /** Rounds of runs until an email of that kind is due. @throws after a thousand */
  untilEmail(kind: Facts['kind'], how: Endings): Notification {
    for (let rounds = 0; rounds < 1_000; rounds++) {
      const before = this.notifications.length
      this.round(how)
      const found = this.notifications.slice(before).find((one) => one.kind === kind)
      if (found !== undefined) return found
    }
    throw new Error(`no email of kind ${kind} in a thousand rounds: ${this.ledger.at(-1)?.reason}`)
  }

  /** An operator withholds alerts from then on until then, or until it is lifted. */
  silence(from: Instant, until: Instant, endedAt: Instant | null = null): this {
    const scope = { monitors: [MONITOR.name], accounts: [], operations: [], regions: [] }
    const asked = { id: 'a0b1c2d3', at: from, from, until, scope, reason: 'db move', by: 'anna', endedAt }
    this.world = { ...this.world, silences: [...this.world.silences, asked] }
    return this
  }

  /** Alibi does not run until then. */
  away(until: Instant, why: string): this {
    const gap: Gap = { from: this.at - MINUTE_MS, to: until, why }
    this.at = until + BEGINS_MS
    this.world = { ...this.world, absence: gap, freshSince: until }
    return this
  }

  /** Control calls, one a minute, that get through or do not; no runs. */
  controls(reached: boolean, times: number): this {
    for (let i = 0; i < times; i++, this.at += MINUTE_MS) {
      const control = { at: this.at, ms: 84, reached, detail: reached ? 'HTTP 302' : 'getaddrinfo EAI_AGAIN' }
      this.decide({ now: this.at + 100, controls: [control] })
    }
    return this
  }

  /** A reload with a configuration that has none of the probes. */
  removeProbes(): this {
    const monitor = [...this.setup.monitors.values()][0] ?? MONITOR
    const other = { id: 'other/self/ListRegions', monitor: 'other', account: 'self', call: LIST_REGIONS }
    this.decide({ now: this.at, setup: setupFor({ ...monitor, name: 'other', probes: [other] }) })
    return this
  }

  /** Something about Alibi itself that is reported once. */
  selfAlert(key: string, text: string): this {
    this.decide({ now: this.at, selfAlerts: [{ key, text }] })
    return this
  }

  /** An email that belongs to no incident. */
  plain({ kind, reason, subject, lines, scope }: Plain): Notification {
    const facts = plainFacts({ kind, reason, subject, lines }, this.backdrop(this.at))
    const id = notificationId(scope, 1, 'oncall')
    const messageId = messageIdOf(id, this.setup.mailDomain)
    const to = ['oncall@example.com']
    const sent = { id, messageId, kind, incident: null, thread: messageId, seq: 1, recipient: 'oncall', to, inReplyTo: null }
    return { ...sent, createdAt: this.at, facts }
  }

  private round(how: Endings): void {
    const ending = (probe: Probe) => (typeof how === 'function' ? how(probe) : how)
    const outcomes = [...this.setup.probes.values()].map((probe, nth) => runOf(probe.id, this.at + nth * APART_MS, ending(probe)))
    const end = outcomes.reduce((last, { endedAt }) => Math.max(last, endedAt), this.at)
    for (const { probe, startedAt, endedAt, result } of outcomes)
      this.marks.set(probe, [
        ...(this.marks.get(probe) ?? []).slice(-200),
        { at: startedAt, ms: endedAt - startedAt, mark: result },
      ])
    this.decide({ now: end, outcomes })
    const isUndecided = [...this.world.probes.values()].some(({ status }) => status === 'undecided')
    this.at += isUndecided ? RETRY_MS : MINUTE_MS - ((this.at - BEGINS_MS) % MINUTE_MS)
  }

  private decide({ now, outcomes = [], controls = [], setup = this.setup, selfAlerts: alerts = [] }: Happening): void {
    // `consult`: at every failure until the threshold is reached, and every minute from then on.
    const isOpen = this.world.incidents.size > 0
    const isDue = this.reading === null || now - this.reading.at >= MINUTE_MS
    const isNew = isOpen ? isDue : outcomes.some(({ result }) => result === 'failed')
    if (isNew) this.reading = this.read(now - 1_100)
    const readings = new Map(this.reading === null ? [] : [['aws' as const, this.reading]])
    const newlyRead = new Set(isNew ? (['aws'] as const) : [])
    const owners = (probe: Probe, monitor: Monitor) => [accountName(probe, monitor)]
    const newId = () => {
      this.born += 1
      return this.born === 1 ? this.id : `${this.born.toString(16)}${this.id.slice(1)}`
    }
    const input: Input = { now, outcomes, controls, readings, newlyRead, timers: true, selfAlerts: alerts, owners, newId }
    const decision = decide(this.world, input, setup)
    const probes = new Map(this.world.probes)
    for (const state of decision.probes) probes.set(state.probe, state)
    const strips = this.strips(probesShown(decision.announced, setup), now)
    const drop = { ...this.backdrop(now), setup, readings, strips, states: probes }
    this.notifications.push(...notificationsFor(decision.announced, drop))
    this.ledger.push(...decision.ledger)
    const incidents = new Map(this.world.incidents)
    for (const incident of decision.incidents) incidents.set(incident.id, incident)
    const selfAlerts = new Map(this.world.selfAlerts)
    for (const selfAlert of decision.selfAlerts.set) selfAlerts.set(selfAlert.key, selfAlert)
    for (const key of decision.selfAlerts.cleared) selfAlerts.delete(key)
    const freshSince = Math.max(this.world.freshSince, decision.freshSince)
    const connectivity = decision.connectivity ?? this.world.connectivity
    this.world = { ...this.world, probes, incidents, selfAlerts, connectivity, freshSince }
  }

  private backdrop(now: Instant): Backdrop {
    const { setup, overrides } = this
    return { setup, now, overrides, readings: new Map(), strips: new Map(), sender: () => SENT_BY }
  }

  private strips(probes: readonly string[], now: Instant): ReadonlyMap<string, readonly StripMark[]> {
    return new Map(probes.map((probe) => [probe, (this.marks.get(probe) ?? []).filter(({ at }) => at > now - HOUR_MS)]))
  }

  private read(at: Instant): HealthReading {
    const { trouble } = this
    const answered = (when: Instant, events: number, detail: string): SourceState => ({
      ...{ state: 'answered', at: when, events, skipped: 0, detail },
    })
    const mute = (why: string): SourceState => ({
      state: trouble?.state ?? 'unavailable',
      at,
      events: 0,
      skipped: 0,
      detail: why,
    })
    const isDashboardMute = trouble !== null && trouble.dashboard !== null
    const events = this.events.filter(({ sources }) => trouble === null || (!isDashboardMute && sources.includes('dashboard')))
    const api = trouble === null ? answered(at - 400, events.length, 'us-east-2 is active') : mute(trouble.api)
    const dashboard = trouble?.dashboard == null ? answered(at, events.length, 'health.aws.amazon.com') : mute(trouble.dashboard)
    return { partition: 'aws', at, events, sources: { api, dashboard } }
  }
}

const CONTACT: Target = { account: '111122223333', call: { operation: 'GetContactInformation', parameter: null } }
const LIST_REGIONS = { operation: 'ListRegions', parameter: null } as const

const MONITOR: Monitor = {
  name: 'production',
  schedule: '* * * * *',
  timezone: 'Europe/Berlin',
  spreadMs: 0,
  periodMs: MINUTE_MS,
  partition: 'aws',
  region: 'us-east-1',
  credentials: { profile: null, roleArn: null, externalId: null, sessionName: null },
  probes: [],
  attempts: TRIES,
  backoffMs: 1_000,
  timeoutMs: 5_000,
  impact: 'New accounts cannot be created.',
  runbook: 'https://wiki.example/aws-account',
  fail: { count: 3, of: 5 },
  recover: 2,
  retryIntervalMs: RETRY_MS,
  recheckEveryMs: MINUTE_MS,
  notify: ['oncall', 'manager'],
}

/** The defaults of the configuration. */
function setupFor(monitor: Monitor): Setup {
  return setupOf({
    monitors: [monitor],
    recipients: [
      { name: 'oncall', to: ['oncall@example.com'], afterMs: null },
      { name: 'manager', to: ['manager@example.com'], afterMs: 30 * MINUTE_MS },
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
    health: { relevance: { related: ['IAM', 'STS', 'ORGANIZATIONS', 'MULTIPLE_SERVICES'], ignore: [], codes: [] } },
    mail: { domain: 'example.com' },
  })
}

const ID_TAILS = ['6f1c0b77a9', '0b7793d031', '93d04f4cf4', '31d4e5f6a7', 'b8c9d0e1f2']

function failedTry(at: Instant, nth = 0, over: Partial<Try> = {}): Try {
  return {
    at,
    ms: 1_213 - nth * 31,
    kind: 'internal',
    error: 'InternalServerException',
    message: 'The service could not complete the request.',
    status: 500,
    requestId: `5d0c2a10-7e3b-4c1d-9a55-00${ID_TAILS[nth % ID_TAILS.length]}`,
    apigwId: `Xy${nth}aBcDeFgHiJ=`,
    traceId: `Root=1-69a81b2a-00112233445566778899aa${String(nth).padStart(2, '0')}`,
    service: 'ACCOUNT',
    region: 'us-east-1',
    skewMs: 40,
    ...over,
  }
}

export function failedRun(probe: string, at: Instant, over: Partial<Try> = {}, tries = TRIES): Outcome {
  return {
    probe,
    startedAt: at,
    endedAt: at + 6_120,
    tries: Array.from({ length: tries }, (_, nth) => failedTry(at + nth * 2_100, nth, over)),
    control: null,
    result: 'failed',
    kind: over.kind === undefined || over.kind === null || over.kind === 'throttled' ? 'internal' : over.kind,
  }
}

function okRun(probe: string, at: Instant): Outcome {
  const one = failedTry(at, 4, { kind: null, error: null, message: null, status: 200, ms: 311 })
  return { probe, startedAt: at, endedAt: at + 311, tries: [one], control: null, result: 'ok', kind: null }
}

function runOf(probe: string, at: Instant, ending: Ending): Outcome {
  if (ending === null) return okRun(probe, at)
  const run = failedRun(probe, at, ending)
  if (ending.kind === 'throttled') return { ...run, result: 'inconclusive', kind: 'throttled' }
  if (ending.kind !== 'unreachable') return run
  return { ...run, control: { at: at + 6_000, ms: 84, reached: true, detail: 'HTTP 302' } }
}

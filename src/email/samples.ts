/*
 * One email of every kind, and the cases that are hard to lay out: of invented hours, played through the real decisions, so
 * that no sample says what Alibi never would. No text is AWS's, and no account is anybody's.
 */
import { digestOf, gapRow } from '../domain/digest.ts'
import { summaryOf } from '../domain/incident-summary.ts'
import type { Facts, MailKind, Notification, ProbeFacts } from '../domain/notification.ts'
import type { HealthEvent } from '../domain/outage.ts'
import { incidentPatterns } from '../domain/patterns.ts'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, type Probe, type Try } from '../domain/probe.ts'
import { CONFIG_ALERT } from '../domain/self-alert.ts'
import type { Delivery } from './delivery.ts'
import { type Ending, failedRun, Rehearsal, type Stage, type Target } from './rehearsal.ts'
import { TEST_EMAIL } from './test-email.ts'

export { failedRun }

const at = (clock: string) => Date.parse(`2026-03-04T${clock}:00Z`)
/** Everything is ok for an hour before it. */
const NOON_OR_SO = at('11:58')

// ---- What AWS says, and how runs end

const event = (service: string, region: string, over: Partial<HealthEvent>): HealthEvent => ({
  arn: `arn:aws:health:${region}::event/${service}/AWS_${service}_OPERATIONAL_ISSUE/invented`,
  service,
  region,
  code: `AWS_${service}_OPERATIONAL_ISSUE`,
  category: 'issue',
  scope: 'PUBLIC',
  status: 'open',
  startedAt: at('10:20'),
  endedAt: null,
  updatedAt: at('11:40'),
  text: 'An invented update: some calls to an invented service fail in an invented place, and engineers are working on it.',
  impacted: null,
  sources: ['api', 'dashboard'],
  owners: [],
  ...over,
})
/** Both come close, and explain nothing. */
const OTHERS = [
  event('IAM', 'me-central-1', {}),
  event('EC2', 'us-east-1', { status: 'closed', endedAt: at('11:40'), updatedAt: at('11:41') }),
]
const ours = (over: Partial<HealthEvent> = {}) =>
  event('ACCOUNT', 'us-east-1', { startedAt: at('12:20'), updatedAt: at('12:22'), ...over })

const FAILS: Ending = {}
const DENIED: Ending = {
  kind: 'denied',
  error: 'AccessDeniedException',
  status: 403,
  message: 'The caller is not allowed to call account:GetContactInformation.',
}
const THROTTLED: Ending = { kind: 'throttled', error: 'TooManyRequestsException', status: 429, message: 'Too many requests.' }
const UNREACHABLE: Ending = {
  kind: 'unreachable',
  error: 'ETIMEDOUT',
  message: 'no answer within 5s',
  ...({ status: null, requestId: null, apigwId: null, traceId: null } satisfies Partial<Try>),
}

const CALLS = [
  { operation: 'GetContactInformation', parameter: null },
  { operation: 'GetAccountInformation', parameter: null },
  { operation: 'ListRegions', parameter: null },
  { operation: 'GetAlternateContact', parameter: 'SECURITY' },
] as const
/** That many probes, each for an account of its own; one operation in four fails in another way. */
const targets = (count: number): readonly Target[] =>
  Array.from({ length: count }, (_, nth) => ({
    account: String(111_100_000_000 + nth * 1_111),
    call: CALLS[nth % CALLS.length] ?? CALLS[0],
  }))
const failsByOperation = ({ call }: Probe): Ending =>
  call.operation === 'GetAccountInformation' ? { error: 'ServiceUnavailable', status: 503 } : FAILS

// ---- The hours

const well = (stage: Stage = {}, minutes = 58) =>
  new Rehearsal(NOON_OR_SO - minutes * MINUTE_MS, stage).aws(...OTHERS).until(NOON_OR_SO, null)

/** It fails at 11:58 and AWS has no alibi; what follows is up to the script. */
function outage(
  script: (on: Rehearsal) => Notification = (on) => on.untilEmail('failing', FAILS),
  stage: Stage = {},
): Notification {
  return script(well(stage))
}

function explained(): Rehearsal {
  const on = well()
  on.untilEmail('failing', FAILS)
  on.until(at('12:22'), FAILS).aws(ours(), ...OTHERS)
  return on
}

/** It fails, recovers and fails again: the email about that, or about the second time. */
function flaps(kind: 'failing' | 'flapping'): Notification {
  const on = well()
  on.untilEmail('failing', FAILS)
  on.untilEmail('recovered', null)
  on.until(on.at + 5 * MINUTE_MS, null)
  const again = on.untilEmail('failing', FAILS)
  if (kind === 'failing') return again
  on.untilEmail('recovered', null)
  on.until(on.at + 5 * MINUTE_MS, null)
  return on.untilEmail('flapping', FAILS)
}

function wider(): Notification {
  const on = well({ targets: targets(14) })
  const six = new Set(targets(6).map(({ account }) => account))
  const some = (probe: Probe) => (six.has(probe.account) ? failsByOperation(probe) : null)
  on.untilEmail('failing', some)
  on.until(at('12:16'), some)
  return on.untilEmail('wider', failsByOperation)
}

function cutOff(until: Instant | null = null): Notification {
  const on = new Rehearsal(NOON_OR_SO, { id: '0ff1c0de51b27764' }).controls(false, 3)
  if (until !== null) on.controls(false, Math.round((until - on.at) / MINUTE_MS)).controls(true, 1)
  return last(on)
}

function last(on: Rehearsal): Notification {
  const found = on.notifications.findLast(({ recipient }) => recipient === 'oncall')
  if (found === undefined) throw new Error('a rehearsal without an email')
  return found
}

/** A week with an outage that was emailed, one that AWS explained in time, and an hour in which Alibi did not run. */
function week(): Notification {
  const on = well()
  on.untilEmail('failing', FAILS)
  on.untilEmail('recovered', null)
  const to = NOON_OR_SO + DAY_MS
  const silent = new Rehearsal(NOON_OR_SO - 30 * HOUR_MS, { id: 'c0de51b27764a3f9' })
  const before = ours({ startedAt: silent.at - 20 * MINUTE_MS, updatedAt: silent.at })
  silent
    .aws(before)
    .until(silent.at + 40 * MINUTE_MS, FAILS)
    .until(silent.at + 45 * MINUTE_MS, null)
  const delivered = on.notifications.map(({ kind, incident, createdAt, recipient }) => ({
    ...{ at: createdAt, incident, probe: null, decision: 'delivered' as const, rule: null },
    reason: `${kind} to ${recipient}: 250 ok`,
    evidence: { kind },
  }))
  const away = { from: NOON_OR_SO - 10 * HOUR_MS, to: NOON_OR_SO - 9 * HOUR_MS, why: 'Alibi was not running' }
  const incidents = [...silent.world.incidents.values(), ...on.world.incidents.values()]
  const { headline, chapters } = digestOf({
    from: to - 7 * DAY_MS,
    to,
    incidents: incidents.map(summaryOf),
    patterns: incidents.map(incidentPatterns),
    ledger: [...silent.ledger, gapRow(away), ...on.ledger, ...delivered],
    cut: false,
    outbox: [],
    watched: { operations: 1, accounts: 1 },
  })
  const mail = new Rehearsal(to).plain({
    ...{ kind: 'digest', reason: headline, subject: '[alibi] summary', lines: [headline], scope: `digest.${to}` },
  })
  return { ...mail, facts: { ...mail.facts, chapters } }
}

function refused(): Notification {
  const why =
    'the account has no support plan that includes the AWS Health API (Business Support+ or above) (SubscriptionRequiredException)'
  return well().healthDown('refused', why).untilEmail('misconfigured', FAILS)
}

/** One of every kind. */
export const NOTIFICATIONS: Readonly<Record<MailKind, Notification>> = {
  failing: outage(),
  wider: wider(),
  escalated: outage((on) => on.untilEmail('escalated', FAILS)),
  reminder: outage((on) => on.untilEmail('reminder', FAILS)),
  'now-explained': explained().untilEmail('now-explained', FAILS),
  'still-failing': explained()
    .until(at('13:18'), FAILS)
    .aws(ours({ status: 'closed', endedAt: at('13:18'), updatedAt: at('13:18') }), ...OTHERS)
    .untilEmail('still-failing', FAILS),
  recovered: explained().until(at('12:39'), FAILS).untilEmail('recovered', null),
  flapping: flaps('flapping'),
  dropped: outage((on) => {
    on.untilEmail('failing', FAILS)
    return last(on.until(at('14:58'), FAILS).removeProbes())
  }),
  blind: outage((on) => on.untilEmail('blind', THROTTLED), { id: '77b0c0de51b27764' }),
  misconfigured: outage((on) => on.untilEmail('misconfigured', DENIED), { id: 'c41dc0de51b27764' }),
  offline: cutOff(),
  digest: week(),
  test: new Rehearsal(NOON_OR_SO).plain({
    ...{ kind: 'test', reason: TEST_EMAIL.reason, subject: TEST_EMAIL.subject },
    lines: TEST_EMAIL.lines({ name: 'oncall', to: ['oncall@example.com'] }),
    scope: 'test.5d0c2a107e3b4c1d',
  }),
}

const factsOf = <K extends string>(mails: Readonly<Record<K, Notification>>) =>
  Object.fromEntries(Object.entries<Notification>(mails).map(([kind, { facts }]) => [kind, facts])) as Record<K, Facts>

export const SAMPLES: Readonly<Record<MailKind, Facts>> = factsOf(NOTIFICATIONS)

/** The moment of the first sample. */
export const AT = SAMPLES.failing.at

export const PUNCTUAL: Delivery = { attempts: 0, lateBecause: null, now: AT, merged: null, refused: [] }

const lateRecovery = outage((on) => {
  on.untilEmail('failing', FAILS)
  return on.until(at('12:39'), FAILS).untilEmail('recovered', null)
})

type Case = Readonly<{ mail: Notification; delivery?: Partial<Delivery> }>

/** Further cases, each with its delivery. */
const FURTHER: Readonly<Record<string, Case>> = {
  'failing-linked': {
    mail: NOTIFICATIONS.failing,
    delivery: {
      shell: { host: 'host-7', user: 'alibi', directory: '/opt/alibi', program: 'npx alibi', options: '' },
      page: {
        url: 'https://alibi.example.com/incidents/a3f9c0de51b27764?answer=tb8e80.b25jYWxs.0123456789abcdefghijklmnopqrstuvwxyzABCDEFG',
        hasButtons: true,
      },
    },
  },
  'failing-one-of-eleven': { mail: several(11, (nth) => (nth === 0 ? FAILS : null)) },
  'failing-two-of-eleven': { mail: several(11, (nth) => (nth < 2 ? FAILS : nth < 4 ? THROTTLED : null)) },
  'failing-named': {
    mail: outage(undefined, { nameOf: () => 'payments' }),
  },
  'failing-named-many': {
    mail: well({ targets: targets(14), nameOf: (account) => `team ${account.slice(-4)}` }).untilEmail(
      'failing',
      failsByOperation,
    ),
  },
  'failing-again': { mail: flaps('failing') },
  'failing-after-silence': { mail: well().silence(at('11:00'), at('12:30')).untilEmail('failing', FAILS) },
  'reminder-after-silence': {
    mail: outage((on) => {
      on.untilEmail('failing', FAILS)
      return on.silence(at('12:10'), at('23:00'), at('16:30')).untilEmail('reminder', FAILS)
    }),
  },
  'failing-undetermined-late': {
    mail: new Rehearsal(NOON_OR_SO - HOUR_MS)
      .until(at('11:48'), null)
      .away(NOON_OR_SO, 'Alibi was not running')
      .healthDown('unavailable', 'timed out after 10s', 'HTTP 503')
      .untilEmail('failing', UNREACHABLE),
    delivery: { attempts: 4, lateBecause: 'smtp.example.com answered 421 to MAIL FROM', now: AT + 7 * MINUTE_MS + 12_000 },
  },
  'failing-hold': {
    mail: well()
      .aws(ours({ startedAt: at('11:50'), updatedAt: at('11:55') }), ...OTHERS)
      .untilEmail('failing', FAILS),
  },
  'failing-1000-probes': { mail: widely(1_000) },
  'failing-sandbox': {
    mail: outage(
      (on) => {
        on.untilEmail('misconfigured', DENIED)
        return on.untilEmail('failing', FAILS)
      },
      {
        id: 'c41dc0de51b27764',
        monitor: { impact: null, runbook: null },
        overrides: ['AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4566', 'AWS_ENDPOINT_URL_HEALTH=http://127.0.0.1:4566'],
      },
    ),
  },
  'recovered-hindsight': {
    mail: outage((on) => {
      on.untilEmail('failing', FAILS)
      const over = ours({ status: 'closed', startedAt: at('12:05'), endedAt: at('12:08'), updatedAt: at('12:31') })
      return on
        .until(at('12:31'), FAILS)
        .aws(over, ...OTHERS)
        .until(at('12:39'), FAILS)
        .untilEmail('recovered', null)
    }),
  },
  'recovered-merged': {
    mail: lateRecovery,
    delivery: {
      merged: { facts: SAMPLES.failing, why: 'the mail server could not be reached' },
      attempts: 9,
      now: lateRecovery.createdAt + 4 * MINUTE_MS,
      lateBecause: 'connect ECONNREFUSED',
    },
  },
  'recovered-offline': { mail: cutOff(at('12:40')) },
  'misconfigured-notice': { mail: refused() },
  'misconfigured-file': {
    mail: last(
      well().selfAlert(
        CONFIG_ALERT,
        'The configuration on disk is faulty, and the old one stays in force: config/alibi.yaml:7:5  monitors[0].schedul: unknown key; did you mean `schedule`?',
      ),
    ),
  },
}

export const CASES: Readonly<Record<string, Readonly<{ facts: Facts; delivery?: Partial<Delivery> }>>> = Object.fromEntries(
  Object.entries(FURTHER).map(([name, { mail, delivery }]) => [name, { facts: mail.facts, ...(delivery && { delivery }) }]),
)

function widely(count: number): Notification {
  return well({ targets: targets(count), monitor: { timezone: 'Etc/UTC' } }, 5).untilEmail('failing', failsByOperation)
}

/** That many accounts are asked the same, with the results that are given. */
function several(count: number, ends: (nth: number) => Ending): Notification {
  const accounts = targets(count).map(({ account }) => account)
  const on = well({ targets: accounts.map((account) => ({ account, call: CALLS[0] })) })
  return on.untilEmail('failing', ({ account }) => ends(accounts.indexOf(account)))
}

/** That many failing probes, as many in full as facts hold. */
export function many(count: number): Pick<Facts, 'probes' | 'others' | 'breadth'> {
  const { probes, others, breadth } = widely(count).facts
  return { probes, others, ...(breadth && { breadth }) }
}

/** The probe of the first sample, with some changes. */
export function probeFacts(over: Partial<ProbeFacts> = {}): ProbeFacts {
  const [probe] = SAMPLES.failing.probes
  if (probe === undefined) throw new Error('the first sample has no probe')
  return { ...probe, ...over }
}

const ofFacts = new Map(
  [...Object.values(NOTIFICATIONS), ...Object.values(FURTHER).map(({ mail }) => mail)].map((mail) => [mail.facts, mail]),
)

/** The notification of a sample; for facts that a test has changed, one like it. */
export function notificationOf(facts: Facts, over: Partial<Notification> = {}): Notification {
  const { kind, incident } = facts
  const like = ofFacts.get(facts) ?? NOTIFICATIONS[kind]
  return { ...like, kind, incident: incident?.id ?? null, createdAt: facts.at, facts, ...over }
}

/*
 * Invented facts for every kind of mail, and for the cases that are easily laid out badly. No text of AWS's, no account of
 * anybody's.
 */
import { CONFIG_NOTICE, headingOf } from '../domain/notice.ts'
import type { Facts, MailKind, Notification, ProbeFacts, StripMark } from '../domain/notification.ts'
import type { SourceState } from '../domain/outage.ts'
import { HOUR_MS, type Instant, MINUTE_MS, type Outcome, type Try } from '../domain/probe.ts'
import type { Alibi, NearMiss, Verdict } from '../domain/verdict.ts'
import type { Delivery } from './content.ts'

export const AT = Date.UTC(2026, 2, 4, 12, 4, 33, 120)
const ONSET = Date.UTC(2026, 2, 4, 11, 58, 2, 114)
const LAST_OK = Date.UTC(2026, 2, 4, 11, 57, 2, 98)
const ID = 'a3f9c0de51b27764'

const ID_TAILS = ['6f1c0b77a9', '0b7793d031', '93d04f4cf4', '31d4e5f6a7', 'b8c9d0e1f2']

export function failedTry(at: Instant, nth = 0, over: Partial<Try> = {}): Try {
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

export function failedRun(probe: string, at: Instant, over: Partial<Try> = {}, tries = 3): Outcome {
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

export function okRun(probe: string, at: Instant): Outcome {
  const one = failedTry(at, 4, { kind: null, error: null, message: null, status: 200, ms: 311 })
  return { probe, startedAt: at, endedAt: at + 311, tries: [one], control: null, result: 'ok', kind: null }
}

/** An hour of runs, each minute; failed from `from` until `to`. */
export function hour(at: Instant, from: Instant, to: Instant = Number.POSITIVE_INFINITY): readonly StripMark[] {
  return Array.from({ length: 60 }, (_, index) => {
    const when = at - HOUR_MS + index * MINUTE_MS + 20_000
    const mark = when >= from && when < to ? 'failed' : index === 31 ? 'inconclusive' : 'ok'
    return { at: when, ms: mark === 'ok' ? 310 : 6_120, mark }
  })
}

const misses: readonly NearMiss[] = [
  {
    arn: 'arn:aws:health:me-central-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/invented-1',
    code: 'AWS_IAM_OPERATIONAL_ISSUE',
    region: 'me-central-1',
    status: 'open',
    test: 'place',
    why: 'it is about me-central-1, and the failing endpoint stands in us-east-1',
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

const unexplained: Verdict = {
  kind: 'unexplained',
  why: 'no event of AWS Health explains a failure of ACCOUNT in us-east-1: the Health API and the public dashboard answered, 2 events considered',
  nearMisses: misses,
}

const undetermined: Verdict = {
  kind: 'undetermined',
  why: 'AWS Health could not be asked (API: timed out after 10s; dashboard: HTTP 503)',
  nearMisses: [],
}

const alibi: Alibi = {
  arn: 'arn:aws:health:us-east-1::event/ACCOUNT/AWS_ACCOUNT_OPERATIONAL_ISSUE/invented-3',
  code: 'AWS_ACCOUNT_OPERATIONAL_ISSUE',
  service: 'ACCOUNT',
  region: 'us-east-1',
  status: 'open',
  startedAt: ONSET + 22 * MINUTE_MS,
  endedAt: null,
  updatedAt: ONSET + 24 * MINUTE_MS,
  sources: ['api', 'dashboard'],
  text: 'An invented update: some calls of an invented service fail in an invented place, and people are at work on it.',
  rule: 'direct',
}

const explained: Verdict = {
  kind: 'explained',
  by: alibi,
  why: 'AWS reports trouble of ACCOUNT itself (us-east-1)',
  nearMisses: misses.slice(1),
}

const answered = (at: Instant, events: number, detail: string): SourceState => ({
  state: 'answered',
  at,
  events,
  skipped: 0,
  detail,
})
const silent = (at: Instant, detail: string): SourceState => ({ state: 'unavailable', at, events: 0, skipped: 0, detail })

export function probeFacts(over: Partial<ProbeFacts> = {}): ProbeFacts {
  const probe = over.probe ?? 'production/111122223333/GetContactInformation'
  return {
    probe,
    monitor: 'production',
    account: '111122223333',
    operation: 'GetContactInformation',
    state: 'failing',
    onset: ONSET,
    lastOkAt: LAST_OK,
    gap: null,
    failedAt: ONSET + 47_000,
    wellAt: null,
    verdict: unexplained,
    carried: null,
    lapsed: null,
    evidence: [failedRun(probe, ONSET), failedRun(probe, ONSET + 41_000), failedRun(probe, AT - 60_000)],
    strip: hour(AT, ONSET),
    ...over,
  }
}

const incident: NonNullable<Facts['incident']> = {
  id: ID,
  partition: 'aws',
  family: 'outage',
  continues: null,
  openedAt: ONSET + 47_000,
  onset: ONSET,
  lastOkAt: LAST_OK,
  announcedAt: AT,
  closedAt: null,
  reopened: 0,
  flapping: false,
  explainedBy: null,
  leadMinutes: null,
  hindsight: [],
}

const base: Facts = {
  kind: 'failing',
  at: AT,
  reason: unexplained.why,
  subject: '[alibi] production: AWS Account trouble #a3f9',
  incident,
  monitors: [
    {
      name: 'production',
      impact: 'New accounts cannot be created.',
      runbook: 'https://wiki.example/aws-account',
      rule: '3 of 5 runs fail, wait 0s, reminder each 4h',
    },
  ],
  probes: [probeFacts()],
  others: { names: [], total: 0 },
  verdict: 'unexplained',
  sources: {
    api: answered(AT - 2_000, 2, 'us-east-2 is active'),
    dashboard: answered(AT - 1_600, 3, 'health.aws.amazon.com'),
    at: AT - 1_600,
  },
  next: 'a reminder at 16:04Z if it lasts, or when it recovers, or when AWS explains it',
  lines: [],
  overrides: [],
  timezone: 'Europe/Berlin',
  sentBy: {
    version: '0.1.0',
    host: 'host-7',
    sdk: '3.1169.0',
    endpoint: 'https://account.us-east-1.amazonaws.com',
    signingRegion: 'us-east-1',
    caller: 'arn:aws:sts::999900001111:assumed-role/alibi/host-7',
  },
}

const later = (ms: number, over: Partial<Facts>, probe: Partial<ProbeFacts> = {}): Facts => {
  const at = AT + ms
  return {
    ...base,
    at,
    probes: [
      probeFacts({
        strip: hour(at, ONSET),
        evidence: [failedRun(base.probes[0]?.probe ?? '', ONSET), failedRun(base.probes[0]?.probe ?? '', at - 20_000)],
        ...probe,
      }),
    ],
    sources: {
      api: answered(at - 2_000, 2, 'us-east-2 is active'),
      dashboard: answered(at - 1_600, 3, 'health.aws.amazon.com'),
      at: at - 1_600,
    },
    ...over,
    incident: over.incident === undefined ? incident : over.incident,
  }
}

const END = ONSET + 42 * MINUTE_MS
const OPERATIONS = ['GetContactInformation', 'GetAccountInformation', 'ListRegions', 'GetAlternateContact SECURITY']
const accountOf = (nth: number) => String(111_100_000_000 + nth * 1_111)

/** `count` failing probes, as many in full as the facts may hold. */
export function many(count: number): Pick<Facts, 'probes' | 'others'> {
  const full = Math.min(count, 10)
  const probes = Array.from({ length: full }, (_, nth) => {
    const operation = OPERATIONS[nth % OPERATIONS.length] ?? 'ListRegions'
    const account = accountOf(nth)
    const probe = `production/${account}/${operation.replace(' ', ':')}`
    const over: Partial<Try> = nth % 4 === 1 ? { error: 'ServiceUnavailable', status: 503 } : {}
    return probeFacts({
      probe,
      account,
      operation,
      onset: ONSET + nth * 700,
      evidence: [failedRun(probe, ONSET + nth * 700, over)],
      strip: nth < 3 ? hour(AT, ONSET) : [],
    })
  })
  const names = Array.from(
    { length: Math.min(count - full, 200) },
    (_, nth) => `production/${accountOf(nth + full)}/${(OPERATIONS[nth % 4] ?? '').replace(' ', ':')}`,
  )
  return { probes, others: { names, total: count - full } }
}

const well = (probe: Partial<ProbeFacts> = {}): Partial<ProbeFacts> => ({
  state: 'well',
  wellAt: END,
  strip: hour(END + MINUTE_MS, ONSET, END),
  ...probe,
})

/** One of every kind. */
export const SAMPLES: Readonly<Record<MailKind, Facts>> = {
  failing: base,
  wider: {
    ...later(20 * MINUTE_MS, {}),
    kind: 'wider',
    reason: '14 probes fail now; 6 did when the last mail was sent',
    ...many(14),
  },
  escalated: later(30 * MINUTE_MS, { kind: 'escalated', reason: 'announced 30m ago and still not explained' }),
  reminder: later(4 * HOUR_MS, {
    kind: 'reminder',
    reason: 'it has lasted 4h 6m and nobody explains it',
    next: 'a reminder at 20:04Z if it lasts',
  }),
  'now-explained': later(
    24 * MINUTE_MS,
    {
      kind: 'now-explained',
      reason: explained.why,
      verdict: 'explained',
      incident: { ...incident, explainedBy: alibi.arn, leadMinutes: 22 },
      next: 'when it recovers, or at 18:28Z if AWS explains it for that long, or when AWS says it is fixed and it is not',
    },
    { verdict: explained },
  ),
  'still-failing': later(
    95 * MINUTE_MS,
    {
      kind: 'still-failing',
      reason:
        'AWS says that AWS_ACCOUNT_OPERATIONAL_ISSUE ended at 2026-03-04 13:20Z, and a run begun 3m after the 15m of grace still failed',
      incident: { ...incident, explainedBy: alibi.arn, leadMinutes: 22 },
    },
    {
      lapsedBy: 'over',
      explainedUntil: AT + 91 * MINUTE_MS,
      lapsed:
        'AWS says that AWS_ACCOUNT_OPERATIONAL_ISSUE ended at 2026-03-04 13:20Z, and a run begun 3m after the 15m of grace still failed',
    },
  ),
  recovered: {
    ...later(
      END + MINUTE_MS - AT,
      {},
      well({ evidence: [failedRun('p', ONSET), failedRun('p', END - MINUTE_MS), okRun('p', END)] }),
    ),
    kind: 'recovered',
    reason: 'every probe is well again',
    incident: { ...incident, closedAt: END + MINUTE_MS, explainedBy: alibi.arn, leadMinutes: 22 },
    next: null,
  },
  flapping: later(3 * HOUR_MS, {
    kind: 'flapping',
    reason: 'it failed again for the second time within 6h',
    incident: { ...incident, reopened: 2, flapping: true },
    next: 'when it has been well for 30m, or a reminder at 19:04Z',
  }),
  dropped: later(3 * HOUR_MS, {
    kind: 'dropped',
    reason: 'the last failing probe left the configuration',
    incident: { ...incident, closedAt: AT + 3 * HOUR_MS },
    next: null,
  }),
  blind: later(
    20 * MINUTE_MS,
    {
      kind: 'blind',
      reason: 'no run of it came to a result for 15m: throttled',
      subject: '[alibi] production: AWS Account cannot be seen #77b0',
      incident: { ...incident, id: '77b0c0de51b27764', family: 'blind', lastOkAt: null },
      verdict: null,
      sources: null,
      next: 'when it is seen again',
    },
    {
      evidence: [
        {
          probe: 'p',
          startedAt: AT + 19 * MINUTE_MS,
          endedAt: AT + 19 * MINUTE_MS + 3_100,
          tries: [
            failedTry(AT + 19 * MINUTE_MS, 0, {
              kind: 'throttled',
              error: 'TooManyRequestsException',
              status: 429,
              message: 'Too many requests.',
            }),
          ],
          control: null,
          result: 'inconclusive',
          kind: 'throttled',
        },
      ],
      strip: hour(AT + 20 * MINUTE_MS, 0, 0).map((mark) =>
        mark.at >= ONSET ? { ...mark, mark: 'inconclusive' as const } : mark,
      ),
    },
  ),
  misconfigured: later(
    0,
    {
      kind: 'misconfigured',
      reason: 'an AWS outage does not explain a failure of kind denied',
      subject: '[alibi] production: AWS Account set-up #c41d',
      incident: { ...incident, id: 'c41dc0de51b27764', family: 'misconfigured' },
      sources: null,
      next: 'a reminder at 12:04Z tomorrow if it lasts',
    },
    {
      evidence: [
        failedRun(
          'p',
          ONSET,
          {
            kind: 'denied',
            error: 'AccessDeniedException',
            status: 403,
            message: 'The caller is not allowed to call account:GetContactInformation.',
          },
          1,
        ),
      ],
    },
  ),
  offline: {
    ...base,
    kind: 'offline',
    reason: 'three control calls in a row failed: the trouble is on our side',
    subject: '[alibi] host-7: no network #0ff1',
    incident: { ...incident, id: '0ff1c0de51b27764', family: 'offline' },
    monitors: [],
    probes: [],
    verdict: null,
    sources: null,
    next: 'when the control call gets through again',
    lines: [
      'control call 11:58:02Z: getaddrinfo EAI_AGAIN',
      'control call 11:59:02Z: getaddrinfo EAI_AGAIN',
      'control call 12:00:02Z: connect ETIMEDOUT',
    ],
  },
  digest: {
    ...base,
    kind: 'digest',
    reason: 'the weekly summary',
    subject: '[alibi] summary',
    incident: null,
    probes: [],
    verdict: null,
    sources: null,
    next: null,
    lines: ['In the 7d to 2026-03-04 12:00Z there were 3 incidents: 1 mailed, 2 not; 1 gap in our own watch.'],
    chapters: [
      {
        title: 'Mailed',
        lines: [
          '2026-03-04 11:58Z, open for 2m: outage of 1 probe (production), unexplained #a3f9. Mailed: failing.',
          'Apart from incidents: misconfigured.',
        ],
      },
      {
        title: 'Not mailed, and why',
        lines: [
          '2026-03-01 08:10Z, 40m: outage of 6 probes (production), explained by AWS_IAM_OPERATIONAL_ISSUE in us-east-1 #51b2. Why: AWS reports trouble of IAM, on which ACCOUNT rests (us-east-1) (rule 3).',
          '2026-03-02 21:02Z, 1h 30m: outage of 14 probes (production), explained by AWS_ACCOUNT_OPERATIONAL_ISSUE in us-east-1 #c0de. Why: AWS reports trouble of ACCOUNT itself (us-east-1) (rule 3).',
        ],
      },
      {
        title: 'Who knew first',
        lines: [
          'Of 2 incidents that AWS spoke of, 2 failed here before AWS’s first post.',
          'AWS spoke 31 min after our first failure.',
        ],
      },
      {
        title: 'Near misses: events that were considered and did not explain',
        lines: [
          'AWS_IAM_OPERATIONAL_ISSUE, me-central-1 (place): it is about me-central-1, and the failing endpoint stands in us-east-1',
        ],
      },
      {
        title: 'Gaps in our own watch',
        lines: ['Alibi was not running from 2026-03-03 02:00Z to 2026-03-03 02:21Z (21m): nothing was watched'],
      },
      { title: 'Patterns of the last 90 days', lines: ['7 of 9 failures began between 08:00 and 10:00 UTC'] },
    ],
  },
  test: {
    ...base,
    kind: 'test',
    reason: 'alibi mail test',
    subject: '[alibi] test',
    incident: null,
    probes: [],
    verdict: null,
    sources: null,
    next: null,
    lines: [
      'Recipient oncall: oncall@example.com',
      'Server: smtp.example.com:587, STARTTLS, login alibi',
      'The first monitor is production, with 3 probes.',
    ],
  },
}

export const PUNCTUAL: Delivery = { attempts: 0, lateBecause: null, now: AT, merged: null, refused: [] }

/** Further cases, each with the way the mail went. */
export const CASES: Readonly<Record<string, Readonly<{ facts: Facts; delivery?: Partial<Delivery> }>>> = {
  'failing-again': { facts: { ...base, incident: { ...incident, reopened: 1 } } },
  'failing-undetermined-late': {
    facts: {
      ...base,
      reason: undetermined.why,
      verdict: 'undetermined',
      sources: { api: silent(AT - 2_000, 'timed out after 10s'), dashboard: silent(AT - 1_600, 'HTTP 503'), at: AT - 1_600 },
      probes: [
        probeFacts({
          verdict: undetermined,
          gap: { from: LAST_OK + 5_000, to: ONSET - 5_000, why: 'the daemon was restarted' },
          evidence: [
            {
              ...failedRun('p', ONSET, {
                kind: 'unreachable',
                error: 'ETIMEDOUT',
                status: null,
                requestId: null,
                apigwId: null,
                traceId: null,
                message: 'no answer within 5s',
              }),
              control: { at: ONSET + 6_000, ms: 84, reached: true, detail: 'HTTP 302' },
            },
          ],
        }),
      ],
    },
    delivery: { attempts: 4, lateBecause: 'smtp.example.com answered 421 to MAIL FROM', now: AT + 7 * MINUTE_MS + 12_000 },
  },
  'failing-hold': {
    facts: later(
      6 * HOUR_MS,
      {
        reason: 'AWS explains it, but nothing was said for 6h (policy.holdAtMost)',
        verdict: 'explained',
        incident: { ...incident, explainedBy: alibi.arn, leadMinutes: 22, announcedAt: AT + 6 * HOUR_MS },
      },
      {
        verdict: explained,
        carried: 'the dashboard could not be asked (HTTP 503); the explanation stands until 2026-03-04 18:19Z',
      },
    ),
  },
  'failing-1000-probes': { facts: { ...base, timezone: 'Etc/UTC', ...many(1_000) } },
  'failing-sandbox': {
    facts: {
      ...base,
      overrides: ['AWS_ENDPOINT_URL_ACCOUNT=http://127.0.0.1:4566', 'AWS_ENDPOINT_URL_HEALTH=http://127.0.0.1:4566'],
      monitors: [{ name: 'production', impact: null, runbook: 'see the blue folder', rule: '3 of 5 runs fail' }],
      incident: {
        ...incident,
        continues: { id: 'c41dc0de51b27764', family: 'misconfigured' },
        hindsight: [
          { arn: 'a', code: 'AWS_IAM_OPERATIONAL_ISSUE', at: AT - HOUR_MS, why: 'it had ended before this failure began' },
        ],
      },
    },
  },
  'recovered-merged': {
    facts: {
      ...later(END + MINUTE_MS - AT, {}, well({ evidence: [], strip: [] })),
      kind: 'recovered',
      reason: 'every probe is well again',
      incident: { ...incident, closedAt: END + MINUTE_MS },
      next: null,
    },
    delivery: {
      merged: { facts: base, why: 'the mail server could not be reached' },
      attempts: 9,
      now: END + 5 * MINUTE_MS,
      lateBecause: 'connect ECONNREFUSED',
    },
  },
  'recovered-offline': {
    facts: {
      ...SAMPLES.offline,
      kind: 'recovered',
      at: END + MINUTE_MS,
      reason: 'the control call gets through again',
      incident: { ...incident, id: '0ff1c0de51b27764', family: 'offline', closedAt: END, lastOkAt: null },
      lines: [],
      next: null,
    },
  },
  'misconfigured-notice': {
    facts: {
      ...SAMPLES.test,
      kind: 'misconfigured',
      subject: '[alibi] the Health API refuses',
      reason: 'the Health API refuses',
      lines: [
        'The Health API refuses to answer: SubscriptionRequiredException. It needs a support plan of Business level or above.',
        'Verdicts rest on the public dashboard until then. It is asked again each day.',
      ],
    },
  },
  'misconfigured-file': {
    facts: {
      ...SAMPLES.test,
      kind: 'misconfigured',
      subject: headingOf(CONFIG_NOTICE).subject,
      reason: 'the configuration on disk is faulty',
      advice: headingOf(CONFIG_NOTICE).advice ?? '',
      lines: [
        'The configuration on disk is faulty, and the old one stays in force: config/alibi.yaml:7:5  monitors[0].schedul: unknown key; did you mean `schedule`?',
      ],
    },
  },
}

export function notificationOf(facts: Facts, over: Partial<Notification> = {}): Notification {
  const seq = facts.kind === 'failing' ? 1 : 2
  return {
    id: `${facts.incident?.id ?? 'notice.1'}.${seq}.9d2f`,
    messageId: `<${facts.incident?.id ?? 'notice.1'}.${seq}.9d2f@example.com>`,
    kind: facts.kind,
    incident: facts.incident?.id ?? null,
    thread: facts.incident?.id ?? 'notice',
    seq,
    recipient: 'oncall',
    to: ['oncall@example.com'],
    inReplyTo: seq === 1 || facts.incident === null ? null : `<${facts.incident.id}.1.9d2f@example.com>`,
    createdAt: facts.at,
    facts,
    ...over,
  }
}

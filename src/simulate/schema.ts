import * as z from 'zod'
import { parseDuration } from '../config/duration.ts'
import { instantOf } from '../config/instant.ts'
import { nearest } from '../config/nearest.ts'
import { NEEDS_UNIT } from '../config/values.ts'
import { MAIL_KINDS } from '../domain/notification.ts'
import { OPERATIONS } from '../domain/probe.ts'
import { ANSWERS } from './answers.ts'
import { API_STATES, DASHBOARD_STATES, QUEUE_STATES, SMTP_STATES } from './scenario.ts'

/*
 * The shape of a scenario file, as docs/reference.md has it. As in config/values.ts a message says what is expected, never what
 * was found: that is added from the file.
 */

const MAX_ADDRESS = 254
const MAX_REFUSED = 100
const MAX_HAPPENINGS = 10_000
const MAX_EXPECTATIONS = 1_000
const MAX_TEXT = 20_000
const MAX_LINE = 300
const MAX_IMPACTED = 2_000

/** An unknown key's message is the list of the known ones: config/schema-faults.ts finds the one that was meant. */
function strict<S extends z.ZodRawShape>(shape: S, what: string) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : `expected ${what}`),
  })
}

function oneOf<const V extends readonly [string, ...string[]]>(values: V) {
  return z.preprocess(
    // `account: 500` and `account: "500"` mean the same.
    (value) => (typeof value === 'number' ? String(value) : value),
    z.enum(values, {
      error: (issue) => {
        const meant = typeof issue.input === 'string' ? nearest(issue.input, values) : null
        const list = values.map((value) => `\`${value}\``).join(', ')
        return `expected one of ${list}${meant === null ? '' : `; did you mean \`${meant}\`?`}`
      },
    }),
  )
}

function text(what: string, max = MAX_LINE) {
  const expected = `expected ${what}`
  return z.string(expected).min(1, expected).max(max, `${expected}, of at most ${max} characters`)
}

const DURATION_TEXT = 'expected a duration such as `9m`, `2h44m` or `30s`'
const Duration = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? NEEDS_UNIT : DURATION_TEXT) })
  .transform((given, context) => {
    const ms = parseDuration(given)
    if (ms !== null) return ms
    context.addIssue({ code: 'custom', message: /^\d+$/.test(given) ? NEEDS_UNIT : DURATION_TEXT })
    return z.NEVER
  })

const Time = z.string('expected a time such as `2025-10-20T06:40:00Z`').transform((given, context) => {
  const at = instantOf(given)
  if (at !== null) return at
  context.addIssue({ code: 'custom', message: 'expected a time such as `2025-10-20T06:40:00Z`' })
  return z.NEVER
})

const MOMENT_TEXT = 'expected a duration since the start such as `9m`, or a time such as `2025-10-20T06:49:00Z`'
/** `since` is in milliseconds after the start, `instant` an absolute time. */
export type Moment = Readonly<{ since: number } | { instant: number }>
const Moment = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? NEEDS_UNIT : MOMENT_TEXT) })
  .transform((given, context): Moment => {
    const since = parseDuration(given)
    if (since !== null) return { since }
    const instant = instantOf(given)
    if (instant !== null) return { instant }
    context.addIssue({ code: 'custom', message: /^\d+$/.test(given) ? NEEDS_UNIT : MOMENT_TEXT })
    return z.NEVER
  })
const Between = z
  .array(Moment, 'expected two moments such as `[9m, 12m]`')
  .length(2, 'expected two moments such as `[9m, 12m]`')
  .transform((given) => ({ from: given[0] as Moment, to: given[1] as Moment }))

const Jump = z.string('expected a jump such as `+3h` or `-20m`').transform((given, context) => {
  const ms = /^[+-]/.test(given) ? parseDuration(given.slice(1)) : null
  if (ms !== null) return given.startsWith('-') ? -ms : ms
  context.addIssue({ code: 'custom', message: 'expected a jump such as `+3h` or `-20m`' })
  return z.NEVER
})

const Id = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z
    .string('expected an id of letters, digits and `.`, `_`, `-`')
    .regex(/^[\w.-]{1,64}$/, 'expected an id of letters, digits and `.`, `_`, `-`'),
)
const Account = z.any().transform((given, context): string => {
  if (given === 'self' || (typeof given === 'string' && /^\d{12}$/.test(given))) return given
  context.addIssue({ code: 'custom', message: 'expected `self` or twelve digits in quotes' })
  return z.NEVER
})

const AccountSchema = z.union(
  [
    oneOf(ANSWERS),
    strict(
      { operation: oneOf(OPERATIONS).optional(), account: Account.optional(), answer: oneOf(ANSWERS) },
      '`{ operation, account, answer }`',
    ),
  ],
  {
    error: (issue) => {
      const meant = typeof issue.input === 'string' ? nearest(issue.input, ANSWERS) : null
      const list = ANSWERS.map((answer) => `\`${answer}\``).join(', ')
      return `expected one of ${list}, or \`{ operation, account, answer }\`${meant === null ? '' : `; did you mean \`${meant}\`?`}`
    },
  },
)

/** The answer of other services than Account. */
const ServiceAnswerSchema = z.union(
  [
    oneOf(ANSWERS),
    strict(
      {
        service: text('the name of a service such as `dynamodb`').optional(),
        operation: text('an operation such as `DescribeTable`').optional(),
        region: text('a region such as `eu-west-1`').optional(),
        answer: oneOf(ANSWERS),
      },
      '`{ service, operation, region, answer }`',
    ),
  ],
  {
    error: (issue) => {
      const meant = typeof issue.input === 'string' ? nearest(issue.input, ANSWERS) : null
      return `expected an answer, as \`account\` has them, or \`{ service, operation, region, answer }\`${meant === null ? '' : `; did you mean \`${meant}\`?`}`
    },
  },
)

const Addresses = z
  .array(
    text('an address such as `oncall@example.com`', MAX_ADDRESS),
    'expected a list of addresses such as `[oncall@example.com]`',
  )
  .max(MAX_REFUSED, `expected at most ${MAX_REFUSED} addresses`)
  .prefault([])
const SmtpSchema = z.union([oneOf(SMTP_STATES), strict({ refuse: Addresses, defer: Addresses }, '`{ refuse, defer }`')], {
  error: (issue) => {
    const meant = typeof issue.input === 'string' ? nearest(issue.input, SMTP_STATES) : null
    const list = SMTP_STATES.map((state) => `\`${state}\``).join(', ')
    return `expected one of ${list}, or \`{ refuse: [address], defer: [address] }\`${meant === null ? '' : `; did you mean \`${meant}\`?`}`
  },
})

const CODE = /^[A-Z_][A-Z0-9_]{2,99}$/
export const EventSchema = strict(
  {
    id: Id.optional(),
    service: text('a service code in capitals, such as `IAM`')
      .regex(/^[A-Z][A-Z0-9_]{1,99}$/, 'expected a service code in capitals, such as `IAM`')
      .optional(),
    region: text('a region such as `us-east-1`, or `global`')
      .regex(/^[a-z0-9-]{2,25}$/, 'expected a region such as `us-east-1`, or `global`')
      .optional(),
    category: oneOf(['issue', 'investigation', 'accountNotification', 'scheduledChange']).optional(),
    code: text('an event type code in capitals').regex(CODE, 'expected an event type code in capitals').optional(),
    scope: oneOf(['PUBLIC', 'ACCOUNT_SPECIFIC', 'NONE']).optional(),
    text: text('what AWS says', MAX_TEXT).optional(),
    impacted: z
      .array(text('a key of the dashboard such as `account`', 100), 'expected a list such as `[account, iam]`')
      .max(MAX_IMPACTED, `expected at most ${MAX_IMPACTED} impacted services`)
      .optional(),
    start: Moment.optional(),
    updated: Moment.optional(),
    in: z
      .array(oneOf(['api', 'dashboard', 'queue']), 'expected a list such as `[api]`, `[dashboard]` or `[queue]`')
      .min(1, 'expected a list such as `[api]`, `[dashboard]` or `[queue]`')
      .optional(),
  },
  'an event such as `{ id: big, service: IAM, region: us-east-1, text: "…" }`',
)
export type EventGiven = z.output<typeof EventSchema>

/** Any part of a configuration: what it holds is checked by the configuration's own schema, once it is merged. */
const PartOfConfig = z.record(z.string(), z.unknown(), 'expected any part of a configuration, as a mapping')

export const HEALTH_VERBS = ['publish', 'update', 'close', 'withdraw', ...API_STATES] as const

const MAX_COPIES = 10
const COPIES = `expected a number of copies from 1 to ${MAX_COPIES}`

const HappeningSchema = strict(
  {
    at: Moment,
    account: AccountSchema.optional(),
    service: ServiceAnswerSchema.optional(),
    health: oneOf(HEALTH_VERBS).optional(),
    event: EventSchema.optional(),
    id: Id.optional(),
    /** How much later, and how often, it comes by the queue. */
    delay: Duration.optional(),
    copies: z.int(COPIES).min(1, COPIES).max(MAX_COPIES, COPIES).optional(),
    dashboard: oneOf(DASHBOARD_STATES).optional(),
    queue: oneOf(QUEUE_STATES).optional(),
    network: oneOf(['up', 'down']).optional(),
    smtp: SmtpSchema.optional(),
    disk: oneOf(['full', 'ok']).optional(),
    daemon: oneOf(['kill', 'stop', 'start']).optional(),
    reload: PartOfConfig.optional(),
    clock: Jump.optional(),
    silence: strict(
      { monitor: text('the name of a monitor').optional(), for: Duration, reason: text('a reason') },
      '`{ monitor, for, reason }`',
    ).optional(),
    ack: z.literal('last', 'expected `last`').optional(),
  },
  'something that happens, such as `{ at: 9m, account: InternalServerException }`',
)

const ExpectationSchema = strict(
  {
    mail: oneOf(MAIL_KINDS).optional(),
    between: Between.optional(),
    to: text('an address').optional(),
    contains: z
      .preprocess((value) => (typeof value === 'number' ? String(value) : value), text('a piece of the mail'))
      .optional(),
    mails: z.int('expected a number of mails').min(0, 'expected a number of mails').optional(),
    'no-mail': strict({ between: Between }, '`{ between: [9m, 12m] }`').optional(),
    suppressed: strict({ by: Id, between: Between }, '`{ by: ID, between: [9m, 12m] }`').optional(),
    verdict: oneOf(['explained', 'unexplained', 'undetermined']).optional(),
    incident: oneOf(['open', 'closed']).optional(),
    at: Moment.optional(),
  },
  'an expectation such as `{ mail: failing, between: [9m, 12m] }`',
)

export const ScenarioSchema = strict(
  {
    title: text('a title'),
    start: Time,
    length: Duration,
    config: PartOfConfig.optional(),
    events: z
      .array(HappeningSchema, 'expected a list of what happens')
      .max(MAX_HAPPENINGS, `expected at most ${MAX_HAPPENINGS} events`)
      .prefault([]),
    expect: z
      .array(ExpectationSchema, 'expected a list of expectations')
      .max(MAX_EXPECTATIONS, `expected at most ${MAX_EXPECTATIONS} expectations`)
      .prefault([]),
  },
  'a mapping with `title`, `start`, `length`, `events`, `expect`',
)
type ParsedScenario = z.output<typeof ScenarioSchema>
export type HappeningGiven = ParsedScenario['events'][number]
export type ExpectationGiven = ParsedScenario['expect'][number]

import * as z from 'zod'
import { DURATION, parseDuration } from '../config/duration.ts'
import { instantOf } from '../config/instant.ts'
import { nearest } from '../config/nearest.ts'
import { NEEDS_UNIT } from '../config/values.ts'
import { MAIL_KINDS } from '../domain/notification.ts'
import { OPERATIONS } from '../domain/probe.ts'
import { ANSWERS } from './answers.ts'
import { API_STATES, DASHBOARD_STATES, type Moment as GivenMoment, QUEUE_STATES, SMTP_STATES } from './scenario.ts'

/*
 * The shape of a scenario file. config/scenario.schema.json is made from it, and docs/reference.md describes it. As in
 * config/values.ts, a message says what is expected and never what was found: that is added from the file.
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

/** Patterns for editors, in the JSON Schema. The transforms below check in full. */
const SPAN = DURATION.source.slice(1, -1)
const ISO = '\\d{4}-\\d\\d-\\d\\dT.+'

const DURATION_TEXT = 'expected a duration such as `9m`, `2h44m` or `30s`'
const Duration = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? NEEDS_UNIT : DURATION_TEXT) })
  .meta({ pattern: `^${SPAN}$` })
  .transform((given, context) => {
    const ms = parseDuration(given)
    if (ms !== null) return ms
    context.addIssue({ code: 'custom', message: /^\d+$/.test(given) ? NEEDS_UNIT : DURATION_TEXT })
    return z.NEVER
  })

const Time = z
  .string('expected a time such as `2025-10-20T06:40:00Z`')
  .meta({ pattern: `^${ISO}$` })
  .transform((given, context) => {
    const at = instantOf(given)
    if (at !== null) return at
    context.addIssue({ code: 'custom', message: 'expected a time such as `2025-10-20T06:40:00Z`' })
    return z.NEVER
  })

const MOMENT_TEXT = 'expected a duration since the start such as `9m`, or a time such as `2025-10-20T06:49:00Z`'
const Moment = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? NEEDS_UNIT : MOMENT_TEXT) })
  .meta({ pattern: `^(?:${SPAN}|${ISO})$` })
  .transform((given, context): GivenMoment => {
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
  .transform((given) => ({ from: given[0] as GivenMoment, to: given[1] as GivenMoment }))

const Jump = z
  .string('expected a jump such as `+3h` or `-20m`')
  .meta({ pattern: `^[+-]${SPAN}$` })
  .transform((given, context) => {
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
const Account = z
  .any()
  .transform((given, context): string => {
    if (given === 'self' || (typeof given === 'string' && /^\d{12}$/.test(given))) return given
    context.addIssue({ code: 'custom', message: 'expected `self` or twelve digits in quotes' })
    return z.NEVER
  })
  .meta({ type: 'string', pattern: '^(?:self|\\d{12})$' })

const MAX_NAMES = 1_000
/** One, or a list of them; always a list afterwards. */
function oneOrMore<S extends z.ZodType<string>>(name: S, what: string) {
  const error = `expected ${what}, or a list of 1 to ${MAX_NAMES} of them`
  return z.union([name.transform((one) => [one]), z.array(name).min(1).max(MAX_NAMES)], error).optional()
}

const AccountSchema = z.union(
  [
    oneOf(ANSWERS),
    strict(
      {
        operation: oneOf(OPERATIONS).optional().describe('Only probes of this operation.'),
        account: Account.optional().describe('Only probes of this account: `self`, or twelve digits in quotes.'),
        answer: oneOf(ANSWERS).describe('What AWS answers from now on.'),
      },
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
        service: text('the name of a service such as `dynamodb`').optional().describe('Only probes of this service.'),
        operation: text('an operation such as `DescribeTable`').optional().describe('Only probes of this operation.'),
        region: text('a region such as `eu-west-1`').optional().describe('Only probes in this region.'),
        answer: oneOf(ANSWERS).describe('What AWS answers from now on.'),
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
const SmtpSchema = z.union(
  [
    oneOf(SMTP_STATES),
    strict(
      {
        refuse: Addresses.describe('Addresses that the mail server rejects (5xx).'),
        defer: Addresses.describe('Addresses that the mail server defers (4xx).'),
      },
      '`{ refuse, defer }`',
    ),
  ],
  {
    error: (issue) => {
      const meant = typeof issue.input === 'string' ? nearest(issue.input, SMTP_STATES) : null
      const list = SMTP_STATES.map((state) => `\`${state}\``).join(', ')
      return `expected one of ${list}, or \`{ refuse: [address], defer: [address] }\`${meant === null ? '' : `; did you mean \`${meant}\`?`}`
    },
  },
)

const CODE = /^[A-Z_][A-Z0-9_]{2,99}$/
export const EventSchema = strict(
  {
    id: Id.optional().describe('Name of the event, for `update`, `close`, `withdraw` and `suppressed`.'),
    service: text('a service code in capitals, such as `IAM`')
      .regex(/^[A-Z][A-Z0-9_]{1,99}$/, 'expected a service code in capitals, such as `IAM`')
      .optional()
      .describe('Service code, such as `IAM`. Required to publish.'),
    region: text('a region such as `us-east-1`, or `global`')
      .regex(/^[a-z0-9-]{2,25}$/, 'expected a region such as `us-east-1`, or `global`')
      .optional()
      .describe('Region, or `global`.'),
    category: oneOf(['issue', 'investigation', 'accountNotification', 'scheduledChange'])
      .optional()
      .describe('Default: `issue`.'),
    code: text('an event type code in capitals')
      .regex(CODE, 'expected an event type code in capitals')
      .optional()
      .describe('Event type code. Default: `AWS_SERVICE_OPERATIONAL_ISSUE`.'),
    scope: oneOf(['PUBLIC', 'ACCOUNT_SPECIFIC', 'NONE']).optional().describe('Default: `PUBLIC`.'),
    text: text('what AWS says', MAX_TEXT).optional().describe('What AWS says about it.'),
    impacted: z
      .array(text('a key of the dashboard such as `account`', 100), 'expected a list such as `[account, iam]`')
      .max(MAX_IMPACTED, `expected at most ${MAX_IMPACTED} impacted services`)
      .optional()
      .describe('Impacted services, which only the dashboard lists.'),
    start: Moment.optional().describe('When AWS says that it began. Default: now.'),
    updated: Moment.optional().describe('When AWS says that it was updated. Default: now.'),
    in: z
      .array(oneOf(['api', 'dashboard', 'queue']), 'expected a list such as `[api]`, `[dashboard]` or `[queue]`')
      .min(1, 'expected a list such as `[api]`, `[dashboard]` or `[queue]`')
      .optional()
      .describe('Where it is published. Default: the API, the dashboard and, if there is one, the queue.'),
  },
  'an event such as `{ id: big, service: IAM, region: us-east-1, text: "…" }`',
)
export type EventGiven = z.output<typeof EventSchema>

/** Any part of a configuration. The schema of the configuration checks it, once it has been merged. */
const PartOfConfig = z.record(z.string(), z.unknown(), 'expected any part of a configuration, as a mapping')

export const HEALTH_VERBS = ['publish', 'update', 'close', 'withdraw', ...API_STATES] as const

const MAX_COPIES = 10
const COPIES = `expected a number of copies from 1 to ${MAX_COPIES}`

const HappeningSchema = strict(
  {
    at: Moment.describe('When: a duration since the start, or a time.'),
    account: AccountSchema.optional().describe('What AWS answers to the probes from now on.'),
    service: ServiceAnswerSchema.optional().describe('What other services than Account answer to the probes from now on.'),
    health: oneOf(HEALTH_VERBS).optional().describe('What happens to an event of AWS Health, or to the Health API itself.'),
    event: EventSchema.optional().describe('The event, for `health: publish` and `health: update`.'),
    id: Id.optional().describe('The name of the event, for `health: close` and `health: withdraw`.'),
    delay: Duration.optional().describe('How much later the event comes through the queue.'),
    copies: z
      .int(COPIES)
      .min(1, COPIES)
      .max(MAX_COPIES, COPIES)
      .optional()
      .describe('How often the event comes through the queue.'),
    dashboard: oneOf(DASHBOARD_STATES).optional().describe('The public dashboard.'),
    queue: oneOf(QUEUE_STATES).optional().describe('The health queue.'),
    network: oneOf(['up', 'down']).optional().describe('The network of this host: AWS, control host and mail server.'),
    smtp: SmtpSchema.optional().describe('The mail server.'),
    disk: oneOf(['full', 'ok']).optional().describe('Whether the database can be written.'),
    daemon: oneOf(['kill', 'stop', 'start']).optional().describe('Alibi itself.'),
    reload: PartOfConfig.optional().describe('A changed configuration, merged like `config`.'),
    clock: Jump.optional().describe('How far the wall clock is set. `at` and `between` still count true time.'),
    silence: strict(
      {
        monitor: oneOrMore(text('a name'), 'the name of a monitor').describe('Only these monitors. Default: all.'),
        account: oneOrMore(Account, '`self` or twelve digits in quotes').describe('Only these accounts. Default: all.'),
        operation: oneOrMore(text('a name'), 'an operation such as `GetContactInformation`').describe(
          'Only these operations, such as `dynamodb:DescribeTable`. Default: all.',
        ),
        region: oneOrMore(text('a name'), 'a region such as `eu-west-1`').describe(
          'Only other services than Account, in these regions. Default: all.',
        ),
        from: Moment.optional().describe('When it begins: a duration since the start, or a time. Default: at once.'),
        for: Duration.describe('How long.'),
        reason: text('a reason').describe('Why.'),
        by: text('a name').optional().describe('Who orders it. Default: `operator`.'),
      },
      '`{ monitor, account, operation, region, from, for, reason, by }`',
    )
      .optional()
      .describe('The same as `alibi silence add`.'),
    ack: z.literal('last', 'expected `last`').optional().describe('Acknowledges the incident that was opened last.'),
  },
  'something that happens, such as `{ at: 9m, account: InternalServerException }`',
)

const ExpectationSchema = strict(
  {
    mail: oneOf(MAIL_KINDS).optional().describe('An email of this kind is delivered; requires `between`.'),
    between: Between.optional().describe('The first and the last moment at which it may be delivered.'),
    to: text('an address').optional().describe('The address that it is delivered to.'),
    contains: z
      .preprocess((value) => (typeof value === 'number' ? String(value) : value), text('a piece of the email'))
      .optional()
      .describe('Text that it contains, in any case.'),
    mails: z
      .int('expected a number of emails')
      .min(0, 'expected a number of emails')
      .optional()
      .describe('Exactly this many emails in all.'),
    'no-mail': strict({ between: Between.describe('From when to when.') }, '`{ between: [9m, 12m] }`')
      .optional()
      .describe('No email is delivered.'),
    suppressed: strict(
      { by: Id.describe('The name of an event.'), between: Between.describe('From when to when.') },
      '`{ by: ID, between: [9m, 12m] }`',
    )
      .optional()
      .describe('An incident is suppressed by this event all the time.'),
    verdict: oneOf(['explained', 'unexplained', 'undetermined'])
      .optional()
      .describe('Every open outage has this verdict; requires `at`.'),
    incident: oneOf(['open', 'closed']).optional().describe('Some incident is open, or none is; requires `at`.'),
    at: Moment.optional().describe('When, for `verdict` and `incident`.'),
  },
  'an expectation such as `{ mail: failing, between: [9m, 12m] }`',
)

export const ScenarioSchema = strict(
  {
    title: text('a title').describe('What the scenario shows, in a few words.'),
    start: Time.describe('The time at which it begins, such as `2025-10-20T06:40:00Z`.'),
    length: Duration.describe('How long it lasts; at most 366 days.'),
    config: PartOfConfig.optional().describe('Any part of a configuration, merged over the default one. A list replaces a list.'),
    events: z
      .array(HappeningSchema, 'expected a list of what happens')
      .max(MAX_HAPPENINGS, `expected at most ${MAX_HAPPENINGS} events`)
      .prefault([])
      .describe('What happens, and when.'),
    expect: z
      .array(ExpectationSchema, 'expected a list of expectations')
      .max(MAX_EXPECTATIONS, `expected at most ${MAX_EXPECTATIONS} expectations`)
      .prefault([])
      .describe('What Alibi is expected to do.'),
  },
  'a mapping with `title`, `start`, `length`, `events`, `expect`',
)
type ParsedScenario = z.output<typeof ScenarioSchema>
export type HappeningGiven = ParsedScenario['events'][number]
export type ExpectationGiven = ParsedScenario['expect'][number]

import * as z from 'zod'
import { ALTERNATE_CONTACT_TYPES, type Call, OPERATIONS, type Operation, WRITING_OPERATIONS } from '../domain/probe.ts'
import { MAX_EXPRESSION, readSchedule } from '../schedule/calendar.ts'
import { isTimezone } from '../schedule/zone.ts'
import { DURATION, durationText, parseDuration } from './duration.ts'
import { isSafeUrl } from './endpoints.ts'
import { asciiDomainOf } from './mailbox.ts'
import { nearest } from './nearest.ts'

/*
 * The shape of `config/alibi.yaml`: keys, kinds of value, bounds and defaults. docs/configuration.md is made from it.
 * A message says what is expected and never what was found: that is added from the file, as it is written there.
 * What concerns more than one key is in monitors.ts and compose.ts.
 */

export const MAX_MONITORS = 200
export const MAX_ACCOUNTS = 10_000
const MAX_OUS = 100
const MAX_OPERATIONS = 64
export const MAX_RECIPIENTS = 100
const MAX_ADDRESSES = 50
const MAX_CODES = 100
const MAX_HOSTS = 50
const MAX_TOKEN = 256
const MAX_NAME = 64
const MAX_LINE = 300
const MAX_URL = 2000
export const MAX_PATH = 1000
const MAX_WINDOW = 20
const MAX_ATTEMPTS = 10

/** Messages that file.ts completes from what stands in the file. */
export const QUOTE_ACCOUNT = 'quote the account'
export const NEEDS_UNIT = 'needs a unit'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A mapping with these keys and no others. An unknown key's message is the list of the known ones, to find the one that was meant. */
function strict<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? Object.keys(shape).join(' ')
        : `expected a mapping with ${keysText(Object.keys(shape))}`,
  })
}

function keysText(keys: readonly string[]): string {
  const shown = keys.slice(0, 5).map((key) => `\`${key}\``)
  return keys.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ')
}

/** One line of text. The pattern is tested against the whole. */
function line(what: string, options: { max?: number; pattern?: RegExp } = {}) {
  const { max = MAX_LINE, pattern = /^\P{Cc}+$/u } = options
  const expected = `expected ${what}`
  return z.string(expected).max(max, `${expected}, of at most ${max} characters`).regex(pattern, expected)
}

/** Numbers and switches may come from a `${…}`, and then they come as text. */
function whole(min: number, max: number) {
  const expected = `expected a whole number from ${min} to ${max}`
  const number = z.int(expected).min(min, expected).max(max, expected)
  return z.preprocess((value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value), number)
}

function flag() {
  return z.preprocess(
    (value) => (value === 'true' ? true : value === 'false' ? false : value),
    z.boolean('expected `true` or `false`'),
  )
}

/** Milliseconds, written as `30s`. With `never`, `0s` is allowed below the minimum. */
function duration(min: number, max: number, options: { never?: boolean } = {}) {
  const range = `expected a duration from ${durationText(min)} to ${durationText(max)}${options.never ? ', or `0s` for never' : ''}`
  return z
    .string({
      error: (issue) =>
        typeof issue.input === 'number' ? NEEDS_UNIT : 'expected a duration such as `250ms`, `30s`, `1h30m` or `2d`',
    })
    .regex(DURATION, {
      error: (issue) =>
        /^\d+$/.test(String(issue.input)) ? NEEDS_UNIT : 'expected a duration such as `250ms`, `30s`, `1h30m` or `2d`',
    })
    .transform((text, context) => {
      const ms = parseDuration(text) ?? Number.NaN
      if ((ms >= min && ms <= max) || (options.never && ms === 0)) return ms
      context.addIssue({ code: 'custom', message: range })
      return z.NEVER
    })
}

const SIZE = /^(\d{1,6}) ?([KkMmGg])(?:i?[Bb])?$/

/** Bytes, written as `10MB`; a K is 1024. */
function size(min: number, max: number) {
  const expected = 'expected a size such as `512KB`, `10MB` or `1GB`'
  return z
    .string(expected)
    .regex(SIZE, expected)
    .transform((text, context) => {
      const [, count = '0', unit = 'k'] = SIZE.exec(text) ?? []
      const bytes = Number(count) * 1024 ** ('kmg'.indexOf(unit.toLowerCase()) + 1)
      if (bytes >= min && bytes <= max) return bytes
      context.addIssue({ code: 'custom', message: `${expected}, from ${min / 1024}KB to ${max / 1024 ** 3}GB` })
      return z.NEVER
    })
}

function oneOf<const V extends readonly [string, ...string[]]>(values: V) {
  return z.enum(values, {
    error: (issue) => {
      const meant = typeof issue.input === 'string' ? nearest(issue.input, values) : null
      const list = values.map((value) => `\`${value}\``).join(', ')
      return `expected one of ${list}${meant === null ? '' : `; did you mean \`${meant}\`?`}`
    },
  })
}

function list<S extends z.ZodType>(items: S, what: string, min: number, max: number) {
  const expected = `expected a list of ${what}`
  return z.array(items, expected).min(min, `${expected}, at least one`).max(max, `${expected}, at most ${max}`)
}

function url(what: string, test: (text: string) => boolean, kinds: string) {
  return line(what, { max: MAX_URL }).refine((text) => text === '' || test(text), `expected ${what}: ${kinds}`)
}

const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]*[\p{L}\p{N}._-])?$/u
const NAME_TEXT = 'a name of letters, digits, spaces and `.`, `_`, `-`'
const REGION = /^(?!.*-iso)[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}$/
const REGION_TEXT = 'a region such as `us-east-1`'
/** What a mail server takes unquoted, with a domain that may be a bare host name (`root@localhost`). */
const ADDRESS =
  /^(?=.{3,254}$)[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?)*$/u
/** The API's own patterns (botocore organizations/2016-11-28, ParentId). */
const OU = /^(?:r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$/
const SERVICE_CODE = /^[A-Z][A-Z0-9_]{1,99}$/
const TYPE_CODE = /^[A-Z_][A-Z0-9_]{2,99}$/
/** What may stand behind EHLO: a domain name, or an address in brackets (RFC 5321, 4.1.1.1). */
const EHLO_NAME =
  /^(?=.{1,255}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*|\[\d{1,3}(?:\.\d{1,3}){3}\]|\[IPv6:[0-9A-Fa-f:.]{2,45}\])$/
const HOST = /^(?:[A-Za-z0-9](?:[\w.-]{0,252}[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]{2,45}\]?)$/

/** `Alibi <alibi@example.com>` or the bare address: no second `@`, for the Message-ID's domain is read from it. */
function isMailbox(text: string): boolean {
  const named = /^([^<>@\p{Cc}]*)<([^<>]+)>$/u.exec(text)
  const display = named?.[1]?.trim() ?? ''
  const quoted = /^"[^"\\]*"$/.test(display)
  if (display !== '' && !quoted && /["(),:;\\[\]]/.test(display)) return false
  return ADDRESS.test(named?.[2] ?? text) && asciiDomainOf(text) !== null
}

const Credentials = strict({
  profile: line('the name of a profile', { max: MAX_NAME })
    .optional()
    .describe('A profile of the shared AWS files; with roleArn, the one that assumes the role.'),
  roleArn: line('the ARN of a role, `arn:aws:iam::111122223333:role/name`', {
    max: 2048,
    pattern: /^arn:aws(?:-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  })
    .optional()
    .describe('A role to assume.'),
  externalId: line('an external id', { max: 1224, pattern: /^[\w+=,.@:/-]{2,}$/ })
    .optional()
    .describe('The external id that the role asks for.'),
  sessionName: line('a session name of 2 to 64 letters, digits and `+=,.@-`', { max: 64, pattern: /^[\w+=,.@-]{2,}$/ })
    .optional()
    .describe('Name of the session, as CloudTrail shows it.'),
})

const Account = z
  .any()
  .transform((given, context): string => {
    if (given === 'self' || (typeof given === 'string' && /^\d{12}$/.test(given))) return given
    const unquoted = typeof given === 'number' || typeof given === 'bigint'
    context.addIssue({ code: 'custom', message: unquoted ? QUOTE_ACCOUNT : 'expected `self` or twelve digits in quotes' })
    return z.NEVER
  })
  .meta({
    type: 'string',
    pattern: '^(?:self|\\d{12})$',
    description: '`self` (no AccountId is sent) or the twelve digits of a member account, in quotes.',
  })

const Organization = strict({
  ous: list(
    line('the id of an organizational unit or of the root, such as `ou-ab12-cd34ef56`', { max: 68, pattern: OU }),
    'ids of organizational units',
    1,
    MAX_OUS,
  )
    .optional()
    .describe('Only the accounts beneath these organizational units, at any depth. Default: the whole organization.'),
  exclude: list(Account, 'accounts', 0, MAX_ACCOUNTS)
    .prefault([])
    .describe('Accounts that are left out, by their ids in quotes; `self` is the account of the credentials.'),
  every: duration(MINUTE, DAY)
    .prefault('1h')
    .describe('How often the organization is listed. A listing that fails leaves the last one in force.'),
})

const Discovered = strict({
  organization: Organization.describe(
    'Its active accounts, found through the Organizations API; needs the management account or a delegated administrator.',
  ),
  include: list(Account, 'accounts', 0, MAX_ACCOUNTS)
    .prefault([])
    .describe('Accounts that are probed whatever the listing says; one that is in both is probed once.'),
})

const PARAMETERLESS = OPERATIONS.filter((name) => name !== 'GetAlternateContact' && name !== 'GetRegionOptStatus')

const OperationCall = z
  .any()
  .transform((given, context): Call => {
    const refuse = (message: string, path: string[] = [], at: 'key' | 'value' = 'value') => {
      context.addIssue({ code: 'custom', message, path, params: { at } })
      return z.NEVER
    }
    const isMapping = typeof given === 'object' && given !== null && !Array.isArray(given)
    if (typeof given !== 'string' && !isMapping) return refuse('expected an operation such as `GetAccountInformation`')
    const names = isMapping ? Object.keys(given) : [given]
    const name = names[0]
    if (name === undefined || names.length > 1) return refuse('expected one operation; each has a line of its own in the list')
    const at = isMapping ? [name] : []
    const operation = OPERATIONS.find((known) => known === name)
    if (operation === undefined) {
      const written = [...WRITING_OPERATIONS].find((known) => known.toLowerCase() === name.toLowerCase())
      if (written !== undefined) return refuse('it writes; Alibi only reads', at)
      const meant = nearest(name, OPERATIONS)
      return refuse(
        meant === null ? `expected one of ${OPERATIONS.join(', ')}` : `no such operation; did you mean \`${meant}\`?`,
        at,
      )
    }
    return parameterOf(operation, isMapping ? given[name] : undefined, refuse)
  })
  .meta({
    description: 'One of the eight operations of the Account API that only read.',
    anyOf: [
      { type: 'string', enum: PARAMETERLESS },
      parameterSchema('GetAlternateContact', 'type', {
        type: 'string',
        enum: [...ALTERNATE_CONTACT_TYPES],
        description: 'Which alternate contact.',
      }),
      parameterSchema('GetRegionOptStatus', 'region', {
        type: 'string',
        pattern: REGION.source,
        description: 'The region that is asked about.',
      }),
    ],
  })

function parameterSchema(operation: Operation, key: string, value: object) {
  const inner = {
    type: 'object',
    properties: { [key]: value },
    required: [key],
    additionalProperties: false,
    description: `${operation} needs its ${key}.`,
  }
  return { type: 'object', properties: { [operation]: inner }, required: [operation], additionalProperties: false }
}

function parameterOf(
  operation: Operation,
  given: unknown,
  refuse: (message: string, path?: string[], at?: 'key') => never,
): Call {
  const mapping = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {}
  const key = operation === 'GetAlternateContact' ? 'type' : operation === 'GetRegionOptStatus' ? 'region' : null
  if (key === null) {
    if (given !== undefined) return refuse(`it takes no parameters: write \`- ${operation}\``, [operation])
    return { operation, parameter: null }
  }
  const form = `{ ${operation}: { ${key}: ${key === 'type' ? 'SECURITY' : 'af-south-1'} } }`
  const unknown = Object.keys(mapping).find((name) => name !== key)
  if (unknown !== undefined) return refuse(`unknown key; ${operation} takes \`${key}\` only`, [operation, unknown], 'key')
  const value = mapping[key]
  if (value === undefined) return refuse(`it needs its ${key}: \`${form}\``, given === undefined ? [] : [operation])
  if (key === 'type') {
    if (ALTERNATE_CONTACT_TYPES.some((type) => type === value)) return { operation, parameter: String(value) }
    return refuse(`expected one of ${ALTERNATE_CONTACT_TYPES.join(', ')}`, [operation, key])
  }
  if (typeof value === 'string' && REGION.test(value)) return { operation, parameter: value }
  return refuse(`expected ${REGION_TEXT}`, [operation, key])
}

const Fail = z
  .union(
    [
      whole(1, MAX_WINDOW),
      strict({
        count: whole(1, MAX_WINDOW).prefault(3).describe('So many of the last `of` runs.'),
        of: whole(1, MAX_WINDOW).prefault(5).describe('The runs that are looked at; inconclusive ones are not among them.'),
      }),
    ],
    'expected a number such as `3`, or `{ count: 3, of: 5 }`',
  )
  .transform((given) => (typeof given === 'number' ? { count: given, of: given } : given))

const Schedule = line('a cron expression', { max: MAX_EXPRESSION }).transform((text, context) => {
  const read = readSchedule(text)
  if (!read.ok)
    context.addIssue({
      code: 'custom',
      message: 'expected a cron expression of 5 or 6 fields that fires',
      params: { detail: read.why },
    })
  return text
})

const Timezone = line('a time zone').transform((text, context) => {
  if (isTimezone(text)) return text
  const meant = nearest(text, Intl.supportedValuesOf('timeZone'))
  const hint = meant === null ? '' : `; did you mean \`${meant}\`?`
  context.addIssue({ code: 'custom', message: `expected an IANA time zone such as \`Europe/Berlin\`${hint}` })
  return z.NEVER
})

const isWebUrl = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

export const MonitorSchema = strict({
  name: line(NAME_TEXT, { max: MAX_NAME, pattern: NAME })
    .prefault('default')
    .describe('Unique; it stands in subjects and in the ids of probes.'),
  schedule: Schedule.prefault('* * * * *').describe(
    'When its probes run: a cron expression of 5 or 6 fields (with 6, the first is seconds).',
  ),
  timezone: Timezone.prefault('Etc/UTC').describe(
    'IANA name of the time zone in which the schedule is read, and which mails show beside UTC.',
  ),
  spread: duration(0, HOUR).prefault('10s').describe('A random delay of up to this, so that monitors do not fire together.'),
  region: line(REGION_TEXT, { max: 32, pattern: REGION })
    .optional()
    .describe('Picks the partition, and so the Account endpoint. Default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1.'),
  credentials: Credentials.optional().describe(
    "Whose credentials. Left out: the SDK's own chain (environment, profile, SSO, instance role …).",
  ),
  accounts: z
    .union([list(Account, 'accounts', 1, MAX_ACCOUNTS), Discovered], 'expected a list of accounts, or `{ organization: {} }`')
    .prefault(['self'])
    .describe(
      '`self`, and member accounts of the organization by their ids in quotes; or `{ organization: {} }` to find them there.',
    ),
  operations: list(OperationCall, 'operations', 1, MAX_OPERATIONS)
    .prefault(['GetAccountInformation'])
    .describe('What is asked of each account: operations that only read.'),
  attempts: whole(1, MAX_ATTEMPTS).prefault(3).describe('Tries in one run, until one is ok.'),
  backoff: duration(0, MINUTE).prefault('1s').describe('Pause before the second try; doubled each time, with jitter.'),
  timeout: duration(100, MINUTE)
    .prefault('5s')
    .describe('Bounds one try. A run must not outlast retryInterval, recheckEvery or the schedule.'),
  impact: line('one sentence').optional().describe('One sentence for the mail: what does not work while this fails.'),
  runbook: url('an address', isWebUrl, 'https or http').optional().describe('Link for the mail: what to do about it.'),
  fail: Fail.prefault({ count: 3, of: 5 }).describe(
    'A probe fails when `count` of its last `of` conclusive runs failed; `3` is 3 of 3.',
  ),
  recover: whole(1, MAX_WINDOW).prefault(2).describe('Ok runs in a row after which a probe is well again.'),
  retryInterval: duration(100, HOUR)
    .prefault('20s')
    .describe('How soon a probe runs again while it is not decided whether it fails.'),
  recheckEvery: duration(100, HOUR)
    .prefault('60s')
    .describe('How often a probe runs while it is failing or recovering, unless its schedule is oftener.'),
  notify: list(line('the name of a recipient'), 'recipients', 1, MAX_RECIPIENTS)
    .optional()
    .describe('Names of recipients. Default: all.'),
})

const PolicySchema = strict({
  wait: duration(0, 6 * HOUR)
    .prefault('0s')
    .describe('How long a mail about an unexplained failure is held back, for AWS to post an event.'),
  extension: duration(0, DAY).prefault('15m').describe('How long after its end an event still explains.'),
  holdAtMost: duration(SECOND, 30 * DAY, { never: true })
    .prefault('6h')
    .describe('Silence over an explained failure ends after this; 0s: never.'),
  lookback: duration(0, 7 * DAY)
    .prefault('7h')
    .describe("How long before AWS's first post a failure may have begun and still be explained by it."),
  staleAfter: duration(MINUTE, 400 * DAY)
    .prefault('24h')
    .describe('An open event that was not updated for so long explains nothing.'),
  remindEvery: duration(SECOND, 30 * DAY, { never: true })
    .prefault('4h')
    .describe('Reminders while an incident lasts; 0s: never.'),
  joinWithin: duration(0, DAY).prefault('30m').describe('Failures that begin within this of one another are one incident.'),
  reopenWithin: duration(0, DAY).prefault('30m').describe('A failure so soon after the end of an incident reopens it.'),
  blindAfter: duration(SECOND, 7 * DAY)
    .prefault('15m')
    .describe('A probe that could not be judged for so long (at least three periods) is told as blind.'),
})

const serviceCodes = (what: string) => list(line(what, { pattern: SERVICE_CODE }), 'service codes', 0, MAX_CODES)
const typeCodes = (what: string) => list(line(what, { pattern: TYPE_CODE }), 'event type codes', 0, MAX_CODES)

export const HealthSchema = strict({
  api: flag().prefault(true).describe('Ask the AWS Health API (needs a support plan that includes it).'),
  dashboard: z
    .union(
      [
        flag(),
        strict({
          url: url('an address', isSafeUrl, 'https, or http on this machine').describe(
            "The whole address of the dashboard's JSON.",
          ),
        }),
      ],
      'expected `true`, `false` or `{ url: … }`',
    )
    .prefault(true)
    .describe('Ask the public AWS Health Dashboard (no credentials); or where its JSON is.'),
  credentials: Credentials.optional().describe("Whose credentials ask the API. Default: those of the partition's first monitor."),
  related: serviceCodes('a service code in capitals, such as `IAM`')
    .prefault(['IAM', 'STS', 'ORGANIZATIONS', 'MULTIPLE_SERVICES'])
    .describe('Services whose events explain a failure of Account, beside Account itself.'),
  ignore: typeCodes('an event type code in capitals')
    .prefault(['AWS_RISK_IAM_QUARANTINE'])
    .describe('Event type codes that never explain.'),
  codes: typeCodes('an event type code, or its ending, in capitals')
    .prefault([])
    .describe('Further event type codes, or their endings, that explain.'),
  cacheFor: duration(SECOND, HOUR).prefault('60s').describe('How old a reading may be while an incident is open.'),
  idleEvery: duration(SECOND, DAY)
    .prefault('15m')
    .describe('How often AWS Health and the control host are asked when all is well.'),
  timeout: duration(100, MINUTE).prefault('10s').describe('Bounds the asking of one source.'),
})

const ControlSchema = strict({
  url: url('an address', isSafeUrl, 'https, or http on this machine')
    .optional()
    .describe(
      "Asked, unsigned, to learn whether the trouble is on our side. Default: where STS was put (AWS_ENDPOINT_URL_STS), else an STS endpoint outside Account's region.",
    ),
})

const RecipientSchema = strict({
  to: list(
    line('an address such as `oncall@example.com`', { max: 254, pattern: ADDRESS }),
    'addresses',
    1,
    MAX_ADDRESSES,
  ).describe('Addresses that get one message together.'),
  after: duration(SECOND, 30 * DAY)
    .optional()
    .describe('Escalation: told only when the trouble has lasted this long.'),
  selfAlerts: z
    .boolean('expected true or false')
    .optional()
    .describe(
      'Gets what belongs to no monitor: that Alibi cannot do its work (a faulty configuration, a refusing source), that this host is offline. Default: true without `after`, or where every recipient has it.',
    ),
})

export const SmtpSchema = strict({
  host: line('a host name', { max: 255, pattern: HOST }).describe('The mail server.'),
  port: whole(1, 65_535).optional().describe('Default: 587 with starttls, 465 with tls, 25 with none.'),
  security: oneOf(['starttls', 'tls', 'none'])
    .prefault('starttls')
    .describe('starttls is required, not merely offered; tls from the first byte; or none.'),
  user: line('a user name').optional().describe('Goes together with password.'),
  password: z
    .string('expected text')
    .min(1, 'expected a password that is not empty')
    .max(4096, 'expected a password of at most 4096 characters')
    .optional()
    .describe(`Best kept in a file that only the daemon may read: "\${file:/run/secrets/smtp}".`),
  name: line('a domain name such as `alibi.example.com`', { max: 255, pattern: EHLO_NAME })
    .optional()
    .describe(
      'The name that Alibi introduces itself with (EHLO). Default: the name of the host if it holds a dot, else the domain of `mail.from`.',
    ),
  ca: line('the path of a file', { max: MAX_PATH })
    .optional()
    .describe(
      "A file of certificates (PEM): the authority, or the server's own certificate, that is trusted instead of the public authorities.",
    ),
})

const MailSchema = strict({
  from: line('an address such as `Alibi <alibi@example.com>`')
    .refine(isMailbox, 'expected an address such as `Alibi <alibi@example.com>`')
    .describe('Sender of every mail; its domain is that of the Message-ID.'),
  smtp: SmtpSchema.optional().describe('Left out: mails are written as .eml files to `directory`, and reach nobody.'),
  fallback: strict({
    after: duration(SECOND, HOUR).prefault('5m').describe('How long a mail is owed before it goes this way.'),
    smtp: SmtpSchema.describe('The other mail server.'),
  })
    .optional()
    .describe('A second mail server, for mails that the first one does not take.'),
  directory: line('a path', { max: MAX_PATH }).prefault('data/mail').describe('Where mails are written when there is no smtp.'),
  subject: oneOf(['constant', 'stateful'])
    .prefault('constant')
    .describe(
      "constant keeps an incident's mails in one thread; stateful puts the state into the subject and gives up threading.",
    ),
  maxPerHour: whole(1, 10_000).prefault(30).describe('Mails to one address in an hour; beyond it one summary.'),
})

const StorageSchema = strict({
  path: line('a path', { max: MAX_PATH }).prefault('data/alibi.db').describe('The database (SQLite).'),
  keep: strict({
    runs: duration(MINUTE, 400 * DAY)
      .prefault('7d')
      .describe('Runs in full; afterwards hourly sums.'),
    hours: duration(HOUR, 4000 * DAY)
      .prefault('400d')
      .describe('Hourly sums.'),
  })
    .prefault({})
    .describe('How long what is kept; incidents, their runs and the ledger are kept for ever.'),
})

const LogSchema = strict({
  level: oneOf(['error', 'warn', 'info', 'debug']).prefault('info').describe('The least that is logged.'),
  format: oneOf(['json', 'pretty'])
    .optional()
    .describe(
      'Default: pretty on a terminal, else json. Set to json, everything that is printed is a JSON line, whoever prints it.',
    ),
  file: strict({
    path: line('a path', { max: MAX_PATH }).describe('The log file.'),
    maxSize: size(64 * 1024, 10 * 1024 ** 3)
      .prefault('10MB')
      .describe('A file of this size is put away and a new one begun.'),
    keep: whole(1, 1000).prefault(5).describe('So many files are kept.'),
  })
    .optional()
    .describe('A log file beside standard output.'),
  cloudwatch: strict({
    group: line('the name of a log group', { max: 512, pattern: /^[\w./#-]+$/ }).describe(
      'The log group; it has to be there: Alibi makes none.',
    ),
    stream: line('the name of a log stream', { max: 512, pattern: /^[^:*\s]+$/ })
      .optional()
      .describe('The log stream, made when it is missing. Default: the name of the host.'),
    region: line(REGION_TEXT, { max: 32, pattern: REGION })
      .optional()
      .describe('Where the log group is. Default: the region of the first monitor.'),
  })
    .optional()
    .describe("Amazon CloudWatch Logs beside standard output, with the credentials of the SDK's own chain."),
})

/** Host and port of `127.0.0.1:9464`, `localhost:9464` or `[::1]:9464`; `null` for anything else. */
export function listenOf(text: string): { host: string; port: number } | null {
  const [, six, plain, digits] = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([\w.-]{1,253})):(\d{1,5})$/.exec(text) ?? []
  const host = six ?? plain
  const port = Number(digits)
  return host === undefined || port > 65_535 ? null : { host, port }
}

const Listen = line('an address and a port such as `127.0.0.1:9464`').transform((text, context) => {
  const listen = listenOf(text)
  if (listen !== null) return listen
  context.addIssue({ code: 'custom', message: 'expected an address and a port such as `127.0.0.1:9464` or `[::1]:9464`' })
  return z.NEVER
})

/** It has to fit into a header, a cookie and an address as it is, and not to be guessed. */
const TOKEN = /^[A-Za-z0-9._~-]{16,}$/
const TOKEN_TEXT = 'a token of at least 16 letters, digits, `-`, `.`, `_` or `~`, such as `openssl rand -hex 32` makes'

const WebSchema = z.union(
  [
    z.literal(false),
    strict({
      listen: Listen.prefault('127.0.0.1:9464').describe(
        'Address and port of the status page, /healthz, /metrics and /api. Any other than loopback needs `token`.',
      ),
      token: line(TOKEN_TEXT, { max: MAX_TOKEN, pattern: TOKEN })
        .optional()
        .describe(`Who asks must show it: as a Bearer, or once as ?token=. Best kept in a file: "\${file:/run/secrets/web}".`),
      hosts: list(line('a host name', { max: 253, pattern: HOST }), 'host names', 0, MAX_HOSTS)
        .prefault([])
        .describe('Further names under which the page may be asked for, such as that of a proxy.'),
    }),
  ],
  'expected `false` or `{ listen: 127.0.0.1:9464 }`',
)

const HeartbeatSchema = strict({
  url: url('an address', isSafeUrl, 'https, or http on this machine').describe(
    'Asked while Alibi is well; with `/fail` behind its path and the reason as body when it is not. A secret everywhere.',
  ),
  every: duration(10 * SECOND, HOUR)
    .prefault('1m')
    .describe('How often.'),
})

const DigestSchema = strict({
  schedule: Schedule.prefault('0 8 * * 1').describe(
    'When it is mailed: a cron expression of 5 or 6 fields, in the time zone of the first monitor.',
  ),
  to: list(line('the name of a recipient'), 'recipients', 1, MAX_RECIPIENTS)
    .optional()
    .describe('Names of recipients. Default: all.'),
})

export const RecipientName = line(NAME_TEXT, { max: MAX_NAME, pattern: NAME })

export const ConfigSchema = strict({
  monitors: list(MonitorSchema, 'monitors', 1, MAX_MONITORS)
    .prefault([{}])
    .describe('What is watched. Default: one monitor, named `default`.'),
  policy: PolicySchema.prefault({}).describe('When mails are sent and when silence ends.'),
  health: HealthSchema.prefault({}).describe('How AWS is asked whether it knows of trouble.'),
  control: ControlSchema.prefault({}).describe('How Alibi learns whether its own network carries.'),
  recipients: z
    .record(RecipientName, RecipientSchema, 'expected a mapping of names to `{ to: [address] }`')
    .describe('Who is told: names, each with addresses.'),
  mail: MailSchema.describe('How mail leaves.'),
  storage: StorageSchema.prefault({}).describe('Where the state is.'),
  log: LogSchema.prefault({}).describe('What is logged, and how.'),
  web: WebSchema.prefault({}).describe('The status page; false: none.'),
  heartbeat: HeartbeatSchema.optional().describe('Tells a healthchecks-style service that Alibi itself is well. Default: none.'),
  digest: DigestSchema.optional().describe('A summary by mail: what was told, what was not and why. Default: none.'),
})

export type ParsedConfig = z.output<typeof ConfigSchema>
export type ParsedMonitor = z.output<typeof MonitorSchema>
export type ParsedAccounts = ParsedMonitor['accounts']
export type ParsedCredentials = z.output<typeof Credentials>

import * as z from 'zod'
import { MAX_EXPRESSION, readSchedule } from '../schedule/calendar.ts'
import { isTimezone } from '../schedule/zone.ts'
import { CredentialsSchema } from './credentials-schema.ts'
import { nearest } from './nearest.ts'
import { OperationCall } from './operation.ts'
import {
  DAY,
  duration,
  HOUR,
  line,
  list,
  MAX_NAME,
  MINUTE,
  NAME,
  NAME_TEXT,
  QUOTE_ACCOUNT,
  REGION,
  REGION_TEXT,
  strict,
  url,
  whole,
} from './values.ts'

export const MAX_ACCOUNTS = 10_000
export const MAX_RECIPIENTS = 100
const MAX_OUS = 100
const MAX_OPERATIONS = 64
const MAX_WINDOW = 20
const MAX_REGIONS = 50
const MAX_ATTEMPTS = 10
/** The pattern of the API itself (botocore organizations/2016-11-28, ParentId). */
const OU = /^(?:r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$/

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
    description: '`self` (no account id is sent) or the twelve-digit id of a member account, in quotes.',
  })

const Organization = strict({
  ous: list(
    line('the id of an organizational unit or of the root, such as `ou-ab12-cd34ef56`', { max: 68, pattern: OU }),
    'ids of organizational units',
    1,
    MAX_OUS,
  )
    .optional()
    .describe('Only the accounts in these organizational units, at any depth. Default: the whole organization.'),
  exclude: list(Account, 'accounts', 0, MAX_ACCOUNTS)
    .prefault([])
    .describe("Accounts to leave out, by their ids in quotes; `self` is the credentials' own account."),
  every: duration(MINUTE, DAY)
    .prefault('1h')
    .describe('How often the organization is listed. If that fails, the last list stays in force.'),
})

const DiscoveredAccounts = strict({
  organization: Organization.describe(
    "Discovers the organization's active accounts through the Organizations API; requires the management account or a delegated administrator.",
  ),
  include: list(Account, 'accounts', 0, MAX_ACCOUNTS)
    .prefault([])
    .describe('Accounts that are probed even if they are not listed. An account in both lists is probed once.'),
})

const Fail = z
  .union(
    [
      whole(1, MAX_WINDOW),
      strict({
        count: whole(1, MAX_WINDOW).prefault(3).describe('Failed runs, out of the last `of`, that make a probe fail.'),
        of: whole(1, MAX_WINDOW).prefault(5).describe('How many of the last conclusive runs count.'),
      }),
    ],
    'expected a number such as `3`, or `{ count: 3, of: 5 }`',
  )
  .transform((given) => (typeof given === 'number' ? { count: given, of: given } : given))

export const Schedule = line('a cron expression', { max: MAX_EXPRESSION }).transform((text, context) => {
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

/** Names of recipients. That they exist is checked elsewhere. */
export const RecipientNames = list(line('the name of a recipient'), 'recipients', 1, MAX_RECIPIENTS)

export const MonitorSchema = strict({
  name: line(NAME_TEXT, { max: MAX_NAME, pattern: NAME })
    .prefault('default')
    .describe('Unique name, used in email subjects and in the ids of probes.'),
  schedule: Schedule.prefault('* * * * *').describe(
    'When the probes run: a cron expression of 5 or 6 fields (the first of 6 is seconds).',
  ),
  timezone: Timezone.prefault('Etc/UTC').describe(
    'IANA time zone of the schedule. Emails show times in this zone as well as in UTC.',
  ),
  spread: duration(0, HOUR)
    .prefault('10s')
    .describe('Random delay of up to this long, so that monitors do not all run at the same moment.'),
  region: line(REGION_TEXT, { max: 32, pattern: REGION })
    .optional()
    .describe(
      "Determines the partition, and so the Account endpoint. Default: the first of `regions`, else AWS_REGION, else the profile's region, else AWS_DEFAULT_REGION, else us-east-1.",
    ),
  regions: list(line(REGION_TEXT, { max: 32, pattern: REGION }), 'regions', 1, MAX_REGIONS)
    .optional()
    .describe('Regions in which operations of other services are asked; Account has one endpoint only. Default: `region`.'),
  credentials: CredentialsSchema.optional().describe(
    "Credentials to use. Default: the SDK's default chain (environment, profile, SSO, instance role, …).",
  ),
  accounts: z
    .union(
      [list(Account, 'accounts', 1, MAX_ACCOUNTS), DiscoveredAccounts],
      'expected a list of accounts, or `{ organization: {} }`',
    )
    .prefault(['self'])
    .describe(
      'Accounts to probe: `self`, and member accounts by their ids in quotes; or `{ organization: {} }` to discover them.',
    ),
  operations: list(OperationCall, 'operations', 1, MAX_OPERATIONS)
    .prefault(['GetAccountInformation'])
    .describe(
      'Read-only operations: of Account, called for every account, and `service:Operation` of any other service, called for `self`.',
    ),
  attempts: whole(1, MAX_ATTEMPTS).prefault(3).describe('Maximum number of tries in a run; the run ends with the first ok one.'),
  backoff: duration(0, MINUTE)
    .prefault('1s')
    .describe('Pause before the second try, doubled before every further one, with jitter.'),
  timeout: duration(100, MINUTE)
    .prefault('5s')
    .describe('Timeout per try. A whole run must not outlast retryInterval, recheckEvery or the schedule.'),
  impact: line('one sentence').optional().describe('One sentence for the email: what does not work while this fails.'),
  runbook: url('an https or http URL', isWebUrl).optional().describe('Link for the email: what to do about a failure.'),
  fail: Fail.prefault({ count: 3, of: 5 }).describe(
    'A probe fails when `count` of its last `of` conclusive runs failed; `3` means 3 of 3.',
  ),
  recover: whole(1, MAX_WINDOW).prefault(2).describe('Consecutive ok runs after which a probe has recovered.'),
  retryInterval: duration(100, HOUR)
    .prefault('20s')
    .describe('How soon a probe runs again while it is undecided whether it fails.'),
  recheckEvery: duration(100, HOUR)
    .prefault('60s')
    .describe('How often a probe runs while it is failing or recovering, unless its schedule is more frequent.'),
  notify: RecipientNames.optional().describe('Names of the recipients to notify. Default: all.'),
})

export type ParsedMonitor = z.output<typeof MonitorSchema>
export type ParsedAccounts = ParsedMonitor['accounts']

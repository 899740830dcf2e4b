import * as z from 'zod'
import { AccountsSchema } from './accounts-schema.ts'
import { isSafeUrl, SAFE_URL_TEXT } from './endpoints.ts'
import { HealthSchema } from './health-schema.ts'
import { LogSchema } from './log-schema.ts'
import { MailSchema, RecipientSchema } from './mail-schema.ts'
import { MonitorSchema, RecipientNames, Schedule } from './monitor-schema.ts'
import { StorageSchema } from './storage-schema.ts'
import { DAY, duration, HOUR, line, list, MAX_NAME, MINUTE, NAME, NAME_TEXT, SECOND, strict, url } from './values.ts'
import { WebSchema } from './web-schema.ts'

/*
 * The shape of `config/alibi.yaml`: keys, kinds of value, limits, defaults and descriptions. docs/configuration.md and
 * config/alibi.schema.json are made from it. What concerns more than one key is checked in cross-checks.ts.
 */

export const MAX_MONITORS = 200

const PolicySchema = strict({
  wait: duration(0, 6 * HOUR)
    .prefault('0s')
    .describe('How long the first email about an unexplained failure is held back, so that AWS can post an event.'),
  extension: duration(0, DAY).prefault('15m').describe('How long an event still explains failures after it has ended.'),
  holdAtMost: duration(SECOND, 30 * DAY, { never: true })
    .prefault('6h')
    .describe('Longest silence about an explained failure, after which an email is sent; 0s: no limit.'),
  lookback: duration(0, 7 * DAY)
    .prefault('7h')
    .describe("How long before AWS's first post a failure may have begun and still be explained by the event."),
  staleAfter: duration(MINUTE, 400 * DAY)
    .prefault('24h')
    .describe('An open event that has not been updated for this long explains nothing.'),
  remindEvery: duration(SECOND, 30 * DAY, { never: true })
    .prefault('4h')
    .describe('Interval of reminders while an incident lasts; 0s: no reminders.'),
  joinWithin: duration(0, DAY)
    .prefault('30m')
    .describe('Failures that begin within this time of one another belong to one incident.'),
  reopenWithin: duration(0, DAY).prefault('30m').describe('A failure within this time after an incident has closed reopens it.'),
  blindAfter: duration(SECOND, 7 * DAY)
    .prefault('15m')
    .describe('A probe without a conclusive run for this long (at least three periods) is reported as blind.'),
})

const ControlSchema = strict({
  url: url(SAFE_URL_TEXT, isSafeUrl)
    .optional()
    .describe(
      "Requested, unsigned, to find out whether the network problem is on our side. Default: AWS_ENDPOINT_URL_STS if it is set, else an STS endpoint outside Account's region.",
    ),
})

const MachineSchema = strict({
  name: line(NAME_TEXT, { max: MAX_NAME, pattern: NAME })
    .optional()
    .describe('What this machine is called on the page, in the log and in metrics. Default: the name of the host.'),
})

const HeartbeatSchema = strict({
  url: url(SAFE_URL_TEXT, isSafeUrl).describe(
    'Ping URL, requested while Alibi works. When it does not, `/fail` is added to the path and the reason is sent as the body. Treated as a secret.',
  ),
  every: duration(10 * SECOND, HOUR)
    .prefault('1m')
    .describe('Interval between pings.'),
})

const DigestSchema = strict({
  schedule: Schedule.prefault('0 8 * * 1').describe(
    'When it is sent: a cron expression of 5 or 6 fields, in the time zone of the first monitor.',
  ),
  to: RecipientNames.optional().describe('Names of recipients. Default: all.'),
})

export const RecipientName = line(NAME_TEXT, { max: MAX_NAME, pattern: NAME })

export const ConfigSchema = strict({
  monitors: list(MonitorSchema, 'monitors', 1, MAX_MONITORS)
    .prefault([{}])
    .describe('What is monitored. Default: one monitor, named `default`.'),
  accounts: AccountsSchema.prefault({}).describe('How accounts are shown. Which ones are probed is a matter of each monitor.'),
  policy: PolicySchema.prefault({}).describe('When emails are sent, and when silence ends.'),
  health: HealthSchema.prefault({}).describe('How AWS Health is asked.'),
  control: ControlSchema.prefault({}).describe('How Alibi tells an outage from a network problem of its own.'),
  recipients: z
    .record(RecipientName, RecipientSchema, 'expected a mapping of names to `{ to: [address] }`')
    .describe('Who is notified: names, each with addresses.'),
  mail: MailSchema.describe('How email is sent.'),
  storage: StorageSchema.prefault({}).describe('Where the state is stored.'),
  machine: MachineSchema.prefault({}).describe('This machine, where several share a database.'),
  log: LogSchema.prefault({}).describe('What is logged, and where.'),
  web: WebSchema.prefault({}).describe('The status page and its API; `false`: none.'),
  heartbeat: HeartbeatSchema.optional().describe(
    'Tells a healthchecks-style service that Alibi works, so that it can alert you when Alibi does not. Default: none.',
  ),
  digest: DigestSchema.optional().describe(
    'Periodic summary by email: which alerts were sent, which were not, and why. Default: none.',
  ),
})

export type ParsedConfig = z.output<typeof ConfigSchema>

import type { Config } from '../config/config.ts'
import { shownUrl } from '../config/endpoints.ts'
import { selfAlertRecipients } from '../domain/audience.ts'
import { counted } from '../domain/counted.ts'
import { inWords, iso, utc } from '../domain/duration.ts'
import type { Recipient } from '../domain/policy.ts'
import type { QuotaRow } from '../domain/quota.ts'
import { nameFor } from '../wire.ts'
import type { Discovered } from './discovered-accounts.ts'
import { type Finding, findingText } from './finding.ts'
import { type Io, say } from './io.ts'
import { mailServers } from './mail-advice.ts'
import { gapText, nextText, type Scheduled, scheduleNotes } from './schedule-notes.ts'
import { table } from './table.ts'

/** All that `check` found out. */
export type CheckReport = Readonly<{
  config: Config
  /** As the user named it. */
  file: string
  discovered: readonly Discovered[]
  quotas: readonly QuotaRow[]
  /** Of every monitor, in their order, then of the digest. */
  schedules: readonly Scheduled[]
  /** Schedules that AWS's quotas cannot keep. */
  late: readonly string[]
  warnings: readonly string[]
  overrides: readonly string[]
  network: readonly string[]
  /** `null` without `--live`. */
  live: readonly Finding[] | null
  /** `run` could work with this configuration. */
  isGood: boolean
}>

export function reportJson(report: CheckReport) {
  const { config, discovered, schedules } = report
  const selfAlerts = new Set(selfAlertRecipients(config.recipients).map(({ name }) => name))
  return {
    config: config.file,
    monitors: config.monitors.map(({ name, schedule, timezone, region, partition, probes, notify }, n) => ({
      name,
      schedule,
      timezone,
      region,
      partition,
      probes: probes.map(({ id }) => id),
      notify,
      ...outlookJson(schedules[n]),
    })),
    digest: config.digest === null ? null : { ...config.digest, ...outlookJson(schedules[config.monitors.length]) },
    recipients: config.recipients.map(({ name, to, afterMs, kinds = null }) => {
      return { name, to, afterMs, kinds, selfAlerts: selfAlerts.has(name) }
    }),
    organizations: discovered.map(({ monitor, accounts, listedAt, why }) => ({
      monitor,
      accounts: accounts.length,
      listedAt: listedAt === null ? null : iso(listedAt),
      why,
    })),
    quotas: report.quotas,
    refused: report.late,
    warnings: report.warnings,
    overrides: report.overrides,
    network: report.network,
    live: report.live ?? [],
  }
}

/** Times between runs are seconds. */
function outlookJson(scheduled: Scheduled | undefined) {
  if (scheduled === undefined) return {}
  const { next, usualGapMs, longestGapMs, meaning } = scheduled.outlook
  return { nextRun: next === null ? null : iso(next), usualGap: usualGapMs / 1_000, longestGap: longestGapMs / 1_000, meaning }
}

export function printReport(report: CheckReport, io: Io): void {
  say(io, contents(report))
  io.out(`\n${monitorTable(report, io.columns)}`)
  io.out(`\n${quotaTable(report.quotas, io.columns)}`)
  const notes = notesOf(report)
  if (notes.length > 0) say(io, `\n${notes.join('\n')}`)
  const live = report.live ?? []
  if (report.live !== null) io.out(`\n${live.map((finding) => findingText(finding, io.columns)).join('\n')}`)
  const failures = live.filter(({ ok }) => !ok).length
  if (failures > 0) io.out(`\n${failures} of ${counted(live.length, 'check')} failed.`)
  else io.out(report.isGood ? '\nThe configuration is valid.' : '')
}

function monitorTable({ config: { monitors }, schedules }: CheckReport, columns: number | null): string {
  const rows = monitors.map(({ name, schedule, timezone, probes, region, notify }, n) => [
    name,
    schedule,
    timezone,
    ...nextRun(schedules[n]),
    String(probes.length),
    region,
    notify.join(', '),
  ])
  return table(['monitor', 'schedule', 'time zone', 'next run', 'longest gap', 'probes', 'region', 'notifies'], rows, columns)
}

function nextRun(scheduled: Scheduled | undefined): readonly [string, string] {
  return scheduled === undefined ? ['', ''] : [nextText(scheduled), gapText(scheduled)]
}

function quotaTable(quotas: readonly QuotaRow[], columns: number | null): string {
  const rows = quotas.map(({ operation, probes, callsPerSecond, quota, fits }) => [
    operation,
    String(probes),
    callsPerSecond.toFixed(3),
    quota === null ? 'not known' : `${quota.perSecond}/s`,
    fits ? 'fits' : 'too often',
  ])
  return table(['operation', 'probes', 'calls a second', 'AWS allows a caller', ''], rows, columns)
}

function notesOf({ warnings, late, overrides, network, schedules }: CheckReport): readonly string[] {
  return [
    // Schedules that are late are errors, which follow at the end.
    ...warnings.filter((warning) => !late.includes(warning)).map((warning) => `warning: ${warning}`),
    ...overrides.map((override) => `note: not AWS’s own endpoint: ${override}`),
    ...network.map((line) => `note: ${line}`),
    ...scheduleNotes(schedules).map((line) => `note: ${line}`),
  ]
}

function contents({ config, file, discovered, schedules }: CheckReport): string {
  const { monitors, recipients, mail, heartbeat, digest, log } = config
  const probes = monitors.reduce((sum, monitor) => sum + monitor.probes.length, 0)
  const addresses = recipients.reduce((sum, recipient) => sum + recipient.to.length, 0)
  const names = recipients.map((recipient) => recipientText(recipient, config))
  const lines = [
    `${counted(monitors.length, 'monitor')}, ${counted(probes, 'probe')}`,
    ...discovered.map((one) => organizationLine(one, config)),
    `${counted(recipients.length, 'recipient')} (${counted(addresses, 'address', 'addresses')}): ${names.join(', ')}`,
    `self-alerts: to ${selfAlertRecipients(recipients)
      .map(({ name }) => name)
      .join(', ')}`,
    `email: from ${mail.from}, ${mailText(config)}`,
    `AWS Health: ${sourcesText(config)}`,
    `database: ${databaseText(config)}`,
    `status page: ${pageText(config)}`,
    ...(heartbeat === null ? [] : [`heartbeat: every ${inWords(heartbeat.everyMs)}`]),
    ...(digest === null ? [] : [digestLine(digest, schedules.at(-1))]),
    ...(log.cloudwatch === null ? [] : [`log: also to CloudWatch Logs, group ${log.cloudwatch.group}`]),
  ]
  return [`Found in ${file}:`, ...lines.map((line) => `  ${line}`)].join('\n')
}

function digestLine({ schedule, timezone, to }: NonNullable<Config['digest']>, scheduled: Scheduled | undefined): string {
  const when = scheduled === undefined ? '' : `, next ${nextText(scheduled)}, longest gap ${gapText(scheduled)}`
  return `digest: at ${schedule} (${timezone})${when}, to ${to.join(', ')}`
}

/** `oncall`, `manager after 30 min`, `pager (only failing, recovered)`, `owner (no monitor notifies it)` */
function recipientText({ name, afterMs, kinds }: Recipient, { monitors }: Config): string {
  const isNotified = monitors.some(({ notify }) => notify.includes(name))
  const choice = !isNotified ? ' (no monitor notifies it)' : kinds === undefined ? '' : ` (only ${kinds.join(', ')})`
  return `${name}${afterMs === null ? '' : ` after ${inWords(afterMs)}`}${choice}`
}

function organizationLine({ monitor, accounts, listedAt, why }: Discovered, { monitors }: Config): string {
  if (why !== null) return `organization of ${monitor}: ${why}`
  const probes = monitors.find(({ name }) => name === monitor)?.probes.length ?? 0
  return `organization of ${monitor}: ${counted(accounts.length, 'account')}, ${counted(probes, 'probe')} (listed ${utc(listedAt ?? 0)})`
}

function mailText(config: Config): string {
  const servers = mailServers(config).map(
    ({ smtp }) => `${smtp.host}:${smtp.port} (${smtp.security}), introducing itself as ${nameFor(config, smtp)}`,
  )
  return servers.length === 0 ? `written to files in ${config.mail.directory}` : `by ${servers.join(', else ')}`
}

function sourcesText({ health }: Config): string {
  const sources = [
    ...(health.api ? ['Health API'] : []),
    ...(health.dashboard === false ? [] : ['public dashboard']),
    ...(health.queue === null ? [] : [`queue ${shownUrl(health.queue.url)}`]),
  ]
  return sources.length === 0 ? 'not asked, so that every outage is undetermined and reported' : sources.join(' and ')
}

function databaseText({ storage: { path, postgres } }: Config): string {
  if (postgres === null) return path
  const { host, pathname } = new URL(postgres.url)
  return `PostgreSQL at ${host}${pathname}, schema ${postgres.schema}`
}

function pageText({ web }: Config): string {
  if (web === null) return 'none'
  return `http://${web.host.includes(':') ? `[${web.host}]` : web.host}:${web.port}/`
}

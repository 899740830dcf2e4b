import { constants, statfsSync } from 'node:fs'
import { access, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { callerIdentity } from '../adapters/aws/caller.ts'
import { placeOf } from '../adapters/sqlite/place.ts'
import { draftName } from '../adapters/whole-file.ts'
import type { Config } from '../config/config.ts'
import { quotas, quotaWarnings } from '../config/quotas.ts'
import { toldOfUs } from '../domain/audience.ts'
import { inWords, iso, utc } from '../domain/duration.ts'
import type { SourceAnswer } from '../domain/outage.ts'
import { type OwnFault, ownFaultOf } from '../domain/own-fault.ts'
import { decisiveTry, type Outcome, type Partition, type Try } from '../domain/probe.ts'
import { MailError, type Mailer } from '../ports/mailer.ts'
import { holdersOf, nameFor, type Wired, wire } from '../wire.ts'
import { EXIT, Exit } from './exit.ts'
import { exposedFiles, openDirectories } from './exposure.ts'
import { type Common, configured, type Io, say } from './io.ts'
import { mailAdvice, mailServers } from './mail-advice.ts'
import { type Found, listed, remembered, withFound } from './members.ts'
import { withSetup } from './one-round.ts'
import { savedSecrets } from './pm2.ts'
import { settled } from './settled.ts'
import { type Finding, tryOrganization, trySurroundings } from './surroundings.ts'
import { cell, fold, table } from './table.ts'
import { VERSION } from './version.ts'

/** A clock that is off by more makes AWS refuse signatures before long (it does at five minutes). */
const MAX_SKEW_MS = 60_000
const FIND_CREDENTIALS = 'see that the SDK finds credentials (profile, role, environment)'
const REACH_STS = 'see that this host reaches STS'
const LOW_DISK_BYTES = 100 * 1024 * 1024
const IDENTITY_MS = 10_000

export type CheckOptions = Common & Readonly<{ live?: boolean; json?: boolean }>

/** Reads the configuration and says what it found; `--live` also tries everything it names. */
export async function check(options: CheckOptions, io: Io): Promise<number> {
  const given = await configured(options, io)
  const rosters = options.live === true ? await listed(given, io) : await remembered(given)
  const config = withFound(given, rosters)
  const rows = quotas(config)
  const late = quotaWarnings(rows)
  await using wired = wire(config, io.env, VERSION)
  const live = options.live === true ? [...rosters.map(rosterFinding), ...(await tryAll(config, wired, io))] : []
  const bad = live.filter((finding) => !finding.ok)
  const unfit = unfitPlace(config)
  const warnings = [
    ...config.warnings,
    ...exposedFiles(config),
    ...openDirectories(config),
    ...savedSecrets(io.env, config.secrets),
  ]
  if (options.json === true) {
    io.out(
      JSON.stringify(
        {
          config: config.file,
          monitors: summary(config),
          recipients: config.recipients.map(({ name, to, afterMs }) => ({
            name,
            to,
            afterMs,
            selfAlerts: toldOfUs(config.recipients).some((one) => one.name === name),
          })),
          organizations: rosters.map(({ monitor, accounts, listedAt, why }) => ({
            monitor,
            accounts: accounts.length,
            listedAt: listedAt === null ? null : iso(listedAt),
            why,
          })),
          quotas: rows,
          refused: late,
          warnings,
          overrides: wired.overrides,
          network: wired.network,
          live,
        },
        null,
        2,
      ),
    )
  } else {
    say(io, found(config, options.config, rosters))
    const monitors = config.monitors.map((m) => [
      m.name,
      m.schedule,
      m.timezone,
      String(m.probes.length),
      m.region,
      m.notify.join(', '),
    ])
    io.out(`\n${table(['monitor', 'schedule', 'time zone', 'probes', 'region', 'notifies'], monitors, io.columns)}`)
    const calls = rows.map((r) => [
      r.operation,
      String(r.probes),
      r.callsPerSecond.toFixed(3),
      r.quota === null ? 'not known' : `${r.quota.perSecond}/s`,
      r.fits ? 'fits' : 'too often',
    ])
    io.out(`\n${table(['operation', 'probes', 'calls a second', 'AWS allows a caller', ''], calls, io.columns)}`)
    const notes = [
      ...warnings.filter((warning) => !late.includes(warning)).map((warning) => `warning: ${warning}`),
      ...wired.overrides.map((override) => `note: not AWS’s own endpoint: ${override}`),
      ...wired.network.map((line) => `note: ${line}`),
    ]
    if (notes.length > 0) say(io, `\n${notes.join('\n')}`)
    if (options.live === true) io.out(`\n${live.map((finding) => findingText(finding, io.columns)).join('\n')}`)
    io.out(
      bad.length === 0
        ? late.length === 0 && unfit === null
          ? '\nThe configuration is good.'
          : ''
        : `\n${bad.length} of the ${live.length} things that were tried ${bad.length === 1 ? 'needs' : 'need'} attention.`,
    )
  }
  if (late.length > 0) throw new Exit(EXIT.config, refusal(late))
  if (unfit !== null) throw new Exit(EXIT.unreachable, unfit)
  return bad.length === 0 ? EXIT.well : EXIT.unreachable
}

/** What stands where the database should be and can be none: `run` could not begin. Another user's file is no fault of the place. */
function unfitPlace({ storage: { path } }: Config): string | null {
  const place = placeOf(path)
  return place.kind === 'unfit' ? `${path} ${place.why}` : null
}

/** What cannot fit. `run` starts all the same: it is late then, and not throttled. */
function refusal(late: readonly string[]): string {
  return `The schedule cannot be kept within AWS's quotas:\n${late.map((line) => `  ${line}`).join('\n')}\nRun these probes less often, or fewer of them. \`alibi run\` starts with such a schedule, and its rounds are late.`
}

function rosterFinding({ monitor, accounts, left, why }: Found): Finding {
  const what = `organization of ${monitor}`
  if (why === null)
    return { what, ok: true, detail: `${plural(accounts.length, 'active account')} to probe, ${left} left out`, fix: null }
  return { what, ok: false, detail: why, fix: 'while it cannot be listed, Alibi probes the accounts that it found last' }
}

function namesToldOfUs({ recipients }: Config): string {
  return toldOfUs(recipients)
    .map(({ name }) => name)
    .join(', ')
}

/** What was tried, what came of it, and beneath a fault what to do. */
function findingText({ what, ok, detail, fix }: Finding, columns: number | null): string {
  const line = `${ok ? 'ok   ' : 'FAULT'}  ${what}: ${cell(detail)}`
  return [fold(line, columns, 7), ...(fix === null ? [] : [fold(`       -> ${fix}`, columns, 10)])].join('\n')
}

function found(config: Config, file: string, rosters: readonly Found[]): string {
  const probes = config.monitors.reduce((sum, monitor) => sum + monitor.probes.length, 0)
  const addresses = config.recipients.reduce((sum, recipient) => sum + recipient.to.length, 0)
  const servers = mailServers(config).map(
    ({ smtp }) => `${smtp.host}:${smtp.port} (${smtp.security}), introducing itself as ${nameFor(config, smtp)}`,
  )
  const mail = servers.length === 0 ? `files in ${config.mail.directory}` : servers.join(', else ')
  const sources = [
    config.health.api ? 'the Health API' : null,
    config.health.dashboard === false ? null : 'the public dashboard',
  ].filter((s) => s !== null)
  return [
    `Found in ${file}:`,
    `  ${plural(config.monitors.length, 'monitor')}, ${plural(probes, 'probe')}`,
    ...rosters.map(({ monitor, accounts, listedAt, why }) =>
      why !== null
        ? `  organization of ${monitor}: ${why}`
        : `  organization of ${monitor}: ${plural(accounts.length, 'account')}, ${plural(config.monitors.find(({ name }) => name === monitor)?.probes.length ?? 0, 'probe')} (listed ${utc(listedAt ?? 0)})`,
    ),
    `  ${plural(config.recipients.length, 'recipient')} (${plural(addresses, 'address', 'addresses')}): ${config.recipients.map((r) => (r.afterMs === null ? r.name : `${r.name} after ${inWords(r.afterMs)}`)).join(', ')}`,
    `  what belongs to no monitor goes to ${namesToldOfUs(config)}`,
    `  mail from ${config.mail.from} by ${mail}`,
    `  AWS Health by ${sources.length === 0 ? 'nothing: every outage is mailed as undetermined' : sources.join(' and ')}`,
    `  database ${config.storage.path}`,
    `  page ${config.web === null ? 'none' : `http://${config.web.host.includes(':') ? `[${config.web.host}]` : config.web.host}:${config.web.port}/`}`,
    ...(config.heartbeat === null ? [] : [`  heartbeat each ${inWords(config.heartbeat.everyMs)}`]),
    ...(config.digest === null
      ? []
      : [`  digest at ${config.digest.schedule} (${config.digest.timezone}) to ${config.digest.to.join(', ')}`]),
    ...(config.log.cloudwatch === null ? [] : [`  log also to CloudWatch Logs ${config.log.cloudwatch.group}`]),
  ].join('\n')
}

function summary(config: Config) {
  return config.monitors.map(({ name, schedule, timezone, region, partition, probes, notify }) => ({
    name,
    schedule,
    timezone,
    region,
    partition,
    probes: probes.map((p) => p.id),
    notify,
  }))
}

function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

async function tryAll(config: Config, wired: Wired, io: Io): Promise<readonly Finding[]> {
  const { signal } = new AbortController()
  const [identities, operations, health, control, mail, disk, around] = await Promise.all([
    tryIdentities(config, wired, signal),
    tryOperations(config, wired, signal),
    tryHealth(wired, signal),
    tryControl(config, wired, signal),
    tryMail(config, wired, signal),
    tryDisk(config),
    trySurroundings(config, wired, io, signal),
  ])
  return [...identities, ...operations, ...health.sources, control, ...mail, ...disk, ...health.views, ...around]
}

/** Who the credentials are, and whether a management account names itself: it must leave its own id out. */
async function tryIdentities(config: Config, wired: Wired, signal: AbortSignal): Promise<readonly Finding[]> {
  const { keyring, clock, env } = wired
  const all = await Promise.all(
    holdersOf(config).map(async ({ monitors, holder }) => {
      const what = `credentials of ${monitors.map((monitor) => monitor.name).join(', ')}`
      const who = await callerIdentity(holder, { keyring, clock, env, timeoutMs: IDENTITY_MS, signal })
      if ('why' in who) return [{ what, ok: false, detail: who.why, fix: who.fault === null ? REACH_STS : fixOf(who.fault) }]
      const named = monitors.filter((m) => m.probes.some((probe) => probe.account === who.account))
      const finding: Finding = { what, ok: true, detail: `${who.arn} (account ${who.account}), from ${who.origin}`, fix: null }
      return [finding, ...named.map((m) => namesItself(m.name, who.account))]
    }),
  )
  return all.flat()
}

function namesItself(monitor: string, account: string): Finding {
  return {
    what: `accounts of ${monitor}`,
    ok: false,
    detail: `${account} is the account of its own credentials: AWS refuses an account that names itself`,
    fix: 'write `self` in its place',
  }
}

async function tryOperations(config: Config, wired: Wired, signal: AbortSignal): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const ran: Outcome[] = []
  for (const monitor of config.monitors) {
    // One account for each operation: what is tried here counts against AWS's quotas too.
    const seen = new Set<string>()
    for (const probe of monitor.probes) {
      const key = `${probe.call.operation} ${probe.account === 'self' ? 'self' : 'member'}`
      if (seen.has(key)) continue
      seen.add(key)
      ran.push(await settled(wired.prober, probe, signal))
      const outcome = withSetup(ran).at(-1)
      if (outcome === undefined) continue
      const last = decisiveTry(outcome)
      const ok = outcome.result === 'ok'
      const detail = ok
        ? `ok in ${Math.round(outcome.endedAt - outcome.startedAt)} ms`
        : `${outcome.kind}: ${last?.error ?? ''} ${last?.message ?? ''}`
      findings.push({ what: probe.id, ok, detail, fix: ok ? null : fixFor(outcome, last) })
      const skewMs = last?.skewMs ?? null
      if (skewMs !== null && Math.abs(skewMs) > MAX_SKEW_MS)
        findings.push({
          what: 'clock',
          ok: false,
          detail: `it differs from AWS's by ${inWords(Math.abs(skewMs))}`,
          fix: 'let NTP set the clock of this host',
        })
    }
  }
  return findings
}

/** What to do about a run that failed, by its cause. */
function fixFor({ result, kind }: Outcome, last: Try | null): string {
  if (kind === 'throttled') return 'run the monitor less often, or for fewer accounts'
  const fault = ownFaultOf(result === 'failed' ? kind : null, last ?? { error: null, status: null })
  return fault === null ? 'AWS or the way to it fails right now: `alibi health` says whether AWS knows' : fixOf(fault)
}

function fixOf(fault: OwnFault): string {
  switch (fault) {
    case 'denied':
      return 'allow the action in IAM; for member accounts Alibi needs the management or the delegated administrator account, and trusted access for account.amazonaws.com'
    case 'refused credentials':
      return `renew or correct the credentials; ${FIND_CREDENTIALS} that are valid`
    case 'no credentials':
      return FIND_CREDENTIALS
    case 'late credentials':
      return 'make what gives the credentials faster, or raise the monitor’s `timeout`: what it gives too late is kept for the next try'
    case 'wrong request':
      return 'AWS calls the request wrong: check the account ids and parameters'
    case 'internal error':
      return 'this is an internal error of Alibi: please report it'
    case 'name':
      return 'see the name of the endpoint, and the name servers of this host'
    case 'certificate':
      return 'see who answers there: where a proxy looks into TLS, name its authority by AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS; see the clock too'
    case 'proxy':
      return 'see HTTPS_PROXY and NO_PROXY, and whether the proxy lets this host pass'
  }
}

async function tryHealth(wired: Wired, signal: AbortSignal) {
  const now = wired.clock.now()
  /** Where the Health API answers. */
  const answering: Partition[] = []
  const asked = [...wired.sources].flatMap(([partition, { api, dashboard }]) => [
    { what: `Health API (${partition})`, source: api, answers: () => answering.push(partition) },
    { what: `dashboard (${partition})`, source: dashboard, answers: () => {} },
  ])
  const sources = await Promise.all(
    asked.map(async ({ what, source, answers }): Promise<Finding> => {
      if (source === null) return { what, ok: true, detail: 'off', fix: null }
      const answer = await source.ask(now, now - 60_000, signal)
      if (answer.state === 'answered') answers()
      return healthFinding(what, answer)
    }),
  )
  return { sources, views: await tryOrganization(wired, answering, signal) }
}

function healthFinding(what: string, answer: SourceAnswer): Finding {
  switch (answer.state) {
    case 'answered':
      if (answer.refused !== undefined)
        return {
          what,
          ok: false,
          detail: answer.detail,
          fix: `allow ${answer.refused}: whether an event explains a failure often stands in its text alone`,
        }
      return { what, ok: true, detail: `answered with ${plural(answer.events.length, 'event')} (${answer.detail})`, fix: null }
    case 'refused':
      return {
        what,
        ok: false,
        detail: answer.why,
        fix: 'the Health API needs Business Support+, Enterprise Support or Unified Operations and health:DescribeEvents, health:DescribeEventDetails; without it set `health.api: false`, and verdicts rest on the public dashboard',
      }
    case 'unavailable':
      return {
        what,
        ok: false,
        detail: answer.why,
        fix: `${answer.ours === 'credentials' ? FIND_CREDENTIALS : 'see that this host reaches it'}; while it cannot be asked, failures are mailed`,
      }
    case 'off':
      return { what, ok: true, detail: `off: ${answer.why}`, fix: null }
  }
}

async function tryControl(config: Config, wired: Wired, signal: AbortSignal): Promise<Finding> {
  const answer = await wired.prober.control(signal)
  const what = `control host ${new URL(config.control.url).host}`
  return {
    what,
    ok: answer.reached,
    detail: answer.detail,
    fix: answer.reached
      ? null
      : 'without it trouble of this host looks like trouble of AWS: open the way, or set control.url to a host that can be reached',
  }
}

async function tryMail(config: Config, wired: Wired, signal: AbortSignal): Promise<readonly Finding[]> {
  const attempt = async (what: string, mailer: Mailer, fix: (cause: MailError) => string): Promise<Finding> => {
    try {
      return { what, ok: true, detail: await mailer.verify(signal), fix: null }
    } catch (cause) {
      if (!(cause instanceof MailError)) throw cause
      return { what, ok: false, detail: cause.message, fix: fix(cause) }
    }
  }
  const servers = mailServers(config)
  if (servers.length === 0)
    return [await attempt('mail directory', wired.mailer, () => 'make mail.directory writable for the user that runs Alibi')]
  return Promise.all(
    servers.map((server) => {
      const second = server.key === 'mail.fallback.smtp'
      const mailer = second ? (wired.fallback?.mailer ?? wired.mailer) : wired.mailer
      const what = `${second ? 'second mail server' : 'mail server'} ${server.smtp.host}`
      return attempt(what, mailer, (cause) => mailAdvice(cause, server, config))
    }),
  )
}

/** Can the database be written, synced, and is there room? */
async function tryDisk(config: Config): Promise<readonly Finding[]> {
  const directory = dirname(config.storage.path)
  const what = `disk at ${directory}`
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await access(directory, constants.W_OK)
    if (placeOf(config.storage.path).kind === 'file') await access(config.storage.path, constants.R_OK | constants.W_OK)
    const trial = draftName(join(directory, '.alibi-check'))
    const began = performance.now()
    const file = await open(trial, 'wx', 0o600)
    try {
      await file.write('alibi')
      await file.sync()
    } finally {
      await file.close()
      await rm(trial, { force: true })
    }
    const ms = performance.now() - began
    const { bavail, bsize } = statfsSync(directory)
    const free = bavail * bsize
    const detail = `written and synced in ${ms.toFixed(1)} ms, ${Math.round(free / 1024 / 1024)} MiB free`
    if (free < LOW_DISK_BYTES)
      return [{ what, ok: false, detail, fix: 'make room: Alibi cannot remember what it owes on a full disk' }]
    return [{ what, ok: true, detail, fix: null }]
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return [{ what, ok: false, detail: why, fix: 'make storage.path and its directory writable for the user that runs Alibi' }]
  }
}

import { resolve as resolvePath } from 'node:path'
import type * as z from 'zod'
import { ACCOUNT_REGION, type Recipient, type Relevance } from '../domain/policy.ts'
import type { AccountCall, Monitor } from '../domain/probe.ts'
import { plainCode } from '../domain/service-facts.ts'
import { accountNamesOf, accountNameWarnings } from './account-names.ts'
import type { Authority } from './authority.ts'
import type { Config, Discovery, Smtp } from './config.ts'
import { clientsNamed, crossCheck, profilesNamed } from './cross-checks.ts'
import { CONTROL_URL, type Endpoints, endpointsOf, sharedEndpoints, variableName } from './endpoints.ts'
import { type Fault, withoutSecrets } from './fault.ts'
import { withFound } from './found.ts'
import { RELATED_TO_ACCOUNT } from './health-schema.ts'
import { identityWarnings } from './identity.ts'
import { keyHomes } from './key-homes.ts'
import type { LoadContext } from './load-context.ts'
import type { SmtpSchema } from './mail-schema.ts'
import { asciiDomainOf } from './mailbox.ts'
import { MAX_ACCOUNTS } from './monitor-schema.ts'
import { credentialsOf, defaultRegion, MAX_PROBES, monitorOf } from './monitors.ts'
import { networkOf } from './network.ts'
import type { ParsedCall } from './operation.ts'
import { regionOfQueue } from './queue-url.ts'
import { ConfigSchema, type ParsedConfig } from './schema.ts'
import { schemaFaults } from './schema-faults.ts'
import { NO_SHARED_FILES } from './shared-files.ts'
import type { AddFault, Tree } from './tree.ts'
import { warningsOf } from './warnings.ts'

export type Composed = Readonly<{ ok: true; config: Config }> | Readonly<{ ok: false; faults: readonly Fault[] }>

/** The configuration from the plain values of the file, or everything that is wrong with it at once. */
export function compose(tree: Tree, context: LoadContext): Composed {
  const faults: Fault[] = []
  const parsed = ConfigSchema.safeParse(tree.root)
  if (!parsed.success) faults.push(...schemaFaults(parsed.error.issues, tree, keyHomes(context.beneath ?? null)))
  const addFault: AddFault = (path, message, at = 'value') => {
    faults.push(tree.fault(path, at === 'key' ? message : withFound(message, path, tree), at))
  }
  const others = clientsNamed(tree).map(variableName)
  const shared = sharedEndpoints(context.sharedFiles ?? NO_SHARED_FILES, context.env, others)
  const endpoints = endpointsOf(context.env, shared, others)
  crossCheck(tree, context, endpoints, addFault)
  if (!parsed.success || faults.length > 0) return { ok: false, faults }
  const config = configOf(parsed.data, context, endpoints)
  const warnings = [...accountNameWarnings(parsed.data.accounts.names, config), ...allWarnings(config, tree, context)]
  return { ok: true, config: { ...config, warnings } }
}

function allWarnings(config: Config, tree: Tree, { env, now, exposed, sharedFiles, secrets }: LoadContext): readonly string[] {
  const warnings = [
    ...warningsOf(config, tree, env, now),
    ...(exposed ?? []),
    ...(sharedFiles === undefined ? [] : identityWarnings(profilesNamed(tree), env, sharedFiles)),
  ]
  return [...new Set(warnings)].map((warning) => withoutSecrets(warning, secrets))
}

const DEFAULT_DATABASE = 'data/alibi.db'

/** The configuration, still without its warnings. */
function configOf(parsed: ParsedConfig, context: LoadContext, endpoints: Endpoints): Config {
  const { env, cwd, file, secrets, sharedFiles = NO_SHARED_FILES, bundle = null } = context
  const { storage, machine, web, heartbeat, digest } = parsed
  const names = Object.keys(parsed.recipients)
  const alerted = names.filter((name) => parsed.recipients[name]?.only === undefined)
  const monitors = parsed.monitors.map((monitor) => {
    const region = monitor.region ?? monitor.regions?.[0] ?? defaultRegion(env, monitor.credentials?.profile ?? null, sharedFiles)
    return monitorOf(monitor, region, alerted)
  })
  // An endpoint that is set for all services is the same for Account: it is no third party.
  const sts = endpoints.of.STS?.service === 'STS' ? endpoints.of.STS.value : null
  return {
    file,
    monitors,
    discoveries: discoveriesOf(parsed, monitors),
    ...accountNamesOf(parsed.accounts.names, monitors),
    policy: policyOf(parsed.policy),
    health: healthOf(parsed.health, monitors[0]?.region),
    control: { url: parsed.control.url ?? sts ?? CONTROL_URL[monitors[0]?.partition ?? 'aws'] },
    recipients: Object.entries(parsed.recipients).map(recipientOf),
    mail: mailOf(parsed.mail, context),
    storage: {
      path: resolvePath(cwd, storage.path ?? DEFAULT_DATABASE),
      postgres: storage.postgres ?? null,
      keep: { runsMs: storage.keep.runs, hoursMs: storage.keep.hours },
    },
    machine: { name: machine.name ?? null },
    log: logOf(parsed.log, cwd, monitors[0]?.region, endpoints),
    web: web === false ? null : webOf(web),
    heartbeat: heartbeat === undefined ? null : { url: heartbeat.url, everyMs: heartbeat.every },
    digest:
      digest === undefined
        ? null
        : {
            schedule: digest.schedule,
            timezone: monitors[0]?.timezone ?? 'Etc/UTC',
            to: digest.to === undefined ? names : names.filter((name) => digest.to?.includes(name)),
          },
    endpoints,
    network: networkOf(env, sharedFiles, bundle),
    warnings: [],
    secrets,
  }
}

function recipientOf([name, parsed]: readonly [string, ParsedConfig['recipients'][string]]): Recipient {
  const { to, after, only, kinds, subject } = parsed
  const selfAlerts = only === 'digest' ? false : parsed.selfAlerts
  return {
    ...{ name, to, afterMs: after ?? null },
    ...(selfAlerts === undefined ? {} : { selfAlerts }),
    ...(kinds === undefined ? {} : { kinds }),
    ...(subject === undefined ? {} : { subject }),
  }
}

/** The host of its address is one by which the page may be asked for. */
function webOf({ listen, hosts, token, url }: Exclude<ParsedConfig['web'], false>): Config['web'] {
  const named = url === undefined ? null : new URL(url).hostname
  return {
    ...listen,
    hosts: named === null || hosts.includes(named) ? hosts : [...hosts, named],
    token: token ?? null,
    url: url ?? null,
  }
}

function policyOf(policy: ParsedConfig['policy']): Config['policy'] {
  return {
    waitMs: policy.wait,
    extensionMs: policy.extension,
    holdAtMostMs: policy.holdAtMost,
    lookbackMs: policy.lookback,
    staleAfterMs: policy.staleAfter,
    remindEveryMs: policy.remindEvery,
    joinWithinMs: policy.joinWithin,
    reopenWithinMs: policy.reopenWithin,
    blindAfterMs: policy.blindAfter,
  }
}

function healthOf(health: ParsedConfig['health'], region: string | undefined): Config['health'] {
  const { api, dashboard, credentials, queue, related, ignore, codes } = health
  return {
    api,
    dashboard: typeof dashboard === 'boolean' ? dashboard : dashboard.url,
    credentials: credentials === undefined ? null : credentialsOf(credentials),
    queue:
      queue === undefined
        ? null
        : {
            url: queue.url,
            region: queue.region ?? regionOfQueue(queue.url) ?? region ?? ACCOUNT_REGION.aws,
            credentials: queue.credentials === undefined ? null : credentialsOf(queue.credentials),
            retentionMs: queue.retention,
          },
    relevance: { ...relatedOf(related), ignore, codes },
    cacheForMs: health.cacheFor,
    idleEveryMs: health.idleEvery,
    timeoutMs: health.timeout,
  }
}

function isOfAccount(call: ParsedCall): call is AccountCall {
  return !('input' in call)
}

/** A list is about Account; a mapping about the services that it names. */
function relatedOf(related: ParsedConfig['health']['related']): Pick<Relevance, 'related' | 'relatedTo'> {
  if (Array.isArray(related)) return { related }
  const { ACCOUNT = RELATED_TO_ACCOUNT, ...others } = related
  return {
    related: ACCOUNT,
    relatedTo: Object.fromEntries(Object.entries(others).map(([code, list]) => [plainCode(code), list])),
  }
}

/** Probes that are not in the file yet are shared out so that every account that is found costs the same. */
function discoveriesOf(parsed: ParsedConfig, monitors: readonly Monitor[]): readonly Discovery[] {
  const found = parsed.monitors.flatMap(({ name, accounts, operations }) =>
    Array.isArray(accounts)
      ? []
      : [{ monitor: name, organization: accounts.organization, calls: operations.filter(isOfAccount) }],
  )
  const left = MAX_PROBES - monitors.reduce((sum, { probes }) => sum + probes.length, 0)
  const each = found.reduce((sum, { calls }) => sum + calls.length, 0)
  return found.map(({ monitor, organization: { ous, exclude, every }, calls }) => ({
    monitor,
    ous: ous ?? null,
    exclude,
    everyMs: every,
    calls,
    atMost: Math.min(MAX_ACCOUNTS, Math.floor(left / Math.max(1, each))),
    ...(parsed.accounts.names === true ? { named: true } : {}),
  }))
}

function mailOf(mail: ParsedConfig['mail'], context: LoadContext): Config['mail'] {
  const { from, smtp, fallback, directory, subject, maxPerHour } = mail
  return {
    from,
    domain: asciiDomainOf(from) ?? 'localhost',
    smtp: smtp === undefined ? null : smtpOf(smtp, context),
    fallback: fallback === undefined ? null : { afterMs: fallback.after, smtp: smtpOf(fallback.smtp, context) },
    directory: resolvePath(context.cwd, directory),
    subject,
    maxPerHour,
  }
}

const DEFAULT_PORT = { starttls: 587, tls: 465, none: 25 } as const

function smtpOf(smtp: z.output<typeof SmtpSchema>, { authorities }: LoadContext): Smtp {
  const { host, security, port = DEFAULT_PORT[security], user = null, password = null, name = null } = smtp
  const file = smtp.ca === undefined ? undefined : authorities?.get(smtp.ca)
  const ca: Authority | null = smtp.ca !== undefined && file?.ok === true ? { path: smtp.ca, pem: file.text } : null
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port, security, user, password, name, ca }
}

function logOf(log: ParsedConfig['log'], cwd: string, region: string | undefined, endpoints: Endpoints): Config['log'] {
  const { level, format = null, file, cloudwatch } = log
  return {
    level,
    format,
    file: file === undefined ? null : { path: resolvePath(cwd, file.path), maxSizeBytes: file.maxSize, keep: file.keep },
    cloudwatch:
      cloudwatch === undefined
        ? null
        : {
            group: cloudwatch.group,
            stream: cloudwatch.stream ?? null,
            region: cloudwatch.region ?? region ?? ACCOUNT_REGION.aws,
            endpoint: endpoints.of.CLOUDWATCH_LOGS?.value ?? null,
          },
  }
}

import { resolve as resolvePath } from 'node:path'
import type * as z from 'zod'
import { toldOfUs } from '../domain/audience.ts'
import { ACCOUNT_REGION } from '../domain/policy.ts'
import type { Monitor } from '../domain/probe.ts'
import { type Authority, faultOfAuthority, invalidNow } from './authority.ts'
import type { Config, Discovery, Smtp } from './config.ts'
import {
  CONTROL_URL,
  type Endpoints,
  type Env,
  endpointsOf,
  isLoopback,
  isSafeUrl,
  sharedEndpoints,
  shownUrl,
} from './endpoints.ts'
import { type Fault, withoutSecrets } from './fault.ts'
import { withFound } from './found.ts'
import { HealthSchema } from './health-schema.ts'
import { checkIdentities, identityWarnings, type Named } from './identity.ts'
import { keyHomes } from './key-homes.ts'
import type { SmtpSchema } from './mail-schema.ts'
import { asciiDomainOf } from './mailbox.ts'
import { MAX_ACCOUNTS, MAX_RECIPIENTS, MonitorSchema } from './monitor-schema.ts'
import {
  checkCredentials,
  checkMonitor,
  checkRecipients,
  credentialsOf,
  defaultRegion,
  listedAccounts,
  MAX_PROBES,
  monitorOf,
  monitorWarnings,
  type Readable,
  type Tell,
} from './monitors.ts'
import { checkNetwork, networkOf, type ReadBundle } from './network.ts'
import { quotas, quotaWarnings } from './quotas.ts'
import type { SecretFile } from './reference.ts'
import { repeatsIn } from './repeats.ts'
import { ConfigSchema, MAX_MONITORS, type ParsedConfig, RecipientName } from './schema.ts'
import { schemaFaults } from './schema-faults.ts'
import { isSecretPlace, mayComeFromFile } from './secret.ts'
import { NO_SHARED_FILES, type SharedFiles } from './shared-files.ts'
import { isMapping, type Path, type Tree, valueAt } from './tree.ts'
import { checkVariants } from './variants.ts'
import { listenOf } from './web-schema.ts'

export type Surroundings = Readonly<{
  /** Absolute path of the file. */
  file: string
  env: Env
  /** What relative paths are relative to. */
  cwd: string
  /** For the question whether a time zone is about to change its clocks. */
  now: number
  /** Sentences about files that everybody on this machine may read or change; left out: none. */
  exposed?: readonly string[]
  /** Values never to be shown, at least four characters each. */
  secrets: readonly string[]
  /** The files of `mail.smtp.ca` by their paths as written; left out: none is read, for nobody will send. */
  authorities?: ReadonlyMap<string, SecretFile>
  /** What stands in the SDK's shared files; left out: nothing. */
  sharedFiles?: SharedFiles
  /** The certificates that the SDK's variable or shared files name; left out: none. */
  bundle?: ReadBundle
  /** The key of another file beneath which all of the configuration stands; left out: it is a file of its own. */
  beneath?: string
}>

export type Composed = Readonly<{ ok: true; config: Config }> | Readonly<{ ok: false; faults: readonly Fault[] }>

/** From the plain values of the file to the configuration, or everything that is wrong with it at once. */
export function compose(tree: Tree, around: Surroundings): Composed {
  const faults: Fault[] = []
  const parsed = ConfigSchema.safeParse(tree.root)
  if (!parsed.success) faults.push(...schemaFaults(parsed.error.issues, tree, keyHomes(around.beneath ?? null)))
  const tell: Tell = (path, message, at = 'value') => {
    faults.push(tree.fault(path, at === 'key' ? message : withFound(message, path, tree), at))
  }
  const endpoints = endpointsOf(around.env, sharedEndpoints(around.sharedFiles ?? NO_SHARED_FILES, around.env))
  if (around.sharedFiles?.unfit != null) tell([], around.sharedFiles.unfit)
  checkFiles(tree, tell)
  checkAll(tree, around, endpoints, tell)
  checkMail(tree, around.authorities, tell)
  checkNetwork(around.env, around.bundle ?? null, process.versions.node, tell)
  checkVariants(around.env, around.sharedFiles ?? NO_SHARED_FILES, tell)
  if (!parsed.success || faults.length > 0) return { ok: false, faults }
  return { ok: true, config: configOf(parsed.data, tree, around, endpoints) }
}

function checkFiles(tree: Tree, tell: Tell): void {
  for (const { path, from } of tree.drawn) {
    if (from === 'file' && !mayComeFromFile(path))
      tell(path, 'a value from a file is a secret, and this key is shown: write the value here, or take it from a variable')
  }
}

/**
 * What lies between the keys. It is looked at key by key, so that a fault in one does not hide those of another: whatever
 * could be read is checked, and what could not is left out.
 */
function checkAll(tree: Tree, { env, sharedFiles = NO_SHARED_FILES }: Surroundings, endpoints: Endpoints, tell: Tell): void {
  const given = (path: Path) => tree.entryAt(path) !== undefined
  const at = (path: Path) => valueAt(path, tree.root)
  const recipients = at(['recipients'])
  const names = isMapping(recipients) ? Object.keys(recipients) : null
  if (names?.length === 0) tell(['recipients'], 'expected at least one recipient', 'key')
  else if (names?.every((name) => at(['recipients', name, 'selfAlerts']) === false) === true)
    tell(
      ['recipients'],
      'expected at least one recipient without `selfAlerts: false`: nobody would hear that Alibi cannot do its work',
      'key',
    )
  if (names !== null && names.length > MAX_RECIPIENTS)
    tell(['recipients'], `expected at most ${MAX_RECIPIENTS} recipients`, 'key')
  for (const name of names?.slice(0, MAX_RECIPIENTS) ?? []) {
    const addresses = at(['recipients', name, 'to'])
    if (!Array.isArray(addresses)) continue
    for (const index of repeatsIn(addresses)) {
      if (typeof addresses[index] === 'string') tell(['recipients', name, 'to', index], 'this address stands in the list twice')
    }
  }

  const region = defaultRegion(env, null, NO_SHARED_FILES)
  if (!MonitorSchema.shape.region.safeParse(region).success) {
    const source = env['AWS_REGION'] ? 'AWS_REGION' : 'AWS_DEFAULT_REGION'
    tell([source], `the environment variable ${source} is no region such as \`us-east-1\``)
  }
  /** As `configOf` will find it; `null` where it is at fault, in the file or elsewhere, which is said there. */
  const regionOf = (monitor: Readable, isGiven: boolean): string | null => {
    const found = monitor.region ?? (isGiven ? null : defaultRegion(env, monitor.credentials?.profile ?? null, sharedFiles))
    return MonitorSchema.shape.region.safeParse(found).success ? found : null
  }
  const monitors = at(['monitors'])
  let probes = 0
  const seen = new Set<string>()
  const isTooMany = names !== null && names.length > MAX_RECIPIENTS
  const usable = isTooMany ? null : (names?.filter((name) => RecipientName.safeParse(name).success) ?? null)
  // That there are more than there may be the schema has said.
  for (const [index, raw] of (Array.isArray(monitors) ? monitors.slice(0, MAX_MONITORS) : []).entries()) {
    const path = ['monitors', index]
    if (!isMapping(raw)) continue
    const monitor: Readable = readable(MonitorSchema.shape, raw)
    checkMonitor(monitor, path, regionOf(monitor, given([...path, 'region'])), given, usable?.length === 0 ? null : usable, tell)
    if (monitor.name !== undefined && seen.has(monitor.name)) {
      tell(given([...path, 'name']) ? [...path, 'name'] : path, 'every monitor needs a name of its own')
    }
    seen.add(monitor.name ?? '')
    probes += listedAccounts(monitor.accounts ?? []).length * (monitor.operations?.length ?? 0)
  }
  if (probes > MAX_PROBES) tell(['monitors'], `these are ${probes} probes: expected at most ${MAX_PROBES}`, 'key')

  const digestTo = at(['digest', 'to'])
  if (Array.isArray(digestTo) && usable !== null && usable.length > 0) checkRecipients(digestTo, ['digest', 'to'], usable, tell)

  const health = at(['health', 'credentials'])
  const credentials = HealthSchema.shape.credentials.safeParse(health)
  if (credentials.success && credentials.data !== undefined)
    checkCredentials(credentials.data, ['health', 'credentials'], null, tell)
  checkIdentities(profilesNamed(tree), env, sharedFiles, tell)

  const listenText = at(['web', 'listen'])
  const listen = typeof listenText === 'string' ? listenOf(listenText) : null
  if (listen !== null && !isLoopback(listen.host) && at(['web', 'token']) === undefined) {
    tell(['web', 'listen'], 'expected a loopback address: any other needs `web.token` beside it')
  }
  for (const { name, value, from } of endpoints.set) {
    if (isSafeUrl(value)) continue
    const said = `${shownUrl(value)}: expected https, or http on this machine`
    if (from === 'environment') tell([name], `the environment variable ${name} is ${said}`)
    else tell([], `the AWS SDK's shared file says in its section ${name} = ${said}`, 'key')
  }
}

/** Where a mail server is described. */
export const MAIL_SERVERS: readonly Path[] = [
  ['mail', 'smtp'],
  ['mail', 'fallback', 'smtp'],
]

function checkMail(tree: Tree, authorities: Surroundings['authorities'], tell: Tell): void {
  const at = (path: Path) => valueAt(path, tree.root)
  for (const path of MAIL_SERVERS) {
    const smtp = at(path)
    if (!isMapping(smtp)) continue
    if ('user' in smtp !== 'password' in smtp)
      tell([...path, 'user' in smtp ? 'user' : 'password'], '`user` and `password` go together', 'key')
    const { security, host, ca } = smtp
    if ('password' in smtp && security === 'none' && typeof host === 'string' && !isLoopback(host.replace(/^\[(.*)\]$/, '$1')))
      tell([...path, 'security'], 'expected `starttls` or `tls`: a password never crosses the network in clear')
    const file = typeof ca === 'string' ? authorities?.get(ca) : undefined
    if (file !== undefined) {
      const why = file.ok ? faultOfAuthority(file.text) : file.why
      if (why !== null) tell([...path, 'ca'], `expected a file of certificates (PEM); the file ${why}`)
    }
    if (ca !== undefined && security === 'none')
      tell([...path, 'ca'], 'it goes with `security: starttls` or `tls`: without TLS no certificate is shown', 'key')
  }
  if (at(['mail', 'fallback']) !== undefined && at(['mail', 'smtp']) === undefined)
    tell(['mail', 'fallback'], 'it stands in for `mail.smtp`, which is not there', 'key')
}

/** Every place at which the configuration says, or leaves open, which profile is used. */
function profilesNamed({ root }: Tree): readonly Named[] {
  const monitors = valueAt(['monitors'], root)
  const places: Path[] = Array.isArray(monitors) ? monitors.map((_, index) => ['monitors', index]) : [['monitors', 0]]
  if (valueAt(['health', 'credentials'], root) !== undefined) places.push(['health'])
  return places.map((place) => {
    const path = [...place, 'credentials', 'profile']
    const profile = valueAt(path, root)
    return { path, profile: typeof profile === 'string' ? profile : null }
  })
}

/** Every key that can be read by itself; the others are left out. */
function readable<S extends Readonly<Record<string, z.core.$ZodType>>>(
  shape: S,
  raw: Record<string, unknown>,
): { [K in keyof S]?: z.output<S[K]> } {
  const out: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(shape)) {
    const read = (schema as z.ZodType).safeParse(raw[key])
    if (read.success) out[key] = read.data
  }
  return out as { [K in keyof S]?: z.output<S[K]> }
}

const DEFAULT_PORT = { starttls: 587, tls: 465, none: 25 } as const

function configOf(parsed: ParsedConfig, tree: Tree, around: Surroundings, endpoints: Endpoints): Config {
  const { env, cwd, now, file, secrets } = around
  const { policy, health, mail, storage, log, web } = parsed
  const names = Object.keys(parsed.recipients)
  const regionOf = (monitor: ParsedConfig['monitors'][number]) =>
    monitor.region ?? defaultRegion(env, monitor.credentials?.profile ?? null, around.sharedFiles ?? NO_SHARED_FILES)
  const monitors = parsed.monitors.map((monitor) => monitorOf(monitor, regionOf(monitor), names))
  const { dashboard } = health
  // What is said of every service is said of Account as well: no third party that could tell the one's trouble from ours.
  const sts = endpoints.of.STS
  const stsElsewhere = sts?.service === 'STS' ? sts.value : null
  const config: Config = {
    file,
    monitors,
    discoveries: discoveriesOf(parsed.monitors, monitors),
    policy: {
      waitMs: policy.wait,
      extensionMs: policy.extension,
      holdAtMostMs: policy.holdAtMost,
      lookbackMs: policy.lookback,
      staleAfterMs: policy.staleAfter,
      remindEveryMs: policy.remindEvery,
      joinWithinMs: policy.joinWithin,
      reopenWithinMs: policy.reopenWithin,
      blindAfterMs: policy.blindAfter,
    },
    health: {
      api: health.api,
      dashboard: typeof dashboard === 'boolean' ? dashboard : dashboard.url,
      credentials: health.credentials === undefined ? null : credentialsOf(health.credentials),
      relevance: { related: health.related, ignore: health.ignore, codes: health.codes },
      cacheForMs: health.cacheFor,
      idleEveryMs: health.idleEvery,
      timeoutMs: health.timeout,
    },
    control: {
      url: parsed.control.url ?? stsElsewhere ?? CONTROL_URL[monitors[0]?.partition ?? 'aws'],
    },
    recipients: Object.entries(parsed.recipients).map(([name, { to, after, selfAlerts }]) => ({
      ...{ name, to, afterMs: after ?? null },
      ...(selfAlerts === undefined ? {} : { selfAlerts }),
    })),
    mail: {
      from: mail.from,
      domain: asciiDomainOf(mail.from) ?? 'localhost',
      smtp: mail.smtp === undefined ? null : smtpOf(mail.smtp, around),
      fallback: mail.fallback === undefined ? null : { afterMs: mail.fallback.after, smtp: smtpOf(mail.fallback.smtp, around) },
      directory: resolvePath(cwd, mail.directory),
      subject: mail.subject,
      maxPerHour: mail.maxPerHour,
    },
    storage: { path: resolvePath(cwd, storage.path), keep: { runsMs: storage.keep.runs, hoursMs: storage.keep.hours } },
    log: {
      level: log.level,
      format: log.format ?? null,
      file:
        log.file === undefined
          ? null
          : { path: resolvePath(cwd, log.file.path), maxSizeBytes: log.file.maxSize, keep: log.file.keep },
      cloudwatch:
        log.cloudwatch === undefined
          ? null
          : {
              group: log.cloudwatch.group,
              stream: log.cloudwatch.stream ?? null,
              region: log.cloudwatch.region ?? monitors[0]?.region ?? ACCOUNT_REGION.aws,
              endpoint: endpoints.of.CLOUDWATCH_LOGS?.value ?? null,
            },
    },
    web: web === false ? null : { host: web.listen.host, port: web.listen.port, hosts: web.hosts, token: web.token ?? null },
    heartbeat: parsed.heartbeat === undefined ? null : { url: parsed.heartbeat.url, everyMs: parsed.heartbeat.every },
    digest:
      parsed.digest === undefined
        ? null
        : {
            schedule: parsed.digest.schedule,
            timezone: monitors[0]?.timezone ?? 'Etc/UTC',
            to: parsed.digest.to === undefined ? names : names.filter((name) => parsed.digest?.to?.includes(name)),
          },
    endpoints,
    network: networkOf(env, around.sharedFiles ?? NO_SHARED_FILES, around.bundle ?? null),
    warnings: [],
    secrets,
  }
  const warnings = [
    ...monitors.flatMap((monitor) => monitorWarnings(monitor)),
    ...warningsOf(config, tree, env),
    ...authorityWarnings(config, now),
    ...(around.exposed ?? []),
    ...(around.sharedFiles === undefined ? [] : identityWarnings(profilesNamed(tree), env, around.sharedFiles)),
  ]
  return { ...config, warnings: [...new Set(warnings)].map((warning) => withoutSecrets(warning, secrets)) }
}

/** The probes that may still be are shared out evenly by what one account more would cost. */
function discoveriesOf(parsed: ParsedConfig['monitors'], monitors: readonly Monitor[]): readonly Discovery[] {
  const found = parsed.flatMap(({ name, accounts, operations }) =>
    Array.isArray(accounts) ? [] : [{ monitor: name, organization: accounts.organization, calls: operations }],
  )
  const left = MAX_PROBES - monitors.reduce((sum, { probes }) => sum + probes.length, 0)
  const each = found.reduce((sum, { calls }) => sum + calls.length, 0)
  return found.map(({ monitor, organization: { ous, exclude, every }, calls }) => ({
    monitor,
    ous: ous ?? null,
    exclude,
    everyMs: every,
    calls,
    atMost: Math.min(MAX_ACCOUNTS, Math.floor(left / each)),
  }))
}

function smtpOf(smtp: z.output<typeof SmtpSchema>, { authorities }: Surroundings): Smtp {
  const { host, security, port = DEFAULT_PORT[security], user = null, password = null, name = null } = smtp
  const file = smtp.ca === undefined ? undefined : authorities?.get(smtp.ca)
  const ca: Authority | null = smtp.ca !== undefined && file?.ok === true ? { path: smtp.ca, pem: file.text } : null
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port, security, user, password, name, ca }
}

/** An authority that has expired is no fault of the file: it may be replaced while Alibi runs, and is read again on SIGHUP. */
function authorityWarnings({ mail }: Config, now: number): readonly string[] {
  const named = [['mail.smtp.ca', mail.smtp?.ca] as const, ['mail.fallback.smtp.ca', mail.fallback?.smtp.ca] as const]
  return named.flatMap(([key, ca]) => (ca == null ? [] : invalidNow(ca.pem, now).map((why) => `${key}: in ${ca.path} ${why}`)))
}

/** What the SDK takes as keys: whoever has these acts as us. */
export const AWS_KEYS = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']

function inPm2(variables: readonly string[], instead: string): string {
  return `${variables.join(', ')}: under pm2 a secret does not belong into the environment: \`pm2 save\` writes it in clear to a file that everybody may read; ${instead}`
}

function warningsOf(config: Config, tree: Tree, env: Env): readonly string[] {
  const warnings: string[] = []
  const { policy, health, mail, recipients } = config
  for (const monitor of config.monitors) {
    if (hasOnlyEscalation(monitor, config)) {
      warnings.push(`monitor ${monitor.name}: every recipient that it notifies has \`after\`: nobody is told at once`)
    }
  }
  warnings.push(...onlySelfAlerts(config))
  if (policy.waitMs > 0) {
    warnings.push(
      'policy.wait: every mail about an unexplained failure is held back by it, real trouble too; AWS posts half of its events later than 90m',
    )
  }
  if (policy.holdAtMostMs === 0)
    warnings.push('policy.holdAtMost is 0s: a failure that AWS explains stays silent for as long as its event is open')
  if (policy.remindEveryMs === 0) warnings.push('policy.remindEvery is 0s: an incident is told once, without reminders')
  if (!health.api && health.dashboard === false) {
    warnings.push(
      'health.api and health.dashboard are both off: no failure can be explained, and every one is mailed as undetermined',
    )
  }
  if (mail.smtp === null)
    warnings.push(`mail.smtp is not set: mails are written to ${mail.directory}, and reach nobody by themselves`)
  if (config.web !== null && !isLoopback(config.web.host))
    warnings.push(
      `web.listen is ${config.web.host}: the page and \`web.token\` cross the network in clear unless a proxy with TLS stands before it`,
    )
  warnings.push(...sharedRegions(config, env))
  const addresses = recipients.flatMap(({ to }) => to)
  if (addresses.some((address) => /@example\.(?:com|org|net)$/i.test(address)) && mail.smtp !== null) {
    warnings.push('a recipient is at example.com, .org or .net: no such mail arrives')
  }
  const isUnderPm2 = env['pm_id'] !== undefined || env['PM2_HOME'] !== undefined
  const variables = [
    ...new Set(tree.drawn.filter(({ from, path }) => from === 'env' && isSecretPlace(path)).map(({ name }) => name)),
  ]
  if (isUnderPm2 && variables.length > 0) warnings.push(inPm2(variables, `use \${file:/run/secrets/…}`))
  const keys = AWS_KEYS.filter((name) => (env[name] ?? '') !== '')
  if (isUnderPm2 && keys.length > 0) warnings.push(inPm2(keys, 'use a profile (`credentials: { profile: … }`)'))
  warnings.push(...quotaWarnings(quotas(config)))
  return warnings
}

/** Who hears of nothing but what belongs to no monitor may not have meant to. */
function onlySelfAlerts({ monitors, recipients }: Config): readonly string[] {
  return toldOfUs(recipients)
    .filter(({ name, selfAlerts }) => selfAlerts === undefined && !monitors.some(({ notify }) => notify.includes(name)))
    .map(
      ({ name }) =>
        `recipient ${name}: no monitor notifies it, and it still gets what belongs to no monitor, such as a faulty configuration: set its selfAlerts to true if that is meant, else to false`,
    )
}

/** What would fail together with the endpoint that is watched: mail by SES in us-east-1 is the commonest. */
function sharedRegions(config: Config, env: Env): readonly string[] {
  const watched = [...new Set(config.monitors.map((monitor) => ACCOUNT_REGION[monitor.partition]))]
  const runsOnAws = env['AWS_EXECUTION_ENV'] !== undefined || env['ECS_CONTAINER_METADATA_URI_V4'] !== undefined
  const places: readonly (readonly [string, string | null])[] = [
    ['mail.smtp.host', config.mail.smtp?.host ?? null],
    ['mail.fallback.smtp.host', config.mail.fallback?.smtp.host ?? null],
    ['control.url', new URL(config.control.url).hostname],
    ['this host', runsOnAws ? (env['AWS_REGION'] ?? null) : null],
  ]
  return places.flatMap(([what, where]) => {
    const region = where === null ? undefined : watched.find((one) => where.split('.').includes(one))
    if (region === undefined) return []
    const why =
      what === 'control.url'
        ? 'an outage of that region would look like trouble of this host'
        : 'an outage of that region would take the mails along'
    return [`${what} stands in ${region}, as the endpoint that is watched does: ${why}`]
  })
}

function hasOnlyEscalation(monitor: Monitor, config: Config): boolean {
  return monitor.notify.every((name) => config.recipients.find((recipient) => recipient.name === name)?.afterMs !== null)
}

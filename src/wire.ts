import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import { accountProber } from './adapters/aws/account.ts'
import { HEALTH_HOMES } from './adapters/aws/active-region.ts'
import { CONTROL_TIMEOUT_MS } from './adapters/aws/control.ts'
import { keyring as openKeyring } from './adapters/aws/credentials.ts'
import { dashboard, dashboardUrl } from './adapters/aws/dashboard.ts'
import { endpointOverride, stsRegionOf } from './adapters/aws/endpoint.ts'
import { healthApi } from './adapters/aws/health-api.ts'
import { type Identities, type User, identities as watchIdentities } from './adapters/aws/identities.ts'
import type { OrganizationStatus } from './adapters/aws/organization-view.ts'
import { type Sqs, sqsQueue } from './adapters/aws/sqs.ts'
import { systemClock } from './adapters/clock.ts'
import { ehloName } from './adapters/ehlo-name.ts'
import { httpHeartbeat } from './adapters/heartbeat.ts'
import { fileMailer } from './adapters/maildir.ts'
import { Outlet } from './adapters/outlet.ts'
import { smtpMailer } from './adapters/smtp.ts'
import { waysBack } from './cli/ways-back.ts'
import { type Config, type Smtp, subjectStyle } from './config/config.ts'
import { type Env, endpointOverrides, type Service, variableName, withEndpoints } from './config/endpoints.ts'
import { networkShown } from './config/network.ts'
import { queueOverride } from './config/queue-url.ts'
import { type Asked, variantsShown } from './config/variants.ts'
import type { Sources } from './daemon/health-reader.ts'
import type { QueueSetting } from './daemon/queue-reader.ts'
import { serviceNamed } from './domain/catalogue.ts'
import { codesToAsk } from './domain/judge.ts'
import type { Caller, Facts, Notification } from './domain/notification.ts'
import { ACCOUNT_REGION, partitionOf } from './domain/policy.ts'
import { type Credentials, credentialsKey, isServiceCall, type Monitor, type Partition, type Probe } from './domain/probe.ts'
import type { Interest } from './domain/queue-record.ts'
import { regionOf } from './domain/setup.ts'
import type { Delivery } from './email/delivery.ts'
import { renderEmail } from './email/render.ts'
import type { Heartbeat } from './ports/heartbeat.ts'
import type { Mail, Mailer } from './ports/mailer.ts'
import type { Organization } from './ports/organization.ts'
import type { Prober } from './ports/prober.ts'
import type { Clock } from './ports/time.ts'

/** The partition's DNS suffix, for the address that a mail names (client-account's endpoint rules). */
const SUFFIX: Readonly<Record<Partition, string>> = {
  aws: 'amazonaws.com',
  'aws-cn': 'amazonaws.com.cn',
  'aws-us-gov': 'amazonaws.com',
  'aws-eusc': 'amazonaws.eu',
}

/** Everything that reaches outside, chosen by the configuration; closed by disposing of it. */
export type Wired = AsyncDisposable &
  Readonly<{
    clock: Clock
    prober: Prober
    /** Loads the SDK's clients of other services. Whoever is to be ready soon calls it once he is. */
    loadClients: () => Promise<void>
    sources: ReadonlyMap<Partition, Sources>
    /** The health queue; `null` where none is configured, or nothing is monitored in its partition. */
    queue: (QueueSetting & Readonly<{ queue: Sqs }>) | null
    mailer: Mailer
    fallback: Readonly<{ mailer: Mailer; afterMs: number }> | null
    identities: Identities
    keyring: ReturnType<typeof openKeyring>
    /** The environment as the SDK's clients are to read it. */
    env: Env
    overrides: readonly string[]
    /** What proxies, certificates and variants of endpoints do to the way out, in sentences. */
    network: readonly string[]
    owners: (probe: Probe, monitor: Monitor) => readonly string[]
    sender: (monitor: Monitor | null) => Facts['sentBy']
    letter: (notification: Notification, delivery: Delivery) => Mail
    random01: () => number
    newId: () => string
    heartbeat: Heartbeat | null
    /** Asks whether AWS Health's organization view is enabled, where member accounts are probed. */
    organization: ReadonlyMap<Partition, (signal: AbortSignal) => Promise<OrganizationStatus>>
  }>

/** What a machine that shares its database goes by. */
export type Shared = Readonly<{
  /** Dates what is stored; the machine's own, if left out. */
  clock?: Clock
  /** Whether this machine may still make a call of a probe; left out: always. */
  mayCall?: () => boolean
}>

export function wire(config: Config, given: Env, version: string, { clock = systemClock, mayCall }: Shared = {}): Wired {
  const env = withEndpoints(given, config.endpoints, config.network.variants)
  const held = new AsyncDisposableStack()
  const outlet = outletOf(config)
  held.defer(() => outlet.close())
  const keyring = openKeyring({ clock, env, outlet })
  held.defer(() => keyring.close())
  const { monitors } = config
  const prober = accountProber({
    monitors,
    control: { url: config.control.url, timeoutMs: CONTROL_TIMEOUT_MS },
    clock,
    random01: Math.random,
    env,
    version,
    keyring,
    outlet,
    ...(mayCall && { mayCall }),
  })
  held.defer(() => prober.close())
  const asking = new Map(
    [...new Set(monitors.map((m) => m.partition))].map((partition) => [partition, askerOf(config, partition)]),
  )
  const identities = watchIdentities({ users: [...monitors, ...asking.values()], keyring, clock, env })

  const { sources, organization } = healthSources(config, { asking, keyring, outlet, env, identities, held })
  const queue = queueOf(config, { asking, keyring, outlet })
  held.defer(() => queue?.queue.close())
  const mailer = mailerOf(config)
  held.defer(() => mailer.close())
  const second = config.mail.fallback
  const fallback = second === null ? null : { mailer: smtpMailerOf(config, second.smtp), afterMs: second.afterMs }
  held.defer(async () => fallback?.mailer.close())
  const sdk = sdkVersion()
  return {
    clock,
    prober,
    loadClients: () => prober.loadClients(),
    sources,
    queue,
    mailer,
    fallback,
    identities,
    keyring,
    env,
    overrides: [...endpointOverrides(config), ...queueOverride(config)],
    network: [
      ...networkShown(config.network),
      ...variantsShown(config.network.variants, askedBy(config)),
      ...queueVariant(config),
    ],
    owners: (probe, monitor) => (probe.account === 'self' ? identities.owners(monitor.credentials) : [probe.account]),
    sender: (monitor) => {
      const partition = monitor?.partition ?? 'aws'
      const signingRegion = ACCOUNT_REGION[partition]
      const endpoint = endpointOverride(env, 'ACCOUNT') ?? `https://account.${signingRegion}.${SUFFIX[partition]}`
      const caller = monitor === null ? null : (identities.of(monitor.credentials)?.arn ?? null)
      const asked = callersOf(monitor === null ? monitors : [monitor], identities)
      return { version, host: hostname(), sdk, endpoint, signingRegion, caller, callers: asked }
    },
    letter: (notification, delivery) => {
      const style = subjectStyle(config, notification.recipient)
      return renderEmail(notification, { ...delivery, ...waysBack(notification, config, env) }, style)
    },
    random01: Math.random,
    newId: () => randomBytes(8).toString('hex'),
    heartbeat:
      config.heartbeat === null ? null : httpHeartbeat({ url: config.heartbeat.url, secrets: config.secrets, ask: outlet.ask }),
    organization,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

type Asking = Readonly<{ asking: ReadonlyMap<Partition, User>; keyring: ReturnType<typeof openKeyring>; outlet: Outlet }>

type HealthParts = Asking & Readonly<{ env: Env; identities: Identities; held: AsyncDisposableStack }>

/** The sources of AWS Health of each partition, and who can say whether its organization view is enabled. */
function healthSources(
  config: Config,
  { asking, keyring, outlet, env, identities, held }: HealthParts,
): Pick<Wired, 'sources' | 'organization'> {
  const { monitors } = config
  const sources = new Map<Partition, Sources>()
  const organization = new Map<Partition, (signal: AbortSignal) => Promise<OrganizationStatus>>()
  for (const [partition, asker] of asking) {
    const holder = { credentials: asker.credentials, stsRegion: stsRegionOf(asker) }
    const members = monitors.some((one) => one.partition === partition && one.probes.some(({ account }) => account !== 'self'))
    const api = config.health.api
      ? healthApi({
          partition,
          credentials: () => keyring.get(holder, config.health.timeoutMs, new AbortController().signal),
          drop: (identity) => keyring.drop(holder, identity),
          env,
          timeoutMs: config.health.timeoutMs,
          ...interestOf(config, partition),
          owners: () => identities.owners(asker.credentials),
          members,
          cacheForMs: config.health.cacheForMs,
          handler: keyring.handler,
        })
      : null
    if (api !== null) held.defer(() => api.close())
    if (api !== null && members) organization.set(partition, (signal) => api.organizationStatus(signal))
    const url =
      typeof config.health.dashboard === 'string'
        ? config.health.dashboard
        : config.health.dashboard
          ? dashboardUrl(partition)
          : null
    sources.set(partition, {
      api,
      dashboard: url === null ? null : dashboard({ url, timeoutMs: config.health.timeoutMs, ask: outlet.ask }),
    })
  }
  return { sources, organization }
}

function queueOf(config: Config, { asking, keyring, outlet }: Asking): Wired['queue'] {
  const { queue, timeoutMs } = config.health
  const partition = queue === null ? null : partitionOf(queue.region)
  const asker = partition === null ? undefined : asking.get(partition)
  if (queue === null || partition === null || asker === undefined) return null
  const { url, region, retentionMs } = queue
  const holder = { credentials: queue.credentials ?? asker.credentials, stsRegion: stsRegionOf({ partition, region }) }
  return {
    queue: sqsQueue({ url, region, partition, holder, keyring, clock: systemClock, timeoutMs, outlet }),
    url,
    partition,
    interest: interestOf(config, partition),
    retentionMs,
  }
}

/** The queue's host stands in its URL: no setting of the environment changes it. */
function queueVariant({ health: { queue }, network: { variants } }: Config): readonly string[] {
  if (queue === null || variants.fips === null || /\bsqs-fips\b/.test(new URL(queue.url).hostname)) return []
  return [
    `${variants.fips}: does not concern the health queue, which is asked at the host in health.queue.url (sqs-fips.${queue.region}.amazonaws.com is the FIPS endpoint)`,
  ]
}

/** Services and regions whose events can explain a failure in this partition. */
function interestOf({ monitors, health }: Config, partition: Partition): Interest {
  const inPartition = monitors.filter((monitor) => monitor.partition === partition)
  return { services: codesToAsk(inPartition, health.relevance), regions: [...regionsOf(inPartition), 'global'] }
}

/** The way out that the environment describes, for everything but mail. */
export function outletOf({ network: { proxies, bundle } }: Config): Outlet {
  return new Outlet({ proxies, authorities: bundle === null ? [] : [bundle.pem] })
}

/** Lists the organizations of the monitors that find their accounts; it outlives the sessions that their lists begin. */
export function organizationOf(config: Config, given: Env): Organization & Disposable {
  const env = withEndpoints(given, config.endpoints, config.network.variants)
  const keyring = openKeyring({ clock: systemClock, env, outlet: outletOf(config) })
  return {
    async list(name, signal) {
      const monitor = config.monitors.find((one) => one.name === name)
      const discovery = config.discoveries.find((one) => one.monitor === name)
      if (monitor === undefined || discovery === undefined) return { ok: false, why: 'its accounts are not found by listing' }
      // Most have no need of this client: it is not loaded before it is used.
      const { listOrganization } = await import('./adapters/aws/organizations.ts')
      const { partition, region, credentials } = monitor
      const { ous, named = false } = discovery
      return listOrganization({ partition, region, credentials, ous, named, keyring, clock: systemClock, env }, signal)
    },
    [Symbol.dispose]: () => keyring.close(),
  }
}

function mailerOf(config: Config): Mailer {
  const { smtp, from, directory } = config.mail
  return smtp === null ? fileMailer({ directory, from }) : smtpMailerOf(config, smtp)
}

function smtpMailerOf(config: Config, smtp: Smtp): Mailer {
  return smtpMailer({ smtp, from: config.mail.from, name: nameFor(config, smtp), secrets: config.secrets })
}

/** The name that Alibi introduces itself with to this server. */
export function nameFor({ mail }: Config, smtp: Smtp): string {
  return ehloName(smtp.name, hostname(), mail.domain)
}

/** Who asks AWS Health for a partition: the configured credentials, else those of its first monitor. */
function askerOf(config: Config, partition: Partition): User {
  const first = config.monitors.find((monitor) => monitor.partition === partition)
  const region = first?.region ?? ACCOUNT_REGION[partition]
  const credentials = config.health.credentials ?? first?.credentials ?? NO_CREDENTIALS
  return { name: `AWS Health (${partition})`, credentials, partition, region }
}

/** The endpoints of AWS's own that this configuration asks. */
function askedBy(config: Config): readonly Asked[] {
  const { monitors, health, log, discoveries } = config
  const partitions = [...new Set(monitors.map(({ partition }) => partition))]
  const users = [...monitors, ...partitions.map((partition) => askerOf(config, partition))]
  const homes = partitions.map((partition) => ACCOUNT_REGION[partition])
  const each = (service: Service, name: string, regions: readonly string[]) =>
    [...new Set(regions)].map((region): Asked => ({ service, name, region }))
  const listed = monitors.filter(({ name }) => discoveries.some(({ monitor }) => monitor === name))
  const all = [
    ...each('ACCOUNT', 'Account', homes),
    ...each('STS', 'STS', users.map(stsRegionOf)),
    ...(health.api
      ? each(
          'HEALTH',
          'AWS Health',
          partitions.flatMap((partition) => HEALTH_HOMES[partition].regions),
        )
      : []),
    ...each(
      'ORGANIZATIONS',
      'Organizations',
      listed.map(({ partition }) => ACCOUNT_REGION[partition]),
    ),
    ...(log.cloudwatch === null ? [] : each('CLOUDWATCH_LOGS', 'CloudWatch Logs', [log.cloudwatch.region])),
    ...otherServices(monitors),
  ]
  const isFirst = ({ service, region }: Asked, index: number) =>
    all.findIndex((one) => one.service === service && one.region === region) === index
  return all.filter((one, index) => config.endpoints.of[one.service] === undefined && isFirst(one, index))
}

/** The other services that monitors name, in each of their regions. */
function otherServices(monitors: readonly Monitor[]): readonly Asked[] {
  const calls = monitors.flatMap(({ probes }) => probes.map(({ call }) => call)).filter(isServiceCall)
  return calls.flatMap(({ operation, region }): readonly Asked[] => {
    const service = serviceNamed(operation.split(':')[0] ?? '')
    return service === null ? [] : [{ service: variableName(service.client), name: service.title, region }]
  })
}

/** Whose credentials these monitors use, as far as anybody has been asked. */
function callersOf(monitors: readonly Monitor[], identities: Identities): readonly Caller[] {
  const alike = Map.groupBy(monitors, ({ credentials }) => credentialsKey(credentials))
  return [...alike.values()].flatMap((users) => {
    const told = users[0] === undefined ? null : identities.told(users[0].credentials)
    if (told === null) return []
    const names = users.map(({ name }) => name)
    return [{ monitors: names, ...('why' in told ? { why: told.why } : told) }]
  })
}

const NO_CREDENTIALS: Credentials = { profile: null, roleArn: null, externalId: null, sessionName: null }

/** Regions of the endpoints that can fail: Account's, those of other services, and STS's where a role is assumed. */
function regionsOf(monitors: readonly Monitor[]): readonly string[] {
  const regions = monitors.flatMap((monitor) => [
    ACCOUNT_REGION[monitor.partition],
    ...monitor.probes.map((probe) => regionOf(probe, monitor.partition)),
    ...(monitor.credentials.roleArn === null ? [] : [stsRegionOf(monitor)]),
  ])
  return [...new Set(regions)]
}

function sdkVersion(): string {
  const { version } = createRequire(import.meta.url)('@aws-sdk/client-account/package.json') as { version: string }
  return `@aws-sdk/client-account ${version}`
}

/** One holder of credentials for each that the configuration names, with the monitors that use it: what `check --live` asks who they are. */
export function holdersOf(config: Config) {
  const byKey = Map.groupBy(config.monitors, (monitor) => credentialsKey(monitor.credentials))
  return [...byKey.values()].flatMap((monitors) => {
    const [first] = monitors
    return first === undefined ? [] : [{ monitors, holder: { credentials: first.credentials, stsRegion: stsRegionOf(first) } }]
  })
}

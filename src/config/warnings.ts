import { selfAlertRecipients } from '../domain/audience.ts'
import { serviceNamed } from '../domain/catalogue.ts'
import { choosesFirst } from '../domain/choice.ts'
import { partitionOf } from '../domain/policy.ts'
import { isServiceCall, type Monitor } from '../domain/probe.ts'
import { REGIONS } from '../domain/region.ts'
import { memoryOf, plainCode, priceOf, serviceCode } from '../domain/service-facts.ts'
import { regionOf } from '../domain/setup.ts'
import { readSchedule } from '../schedule/calendar.ts'
import { invalidNow } from './authority.ts'
import type { Config } from './config.ts'
import { durationText } from './duration.ts'
import { type Env, isLoopback } from './endpoints.ts'
import { nearest } from './nearest.ts'
import { quotas, quotaWarnings } from './quotas.ts'
import { longestRunMs } from './run-length.ts'
import { isSecretPlace } from './secret.ts'
import { isUnencrypted } from './storage-schema.ts'
import type { Tree } from './tree.ts'

/** What is valid, but probably not what was meant. */
export function warningsOf(config: Config, tree: Tree, env: Env, now: number): readonly string[] {
  return [
    ...config.monitors.flatMap(scheduleWarnings),
    ...config.monitors.flatMap(regionWarnings),
    ...serviceWarnings(config),
    ...relatedWarnings(config),
    ...recipientWarnings(config),
    ...policyWarnings(config),
    ...queueWarnings(config),
    ...mailWarnings(config),
    ...webWarnings(config),
    ...databaseWarnings(config),
    ...sharedRegions(config, env),
    ...secretsInPm2(tree, env),
    ...quotaWarnings(quotas(config)),
    ...authorityWarnings(config, now),
  ]
}

function scheduleWarnings(monitor: Monitor): readonly string[] {
  const schedule = readSchedule(monitor.schedule)
  if (!schedule.ok) return []
  const { shortestMs } = schedule.calendar.gaps
  const runMs = longestRunMs(monitor)
  if (monitor.spreadMs + runMs <= shortestMs) return []
  const sum = `a spread of ${durationText(monitor.spreadMs)} and a run of up to ${durationText(runMs)}`
  return [
    `monitor ${monitor.name}: ${sum} can exceed the schedule's shortest interval of ${durationText(shortestMs)}; a run that would start during another one is skipped`,
  ]
}

/** What watching other services costs: money, and memory. */
function serviceWarnings({ monitors }: Config): readonly string[] {
  const calls = monitors.flatMap(({ probes }) => probes.map(({ call }) => call)).filter(isServiceCall)
  const services = new Map(
    calls.flatMap(({ operation }) => {
      const service = serviceNamed(operation.split(':')[0] ?? '')
      return service === null ? [] : [[service.name, service] as const]
    }),
  )
  return [...services.values()].flatMap((service) => {
    const price = priceOf(service)
    const megabytes = memoryOf(service)
    return [
      ...(price === null ? [] : [`${service.title} charges for each call: ${price}`]),
      ...(megabytes === null ? [] : [`the client of ${service.title} takes about ${megabytes} MB of memory`]),
    ]
  })
}

/** Keys of `health.related` that no failure can have: of a service that is not asked, or misspelt. */
function relatedWarnings({ monitors, health }: Config): readonly string[] {
  const calls = monitors.flatMap(({ probes }) => probes.map(({ call }) => call)).filter(isServiceCall)
  const asked = [...new Set(['STS', ...calls.map(({ operation }) => serviceCode(operation))])]
  const known = asked.map(plainCode)
  return Object.keys(health.relevance.relatedTo ?? {})
    .filter((code) => !known.includes(code))
    .map(
      (code) => `health.related.${code}: no monitor asks a service with this code; those that are asked are ${asked.join(', ')}`,
    )
}

function regionWarnings({ name, region: own, probes }: Monitor): readonly string[] {
  const asked = probes.flatMap(({ call }) =>
    isServiceCall(call) ? [call.region] : call.operation === 'GetRegionOptStatus' ? [call.parameter ?? ''] : [],
  )
  return [...new Set([own, ...asked])].flatMap((region) => {
    if (Object.hasOwn(REGIONS, region)) return []
    const meant = nearest(region, Object.keys(REGIONS))
    return [`monitor ${name}: this version does not know the region ${region}${meant === null ? '' : `; did you mean ${meant}?`}`]
  })
}

function recipientWarnings({ monitors, recipients, mail }: Config): readonly string[] {
  const isEscalation = (name: string) => recipients.find((recipient) => recipient.name === name)?.afterMs !== null
  const late = monitors.filter(({ notify }) => notify.every(isEscalation))
  const onlySelfAlerts = selfAlertRecipients(recipients).filter(
    ({ name, selfAlerts }) => selfAlerts === undefined && !monitors.some(({ notify }) => notify.includes(name)),
  )
  const isExample = recipients.some(({ to }) => to.some((address) => /@example\.(?:com|org|net)$/i.test(address)))
  return [
    ...unchosen(monitors, recipients),
    ...late.map(({ name }) => `monitor ${name}: every recipient it notifies has \`after\`, so nobody is notified at once`),
    ...onlySelfAlerts.map(
      ({ name }) =>
        `recipient ${name}: no monitor notifies it, but it still gets self-alerts, such as a faulty configuration; set its selfAlerts to true if that is intended, else to false`,
    ),
    ...(isExample && mail.smtp !== null
      ? ['a recipient is at example.com, example.org or example.net, where no email ever arrives']
      : []),
  ]
}

/** That nobody gets `failing` is a fault; that nobody gets another first email is allowed, but an alert may be missed. */
function unchosen(monitors: Config['monitors'], recipients: Config['recipients']): readonly string[] {
  const families = ['misconfigured', 'blind'] as const
  return monitors.flatMap(({ name, notify }) => {
    const notified = recipients.filter((recipient) => notify.includes(recipient.name))
    const missed = families.filter((family) => !notified.some((recipient) => choosesFirst(recipient, family)))
    const kinds = missed.map((kind) => `\`${kind}\``).join(' and ')
    return missed.length === 0 ? [] : [`monitor ${name}: no recipient gets ${kinds}: if it cannot probe AWS, nobody is emailed`]
  })
}

function policyWarnings({ policy, health }: Config): readonly string[] {
  return [
    ...(policy.waitMs > 0
      ? [
          'policy.wait delays every email about an unexplained failure; half of the time AWS posts its event more than 76 minutes after the failure began',
        ]
      : []),
    ...(policy.holdAtMostMs === 0
      ? ['policy.holdAtMost is 0s: a failure that AWS explains stays silent for as long as the event is open']
      : []),
    ...(policy.remindEveryMs === 0 ? ['policy.remindEvery is 0s: there are no reminders while an incident lasts'] : []),
    ...(!health.api && health.dashboard === false && health.queue === null
      ? [
          'health.api and health.dashboard are both off: no failure can be explained, and every failure is reported as undetermined',
        ]
      : []),
  ]
}

function queueWarnings({ monitors, health: { queue } }: Config): readonly string[] {
  if (queue === null || monitors.some(({ partition }) => partition === partitionOf(queue.region))) return []
  return [`health.queue is in ${queue.region}, in whose partition nothing is monitored: it is not read`]
}

function mailWarnings({ mail }: Config): readonly string[] {
  return mail.smtp === null ? [`mail.smtp is not set: emails are written to ${mail.directory} and reach nobody`] : []
}

function webWarnings({ web }: Config): readonly string[] {
  if (web === null) return []
  if (isLoopback(web.host)) {
    if (web.hosts.length === 0 || web.token !== null) return []
    return [
      `web: the page answers to ${web.hosts.join(', ')} without a web.token: whoever reaches the proxy can read it and its API`,
    ]
  }
  return [
    `web.listen is ${web.host}: the page and \`web.token\` cross the network unencrypted unless a proxy with TLS is in front of it`,
  ]
}

function databaseWarnings({ storage: { postgres } }: Config): readonly string[] {
  if (postgres === null || !isUnencrypted(postgres)) return []
  return [
    'storage.postgres.url: the connection is not encrypted, and the host of the database is another one: add `?sslmode=verify-full`',
  ]
}

/** What would fail together with the monitored endpoint, most often email through SES in us-east-1. */
function sharedRegions(config: Config, env: Env): readonly string[] {
  const monitored = [
    ...new Set(config.monitors.flatMap(({ probes, partition }) => probes.map((probe) => regionOf(probe, partition)))),
  ]
  const runsOnAws = env['AWS_EXECUTION_ENV'] !== undefined || env['ECS_CONTAINER_METADATA_URI_V4'] !== undefined
  const places: readonly (readonly [string, string | null])[] = [
    ['mail.smtp.host', config.mail.smtp?.host ?? null],
    ['mail.fallback.smtp.host', config.mail.fallback?.smtp.host ?? null],
    ['control.url', new URL(config.control.url).hostname],
    ['this host', runsOnAws ? (env['AWS_REGION'] ?? null) : null],
  ]
  return places.flatMap(([what, where]) => {
    const region = where === null ? undefined : monitored.find((one) => where.split('.').includes(one))
    if (region === undefined) return []
    const effect = what === 'control.url' ? 'look like a network problem of this host' : 'keep emails from leaving as well'
    return [`${what} is in ${region}, like the monitored endpoint: an outage of that region would ${effect}`]
  })
}

/** Whoever has these can act as us. */
export const AWS_KEYS = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']

function secretsInPm2(tree: Tree, env: Env): readonly string[] {
  if (env['pm_id'] === undefined && env['PM2_HOME'] === undefined) return []
  const drawn = tree.drawn.filter(({ from, path }) => from === 'env' && isSecretPlace(path)).map(({ name }) => name)
  const keys = AWS_KEYS.filter((name) => (env[name] ?? '') !== '')
  const warning = (names: readonly string[], instead: string) =>
    names.length === 0
      ? []
      : [
          `${names.join(', ')}: under pm2, do not put secrets into the environment: \`pm2 save\` writes them unencrypted to a file that everybody can read; ${instead}`,
        ]
  return [
    ...warning([...new Set(drawn)], `use \${file:/run/secrets/…}`),
    ...warning(keys, 'use a profile (`credentials: { profile: … }`)'),
  ]
}

/** An expired authority is not a fault of the configuration: the file can be replaced, and is read again on SIGHUP. */
function authorityWarnings({ mail }: Config, now: number): readonly string[] {
  const named = [['mail.smtp.ca', mail.smtp?.ca] as const, ['mail.fallback.smtp.ca', mail.fallback?.smtp.ca] as const]
  return named.flatMap(([key, ca]) => (ca == null ? [] : invalidNow(ca.pem, now).map((why) => `${key}: in ${ca.path} ${why}`)))
}

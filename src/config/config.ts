import type { AccountNames } from '../domain/account-names.ts'
import type { Policy, Recipient, Relevance } from '../domain/policy.ts'
import type { Call, Credentials, Monitor } from '../domain/probe.ts'
import type { Authority } from './authority.ts'
import type { Endpoints } from './endpoints.ts'
import type { Network } from './network.ts'
import type { Postgres } from './storage-schema.ts'

/** `config/alibi.yaml`, parsed and checked, with defaults filled in. Durations are in milliseconds. */
export type Config = Readonly<{
  /** Absolute path of the file it came from. */
  file: string
  monitors: readonly Monitor[]
  /** Of monitors whose accounts are discovered. Until that is done, a monitor has only the accounts of the file. */
  discoveries: readonly Discovery[]
  /** Left out: names of accounts are not shown. */
  accountNames?: AccountNames
  policy: Policy
  health: Readonly<{
    api: boolean
    /** URL of the dashboard's JSON; `true`: AWS's own, by partition; `false`: none. */
    dashboard: boolean | string
    /** `null`: those of the partition's first monitor. */
    credentials: Credentials | null
    queue: HealthQueueConfig | null
    relevance: Relevance
    cacheForMs: number
    idleEveryMs: number
    timeoutMs: number
  }>
  control: Readonly<{ url: string }>
  recipients: readonly Recipient[]
  mail: Readonly<{
    from: string
    /** The domain of `from`, in ASCII. */
    domain: string
    smtp: Smtp | null
    /** Second mail server, for emails that have been due for longer than `afterMs`. */
    fallback: Readonly<{ afterMs: number; smtp: Smtp }> | null
    directory: string
    subject: 'constant' | 'stateful'
    maxPerHour: number
  }>
  storage: Readonly<{
    /** The SQLite file; files that belong to this machine alone are beside it in any case. */
    path: string
    /** The database that several machines share, in place of the file. */
    postgres: Postgres | null
    keep: Readonly<{ runsMs: number; hoursMs: number }>
  }>
  /** `null`: it has the name of its host. */
  machine: Readonly<{ name: string | null }>
  log: Readonly<{
    level: 'error' | 'warn' | 'info' | 'debug'
    /** `null`: pretty on a terminal, else JSON. */
    format: 'json' | 'pretty' | null
    file: Readonly<{ path: string; maxSizeBytes: number; keep: number }> | null
    /** `stream` is `null` for the name of the host, `endpoint` for AWS's own. */
    cloudwatch: Readonly<{ group: string; stream: string | null; region: string; endpoint: string | null }> | null
  }>
  web: Readonly<{
    host: string
    port: number
    hosts: readonly string[]
    /** Clients must send it; never `null` on an address other than loopback. */
    token: string | null
    /** Where people reach the page, without a slash at the end; `null` if nobody said. */
    url: string | null
  }> | null
  /** A healthchecks-style ping URL, which is one of the secrets. */
  heartbeat: Readonly<{ url: string; everyMs: number }> | null
  /** `to`: names of recipients. */
  digest: Readonly<{ schedule: string; timezone: string; to: readonly string[] }> | null
  /** Endpoints in place of AWS's own, by the SDK's variables and shared files. */
  endpoints: Endpoints
  /** Proxies and certificates of the environment. */
  network: Network
  /** What is valid, but probably not what was meant, for `check` and the log. */
  warnings: readonly string[]
  /** Values that must never be shown. */
  secrets: readonly string[]
}>

/** A queue that EventBridge fills with the events of AWS Health. */
type HealthQueueConfig = Readonly<{
  url: string
  region: string
  /** `null`: those that ask the Health API. */
  credentials: Credentials | null
  /** How long the queue keeps a message. */
  retentionMs: number
}>

/** How the subjects of a recipient's emails are written. */
export function subjectStyle(
  { recipients, mail }: Pick<Config, 'recipients' | 'mail'>,
  recipient: string,
): 'constant' | 'stateful' {
  return recipients.find(({ name }) => name === recipient)?.subject ?? mail.subject
}

export type Smtp = Readonly<{
  host: string
  port: number
  security: 'starttls' | 'tls' | 'none'
  user: string | null
  password: string | null
  /** Name for EHLO; `null`: that of the host, or the domain of `mail.from`. */
  name: string | null
  /** Trusted instead of Node's authorities; `null`: those. */
  ca: Authority | null
}>

/** How the accounts of a monitor are discovered, and which operations are called for each. */
export type Discovery = Readonly<{
  /** Name of the monitor. */
  monitor: string
  /** `null`: the whole organization. */
  ous: readonly string[] | null
  /** `self` or twelve digits. */
  exclude: readonly string[]
  everyMs: number
  calls: readonly Call[]
  /** Maximum number of accounts, so that there are not too many probes. */
  atMost: number
  /** The names of the accounts are wanted as well. */
  named?: true
}>

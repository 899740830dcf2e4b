import type { Policy, Recipient, Relevance } from '../domain/policy.ts'
import type { Call, Credentials, Monitor } from '../domain/probe.ts'
import type { Authority } from './authority.ts'
import type { Endpoints } from './endpoints.ts'
import type { Network } from './network.ts'

/** What the daemon runs by: `config/alibi.yaml`, parsed, defaulted and cross-checked. Durations in milliseconds. */
export type Config = Readonly<{
  /** Absolute path of the file it came from. */
  file: string
  monitors: readonly Monitor[]
  /** Of the monitors whose accounts are found in the organization; until they are, a monitor has its listed accounts only. */
  discoveries: readonly Discovery[]
  policy: Policy
  health: Readonly<{
    api: boolean
    /** Whole address of the dashboard's JSON, `true` for AWS's own by partition, `false` for none. */
    dashboard: boolean | string
    /** `null`: those of the partition's first monitor. */
    credentials: Credentials | null
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
    /** Takes over for mails that are owed for longer than `afterMs`. */
    fallback: Readonly<{ afterMs: number; smtp: Smtp }> | null
    directory: string
    subject: 'constant' | 'stateful'
    maxPerHour: number
  }>
  storage: Readonly<{ path: string; keep: Readonly<{ runsMs: number; hoursMs: number }> }>
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
    /** Who asks must show it; never `null` on an address that is not loopback. */
    token: string | null
  }> | null
  /** A healthchecks-style address; it is among the secrets. */
  heartbeat: Readonly<{ url: string; everyMs: number }> | null
  /** `to` holds names of recipients. */
  digest: Readonly<{ schedule: string; timezone: string; to: readonly string[] }> | null
  /** Addresses in place of AWS's own, by the SDK's variables and shared files. */
  endpoints: Endpoints
  /** Proxies and certificates of the environment. */
  network: Network
  /** Not faults, yet worth a sentence from `check`: secrets in the environment under pm2, a run that can outlast its schedule. */
  warnings: readonly string[]
  /** Values that came from `${…}`: never to be shown. */
  secrets: readonly string[]
}>

export type Smtp = Readonly<{
  host: string
  port: number
  security: 'starttls' | 'tls' | 'none'
  user: string | null
  password: string | null
  /** What we introduce ourselves as (EHLO); `null`: the name of the host, or the domain of `mail.from`. */
  name: string | null
  /** Trusted in the place of the authorities that Node trusts; `null`: those. */
  ca: Authority | null
}>

/** How the accounts of a monitor are found, and what is asked of each. */
export type Discovery = Readonly<{
  /** Name of the monitor. */
  monitor: string
  /** `null`: the whole organization. */
  ous: readonly string[] | null
  /** `self` or twelve digits. */
  exclude: readonly string[]
  everyMs: number
  calls: readonly Call[]
  /** More accounts than this would be more probes than there may be. */
  atMost: number
}>

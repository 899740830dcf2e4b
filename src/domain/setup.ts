import type { Policy, Recipient, Relevance } from './policy.ts'
import { credentialsKey, type Monitor, type Partition, type Probe } from './probe.ts'

/** The configuration as the decisions need it: plain values, indexed once. */
export type Setup = Readonly<{
  monitors: ReadonlyMap<string, Monitor>
  probes: ReadonlyMap<string, Probe>
  recipients: ReadonlyMap<string, Recipient>
  policy: Policy
  relevance: Relevance
  mailDomain: string
  /** Probes of the same operation in the same partition, for the test of width. */
  sameOperation: ReadonlyMap<string, readonly Probe[]>
}>

export function setupOf(config: {
  monitors: readonly Monitor[]
  recipients: readonly Recipient[]
  policy: Policy
  health: { relevance: Relevance }
  /** The domain of `mail.from`, in ASCII: it stands in headers. */
  mail: { domain: string }
}): Setup {
  const monitors = new Map(config.monitors.map((monitor) => [monitor.name, monitor]))
  const probes = new Map(config.monitors.flatMap((monitor) => monitor.probes.map((probe) => [probe.id, probe])))
  const sameOperation = new Map<string, Probe[]>()
  for (const monitor of config.monitors) {
    for (const probe of monitor.probes) {
      const key = operationKey(monitor.partition, probe)
      const list = sameOperation.get(key)
      if (list === undefined) sameOperation.set(key, [probe])
      else list.push(probe)
    }
  }
  return {
    monitors,
    probes,
    recipients: new Map(config.recipients.map((recipient) => [recipient.name, recipient])),
    policy: config.policy,
    relevance: config.health.relevance,
    mailDomain: config.mail.domain,
    sameOperation,
  }
}

export function operationKey(partition: Partition, probe: Probe): string {
  return `${partition} ${probe.call.operation}`
}

/** An account as one name: twelve digits, or `self@` and the key of the credentials that it is the self of. */
export function accountName(probe: Probe, monitor: Monitor): string {
  return probe.account === 'self' ? `self@${credentialsKey(monitor.credentials)}` : probe.account
}

/** An operation as it is shown: `GetAlternateContact SECURITY`. */
export function operationShown(probe: Probe): string {
  return probe.call.parameter === null ? probe.call.operation : `${probe.call.operation} ${probe.call.parameter}`
}

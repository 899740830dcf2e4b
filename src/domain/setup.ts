import type { AccountNames } from './account-names.ts'
import { ACCOUNT_REGION, type Policy, type Recipient, type Relevance } from './policy.ts'
import { callShown, credentialsKey, type Family, isServiceCall, type Monitor, type Partition, type Probe } from './probe.ts'

/** The configuration as the decisions need it: plain values, indexed once. */
export type Setup = Readonly<{
  monitors: ReadonlyMap<string, Monitor>
  probes: ReadonlyMap<string, Probe>
  recipients: ReadonlyMap<string, Recipient>
  policy: Policy
  relevance: Relevance
  mailDomain: string
  /** `null`: they are not shown. */
  accountNames: AccountNames | null
  /** Probes of the same operation in the same partition and region, for the test of width. */
  sameOperation: ReadonlyMap<string, readonly Probe[]>
}>

export function setupOf(config: {
  monitors: readonly Monitor[]
  recipients: readonly Recipient[]
  policy: Policy
  health: { relevance: Relevance }
  /** The domain of `mail.from`, in ASCII: it stands in headers. */
  mail: { domain: string }
  accountNames?: AccountNames
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
    accountNames: config.accountNames ?? null,
    sameOperation,
  }
}

/** What is compared with what: the same operation in the same region. */
export function operationKey(partition: Partition, { call }: Probe): string {
  return isServiceCall(call) ? `${partition} ${call.operation} ${call.region}` : `${partition} ${call.operation}`
}

/** The region of the endpoint that a probe asks, whichever service turns out to fail. */
export function regionOf({ call }: Probe, partition: Partition): string {
  return isServiceCall(call) ? call.region : ACCOUNT_REGION[partition]
}

/** `grouping`: an outage is of one region, and what is ours to mend of none; `null`: of none, or of Account's. */
export function regionOfOutage(probe: Probe, partition: Partition, family: Family): string | null {
  const region = regionOf(probe, partition)
  return family !== 'outage' || region === ACCOUNT_REGION[partition] ? null : region
}

/** An account as one name: twelve digits, or `self@` and the key of the credentials that it is the self of. */
export function accountName(probe: Probe, monitor: Monitor): string {
  return probe.account === 'self' ? `self@${credentialsKey(monitor.credentials)}` : probe.account
}

/** A probe's call as it is shown. */
export function operationShown(probe: Probe): string {
  return callShown(probe.call)
}

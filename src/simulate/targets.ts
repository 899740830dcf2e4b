import type { Config } from '../config/config.ts'
import type { Path } from '../config/tree.ts'
import { isServiceCall } from '../domain/probe.ts'
import type { ScenarioSource } from './scenario-source.ts'
import type { HappeningGiven } from './schema.ts'

const MAX_LISTED = 5

/**
 * Faults what no configuration of the scenario ever asks for: answers to calls that no probe makes, and rejections of addresses
 * that no recipient has. AWS may answer before anybody asks: what counts is whether anybody ever does.
 */
export function checkTargets(source: ScenarioSource, given: readonly HappeningGiven[], configs: readonly Config[]): void {
  if (configs.length === 0) return
  const check = new Targets(source, configs)
  for (const [i, { account, service, smtp }] of given.entries()) {
    check.account(account, ['events', i, 'account'])
    check.service(service, ['events', i, 'service'])
    check.smtp(smtp, ['events', i, 'smtp'])
  }
}

class Targets {
  private readonly source: ScenarioSource
  private readonly addresses: ReadonlySet<string>
  private readonly operations: ReadonlySet<string>
  private readonly accounts: ReadonlySet<string>
  private readonly pairs: ReadonlySet<string>
  /** Calls of other services than Account. */
  private readonly serviceCalls: readonly Readonly<Record<'service' | 'operation' | 'region', string>>[]
  /** Accounts that are discovered are not known here. */
  private readonly discovers: boolean

  constructor(source: ScenarioSource, configs: readonly Config[]) {
    this.source = source
    const probes = configs.flatMap(({ monitors }) => monitors.flatMap((monitor) => monitor.probes))
    this.operations = new Set(probes.map(({ call }) => call.operation))
    this.accounts = new Set(probes.map(({ account }) => account))
    this.pairs = new Set(probes.map(({ call, account }) => `${call.operation} ${account}`))
    this.serviceCalls = probes
      .map(({ call }) => call)
      .filter(isServiceCall)
      .map(({ operation, region }) => {
        const [service = '', name = ''] = operation.split(':')
        return { service, operation: name, region }
      })
    this.addresses = new Set(configs.flatMap(({ recipients }) => recipients.flatMap(({ to }) => to.map(folded))))
    this.discovers = configs.some(({ discoveries }) => discoveries.length > 0)
  }

  account(given: HappeningGiven['account'], path: Path): void {
    if (given === undefined || typeof given === 'string' || this.discovers) return
    const { operation, account } = given
    if (operation !== undefined && !this.operations.has(operation))
      this.source.fault([...path, 'operation'], `no probe makes this call: expected ${listed(this.operations)}`)
    else if (account !== undefined && !this.accounts.has(account))
      this.source.fault([...path, 'account'], `no probe asks for this account: expected ${listed(this.accounts)}`)
    else if (operation !== undefined && account !== undefined && !this.pairs.has(`${operation} ${account}`))
      this.source.fault(path, 'no probe makes this call for this account')
  }

  service(given: HappeningGiven['service'], path: Path): void {
    if (given === undefined) return
    if (this.serviceCalls.length === 0) this.source.fault(path, 'no probe calls any service but Account', 'key')
    else if (typeof given !== 'string') this.serviceCall(given, path)
  }

  private serviceCall(
    given: Readonly<Partial<Record<'service' | 'operation' | 'region', string | undefined>>>,
    path: Path,
  ): void {
    let left = this.serviceCalls
    for (const key of ['service', 'operation', 'region'] as const) {
      const wanted = given[key]
      if (wanted === undefined) continue
      const known = new Set(left.map((call) => call[key]))
      left = left.filter((call) => call[key] === wanted)
      if (left.length === 0)
        return void this.source.fault([...path, key], `no probe makes such a call: expected ${listed(known)}`)
    }
  }

  smtp(given: HappeningGiven['smtp'], path: Path): void {
    if (given === undefined || typeof given === 'string') return
    for (const key of ['refuse', 'defer'] as const) {
      for (const [i, address] of given[key].entries())
        if (!this.addresses.has(folded(address)))
          this.source.fault([...path, key, i], `no recipient has this address: expected ${listed(this.addresses)}`)
    }
  }
}

function listed(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, MAX_LISTED).map((name) => `\`${name}\``)
  return `${shown.join(', ')}${names.size > MAX_LISTED ? ` or one of ${names.size - MAX_LISTED} more` : ''}`
}

function folded(address: string): string {
  return address.toLowerCase()
}

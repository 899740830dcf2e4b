import { credentialsKey, type Monitor } from '../domain/probe.ts'
import type { Config } from './config.ts'
import type { ParsedConfig } from './schema.ts'

type Names = ParsedConfig['accounts']['names']
type NamesByAccount = Exclude<Names, boolean>

/** Accounts that one warning lists. */
const MAX_WARNED = 5

/** Those of the file; those of an organization come with its list. */
export function accountNamesOf(names: Names, monitors: readonly Monitor[]): Pick<Config, 'accountNames'> {
  if (names === false) return {}
  const { self, ...others } = names === true ? {} : names
  const ofAccounts = new Map(Object.entries(others))
  // A wrong name is worse than none.
  const ofRest = self === undefined || selves(monitors, others).length > 1 ? null : self
  const ofOwn = monitors.flatMap((monitor) => {
    const name = ofAccounts.get(accountOfRole(monitor) ?? '') ?? ofRest
    return name === null ? [] : [[monitor.name, name] as const]
  })
  return { accountNames: { ofAccounts, ofOwn: new Map(ofOwn) } }
}

/** Names that are never shown. */
export function accountNameWarnings(names: Names, { monitors, discoveries }: Config): readonly string[] {
  if (names === false) return []
  if (names === true) {
    if (discoveries.length > 0) return []
    return [
      'accounts.names is true, but no monitor discovers its accounts, so no names are known; write a mapping of ids to names',
    ]
  }
  const probed = new Set(monitors.flatMap((monitor) => accountsOf(monitor)))
  // What is found in an organization is not known yet.
  const unknown = discoveries.length > 0 ? [] : Object.keys(names).filter((account) => !probed.has(account))
  const rest = unknown.length > MAX_WARNED ? ` and ${unknown.length - MAX_WARNED} more` : ''
  const hint = probed.has('self') ? "; the credentials' own account is `self`" : ''
  const ambiguous = Object.hasOwn(names, 'self') && selves(monitors, names).length > 1
  return [
    ...(unknown.length === 0
      ? []
      : [
          `accounts.names: no monitor probes ${unknown.slice(0, MAX_WARNED).join(', ')}${rest}, so that name is never shown${hint}`,
        ]),
    ...(ambiguous
      ? [
          'accounts.names: `self` is the account of different credentials, so its name is not shown; name those of roles by their ids',
        ]
      : []),
  ]
}

function accountsOf(monitor: Monitor): readonly string[] {
  const role = accountOfRole(monitor)
  const accounts = monitor.probes.map(({ account }) => account)
  return role !== null && accounts.includes('self') ? [...accounts, role] : accounts
}

/** The account that the monitor's credentials are of, where its role says so. */
function accountOfRole({ credentials: { roleArn } }: Monitor): string | null {
  return /^arn:[a-z-]+:iam::(\d{12}):/.exec(roleArn ?? '')?.[1] ?? null
}

/** Whose own accounts are probed, or may be found to be, and have no name by their ids. */
function selves(monitors: readonly Monitor[], names: NamesByAccount): readonly string[] {
  const own = monitors.filter(
    (monitor) =>
      (monitor.probes.length === 0 || monitor.probes.some(({ account }) => account === 'self')) &&
      !Object.hasOwn(names, accountOfRole(monitor) ?? ''),
  )
  return [...new Set(own.map(({ credentials }) => credentialsKey(credentials)))]
}

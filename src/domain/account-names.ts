import { UNSEEN } from './visible.ts'

/** What accounts are called. Names are personal data of some: there are none unless the configuration asks for them. */
export type AccountNames = Readonly<{
  /** By id. */
  ofAccounts: ReadonlyMap<string, string>
  /** By monitor: the account that its credentials are of. */
  ofOwn: ReadonlyMap<string, string>
}>

/** AWS's own limit is 50 (API reference, CreateAccount). */
export const MAX_ACCOUNT_NAME = 64

export function nameOfAccount(
  { account, monitor }: Readonly<{ account: string; monitor: string }>,
  names: AccountNames | null,
): string | null {
  return (account === 'self' ? names?.ofOwn.get(monitor) : names?.ofAccounts.get(account)) ?? null
}

/** `111122223333 “payments”` */
export function withName(account: string, name: string | null): string {
  return name === null ? account : `${account} “${name}”`
}

/** Whose account a probe asks, by its id; the monitor's name may hold a slash of its own. */
export function accountOfId(id: string): Readonly<{ account: string; monitor: string }> | null {
  const end = id.lastIndexOf('/')
  const start = id.lastIndexOf('/', end - 1)
  return start < 0 || end < 0 ? null : { monitor: id.slice(0, start), account: id.slice(start + 1, end) }
}

/** A name as others gave it: one line that shows what it says, bounded; `null` if nothing of it is left. */
export function readName(given: unknown): string | null {
  if (typeof given !== 'string') return null
  const text = given
    .slice(0, 4 * MAX_ACCOUNT_NAME)
    .toWellFormed()
    .replace(UNSEEN, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\s]+/gu, ' ')
    .trim()
  return text === '' ? null : [...text].slice(0, MAX_ACCOUNT_NAME).join('').trim()
}

/** These and those; those go first. */
export function mergedNames(these: AccountNames, those: AccountNames): AccountNames {
  return {
    ofAccounts: new Map([...these.ofAccounts, ...those.ofAccounts]),
    ofOwn: new Map([...these.ofOwn, ...those.ofOwn]),
  }
}

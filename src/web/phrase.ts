import { type AccountNames, nameOfAccount, withName } from '../domain/account-names.ts'
import { inWords } from '../domain/duration.ts'
import type { Instant } from '../domain/probe.ts'
import { foreign } from '../email/foreign.ts'
import { hhmm } from '../email/times.ts'

/** Longest foreign word and longest foreign sentence, in UTF-16 units. */
export const WORD = 120
export const SENTENCE = 400

/** Names that one sentence lists; the others are counted. */
export const MAX_NAMES = 6

export const DATABASE_UNREADABLE = 'Unknown: the database cannot be read.'

export function ago(at: Instant, now: Instant): string {
  return `${inWords(now - at)} ago`
}

/** `11:58 UTC`, with its date unless that is today. */
export function clockTime(at: Instant, now: Instant): string {
  return `${hhmm(at, now)} UTC`
}

/** `111122223333 “payments”`; without a name what the configuration says: twelve digits, or `self`. */
export function accountShown(one: Readonly<{ account: string; monitor: string }>, names: AccountNames | null): string {
  const name = nameOfAccount(one, names)
  if (name === null) return foreign(one.account, WORD)
  return withName(one.account === 'self' ? 'our own account' : foreign(one.account, WORD), foreign(name, WORD))
}

import type { Incident } from '../incident.ts'
import type { LedgerRow } from '../ledger.ts'
import type { MailKind } from '../notification.ts'
import type { Instant } from '../probe.ts'
import type { RuleName } from '../rule.ts'
import type { RecipientView } from '../view.ts'
import type { Situation } from './situation.ts'

/** An email that is due, to whom, and why to each of them. */
export type Due = Readonly<{
  result: 'due'
  kind: MailKind
  rule: RuleName
  to: readonly Addressee[]
  /** Whether the next reminder and the hold count from this email. Without it, those who join late are reminded with the others. */
  setsPace: boolean
}>
export type Addressee = Readonly<{ view: RecipientView; reason: string }>

/**
 * Why an email is not sent yet. The ledger gets one row for each new key, and the incident remembers until when it is held
 * (`joining`).
 */
export type Blocked = Readonly<{ result: 'blocked'; rule: RuleName; key: string; reason: string; heldUntil?: Instant }>

/** No email, but a fact for the ledger, and the incident that remembers it. */
export type Noted = Readonly<{ result: 'noted'; incident: Incident; row: LedgerRow }>

/** One rule: what is due by it, or why it is not due yet, or nothing. */
export type Rule = (situation: Situation) => Due | Blocked | Noted | null

export function due(kind: MailKind, rule: RuleName, to: readonly Addressee[], setsPace = true): Due {
  return { result: 'due', kind, rule, to, setsPace }
}

export function blocked(rule: RuleName, key: string, reason: string): Blocked {
  return { result: 'blocked', rule, key, reason }
}

/** The recipients whom nothing keeps from being notified, and the first reason that keeps another one from it. */
export function sift(
  views: readonly RecipientView[],
  block: (view: RecipientView) => Blocked | null,
): Readonly<{ ready: readonly RecipientView[]; blocked: Blocked | null }> {
  const blocks = views.map(block)
  return { ready: views.filter((_, i) => blocks[i] === null), blocked: blocks.find((one) => one !== null) ?? null }
}

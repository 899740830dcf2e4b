import type { Audience, Incident } from './incident.ts'
import type { LedgerRow } from './ledger.ts'
import type { MailKind } from './notification.ts'
import type { RuleName } from './rule.ts'
import type { PastSilence } from './silence.ts'

/** An email that a step owes to recipients. Its facts are put together from the incident as it is after the step. */
export type Announcement = Readonly<{
  kind: MailKind
  reason: string
  /** The reason for each recipient, where recipients have different ones. */
  reasons?: ReadonlyMap<string, string>
  /** The silence that ended since the last email to a recipient, for each who had one. */
  silences?: ReadonlyMap<string, PastSilence>
  rule: RuleName
  seq: number
  /** Who is notified, as they are after the step. */
  to: readonly Audience[]
  /** Events that this email mentions as the explanation of an earlier run (`late-explanation`). */
  hindsight: Incident['hindsight']
}>

/** What one step made of an incident: the incident after it, the email that is now owed, and the ledger rows that say why. */
export type Step = Readonly<{ incident: Incident; announcement: Announcement | null; ledger: readonly LedgerRow[] }>

import type { Facts } from '../domain/notification.ts'
import { type Instant, MINUTE_MS } from '../domain/probe.ts'
import type { IncidentLink, Shell } from './access.ts'

/** What is known of an email's delivery at the moment it is sent. */
export type Delivery = Readonly<{
  /** Attempts that failed before this one. */
  attempts: number
  /** Why it could not leave earlier, such as "smtp.example.com answered 421"; `null` if nothing is known. */
  lateBecause: string | null
  now: Instant
  /** The first email of this incident, and why it never arrived: this email covers both (`recovery`). */
  merged: Readonly<{ facts: Facts; why: string }> | null
  /** Addresses that the server rejects for good, so that the other recipients know. */
  refused: readonly Readonly<{ recipient: string; address: string; error: string }>[]
  /** How commands are run on Alibi's host, where that is known. */
  shell?: Shell | null
  /** Where its incident is shown, if anywhere. */
  page?: IncidentLink | null
}>

/** An email that was committed longer ago than this says that it is late. */
export const LATE_MS = 2 * MINUTE_MS

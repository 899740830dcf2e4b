import type { Member } from '../incident.ts'
import type { Instant, Probe } from '../probe.ts'
import type { Setup } from '../setup.ts'
import type { Ack, Silence } from '../silence.ts'

/** What a step has to know besides the incident. */
export type Context = Readonly<{
  setup: Setup
  now: Instant
  /** Whether every probe of the monitors of these members has run once since their onset (`first-email`). */
  gathered: (members: readonly Member[]) => boolean
  /**
   * The probes of a recipient that are about to join the incident, with a run that begins before `by` or is under way
   * (`joining`).
   */
  arriving: (recipient: string, by: Instant) => readonly Probe[]
  /** No timer fires before every failing probe has run since then (`restart`). */
  freshSince: Instant
  /** While we are offline no timer fires. */
  offline: boolean
  silences: readonly Silence[]
  /** The acknowledgement of this incident, of whichever episode. */
  ack: Ack | null
}>

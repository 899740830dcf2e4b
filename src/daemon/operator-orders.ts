import { type Stamp, setBetween } from '../domain/moment.ts'
import { HOUR_MS, type Instant } from '../domain/probe.ts'
import { type Ack, isOfOldClock, rebaseSilence, type Silence } from '../domain/silence.ts'
import type { Redate, Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { unlessFatal } from './store-trouble.ts'

/** After the end of a silence a fresh run comes first: its end is remembered for this long. */
const SILENCES_REMEMBERED_MS = 24 * HOUR_MS

/** By how many milliseconds each order is dated wrongly on disk: silences by id, acknowledgements by incident. */
type Shifts = Readonly<{ silences: Map<string, number>; acks: Map<string, number> }>

/** Silences and acknowledgements: commands write them into the database while the daemon runs (`silence`). */
export class OperatorOrders {
  private readonly store: Pick<Store, 'silences' | 'acks'>
  private readonly clock: Clock
  private shifts: Shifts | null = null
  silences: readonly Silence[] = []
  acks: ReadonlyMap<string, Ack> = new Map()

  constructor(store: Pick<Store, 'silences' | 'acks'>, clock: Clock) {
    this.store = store
    this.clock = clock
  }

  /** Reads them. An order that names its moment is dated by the clock as it is now, whatever the clock was set to meanwhile. */
  async read(): Promise<void> {
    const { store, clock } = this
    const [silences, acks] = [await store.silences(clock.now() - SILENCES_REMEMBERED_MS), await store.acks()]
    const stamp = this.stamp()
    const shifts = this.copiedShifts()
    const shiftOf = (order: Stamp, of: Map<string, number>, id: string) => {
      const shift = setBetween(order, stamp) ?? of.get(id) ?? 0
      if (shift !== 0) of.set(id, shift)
      return shift
    }
    this.silences = silences.map((silence) => rebaseSilence(silence, shiftOf(silence, shifts.silences, silence.id)))
    this.acks = new Map(acks.map((ack) => [ack.incident, { ...ack, at: ack.at + shiftOf(ack, shifts.acks, ack.incident) }]))
    if (shifts.silences.size + shifts.acks.size > 0) this.shifts = shifts
  }

  /**
   * The clock was set: orders keep their intervals. Of those that name no moment and that nobody had read yet, some may already
   * go by the new clock.
   */
  async rebase(by: number): Promise<void> {
    const stamp = this.stamp()
    const known = new Set([...this.silences.map(({ id }) => id), ...[...this.acks.values()].map(keyOf)])
    await this.read().catch(unlessFatal)
    const shifts = this.copiedShifts()
    const offBy = (order: Stamp, isKnown: boolean) =>
      setBetween(order, stamp) ?? (isKnown || isOfOldClock(order.at, by, stamp.at) ? by : 0)
    const note = (of: Map<string, number>, id: string, shift: number) => shift !== 0 && of.set(id, (of.get(id) ?? 0) + shift)
    this.silences = this.silences.map((silence) => {
      const shift = offBy(silence, known.has(silence.id))
      note(shifts.silences, silence.id, shift)
      return rebaseSilence(silence, shift)
    })
    this.acks = new Map(
      [...this.acks].map(([incident, ack]) => {
        const shift = offBy(ack, known.has(keyOf(ack)))
        note(shifts.acks, incident, shift)
        return [incident, { ...ack, at: ack.at + shift }]
      }),
    )
    this.shifts = shifts
  }

  /** New dates that are not on disk yet; `null` if there are none. */
  unwritten(): Redate | null {
    return this.shifts === null ? null : { ...this.shifts, alive: this.stamp() }
  }

  /** The new dates are on disk. */
  written(): void {
    this.shifts = null
  }

  /** The times of orders from before the machine's last boot. How long ago that was, nobody knows. */
  beforeBoot(now: Stamp): readonly Instant[] {
    return [...this.silences, ...this.acks.values()].filter((order) => setBetween(order, now) === null).map(({ at }) => at)
  }

  private stamp(): Stamp {
    return { at: this.clock.now(), moment: this.clock.moment() }
  }

  private copiedShifts(): Shifts {
    const { silences, acks } = this.shifts ?? {}
    return { silences: new Map(silences), acks: new Map(acks) }
  }
}

/** An incident may be acknowledged again: that is another order. */
function keyOf({ incident, at }: Ack): string {
  return `${incident} ${at}`
}

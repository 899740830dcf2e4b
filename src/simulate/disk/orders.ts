import { endOfSilence, rebaseSilence } from '../../domain/silence.ts'
import type { Redate, Store } from '../../ports/store.ts'
import { type Call, copy, type Disk } from './disk.ts'

/** The clock was set: gives silences and acknowledgements new dates. */
export function redateOrders(disk: Disk, { silences, acks, alive }: Redate): void {
  for (const [id, by] of silences) {
    const silence = disk.silences.get(id)
    if (silence !== undefined) disk.silences.set(id, rebaseSilence(silence, by))
  }
  for (const [incident, by] of acks) {
    const ack = disk.acks.get(incident)
    if (ack !== undefined) disk.acks.set(incident, { ...ack, at: ack.at + by })
  }
  disk.lastAlive = copy(alive)
}

export function ordersOn(
  disk: Disk,
  call: Call,
): Pick<Store, 'addSilence' | 'endSilence' | 'silences' | 'addAck' | 'acks' | 'watch'> {
  /** Commands write through the same store here: nobody has to look. */
  const watching = new Set<() => void>()
  const written = () => {
    for (const tell of watching) tell()
  }
  return {
    addSilence: call((silence) => {
      if (!disk.silences.has(silence.id)) disk.silences.set(silence.id, copy(silence))
      written()
    }),
    endSilence: call((id, at) => {
      const silence = disk.silences.get(id)
      if (silence === undefined || silence.endedAt !== null || silence.until <= at) return false
      disk.silences.set(id, { ...silence, endedAt: at })
      written()
      return true
    }),
    silences: call((endedSince) =>
      [...disk.silences.values()]
        .filter((silence) => endOfSilence(silence) >= endedSince)
        .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)),
    ),
    addAck: call((ack) => {
      disk.acks.set(ack.incident, copy(ack))
      written()
    }),
    acks: call(() =>
      [...disk.acks.values()]
        .filter((ack) => (disk.incidents.get(ack.incident)?.state ?? 'closed') !== 'closed')
        .sort((a, b) => a.at - b.at),
    ),
    watch: (changed, signal) => {
      watching.add(changed)
      signal.addEventListener('abort', () => watching.delete(changed), { once: true })
    },
  }
}

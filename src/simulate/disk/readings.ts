import type { HealthEvent, HealthReading } from '../../domain/outage.ts'
import type { KeptEvent } from '../../domain/queue-message.ts'
import type { KeptReading, Store } from '../../ports/store.ts'
import { type Call, copy, type Disk } from './disk.ts'

/** Keeps a reading. If it says the same as the last one of its partition, it prolongs that one. */
export function keepReading(kept: KeptReading[], reading: HealthReading): void {
  const at = kept.findLastIndex((one) => one.reading.partition === reading.partition)
  const last = kept[at]
  if (last !== undefined && saidBy(last.reading) === saidBy(reading))
    kept[at] = { ...last, until: Math.max(last.until, reading.at) }
  else kept.push({ since: reading.at, until: reading.at, reading })
}

export function readingsOn(
  disk: Disk,
  call: Call,
): Pick<Store, 'readingAt' | 'readings' | 'eventHistory' | 'keepQueue' | 'queue'> {
  return {
    readingAt: call(
      (partition, at) => disk.readings.findLast((kept) => kept.reading.partition === partition && kept.since <= at) ?? null,
    ),
    readings: call((partition, from, to, limit) =>
      disk.readings
        .filter((kept) => kept.reading.partition === partition && kept.until >= from && kept.since <= to)
        .slice(0, limit),
    ),
    eventHistory: call((arn, limit) => {
      const forms = new Map<string, { seenAt: number; event: HealthEvent }>()
      for (const { since, reading } of disk.readings) {
        for (const event of reading.events) {
          const form = JSON.stringify(event)
          if (event.arn === arn && !forms.has(form)) forms.set(form, { seenAt: since, event })
        }
      }
      return [...forms.values()].slice(0, limit)
    }),
    keepQueue: call((record, events, forgotten) => {
      const known = disk.queue?.record.url === record.url ? disk.queue.events : new Map<string, KeptEvent>()
      for (const kept of copy(events)) known.set(kept.event.arn, kept)
      for (const arn of forgotten) known.delete(arn)
      disk.queue = { record: copy(record), events: known }
    }),
    queue: call((url) => {
      if (disk.queue?.record.url !== url) return null
      const events = [...disk.queue.events.values()].sort((a, b) => (a.event.arn < b.event.arn ? -1 : 1))
      return copy({ record: disk.queue.record, events })
    }),
  }
}

function saidBy({ events, sources }: HealthReading): string {
  const states = Object.entries(sources).map(([source, { state, skipped, detail }]) => [source, state, skipped, detail])
  return JSON.stringify([events.map((event) => JSON.stringify(event)).toSorted(), states])
}

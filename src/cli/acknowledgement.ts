import type { Store } from '../ports/store.ts'
import type { Clock } from '../ports/time.ts'
import { writing } from './database.ts'
import { EXIT, Exit } from './exit.ts'
import { incidentMeant, unknownIncident } from './given-id.ts'
import { type ConfigOptions, configured, type Io, say } from './io.ts'
import { reasonOf } from './reason.ts'

/** Acknowledges an incident: no reminders and no escalation until it closes (`silence`). */
export async function acknowledge(
  given: string,
  options: ConfigOptions & Readonly<{ reason?: string }>,
  io: Io,
): Promise<number> {
  const config = await configured(options, io)
  const reason = options.reason === undefined ? null : reasonOf(options.reason)
  const work = async (store: Store, clock: Clock) => {
    const id = await incidentMeant(given, store)
    const incident = await store.incident(id)
    if (incident?.state === 'closed') throw new Exit(EXIT.usage, `incident ${id} is closed`)
    await store.addAck({ incident: id, at: clock.now(), moment: clock.moment(), reason })
    return id
  }
  const id = await writing(config, work, unknownIncident(given))
  say(
    io,
    `Incident ${id} is acknowledged: no reminders and no escalation until it closes. If it grows or ends, you are still notified.`,
  )
  return EXIT.ok
}

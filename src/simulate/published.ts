import { nearest } from '../config/nearest.ts'
import type { Path } from '../config/tree.ts'
import type { Instant } from '../domain/probe.ts'
import type { Deed, EventFields, Moment } from './scenario.ts'
import type { ScenarioSource } from './scenario-source.ts'
import type { EventGiven, HappeningGiven } from './schema.ts'

/** Events of AWS Health: all of a bad year. Every failing probe is judged by each one that is open. */
const MAX_PUBLISHED = 500

/** How what AWS says arrives by the queue. */
const DELIVERY = ['delay', 'copies'] as const

/** A value of `health` that changes the state of the Health API, or an event. */
type HealthVerb = NonNullable<HappeningGiven['health']>

type Publish = Extract<Deed, { verb: 'publish' }>

/** The events of AWS Health in a scenario, in the order in which they happen. */
export class PublishedEvents {
  private readonly source: ScenarioSource
  /** Those that are published at this point of the story, and all that ever were. */
  private readonly current = new Set<string>()
  private readonly ever = new Set<string>()

  constructor(source: ScenarioSource) {
    this.source = source
  }

  /** Faults an id that no event of the story ever has. */
  isKnown(id: string, path: Path): boolean {
    if (!this.ever.has(id)) this.source.fault(path, `no event of this id is published${meant(id, this.ever)}`)
    return this.ever.has(id)
  }

  deed(given: HappeningGiven, health: HealthVerb, path: Path, at: number): Deed | null {
    const { source } = this
    const { event, id: outer } = given
    if (health !== 'publish' && health !== 'update' && health !== 'close' && health !== 'withdraw') {
      for (const key of ['event', 'id', ...DELIVERY] as const)
        if (given[key] !== undefined) return source.fault([...path, key], `\`health: ${health}\` takes none`, 'key')
      return { verb: 'api', state: health }
    }
    const id = outer ?? event?.id
    if (id === undefined) return source.fault(path, `\`health: ${health}\` needs an \`id\``)
    if (outer !== undefined && event?.id !== undefined && outer !== event.id)
      return source.fault([...path, 'event', 'id'], 'it differs from the id beside the event')
    const idPath = outer === undefined ? [...path, 'event', 'id'] : [...path, 'id']
    const fields = event === undefined ? null : this.fields(event, [...path, 'event'], at)
    const delivery = deliveryOf(given)
    if (health === 'publish') {
      const published = this.publish(id, fields, path, idPath)
      return published === null ? null : { ...published, ...delivery }
    }
    if (!this.current.has(id)) return source.fault(idPath, `no event of this id was published before${meant(id, this.current)}`)
    if (health !== 'withdraw') return { verb: health, id, event: fields ?? {}, ...delivery }
    this.current.delete(id)
    const stray = (['event', ...DELIVERY] as const).find((key) => given[key] !== undefined)
    return stray === undefined
      ? { verb: 'withdraw', id }
      : source.fault([...path, stray], '`health: withdraw` takes only an `id`', 'key')
  }

  private publish(id: string, fields: EventFields | null, path: Path, idPath: Path): Publish | null {
    const { source } = this
    if (this.current.has(id)) return source.fault(idPath, 'an event of this id was published before')
    this.current.add(id)
    this.ever.add(id)
    if (this.ever.size === MAX_PUBLISHED + 1) source.fault(idPath, `expected at most ${MAX_PUBLISHED} events of AWS Health`)
    if (this.ever.size > MAX_PUBLISHED) return null
    if (fields === null) return source.fault(path, '`health: publish` needs an `event`')
    const { service } = fields
    return service === undefined
      ? source.fault([...path, 'event'], 'it needs its `service`')
      : { verb: 'publish', id, event: { ...fields, service } }
  }

  private fields(event: EventGiven, path: Path, at: number): EventFields {
    const { id: _, start, updated, ...rest } = event
    const given = Object.entries(rest).filter(([, value]) => value !== undefined)
    return {
      ...Object.fromEntries(given),
      ...(start === undefined ? {} : { start: this.source.start + this.source.sinceStart(start) }),
      ...(updated === undefined ? {} : { updated: this.notAhead(updated, [...path, 'updated'], at) }),
    }
  }

  private notAhead(moment: Moment, path: Path, at: number): Instant {
    const since = this.source.sinceStart(moment)
    if (since > at) this.source.fault(path, 'an event cannot have been updated later than it is seen')
    return this.source.start + since
  }
}

function deliveryOf({ delay, copies }: HappeningGiven): Pick<Publish, 'delivery'> {
  return delay === undefined && copies === undefined ? {} : { delivery: { delayMs: delay ?? 0, copies: copies ?? 1 } }
}

function meant(id: string, known: ReadonlySet<string>): string {
  const likely = nearest(id, known)
  return likely === null ? '' : `; did you mean \`${likely}\`?`
}

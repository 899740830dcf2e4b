import { counted } from '../domain/counted.ts'
import { type HealthReading, SOURCES, type Source, type SourceState } from '../domain/outage.ts'
import type { Instant } from '../domain/probe.ts'
import { foreign } from '../email/foreign.ts'
import type { Tone } from '../email/opening.ts'
import { ago, clockTime, SENTENCE } from './phrase.ts'
import type { View } from './view.ts'

/** Something that Alibi asks besides AWS Account, and its last answer. */
export type SourceRow = Readonly<{ name: string; state: string; tone: Tone; age: string; detail: string }>

const TITLE: Readonly<Record<Source, string>> = {
  api: 'AWS Health API',
  dashboard: 'Public AWS Health Dashboard',
  queue: 'AWS Health events by EventBridge (queue)',
}
const NOT_ASKED = { state: 'not asked yet', tone: 'plain', age: '', detail: '' } as const

/** The sources of AWS Health in each partition, and the control host. */
export function sourceRows(view: View, now: Instant): readonly SourceRow[] {
  const partitions = [...new Set([...view.setup.monitors.values()].map(({ partition }) => partition))]
  const rows = partitions.flatMap((partition) => {
    const reading = view.readings.get(partition)
    const shown = SOURCES.filter((source) => source !== 'queue' || reading?.sources.queue !== undefined)
    return shown.map((source): SourceRow => {
      const name = partitions.length > 1 ? `${TITLE[source]}, ${partition}` : TITLE[source]
      return { name, ...(reading === undefined ? NOT_ASKED : answerOf(reading, source, now)) }
    })
  })
  return [...rows, { name: 'Control host', ...controlHost(view, now) }]
}

type Answer = Omit<SourceRow, 'name'>

function answerOf({ events, sources }: HealthReading, source: Source, now: Instant): Answer {
  const said: SourceState | undefined = sources[source]
  if (said === undefined) return NOT_ASKED
  const { state, at, skipped, detail, events: count, unproven } = said
  const rest = { age: at === null ? '' : ago(at, now), detail: foreign(detail, SENTENCE) }
  switch (state) {
    case 'answered': {
      const open = events.filter((event) => event.status === 'open' && event.sources.includes(source)).length
      const unreadable = skipped === 0 ? '' : `, ${skipped} unreadable`
      const text = `answered: ${counted(count, 'event')}, ${open} open${unreadable}`
      return { state: text, tone: skipped === 0 && unproven !== true ? 'good' : 'warn', ...rest }
    }
    case 'refused':
      return { state: 'refuses to answer', tone: 'warn', ...rest }
    case 'unavailable':
      return { state: 'could not be asked', tone: 'warn', ...rest }
    case 'off':
      return { state: 'off', tone: 'plain', ...rest }
  }
}

function controlHost({ world }: View, now: Instant): Answer {
  const { failures, failingSince, lastAt, everReached } = world.connectivity
  if (lastAt === null) return NOT_ASKED
  const age = ago(lastAt, now)
  if (failures === 0) return { state: 'answered', tone: 'good', age, detail: '' }
  const since = failingSince === null ? '' : ` since ${clockTime(failingSince, now)}`
  return {
    state: `${counted(failures, 'call')} failed${since}`,
    tone: 'warn',
    age,
    detail: everReached ? '' : 'never answered since Alibi started',
  }
}

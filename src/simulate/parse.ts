import type { Config } from '../config/config.ts'
import { durationText } from '../config/duration.ts'
import { type Fault, tidyFaults } from '../config/fault.ts'
import { type KeyHome, keyHomes } from '../config/key-homes.ts'
import { schemaFaults } from '../config/schema-faults.ts'
import { parseTree } from '../config/tree.ts'
import { yamlOf } from '../config/yaml-text.ts'
import { counted } from '../domain/counted.ts'
import { DAY_MS } from '../domain/probe.ts'
import { expectationOf } from './expectations.ts'
import { HappeningReader } from './happenings.ts'
import { PublishedEvents } from './published.ts'
import type { Happening, Scenario } from './scenario.ts'
import { ScenarioSource } from './scenario-source.ts'
import { ScenarioSchema } from './schema.ts'
import { checkTargets } from './targets.ts'

/** A year in which little happens is played within a minute. Beyond it somebody mistook a unit. */
const MAX_LENGTH_MS = 366 * DAY_MS
/** Ten thousand events have this many. */
const MAX_LEXEMES = 300_000

export type ParsedFile = Readonly<{ ok: true; scenario: Scenario }> | Readonly<{ ok: false; faults: readonly Fault[] }>

export type ParseOptions = Readonly<{
  /** The user's own configuration, in place of the simulator's and of the scenario's. */
  own?: Config
}>

/** Reads a scenario, or says everything that is wrong with it at once. */
export function parseScenario(text: string, file: string, { own }: ParseOptions = {}): ParsedFile {
  const nothingOutside = { env: {}, files: new Map() }
  const { tree, faults } = parseTree(yamlOf(text, MAX_LEXEMES), nothingOutside, Object.keys(ScenarioSchema.shape))
  if (tree === null) return { ok: false, faults: tidyFaults(faults.map(aboutScenario), []) }
  const parsed = ScenarioSchema.safeParse(tree.root)
  if (!parsed.success)
    return { ok: false, faults: tidyFaults([...faults, ...schemaFaults(parsed.error.issues, tree, homeOf)], []) }
  const { title, start, length, events, expect, config: part = {} } = parsed.data
  const source = new ScenarioSource(tree, { file, start, lengthMs: length }, [...faults])
  if (length <= 0 || length > MAX_LENGTH_MS)
    source.fault(['length'], `expected a duration from 1ms to ${durationText(MAX_LENGTH_MS)}`)
  const published = new PublishedEvents(source)
  const reader = new HappeningReader(source, published, own ?? null)
  const config = reader.config(['config'])
  const happenings = reader.read(events)
  checkTargets(source, events, reader.configs)
  const expectations = expect.flatMap((given, i) => expectationOf(given, ['expect', i], source, published) ?? [])
  if (config === null || source.faults.length > 0) return { ok: false, faults: tidyFaults(source.faults, []) }
  const notes = [
    ...(own === undefined ? [] : [ownNote(part, happenings)]),
    ...(['monitor', 'probe'] as const).flatMap((what) => {
      const count = reader.unheard.filter((one) => one === what).length
      return leftOut(count, 'silence', `for a ${what} that your configuration does not have`)
    }),
    ...leftOut(happenings.filter(({ at }) => at > length).length, 'event', 'after the end'),
  ]
  return { ok: true, scenario: { file, title, start, lengthMs: length, config, happenings, expectations, notes } }
}

function ownNote(part: object, happenings: readonly Happening[]): string {
  const ignored = [
    ...(Object.keys(part).length > 0 ? ['`config`'] : []),
    ...(happenings.some(({ deed }) => deed.verb === 'reload') ? ['`reload`'] : []),
  ]
  return `played with your own configuration${ignored.length === 0 ? '' : `: its ${ignored.join(' and ')} is ignored`}`
}

function leftOut(count: number, what: string, why: string): readonly string[] {
  return count === 0 ? [] : [`${counted(count, what)} left out: ${why}`]
}

const inConfig = keyHomes('config')
/** Of the configuration's keys, at the top of a scenario. Further down nobody knows what was meant. */
const homeOf: KeyHome = (key, path) => (path.length === 0 ? inConfig(key, path) : null)

/** Two sentences of the configuration's reader name its own keys. */
function aboutScenario(fault: Fault): Fault {
  if (fault.message.startsWith('the file is empty'))
    return { ...fault, message: 'the file is empty: a scenario needs `title`, `start` and `length`' }
  if (fault.message.startsWith('expected a mapping of keys'))
    return { ...fault, message: 'expected a mapping with `title`, `start`, `length`, `events`, `expect`' }
  return fault
}

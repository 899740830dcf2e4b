import type { Config } from '../config/config.ts'
import { durationText } from '../config/duration.ts'
import { readScope } from '../config/silence-scope.ts'
import { type Path, valueAt } from '../config/tree.ts'
import { DAY_MS } from '../domain/probe.ts'
import { MAX_SILENCE_MS, whyNotFrom } from '../domain/silence.ts'
import { configAt, simulatorsConfig } from './merged.ts'
import type { PublishedEvents } from './published.ts'
import type { Deed, Happening } from './scenario.ts'
import type { ScenarioSource } from './scenario-source.ts'
import type { HappeningGiven } from './schema.ts'

/** Each is a whole configuration, and another session of the daemon. */
const MAX_RELOADS = 200
const MAX_JUMP_MS = 7 * DAY_MS
const VERBS = [
  'account',
  'service',
  'health',
  'dashboard',
  'queue',
  'network',
  'smtp',
  'disk',
  'daemon',
  'reload',
  'clock',
  'silence',
  'ack',
] as const

const HAS_NAME = {
  monitor: 'there is no monitor of this name',
  account: 'no probe asks for this account',
  operation: 'no probe calls this operation',
  region: 'no probe calls another service in this region',
} as const

/** Reads what happens in a scenario, and checks that it can happen. */
export class HappeningReader {
  private readonly source: ScenarioSource
  private readonly events: PublishedEvents
  /** The user's own configuration, in place of those in the file; `null` if there is none. */
  private readonly own: Config | null
  private daemonRuns = true
  private reloads = 0
  /** The configurations in the file so far, the newest last. */
  readonly configs: Config[] = []
  /** Silences about what the user's own configuration does not have. */
  readonly unheard: ('monitor' | 'probe')[] = []

  constructor(source: ScenarioSource, events: PublishedEvents, own: Config | null) {
    this.source = source
    this.events = events
    this.own = own
  }

  /** The configuration at that place; `null` if it is faulty. */
  config(path: Path): Config | null {
    const { source, own } = this
    if (own !== null) return own
    const composed =
      source.tree.entryAt(path) === undefined
        ? { ok: true as const, config: simulatorsConfig(source.start) }
        : configAt(source.tree, path, source.file, source.start)
    if (composed.ok) {
      this.configs.push(composed.config)
      return composed.config
    }
    source.faults.push(...composed.faults)
    return null
  }

  /** In the order of time; what happens at the same moment, in the order of the file. */
  read(given: readonly HappeningGiven[]): readonly Happening[] {
    const timed = given.map((one, index) => {
      const path: Path = ['events', index]
      return { one, path, at: this.source.notBefore(one.at, [...path, 'at']) }
    })
    return timed
      .sort((a, b) => a.at - b.at)
      .flatMap(({ one, path, at }) => {
        const deed = this.deed(one, path, at)
        return deed === null ? [] : [{ at, deed }]
      })
  }

  private deed(given: HappeningGiven, path: Path, at: number): Deed | null {
    const { source } = this
    const [verb, second] = VERBS.filter((one) => given[one] !== undefined)
    if (verb === undefined) {
      const [last, ...others] = VERBS.map((one) => `\`${one}\``).toReversed()
      return source.fault(path, `nothing happens here: expected ${others.toReversed().join(', ')} or ${last}`)
    }
    if (second !== undefined)
      return source.fault([...path, second], `only one thing happens in an event, and \`${verb}\` is here already`, 'key')
    const stray = (['event', 'id', 'delay', 'copies'] as const).find((key) => verb !== 'health' && given[key] !== undefined)
    if (stray !== undefined) return source.fault([...path, stray], 'it belongs to `health`', 'key')
    const { account, service, health, dashboard, queue, network, smtp, disk, daemon, clock, silence, ack } = given
    if (account !== undefined) return accountDeed(account)
    if (service !== undefined) return serviceDeed(service)
    if (health !== undefined) return this.events.deed(given, health, path, at)
    if (dashboard !== undefined) return { verb: 'dashboard', state: dashboard }
    if (queue !== undefined) return { verb: 'queue', state: queue }
    if (network !== undefined) return { verb: 'network', up: network === 'up' }
    if (smtp !== undefined) return { verb: 'smtp', state: smtp }
    if (disk !== undefined) return { verb: 'disk', full: disk === 'full' }
    if (daemon !== undefined) return this.order(daemon, [...path, 'daemon'])
    if (clock !== undefined) return this.jump(clock, [...path, 'clock'])
    if (silence !== undefined) return this.silence(silence, [...path, 'silence'], at)
    return ack === undefined ? this.reload([...path, 'reload']) : { verb: 'ack' }
  }

  private order(order: 'kill' | 'stop' | 'start', path: Path): Deed | null {
    const starts = order === 'start'
    if (starts === this.daemonRuns)
      return this.source.fault(path, starts ? 'the daemon is running already' : 'the daemon is not running')
    this.daemonRuns = starts
    return { verb: 'daemon', order }
  }

  private jump(byMs: number, path: Path): Deed | null {
    if (Math.abs(byMs) > MAX_JUMP_MS) return this.source.fault(path, `expected a jump of at most ${durationText(MAX_JUMP_MS)}`)
    return { verb: 'clock', byMs }
  }

  private silence(given: NonNullable<HappeningGiven['silence']>, path: Path, at: number): Deed | null {
    const { monitor, account, operation, region, from = null, for: forMs, reason, by = 'operator' } = given
    const { source, own } = this
    const why = from === null ? null : whyNotFrom(source.sinceStart(from), at)
    if (why !== null) return source.fault([...path, 'from'], why)
    if (forMs <= 0 || forMs > MAX_SILENCE_MS)
      return source.fault([...path, 'for'], `expected a duration of at most ${durationText(MAX_SILENCE_MS)}`)
    const config = own ?? this.configs.at(-1)
    if (config === undefined) return null
    const read = readScope({ monitor, account, operation, region }, config.monitors, config.discoveries.length > 0)
    if (read.result === 'covers') return { verb: 'silence', scope: read.scope, from, forMs, reason, by }
    if (own !== null) {
      this.unheard.push(read.result === 'unknown' && read.unknown.key === 'monitor' ? 'monitor' : 'probe')
      return null
    }
    if (read.result === 'nothing') return source.fault(path, 'it would cover nothing: no probe matches all of it then', 'key')
    const { key, index, meant } = read.unknown
    const isList = Array.isArray(valueAt([...path, key], source.tree.root))
    return source.fault(
      isList ? [...path, key, index] : [...path, key],
      `${HAS_NAME[key]} then${meant === null ? '' : `; did you mean \`${meant}\`?`}`,
    )
  }

  private reload(path: Path): Deed | null {
    this.reloads += 1
    if (this.reloads === MAX_RELOADS + 1) this.source.fault(path, `expected at most ${MAX_RELOADS} reloads`, 'key')
    if (this.reloads > MAX_RELOADS) return null
    if (this.own !== null) return { verb: 'reload', config: null }
    const config = this.config(path)
    return config === null ? null : { verb: 'reload', config }
  }
}

function accountDeed(account: NonNullable<HappeningGiven['account']>): Deed {
  if (typeof account === 'string') return { verb: 'account', answer: account, operation: null, account: null }
  return { verb: 'account', answer: account.answer, operation: account.operation ?? null, account: account.account ?? null }
}

function serviceDeed(given: NonNullable<HappeningGiven['service']>): Deed {
  const { answer, service = null, operation = null, region = null } = typeof given === 'string' ? { answer: given } : given
  return { verb: 'service', answer, service, operation, region }
}

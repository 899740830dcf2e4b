import type { Config } from '../config/config.ts'
import { durationText } from '../config/duration.ts'
import { type Fault, tidyFaults } from '../config/fault.ts'
import { withFound } from '../config/found.ts'
import { type KeyHome, keyHomes } from '../config/key-homes.ts'
import { nearest } from '../config/nearest.ts'
import { schemaFaults } from '../config/schema-faults.ts'
import { type Path, parseTree, type Tree } from '../config/tree.ts'
import { yamlOf } from '../config/yaml-text.ts'
import { DAY_MS, HOUR_MS, type Instant, isServiceCall } from '../domain/probe.ts'
import { configAt, simulatorsConfig } from './merged.ts'
import type { Deed, EventFields, Expectation, Happening, Scenario, Span } from './scenario.ts'
import { type EventGiven, type ExpectationGiven, type HappeningGiven, type Moment, ScenarioSchema } from './schema.ts'

/** A story of two months is played in a quarter of a minute; beyond it somebody mistook a unit. */
const MAX_LENGTH_MS = 62 * DAY_MS
/** Each is a whole configuration, and another session of the daemon. */
const MAX_RELOADS = 200
/** Events of AWS Health: all of a bad year. Each failing probe is judged by each that is open. */
const MAX_PUBLISHED = 500
/** Ten thousand events take so many. */
const MAX_LEXEMES = 300_000
const MAX_JUMP_MS = 7 * DAY_MS

export type ParsedFile = Readonly<{ ok: true; scenario: Scenario }> | Readonly<{ ok: false; faults: readonly Fault[] }>

export type ParseOptions = Readonly<{
  /** The user's own configuration, in place of the simulator's and of the scenario's. */
  own?: Config
}>

/** Reads a scenario, or says everything that is wrong with it at once. */
export function parseScenario(source: string, file: string, options: ParseOptions = {}): ParsedFile {
  const { tree, faults } = parseTree(
    yamlOf(source, MAX_LEXEMES),
    { env: {}, files: new Map() },
    Object.keys(ScenarioSchema.shape),
  )
  if (tree === null) return { ok: false, faults: tidyFaults(faults.map(aboutScenario), []) }
  const parsed = ScenarioSchema.safeParse(tree.root)
  const found = [...faults]
  if (!parsed.success)
    return { ok: false, faults: tidyFaults([...found, ...schemaFaults(parsed.error.issues, tree, homeOf)], []) }
  const { title, start, length, events, expect } = parsed.data
  const reader = new Reader(tree, start, length, found)
  reader.bounds(['length'], length, MAX_LENGTH_MS)
  const config = reader.config(['config'], file, options.own)
  const happenings = reader.happenings(events, file, config, options.own)
  const expectations = expect.flatMap((given, i) => reader.expectation(given, ['expect', i]) ?? [])
  if (config === null || found.length > 0) return { ok: false, faults: tidyFaults(found, []) }
  const notes: string[] = []
  if (options.own !== undefined) {
    const aside = [
      ...(Object.keys(parsed.data.config ?? {}).length > 0 ? ['`config`'] : []),
      ...(happenings.some(({ deed }) => deed.verb === 'reload') ? ['`reload`'] : []),
    ]
    notes.push(`played by your own configuration${aside.length === 0 ? '' : `: its ${aside.join(' and ')} is set aside`}`)
  }
  const { unheard } = reader
  if (unheard > 0)
    notes.push(
      `${unheard === 1 ? '1 silence is' : `${unheard} silences are`} over a monitor that your configuration does not have, and left out`,
    )
  const late = happenings.filter(({ at }) => at > length).length
  if (late > 0)
    notes.push(
      `${late === 1 ? '1 event lies after its end and is left out' : `${late} events lie after its end and are left out`}`,
    )
  return { ok: true, scenario: { file, title, start, lengthMs: length, config, happenings, expectations, notes } }
}

const inConfig = keyHomes('config')
/** Of the configuration's keys, at the top of a scenario; further down it is not known what was meant. */
const homeOf: KeyHome = (key, path) => (path.length === 0 ? inConfig(key, path) : null)

/** Two sentences of the configuration's reader speak of its own keys. */
function aboutScenario(fault: Fault): Fault {
  if (fault.message.startsWith('the file is empty'))
    return { ...fault, message: 'the file is empty: a scenario needs `title`, `start` and `length`' }
  if (fault.message.startsWith('expected a mapping of keys'))
    return { ...fault, message: 'expected a mapping with `title`, `start`, `length`, `events`, `expect`' }
  return fault
}

/** Checks what lies between the keys, and brings the file's values into those of a scenario. */
class Reader {
  private readonly tree: Tree
  private readonly start: Instant
  private readonly lengthMs: number
  private readonly faults: Fault[]
  /** Events of AWS Health that are published at this point of the story, and all that ever are. */
  private readonly published = new Set<string>()
  private readonly everPublished = new Set<string>()
  private daemonRuns = true
  private reloads = 0
  private asks: Readonly<Record<'operations' | 'accounts' | 'pairs', ReadonlySet<string>>> | null = null
  /** What stands in the file so far, the newest last; of the user's own nothing is known to be wrong. */
  private readonly configs: Config[] = []
  /** Silences over a monitor that the user's own configuration does not have. */
  unheard = 0

  constructor(tree: Tree, start: Instant, lengthMs: number, faults: Fault[]) {
    this.tree = tree
    this.start = start
    this.lengthMs = lengthMs
    this.faults = faults
  }

  bounds(path: Path, ms: number, most: number): void {
    if (ms <= 0 || ms > most) this.tell(path, `expected a duration from 1ms to ${durationText(most)}`)
  }

  config(path: Path, file: string, own: Config | undefined): Config | null {
    if (own !== undefined) return own
    if (this.tree.entryAt(path) === undefined) return simulatorsConfig(this.start)
    const composed = configAt(this.tree, path, file, this.start)
    if (composed.ok) return composed.config
    this.faults.push(...composed.faults)
    return null
  }

  happenings(
    given: readonly HappeningGiven[],
    file: string,
    begin: Config | null,
    own: Config | undefined,
  ): readonly Happening[] {
    if (begin !== null) this.configs.push(begin)
    const timed = given.map((one, index) => ({
      one,
      path: ['events', index] as Path,
      at: this.notBefore(one.at, ['events', index, 'at']),
    }))
    // In the order of time; what happens at the same moment, in the order of the file.
    timed.sort((a, b) => a.at - b.at)
    const happenings = timed.flatMap(({ one, path, at }) => {
      const deed = this.deed(one, path, at, file, own)
      return deed === null ? [] : [{ at, deed }]
    })
    // AWS may answer before anybody asks: what counts is whether somebody ever does.
    if (own === undefined) {
      for (const { one, path } of timed) {
        this.asked(one, [...path, 'account'])
        this.askedOfService(one, [...path, 'service'])
        this.written(one, [...path, 'smtp'])
      }
    }
    return happenings
  }

  /** Says so where no probe would ever get this answer. */
  private asked({ account: given }: HappeningGiven, path: Path): void {
    const isListed = this.configs.some(({ discoveries }) => discoveries.length > 0)
    if (given === undefined || typeof given === 'string' || isListed || this.configs.length === 0) return
    const { operation, account } = given
    const { operations, accounts, pairs } = this.allProbes()
    if (operation !== undefined && !operations.has(operation))
      this.tell([...path, 'operation'], `no probe makes this call: expected ${listed(operations)}`)
    else if (account !== undefined && !accounts.has(account))
      this.tell([...path, 'account'], `no probe asks for this account: expected ${listed(accounts)}`)
    else if (operation !== undefined && account !== undefined && !pairs.has(`${operation} ${account}`))
      this.tell(path, 'no probe makes this call for this account')
  }

  /** The same of other services. */
  private askedOfService({ service: given }: HappeningGiven, path: Path): void {
    if (given === undefined || this.configs.length === 0) return
    const calls = this.configs
      .flatMap(({ monitors }) => monitors.flatMap(({ probes }) => probes.map(({ call }) => call)))
      .filter(isServiceCall)
    if (calls.length === 0) return void this.tell(path, 'no probe asks any other service than Account', 'key')
    if (typeof given === 'string') return
    const parts = calls.map(({ operation, region }) => {
      const [service = '', name = ''] = operation.split(':')
      return { service, operation: name, region }
    })
    let left = parts
    for (const key of ['service', 'operation', 'region'] as const) {
      const wanted = given[key]
      const known = new Set(left.map((part) => part[key]))
      if (wanted === undefined) continue
      left = left.filter((part) => part[key] === wanted)
      if (left.length === 0) return void this.tell([...path, key], `no probe makes such a call: expected ${listed(known)}`)
    }
  }

  /** Says so where no mail would ever go to an address of which the mail server has something to say. */
  private written({ smtp }: HappeningGiven, path: Path): void {
    if (smtp === undefined || typeof smtp === 'string' || this.configs.length === 0) return
    const known = new Set(this.configs.flatMap(({ recipients }) => recipients.flatMap(({ to }) => to.map(folded))))
    for (const key of ['refuse', 'defer'] as const) {
      for (const [i, address] of smtp[key].entries())
        if (!known.has(folded(address))) this.tell([...path, key, i], `no recipient has this address: expected ${listed(known)}`)
    }
  }

  /** What the probes of all configurations ask for: read once, when all of them are known. */
  private allProbes() {
    if (this.asks !== null) return this.asks
    const probes = this.configs.flatMap(({ monitors }) => monitors.flatMap((monitor) => monitor.probes))
    this.asks = {
      operations: new Set(probes.map((probe) => probe.call.operation)),
      accounts: new Set(probes.map((probe) => probe.account)),
      pairs: new Set(probes.map((probe) => `${probe.call.operation} ${probe.account}`)),
    }
    return this.asks
  }

  private deed(given: HappeningGiven, path: Path, at: number, file: string, own: Config | undefined): Deed | null {
    const verbs = (
      [
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
    ).filter((verb) => given[verb] !== undefined)
    const [verb, second] = verbs
    if (verb === undefined)
      return this.tell(
        path,
        'nothing happens here: expected `account`, `service`, `health`, `dashboard`, `queue`, `network`, `smtp`, `disk`, `daemon`, `reload`, `clock`, `silence` or `ack`',
      )
    if (second !== undefined)
      return this.tell([...path, second], `one thing happens at a time: \`${verb}\` stands here already`, 'key')
    if (verb !== 'health') {
      for (const key of ['event', 'id', 'delay', 'copies'] as const)
        if (given[key] !== undefined) return this.tell([...path, key], 'it goes with `health`', 'key')
    }
    const { account, service, health, dashboard, network, smtp, disk, daemon, clock, silence } = given
    if (account !== undefined) {
      return typeof account === 'string'
        ? { verb: 'account', answer: account, operation: null, account: null }
        : { verb: 'account', answer: account.answer, operation: account.operation ?? null, account: account.account ?? null }
    }
    if (service !== undefined) {
      const whom = typeof service === 'string' ? { answer: service } : service
      return {
        verb: 'service',
        answer: whom.answer,
        service: whom.service ?? null,
        operation: whom.operation ?? null,
        region: whom.region ?? null,
      }
    }
    if (health !== undefined) return this.health(given, health, path, at)
    if (dashboard !== undefined) return { verb: 'dashboard', state: dashboard }
    if (given.queue !== undefined) return { verb: 'queue', state: given.queue }
    if (network !== undefined) return { verb: 'network', up: network === 'up' }
    if (smtp !== undefined) return { verb: 'smtp', state: smtp }
    if (disk !== undefined) return { verb: 'disk', full: disk === 'full' }
    if (daemon !== undefined) return this.order(daemon, path)
    if (clock !== undefined) {
      if (Math.abs(clock) > MAX_JUMP_MS)
        return this.tell([...path, 'clock'], `expected a jump of at most ${durationText(MAX_JUMP_MS)}`)
      return { verb: 'clock', byMs: clock }
    }
    if (silence !== undefined) return this.silence(silence, [...path, 'silence', 'monitor'], own)
    if (given.ack !== undefined) return { verb: 'ack' }
    this.reloads += 1
    if (this.reloads === MAX_RELOADS + 1) this.tell([...path, 'reload'], `expected at most ${MAX_RELOADS} reloads`, 'key')
    if (this.reloads > MAX_RELOADS) return null
    if (own !== undefined) return { verb: 'reload', config: null }
    const config = this.config([...path, 'reload'], file, own)
    if (config === null) return null
    this.configs.push(config)
    return { verb: 'reload', config }
  }

  private silence(given: NonNullable<HappeningGiven['silence']>, path: Path, own: Config | undefined): Deed | null {
    const { monitor = null, for: forMs, reason } = given
    const inForce = this.configs.at(-1)
    const names = inForce?.monitors.map(({ name }) => name) ?? []
    if (inForce === undefined || monitor === null || names.includes(monitor)) return { verb: 'silence', monitor, forMs, reason }
    if (own === undefined) {
      const meant = nearest(monitor, names)
      return this.tell(path, `there is no monitor of this name then${meant === null ? '' : `; did you mean \`${meant}\`?`}`)
    }
    this.unheard += 1
    return null
  }

  private order(order: 'kill' | 'stop' | 'start', path: Path): Deed | null {
    const starts = order === 'start'
    if (starts === this.daemonRuns)
      return this.tell([...path, 'daemon'], starts ? 'the daemon is running already' : 'the daemon is not running')
    this.daemonRuns = starts
    return { verb: 'daemon', order }
  }

  private health(given: HappeningGiven, health: NonNullable<HappeningGiven['health']>, path: Path, at: number): Deed | null {
    const { event, id: outer } = given
    if (health !== 'publish' && health !== 'update' && health !== 'close' && health !== 'withdraw') {
      for (const key of ['event', 'id', 'delay', 'copies'] as const)
        if (given[key] !== undefined) return this.tell([...path, key], `\`health: ${health}\` takes none`, 'key')
      return { verb: 'api', state: health }
    }
    const id = outer ?? event?.id
    const idPath = outer === undefined && event?.id !== undefined ? [...path, 'event', 'id'] : [...path, 'id']
    if (id === undefined) return this.tell(path, `\`health: ${health}\` needs an \`id\``)
    if (outer !== undefined && event?.id !== undefined && outer !== event.id)
      return this.tell([...path, 'event', 'id'], 'another id stands beside the event')
    const fields = event === undefined ? {} : this.fields(event, [...path, 'event'], at)
    const { delay, copies } = given
    const isDelivered = delay !== undefined || copies !== undefined
    const delivery = isDelivered ? { delivery: { delayMs: delay ?? 0, copies: copies ?? 1 } } : {}
    if (health === 'publish') {
      if (this.published.has(id)) return this.tell(idPath, 'an event of this id was published before')
      this.published.add(id)
      this.everPublished.add(id)
      if (this.everPublished.size === MAX_PUBLISHED + 1)
        this.tell(idPath, `expected at most ${MAX_PUBLISHED} events of AWS Health`)
      if (this.everPublished.size > MAX_PUBLISHED) return null
      if (event === undefined) return this.tell(path, '`health: publish` needs an `event`')
      const { service } = fields
      return service === undefined
        ? this.tell([...path, 'event'], 'it needs its `service`')
        : { verb: 'publish', id, event: { ...fields, service }, ...delivery }
    }
    if (!this.published.has(id)) {
      const meant = nearest(id, this.published)
      return this.tell(idPath, `no event of this id was published before${meant === null ? '' : `; did you mean \`${meant}\`?`}`)
    }
    if (health === 'withdraw') {
      if (isDelivered)
        return this.tell([...path, delay === undefined ? 'copies' : 'delay'], '`health: withdraw` takes only an `id`', 'key')
      this.published.delete(id)
      return event === undefined
        ? { verb: 'withdraw', id }
        : this.tell([...path, 'event'], '`health: withdraw` takes only an `id`', 'key')
    }
    return { verb: health, id, event: fields, ...delivery }
  }

  private fields(event: EventGiven, path: Path, at: number): EventFields {
    const { service, region, category, code, scope, text, impacted, start, updated } = event
    return {
      ...(service === undefined ? {} : { service }),
      ...(region === undefined ? {} : { region }),
      ...(category === undefined ? {} : { category }),
      ...(code === undefined ? {} : { code }),
      ...(scope === undefined ? {} : { scope }),
      ...(text === undefined ? {} : { text }),
      ...(impacted === undefined ? {} : { impacted }),
      ...(start === undefined ? {} : { start: this.start + this.sinceStart(start) }),
      ...(updated === undefined ? {} : { updated: this.notAhead(updated, [...path, 'updated'], at) }),
      ...(event.in === undefined ? {} : { in: event.in }),
    }
  }

  private notAhead(moment: Moment, path: Path, at: number): Instant {
    const since = this.sinceStart(moment)
    if (since > at) this.tell(path, 'an update cannot lie ahead of the moment at which it is seen')
    return this.start + since
  }

  expectation(given: ExpectationGiven, path: Path): Expectation | null {
    const verbs = (['mail', 'mails', 'no-mail', 'suppressed', 'verdict', 'incident'] as const).filter(
      (verb) => given[verb] !== undefined,
    )
    const [verb, second] = verbs
    if (verb === undefined) return this.tell(path, 'expected `mail`, `mails`, `no-mail`, `suppressed`, `verdict` or `incident`')
    if (second !== undefined)
      return this.tell([...path, second], `each expectation stands alone: \`${verb}\` stands here already`, 'key')
    const belongs: Readonly<Record<string, readonly string[]>> = {
      mail: ['between', 'to', 'contains'],
      verdict: ['at'],
      incident: ['at'],
    }
    for (const key of ['between', 'to', 'contains', 'at'] as const) {
      if (given[key] !== undefined && !belongs[verb]?.includes(key)) {
        return this.tell(
          [...path, key],
          key === 'between' ? `\`${verb}\` holds it inside: \`${verb}: { between: … }\`` : `\`${verb}\` does not take it`,
          'key',
        )
      }
    }
    const line = this.tree.fault(path, '').line
    const moment = (): number | null =>
      given.at === undefined ? this.tell(path, `\`${verb}\` needs an \`at\``) : this.within(given.at, [...path, 'at'])
    if (given.mail !== undefined) {
      if (given.between === undefined) return this.tell(path, '`mail` needs `between`: when it is delivered')
      return {
        line,
        what: 'mail',
        kind: given.mail,
        between: this.span(given.between, [...path, 'between']),
        to: given.to ?? null,
        contains: given.contains ?? null,
      }
    }
    if (given.mails !== undefined) return { line, what: 'mails', count: given.mails }
    if (given['no-mail'] !== undefined)
      return { line, what: 'no-mail', between: this.span(given['no-mail'].between, [...path, 'no-mail', 'between']) }
    if (given.suppressed !== undefined) {
      const { by, between } = given.suppressed
      if (!this.everPublished.has(by)) {
        const meant = nearest(by, this.everPublished)
        return this.tell(
          [...path, 'suppressed', 'by'],
          `no event of this id is published${meant === null ? '' : `; did you mean \`${meant}\`?`}`,
        )
      }
      return { line, what: 'suppressed', by, between: this.span(between, [...path, 'suppressed', 'between']) }
    }
    const at = moment()
    if (at === null) return null
    if (given.verdict !== undefined) return { line, what: 'verdict', verdict: given.verdict, at }
    return given.incident === undefined ? null : { line, what: 'incident', state: given.incident, at }
  }

  private span(given: Readonly<{ from: Moment; to: Moment }>, path: Path): Span {
    // That it may also come later than the story lasts does no harm.
    const span = { from: this.within(given.from, [...path, 0]), to: this.sinceStart(given.to) }
    if (span.to < span.from) this.tell(path, 'its end lies before its begin')
    return span
  }

  /** What would happen after the end is left out, with a note: a story is often cut short. */
  private notBefore(moment: Moment, path: Path): number {
    const since = this.sinceStart(moment)
    return since < 0 ? this.within(moment, path) : since
  }

  /** A moment within the story, in milliseconds since its start. */
  private within(moment: Moment, path: Path): number {
    const since = this.sinceStart(moment)
    if (since < 0 || since > this.lengthMs)
      this.tell(
        path,
        `it lies outside the story, which lasts ${durationText(this.lengthMs)}${since > this.lengthMs && since < this.lengthMs + HOUR_MS ? ' (make `length` longer)' : ''}`,
      )
    return since
  }

  private sinceStart(moment: Moment): number {
    return 'since' in moment ? moment.since : moment.instant - this.start
  }

  private tell(path: Path, message: string, at: 'key' | 'value' = 'value'): null {
    this.faults.push(this.tree.fault(path, at === 'key' ? message : withFound(message, path, this.tree), at))
    return null
  }
}

const MAX_LISTED = 5

function listed(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, MAX_LISTED).map((name) => `\`${name}\``)
  return `${shown.join(', ')}${names.size > MAX_LISTED ? ` or one of ${names.size - MAX_LISTED} more` : ''}`
}

function folded(address: string): string {
  return address.toLowerCase()
}

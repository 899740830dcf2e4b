import type { Config } from '../../src/config/config.ts'
import type { Operation, Probe } from '../../src/domain/probe.ts'
import { type Covered, covers, type Scope } from '../../src/domain/scope.ts'
import type { Answer } from '../../src/simulate/answers.ts'
import type { Drawn, Posted } from './draw.ts'
import type { Lived } from './live.ts'

export const MINUTE = 60_000

/** True time since the start, in milliseconds; `to` is the first moment that is no longer part of it. */
export type Span = Readonly<{ from: number; to: number }>
/** While a silence lasted at the longest, and since when it had been ordered. */
export type Silenced = Span & Readonly<{ ordered: number; scope: Scope }>
/** A probe that truly fails, in one way, without a break. */
export type Failing = Span & Readonly<{ family: 'outage' | 'misconfigured'; services: ReadonlySet<'ACCOUNT' | 'STS'> }>
type Meaning = 'ok' | 'throttled' | 'outage' | 'misconfigured'

/** Operations for which ResourceNotFoundException is an answer like any other (docs/rules.md, Failure kinds). */
const MAY_BE_ABSENT: readonly Operation[] = ['GetAlternateContact', 'GetContactInformation']
const MEANING: Readonly<Record<Answer, Meaning>> = {
  ok: 'ok',
  InternalServerException: 'outage',
  '500': 'outage',
  '503-html': 'outage',
  '200-garbage': 'outage',
  timeout: 'outage',
  reset: 'outage',
  refused: 'outage',
  'sts-500': 'outage',
  // Not drawn: what these mean depends on whether the host has answered before (`src/domain/connectivity.test.ts`).
  'no-such-name': 'outage',
  'bad-certificate': 'outage',
  'proxy-407': 'outage',
  '429': 'throttled',
  AccessDeniedException: 'misconfigured',
  ValidationException: 'misconfigured',
  ExpiredTokenException: 'misconfigured',
  ResourceNotFoundException: 'misconfigured',
}

function meaningOf(answer: Answer, operation: string): Meaning {
  if (answer === 'ResourceNotFoundException' && MAY_BE_ABSENT.some((one) => one === operation)) return 'ok'
  return MEANING[answer]
}

/**
 * What was true in a history, worked out from what was drawn (and from when the daemon was killed), never from what Alibi
 * came to think of it.
 */
export class Truth {
  readonly end: number
  readonly jumps: readonly Readonly<{ at: number; byMs: number }>[]
  /** When our network, our disk or the daemon itself was down, or the configuration was reloaded. */
  readonly disturbed: readonly Span[]
  readonly cutOff: readonly Span[]
  /** When our disk was full. */
  readonly unwritable: readonly Span[]
  readonly silenced: readonly Silenced[]
  /** Which configuration stood when; a dead daemon reads it when it starts. */
  private readonly configs: readonly Readonly<{ from: number; config: Config }>[]
  private readonly drawn: Drawn
  private readonly asleep: readonly Span[]

  constructor({ drawn, downs }: Lived) {
    const { scenario } = drawn
    this.drawn = drawn
    this.end = scenario.lengthMs
    this.cutOff = this.spansOf((deed) => (deed.verb === 'network' ? !deed.up : null))
    const full = this.spansOf((deed) => (deed.verb === 'disk' ? deed.full : null))
    this.unwritable = full
    const deeds = scenario.happenings
    this.jumps = deeds.flatMap(({ at, deed }) => (deed.verb === 'clock' ? [{ at, byMs: deed.byMs }] : []))
    this.configs = [
      { from: 0, config: scenario.config },
      ...deeds.flatMap(({ at, deed }) =>
        deed.verb === 'reload' && deed.config !== null ? [{ from: at, config: deed.config }] : [],
      ),
    ]
    const reloads = this.configs.map(({ from }) => ({ from, to: from + 15_000 }))
    const jumps = this.jumps.map(({ at }) => ({ from: at, to: at + 1 }))
    this.asleep = downs
    this.disturbed = [...this.cutOff, ...full, ...downs, ...reloads, ...jumps].toSorted((a, b) => a.from - b.from)
    this.silenced = deeds.flatMap(({ at, deed }) => {
      if (deed.verb !== 'silence') return []
      const from = deed.from !== null && 'since' in deed.from ? deed.from.since : at
      return [{ ...this.longestSilence({ from: at, to: from + deed.forMs }, from), ordered: at, scope: deed.scope }]
    })
  }

  /**
   * A silence may last for as much longer as nobody knows that nobody ran, and one that is planned may begin at any time since it
   * was ordered.
   */
  private longestSilence({ from, to }: Span, begin: number): Span {
    const lost = this.asleep.filter((down) => overlaps(down, [{ from, to }])).map((down) => down.to - down.from + NOTICED_WITHIN)
    return this.setUnseen({ from, to }) ? { from, to: lost.reduce((sum, ms) => sum + ms, to) } : { from: begin, to }
  }

  /** Whether beyond doubt some silence covers this probe at that time, and has for long enough that everybody knows. */
  surelySilenced(probe: Covered, at: number): boolean {
    return this.silenced.some(
      ({ from, to, ordered, scope }) =>
        at >= from + SILENCED_WITHIN &&
        at < to &&
        covers(scope, probe) &&
        !this.setUnseen({ from: ordered - 10 * MINUTE, to: at }),
    )
  }

  /**
   * Whether the clock was set at a time at which nobody could notice: how long a dead daemon was dead is not known when its clock
   * was set back meanwhile and the machine was booted, and a clock that was set ahead then looks like a long sleep. What was
   * noticed and could not be written down is lost with the process.
   */
  setUnseen({ from, to }: Span): boolean {
    if (!this.drawn.boots) return false
    const unseen = [...this.asleep, ...this.unwritable].map((span) => ({ from: span.from - NOTICED_WITHIN, to: span.to }))
    return this.jumps.some(({ at }) => at >= from && at < to && overlaps({ from: at, to: at + 1 }, unseen))
  }

  /** Whether our clock was ever behind AWS's until then. */
  private behindUntil(until: number): boolean {
    let offset = 0
    return this.jumps.some(({ at, byMs }) => {
      offset += byMs
      return at < until && offset < 0
    })
  }

  /** Spans in which something of the world is so; `says` tells what a deed makes of it, `null`: nothing. */
  spansOf(says: (deed: Drawn['scenario']['happenings'][number]['deed']) => boolean | null): readonly Span[] {
    const spans: Span[] = []
    let since: number | null = null
    for (const { at, deed } of this.drawn.scenario.happenings) {
      const is = says(deed)
      if (is === true) since ??= at
      if (is === false && since !== null) {
        spans.push({ from: since, to: at })
        since = null
      }
    }
    return since === null ? spans : [...spans, { from: since, to: this.drawn.scenario.lengthMs }]
  }

  /** A reload may lengthen it while it runs. */
  longestExtensionMs(): number {
    return Math.max(...this.configs.map(({ config }) => config.policy.extensionMs))
  }

  configAt(at: number): Config {
    return (this.configs.findLast(({ from }) => from <= at) ?? this.configs[0])?.config ?? this.drawn.scenario.config
  }

  /** Since when, without a break, a monitor notifies this recipient: `Infinity` if it does not. */
  notifiedSince(recipient: string, monitor: string, at: number): number {
    const notifies = ({ config }: { config: Config }) =>
      config.monitors.some(({ name, notify }) => name === monitor && notify.includes(recipient))
    const until = this.configs.filter(({ from }) => from <= at)
    const not = until.findLastIndex((one) => !notifies(one))
    return until[not + 1]?.from ?? Number.POSITIVE_INFINITY
  }

  /** Every probe that was ever watched. */
  probes(): readonly Probe[] {
    const all = this.configs.flatMap(({ config }) => config.monitors.flatMap((monitor) => monitor.probes))
    return [...new Map(all.map((probe) => [probe.id, probe])).values()]
  }

  /** What AWS truly answers to a probe, from when on; what it means and who of AWS says it. */
  answersTo(probe: Probe): readonly (Span & Readonly<{ answer: Answer; meaning: Meaning }>)[] {
    type Target = { operation: string | null; account: string | null; answer: Answer }
    let targets: Target[] = []
    const changes: { at: number; answer: Answer }[] = [{ at: 0, answer: 'ok' }]
    for (const { at, deed } of this.drawn.scenario.happenings) {
      if (deed.verb !== 'account') continue
      const { operation, account, answer } = deed
      targets = operation === null && account === null ? [deed] : [...targets, { operation, account, answer }]
      const meant = targets.findLast(
        (one) =>
          (one.operation === null || one.operation === probe.call.operation) &&
          (one.account === null || one.account === probe.account),
      )
      changes.push({ at, answer: meant?.answer ?? 'ok' })
    }
    return changes.map(({ at, answer }, i) => ({
      from: at,
      to: changes[i + 1]?.at ?? this.end,
      answer,
      meaning: meaningOf(answer, probe.call.operation),
    }))
  }

  /** Where a probe is not part of the configuration. */
  unwatched(probe: Probe): readonly Span[] {
    return this.configs.flatMap(({ from, config }, i) =>
      config.monitors.some((monitor) => monitor.probes.some(({ id }) => id === probe.id))
        ? []
        : [{ from, to: this.configs[i + 1]?.from ?? this.end }],
    )
  }

  /** The stretches in which a watched probe truly fails, each in one family. */
  failing(probe: Probe): readonly Failing[] {
    const stretches: { from: number; to: number; family: Failing['family']; services: Set<'ACCOUNT' | 'STS'> }[] = []
    for (const { from, to, answer, meaning } of this.answersTo(probe)) {
      if (meaning !== 'outage' && meaning !== 'misconfigured') continue
      const service = answer === 'sts-500' ? 'STS' : 'ACCOUNT'
      const last = stretches.at(-1)
      if (last !== undefined && last.to === from && last.family === meaning) {
        last.to = to
        last.services.add(service)
      } else stretches.push({ from, to, family: meaning, services: new Set([service]) })
    }
    const away = this.unwatched(probe)
    return stretches.flatMap((stretch) => without(stretch, away).map((span) => ({ ...stretch, ...span })))
  }

  /**
   * Parts of a span in which nothing of ours was amiss, nobody had asked for silence over this probe, none over others had just
   * ended, and one configuration stood.
   */
  calm(span: Span, probe: Covered): readonly Span[] {
    const silences = this.silenced.map(({ from, to, scope }) => (covers(scope, probe) ? { from, to } : { from: to, to: to + 1 }))
    return without(span, [...this.disturbed, ...silences])
  }

  /** Could anything that AWS said be taken to explain such a failure, at any time of this span? */
  mayBeExplained({ services, from: began }: Failing, { from, to }: Span, lingersMs: number): boolean {
    const isBehind = this.behindUntil(to)
    return this.drawn.posted.some((posted) => {
      // By a clock that is slow, an event that is over still lasts for those who see it for the first time.
      const lingers = isBehind && posted.to < began + SEEN_WITHIN ? Number.POSITIVE_INFINITY : lingersMs + (posted.lingersMs ?? 0)
      const mayExplain = [...services].some((service) => posted.bearings[service] !== 'does not')
      return posted.from < to && posted.to + lingers > from && mayExplain
    })
  }

  /** The moments of a span from which on something that AWS said explains no more, and its begin. */
  turnsWithin({ from, to }: Span, lingersMs: number): readonly number[] {
    return [
      from,
      ...this.drawn.posted.map((posted) => posted.to + lingersMs + (posted.lingersMs ?? 0)).filter((at) => at > from && at < to),
    ]
  }

  /** Was it beyond doubt, for anyone who asked, that this explains such a failure, all of the time? */
  surelyExplained(services: ReadonlySet<'ACCOUNT' | 'STS'>, span: Span): boolean {
    if (this.jumps.length > 0 || overlaps(span, this.cutOff) || overlaps(span, this.unasked)) return false
    const fits = ({ from, to, bearings, startsAt }: Posted) =>
      from <= span.from - 2 * MINUTE &&
      to >= span.to &&
      startsAt - 40 * MINUTE <= span.from &&
      [...services].every((service) => bearings[service] === 'explains')
    return this.drawn.posted.some(fits)
  }

  /** When not both sources answered. */
  private get unasked(): readonly Span[] {
    return [
      ...this.spansOf((deed) => (deed.verb === 'api' ? deed.state !== 'ok' : null)),
      ...this.spansOf((deed) => (deed.verb === 'dashboard' ? deed.state !== 'ok' : null)),
      // A refusal is remembered for a day.
      ...this.spansOf((deed) => (deed.verb === 'api' && deed.state === 'subscription-required' ? true : null)),
    ]
  }

  downWithin(span: Span): boolean {
    return overlaps(span, this.asleep)
  }
}

/** Three runs, and the reading by which they are judged. */
const SEEN_WITHIN = 4 * MINUTE
/** An order is read within five seconds. */
const SILENCED_WITHIN = 10_000
/** A clock that was set is noticed with the next look at it. */
const NOTICED_WITHIN = 31_000

export function overlaps(span: Span, others: readonly Span[]): boolean {
  return others.some(({ from, to }) => from < span.to && to > span.from)
}

/** What is left of a span when others are taken out of it. */
function without(span: Span, others: readonly Span[]): readonly Span[] {
  let left: Span[] = [{ from: span.from, to: span.to }]
  for (const { from, to } of others) {
    left = left.flatMap((one) => {
      if (to <= one.from || from >= one.to) return [one]
      return [
        { from: one.from, to: from },
        { from: to, to: one.to },
      ].filter((part) => part.to > part.from)
    })
  }
  return left.toSorted((a, b) => a.from - b.from)
}

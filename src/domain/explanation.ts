import { inWords, utc } from './duration.ts'
import type { EventEnd, Judgement, LapseCause } from './incident.ts'
import { endOf, testWidth } from './judge.ts'
import { type HealthEvent, type HealthReading, SOURCE_NAME } from './outage.ts'
import type { Instant } from './probe.ts'
import type { Alibi, Peers, Verdict } from './verdict.ts'

/** How many ends of events are remembered for one probe: the newest. */
const MAX_ENDS = 20

/** A probe that was not judged yet. */
export const NEVER_JUDGED: Judgement = {
  verdict: { kind: 'undetermined', why: 'not judged yet', rejected: [] },
  carried: null,
  alibi: null,
  lapsed: null,
  readAt: null,
  ends: [],
}

/**
 * A reading as a probe sees it that has seen the end of some of these events before. An end ahead of our clock counts as now
 * (`endOf`): asked again it would move along with our clock, and an explanation that is over would stand for as long as our clock
 * is behind. So the end that was seen first stands, unless the event is seen open again.
 */
export function withFirstEnds(reading: HealthReading, ends: readonly EventEnd[], now: Instant): HealthReading {
  if (ends.length === 0) return reading
  const events = reading.events.map((event) => {
    const first = ends.find(({ arn }) => arn === event.arn)
    const end = first === undefined ? null : endOf(event, now)
    return first === undefined || end === null || end <= first.at ? event : endedAt(event, first.at)
  })
  return { ...reading, events }
}

const ended = new WeakMap<HealthEvent, HealthEvent>()
/** The event as one that ended then: made once for the probes that saw it end together, so that its text is read once. */
function endedAt(event: HealthEvent, at: Instant): HealthEvent {
  const known = ended.get(event)
  if (known?.endedAt === at) return known
  const made = { ...event, endedAt: at }
  ended.set(event, made)
  return made
}

/** The ends of events that explain or explained this probe, after one more reading; what is open again has none. */
function endsAfter(was: Judgement, judged: Verdict, reading: HealthReading, now: Instant): readonly EventEnd[] {
  const known = was.ends
  const arns = new Set([...known.map(({ arn }) => arn), ...(was.alibi === null ? [] : [was.alibi.arn])])
  if (judged.kind === 'explained') arns.add(judged.by.arn)
  const ends = [...arns].flatMap((arn) => {
    const event = reading.events.find((one) => one.arn === arn)
    if (event === undefined) return known.filter((one) => one.arn === arn)
    const at = endOf(event, now)
    return at === null ? [] : [{ arn, at }]
  })
  return ends.slice(-MAX_ENDS)
}

type Circumstances = Readonly<{
  /** When the run that is judged began: time passes by runs, so that a silence ends only on a fresh one. */
  runAt: Instant
  extensionMs: number
  peers: () => Peers
  now: Instant
  /** The start of the last run, if that was so long ago that the last state stands (`blind`); else `null`. */
  silentSince?: Instant | null
}>

/**
 * `suppression` and `lapsed-explanation`: which verdict counts, given the judge's newest one and the explanation that was given
 * before.
 *
 * An explanation is not dropped at once: it stands for `extension`, counted from the event's end, or from the last reading that
 * held the event if it vanished, no longer matches, or could not be confirmed. A run that began later is judged by what is
 * known now, and `lapsed` says how the explanation ended. Only our own evidence ends it at once: that the others are ok (the
 * test of width) can be known only later, when they have run, but was true all along.
 *
 * @param reading with the ends that were seen first (`withFirstEnds`)
 */
export function settleJudgement(
  was: Judgement,
  judged: Verdict,
  reading: HealthReading,
  circumstances: Circumstances,
): Judgement {
  const { runAt, extensionMs, peers, now, silentSince = null } = circumstances
  const ends = endsAfter(was, judged, reading, now)
  const after = { readAt: reading.at, ends }
  if (judged.kind === 'explained') {
    const end = endOf(judged.by, now)
    const until = (end ?? reading.at) + extensionMs
    const alibi = { arn: judged.by.arn, confirmedAt: reading.at, until, open: end === null }
    return { ...after, verdict: judged, carried: null, alibi, lapsed: null }
  }
  const { alibi, verdict } = was
  if (alibi === null || verdict.kind !== 'explained') {
    return { ...after, verdict: judged, carried: null, alibi: null, lapsed: was.lapsed }
  }
  const held = reading.events.find((event) => event.arn === alibi.arn)
  const end = held === undefined ? (ends.find(({ arn }) => arn === alibi.arn)?.at ?? null) : endOf(held, now)
  // Counted again each time: a changed policy holds from this run on (`config-change`), and its timer keeps its origin.
  const until = (end ?? alibi.confirmedAt) + extensionMs
  const { how, cause } =
    end === null
      ? howItWasLost(verdict.by, judged, reading, now - alibi.confirmedAt)
      : { how: `AWS says that ${verdict.by.code} ended at ${utc(end)}`, cause: 'over' as const }
  const isPublic = held === undefined ? verdict.by.sources.includes('dashboard') : held.scope === 'PUBLIC'
  const width = isPublic ? testWidth(peers()) : null
  if (width !== null) {
    const why = how.includes(width) ? how : `${how}, and ${width}`
    return { ...after, verdict: judged, carried: null, alibi: null, lapsed: { arn: alibi.arn, at: now, cause: 'alone', why } }
  }
  if (runAt <= until) {
    const carried = `${how}; the explanation stands until ${utc(until)}`
    const standing: Verdict = { ...verdict, by: asLastSeen(verdict.by, held), rejected: judged.rejected }
    return { ...after, verdict: standing, carried, alibi: { ...alibi, until, open: alibi.open && end === null }, lapsed: null }
  }
  const still =
    silentSince === null
      ? `a run begun ${inWords(runAt - until)} after the ${inWords(extensionMs)} of grace still failed`
      : `there was no conclusive run since ${utc(silentSince)}, when it failed`
  const lapsed = { arn: alibi.arn, at: until, cause, why: `${how}, and ${still}` }
  return { ...after, verdict: judged, carried: null, alibi: null, lapsed }
}

function asLastSeen(by: Alibi, event: HealthEvent | undefined): Alibi {
  if (event === undefined) return by
  return { ...by, status: event.status, endedAt: event.endedAt, updatedAt: event.updatedAt }
}

/** Why an event that explained a moment ago, and is not over, does so no longer. */
function howItWasLost(
  by: Alibi,
  judged: Verdict,
  reading: HealthReading,
  unseenMs: number,
): Readonly<{ how: string; cause: LapseCause }> {
  const silent = by.sources.filter((source) => {
    const said = reading.sources[source]
    return said?.state !== 'answered' || said.unproven === true
  })
  if (silent.length > 0 && !reading.events.some((event) => event.arn === by.arn)) {
    const names = silent.map((source) => {
      const detail = reading.sources[source]?.detail ?? 'it is no longer configured'
      return `${SOURCE_NAME[source]} could not be asked (${detail})`
    })
    return { how: `${by.code} was last seen ${inWords(unseenMs)} ago: ${names.join(', ')}`, cause: 'unasked' }
  }
  const miss = judged.rejected.find((near) => near.arn === by.arn)
  if (miss !== undefined) return { how: `${by.code} no longer explains it: ${miss.why}`, cause: 'unfit' }
  return { how: `${by.code} has vanished from AWS Health`, cause: 'vanished' }
}

import { inWords, utc } from './duration.ts'
import type { EventEnd, Judgement, LapseCause } from './incident.ts'
import { endOf, testWidth } from './judge.ts'
import { type HealthEvent, type HealthReading, SOURCE_NAME } from './outage.ts'
import type { Instant } from './probe.ts'
import type { Peers, Verdict } from './verdict.ts'

/** Most ends of events that are remembered of one probe: the newest. */
const MAX_ENDS = 20

/** A probe that was not judged yet. */
export const NEVER_JUDGED: Judgement = {
  verdict: { kind: 'undetermined', why: 'not judged yet', rejected: [] },
  carried: null,
  alibi: null,
  lapsed: null,
  readAt: null,
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
  const known = was.ends ?? []
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

/**
 * `suppression` and `lapsed-explanation`: which verdict counts, given the judge's newest one and the explanation that was given
 * before.
 *
 * An explanation is never dropped on the spot: it stands for `extension`, counted from the event's end, or from the last
 * reading that held it where it vanished, no longer matches, or could not be asked. A run begun later than that is judged
 * by what is known now, and `lapsed` says how the explanation ended. Only our own evidence ends it at once: that the others
 * are well (the test of width) can but come later than the explanation, when they have run, and was true all along.
 *
 * @param reading with the ends that were first seen (`withFirstEnds`)
 * @param runAt begin of the run that was judged: time passes by runs, so that a silence ends only on a fresh one
 * @param silentSince where there was no such run, for none has said anything since then: the last state stands; else `null`
 */
export function settleJudgement(
  was: Judgement,
  judged: Verdict,
  reading: HealthReading,
  runAt: Instant,
  extensionMs: number,
  peers: () => Peers,
  now: Instant,
  silentSince: Instant | null = null,
): Judgement {
  const ends = endsAfter(was, judged, reading, now)
  const after = { readAt: reading.at, ...(ends.length === 0 ? {} : { ends }) }
  if (judged.kind === 'explained') {
    const end = endOf(judged.by, now)
    const until = (end ?? reading.at) + extensionMs
    const alibi = { arn: judged.by.arn, confirmedAt: reading.at, until, open: end === null }
    return { ...after, verdict: judged, carried: null, alibi, lapsed: null }
  }
  const { alibi } = was
  if (alibi === null || was.verdict.kind !== 'explained') {
    return { ...after, verdict: judged, carried: null, alibi: null, lapsed: was.lapsed }
  }
  const held = reading.events.find((event) => event.arn === alibi.arn)
  const end = held === undefined ? (ends.find(({ arn }) => arn === alibi.arn)?.at ?? null) : endOf(held, now)
  // Counted anew each time: a policy that was changed meanwhile holds from this run on (`config-change`), its timer from where it
  // began.
  const until = (end ?? alibi.confirmedAt) + extensionMs
  const { how, cause } = howItEnded(was, judged, reading, end, now)
  const isPublic = held === undefined ? was.verdict.by.sources.includes('dashboard') : held.scope === 'PUBLIC'
  const width = isPublic ? testWidth(peers()) : null
  if (width !== null) {
    const why = how.includes(width) ? how : `${how}, and ${width}`
    return { ...after, verdict: judged, carried: null, alibi: null, lapsed: { arn: alibi.arn, at: now, cause: 'alone', why } }
  }
  if (runAt <= until) {
    const by =
      held === undefined
        ? was.verdict.by
        : { ...was.verdict.by, status: held.status, endedAt: held.endedAt, updatedAt: held.updatedAt }
    const verdict: Verdict = { kind: 'explained', by, why: was.verdict.why, rejected: judged.rejected }
    const carried = `${how}; the explanation stands until ${utc(until)}`
    return { ...after, verdict, carried, alibi: { ...alibi, until, open: alibi.open && end === null }, lapsed: null }
  }
  const still =
    silentSince === null
      ? `a run begun ${inWords(runAt - until)} after the ${inWords(extensionMs)} of grace still failed`
      : `no run has said anything since ${utc(silentSince)}, when it failed`
  const lapsed = { arn: alibi.arn, at: until, cause, why: `${how}, and ${still}` }
  return { ...after, verdict: judged, carried: null, alibi: null, lapsed }
}

/** Why the explanation of a moment ago is none any more. */
function howItEnded(
  was: Judgement,
  judged: Verdict,
  reading: HealthReading,
  end: Instant | null,
  now: Instant,
): { how: string; cause: LapseCause } {
  if (was.verdict.kind !== 'explained') return { how: '', cause: 'unfit' }
  const { by } = was.verdict
  if (end !== null) return { how: `AWS says that ${by.code} ended at ${utc(end)}`, cause: 'over' }
  const silent = by.sources.filter((source) => {
    const said = reading.sources[source]
    return said?.state !== 'answered' || said.unproven === true
  })
  if (silent.length > 0 && !reading.events.some((event) => event.arn === by.arn)) {
    const names = silent.map(
      (source) =>
        `${SOURCE_NAME[source]} could not be asked (${reading.sources[source]?.detail ?? 'it is no longer configured'})`,
    )
    const how = `${by.code} was last seen ${inWords(now - (was.alibi?.confirmedAt ?? now))} ago: ${names.join(', ')}`
    return { how, cause: 'unasked' }
  }
  const miss = judged.rejected.find((near) => near.arn === by.arn)
  if (miss !== undefined) return { how: `${by.code} no longer explains it: ${miss.why}`, cause: 'unfit' }
  return { how: `${by.code} has vanished from AWS Health`, cause: 'vanished' }
}

import { inWords, utc } from './duration.ts'
import type { LapseCause, Standing } from './incident.ts'
import { endOf, testWidth } from './judge.ts'
import type { HealthReading, Source } from './outage.ts'
import type { Instant } from './probe.ts'
import type { Peers, Verdict } from './verdict.ts'

const SOURCE_NAME: Readonly<Record<Source, string>> = { api: 'the Health API', dashboard: 'the public dashboard' }

/** A probe that was not judged yet. */
export const NEVER_JUDGED: Standing = {
  verdict: { kind: 'undetermined', why: 'not judged yet', nearMisses: [] },
  carried: null,
  alibi: null,
  lapsed: null,
  readAt: null,
}

/**
 * Rules 3 and 6: which verdict counts, given the judge's newest one and the explanation that was given before.
 *
 * An explanation is never dropped on the spot: it stands for `extension`, counted from the event's end, or from the last
 * reading that held it where it vanished, no longer matches, or could not be asked. A run begun later than that is judged
 * by what is known now, and `lapsed` says how the explanation ended. Only our own evidence ends it at once: that the others
 * are well (the test of width) can but come later than the explanation, when they have run, and was true all along.
 *
 * @param runAt begin of the run that was judged: time passes by runs, so that a silence ends only on a fresh one
 * @param silentSince where there was no such run, for none has said anything since then: the last state stands; else `null`
 */
export function settleStanding(
  was: Standing,
  judged: Verdict,
  reading: HealthReading,
  runAt: Instant,
  extensionMs: number,
  peers: () => Peers,
  now: Instant,
  silentSince: Instant | null = null,
): Standing {
  if (judged.kind === 'explained') {
    const end = endOf(judged.by, now)
    const until = (end ?? reading.at) + extensionMs
    const alibi = { arn: judged.by.arn, confirmedAt: reading.at, until, open: end === null }
    return { verdict: judged, carried: null, alibi, lapsed: null, readAt: reading.at }
  }
  const { alibi } = was
  if (alibi === null || was.verdict.kind !== 'explained') {
    return { verdict: judged, carried: null, alibi: null, lapsed: was.lapsed, readAt: reading.at }
  }
  const held = reading.events.find((event) => event.arn === alibi.arn)
  const end = held === undefined ? null : endOf(held, now)
  const until = end === null ? alibi.until : end + extensionMs
  const { how, cause } = howItEnded(was, judged, reading, end, now)
  const isPublic = held === undefined ? was.verdict.by.sources.includes('dashboard') : held.scope === 'PUBLIC'
  const width = isPublic ? testWidth(peers()) : null
  if (width !== null) {
    const why = how.includes(width) ? how : `${how}, and ${width}`
    const lapsed = { arn: alibi.arn, at: now, cause: 'alone', why } as const
    return { verdict: judged, carried: null, alibi: null, lapsed, readAt: reading.at }
  }
  if (runAt <= until) {
    const by =
      held === undefined
        ? was.verdict.by
        : { ...was.verdict.by, status: held.status, endedAt: held.endedAt, updatedAt: held.updatedAt }
    const verdict: Verdict = { kind: 'explained', by, why: was.verdict.why, nearMisses: judged.nearMisses }
    const carried = `${how}; the explanation stands until ${utc(until)}`
    return { verdict, carried, alibi: { ...alibi, until, open: alibi.open && end === null }, lapsed: null, readAt: reading.at }
  }
  const still =
    silentSince === null
      ? `a run begun ${inWords(runAt - until)} after the ${inWords(extensionMs)} of grace still failed`
      : `no run has said anything since ${utc(silentSince)}, when it failed`
  const lapsed = { arn: alibi.arn, at: until, cause, why: `${how}, and ${still}` }
  return { verdict: judged, carried: null, alibi: null, lapsed, readAt: reading.at }
}

/** Why the explanation of a moment ago is none any more. */
function howItEnded(
  was: Standing,
  judged: Verdict,
  reading: HealthReading,
  end: Instant | null,
  now: Instant,
): { how: string; cause: LapseCause } {
  if (was.verdict.kind !== 'explained') return { how: '', cause: 'unfit' }
  const { by } = was.verdict
  if (end !== null) return { how: `AWS says that ${by.code} ended at ${utc(end)}`, cause: 'over' }
  const silent = by.sources.filter((source) => reading.sources[source].state !== 'answered')
  if (silent.length > 0 && !reading.events.some((event) => event.arn === by.arn)) {
    const names = silent.map((source) => `${SOURCE_NAME[source]} could not be asked (${reading.sources[source].detail})`)
    const how = `${by.code} was last seen ${inWords(now - (was.alibi?.confirmedAt ?? now))} ago: ${names.join(', ')}`
    return { how, cause: 'unasked' }
  }
  const miss = judged.nearMisses.find((near) => near.arn === by.arn)
  if (miss !== undefined) return { how: `${by.code} no longer explains it: ${miss.why}`, cause: 'unfit' }
  return { how: `${by.code} has vanished from AWS Health`, cause: 'vanished' }
}

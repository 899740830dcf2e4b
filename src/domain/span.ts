import type { Incident, Member } from './incident.ts'
import type { Instant } from './probe.ts'

/** From the first failed run to the ok run with which the last probe recovered; `to` is `null` while it lasts. */
export type Span = Readonly<{ from: Instant; to: Instant | null }>

/**
 * How long an incident lasted, the same wherever it is shown: in emails, on the page, in the terminal and in the digest.
 * @param members those that it is shown for, if not for all
 */
export function spanOf(incident: Incident, members: readonly Member[] = incident.members): Span {
  const present = presentOf(members, incident)
  const from = present.length === 0 ? incident.openedAt : Math.min(...present.map(({ onset }) => onset))
  const ends = present.flatMap(({ recoveredAt }) => (recoveredAt === null ? [] : [recoveredAt]))
  // Some may never have recovered: what is no longer watched leaves its incident as it was.
  const isWell = present.length > 0 && ends.length === present.length
  return { from, to: isWell ? Math.max(...ends) : incident.closedAt }
}

/** Those that failed in the current episode: a reopened incident still holds the members of the one before. */
export function presentOf(members: readonly Member[], { episodeAt }: Pick<Incident, 'episodeAt'>): readonly Member[] {
  return members.filter(({ recoveredAt }) => recoveredAt === null || recoveredAt >= episodeAt)
}

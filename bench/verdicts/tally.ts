import { MINUTE_MS } from '../../src/domain/probe.ts'
import { median, rounded } from '../figure.ts'
import { MIXED, MIXES, type Played, type PolicyName } from './policies.ts'
import { type Case, type Replayed, replay } from './replay.ts'
import type { Part } from './sets.ts'

export type Row = Readonly<{
  wronglySilent: number
  silent: number
  explainedLater: number
  /** `null`: no mail at all. */
  medianMinutesToMail: number | null
  mailsPerOutage: number
  n: number
}>

/** From the moment that there is no excuse: the mail gathers at most half a minute, and the others run once a minute. */
const GRACE_MS = 2 * MINUTE_MS
const HOLD_RULE = 'hold'
const SILENCE = 'no silence without a related event that is public'

export const POLICY_NAMES: readonly PolicyName[] = [
  'alibi',
  'alibiDashboard',
  'alibiQueue',
  'everyFailure',
  'threshold',
  'anyOpenEvent',
  'accountOnly',
]

class Column {
  private wronglySilent = 0
  private silent = 0
  private explainedLater = 0
  private mails = 0
  private n = 0
  private readonly minutes: number[] = []

  add(is: Case, was: Replayed, policy: Played): void {
    const { firstAt, count } = was.mails[policy]
    this.n += 1
    this.mails += count
    if (isWronglySilent(was, firstAt)) this.wronglySilent += 1
    else if (firstAt === null) this.silent += 1
    if (firstAt !== null) this.minutes.push((firstAt - is.onset) / MINUTE_MS)
    if (policy === 'alibi' && was.explainedAt !== null) this.explainedLater += 1
  }

  row(): Row {
    const { wronglySilent, silent, explainedLater, n, mails, minutes } = this
    const medianMinutesToMail = minutes.length === 0 ? null : rounded(median(minutes), 1)
    return { wronglySilent, silent, explainedLater, medianMinutesToMail, mailsPerOutage: rounded(mails / Math.max(1, n), 2), n }
  }
}

function isWronglySilent({ unexcusedAt }: Replayed, firstAt: number | null): boolean {
  return unexcusedAt !== null && (firstAt === null || firstAt > unexcusedAt + GRACE_MS)
}

/** What was promised of each failure, and a failure that broke it. */
type Broken = Readonly<{ part: string; promise: string; onset: number }>
export type Result = Readonly<{
  sets: Readonly<Record<string, Readonly<Record<PolicyName, Row>>>>
  broken: readonly Broken[]
  /** Failures that AWS explained so long that Alibi spoke of them after `holdAtMost` (`hold`). */
  held: number
  /** Failures that were over when their event was posted, and of which the ledger says so (`late-explanation`). */
  hindsights: number
}>

export function measure(parts: readonly Part[], say: (text: string) => void): Result {
  const columns = new Map<string, Map<PolicyName, Column>>()
  const broken: Broken[] = []
  let [held, hindsights] = [0, 0]
  for (const { set, part, cases } of parts) {
    const began = performance.now()
    for (const is of cases) {
      const was = replay(is)
      const mixed = new Map<PolicyName, Replayed>(MIXED.map((name) => [name, replay(is, MIXES[name])]))
      for (const name of [set, `${set}-${part}`]) {
        const column = columns.get(name) ?? new Map(POLICY_NAMES.map((policy) => [policy, new Column()]))
        columns.set(name, column)
        for (const policy of POLICY_NAMES) {
          const other = mixed.get(policy)
          column.get(policy)?.add(is, other ?? was, other === undefined ? (policy as Played) : 'alibi')
        }
      }
      const promise = promiseBroken(set, is, was)
      if (promise !== null) broken.push({ part: `${set}-${part}`, promise, onset: is.onset })
      for (const [name, other] of mixed) {
        if (!isWronglySilent(other, other.mails.alibi.firstAt)) continue
        broken.push({ part: `${set}-${part} (${name})`, promise: SILENCE, onset: is.onset })
      }
      if (was.firstRule === HOLD_RULE) held += 1
      if (was.mails.alibi.firstAt !== null && was.hindsightAt !== null) hindsights += 1
    }
    say(`${set}-${part}: ${cases.length} failures, ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  }
  const sets = Object.fromEntries(
    [...columns].map(([name, column]) => [name, Object.fromEntries([...column].map(([policy, one]) => [policy, one.row()]))]),
  ) as Result['sets']
  return { sets, broken, held, hindsights }
}

/** What a set promises of Alibi; `null` where it is kept. */
function promiseBroken(set: Part['set'], is: Case, was: Replayed): string | null {
  const { firstAt } = was.mails.alibi
  if (isWronglySilent(was, firstAt)) return SILENCE
  if (set !== 'a') return null
  if (firstAt === null) return null
  if (was.firstRule !== HOLD_RULE && (was.unexcusedAt === null || firstAt < was.unexcusedAt))
    return 'silence while a related event is public'
  // The first reading, from the mail on, for which an event was public: it owes the news.
  const due = was.readings.find((at) => is.alibiAt(at))
  if (was.firstRule !== HOLD_RULE && due !== undefined && was.explainedAt !== due)
    return 'now-explained at the first reading after the post'
  if (was.firstRule !== HOLD_RULE && was.explainedAt === null)
    return 'what was mailed is explained, in the end, by mail or ledger'
  return null
}

import { errorName } from '../domain/error-name.ts'
import type { Incident } from '../domain/incident.ts'
import type { Facts } from '../domain/notification.ts'
import { spanOf } from '../domain/span.ts'
import { foreign } from './foreign.ts'
import { LIMITS, type Limits } from './limits.ts'
import { supportBlock } from './support-block.ts'
import { iso, spanBetween } from './times.ts'

/** CreateCase takes a body of 8000 characters at most (client-support: communicationBody); the form at the console as well. */
export const MAX_BODY = 8_000
const MAX_SUBJECT = 150

/** A case as it can be handed to AWS Support. */
export type SupportCase = Readonly<{ subject: string; body: string; plan: string }>

/**
 * Who may open such a case. (about-support-api: the Support API asks for the same plans as the Health API; Developer, Business
 * and Enterprise On-Ramp end on 2027-01-01.)
 */
const PLAN =
  'A technical case needs a paid support plan: Business Support+, Enterprise Support or Unified Operations (until the end of 2026 also Developer, Business and Enterprise On-Ramp). With Basic Support there are cases about account and billing only; AWS re:Post is open to all. Alibi opens no case itself: it never writes.'

export type CaseInput = Readonly<{
  incident: Incident
  /** What failed, the latest runs last, and who asked. */
  facts: Pick<Facts, 'sentBy' | 'probes' | 'others'>
  /** Configured sentences about what does not work meanwhile. */
  impacts: readonly string[]
  now: number
}>

/** Subject and body, ready to be sent: plain text, in the order in which it is read there. */
export function supportCase({ incident, facts, impacts, now }: CaseInput): SupportCase {
  const limits: Limits = { ...(LIMITS[0] as Limits), probes: 5 }
  const first = facts.probes[0]
  const { from: onset, to: end } = spanOf(incident)
  const telling = first?.evidence
    .findLast(({ result }) => result === 'failed')
    ?.tries.findLast(({ kind }) => kind !== 'throttled')
  const error = telling === undefined ? 'errors' : foreign(errorName(telling), limits.word)
  const operations = [...new Set(facts.probes.map(({ operation }) => foreign(operation.split(' ')[0] ?? operation, limits.word)))]
  const [which, answer] =
    operations.length === 1
      ? [`account:${operations[0]}`, 'answers']
      : ['several read-only operations of AWS Account Management', 'answer']
  const lasts =
    end === null
      ? `It still fails as of ${iso(now)}, after ${spanBetween(onset, now)}.`
      : `It ended at ${iso(end)}, after ${spanBetween(onset, end)}.`
  const head = [
    `Since ${iso(onset)}, ${which} ${answer} ${error} to calls that worked before. ${lasts}`,
    ...impacts.slice(0, 3).map((impact) => `Impact for us: ${foreign(impact, limits.sentence)}`),
    `AWS Health: ${healthOf(incident, limits)}`,
    '',
    'Please tell us: is this known, what is the cause, is there a workaround, and when will it be over?',
    '',
  ]
  const room = MAX_BODY - head.join('\n').length - 1
  const body = [...head, ...supportBlock(facts, { ...limits, support: Math.max(0, room - 60) })].join('\n')
  return {
    subject: foreign(`AWS Account Management: ${error} from ${which}, since ${iso(onset).slice(0, 16)}Z`, MAX_SUBJECT),
    body: body.slice(0, MAX_BODY),
    plan: PLAN,
  }
}

function healthOf({ members, verdict, explainedBy }: Incident, limits: Limits): string {
  const by = members.flatMap(({ standing }) => (standing.verdict.kind === 'explained' ? [standing.verdict.by] : []))[0]
  if (by !== undefined) return `${foreign(by.arn, limits.sentence)} seems to be the cause (${by.status}).`
  if (explainedBy !== null)
    return `${foreign(explainedBy, limits.sentence)} seemed to be the cause, and does not explain it any more.`
  return verdict === 'undetermined'
    ? 'we could not ask it, or not all of it.'
    : 'we found no event, public or of our account, that explains this.'
}
